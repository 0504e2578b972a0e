"""Land topics to raw bronze: spark-submit jobs/land_topics.py [--topic T ...] [--drain]."""

import argparse
import sys

from lakehouse.flow.job import run
from lakehouse.flow.land_topics import TopicLanding
from lakehouse.flow.live import TopicStream
from lakehouse.nessie import Nessie
from lakehouse.settings import Settings
from lakehouse.sources.topics import chosen, load_topics
from lakehouse.spark.session import session


def arguments() -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topic", action="append", default=[], help="topic to land; default: all")
    parser.add_argument("--drain", action="store_true", help="stop at what the topics hold now")
    return parser.parse_args()


def work() -> str:
    """Land until told to stop, or until the topics are drained."""
    settings, wanted = Settings(), arguments()
    topics = chosen(load_topics(), wanted.topic)
    spark = session(settings, "land_topics")
    stream = TopicStream(spark, settings, TopicLanding(spark, Nessie(settings.nessie_api), topics))
    stream.finish(stream.start(drain=wanted.drain))
    return f"landed {', '.join(topic.name for topic in topics)}"


if __name__ == "__main__":
    sys.exit(run(work))
