"""The oracle against values worked out by hand."""

import datetime as dt
from decimal import Decimal

import pytest
import yaml

from tests.cases.reader import CASES, SILVER, instant, key_of
from tests.cases.reader import differences as cells_that_differ
from tests.oracle.build import BREAK, EARLY, MONDAY, NIGHT, TWO, at, confirmations, operations, plant, readings, stops
from tests.oracle.compare import at_text
from tests.oracle.rows import expected
from tests.oracle.sites import DAY


def ask(site, as_of="2025-06-04T00:00", from_at="2025-06-02T00:00", to_at="2025-06-03T00:00", **silver):
    tables = {"stops": "machine_interruption", "counts": "machine_count", "events": "production_event", "confirmed": "confirmation"}
    return expected(site, {tables[name]: found for name, found in silver.items()}, at(as_of), at(from_at), at(to_at))


def shift_of(answer, shift_id="early", date=MONDAY, machine_id="M1"):
    (row,) = [each for each in answer.machine_shifts if (each["shift_id"], each["shift_date"], each["machine_id"]) == (shift_id, date, machine_id)]
    return row


def told(answer, *names, shift_id="early"):
    return [tuple(each[name] for name in names) for each in answer.segments if each["shift_id"] == shift_id]


def assert_holds(row, **wanted):
    assert {name: row[name] for name in wanted} == wanted


def test_k12_overlapping_stops_are_a_union():
    site = plant(shifts=[{"shift_id": "early", "start": "00:00", "end": "16:18"}])
    row = shift_of(ask(site, stops=stops(("00:00", "15:00", "B01"), ("00:10", "14:00", "B02"))))
    assert_holds(row, pbt_s=58_680, adet_s=54_000, apt_s=4_680, stop_event_count=1)
    assert round(row["apt_s"] / row["pbt_s"] * 100, 4) == Decimal("7.9755")


def test_k13_stops_around_a_break():
    given = stops(("09:00", "10:10", "B01"), ("09:30", "09:50", "B02"), ("10:20", "10:50", "O01"))
    answer = ask(plant(shifts=[{**EARLY[0], **BREAK}]), stops=given)
    assert_holds(shift_of(answer), pot_s=28_800, planned_down_s=1_800, pbt_s=27_000, apt_s=22_200, adet_s=4_800, stop_event_count=2, failure_count=1)
    assert told(answer, "category", "duration_s", "is_event_start", "also_active") == [
        ("running", 10_800, False, []),
        ("unplanned_stop", 3_600, True, ["machine_interruption:k-I2:B02"]),
        ("planned_down", 1_800, False, ["machine_interruption:k-I1:B01", "machine_interruption:k-I3:O01"]),
        ("unplanned_stop", 1_200, True, []),
        ("running", 11_400, False, []),
    ]


def test_k15_a_stop_over_the_change_of_shift_is_counted_once():
    answer = ask(plant(shifts=TWO), stops=stops(("13:40", "14:25", "B01")))
    assert_holds(shift_of(answer), adet_s=1_200, stop_event_count=1, failure_count=1, failure_s=1_200, cmt_s=1_200)
    assert_holds(shift_of(answer, "late"), adet_s=1_500, stop_event_count=0, failure_count=0, failure_s=1_500)


@pytest.mark.parametrize(
    ("zone", "date", "minutes"),
    [
        ("Europe/Berlin", "2025-03-29", 420),
        ("Europe/Berlin", "2025-10-25", 540),
        ("America/New_York", "2025-03-08", 420),
        ("America/New_York", "2025-11-01", 540),
        ("Europe/Berlin", "2025-06-02", 480),
    ],
)
def test_k16_nights_when_the_clock_changes(zone, date, minutes):
    day = dt.date.fromisoformat(date)
    answer = ask(plant(zone=zone, shifts=NIGHT), as_of="2025-12-01T00:00", from_at=f"{date}T12:00", to_at=f"{day + DAY * 2}T00:00")
    assert_holds(shift_of(answer, "night", day), pot_s=minutes * 60, window_s=minutes * 60, calendar_day_s=86_400)
    assert_holds(shift_of(answer, "off", day + DAY), calendar_day_s=86_400 + (minutes - 480) * 60)


