"""Same seed, same bytes, in any process; arrivals in order; what each kind of message promises."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from python_calamine import CalamineWorkbook

from lakehouse.errors import PlantModelError, SettingsError
from lakehouse.plant import load_plant
from lakehouse.settings import HOME
from lakehouse.simulator import state as states
from lakehouse.simulator.bad_inputs import DEFECTS, _good
from lakehouse.simulator.files import CONFIRMATION_HEADER, MES_HEADER, _mes_stamp
from lakehouse.simulator.history import History
from lakehouse.simulator.instants import MINUTE, from_iso
from lakehouse.simulator.rates import Rates, quiet
from lakehouse.simulator.spec import Site, site_of
from lakehouse.sources.messages import ENVELOPES, Decoder
from tests.unit.simulator.conftest import UNTIL, Run, run_history

DIGEST = """
import hashlib, sys
from pathlib import Path
from lakehouse.plant import load_plant
from lakehouse.simulator.history import History
from lakehouse.simulator.spec import site_of
digest = hashlib.sha256()
site = site_of(load_plant([Path("conf/plant")]), "demo")
past = History(site, int(sys.argv[1]), 2, int(sys.argv[2]), books=Path(sys.argv[3]), keep_file=lambda key, content: digest.update(content))
for message in past.messages():
    digest.update(b"%d" % message.arrival + message.key + message.value)
for path in sorted(Path(sys.argv[3]).iterdir()):
    digest.update(path.read_bytes())
