"""The books are a partition, add up, and agree with a second arithmetic on the bytes that were sent."""

import csv
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from lakehouse.simulator.books import FILES, Books
from lakehouse.simulator.instants import HOUR, micros
from lakehouse.simulator.rates import Rates
from lakehouse.simulator.spec import Site
from tests.unit.simulator.conftest import Run, run_history
from tests.unit.simulator.mini_ledger import decode, pieces, times

MICRO = Decimal("0.000001")


def test_segments_partition_each_window(run: Run) -> None:
    windows = {(w.shift_date, w.shift_id): w for w in run.site.windows(run.past.state.since, run.past.until)}
    assert len(run.books.segments) == len(run.books.shifts) == 8 * 7
    for (_, _, date, shift), pieces_of in run.books.segments.items():
        window = windows[date, shift]
        assert (pieces_of[0][0], pieces_of[-1][1]) == (window.start, window.end)
        assert all(a[1] == b[0] for a, b in pairwise(pieces_of))
        assert all(start < end for start, end, *_ in pieces_of)


def test_elements_add_up(run: Run) -> None:
    for key, row in run.books.shifts.items():
        assert row["pbt_s"] == row["apt_s"] + row["aust_s"] + row["adet_s"] + row["adot_s"] + row["unknown_s"], key
        assert row["pq"] == row["gq"] + row["rq"] + row["sq"], key
        window = sum((Decimal(end - start) * MICRO for start, end, *_ in run.books.segments[key]), Decimal(0))
        assert row["pbt_s"] + row["planned_down_s"] == window


BUSY = Rates(
    mtbf_h=3, micro_per_h=3, order_h=3, no_order_share=0.4, second_cause_share=0.5, silences_per_day=2.5, lost_share=0.05, late_share=0.02,
    late_report_share=0.2, duplicate_share=0.05, corrected_share=0.3, cancelled_per_day=0.9, reset_share=0.6, running_reset_share=0.01,
    starve_share=0.9, block_share=0.7,
)


def test_a_busy_plant_agrees_too_over_the_night_of_the_clock_change(site: Site, tmp_path: Path) -> None:
    busy = run_history(site, tmp_path, until=micros_of("2026-10-26T05:00:00Z"), days=2, rates=BUSY)
    lengths = {w.end - w.start for w in site.windows(busy.past.state.since, busy.past.until)}
    assert 9 * HOUR in lengths
    test_books_agree_with_a_second_arithmetic_on_the_messages(busy)


def test_books_agree_with_a_second_arithmetic_on_the_messages(run: Run) -> None:
    stops, counts = decode(run.messages, {_bytes(bad) for bad in run.books.bad_inputs})
    compared = unknown = 0
    for window in run.site.windows(run.past.state.since, run.past.until):
        if window.end > run.past.until:
            continue
        for machine in run.site.machines:
            name = machine.machine_id
            row = run.books.shifts["demo", name, window.shift_date, window.shift_id]
            spent = times(window, stops[name], run.site.reasons, sorted(counts[name]), machine.heartbeat_us)
            expected = {
                "apt_s": spent["running"], "aust_s": spent["setup"], "adet_s": spent["unplanned_stop"] + spent["blocked_starved"],
                "adot_s": spent["no_order"], "unknown_s": spent["unknown"], "planned_down_s": spent["planned_down"],
            }
            assert {column: row[column] for column in expected} == {column: Decimal(each) * MICRO for column, each in expected.items()}
            assert (row["gq"], row["sq"], row["rq"]) == pieces(window, counts[name])
            compared, unknown = compared + 1, unknown + spent["unknown"]
    assert compared == len(run.books.shifts) > 40
    assert unknown > 0, "no silence was long enough to be seen"


def test_every_irregularity_occurs_and_is_in_the_books(run: Run) -> None:
    assert {each.kind for each in run.books.incidents} == {"late", "duplicate", "corrected", "cancelled", "reset", "silence"}
    assert len({bad["expected_rule"] for bad in run.books.bad_inputs}) > 6
    assert run.books.until == run.past.until
    sent = {topic: sum(message.topic == topic for message in run.messages) for topic in run.books.messages}
    assert {topic: counted[0] for topic, counted in run.books.messages.items()} == sent
    repeated = len(run.messages) - len({message.value for message in run.messages})
    assert sum(counted[1] for counted in run.books.messages.values()) == repeated


def test_stops_overlap_and_cross_shifts_and_midnight(run: Run) -> None:
    stops, _ = decode(run.messages, {_bytes(bad) for bad in run.books.bad_inputs})
    edges = [window.start for window in run.site.windows(run.past.state.since, run.past.until)]
    spans = [_spans(stops[machine.machine_id].values()) for machine in run.site.machines]
    assert any(a[1] > b[0] for machine in spans for a, b in pairwise(machine))
    assert any(start < edge < end for machine in spans for start, end in machine for edge in edges)


def test_a_holiday_is_not_scheduled_and_nothing_is_made(site: Site, tmp_path: Path) -> None:
    past = run_history(site, tmp_path, until=micros_of("2026-12-27T06:00:00Z"), days=2)
    holiday = {key: row for key, row in past.books.shifts.items() if key[2].isoformat() in {"2026-12-25", "2026-12-26"}}
    assert len(holiday) == 48
    assert all(row["pbt_s"] == row["pq"] == 0 for row in holiday.values())
    assert {piece[2] for key in holiday for piece in past.books.segments[key]} == {"not_scheduled"}


def test_books_read_the_same_when_rows_were_written_twice(run: Run, tmp_path: Path) -> None:
    for path in run.folder.iterdir():
        text = path.read_text()
        again = "".join(text.splitlines(keepends=True)[1:4]) if path.name in FILES else ""
        (tmp_path / path.name).write_text(text + again)
    again = Books.read(tmp_path)
    assert (again.shifts, again.segments, again.incidents, again.bad_inputs) == (
        run.books.shifts, run.books.segments, run.books.incidents, run.books.bad_inputs,
    )
    with (tmp_path / "segments.csv").open() as file:
        assert sum(1 for _ in csv.reader(file)) == 1 + 3 + sum(map(len, run.books.segments.values()))


def _bytes(bad) -> bytes:
    return bad["value"].encode()


def _spans(stops):
    return sorted((micros_of(stop["start_ts"]), micros_of(stop["end_ts"])) for stop in stops if stop["end_ts"] and not stop["cancelled"])


def micros_of(text: str) -> int:
    return micros(datetime.fromisoformat(text))
