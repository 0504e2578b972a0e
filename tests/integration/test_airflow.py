"""The real scheduler: files become silver and gold, a cleared run doubles nothing, a person decides, a failure says its code.

The module's runs are triggered through the REST API, as the pages do. Its rows are told from those of other tests by their order number.
"""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from airflow_rest import Api
from drops import LOG, SHEETS, book, landing_bucket, log, log_row, put

from lakehouse.services.supervisor import Supervisor
from lakehouse.settings import HOME, SECRET_NAMES, Settings
from lakehouse.sources.contracts import load_sources

pytestmark = pytest.mark.stack

RUN_WITHIN_S = 600
SITE = "workbooks"
BOOKS, FILES, GOLD, STOCK = "bronze_confirmations", "bronze_mes_files", "gold_kpis", "inventory_age"
WAREHOUSE = "erp-warehouse"
TAKE, WAIT = "take the good rows", "wait for a mended file"
HEADER = (
    "confirmation_no", "counter", "order_no", "operation_no", "machine_id", "material", "posting_date", "start", "finish", "yield_qty",
    "scrap_qty", "rework_qty", "scrap_reason", "unit", "shift", "reversal_flag", "reversed_confirmation",
)  # fmt: skip
Ask = Callable[..., list[Sequence[Any]]]
Wait = Callable[..., Any]
Finish = Callable[[str, str], str]
Follow = Callable[..., str]


@pytest.fixture(scope="module")
def api(with_airflow: Settings) -> Api:
    return Api.login(with_airflow, "admin")


@pytest.fixture(scope="module")
def finish(api: Api, wait_until: Wait) -> Finish:
    """Wait for the end of a run, or until it waits for a person, and return its state."""

    def wait(dag: str, run: str) -> str:
        def ended() -> str:
            state = api.state(dag, run)
            if state in ("success", "failed"):
                return state
            return "asked" if state == "running" and api.questions(dag, run) else ""

        return str(wait_until(ended, RUN_WITHIN_S, f"the end of {dag} {run}", 1.0))

    return wait


@pytest.fixture(scope="module")
def follow(api: Api, wait_until: Wait, finish: Finish) -> Follow:
    """Wait until a DAG that assets start has answered a run's events, `times` of them, and return the last run that did."""

    def answered(dag: str, run: str, times: int) -> str:
        found: list[str] = []
        for own in api.get(f"dags/{dag}/dagRuns?order_by=run_after&limit=100")["dag_runs"]:
            if own["start_date"] is None:
                continue  # Airflow 3.3.2 answers 500 about the events of a run that is still queued
            events = api.get(f"dags/{dag}/dagRuns/{own['dag_run_id']}/upstreamAssetEvents")["asset_events"]
            found += [str(own["dag_run_id"]) for event in events if event["source_run_id"] == run]
        return found[-1] if len(found) >= times else ""

    def wait(run: str, times: int, dag: str = GOLD) -> str:
        # One run at a time: it is created only when the one before it has ended.
        own = str(wait_until(lambda: answered(dag, run, times), RUN_WITHIN_S, f"a run of {dag} that {run} starts", 1.0))
        assert finish(dag, own) == "success", api.why(dag, own)
        return own

    return wait


@pytest.fixture(scope="module")
def drained(with_airflow: Settings, api: Api, finish: Finish) -> None:
    """Land the workbooks that other modules have left in the bucket, so that none of them asks in ours."""
    run = api.trigger(BOOKS)
    if finish(BOOKS, run) == "asked":
        assert api.answer(BOOKS, run, "take_or_wait", TAKE) == 200
        assert finish(BOOKS, run) == "success"


@dataclass(frozen=True)
class Landed:
    """A workbook that the scheduler's run has landed."""

    order: str
    key: str
    run: str


def write_plant(path: Path) -> None:
    """Write the demo's plant as a site whose pieces are those of its confirmations, so that a workbook reaches gold."""
    plant = yaml.safe_load((HOME / "conf" / "plant" / "demo.yaml").read_text())
    plant["site_id"] = SITE
    plant["machine_defaults"].update(state_source="confirmation_only", quantity_source="confirmation", heartbeat_s=None)
    path.write_text(yaml.safe_dump(plant))


