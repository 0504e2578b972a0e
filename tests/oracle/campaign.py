"""`python -m tests.oracle.campaign [--plant-days N] [--seed S] [--keep FOLDER]`: Spark against the oracle on many plants.

What differs is shrunk and written as a worked case that `tests/unit/gold/test_cases.py` can run. Ends with 1 if anything differed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from pyspark.sql import SparkSession

from lakehouse.services.render import render
from lakehouse.settings import Settings
from lakehouse.setup.jdks import find_jdk
from lakehouse.spark.session import session
from tests.oracle.generate import Generated, seeded
from tests.oracle.shrink import reduced
from tests.oracle.spark import INSTANTS, kept_case, plant_days, sound, wrong

SITES = 300


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plant-days", type=int, default=10_000, help="days of plants to compare")
    parser.add_argument("--seed", type=int, default=1_000, help="first seed; the same one makes the same plants")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "lakehouse-cases", help="folder for failing cases")
    return parser.parse_args()


def local_session() -> SparkSession:
    """A session without services."""
    os.environ.setdefault("JAVA_HOME", str(find_jdk(17, 17)))
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    settings = Settings(stack="oracle")
    render(settings)
    return session(settings, "oracle", {"spark.sql.shuffle.partitions": "2"})


def shrunk(spark: SparkSession, case: Generated) -> Generated:
    """The smallest plant found that still differs."""
    return reduced(case, lambda candidates: _fails(spark, candidates))


def _fails(spark: SparkSession, candidates: list[Generated]) -> list[bool]:
    accepted = sound(candidates)
    differing = wrong(spark, accepted) if accepted else {}
    return [each.site_id in differing for each in candidates]


def say(line: str) -> None:
    """Print at once: a campaign takes minutes."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    asked = arguments()
    spark, done, differing, seed, begun = local_session(), 0, 0, asked.seed, time.monotonic()
    while done < asked.plant_days:
        plants = sound(seeded(seed, SITES, as_of=INSTANTS[seed % len(INSTANTS)]))
        found = wrong(spark, plants)
        done, differing = done + plant_days(plants), differing + len(found)
        say(f"seed {seed}: {len(plants)} plants, {done} plant-days so far, {differing} plants differ, {time.monotonic() - begun:.0f} s")
        for site in list(found)[:1]:
            small = shrunk(spark, next(each for each in plants if each.site_id == site))
            say("\n".join(wrong(spark, [small])[small.site_id][:10]))
            say(f"kept as {kept_case(small, asked.keep / f'K-{site}')}: move it to tests/cases and run pytest tests/unit/gold/test_cases.py")
        seed += 1
    spark.stop()
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
