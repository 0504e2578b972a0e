"""Files to bronze, silver and ops with a real store and catalog: what was sent is there once, whatever happens in between."""

from __future__ import annotations

import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from drops import LOG, LOG_COLUMNS, SHEETS, SITE, book, landing_bucket, log, log_row, put, sheet_row
from pyspark.sql import SparkSession

from lakehouse.bronze.landing_zone import LandingZone
from lakehouse.flow.land_files import FileLanding, LandingReport
from lakehouse.nessie import Nessie
from lakehouse.plant import load_plant
from lakehouse.services.stack import bring_up
from lakehouse.services.supervisor import Supervisor
from lakehouse.settings import Settings
from lakehouse.sources.contracts import load_sources

pytestmark = pytest.mark.stack
LATER = [pytest.param(each, marks=pytest.mark.campaign) for each in ("files_after_bronze", "files_after_merge")]
Ask = Callable[..., list[Sequence[Any]]]
PLANT = f"""
site_id: {SITE}
zone: UTC
discover: true
shifts: [{{shift_id: day, start: "00:00", end: "00:00"}}]
machine_defaults: {{line_id: L, area_id: A, state_source: mes, quantity_source: mes}}
"""


@pytest.fixture(scope="module", autouse=True)
def plant_file(core: Settings) -> Path:
    """The site of these tests, in the stack's plant model as long as the stack lives."""
    path = core.run / "plant" / f"{SITE}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(PLANT)
    return path


@pytest.fixture
def mark() -> str:
    """A word of this test alone; machine, order and file names carry it."""
    return uuid.uuid4().hex[:10]


@pytest.fixture(scope="module")
def s3(core: Settings) -> Any:
    return landing_bucket(core)


@pytest.fixture
def landing(core: Settings, spark: SparkSession, nessie: Nessie) -> Callable[..., LandingReport]:
    """`landing(source, run_id)` lands what is new in this process."""

    def land(source: str, run_id: str = "", catalog: Nessie | None = None) -> LandingReport:
        plant = load_plant(core.plant_folders)
        one = FileLanding(spark, catalog or nessie, LandingZone(core), source, load_sources().contract(source), plant)
        return one.run(run_id or f"test-{uuid.uuid4().hex[:12]}", datetime.now(UTC))

    return land


def status(report: LandingReport, key: str) -> str:
    return next((each.status for each in report.outcomes if each.object_key == key), "absent")


def events(ask: Ask, mark: str) -> tuple[int, int]:
    """Rows and completed pieces of this test in silver."""
    rows = ask(f"SELECT count(*), coalesce(sum(completed_qty), 0) FROM lake.silver.production_event WHERE machine_id = 'M-{mark}'")
    return int(rows[0][0]), int(rows[0][1])


def confirmed(ask: Ask, mark: str) -> list[tuple[str, int, int]]:
    rows = ask(f"SELECT confirmation_key, good_qty, scrap_qty FROM lake.silver.confirmation WHERE machine_id = 'M-{mark}' ORDER BY 1")
    return [(key, int(good), int(scrap)) for key, good, scrap in rows]


def test_landed_once_under_any_name_and_no_more(landing, s3, ask: Ask, mark: str) -> None:
    rows = [log_row(mark, 1), log_row(mark, 2), log_row(mark, 2), log_row(mark, 5, **{"Qty Completed": "-5"})]
    key = put(s3, LOG, f"{mark} Fräse [1-3]*:{{a,b}};'x\"%20.csv", log(*rows))
    first = landing(LOG, f"run-{mark}")
    assert status(first, key) == "landed"
    assert events(ask, mark) == (3, 5)
    assert status(landing(LOG), key) == "absent"
    again, reordered = put(s3, LOG, f"{mark}-copy.csv", log(*rows)), put(s3, LOG, f"{mark}-order.csv", log(*rows, header=LOG_COLUMNS[::-1]))
    more = landing(LOG)
    assert (status(more, again), status(more, reordered)) == ("duplicate", "landed")
    assert events(ask, mark) == (3, 5)
    repeated = landing(LOG, f"run-{mark}")
    assert repeated.is_repeat
    assert status(repeated, key) == "landed"
    refused = ask(f"SELECT rule, count(*) FROM lake.silver.production_event_quarantine WHERE machine_id = 'M-{mark}' GROUP BY 1")
    assert refused == [("quantity_range", 2)]
    assert ask(f"SELECT count(*) FROM lake.bronze.mes_production_log WHERE cells['Resource'] = 'M-{mark}'") == [(8,)]