def confirmation(order: str, number: int, machine: str, day: str = "2026-03-02") -> dict[str, Any]:
    times = {"start": "2026-03-02T07:00:00+01:00", "finish": "2026-03-02T08:00:00+01:00"}
    named = {"confirmation_no": f"{order}-{number}", "counter": "1", "order_no": order, "operation_no": "10", "machine_id": machine}
    counted = {"yield_qty": 40, "scrap_qty": 2, "rework_qty": 0, "scrap_reason": "burr", "unit": "PC", "shift": "early"}
    return {**dict.fromkeys(HEADER, ""), **named, "material": "P-100", "posting_date": day, **times, **counted}


def deliver(settings: Settings, order: str, *rows: dict[str, Any]) -> str:
    """Put a workbook into the landing bucket and return its key."""
    return put(landing_bucket(settings), SHEETS, f"{order}.xlsx", book(*rows), SITE)


@pytest.fixture(scope="module")
def landed(with_airflow: Settings, drained: None, api: Api, finish: Finish) -> Landed:
    order = f"AF-{uuid.uuid4().hex[:8]}"
    write_plant(with_airflow.run / "plant" / f"{SITE}.yaml")
    key = deliver(with_airflow, order, *(confirmation(order, number, machine) for number, machine in enumerate(("M06", "M07", "M08"))))
    run = api.trigger(BOOKS)
    assert finish(BOOKS, run) == "success", api.why(BOOKS, run)
    return Landed(order, key, run)


def counts(ask: Ask, key: str, order: str) -> tuple[int, int, int]:
    """Return the rows of a workbook in bronze, silver and ops.landing."""
    ((bronze, silver, landing),) = ask(
        f"select (select count(*) from lake.bronze.confirmation_sheet where object_key = '{key}'), "
        f"(select count(*) from lake.silver.confirmation where order_no = '{order}'), "
        f"(select count(*) from lake.ops.landing where object_key = '{key}')"
    )
    return int(bronze), int(silver), int(landing)


def gold_rows(ask: Ask) -> dict[str, int]:
    """Return how often gold has the shift of our confirmations, by machine."""
    rows = ask(
        f"select machine_id, count(*) from lake.gold.machine_shift where site_id = '{SITE}' and shift_date = date '2026-03-02' "
        "and shift_id = 'early' and machine_id in ('M06', 'M07', 'M08') group by 1"
    )
    return {str(machine): int(count) for machine, count in rows}


def test_all_dags_are_read_and_their_pools_have_their_places(api: Api) -> None:
    assert api.get("importErrors")["total_entries"] == 0
    dags = {dag["dag_id"]: dag for dag in api.get("dags")["dags"]}
    assert {BOOKS, FILES, GOLD, "silver_tables", "table_maintenance", "source_health", "shift_report", "replay"} <= set(dags)
    assert not any(dag["is_paused"] for dag in dags.values())
    pools = {pool["name"]: pool["slots"] for pool in api.get("pools")["pools"]}
    assert (pools["spark"], pools["light"]) == (1, 2)


def test_a_workbook_is_in_silver_nobody_is_asked_and_the_logs_end_with_counts(landed: Landed, api: Api, ask: Ask) -> None:
    assert counts(ask, landed.key, landed.order) == (3, 3, 1)
    log = api.log(BOOKS, landed.run, "land", SHEETS)
    assert landed.key in log
    assert f"{SHEETS}: 1 files" in log
    assert f"run {landed.run}/{SHEETS} of {SHEETS}: landed 1, duplicate 0, rejected 0, waiting 0" in log
    assert "nothing is to mend in 1 workbooks: nobody is asked" in api.log(BOOKS, landed.run, "take_or_wait")
    assert "landed 1, duplicate 0, rejected 0; rows 3, quarantined 0" in api.log(BOOKS, landed.run, "said")
    assert api.emitted(landed.run) == ["silver_confirmation"]


def test_gold_follows_by_the_asset(landed: Landed, api: Api, follow: Follow, ask: Ask) -> None:
    log = api.log(GOLD, follow(landed.run, 1), "gold_machine_shift")
    assert "published revision " in log or "nothing to publish" in log
    assert gold_rows(ask) == {"M06": 1, "M07": 1, "M08": 1}


