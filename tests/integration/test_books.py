"""The whole pipeline against the simulator's books: topics and files in, gold, silver and quarantine out, all equal.

The README's commands that need such a plant are run here as a person types them.

The days hold the night in which the clock is put forward, and lie where no other test writes.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lakehouse.plant import load_plant
from lakehouse.serving.views import read_views
from lakehouse.settings import HOME, Settings
from lakehouse.simulator.books import Books
from lakehouse.simulator.compare import COLUMNS, compare
from lakehouse.simulator.history import History
from lakehouse.simulator.instants import from_iso
from lakehouse.simulator.send import LandingBucket, Sender
from lakehouse.simulator.spec import site_of

pytestmark = pytest.mark.stack
Submit = Callable[..., subprocess.Popen[str]]
Ask = Callable[..., list[Sequence[Any]]]
SINCE, UNTIL = "2026-03-28T05:00:00Z", "2026-03-30T12:00:00Z"
FILE_DAYS = ("2026-03-28", "2026-03-29")
PLACE = ("site_id", "machine_id", "shift_date", "shift_id")
QUARANTINES = {"sensor.temperature": "sensor_reading", "machine.interruption": "machine_interruption", "machine.count": "machine_count"}


def _job(submit: Submit, *command: str) -> None:
    out, err = (process := submit(*command)).communicate(timeout=1200)
    assert process.returncode == 0, (out + err)[-3000:]


@pytest.fixture(scope="module")
def books(core: Settings, submit: Submit, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """Two days and a bit through the whole pipeline, and what was true of them."""
    folder: Path = tmp_path_factory.mktemp("books")
    site = site_of(load_plant([HOME / "conf" / "plant"]), "demo")
    past = History(site, 11, 2, from_iso(UNTIL), books=folder, keep_file=LandingBucket(core).put)
    with Sender(core) as sender:
        sender.send(past.messages())
    _job(submit, "jobs/live.py", "--drain")
    _job(submit, "jobs/land_files.py", "--source", "confirmations")
    _job(submit, "jobs/land_files.py", "--source", "mes-production-log")
    _job(submit, "jobs/publish.py")
    return Books.read(folder)


def _select(ask: Ask, columns: Sequence[str], table: str, condition: str) -> list[dict[str, Any]]:
    rows = ask(f"SELECT {', '.join(columns)} FROM lake.gold.{table} WHERE site_id = 'demo' AND {condition}")
    return [dict(zip(columns, row, strict=True)) for row in rows]


def test_gold_equals_the_books(books: Books, ask: Ask) -> None:
    during = "shift_date BETWEEN DATE '2026-03-28' AND DATE '2026-03-30'"
    shifts = _select(ask, (*PLACE, "shift_start_at", "shift_end_at", *COLUMNS.values()), "machine_shift", during)
    columns = (*PLACE, "segment_start_at", "segment_end_at", "category", "reason_code", "source_table", "source_key")
    differences = compare(books, shifts, _select(ask, columns, "time_segment", during))
    assert len(books.shifts) == 8 * 7
    assert not differences, "\n".join(each.line() for each in differences[:20])


@pytest.mark.parametrize("topic", QUARANTINES)
def test_every_unusable_message_is_in_quarantine_under_its_rule(books: Books, ask: Ask, topic: str) -> None:
    expected = {(bad["value"], bad["expected_rule"]) for bad in books.bad_inputs if bad["topic"] == topic}
    refused = ask(f"SELECT DISTINCT raw, rule FROM lake.silver.{QUARANTINES[topic]}_quarantine WHERE raw LIKE '%X-demo-M%'")
    assert {tuple(row) for row in refused} == expected
    assert expected


def test_silver_holds_each_usable_message_once(books: Books, ask: Ask) -> None:
    for topic, table in (("sensor.temperature", "sensor_reading"), ("machine.count", "machine_count")):
        sent, doubled, bad = books.messages[topic]
        within = f"reading_at BETWEEN from_iso8601_timestamp('{SINCE}') AND from_iso8601_timestamp('{UNTIL}')"
        assert ask(f"SELECT count(*), count(DISTINCT event_id) FROM lake.silver.{table} WHERE {within}") == [(sent - doubled - bad,) * 2]


def test_confirmations_and_the_production_log_add_up_to_the_books(books: Books, ask: Ask) -> None:
    truth: dict[tuple[str, str, str], tuple[Decimal, ...]] = {
        (machine, date.isoformat(), shift): (row["gq"], row["sq"], row["rq"])
        for (_, machine, date, shift), row in books.shifts.items() if date.isoformat() in FILE_DAYS
    }
    confirmed = ask(
        "SELECT machine_id, cast(posting_date AS varchar), shift_id, sum(good_qty), sum(scrap_qty), sum(rework_qty) FROM lake.silver.confirmation"
        f" WHERE site_id = 'demo' AND posting_date BETWEEN DATE '{FILE_DAYS[0]}' AND DATE '{FILE_DAYS[1]}' GROUP BY 1, 2, 3"
    )
    assert {tuple(row[:3]): tuple(row[3:]) for row in confirmed} == truth
    by_machine: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for (machine, _, _), made in truth.items():
        by_machine[machine] = [a + b for a, b in zip(by_machine[machine], made, strict=True)]
    logged = ask(
        "SELECT machine_id, sum(completed_qty), sum(rejected_qty), sum(mrb_qty) FROM lake.silver.production_event WHERE site_id = 'demo'"
        f" AND start_at >= from_iso8601_timestamp('{SINCE}') AND start_at < from_iso8601_timestamp('{UNTIL}') GROUP BY 1"
    )
    assert {row[0]: list(row[1:]) for row in logged} == by_machine


def test_the_checks_of_every_view_find_nothing_in_two_days_of_a_plant(books: Books, ask: Ask) -> None:
    assert {view.name: found for view in read_views() if (found := ask(view.checks))} == {}


def typed(core: Settings, *words: str) -> str:
    """What a command of the README answers, without the breaks of lines that belong to a terminal."""
    environment = {**os.environ, "LAKEHOUSE_STACK": core.stack, "LAKEHOUSE_PORT_OFFSET": str(core.port_offset)}
    done = subprocess.run([HOME / "bin" / "lakehouse", *words], env=environment, cwd=HOME, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return re.sub(r"\s+", " ", done.stdout)


def test_a_number_is_walked_back_to_its_rows_on_the_command_line(core: Settings, books: Books, ask: Ask) -> None:
    ((earned, planned),) = ask(
        "SELECT earned_good_s, pbt_s FROM kpi.plant.oee_by_shift WHERE site_id = 'demo' AND machine_id = 'M01'"
        " AND shift_date = DATE '2026-03-29' AND shift_id = 'early'"
    )
    said = typed(core, "kpi", "explain", "oee_by_shift", "--machine", "M01", "--shift", "2026-03-29/early", "--site", "demo")
    assert f"earned_good_s {f'{earned:f}'.rstrip('0').rstrip('.')}" in said
    assert f"pbt_s {f'{planned:f}'.rstrip('0').rstrip('.')}" in said
    assert "every element is the sum of its segments" in said
    assert re.search(r"machine\.count/\d+/\d+", said)


def test_a_breakdown_that_is_injected_arrives_as_a_closed_interruption(core: Settings, books: Books, submit: Submit, ask: Ask) -> None:
    said = typed(core, "inject", "breakdown", "--machine", "M03", "--minutes", "0.1")
    assert "M03" in said
    stop = said.split()[-1]
    _job(submit, "jobs/live.py", "--drain")
    found = ask(f"SELECT machine_id, status, end_at > start_at FROM lake.silver.machine_interruption WHERE interruption_id = '{stop}'")
    assert [tuple(row) for row in found] == [("M03", "closed", True)]
