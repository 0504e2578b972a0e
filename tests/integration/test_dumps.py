"""The eight MES and ERP dumps through store, Spark and Trino, held against what is true of them; and whatever way they are delivered."""

from __future__ import annotations

import datetime as dt
import random
import signal
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from drops import landing_bucket
from pyspark.sql import SparkSession

from lakehouse.bronze.landing_zone import LandingZone
from lakehouse.errors import KeyNotUniqueError
from lakehouse.flow.inventory import publish_inventory
from lakehouse.flow.land_files import FileLanding, LandingReport
from lakehouse.flow.publish import publish
from lakehouse.flow.replay import replay
from lakehouse.nessie import Nessie
from lakehouse.plant import load_plant
from lakehouse.quality.keys import unique_on
from lakehouse.settings import Settings
from lakehouse.simulator import dumps
from lakehouse.simulator.dump_rows import Truth
from lakehouse.sources.contracts import load_sources
from lakehouse.tables.silver_mes import ERP_ITEM_ROW

pytestmark = pytest.mark.stack
Ask = Callable[..., list[Sequence[Any]]]
SITE, SEED = "dumps-test", 11
ROWS = {"mes-plan-shift": 800, "mes-result": 4_000, "erp-item": 3_000, "erp-warehouse": 1_500, "erp-bill-of-material": 400}
PLANT = f"""
site_id: {SITE}
zone: Europe/Berlin
discover: true
shifts: [{{shift_id: day, start: "00:00", end: "00:00"}}]
machine_defaults: {{line_id: L, area_id: A, state_source: none, quantity_source: none}}
"""
SILVER = {
    "mes-plan-shift": "production_plan", "mes-result": "production_result", "mes-work-order": "work_order",
    "mes-routing-stage": "routing_stage", "mes-item": "item", "erp-item": "erp_item_row", "erp-warehouse": "stock_movement",
    "erp-bill-of-material": "bill_of_material",
}  # fmt: skip


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Truth]]:
    """The eight files and what is true of them."""
    folder = tmp_path_factory.mktemp("dumps")
    return folder, dumps.write_all(folder, SEED, ROWS)


@pytest.fixture(scope="module")
def deliver(core: Settings) -> Callable[[str, str, bytes], str]:
    s3 = landing_bucket(core)

    def put(source: str, name: str, content: bytes) -> str:
        key = f"{source}/{SITE}/{name}"
        s3.put_object(Bucket="landing", Key=key, Body=content)
        return key

    return put


@pytest.fixture(scope="module")
def land(core: Settings, spark: SparkSession, nessie: Nessie) -> Callable[[str], LandingReport]:
    def one(source: str) -> LandingReport:
        plant = load_plant(core.plant_folders)
        landing = FileLanding(spark, nessie, LandingZone(core), source, load_sources().contract(source), plant)
        return landing.run(f"test-{uuid.uuid4().hex[:12]}", dt.datetime.now(dt.UTC))

    return one


@pytest.fixture(scope="module")
def published(
    core: Settings,
    spark: SparkSession,
    nessie: Nessie,
    sent: tuple[Path, dict[str, Truth]],
    deliver: Callable[[str, str, bytes], str],
    land: Callable[[str], LandingReport],
) -> dict[str, LandingReport]:
    """All eight landed and gold published from them."""
    (core.run / "plant").mkdir(exist_ok=True)
    (core.run / "plant" / f"{SITE}.yaml").write_text(PLANT)
    reports = {}
    for source, name in dumps.OBJECTS.items():
        deliver(source, name, (sent[0] / name).read_bytes())
        reports[source] = land(source)
    publish(spark, nessie, load_plant(core.plant_folders), "test", ttl_s=120, wait_s=60)
    return reports


def rows_of(ask: Ask, table: str) -> int:
    return int(ask(f"SELECT count(*) FROM lake.silver.{table} WHERE site_id = '{SITE}'")[0][0])