def test_what_breaks_its_contract_is_recorded_and_its_neighbours_land(landing, s3, ask: Ask, mark: str, core: Settings) -> None:
    good = put(s3, LOG, f"{mark}-good.csv", log(log_row(mark)))
    short = put(s3, LOG, f"{mark}-short.csv", log(log_row(mark), header=LOG_COLUMNS[1:]))
    empty = put(s3, LOG, f"{mark}-empty.csv", b"")
    homeless = put(s3, LOG, f"{mark}-homeless.csv", log(log_row(mark, 7)), site=f"later-{mark}")
    skipped = [put(s3, LOG, name, b"x") for name in (f"~${mark}.csv", f"{mark}.csv.tmp", f"{mark}.csv._COPYING_", f"{mark}-folder/")]
    upload = s3.create_multipart_upload(Bucket="landing", Key=f"{LOG}/{SITE}/{mark}-half.csv")
    s3.upload_part(Bucket="landing", Key=upload["Key"], UploadId=upload["UploadId"], PartNumber=1, Body=log(log_row(mark, 9)))
    report = landing(LOG)
    assert [status(report, key) for key in (good, short, empty, homeless, upload["Key"])] == ["landed", "rejected", "rejected", "waiting", "absent"]
    assert set(skipped) <= set(report.skipped)
    told = ask(f"SELECT status, code, array_join(differences, '; '), row_count FROM lake.ops.landing WHERE object_key = '{short}'")
    assert told[0][:2] == ("rejected", "E_CONTRACT")
    assert "header column 'Case ID': expected present" in told[0][2]
    assert events(ask, mark) == (1, 1)
    s3.abort_multipart_upload(Bucket="landing", Key=upload["Key"], UploadId=upload["UploadId"])
    path = core.run / "plant" / f"later-{mark}.yaml"
    path.write_text(PLANT.replace(SITE, f"later-{mark}"))
    assert status(landing(LOG), homeless) == "landed"
    assert events(ask, mark) == (2, 8)


def test_replaced_while_it_was_read_waits_for_the_next_run(core: Settings, s3, mark: str, tmp_path: Path) -> None:
    zone = LandingZone(core)
    key = put(s3, LOG, f"{mark}.csv", log(log_row(mark)))
    listed = next(each for each in zone.listed(LOG) if each.key == key)
    assert zone.fetch(listed, tmp_path) is not None
    put(s3, LOG, f"{mark}.csv", log(log_row(mark, 2)))
    assert zone.fetch(listed, tmp_path) is None
    s3.delete_object(Bucket="landing", Key=key)
    assert zone.fetch(replace(listed, key=key), tmp_path) is None


def test_confirmations_are_corrected_and_taken_back(landing, s3, ask: Ask, mark: str) -> None:
    put(s3, SHEETS, f"{mark}-1.xlsx", book(sheet_row(mark, 1, 50), sheet_row(mark, 2, 30), sheet_row(mark, 3, 20)))
    landing(SHEETS)
    assert confirmed(ask, mark) == [(f"{mark}/1", 50, 0), (f"{mark}/2", 30, 0), (f"{mark}/3", 20, 0)]
    reversal = sheet_row(mark, 4, 20, reversal_flag="X", reversed_confirmation=f"{mark}/3")
    put(s3, SHEETS, f"{mark}-2.xlsx", book(sheet_row(mark, 1, 50), sheet_row(mark, 2, 31), reversal, sheet_row(mark, 5, 18, 2)))
    report = landing(SHEETS)
    counts = report.conformed.counts
    assert (counts.seen, counts.kept, counts.duplicate, counts.superseded, counts.quarantined) == (4, 2, 1, 1, 0)
    assert confirmed(ask, mark) == [(f"{mark}/1", 50, 0), (f"{mark}/2", 31, 0), (f"{mark}/5", 18, 2)]
    assert {each["cause"] for each in report.conformed.touched} == {"confirmation_new", "confirmation_old"}
    assert {each["machine_id"] for each in report.conformed.touched} == {f"M-{mark}"}
    put(s3, SHEETS, f"{mark}-3.xlsx", book(sheet_row(mark, 3, 20)))
    landing(SHEETS)
    assert len(confirmed(ask, mark)) == 3


