"""A number that changes says so: both versions can be asked, a correction changes what it touches only, and why a number is what it is."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from drops import SHEETS, book, landing_bucket, put, sheet_row
from pyspark.sql import SparkSession

from lakehouse.bronze.landing_zone import LandingZone
from lakehouse.flow import publish as publishing
from lakehouse.flow.land_files import FileLanding
from lakehouse.flow.publish import publish
from lakehouse.nessie import Nessie
from lakehouse.plant import load_plant
from lakehouse.services.sql import run_sql
from lakehouse.serving.explain import explain
from lakehouse.settings import Settings
from lakehouse.sources.contracts import load_sources

pytestmark = pytest.mark.stack
Ask = Callable[..., list[Sequence[Any]]]
SITE, MACHINES = "versions-test", ("M-a", "M-b")
PLANT = f"""
site_id: {SITE}
zone: UTC
shifts: [{{shift_id: day, start: "06:00", end: "14:00"}}]
machine_defaults: {{line_id: L, area_id: A, state_source: confirmation_only, quantity_source: confirmation}}
machines: [{{machine_id: M-a}}, {{machine_id: M-b}}]
ideal_cycles: [{{part_no: P, cycle_s: 60}}]
"""
OF_SHIFT = f"site_id = '{SITE}' AND shift_id = 'day'"
Deliver = Callable[[str, bytes], None]


@pytest.fixture(scope="module")
def deliver(core: Settings, spark: SparkSession, nessie: Nessie) -> Deliver:
    """`deliver(name, workbook)` lands a workbook and publishes."""
    (core.run / "plant" / f"{SITE}.yaml").write_text(PLANT)
    bucket, plant = landing_bucket(core), load_plant(core.plant_folders)

    def land(name: str, content: bytes) -> None:
        put(bucket, SHEETS, name, content, SITE)
        FileLanding(spark, nessie, LandingZone(core), SHEETS, load_sources().contract(SHEETS), plant).run(uuid.uuid4().hex, datetime.now(UTC))
        publish(spark, nessie, plant, "test", ttl_s=60, wait_s=60)

    return land


@pytest.fixture(scope="module")
def corrected(deliver: Deliver, ask: Ask) -> dict[str, Any]:
    """A workbook for two machines, the same again, and one with a row corrected (K-21); gold after each."""
    rows = [sheet_row("V1", 1, 400, 0, machine_id="M-a"), sheet_row("V1", 2, 300, 0, machine_id="M-b")]
    found = {}
    for name, content in {"first": rows, "again": rows, "corrected": [rows[0], sheet_row("V1", 2, 290, 10, machine_id="M-b")]}.items():
        deliver(f"{name}.xlsx", book(*content))
        shifts = ask(f"SELECT machine_id, revision, gq_count, sq_count, pq_count FROM lake.gold.machine_shift WHERE {OF_SHIFT} ORDER BY 1")
        silver = ask(f"SELECT confirmation_key, good_qty, source_ref FROM lake.silver.confirmation WHERE site_id = '{SITE}' ORDER BY 1")
        snapshot = ask('SELECT snapshot_id FROM lake.gold."machine_shift$snapshots" ORDER BY committed_at DESC LIMIT 1')
        found[name] = {"shifts": [tuple(row) for row in shifts], "silver": [tuple(row) for row in silver], "snapshot": snapshot[0][0]}
    return found


def test_the_same_workbook_again_changes_nothing(corrected: dict[str, Any]) -> None:
    assert [row[2:] for row in corrected["first"]["shifts"]] == [(400, 0, 400), (300, 0, 300)]
    assert corrected["again"]["silver"] == corrected["first"]["silver"]
    assert corrected["again"]["shifts"] == corrected["first"]["shifts"]


def test_a_corrected_row_changes_itself_and_the_shift_that_it_touches(corrected: dict[str, Any]) -> None:
    before, after = corrected["again"], corrected["corrected"]
    assert before["silver"][0] == after["silver"][0]
    assert (before["silver"][1][1], after["silver"][1][1]) == (300, 290)
    assert before["shifts"][0] == after["shifts"][0]
    assert after["shifts"][1][2:] == (290, 10, 300)
    assert after["shifts"][1][1] > before["shifts"][1][1]


@pytest.mark.campaign
@pytest.mark.usefixtures("corrected")
def test_a_rebuild_in_parts_gives_the_rows_of_one_in_a_piece(
    core: Settings, spark: SparkSession, nessie: Nessie, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "category, reason_code, source_table, source_key, source_ref, segment_end_at"
    made = "pbt_s, apt_s, unknown_s, gq_count, sq_count, pq_count, earned_good_s"
    shift = "site_id, machine_id, shift_date, shift_id"

    def gold() -> tuple[dict[Sequence[Any], Sequence[Any]], dict[Sequence[Any], set[Sequence[Any]]]]:
        """Machine-shifts that are over, and their segments: what runs ends with the clock, which goes on from one rebuild to the next."""
        over = ask(f"SELECT {shift}, {made} FROM lake.gold.machine_shift WHERE NOT is_provisional")
        segments: dict[Sequence[Any], set[Sequence[Any]]] = {tuple(row[:4]): set() for row in over}
        for row in ask(f"SELECT {shift}, segment_start_at, {told} FROM lake.gold.time_segment"):
            segments.get(tuple(row[:4]), set()).add(tuple(row[4:]))
        return {tuple(row[:4]): tuple(row[4:]) for row in over}, segments

    def rebuilt() -> int:
        done = publish(spark, nessie, load_plant(core.plant_folders), "test", ttl_s=60, wait_s=60, rebuild=True)
        assert done is not None
        return done.machine_shift_count

    count, (shifts, segments) = rebuilt(), gold()
    monkeypatch.setattr(publishing, "PART_SHIFTS", max(1, count // 3))
    assert rebuilt() >= count
    shifts_in_parts, segments_in_parts = gold()
    assert shifts
    assert [key for key, row in shifts.items() if shifts_in_parts.get(key) != row] == []
    assert [key for key, rows in segments.items() if segments_in_parts.get(key) != rows] == []
    audits = ask("SELECT audit, count(*) FROM lake.ops.audit_result WHERE revision = (SELECT max(revision) FROM lake.ops.publication) GROUP BY 1")
    assert audits
    assert {row[1] for row in audits} == {1}


def test_both_versions_can_be_asked(corrected: dict[str, Any], ask: Ask) -> None:
    at = corrected["first"]["snapshot"]
    question = f"SELECT gq_count FROM lake.gold.machine_shift{{}} WHERE {OF_SHIFT} AND machine_id = 'M-b'"
    assert [int(row[0]) for row in ask(question.format(f" FOR VERSION AS OF {at}"))] == [300]
    assert [int(row[0]) for row in ask(question.format(""))] == [290]


@pytest.mark.usefixtures("corrected")
def test_a_number_is_explained_down_to_its_rows(core: Settings) -> None:
    def rows(sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        answer = run_sql(core, sql, "superset", values)
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]

    found = explain(rows, "oee_by_shift", "M-b", "day", date(2026, 11, 2), None)
    assert found.formula[1].startswith("Formula:  OEE =")
    assert found.adds_up() == {}
    elements = {row["element"]: row["element_value"] for row in found.elements}
    assert (elements["pbt_s"], elements["apt_s"], elements["earned_good_s"]) == (28_800, 28_800, 17_400)
    (source,) = found.sources
    assert source["source_table"] == "silver.confirmation"
    sha, sheet, row = source["source_ref"].split("/")
    assert (len(sha), sheet, row) == (64, "Confirmations", "3")
    assert abs(found.answer[0]["oee_ratio"] - found.answer[0]["earned_good_s"] / found.answer[0]["pbt_s"]) < Decimal("1e-12")