@pytest.mark.parametrize(
    ("start", "end", "date", "minutes"),
    [("2025-10-25T23:30", "2025-10-26T01:30", "2025-10-25", 120), ("2025-03-30T00:45", "2025-03-30T01:15", "2025-03-29", 30)],
)
def test_k17_stops_over_the_change_of_clock(start, end, date, minutes):
    day = dt.date.fromisoformat(date)
    answer = ask(
        plant(zone="Europe/Berlin", shifts=NIGHT),
        as_of="2025-12-01T00:00",
        from_at=f"{date}T12:00",
        to_at=f"{day + DAY}T12:00",
        stops=stops((start, end, "B01")),
    )
    assert_holds(shift_of(answer, "night", day), adet_s=minutes * 60)


def test_k18_the_whole_stop_decides_whether_it_is_a_micro_stop():
    row = shift_of(ask(plant(shifts=TWO), stops=stops(("13:57", "14:20", "B02"))))
    assert_holds(row, adet_s=180, long_stop_s=180, micro_stop_s=0, indeterminate_s=0, micro_stop_count=0, stop_event_count=1)
    row = shift_of(ask(plant(shifts=TWO), as_of="2025-06-02T13:59", stops=stops(("13:57", None, "B02"))))
    assert_holds(row, adet_s=120, indeterminate_s=120, long_stop_s=0, open_stop_s=120, is_provisional=True)


@pytest.mark.parametrize(("end", "stop_class"), [("10:04:59.999999", "micro"), ("10:05", "long")])
def test_the_threshold_is_long(end, stop_class):
    answer = ask(plant(), stops=stops(("10:00", end, "B02")))
    assert (stop_class, True) in told(answer, "stop_class", "is_event_start")


def test_stops_that_abut_or_overlap_are_one():
    abutting = ask(plant(), stops=stops(("10:00", "10:04", "B02"), ("10:04", "10:06", "B01"), ("11:00", "11:04", "B02")))
    assert_holds(shift_of(abutting), long_stop_s=360, micro_stop_s=240, micro_stop_count=1, stop_event_count=3)
    over_planned = ask(plant(), stops=stops(("10:00", "11:01", "P01"), ("11:01", "11:03", "B02")))
    assert_holds(shift_of(over_planned), long_stop_s=60, planned_overrun_s=60, micro_stop_s=120)


def test_k19_an_open_stop_lasts_until_as_of_or_until_the_heartbeat_runs_out():
    site = plant({"heartbeat_s": 600}, shifts=TWO)
    beats = readings(*((f"{hour:02}:{minute:02}", 0) for hour in range(6, 14) for minute in range(0, 60, 10)), ("14:00", 0))
    early = ask(site, as_of="2025-06-02T14:00", stops=stops(("13:30", None, "B01")), counts=beats)
    assert_holds(shift_of(early), adet_s=1_800, apt_s=27_000, is_provisional=True)
    assert not [row for row in early.machine_shifts if row["shift_id"] == "late"]
    later = ask(site, stops=stops(("13:30", "15:00", "B01")), counts=beats)
    assert_holds(shift_of(later), adet_s=1_800, is_provisional=False)
    assert_holds(shift_of(later, "late"), adet_s=3_600, unknown_s=25_200)
    silent = ask(site, stops=stops(("13:30", None, "B01")), counts=beats)
    assert_holds(shift_of(silent, "late"), adet_s=600, unknown_s=28_200, is_provisional=True)
    assert shift_of(ask(site, stops=stops(("13:30", None, "B01"))))["adet_s"] == 600


def test_k22_a_counter_that_begins_again():
    row = shift_of(ask(plant(), counts=readings(("06:00", 980), ("07:00", 1000), ("08:00", 5), ("09:00", 40))))
    assert_holds(row, gq_count=60, pq_count=60, counter_reset_count=1, flags=["COUNTER_RESET"], uncounted_s=3_600 * 6, earned_good_s=1_800)