def test_unreadable_workbook_is_rejected_in_one_sentence(landing, s3, ask: Ask, mark: str) -> None:
    key = put(s3, SHEETS, f"{mark}.xlsx", b"not a workbook " + mark.encode())
    assert status(landing(SHEETS), key) == "rejected"
    told = ask(f"SELECT differences[1] FROM lake.ops.landing WHERE object_key = '{key}'")
    assert "format: expected an xlsx, xlsb, ods or xls workbook" in told[0][0]


def test_another_writer_in_between_is_not_lost_and_not_doubled(core: Settings, landing, s3, ask: Ask, mark: str) -> None:
    put(s3, LOG, f"{mark}.csv", log(log_row(mark)))
    put(s3, SHEETS, f"{mark}.xlsx", book(sheet_row(mark, 1, 10)))

    class Interrupted(Nessie):
        merges = 0

        def merge(self, branch: str, message: str, expected_main: str | None = None) -> str:
            self.merges += 1
            if self.merges == 1:
                landing(SHEETS)
            return super().merge(branch, message, expected_main)

    catalog = Interrupted(core.nessie_api)
    landing(LOG, catalog=catalog)
    assert catalog.merges == 2
    assert (events(ask, mark), confirmed(ask, mark)) == ((1, 1), [(f"{mark}/1", 10, 0)])


@pytest.mark.parametrize("point", ["files_before_merge", *LATER])
def test_killed_in_the_middle_then_run_again(submit, s3, ask: Ask, mark: str, point: str) -> None:
    put(s3, LOG, f"{mark}.csv", log(*(log_row(mark, number) for number in range(1, 101))))
    arguments = ("jobs/land_files.py", "--source", LOG, "--run-id", f"run-{mark}")
    killed: subprocess.Popen[str] = submit(*arguments, env={"LAKEHOUSE_CRASHPOINT": f"{point}:1:kill"})
    killed.communicate(timeout=300)
    assert killed.returncode == -signal.SIGKILL, "the fault did not fire"
    assert events(ask, mark)[0] == (100 if point == "files_after_merge" else 0)
    again: subprocess.Popen[str] = submit(*arguments)
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, (out + err)[-2000:]
    assert ("repeated, nothing to land" in out) == (point == "files_after_merge")
    assert events(ask, mark) == (100, 5050)


def test_unknown_source_is_one_line(submit) -> None:
    job = submit("jobs/land_files.py", "--source", "nonsense")
    _, err = job.communicate(timeout=120)
    assert job.returncode == 2
    assert err.strip().splitlines()[-1].startswith("E_SETTINGS source nonsense")


@pytest.fixture
def stopped(core: Settings) -> Iterator[Callable[[str], None]]:
    """`stopped(service)` stops a service of the stack; it is back when the test is over."""
    names: list[str] = []

    def stop(name: str) -> None:
        names.append(name)
        Supervisor(core).stop(name)

    yield stop
    bring_up(core, names, [], 180, lambda _: None)


@pytest.mark.parametrize(("service", "code", "exit_status"), [("minio", "E_S3_UNREACHABLE", 11), ("nessie", "E_CATALOG_UNREACHABLE", 12)])
def test_a_service_that_is_down_at_the_start_is_told_in_one_line(submit, stopped, service: str, code: str, exit_status: int) -> None:
    stopped(service)
    begun = time.monotonic()
    job = submit("jobs/land_files.py", "--source", SHEETS)
    out, err = job.communicate(timeout=300)
    last = (out + err).strip().splitlines()[-1]
    assert (job.returncode, last.split()[0]) == (exit_status, code), last
    assert "| next: bin/lakehouse" in last
    assert time.monotonic() - begun < 120
