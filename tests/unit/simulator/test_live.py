"""Live goes on where the history ended: no gap, no doubled message, the same bytes as a longer history; injections only change the future."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from lakehouse.simulator import state as states
from lakehouse.simulator.books import Books
from lakehouse.simulator.inject import _ANSWERED, _ASKED, answer, live_lock
from lakehouse.simulator.instants import HOUR, MINUTE, SECOND, from_iso
from lakehouse.simulator.live import Live
from lakehouse.simulator.messages import Message
from lakehouse.simulator.rates import Rates
from lakehouse.simulator.spec import Site
from tests.unit.simulator.conftest import Run, run_history
from tests.unit.simulator.mini_ledger import decode, pieces, times

PROMPT = replace(Rates(), late_share=0, late_report_share=0, corrected_share=0, cancelled_per_day=0, duplicate_share=0.01)
BREAK = from_iso("2026-11-19T20:40:00Z")
END = from_iso("2026-11-20T22:10:00Z")


def _live(site: Site, past: Run, folder: Path, keep=None) -> Live:
    states.save(past.past.state, folder / "state.json")
    return Live(site, states.load(folder / "state.json"), MINUTE, past.folder, keep)


@pytest.fixture
def past(site: Site, tmp_path: Path) -> Run:
    return run_history(site, tmp_path / "books", until=BREAK, days=1, rates=PROMPT)


def _about(messages: list[Message], after: int, upto: int) -> list[Message]:
    return sorted(message for message in messages if after < message.basis <= upto and message.arrival <= upto)


def test_history_and_live_together_are_one_longer_history(site: Site, past: Run, tmp_path: Path) -> None:
    whole = run_history(site, tmp_path / "whole", until=END, days=2, rates=PROMPT)
    files: dict[str, bytes] = {}
    live = _live(site, past, tmp_path, files.__setitem__)
    told = list(live.due(END))
    live.tell(END)
    assert whole.past.state.since == past.past.state.since
    assert _about(told, BREAK, END) == sorted(told) == _about(whole.messages, BREAK, END)
    joined, expected = Books.read(past.folder), whole.books
    assert (joined.shifts, joined.segments, joined.until) == (expected.shifts, expected.segments, END)
    assert files.keys() == {"mes-production-log/demo/2026-11-19.csv", "confirmations/demo/2026-11-19.xlsx"}
    assert files["mes-production-log/demo/2026-11-19.csv"] == whole.files["mes-production-log/demo/2026-11-19.csv"]


def test_a_live_run_in_two_parts_sends_the_same(site: Site, past: Run, tmp_path: Path) -> None:
    whole = list(_live(site, past, tmp_path).due(END))
    first = _live(site, past, tmp_path)
    middle = next(message.arrival for message in whole if message.arrival > BREAK + 9 * HOUR)
    before = list(first.due(middle))
    states.save(first.state, tmp_path / "middle.json")
    second = Live(site, states.load(tmp_path / "middle.json"), MINUTE, past.folder)
    assert before + list(second.due(END)) == whole


def test_an_injected_breakdown_changes_only_what_comes_after(site: Site, past: Run, tmp_path: Path) -> None:
    live, plain = _live(site, past, tmp_path), _live(site, past, tmp_path)
    now = BREAK + 40 * MINUTE
    before = list(live.due(now))
    stop = live.inject("M03", 6 * MINUTE, "B01")
    after = list(live.due(END))
    live.tell(END)
    assert before == list(plain.due(now))
    assert stop.start == now + SECOND
    versions = [json.loads(m.value) for m in after if b'"I-demo-M03-%d"' % stop.start in m.value]
    assert [(v["version"], v["end_ts"] is None) for v in versions if v["version"]][:2] == [(1, True), (2, False)]
    assert [each.ref for each in Books.read(past.folder).incidents if each.kind == "injected"] == [f"I-demo-M03-{stop.start}"]
    _assert_books_agree(site, past, [*past.messages, *before, *after])


def _assert_books_agree(site: Site, past: Run, messages: list[Message]) -> None:
    books = Books.read(past.folder)
    stops, counts = decode(messages, {bad["value"].encode() for bad in books.bad_inputs})
    for window in site.windows(past.past.state.since, END):
        for machine in site.machines if window.end <= END else ():
            row = books.shifts["demo", machine.machine_id, window.shift_date, window.shift_id]
            name = machine.machine_id
            spent = times(window, stops[name], site.reasons, sorted(counts[name]), machine.heartbeat_us)
            assert row["apt_s"] == Decimal(spent["running"]) / 1_000_000
            assert (row["gq"], row["sq"], row["rq"]) == pieces(window, counts[name])


def test_an_injection_is_asked_for_by_a_file(site: Site, past: Run, tmp_path: Path) -> None:
    live, folder = _live(site, past, tmp_path), tmp_path / "inject"
    folder.mkdir()
    (folder / f"a{_ASKED}").write_text(json.dumps({"machine_id": "M02", "length": MINUTE, "reason_code": "B02"}))
    assert (answer(folder, live), answer(folder, live)) == (1, 0)
    done = json.loads((folder / f"a{_ANSWERED}").read_text())
    assert done["end"] - done["start"] == MINUTE
    assert [each.machine_id for each in live.state.injections] == ["M02"]


def test_only_one_live_plant_a_stack(tmp_path: Path) -> None:
    with live_lock(tmp_path) as first, live_lock(tmp_path) as second:
        assert (first, second) == (True, False)
    with live_lock(tmp_path) as again:
        assert again


def test_live_catches_up_over_days(site: Site, past: Run, tmp_path: Path) -> None:
    live = _live(site, past, tmp_path)
    later = BREAK + 4 * 24 * HOUR
    arrivals = [message.arrival for message in live.due(later)]
    live.tell(later)
    assert arrivals == sorted(arrivals)
    assert len(Books.read(past.folder).shifts) == 8 * (3 * 5 + 1)
    assert len(live.state.days) == states.KEPT_DAYS