print(digest.hexdigest())
"""


def _digest(seed: int, folder: Path, hash_seed: str) -> str:
    command = [sys.executable, "-c", DIGEST, str(seed), str(UNTIL), str(folder)]
    environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(HOME), "TZ": "Asia/Tokyo" if hash_seed == "1" else "UTC"}
    return subprocess.run(command, cwd=HOME, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_same_seed_same_bytes_in_two_processes(tmp_path: Path) -> None:
    first, again, other = _digest(7, tmp_path / "a", "1"), _digest(7, tmp_path / "b", "2"), _digest(8, tmp_path / "c", "1")
    assert first == again != other


def test_messages_come_in_order_of_arrival_and_are_told_once_for_each_irregularity(run: Run) -> None:
    arrivals = [message.arrival for message in run.messages]
    assert arrivals == sorted(arrivals)
    assert max(arrivals) == run.past.until
    assert {message.topic for message in run.messages} == {"sensor.temperature", "machine.interruption", "machine.count"}


def test_nothing_told_by_the_end_claims_a_later_time(run: Run) -> None:
    bad = {each["value"].encode() for each in run.books.bad_inputs}
    for message in run.messages:
        if message.value not in bad:
            assert from_iso(json.loads(message.value)["ts"]) <= run.past.until


def test_counters_grow_but_for_resets_and_are_read_at_every_edge_and_minute(run: Run) -> None:
    readings = defaultdict(dict)
    for message in run.messages:
        if message.topic == "machine.count" and b'"C-' in message.value:
            payload = json.loads(message.value)
            readings[payload["machine_id"]][from_iso(payload["ts"])] = payload
    edges = [window.start for window in run.site.windows(run.past.state.since, run.past.until)]
    for machine, found in readings.items():
        assert set(edges) <= set(found), machine
        ordered = [found[at] for at in sorted(found)]
        falls = sum(a["good_count"] > b["good_count"] for a, b in pairwise(ordered))
        resets = [each for each in run.books.incidents if each.kind == "reset" and each.machine_id == machine and each.start < run.past.until]
        assert falls == len(resets)


def test_the_oven_overheats_before_its_stops_on_the_night_shift(site: Site, tmp_path: Path) -> None:
    run = run_history(site, tmp_path, days=12, rates=quiet())
    heat = {from_iso(json.loads(m.value)["ts"]): json.loads(m.value)["temperature_c"] for m in run.messages if b'"T-demo-M05' in m.value}
    limit = dict(next(machine for machine in site.machines if machine.is_oven).limits)["zone_1"]
    of_oven = {key: found for key, found in run.books.segments.items() if key[1] == "M05"}
    trips = [piece for key, found in of_oven.items() for piece in found if key[3] == "night" and piece[3] == "B03"]
    assert len(trips) >= 5
    peaks = [max(heat[at] for at in heat if start - 10 * MINUTE <= at <= start) for start, *_ in trips]
    assert sum(peak > limit for peak in peaks) >= 0.9 * len(peaks)
    trouble = [piece for found in of_oven.values() for piece in found if piece[3] == "B03"]
    spans = [(start - 120 * MINUTE, end + 90 * MINUTE) for start, end, *_ in trouble]
    complete = max(at for _, at, *_ in trouble)
    calm = [value for at, value in heat.items() if at < complete and not any(a <= at <= b for a, b in spans)]
    assert max(calm) < limit


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda each: f"{each.topic}: {each.cause}")
def test_each_unusable_message_breaks_the_rule_that_the_books_name(defect) -> None:
    value = defect.spoil(_good(defect.topic, "demo", "M03", UNTIL, "X-1"))
    key = b"M99" if defect.rule == "unknown_machine" else b"M03"
    envelope = ENVELOPES[defect.topic.replace("sensor.", "sensor_").replace("machine.", "machine_")]
    columns = Decoder(envelope, "demo", frozenset({("demo", "M03")}), {}).decode(pa.array([key]), pa.array([value]))
    by_the_table = {"sentinel", "physical_range", "quantity_range", "ts_range", "interval", "version_range"}
    assert columns[-2].to_pylist() == [None if defect.rule in by_the_table else defect.rule]


def test_a_quiet_plant_sends_no_irregularity(site: Site, tmp_path: Path) -> None:
    run = run_history(site, tmp_path, days=1, rates=quiet())
    assert {each.kind for each in run.books.incidents} <= {"reset"}
    assert run.books.bad_inputs == []
    assert all(row["unknown_s"] == 0 for row in run.books.shifts.values())


def test_files_have_the_contracts_headers_and_their_confirmations_add_up(run: Run) -> None:
    kinds = (("confirmations", "xlsx"), ("mes-production-log", "csv"))
    assert sorted(run.files) == [f"{kind}/demo/2026-11-{day}.{ext}" for kind, ext in kinds for day in (18, 19)]
    confirmed, taken_back = {}, set()
    for day in (18, 19):
        log = run.files[f"mes-production-log/demo/2026-11-{day}.csv"].decode()
        assert log.splitlines()[0].split(",") == list(MES_HEADER)
        book = CalamineWorkbook.from_filelike(io.BytesIO(run.files[f"confirmations/demo/2026-11-{day}.xlsx"]))
        header, *rows = book.get_sheet_by_name("Confirmations").to_python()
        assert tuple(header) == CONFIRMATION_HEADER
        for cells in rows:
            row = dict(zip(header, cells, strict=True))
            if row["reversal_flag"]:
                taken_back.add(row["reversed_confirmation"])
            else:
                confirmed[f"{row['confirmation_no']}/{int(row['counter'])}"] = row
    assert taken_back, "no reversal in two days"
    totals = defaultdict(int)
    for key, row in confirmed.items():
        if key not in taken_back:
            for name in ("yield_qty", "scrap_qty", "rework_qty"):
                totals[row["machine_id"], row["posting_date"], row["shift"], name] += int(row[name])
    for (_, machine, date, shift), truth in run.books.shifts.items():
        if date.day in (18, 19):
            said = tuple(totals[machine, date.isoformat(), shift, name] for name in ("yield_qty", "scrap_qty", "rework_qty"))
            assert said == (truth["gq"], truth["sq"], truth["rq"])


def test_workbooks_carry_no_time_of_making(run: Run) -> None:
    with zipfile.ZipFile(io.BytesIO(run.files["confirmations/demo/2026-11-18.xlsx"])) as book:
        assert {entry.date_time for entry in book.infolist()} == {(2000, 1, 1, 0, 0, 0)}
        assert b"2000-01-01T00:00:00Z" in book.read("docProps/core.xml")


def test_wall_clock_of_the_log_names_the_offset_in_the_doubled_hour(site: Site) -> None:
    assert _mes_stamp(site, from_iso("2026-10-25T00:30:00Z")) == "2026/10/25 2:30:00+02:00"
    assert _mes_stamp(site, from_iso("2026-10-25T01:30:00Z")) == "2026/10/25 2:30:00+01:00"
    assert _mes_stamp(site, from_iso("2026-11-20T05:04:00Z")) == "2026/11/20 6:04:00"


def test_state_survives_its_file(run: Run, tmp_path: Path) -> None:
    states.save(run.past.state, tmp_path / "state.json")
    assert states.load(tmp_path / "state.json") == run.past.state
    with pytest.raises(SettingsError, match="no history"):
        states.load(tmp_path / "other.json")
    (tmp_path / "state.json").write_text('{"version": 1}')
    with pytest.raises(SettingsError, match="cannot be read"):
        states.load(tmp_path / "state.json")


def test_a_site_that_cannot_be_simulated_says_why() -> None:
    with pytest.raises(PlantModelError, match="cannot be simulated"):
        site_of(load_plant([HOME / "conf" / "plant" / "examples"]), "nab")


def test_until_is_cut_to_the_minute(site: Site) -> None:
    assert History(site, 7, 1, UNTIL + 59_999_999, rates=Rates()).until == UNTIL


def test_digest_of_nothing_is_not_compared(run: Run) -> None:
    assert len({hashlib.sha256(content).digest() for content in run.files.values()}) == len(run.files)