def test_k23_pieces_are_split_by_elapsed_time():
    answer = ask(plant(shifts=TWO), counts=readings(("06:00", 0), ("07:00", 0), ("13:00", 0), ("13:45", 0), ("14:45", 20)))
    assert_holds(shift_of(answer), gq_count=5)
    answer = ask(plant(shifts=TWO), counts=readings(("05:15", 0), ("06:15", 20), ("13:30", 20), ("14:10", 60)))
    assert_holds(shift_of(answer), gq_count=35)
    thirds = ask(plant(shifts=TWO), counts=readings(("13:40", 0), ("14:20", 1), ("14:20", 3), ("22:00", 3), ("23:00", 4)))
    assert_holds(shift_of(thirds), gq_count=Decimal("0.5"))
    assert_holds(shift_of(thirds, "late"), gq_count=Decimal("2.5"))
    assert_holds(shift_of(thirds, "off-2"), gq_count=1, unscheduled_run_s=3_600)


def test_shares_add_up():
    answer = ask(plant(shifts=TWO), counts=readings(("13:59", 0), ("14:02", 1)))
    assert [shift_of(answer)["gq_count"], shift_of(answer, "late")["gq_count"]] == [Decimal("0.333333"), Decimal("0.666667")]


def test_k34_silence_is_unknown():
    site = plant({"heartbeat_s": 600}, shifts=[{**EARLY[0], **BREAK}])
    beat = [f"{6 + minute // 60:02}:{minute % 60:02}" for minute in range(0, 490, 10)]
    heard = [each for each in beat if not "08:50" < each < "09:40"]
    other = stops(("12:00", "12:50", "B02"))
    reset = [(each, 700 if each < "09:00" else 0, {"scrap_count": 20 if each < "09:00" else 0}) for each in heard[1:]]
    row = shift_of(ask(site, stops=other, counts=readings((heard[0], 0), *reset)))
    assert_holds(row, pbt_s=27_000, apt_s=21_600, adet_s=3_000, unknown_s=2_400, pq_count=720, gq_count=700, earned_good_s=21_000)
    assert_holds(row, uncounted_s=3_000, earned_known_good_s=21_000, open_stop_s=0)
    steady = [(each, 700, {"scrap_count": 20}) for each in heard[1:]]
    assert_holds(shift_of(ask(site, stops=other, counts=readings((heard[0], 0), *steady))), unknown_s=2_400, uncounted_s=0)


def test_k37_setup_beyond_its_plan():
    site = plant(shifts=[{"shift_id": "early", "start": "06:00", "end": "13:30"}])
    row = shift_of(ask(site, stops=stops(("08:00", "08:45", "S01")), counts=readings(("06:00", 0), ("13:30", 810))))
    assert_holds(row, pbt_s=27_000, aust_s=2_700, setup_overrun_s=900, apt_s=24_300, earned_good_s=24_300, adet_s=0, stop_event_count=0)
    assert row["earned_good_s"] / row["pbt_s"] == Decimal("0.9")
    assert row["earned_good_s"] / row["pbt_s"] * (row["apt_s"] + row["aust_s"]) / row["apt_s"] == 1


@pytest.mark.parametrize("planned", [[], [{"machine_id": "M1", "start": "2025-06-02T10:00", "end": "2025-06-02T11:00", "reason_code": "P01"}]])
def test_k38_maintenance_beyond_its_plan(planned):
    answer = ask(plant(planned_stops=planned), stops=stops(("10:00", "11:20", "P01")))
    assert_holds(shift_of(answer), planned_down_s=3_600, planned_overrun_s=1_200, adet_s=1_200, long_stop_s=1_200, failure_s=0, pmt_s=4_800)
    assert ("unplanned_stop", "P01", "long", True, False) in told(answer, "category", "reason_code", "stop_class", "is_overrun", "is_failure")