def test_a_cleared_run_whose_scheduler_is_killed_repeats_its_own_files_and_doubles_nothing(
    landed: Landed, with_airflow: Settings, api: Api, finish: Finish, follow: Follow, wait_until: Wait, ask: Ask
) -> None:
    before = counts(ask, landed.key, landed.order)
    api.post(f"dags/{BOOKS}/dagRuns/{landed.run}/clear", {"dry_run": False})

    def second_try_runs() -> bool:
        land = [each for each in api.tasks(BOOKS, landed.run) if each["task_id"] == "land" and each["try_number"] == 2]
        return any(each["state"] == "running" for each in land)

    wait_until(second_try_runs, 120, "the second try of land", 0.2)
    supervisor = Supervisor(with_airflow)
    killed = supervisor.states()["airflow-scheduler"].pid
    os.kill(killed, signal.SIGKILL)

    def back() -> bool:
        state = supervisor.states()["airflow-scheduler"]
        return state.ready and state.pid != killed

    wait_until(back, 120, "the scheduler's return", 1.0)
    assert finish(BOOKS, landed.run) == "success", api.why(BOOKS, landed.run)
    assert [each["rendered_map_index"] for each in api.tasks(BOOKS, landed.run) if each["task_id"] == "land"] == [SHEETS]
    assert counts(ask, landed.key, landed.order) == before
    assert "(repeated, nothing to land)" in api.log(BOOKS, landed.run, "land", SHEETS)
    follow(landed.run, 2)
    assert gold_rows(ask) == {"M06": 1, "M07": 1, "M08": 1}


def test_a_run_without_a_file_succeeds_says_so_and_wakes_nobody(landed: Landed, api: Api, finish: Finish) -> None:
    run = api.trigger(BOOKS)
    assert finish(BOOKS, run) == "success"
    assert "nothing new" in api.log(BOOKS, run, "new_files")
    assert "nothing new" in api.log(BOOKS, run, "said")
    states = {each["task_id"]: each["state"] for each in api.tasks(BOOKS, run)}
    skipped = dict.fromkeys(("land", "review", "take_or_wait", "silver_confirmation"), "skipped")
    assert states == {**skipped, "new_files": "success", "said": "success"}
    assert api.emitted(run) == []


def stocked(mark: str) -> bytes:
    """One receipt of an item, as the ERP exports its warehouse entries: without a header."""
    entry = {"Entry No_": mark, "Registering Date": "02-03-2026", "Location Code": "MAIN", "Item No_": f"I-{mark}", "Entry Type": "1"}
    entry |= {"Quantity": "7", "Qty_ (Base)": "7"}
    return ",".join(entry.get(name, "") for name in load_sources().contract(WAREHOUSE).columns).encode() + b"\n"


def test_each_source_with_new_files_has_its_own_labelled_task_and_starts_what_follows_its_table(
    landed: Landed, with_airflow: Settings, api: Api, finish: Finish, follow: Follow, ask: Ask
) -> None:
    mark, s3 = uuid.uuid4().hex[:8], landing_bucket(with_airflow)
    put(s3, LOG, f"{mark}.csv", log(log_row(mark, Resource="M06")), SITE)
    header = "ID_Intervention,Date,ID_Machine,Type_Panne,Duree_Arret_h,Technicien,Pieces_Changees"
    put(s3, "maintenance-log", f"{mark}.csv", f"{header}\nI-{mark},2026-03-02,M06,bearing,1.5,A,\n".encode(), SITE)
    put(s3, WAREHOUSE, f"{mark}.csv", stocked(mark), SITE)
    run = api.trigger(FILES)
    assert finish(FILES, run) == "success", api.why(FILES, run)
    labels = [each["rendered_map_index"] for each in api.tasks(FILES, run) if each["task_id"] == "land"]
    assert {LOG, "maintenance-log", WAREHOUSE} <= set(labels)
    assert len(labels) == len(set(labels))
    assert f"maintenance-log/{SITE}/{mark}.csv" in api.log(FILES, run, "land", "maintenance-log")
    assert f"{mark}.csv" not in api.log(FILES, run, "land", LOG).replace(f"{LOG}/{SITE}/{mark}.csv", "")
    assert f"{LOG}: landed 1, duplicate 0, rejected 0; rows 1, quarantined 0" in api.log(FILES, run, "said")
    assert ask(f"select count(*) from lake.silver.maintenance_intervention where intervention_id = 'I-{mark}'") == [(1,)]
    assert ask(f"select count(*) from lake.silver.production_event where order_no = '{mark}-1'") == [(1,)]
    contracts = [load_sources().contract(label) for label in labels]
    assert sorted(api.emitted(run)) == sorted(f"silver_{contract.silver_name}" for contract in contracts if not contract.table)
    stock = follow(run, 1, STOCK)
    assert "stock of " in api.log(STOCK, stock, "gold_inventory_age")
    assert ask(f"select count(*) from lake.gold.inventory_age where item_no = 'I-{mark}' and remaining_qty = 7") == [(1,)]


