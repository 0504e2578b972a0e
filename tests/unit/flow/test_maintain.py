import datetime as dt

import pytest

from lakehouse.flow.maintain import closed_partitions
from lakehouse.tables import ALL, silver
from lakehouse.tables.gold import MACHINE_SHIFT
from lakehouse.tables.ops import PUBLICATION


def ends_at(closed):
    """The instant at which the newest closed partition ends: days and months end where the next one begins."""
    return dt.datetime.combine(closed.before, dt.time(), dt.UTC)


@pytest.mark.parametrize("today", [dt.date(2026, 3, day) for day in (1, 2, 3, 4, 31)] + [dt.date(2026, 1, 1), dt.date(2024, 3, 1)])
@pytest.mark.parametrize("table", [silver.SENSOR_READING, silver.MACHINE_INTERRUPTION, MACHINE_SHIFT], ids=lambda table: table.name)
def test_only_partitions_that_ended_two_days_ago_are_closed_and_the_newest_of_them_is(table, today):
    closed = closed_partitions(table, today)
    limit = dt.datetime.combine(today, dt.time(), dt.UTC) - dt.timedelta(days=2)
    assert ends_at(closed) <= limit
    following = closed.before + dt.timedelta(days=1 if closed.unit == "days" else 32)
    if closed.unit == "months":
        assert closed.before.day == 1
        following = following.replace(day=1)
    assert dt.datetime.combine(following, dt.time(), dt.UTC) > limit


def test_conditions_name_the_column_and_its_partition():
    days = closed_partitions(silver.SENSOR_READING, dt.date(2026, 3, 3))
    assert (days.rows, days.partitions) == ("reading_at < TIMESTAMP '2026-03-01 00:00:00'", "partition.reading_at_day < DATE '2026-03-01'")
    months = closed_partitions(MACHINE_SHIFT, dt.date(2026, 3, 3))
    assert (months.rows, months.partitions) == ("shift_date < DATE '2026-03-01'", "partition.shift_date_month < 674")


def test_months_are_counted_from_1970():
    assert closed_partitions(MACHINE_SHIFT, dt.date(1971, 2, 10)).partitions == "partition.shift_date_month < 13"


def test_a_table_without_a_partition_by_time_has_none_that_closes():
    assert closed_partitions(PUBLICATION, dt.date(2026, 3, 3)) is None
    assert closed_partitions(silver.PRODUCTION_EVENT, dt.date(2026, 3, 3)) is None


def test_every_declared_table_is_understood():
    by_time = {table.schema_name for table in ALL if closed_partitions(table, dt.date(2026, 3, 3))}
    assert by_time == {table.schema_name for table in ALL if any("(" in each for each in table.partition)}
