"""Bronze conformed again: old files replace nothing newer, what is refused by now leaves, what was taken back stays away, workbooks go back."""

from __future__ import annotations

import json
import signal
import subprocess
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from drops import SHEETS, book, landing_bucket, put, sheet_row
from pyspark.sql import SparkSession

from lakehouse.bronze.landing_zone import LandingZone
from lakehouse.flow.land_files import FileLanding, LandingReport
from lakehouse.flow.replay import replay
from lakehouse.nessie import Nessie
from lakehouse.plant import load_plant
from lakehouse.settings import Settings
from lakehouse.sources.contracts import load_sources

pytestmark = pytest.mark.stack
Ask = Callable[..., list[Sequence[Any]]]
SITE, SAP = "again-test", "sap-confirmation"
PLANT = """
site_id: {site}
zone: UTC
shifts: [{{shift_id: day, start: "00:00", end: "00:00"}}]
machine_defaults: {{line_id: L, area_id: A, state_source: none, quantity_source: confirmation}}
machines: [{machines}]
"""
SAP_ROW = {
    "WorkCenter": "N-a", "PostingDate": "2026-11-02T00:00:00Z", "OrderID": "2000022", "ConfirmationYieldQuantity": "10",
    "ConfirmationScrapQuantity": "0", "ConfirmationReworkQuantity": "0", "IsReversed": False, "IsReversal": False,
}  # fmt: skip


class Plant:
    """A stack with a plant of its own, whose machines can change."""

    def __init__(self, settings: Settings, spark: SparkSession, nessie: Nessie) -> None:
        self.settings, self.spark, self.nessie = settings, spark, nessie
        self.s3 = landing_bucket(settings)
        (settings.run / "plant").mkdir(exist_ok=True)

    def has(self, *machines: str) -> None:
        named = ", ".join(f"{{machine_id: {machine}}}" for machine in machines)
        (self.settings.run / "plant" / f"{SITE}.yaml").write_text(PLANT.format(site=SITE, machines=named))

    def land(self, source: str, name: str, content: bytes) -> tuple[str, LandingReport]:
        """Put a file and land it; return its SHA-256 and what became of it."""
        put(self.s3, source, name, content, SITE)
        plant, contract = load_plant(self.settings.plant_folders), load_sources().contract(source)
        landing = FileLanding(self.spark, self.nessie, LandingZone(self.settings), source, contract, plant)
        return sha256(content).hexdigest(), landing.run(uuid.uuid4().hex, datetime.now(UTC))

    def replay(self, source: str, *files: str) -> list[str]:
        plant, contract = load_plant(self.settings.plant_folders), load_sources().contract(source)
        return replay(self.spark, self.nessie, plant, source, contract, datetime.now(UTC), files)


@pytest.fixture
def plant(core: Settings, spark: SparkSession, nessie: Nessie) -> Plant:
    made = Plant(core, spark, nessie)
    made.has("N-a", "N-b")
    return made


def confirmed(ask: Ask, mark: str) -> list[tuple[str, int]]:
    """Machine and good pieces of the confirmations of one mark, by key."""
    where = f"site_id = '{SITE}' AND starts_with(confirmation_key, '{mark}') ORDER BY confirmation_key"
    return [(row[0], int(row[1])) for row in ask(f"SELECT machine_id, good_qty FROM lake.silver.confirmation WHERE {where}")]


def refused(ask: Ask, sha: str) -> list[str]:
    return [row[0] for row in ask(f"SELECT rule FROM lake.silver.confirmation_quarantine WHERE starts_with(origin, '{sha}') ORDER BY origin")]


def test_an_old_workbook_conformed_again_replaces_nothing_that_came_later(plant: Plant, ask: Ask) -> None:
    mark = uuid.uuid4().hex[:10]
    old, _ = plant.land(SHEETS, f"{mark}-1.xlsx", book(sheet_row(mark, 1, 10, machine_id="N-a"), sheet_row(mark, 2, -1, machine_id="N-a")))
    plant.land(SHEETS, f"{mark}-2.xlsx", book(sheet_row(mark, 1, 20, machine_id="N-a"), sheet_row(mark, 2, 5, machine_id="N-a")))
    assert (confirmed(ask, mark), refused(ask, old)) == ([("N-a", 20), ("N-a", 5)], [])
    plant.replay(SHEETS, old)
    assert (confirmed(ask, mark), refused(ask, old)) == ([("N-a", 20), ("N-a", 5)], []), "what a later file mended stays mended"