def test_a_planned_stop_of_the_same_reason_outranks_the_planned_length():
    planned = [{"machine_id": "M1", "start": "2025-06-02T10:00", "end": "2025-06-02T13:00", "reason_code": "P01"}]
    row = shift_of(ask(plant(planned_stops=planned), stops=stops(("09:30", "11:20", "P01"), ("12:30", "13:30", "B01"))))
    assert_holds(row, planned_down_s=12_600, adet_s=1_800, planned_overrun_s=0, stop_event_count=1)


def test_orders_decide_between_delay_and_down_time():
    site = plant({"heartbeat_s": 3600, "speaks_orders": True})
    ordered = {"order_no": "A"}
    counts = readings(("06:00", 0, ordered), ("07:00", 5, ordered), ("08:00", 9, ordered), ("09:00", 9), ("10:00", 9), ("11:00", 9))
    answer = ask(site, counts=counts, stops=stops(("07:00", "07:30", "B01"), ("09:30", "10:00", "W01"), ("12:30", "13:00", "W01")))
    assert_holds(shift_of(answer), apt_s=9_000, adet_s=1_800, adot_s=3 * 3_600 + 1_800, unknown_s=5_400, blocked_starved_s=0)
    planned = ask({**site, "policies": {"no_order": "planned"}}, counts=counts)
    assert_holds(shift_of(planned), planned_down_s=10_800, pbt_s=18_000, adot_s=0)


def test_an_mes_that_speaks_of_orders():
    site = plant({"state_source": "mes", "quantity_source": "mes", "speaks_orders": True})
    made = {"completed_qty": Decimal(8), "rejected_qty": Decimal(2)}
    events = operations(
        ("production", "05:00", "07:00", made),
        ("setup", "07:00", "08:00", {}),
        ("breakdown", "08:00", "08:02", {"order_no": None}),
        ("production", "13:00", "14:00", {**made, "is_rework": True}),
    )
    answer = ask(site, events=events)
    row = shift_of(answer)
    assert_holds(row, apt_s=7_200, aust_s=3_600, adot_s=28_800 - 10_800, adet_s=0, pq_count=10, gq_count=8, sq_count=2, micro_stop_count=1)
    assert_holds(row, rework_good_count=8, rework_scrap_count=2, earned_produced_s=300, earned_good_s=240, uncounted_s=0)
    assert_holds(shift_of(answer, "off"), unscheduled_run_s=3_600, not_scheduled_s=18_000, flags=["UNSCHEDULED_RUN"])


def test_unscheduled_running_is_at_most_a_heartbeat_long():
    answer = ask(plant({"heartbeat_s": 600}), counts=readings(("14:00", 0), ("15:00", 4), ("15:05", 5), ("16:00", 5)))
    assert_holds(shift_of(answer, "off-2"), unscheduled_run_s=900, not_scheduled_s=36_000 - 900, pot_s=0, pq_count=5)


