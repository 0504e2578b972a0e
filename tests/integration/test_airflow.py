"""The real scheduler: a workbook becomes silver and gold, a cleared run doubles nothing, and a failure says its code.

The module's runs are triggered through the REST API, as the pages do. Its rows are told from those of other tests by their order number.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from openpyxl import Workbook

from lakehouse.bronze.landing_zone import LandingZone
from lakehouse.settings import HOME, SECRET_NAMES, Settings

pytestmark = pytest.mark.stack

RUN_WITHIN_S = 600
SITE = "workbooks"
HEADER = (
    "confirmation_no", "counter", "order_no", "operation_no", "machine_id", "material", "posting_date", "start", "finish", "yield_qty",
    "scrap_qty", "rework_qty", "scrap_reason", "unit", "shift", "reversal_flag", "reversed_confirmation",
)  # fmt: skip
Ask = Callable[..., list[Sequence[Any]]]
Wait = Callable[..., Any]


@dataclass(frozen=True)
class Api:
    """Airflow's REST API as one user."""

    address: str
    token: str = field(default="", repr=False)

    @classmethod
    def login(cls, settings: Settings, user: str) -> Api:
        anyone = cls(f"http://{settings.address('airflow')}")
        status, answer = anyone.call("POST", "/auth/token", {"username": user, "password": settings.secret(f"airflow_{user}_password")})
        assert status == 201
        return cls(anyone.address, answer["access_token"])

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, headers, method=method)  # noqa: S310  our own address
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def get(self, path: str) -> Any:
        status, answer = self.call("GET", f"/api/v2/{path}")
        assert status == 200, answer
        return answer

    def trigger(self, dag: str) -> str:
        status, answer = self.call("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None})
        assert status == 200, answer
        return str(answer["dag_run_id"])

    def task(self, dag: str, run: str) -> dict[str, Any]:
        (task,) = self.get(f"dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"]
        return dict(task)

    def log(self, dag: str, run: str) -> str:
        """Return the newest try's log as text, one event a line; an exception is one event with its message."""
        task = self.task(dag, run)
        place = f"dags/{dag}/dagRuns/{run}/taskInstances/{task['task_id']}/logs/{task['try_number']}?full_content=true"
        lines = []
        for one in self.get(place)["content"]:
            lines += [one["event"], *(error["exc_value"] for error in one.get("error_detail") or ())]
        return "\n".join(lines)


@pytest.fixture(scope="module")
def api(with_airflow: Settings) -> Api:
    return Api.login(with_airflow, "admin")


@pytest.fixture(scope="module")
def finish(api: Api, wait_until: Wait) -> Callable[[str, str], str]:
    """Wait for the end of a run and return its state."""

    def wait(dag: str, run: str) -> str:
        def ended() -> str:
            state = api.get(f"dags/{dag}/dagRuns/{run}")["state"]
            return state if state in ("success", "failed") else ""

        return str(wait_until(ended, RUN_WITHIN_S, f"the end of {dag} {run}", 1.0))

    return wait


@pytest.fixture(scope="module")
def follow(api: Api, wait_until: Wait, finish: Callable[[str, str], str]) -> Callable[[str, int], str]:
    """Wait until gold_kpis has answered a run's asset events, `times` of them, and return the last run that did."""

    def answered(run: str, times: int) -> str:
        found: list[str] = []
        for gold in api.get("dags/gold_kpis/dagRuns?order_by=run_after&limit=100")["dag_runs"]:
            if gold["start_date"] is None:
                continue  # Airflow 3.3.2 answers 500 about the events of a run that is still queued
            events = api.get(f"dags/gold_kpis/dagRuns/{gold['dag_run_id']}/upstreamAssetEvents")["asset_events"]
            found += [str(gold["dag_run_id"]) for event in events if event["source_run_id"] == run]
        return found[-1] if len(found) >= times else ""

    def wait(run: str, times: int) -> str:
        # One run at a time: it is created only when the one before it has ended.
        gold = str(wait_until(lambda: answered(run, times), RUN_WITHIN_S, f"a run of gold_kpis that {run} starts", 1.0))
        assert finish("gold_kpis", gold) == "success", api.log("gold_kpis", gold)[-3000:]
        return gold

    return wait


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


@pytest.fixture(scope="module")
def landed(with_airflow: Settings, api: Api, finish: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory) -> Landed:
    order = f"AF-{uuid.uuid4().hex[:8]}"
    path = tmp_path_factory.mktemp("workbook") / f"{order}.xlsx"
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Confirmations"
    sheet.append(HEADER)
    for number, machine in enumerate(("M06", "M07", "M08")):
        day = "2026-03-02"
        times = (f"{day}T07:00:00+01:00", f"{day}T08:00:00+01:00")
        sheet.append([f"{order}-{number}", "1", order, "10", machine, "P-100", day, *times, 40, 2, 0, "burr", "PC", "early", "", ""])
    book.save(path)
    write_plant(with_airflow.run / "plant" / f"{SITE}.yaml")
    key = f"confirmations/{SITE}/{path.name}"
    LandingZone(with_airflow).upload(path, key)
    run = api.trigger("bronze_confirmations")
    assert finish("bronze_confirmations", run) == "success", api.log("bronze_confirmations", run)[-3000:]
    return Landed(order, key, run)


def counts(ask: Ask, landed: Landed) -> tuple[int, int, int]:
    """Return the rows of our workbook in bronze, silver and ops.landing."""
    ((bronze, silver, landing),) = ask(
        f"select (select count(*) from lake.bronze.confirmation_sheet where object_key = '{landed.key}'), "
        f"(select count(*) from lake.silver.confirmation where order_no = '{landed.order}'), "
        f"(select count(*) from lake.ops.landing where object_key = '{landed.key}')"
    )
    return int(bronze), int(silver), int(landing)


def gold_rows(ask: Ask) -> dict[str, int]:
    """Return how often gold has the shift of our confirmations, by machine."""
    rows = ask(
        f"select machine_id, count(*) from lake.gold.machine_shift where site_id = '{SITE}' and shift_date = date '2026-03-02' "
        "and shift_id = 'early' and machine_id in ('M06', 'M07', 'M08') group by 1"
    )
    return {str(machine): int(count) for machine, count in rows}


def test_all_dags_are_read_and_their_pools_have_one_place(api: Api) -> None:
    assert api.get("importErrors")["total_entries"] == 0
    dags = {dag["dag_id"]: dag for dag in api.get("dags")["dags"]}
    assert {"bronze_confirmations", "bronze_mes_files", "gold_kpis"} <= set(dags)
    assert not any(dag["is_paused"] for dag in dags.values())
    pools = {pool["name"]: pool["slots"] for pool in api.get("pools")["pools"]}
    assert pools["silver_files"] == pools["gold"] == 1


def test_a_workbook_is_in_silver_and_the_log_ends_with_its_counts(landed: Landed, api: Api, ask: Ask) -> None:
    assert counts(ask, landed) == (3, 3, 1)
    log = api.log("bronze_confirmations", landed.run)
    assert landed.key in log
    assert f"run {landed.run} of confirmations: landed " in log


def test_gold_follows_by_the_asset(landed: Landed, api: Api, follow: Callable[[str, int], str], ask: Ask) -> None:
    log = api.log("gold_kpis", follow(landed.run, 1))
    assert "published revision " in log or "nothing to publish" in log
    assert gold_rows(ask) == {"M06": 1, "M07": 1, "M08": 1}


def test_a_cleared_run_repeats_its_own_files_and_doubles_nothing(
    landed: Landed, api: Api, finish: Callable[[str, str], str], follow: Callable[[str, int], str], wait_until: Wait, ask: Ask
) -> None:
    before = counts(ask, landed)
    status, answer = api.call("POST", f"/api/v2/dags/bronze_confirmations/dagRuns/{landed.run}/clear", {"dry_run": False})
    assert status == 200, answer
    wait_until(lambda: api.task("bronze_confirmations", landed.run)["try_number"] == 2, 120, "the second try", 1.0)
    assert finish("bronze_confirmations", landed.run) == "success"
    assert counts(ask, landed) == before
    assert "(repeated, nothing to do)" in api.log("bronze_confirmations", landed.run)
    follow(landed.run, 2)
    assert gold_rows(ask) == {"M06": 1, "M07": 1, "M08": 1}


def test_a_run_without_a_file_succeeds_and_says_so(
    landed: Landed, api: Api, finish: Callable[[str, str], str], follow: Callable[[str, int], str]
) -> None:
    run = api.trigger("bronze_confirmations")
    assert finish("bronze_confirmations", run) == "success"
    assert f"run {run} of confirmations: landed 0, duplicate 0, rejected 0, waiting 0" in api.log("bronze_confirmations", run)
    follow(run, 1)


@pytest.fixture
def broken_plant(with_airflow: Settings) -> Iterator[Path]:
    path = with_airflow.run / "plant" / "broken.yaml"
    path.write_text("site_id: broken\nzone: Nowhere/Land\n")
    yield path
    path.unlink()


def test_a_failure_says_its_code_once_and_shows_no_secret(
    broken_plant: Path, with_airflow: Settings, landed: Landed, api: Api, finish: Callable[[str, str], str]
) -> None:
    run = api.trigger("bronze_confirmations")
    assert finish("bronze_confirmations", run) == "failed"
    log = api.log("bronze_confirmations", run)
    said = [line for line in log.splitlines() if line.startswith("E_PLANT_MODEL ")]
    assert said and broken_plant.name in said[-1]
    assert api.task("bronze_confirmations", run)["try_number"] == 1
    both = log + api.log("bronze_confirmations", landed.run)
    assert not [name for name in SECRET_NAMES if with_airflow.secret(name) in both]


def test_a_viewer_sees_and_may_not_start(with_airflow: Settings) -> None:
    viewer = Api.login(with_airflow, "viewer")
    assert viewer.call("GET", "/api/v2/dags")[0] == 200
    assert viewer.call("POST", "/api/v2/dags/gold_kpis/dagRuns", {"logical_date": None})[0] == 403
    assert Api(viewer.address).call("GET", "/api/v2/dags")[0] == 401
