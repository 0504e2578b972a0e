"""What must hold for the oracle's answer on every plant, and for the plants themselves."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import HealthCheck, given, settings

from tests.oracle.generate import plants, seeded
from tests.oracle.rows import expected
from tests.oracle.shrink import reduced
from tests.oracle.sites import DAY

PLANTS = seeded(7, 150)


def assert_whole(case):
    answer = expected(case.plant, case.silver, case.as_of, case.from_at, case.to_at)
    assert answer.machine_shifts
    by_shift = {}
    for row in answer.segments:
        by_shift.setdefault((row["machine_id"], row["shift_date"], row["shift_id"]), []).append(row)
    for row in answer.machine_shifts:
        _adds_up(row)
        _tiles(row, by_shift[row["machine_id"], row["shift_date"], row["shift_id"]])
    return answer


def _adds_up(row):
    assert row["pbt_s"] == row["apt_s"] + row["aust_s"] + row["adet_s"] + row["adot_s"] + row["unknown_s"]
    assert row["adet_s"] == row["long_stop_s"] + row["micro_stop_s"] + row["indeterminate_s"] + row["blocked_starved_s"]
    assert row["pot_s"] == row["pbt_s"] + row["planned_down_s"]
    assert row["window_s"] == row["pot_s"] + row["not_scheduled_s"] + row["unscheduled_run_s"]
    assert row["pq_count"] == row["gq_count"] + row["rq_count"] + row["sq_count"]
    assert row["startup_scrap_count"] <= row["sq_count"]
    assert 0 <= row["uncounted_s"] <= row["apt_s"] + row["unknown_s"] + row["open_stop_s"]
    assert (row["earned_good_s"] is None) == bool(row["missing_master_data"])
    assert min(value for value in row.values() if isinstance(value, Decimal)) >= 0


def _tiles(row, found):
    edges = [(each["segment_start_at"], each["segment_end_at"]) for each in found]
    assert all(a < b for a, b in edges)
    assert [edges[0][0], *(b for _, b in edges)] == [*(a for a, _ in edges), row["window_end_at"]]
    assert edges[0][0] == row["shift_start_at"]
    assert sum(each["duration_s"] for each in found) == row["window_s"]


def test_what_must_hold_for_every_plant():
    answers = [assert_whole(case) for case in PLANTS]
    segments = [row for answer in answers for row in answer.segments]
    assert {row["category"] for row in segments} == {
        "not_scheduled", "unscheduled_run", "planned_down", "setup", "unplanned_stop", "blocked_starved", "no_order", "running", "unknown",
    }  # fmt: skip
    assert {row["stop_class"] for row in segments} == {None, "micro", "long", "indeterminate"}
    assert {row["is_overrun"] for row in segments} == {True, False}
    shifts = [row for answer in answers for row in answer.machine_shifts]
    assert {flag for row in shifts for flag in row["flags"]} >= {"P_GT_1", "PRI_SUSPECT", "RUN_TIME_ASSUMED", "COUNTER_RESET", "UNSCHEDULED_RUN"}
    told = [name for name, value in shifts[0].items() if isinstance(value, Decimal)]
    assert not [name for name in told if not any(row[name] for row in shifts)], "a number that is always nought tests nothing"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(plants())
def test_what_must_hold_for_any_plant(case):
    assert_whole(case)


def test_seeded_plants_are_the_same_each_time():
    again = seeded(7, 3)
    assert again == PLANTS[:3]
    assert len({each.site_id for each in PLANTS}) == len(PLANTS)


def has_overrun(case):
    answer = expected(case.plant, case.silver, case.as_of, case.from_at, case.to_at)
    return any(row["category"] == "unplanned_stop" and row["is_overrun"] for row in answer.segments)


def test_a_failing_plant_is_made_small():
    failing = [case for case in PLANTS if has_overrun(case) and len(case.plant["machines"]) > 1]
    big = min(failing, key=lambda case: sum(len(rows) for rows in case.silver.values()))
    small = reduced(big, lambda candidates: [has_overrun(each) for each in candidates])
    assert has_overrun(small)
    assert [len(small.silver[table]) for table in ("machine_interruption", "machine_count", "production_event", "confirmation")] == [1, 0, 0, 0]
    assert len(small.plant["machines"]) == 1
    assert len(small.plant["reasons"]) == 1


def test_all_of_a_counter_is_given_to_windows():
    for case in PLANTS:
        answer = expected(case.plant, case.silver, case.as_of, case.from_at - DAY * 6, case.as_of + DAY)
        for machine in case.plant["machines"]:
            if machine["quantity_source"] != "counter" or "changes" in machine:
                continue
            mine = [row for row in case.silver["machine_count"] if row["machine_id"] == machine["machine_id"]]
            values = [row["good_count"] for row in sorted(mine, key=lambda row: (row["reading_at"], row["event_id"]))]
            made = sum(b if b < a else b - a for a, b in pairwise(values))
            in_windows = sum(row["gq_count"] for row in answer.machine_shifts if row["machine_id"] == machine["machine_id"])
            assert in_windows == made