def test_confirmations():
    site = plant(
        {"state_source": "confirmation_only", "quantity_source": "confirmation"},
        shifts=TWO,
        scrap_reasons=[{"code": "R1", "text": "a", "kind": "process"}, {"code": "R2", "text": "b", "kind": "startup"}],
        parts=[{"part_no": "P", "planned_scrap_ratio": 0.05}],
    )
    given = confirmations(
        {"good_qty": Decimal(50), "scrap_qty": Decimal(5), "scrap_by_reason": {"R1": Decimal(2), "R2": Decimal(3)}},
        {"good_qty": Decimal(20), "status": "cancelled"},
        {"good_qty": Decimal(4), "scrap_qty": Decimal(1), "is_rework": True},
        {"good_qty": Decimal(7), "shift_id": "late", "produced_date": MONDAY, "produced_shift_id": "early", "part_no": "Z"},
    )
    answer = ask(site, confirmed=given, stops=stops(("07:00", "08:00", "B01")))
    row = shift_of(answer)
    assert_holds(row, apt_s=25_200, adet_s=3_600, pq_count=62, gq_count=57, sq_count=5, rework_good_count=4, rework_scrap_count=1)
    assert_holds(row, startup_scrap_count=3, psq_count=Decimal("2.75"), flags=["RUN_TIME_ASSUMED"], missing_master_data=["Z"])
    assert_holds(row, earned_good_s=None, earned_produced_s=None, earned_known_good_s=1_500, earned_known_produced_s=1_650, earned_startup_s=90)
    assert_holds(row, scrap_by_reason={"R1": 2, "R2": 3}, uncounted_s=0)
    assert_holds(shift_of(answer, "late"), unknown_s=28_800, uncounted_s=28_800, pq_count=0, earned_good_s=0)
    posted = ask({**site, "policies": {"late_scrap": "posting_time"}}, confirmed=given)
    assert (shift_of(posted)["pq_count"], shift_of(posted, "late")["pq_count"]) == (55, 7)
    again = confirmations({"good_qty": Decimal(4), "is_rework": True, "shift_id": "late", "produced_date": MONDAY, "produced_shift_id": "early"})
    for policy, saved in (("production_time", (4, 0)), ("posting_time", (0, 4))):
        answer = ask({**site, "policies": {"rework": policy}}, confirmed=again)
        assert (shift_of(answer)["rework_good_count"], shift_of(answer, "late")["rework_good_count"]) == saved
    idle = ask(site, confirmed=confirmations({"is_idle": True}))
    assert_holds(shift_of(idle), adot_s=28_800, apt_s=0)


def test_the_most_specific_cycle_in_force():
    cycles = [
        {"part_no": "P", "cycle_s": 30},
        {"part_no": "P", "cycle_s": 20, "valid_from": dt.date(2025, 6, 2)},
        {"part_no": "P", "machine_id": "M2", "cycle_s": 5},
        {"tool_no": "T", "cycle_s": 12, "cavities": 4},
        {"part_no": "P", "tool_no": "T", "cycle_s": 8},
    ]
    site = plant({"quantity_source": "confirmation"}, ideal_cycles=cycles)
    given = [{"good_qty": Decimal(1)}, {"good_qty": Decimal(1), "tool_no": "T", "cavity_count": 2}]
    given += [{"good_qty": Decimal(1), "tool_no": "T", "part_no": "X"}, {"good_qty": Decimal(1), "posting_date": dt.date(2025, 6, 1)}]
    answer = ask(site, from_at="2025-06-01T00:00", confirmed=confirmations(*given))
    assert_holds(shift_of(answer), earned_good_s=20 + 4 + 3)
    assert_holds(shift_of(answer, date=dt.date(2025, 6, 1)), earned_good_s=30)


def test_the_exit_of_a_serial_line_is_measured_by_the_constraint():
    line = {"line_id": "L1", "flow": "serial", "first": "M1", "constraint": "M1", "exit": "M2"}
    cycles = [{"part_no": "P", "cycle_s": 30}, {"part_no": "P", "machine_id": "M1", "cycle_s": 40}]
    site = plant(lines=[line], ideal_cycles=cycles)
    site["machines"] = [site["machines"][0], {**site["machines"][0], "machine_id": "M2"}]
    counts = [{**row, "machine_id": "M2"} for row in readings(("06:00", 0), ("07:00", 10))]
    answer = ask(site, counts=counts)
    assert_holds(shift_of(answer, machine_id="M2"), line_earned_good_s=400, earned_good_s=300)
    assert_holds(shift_of(answer), line_earned_good_s=None)


