"""The worked cases through Spark's gold, the catalog and Trino's views: the answers a dashboard user gets are the expected ones.

All cases are put in at once, each on its own site, by the function that publications use; then every expected file of a view is asked
from Trino as the dashboard's user.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.flow.spans import shift_spans, touching
from lakehouse.flow.summarise import SilverFrames, summarise
from lakehouse.nessie import Nessie
from lakehouse.plant import PlantModel
from lakehouse.settings import Settings
from lakehouse.spark.schema import struct_of
from lakehouse.spark.write import replace_touched
from lakehouse.tables import gold, silver
from tests.cases.reader import CASES, Case, as_published, differences, key_of

pytestmark = pytest.mark.stack
Ask = Callable[..., list[Sequence[Any]]]
TABLES = {
    "interruptions": silver.MACHINE_INTERRUPTION,
    "counts": silver.MACHINE_COUNT,
    "events": silver.PRODUCTION_EVENT,
    "confirmations": silver.CONFIRMATION,
    "readings": silver.SENSOR_READING,
}
GOLD = ("machine_shift", "time_segment")
QUESTIONS = [
    (case, path.name.removesuffix(".csv")) for case in CASES for path in sorted((case.folder / "expected").glob("*.csv")) if path.stem not in GOLD
]
TOTALS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "oee_ratio": (("earned_good_s",), ("pbt_s",)),
    "mtbf_s": (("apt_s",), ("failure_count",)),
    "mttr_s": (("failure_s",), ("failure_count",)),
    "availability_inherent_ratio": (("apt_s",), ("apt_s", "failure_s")),
}


@pytest.fixture(scope="module")
def published(core: Settings, spark: SparkSession, nessie: Nessie) -> None:
    """Gold rows of all cases on main."""
    for group in as_published(CASES):
        publish_group(spark, nessie, group)


def publish_group(spark: SparkSession, nessie: Nessie, cases: Sequence[Case]) -> None:
    plant = PlantModel({site: model for case in cases for site, model in case.plant.sites.items()})

    def frame(name: str) -> Any:
        table = TABLES[name]
        rows = [tuple(row[column] for column in table.column_names) for case in cases for row in case.rows(table.name)]
        return spark.createDataFrame(rows, struct_of(table))

    shifts = [shift for case in cases for shift in case.machine_shifts()]
    made = summarise(spark, plant, shifts, SilverFrames(**{name: frame(name) for name in TABLES}), max(case.as_of for case in cases), 1)
    segments = made.time_segment.persist()
    with nessie.work_branch("cases") as branch:
        replace_touched(segments, gold.TIME_SEGMENT, branch, touching(spark, shift_spans(shifts), "segment_start_at"))
        replace_touched(made.machine_shift, gold.MACHINE_SHIFT, branch, touching(spark, shift_spans(shifts), "shift_start_at"))
        nessie.merge(branch, "worked cases")
    segments.unpersist()


def answer(ask: Ask, case: Case, view: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    rows = ask(f"SELECT {', '.join(columns)} FROM kpi.plant.{view} WHERE site_id = '{case.site_id}'", user="superset")
    return [dict(zip(columns, row, strict=True)) for row in rows]


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(("case", "expected_file"), QUESTIONS, ids=lambda value: value.name if isinstance(value, Case) else value)
def test_case_on_trino(ask: Ask, case: Case, expected_file: str) -> None:
    expected = case.expected(expected_file)
    view, _, total = expected_file.partition(".")
    if total:
        (row,) = expected
        summed = [name for name in row if name not in TOTALS]
        rows = answer(ask, case, view, summed)
        sums = {name: sum(Fraction(each[name]) for each in rows) for name in summed}
        assert {name: Fraction(row[name]) for name in summed} == sums
        for name in set(row) & set(TOTALS):
            numerator, denominator = (sum(sums[part] for part in parts) for parts in TOTALS[name])
            assert Fraction(row[name]) == numerator / denominator
        return
    found = {key_of(row): row for row in answer(ask, case, view, list(expected[0]))}
    wrong = [f"{key_of(row)} {each}" for row in expected for each in differences(row, found.get(key_of(row), {}))]
    assert not wrong
