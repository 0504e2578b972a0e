"""The pipeline's answer for generated plants: many sites in one run of the function that publications use."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import DataFrame, SparkSession

from lakehouse.flow.summarise import MachineShift, SilverFrames, summarise
from lakehouse.plant import PlantModel, load_plant
from lakehouse.plant.load import read_site
from lakehouse.spark.schema import struct_of
from lakehouse.spark.small_work import small_work
from lakehouse.tables import silver
from tests.oracle.compare import as_case, differences
from tests.oracle.generate import Generated
from tests.oracle.rows import expected

TABLES = {
    "interruptions": silver.MACHINE_INTERRUPTION,
    "counts": silver.MACHINE_COUNT,
    "events": silver.PRODUCTION_EVENT,
    "confirmations": silver.CONFIRMATION,
    "readings": silver.SENSOR_READING,
}
INSTANTS = (
    dt.datetime(2025, 3, 30, 1, 30, tzinfo=dt.UTC),
    dt.datetime(2025, 10, 26, 4, 5, tzinfo=dt.UTC),
    dt.datetime(2025, 3, 10, 2, tzinfo=dt.UTC),
    dt.datetime(2025, 11, 3, 3, 59, 59, 999_999, tzinfo=dt.UTC),
    dt.datetime(2025, 6, 5, 12, tzinfo=dt.UTC),
    dt.datetime(2025, 10, 27, 0, 0, 0, 1, tzinfo=dt.UTC),
)
"""Knowledge times of batches: around both changes of the clock in two zones, and on a plain day."""


def sound(plants: Sequence[Generated]) -> list[Generated]:
    """Those that the plant model accepts; the generator does not know all of its rules, e.g. of exceptions that overlap a neighbour."""
    with tempfile.TemporaryDirectory() as folder:
        return [each for each in plants if not read_site(_written(each, Path(folder)))[1]]


def _written(each: Generated, folder: Path) -> Path:
    path = folder / f"{each.site_id}.yaml"
    path.write_text(yaml.safe_dump(each.plant), encoding="utf-8")
    return path


def wrong(spark: SparkSession, plants: Sequence[Generated]) -> dict[str, list[str]]:
    """Site to what differs between the oracle and Spark; sites without a difference are left out. All plants share their as_of."""
    segments, shifts = found(spark, plants)
    judged = {each.site_id: differences(_wanted(each), segments[each.site_id], shifts[each.site_id]) for each in plants}
    return {site: lines for site, lines in judged.items() if lines}


def _wanted(each: Generated) -> Any:
    return expected(each.plant, each.silver, each.as_of, each.from_at, each.to_at)


Rows = dict[str, list[dict[str, Any]]]


def found(spark: SparkSession, plants: Sequence[Generated]) -> tuple[Rows, Rows]:
    """Segments and machine-shifts by site, as Spark makes them."""
    model, shifts = asked(plants)
    (as_of,) = {each.as_of for each in plants}
    with small_work(spark):
        made = summarise(spark, model, shifts, frames(spark, plants), as_of, 1)
        ledger = made.time_segment.persist()
        try:
            return _by_site(ledger), _by_site(made.machine_shift)
        finally:
            ledger.unpersist()


def asked(plants: Sequence[Generated]) -> tuple[PlantModel, list[MachineShift]]:
    """The plants as the pipeline reads them, and the machine-shifts that are asked for."""
    with tempfile.TemporaryDirectory() as folder:
        for each in plants:
            _written(each, Path(folder))
        model = load_plant([Path(folder)])
    return model, [
        MachineShift(each.site_id, machine["machine_id"], window)
        for each in plants
        for machine in each.plant["machines"]
        for window in model.windows(each.site_id, each.from_at, each.to_at)
    ]


def frames(spark: SparkSession, plants: Sequence[Generated]) -> SilverFrames:
    """Their silver rows; a cancelled confirmation is not in silver."""

    def frame(table: Any) -> DataFrame:
        rows = [row for each in plants for row in each.silver.get(table.name, ()) if row.get("status") != "cancelled" or table.name != "confirmation"]
        return spark.createDataFrame([tuple(row.get(name) for name in table.column_names) for row in rows], struct_of(table))

    return SilverFrames(**{name: frame(table) for name, table in TABLES.items()})


def _by_site(rows: DataFrame) -> Rows:
    sites: Rows = defaultdict(list)
    for row in rows.collect():
        sites[row["site_id"]].append(row.asDict(recursive=True))
    return sites


def kept_case(case: Generated, folder: Path) -> Path:
    """Write a plant as a worked case and return its folder."""
    as_case(case.plant, case.silver, case.as_of, case.from_at, case.to_at, folder)
    return folder


def plant_days(plants: Sequence[Generated]) -> int:
    """Days of plants that were asked for."""
    return sum(max(1, round((each.to_at - each.from_at) / dt.timedelta(days=1))) for each in plants)