def content(ask: Ask, table: str) -> Any:
    """An order-free fingerprint of a table's rows at the site, without where they came from."""
    columns = [row[0] for row in ask(f"SHOW COLUMNS FROM lake.silver.{table}") if row[0] not in ("source_ref", "landed_at")]
    said = ", ".join(f"coalesce(cast({name} AS varchar), '~')" for name in columns)
    return ask(f"SELECT count(*), checksum(concat_ws('|', {said})) FROM lake.silver.{table} WHERE site_id = '{SITE}'")


def test_each_row_is_in_silver_or_in_quarantine_with_a_rule(published: dict[str, LandingReport], sent: Any, ask: Ask) -> None:
    for source, table in SILVER.items():
        report = published[source]
        (outcome,) = [each for each in report.outcomes if f"/{SITE}/" in each.object_key]
        assert (outcome.status, outcome.row_count) == ("landed", ROWS.get(source, dumps.ROWS[source])), report.lines()
        refused = ask(f"SELECT rule, count(*) FROM lake.silver.{table}_quarantine WHERE site_id = '{SITE}' GROUP BY rule")
        assert sum(count for _, count in refused) == len(sent[1][source].refused), (source, refused)
        assert rows_of(ask, table) == outcome.row_count - len(sent[1][source].refused), source


def test_plan_slots_are_summed_and_boards_counted_distinct(published: Any, sent: Any, ask: Ask) -> None:
    columns = "item_no, station, slot_date, slot_hour, work_order_no"
    found = ask(f"SELECT {columns}, planned_qty, portion_count, board_count, scan_count FROM kpi.plant.plan_adherence WHERE site_id = '{SITE}'")
    slots = {tuple(row[:5]): row[5:] for row in found}
    assert len(slots) == len(found)
    names = ("item_no", "station", "slot_date", "slot_hour", "work_order_no")

    def key(slot: dict[str, Any]) -> tuple[Any, ...]:
        date = slot["slot_date"]
        return tuple(dt.date.fromisoformat(date) if name == "slot_date" and isinstance(date, str) else slot[name] for name in names)

    planned = {key(each): (each["planned_qty"], each["portion_count"]) for each in dumps.plan_slots(sent[1]["mes-plan-shift"])}
    made = {key(each): (each["board_count"], each["scan_count"]) for each in dumps.passed_boards(sent[1]["mes-result"])}
    assert {slot: (row[0], row[1]) for slot, row in slots.items() if row[1]} == planned
    assert {slot: (row[2], row[3]) for slot, row in slots.items() if row[3]} == made
    assert set(planned) - set(made)
    assert set(made) - set(planned)
    naive = ask(
        f"SELECT sum(planned_qty) FROM (SELECT DISTINCT {columns.replace('slot_date', 'plan_date')}, planned_qty FROM lake.silver.production_plan)"
    )
    assert naive[0][0] < sum(pieces for pieces, _ in planned.values())


def test_order_progress_is_the_truth(published: Any, sent: Any, ask: Ask) -> None:
    truth = {each["work_order_no"]: each for each in dumps.order_progress(sent[1])}
    names = ("ordered_qty", "is_blocked", "is_closed", "planned_qty", "board_count", "last_stage_board_count")
    found = ask(f"SELECT work_order_no, {', '.join(names)} FROM kpi.plant.order_progress WHERE site_id = '{SITE}'")
    assert {row[0]: dict(zip(names, row[1:], strict=True)) for row in found} == {
        number: {name: each[name] for name in names} for number, each in truth.items()
    }


