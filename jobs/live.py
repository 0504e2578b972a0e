"""The live application: land, conform and publish the topics continuously. spark-submit jobs/live.py [--drain]."""

import argparse
import signal
import sys
import threading

from lakehouse.flow.job import run
from lakehouse.flow.land_topics import TopicLanding
from lakehouse.flow.live import TopicStream, run_live
from lakehouse.flow.watch import PlantWatch
from lakehouse.nessie import Nessie
from lakehouse.settings import Settings
from lakehouse.sources.topics import load_topics
from lakehouse.spark.session import session


def work() -> str:
    """Run until SIGTERM; with --drain land and conform what the topics hold now, and stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drain", action="store_true", help="land and conform what is there, publish nothing, stop")
    settings, drain, stop = Settings(), parser.parse_args().drain, threading.Event()
    spark = session(settings, "live")
    landing = TopicLanding(spark, Nessie(settings.nessie_api), load_topics())
    stream = TopicStream(spark, settings, landing, PlantWatch(settings.plant_folders))
    if drain:
        stream.finish(stream.start(drain=True))
        return "topics drained"
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    run_live(spark, settings, stream, stop)
    return "stopped"


if __name__ == "__main__":
    sys.exit(run(work))
