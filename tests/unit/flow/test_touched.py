"""What a publication must rebuild follows from what was touched and from what speaks for a machine."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from lakehouse.flow.spans import joined_spans, machine_days, parts, spans_condition
from lakehouse.flow.summarise import MachineShift
from lakehouse.flow.touched import Extent, machine_shifts, running_extents
from lakehouse.plant import load_plant
from lakehouse.settings import HOME

PLANT = load_plant([HOME / "conf" / "plant"])
AS_OF = datetime(2026, 11, 20, 20, tzinfo=UTC)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 20, hour, minute, tzinfo=UTC)


def key(shift: MachineShift) -> tuple[str, datetime]:
    return shift.machine_id, shift.window.start_at


def shifts(table: str, start: datetime, end: datetime, machine: str = "M01") -> list[str]:
    return [f"{each.machine_id} {each.window.shift_id}" for each in machine_shifts(PLANT, [Extent(table, "demo", machine, start, end)], AS_OF)]


def test_an_extent_touches_each_window_that_it_shares_time_with() -> None:
    assert shifts("machine_interruption", at(12, 40), at(13, 25)) == ["M01 early", "M01 late"]
    assert shifts("machine_interruption", at(12, 40), at(12, 54)) == ["M01 early"]


def test_a_stop_near_an_edge_touches_the_shift_beyond_it_too() -> None:
    """One that abuts it there makes a whole with it: whether that is a micro-stop may change."""
    assert shifts("machine_interruption", at(12, 40), at(12, 59)) == ["M01 early", "M01 late"]


def test_an_instant_on_a_shift_edge_belongs_to_the_later_shift() -> None:
    assert shifts("machine_count", at(13), at(13)) == ["M01 late"]


def test_a_window_that_has_not_begun_is_left_alone() -> None:
    assert shifts("machine_interruption", at(19), at(23)) == ["M01 late"]


@pytest.mark.parametrize("table", ["sensor_reading", "production_event", "confirmation"])
def test_what_does_not_speak_for_a_machine_rebuilds_nothing(table: str) -> None:
    assert shifts(table, at(6), at(12)) == []


def test_an_unknown_machine_rebuilds_nothing() -> None:
    assert shifts("machine_count", at(6), at(12), "M99") == []


def test_the_clock_alone_touches_the_running_shift_and_the_one_that_ended() -> None:
    extents = running_extents(PLANT, [("demo", "M01")], at(12, 50), at(13, 5))
    assert [each.window.shift_id for each in machine_shifts(PLANT, extents, at(13, 5))] == ["early", "late"]
    assert running_extents(PLANT, [("demo", "M01")], None, at(13)) == []


def test_parts_are_whole_months_and_never_too_many_at_once() -> None:
    first, last = datetime(2026, 9, 10, tzinfo=UTC), datetime(2026, 11, 20, 20, tzinfo=UTC)
    extents = [Extent("machine_count", "demo", machine, first, last) for machine in ("M01", "M02")]
    every = machine_shifts(PLANT, extents, AS_OF)
    months = Counter(each.window.shift_date.month for each in every)
    assert set(months) == {9, 10, 11}
    assert list(parts([], 5)) == []
    (whole,) = parts(every, len(every))
    assert sorted(whole, key=key) == sorted(every, key=key)
    two = list(parts(reversed(every), months[9] + months[10]))
    assert [{each.window.shift_date.month for each in part} for part in two] == [{9, 10}, {11}]
    small = list(parts(every, 50))
    assert max(map(len, small)) == 50
    assert sorted((each for part in small for each in part), key=key) == sorted(every, key=key)


def test_machine_days_are_what_silver_is_read_for_not_what_is_rebuilt() -> None:
    def of(*touched: tuple[str, int]) -> int:
        extents = [Extent("machine_count", "demo", machine, at(12).replace(day=day), at(12).replace(day=day)) for machine, day in touched]
        return machine_days(machine_shifts(PLANT, extents, AS_OF))

    assert of() == 0
    assert of(("M01", 20)) == 1
    assert of(("M01", 18), ("M01", 19), ("M02", 20)) == 2 * 3
    assert of(("M01", 1), ("M02", 20)) == 2 * 20


def test_abutting_spans_of_a_machine_are_one_condition() -> None:
    joined = joined_spans([("s", "m", at(6), at(7)), ("s", "m", at(7), at(8)), ("s", "m", at(9), at(10)), ("s", "n", at(6), at(7))])
    assert joined == [("s", "m", at(6), at(8)), ("s", "m", at(9), at(10)), ("s", "n", at(6), at(7))]
    condition = spans_condition(joined, "x")
    assert "machine_id = 'm' AND x >= timestamp'2026-11-20 06:00:00.000000' AND x < timestamp'2026-11-20 08:00:00.000000'" in condition