def test_stock_by_receipt_as_of_a_date(published: Any, sent: Any, core: Settings, spark: SparkSession, nessie: Nessie, ask: Ask) -> None:
    movements, costs = sent[1]["erp-warehouse"], sent[1]["erp-item"].costs
    days = sorted({day for _, day in movements.receipts})
    names = ("item_no", "received_date", "remaining_qty", "age_d", "stock_value")
    for day in (days[len(days) // 2], days[-1]):
        for _ in range(2):  # a second run of a day replaces it
            publish_inventory(spark, nessie, load_plant(core.plant_folders), day, "test", ttl_s=120, wait_s=60)
        asked = f"SELECT {', '.join(names)} FROM kpi.plant.inventory_age WHERE site_id = '{SITE}' AND as_of_date = DATE '{day}' AND remaining_qty > 0"
        found = {tuple(row[:2]): tuple(row[2:]) for row in ask(asked)}
        truth = {(each["item_no"], each["received_date"]): tuple(each[name] for name in names[2:]) for each in dumps.stock(movements, costs, day)}
        assert found == truth


@pytest.mark.campaign
def test_stock_killed_before_its_merge_is_as_before_and_is_made_again(published: Any, sent: Any, submit: Any, ask: Ask) -> None:
    day = max(day for _, day in sent[1]["erp-warehouse"].receipts) + dt.timedelta(days=1)
    of_day = f"site_id = '{SITE}' AND as_of_date = DATE '{day}'"
    told = f"SELECT count(*), count(DISTINCT (item_no, received_date)) FROM lake.gold.inventory_age WHERE {of_day}"
    arguments = ("jobs/inventory.py", "--date", str(day))
    killed = submit(*arguments, env={"LAKEHOUSE_CRASHPOINT": "inventory_before_merge:1:kill", "LAKEHOUSE_LEASE_TTL_S": "10"})
    killed.communicate(timeout=300)
    assert killed.returncode == -signal.SIGKILL, "the fault did not fire"
    assert ask(told) == [(0, 0)]
    again = submit(*arguments)
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, (out + err)[-2000:]
    ((rows, receipts),) = ask(told)
    assert rows == receipts > 0


SLOTS = "site_id, item_no, station, slot_date, slot_hour, work_order_no"
SLOT_ROWS = f"""SELECT {SLOTS}, sum(quantity) FILTER (WHERE kind = 'planned'), count(*) FILTER (WHERE kind = 'planned'),
    count(DISTINCT IF(status = 'passed', board_id)) FILTER (WHERE kind = 'scanned'), count(*) FILTER (WHERE kind = 'scanned')
    FROM kpi.plant.order_rows WHERE kind IN ('planned', 'scanned') GROUP BY {SLOTS}"""
ORDER_ROWS = """SELECT p.site_id, p.work_order_no,
    sum(r.quantity) FILTER (WHERE r.kind = 'ordered'), sum(r.quantity) FILTER (WHERE r.kind = 'planned'),
    count(DISTINCT IF(r.status = 'passed', r.board_id)),
    sum(r.quantity) FILTER (WHERE r.kind = 'confirmed' AND r.status = 'first pass' AND r.operation_no IS NOT DISTINCT FROM p.last_operation_no)
    FROM kpi.plant.order_progress p JOIN kpi.plant.order_rows r ON p.site_id = r.site_id AND p.work_order_no = r.work_order_no GROUP BY 1, 2"""
STOCK_ROWS = """SELECT site_id, item_no, slot_date, sum(quantity)
    FROM kpi.plant.order_rows WHERE kind = 'moved' AND status = 'inbound' GROUP BY 1, 2, 3"""
BEHIND = {
    f"SELECT {SLOTS}, planned_qty, portion_count, board_count, scan_count FROM kpi.plant.plan_adherence": SLOT_ROWS,
    "SELECT site_id, work_order_no, ordered_qty, planned_qty, board_count, confirmed_good_qty FROM kpi.plant.order_progress": ORDER_ROWS,
    "SELECT site_id, item_no, received_date, received_qty FROM kpi.plant.inventory_age": STOCK_ROWS,
}


@pytest.mark.parametrize("numbers", BEHIND, ids=["plan_adherence", "order_progress", "inventory_age"])
def test_every_number_of_plan_orders_and_stock_is_made_of_its_rows(published: Any, ask: Ask, numbers: str) -> None:
    assert ask(f"SELECT count(*) > 50 FROM ({numbers}) WHERE site_id = '{SITE}'") == [(True,)]
    assert ask(f"{numbers} EXCEPT {BEHIND[numbers]}", user="superset") == []


def test_the_item_master_of_the_erp_is_no_key(published: Any, spark: SparkSession) -> None:
    rows = spark.table(ERP_ITEM_ROW.on_main).where(f"site_id = '{SITE}'")
    with pytest.raises(KeyNotUniqueError, match=r"silver.erp_item_row: site_id, item_no is not unique"):
        unique_on(rows, ERP_ITEM_ROW, ["site_id", "item_no"])


def test_twice_shuffled_split_and_merged_is_the_same_silver(
    published: Any, sent: Any, deliver: Callable[[str, str, bytes], str], land: Callable[[str], LandingReport], ask: Ask
) -> None:
    source, table = "mes-result", "production_result"
    before = content(ask, table)
    lines = (sent[0] / dumps.OBJECTS[source]).read_bytes().splitlines(keepends=True)
    shuffled = random.Random(3).sample(lines, len(lines))
    deliver(source, "again.csv", b"".join(lines))
    deliver(source, "shuffled.csv", b"".join(shuffled))
    deliver(source, "first-part.csv", b"".join(shuffled[: len(lines) // 3]))
    deliver(source, "other-part.csv", b"".join(shuffled[len(lines) // 3 :]))
    deliver(source, "merged.csv", b"".join(lines + shuffled))
    report = land(source)
    assert sorted(each.status for each in report.outcomes) == ["duplicate", "landed", "landed", "landed", "landed"]
    assert report.conformed is not None
    assert report.conformed.counts.kept == 0
    assert content(ask, table) == before


def test_a_corrected_file_restates_just_its_rows(
    published: Any, sent: Any, deliver: Callable[[str, str, bytes], str], land: Callable[[str], LandingReport], ask: Ask
) -> None:
    source = "mes-work-order"
    lines = (sent[0] / dumps.OBJECTS[source]).read_text().splitlines()
    first = lines[0].split("\t")
    corrected = [*first[:4], str(int(first[4]) + 7), *first[5:]]
    deliver(source, "corrected.csv", ("\n".join(["\t".join(corrected), *lines[1:]]) + "\n").encode())
    counts = land(source).conformed
    assert counts is not None
    assert (counts.counts.kept, counts.counts.seen) == (1, len(lines))
    changed = ask(f"SELECT ordered_qty FROM lake.silver.work_order WHERE site_id = '{SITE}' AND work_order_no = '{first[0]}'")
    assert changed[0][0] == int(first[4]) + 7


def test_a_broken_contract_rejects_the_file_with_its_first_differences(
    published: Any, sent: Any, deliver: Callable[[str, str, bytes], str], land: Callable[[str], LandingReport]
) -> None:
    lines = (sent[0] / dumps.OBJECTS["mes-plan-shift"]).read_bytes().splitlines(keepends=True)
    key = deliver("mes-plan-shift", "renamed.csv", lines[0].replace(b"ItemNo", b"Item") + b"".join(lines[1:5]))
    (outcome,) = [each for each in land("mes-plan-shift").outcomes if each.object_key == key]
    assert (outcome.status, outcome.code) == ("rejected", "E_CONTRACT")
    assert outcome.differences[0].startswith("header column 'ItemNo': expected present, found missing")


def test_a_replay_from_bronze_changes_nothing(published: Any, core: Settings, spark: SparkSession, nessie: Nessie, ask: Ask) -> None:
    before, refused = content(ask, "item"), ask("SELECT count(*) FROM lake.silver.item_quarantine")
    contract = load_sources().contract("mes-item")
    lines = replay(spark, nessie, load_plant(core.plant_folders), "mes-item", contract, dt.datetime.now(dt.UTC))
    assert "kept=0" in lines[-1]
    assert (content(ask, "item"), ask("SELECT count(*) FROM lake.silver.item_quarantine")) == (before, refused)