def test_the_calendar():
    site = plant(
        shifts=[
            {"shift_id": "early", "start": "06:00", "end": "14:00", **BREAK, "weekdays": [1, 2, 3, 4, 5]},
            {"shift_id": "late", "start": "14:00", "end": "22:00", "rotation": {"weeks": 2, "week": 2, "since": dt.date(2025, 5, 28)}},
        ],
        holidays=[{"date": dt.date(2025, 6, 3), "name": "h"}, {"date": dt.date(2025, 6, 4), "name": "h", "shifts": ["late"]}],
        exceptions=[
            {"date": dt.date(2025, 6, 2), "shift_id": "early", "works": False},
            {"date": dt.date(2025, 6, 3), "shift_id": "early", "works": True, "start": "07:00", "breaks": []},
            {"date": dt.date(2025, 6, 8), "shift_id": "early", "works": True},
            {"date": dt.date(2025, 6, 9), "shift_id": "late", "works": False},
        ],
    )
    answer = ask(site, as_of="2025-07-01T00:00", to_at="2025-06-10T00:00")
    found = {
        (row["shift_date"].day, row["shift_id"]): (row["window_s"] // 3600, row["pbt_s"] // 60)
        for row in answer.machine_shifts
        if not row["shift_id"].startswith("off")
    }
    assert found == {
        (2, "early"): (8, 0), (2, "late"): (8, 480),
        (3, "early"): (7, 420), (3, "late"): (8, 0),
        (4, "early"): (8, 450), (4, "late"): (8, 0),
        (5, "early"): (8, 450), (5, "late"): (8, 480), (6, "early"): (8, 450), (6, "late"): (8, 480),
        (7, "late"): (8, 480), (8, "early"): (8, 450), (8, "late"): (8, 480),
        (9, "early"): (8, 450),
    }  # fmt: skip
    offs = [(row["shift_id"], row["window_s"] // 3600) for row in answer.machine_shifts if row["shift_date"].day == 3 and row["pot_s"] == 0]
    assert offs == [("off", 7), ("late", 8), ("off-2", 2)]


def test_attributes_change_at_midnight():
    changes = [{"valid_from": dt.date(2025, 6, 3), "line_id": "L2", "micro_stop_s": 60, "quantity_source": "confirmation"}]
    given = stops(("10:00", "10:02", "B02"), ("2025-06-03T10:00", "2025-06-03T10:02", "B02"))
    counts = readings(("06:00", 0), ("2025-06-03T08:00", 26))
    answer = ask(plant({"changes": changes}), to_at="2025-06-04T00:00", stops=given, counts=counts)
    assert_holds(shift_of(answer), line_id="L1", micro_stop_s=120, gq_count=8, quantity_source="counter")
    assert_holds(shift_of(answer, date=dt.date(2025, 6, 3)), line_id="L2", long_stop_s=120, gq_count=0, quantity_source="confirmation")


def test_flags_follow_the_profile():
    counts = readings(("06:00", 0), ("14:00", 958))
    given = stops(*((f"07:{minute}", f"07:{minute + 4}", "B02") for minute in (10, 20, 30, 40)))
    assert_holds(shift_of(ask(plant(), counts=counts, stops=given)), apt_s=27_840, micro_stop_s=960, flags=["P_GT_1"])
    assert_holds(shift_of(ask(plant(profile="tpm"), counts=counts, stops=given)), flags=[])
    stopped = ask(plant(), counts=readings(("06:00", 0), ("14:00", 1)), stops=stops(("05:00", "15:00", "B01")))
    assert_holds(shift_of(stopped), flags=["CONTRACT_VIOLATION"], stop_event_count=0)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_worked_cases(case):
    site = yaml.safe_load((case.folder / "plant" / "plant.yaml").read_text())
    late = {"status": "confirmed", "is_rework": False, "produced_date": None, "produced_shift_id": None}
    silver = {table: [{**late, **row} if table == "confirmation" else row for row in case.rows(table)] for table in SILVER}
    answer = expected(site, silver, case.as_of, instant(case.head["from"]), instant(case.head["to"]))
    wrong = []
    for row in case.expected("machine_shift"):
        shifts = {key_of(each, row): each for each in answer.machine_shifts}
        wrong += cells_that_differ(row, shifts[key_of(row)])
    segments = {(row["machine_id"], at_text(row["segment_start_at"])): _as_text(row) for row in answer.segments}
    for row in case.expected("time_segment"):
        wrong += cells_that_differ(row, segments[row["machine_id"], row["segment_start_at"]])
    assert not wrong


def _as_text(row):
    return {name: at_text(value) if isinstance(value, dt.datetime) else value for name, value in row.items()}