def noted(settings: Settings, run: str) -> int:
    """How often the scheduler has taken note that `take_or_wait` of a run has ended, or waits.

    Airflow 3.3.2 takes an answer that comes before that for a failure of the task, and asks again.
    """
    log = (settings.run / "logs" / "airflow-scheduler.log").read_text(errors="replace")
    return len(re.findall(rf"Received executor event .*task_id='take_or_wait', run_id='{re.escape(run)}'", log))


def test_a_refused_row_asks_a_person_and_the_answer_decides(
    landed: Landed, with_airflow: Settings, api: Api, finish: Finish, follow: Follow, wait_until: Wait, ask: Ask
) -> None:
    order = f"HU-{uuid.uuid4().hex[:8]}"
    key = deliver(with_airflow, order, confirmation(order, 1, "M06"), confirmation(order, 2, "M07", "some day"))
    run = api.trigger(BOOKS)
    assert finish(BOOKS, run) == "asked", api.why(BOOKS, run)
    (question,) = api.questions(BOOKS, run)
    assert question["subject"].startswith("1 of 1 workbooks")
    assert f"`{key}`: 1 of 2 rows refused" in question["body"]
    assert question["options"] == [TAKE, WAIT]
    assert counts(ask, key, order) == (2, 1, 1)
    assert api.emitted(run) == []

    wait_until(lambda: noted(with_airflow, run) == 1, 60, "the scheduler to know that a person is asked", 0.5)
    assert Api.login(with_airflow, "viewer").answer(BOOKS, run, "take_or_wait", TAKE) == 403
    assert api.answer(BOOKS, run, "take_or_wait", "perhaps") == 400
    assert api.answer(BOOKS, run, "take_or_wait", WAIT) == 200
    assert finish(BOOKS, run) == "success", api.why(BOOKS, run)
    assert api.task(BOOKS, run, "silver_confirmation")["state"] == "skipped"
    assert "landed 1, duplicate 0, rejected 0; rows 2, quarantined 1" in api.log(BOOKS, run, "said")
    assert api.emitted(run) == []

    again = {"dry_run": False, "dag_run_id": run, "task_ids": ["take_or_wait"], "include_downstream": True, "only_failed": False}
    api.post(f"dags/{BOOKS}/clearTaskInstances", again)
    wait_until(lambda: api.questions(BOOKS, run), RUN_WITHIN_S, "the question to be asked again (a scheduled run may be first)", 1.0)
    wait_until(lambda: noted(with_airflow, run) == 3, 60, "the scheduler to know that a person is asked again", 0.5)
    assert api.answer(BOOKS, run, "take_or_wait", TAKE) == 200
    wait_until(lambda: api.state(BOOKS, run) == "success", RUN_WITHIN_S, "the run's end", 1.0)
    assert api.emitted(run) == ["silver_confirmation"]
    follow(run, 1)


@pytest.fixture
def broken_plant(with_airflow: Settings) -> Iterator[Path]:
    path = with_airflow.run / "plant" / "broken.yaml"
    path.write_text("site_id: broken\nzone: Nowhere/Land\n")
    yield path
    path.unlink()


def test_a_failure_says_its_code_once_is_told_and_shows_no_secret(
    broken_plant: Path, with_airflow: Settings, landed: Landed, api: Api, finish: Finish, wait_until: Wait
) -> None:
    run = api.trigger(BOOKS)
    assert finish(BOOKS, run) == "failed"
    log = api.log(BOOKS, run, "new_files")
    said = [line for line in log.splitlines() if line.startswith("E_PLANT_MODEL ")]
    assert said and broken_plant.name in said[-1]
    assert api.task(BOOKS, run, "new_files")["try_number"] == 1

    def told() -> list[str]:
        file = with_airflow.notifications_file
        return [line for line in file.read_text().splitlines() if run in line] if file.is_file() else []

    (line,) = wait_until(told, 60, "the failure's line in the file", 0.5)
    assert f" {BOOKS} new_files {run} E_PLANT_MODEL " in line
    everything = log + line + api.log(BOOKS, landed.run, "land", SHEETS)
    assert not [name for name in SECRET_NAMES if with_airflow.secret(name) in everything]