def test_what_is_refused_by_now_leaves_and_its_older_version_counts_again(plant: Plant, ask: Ask) -> None:
    mark = uuid.uuid4().hex[:10]
    plant.land(SHEETS, f"{mark}-1.xlsx", book(sheet_row(mark, 1, 10, machine_id="N-a"), sheet_row(mark, 2, 3, machine_id="N-a")))
    late, _ = plant.land(SHEETS, f"{mark}-2.xlsx", book(sheet_row(mark, 1, 20, machine_id="N-b"), sheet_row(mark, 3, 4, machine_id="N-b")))
    assert confirmed(ask, mark) == [("N-b", 20), ("N-a", 3), ("N-b", 4)]
    plant.has("N-a")
    lines = plant.replay(SHEETS, late)
    assert (confirmed(ask, mark), refused(ask, late)) == ([("N-a", 10), ("N-a", 3)], ["unknown_machine", "unknown_machine"])
    assert any("2 rows left silver" in line for line in lines), lines
    plant.has("N-a", "N-b")
    plant.replay(SHEETS, late)
    assert (confirmed(ask, mark), refused(ask, late)) == ([("N-b", 20), ("N-a", 3), ("N-b", 4)], [])


def test_a_reversed_confirmation_of_the_erp_is_gone_for_good(plant: Plant, ask: Ask) -> None:
    mark = uuid.uuid4().hex[:10]
    columns = load_sources().contract(SAP).column_names

    def sent(*rows: dict[str, Any]) -> bytes:
        return json.dumps([{**dict.fromkeys(columns), **SAP_ROW, "ConfirmationGroup": mark, **row} for row in rows]).encode()

    first, _ = plant.land(SAP, f"{mark}-1.json", sent({"ConfirmationCount": "1"}, {"ConfirmationCount": "2", "ConfirmationYieldQuantity": "7"}))
    assert confirmed(ask, mark) == [("N-a", 10), ("N-a", 7)]
    reversal = {"ConfirmationCount": "3", "ConfirmationYieldQuantity": "-10", "IsReversal": True}
    _, report = plant.land(SAP, f"{mark}-2.json", sent({"ConfirmationCount": "1", "IsReversed": True}, reversal))
    counts = report.conformed.counts if report.conformed else None
    assert counts is not None
    assert (counts.seen, counts.kept, counts.superseded, counts.quarantined) == (2, 0, 2, 0)
    assert {each["cause"] for each in report.conformed.touched} == {"confirmation_old"}
    assert confirmed(ask, mark) == [("N-a", 7)]
    plant.replay(SAP, first)
    assert confirmed(ask, mark) == [("N-a", 7)]


def test_killed_before_its_workbook_went_back_a_repeated_run_gives_it_back(plant: Plant, submit: Any) -> None:
    mark = uuid.uuid4().hex[:10]
    key = put(plant.s3, SHEETS, f"{mark}.xlsx", book(sheet_row(mark, 1, -1, machine_id="N-a")), SITE)

    def given_back() -> list[str]:
        listed = plant.s3.list_objects_v2(Bucket="landing", Prefix=key).get("Contents", [])
        return [each["Key"] for each in listed if each["Key"] != key]

    arguments = ("jobs/land_files.py", "--source", SHEETS, "--run-id", f"run-{mark}")
    killed: subprocess.Popen[str] = submit(*arguments, env={"LAKEHOUSE_CRASHPOINT": "files_after_merge:1:kill"})
    killed.communicate(timeout=300)
    assert killed.returncode == -signal.SIGKILL, "the fault did not fire"
    assert given_back() == []
    again: subprocess.Popen[str] = submit(*arguments)
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, (out + err)[-2000:]
    assert "repeated, nothing to land" in out
    assert given_back() == [f"{key}.refused.xlsx"]


@pytest.mark.campaign
def test_a_replay_killed_before_its_merge_has_changed_nothing_and_runs_again(plant: Plant, submit: Any, ask: Ask) -> None:
    mark = uuid.uuid4().hex[:10]
    plant.has("N-a")
    sha, _ = plant.land(SHEETS, f"{mark}.xlsx", book(sheet_row(mark, 1, 10, machine_id="N-a"), sheet_row(mark, 2, 20, machine_id="N-b")))
    plant.has("N-a", "N-b")
    arguments = ("jobs/replay.py", "--source", SHEETS, "--file", sha)
    killed: subprocess.Popen[str] = submit(*arguments, env={"LAKEHOUSE_CRASHPOINT": "replay_before_merge:1:kill"})
    killed.communicate(timeout=300)
    assert killed.returncode == -signal.SIGKILL, "the fault did not fire"
    assert (confirmed(ask, mark), refused(ask, sha)) == ([("N-a", 10)], ["unknown_machine"])
    again: subprocess.Popen[str] = submit(*arguments)
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, (out + err)[-2000:]
    assert (confirmed(ask, mark), refused(ask, sha)) == ([("N-a", 10), ("N-b", 20)], [])
