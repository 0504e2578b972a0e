"""What Great Expectations makes of a declaration: a good table passes, each kind of breach is named with its column."""

import pytest

from lakehouse.model import Column, Table
from lakehouse.quality.expectations import expected, suite_of
from lakehouse.tables.gold import MACHINE_SHIFT

TABLE = Table(
    layer="gold",
    name="sample",
    row="One sample.",
    key=("machine_id", "shift_id"),
    columns=(
        Column("machine_id", "string", "Machine.", required=True),
        Column("shift_id", "string", "Shift.", required=True),
        Column("run_s", "decimal(18,6)", "Time.", required=True),
        Column("unknown_time_ratio", "decimal(38,12)", "Ratio."),
    ),
    write="merge",
    writer="tests",
)
SCHEMA = "machine_id string, shift_id string, run_s decimal(18,6), unknown_time_ratio decimal(38,12)"
GOOD = [("M1", "early", 5, 0), ("M1", "late", 0, 1), ("M2", "early", 7, None)]


def told(spark, *rows):
    from decimal import Decimal

    exact = [tuple(Decimal(value) if isinstance(value, int | float) else value for value in row) for row in rows]
    return [(each.audit, each.violation_count) for each in expected(spark.createDataFrame(exact, SCHEMA), TABLE)]


def test_a_good_table_passes(spark):
    assert told(spark, *GOOD) == [("expectations_of_sample", 0)]


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (("M1", "early", 1, 0), "sample.machine_id/shift_id: expect_compound_columns_to_be_unique"),
        (("M3", None, 1, 0), "sample.shift_id: expect_column_values_to_not_be_null"),
        (("M3", "early", -1, 0), "sample.run_s: expect_column_values_to_be_between"),
        (("M3", "early", 1, 2), "sample.unknown_time_ratio: expect_column_values_to_be_between"),
    ],
)
def test_what_breaks_the_declaration_is_named(spark, row, named):
    broken = dict(told(spark, *GOOD, row))
    assert broken.pop("expectations_of_sample") == 0
    assert list(broken) == [named]
    assert broken[named] >= 1


def test_every_required_column_of_a_real_table_is_expected():
    asked = {(each.configuration.type, each.configuration.kwargs.get("column")) for each in suite_of(MACHINE_SHIFT).expectations}
    required = {column.name for column in MACHINE_SHIFT.columns if column.required}
    assert required == {column for kind, column in asked if kind == "expect_column_values_to_not_be_null"}