@pytest.mark.campaign
def test_a_past_week_of_reports_is_backfilled_while_todays_runs(
    landed: Landed, with_airflow: Settings, api: Api, finish: Finish, wait_until: Wait, ask: Ask
) -> None:
    span = {"from_date": "2026-03-01T00:00:00Z", "to_date": "2026-03-08T00:00:00Z", "max_active_runs": 1, "reprocess_behavior": "none"}

    def asked_for() -> int | None:
        status, answer = api.call("POST", "/api/v2/backfills", {"dag_id": "shift_report", **span})
        assert status in (200, 503), answer  # 503: the scheduler held the database's lock; nothing was made, the interface says to ask again
        return answer["id"] if status == 200 else None

    backfill = wait_until(asked_for, 60, "the backfill to be made", 1.0)
    today = api.trigger("shift_report")
    wait_until(lambda: api.get(f"backfills/{backfill}")["completed_at"], RUN_WITHIN_S, "the backfill's end", 2.0)
    assert finish("shift_report", today) == "success", api.why("shift_report", today)
    runs = [each for each in api.get("dags/shift_report/dagRuns?limit=100")["dag_runs"] if each["run_type"] == "backfill"]
    assert len(runs) >= 7
    assert {each["state"] for each in runs} == {"success"}
    (own,) = [each for each in runs if each["data_interval_start"].startswith("2026-03-02")]
    key = f"reports/{SITE}/2026-03-02/early"
    assert f"written {key}.html" in api.log("shift_report", own["dag_run_id"], "reports")
    s3 = landing_bucket(with_airflow)
    table = csv.DictReader(io.StringIO(s3.get_object(Bucket="lake", Key=f"{key}.csv")["Body"].read().decode()))
    (row,) = [each for each in table if (each["item"], each["measure"]) == ("M06", "OEE")]
    ((ratio, good, planned),) = ask(
        f"select oee_ratio, earned_good_s, pbt_s from kpi.plant.oee_by_shift where site_id = '{SITE}' and machine_id = 'M06' "
        "and shift_date = date '2026-03-02' and shift_id = 'early'"
    )
    assert [Decimal(row[name] or 0) for name in ("value", "numerator", "denominator")] == [ratio or 0, good or 0, planned]
    assert b"<h1>" in s3.get_object(Bucket="lake", Key=f"{key}.html")["Body"].read()
    api.post(f"dags/shift_report/dagRuns/{quote(own['dag_run_id'])}/clear", {"dry_run": False})
    assert finish("shift_report", own["dag_run_id"]) == "success"
    listed = s3.list_objects_v2(Bucket="lake", Prefix=f"reports/{SITE}/2026-03-02/early.")["Contents"]
    assert sorted(each["Key"] for each in listed) == [f"{key}.csv", f"{key}.html"]


@pytest.mark.campaign
def test_files_are_conformed_again_from_bronze(landed: Landed, api: Api, finish: Finish, ask: Ask) -> None:
    ((sha,),) = ask(f"select file_sha256 from lake.ops.landing where object_key = '{landed.key}'")
    before = ask(f"select confirmation_key, good_qty, landed_at from lake.silver.confirmation where order_no = '{landed.order}' order by 1")
    again = api.trigger("silver_tables", {"source": SHEETS, "file": sha})
    never = api.trigger("replay", {"source": SHEETS, "from": "2099-01-01T00:00:00Z", "to": "2099-01-02T00:00:00Z"})
    assert finish("silver_tables", again) == "success", api.why("silver_tables", again)
    assert " files again from bronze" in api.log("silver_tables", again, "conform_again")
    assert finish("replay", never) == "success", api.why("replay", never)
    assert f"replay of {SHEETS}: no file was landed then" in api.log("replay", never, "conform_again")
    assert ask(f"select confirmation_key, good_qty, landed_at from lake.silver.confirmation where order_no = '{landed.order}' order by 1") == before


@pytest.mark.campaign
def test_maintenance_and_health_say_what_they_saw(landed: Landed, api: Api, finish: Finish) -> None:
    maintenance = api.trigger("table_maintenance")
    health = api.trigger("source_health", {"silent_after_h": 0})
    assert finish("source_health", health) == "success", api.why("source_health", health)
    assert "no promise" in api.log("source_health", health, "sources_in_time")
    assert finish("table_maintenance", maintenance) == "success", api.why("table_maintenance", maintenance)
    assert " tables looked at, " in api.log("table_maintenance", maintenance, "mended_tables")


def test_a_viewer_sees_and_may_not_start(with_airflow: Settings) -> None:
    viewer = Api.login(with_airflow, "viewer")
    assert viewer.call("GET", "/api/v2/dags")[0] == 200
    assert viewer.call("POST", f"/api/v2/dags/{GOLD}/dagRuns", {"logical_date": None})[0] == 403
    assert Api(viewer.address).call("GET", "/api/v2/dags")[0] == 401
