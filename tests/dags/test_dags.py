"""The DAG files: they load without a database, keep the policy, and do nothing at import."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow_env import DAGS, STEPS, run_in_airflow

from lakehouse.settings import HOME
from lakehouse.tables import ALL, GOLD, SILVER
from lakehouse.tables.bronze import FILES

DAG_FILES = sorted(path for path in DAGS.glob("*.py") if path.stem not in STEPS)
NAMES = [path.stem for path in DAG_FILES]
STACK = {
    "LAKEHOUSE_SPARK_PROPERTIES": "/stack/spark.properties",
    "JOBS_SPARK_HOME": "/jobs/spark",
    "JOBS_PYTHON": "/jobs/bin/python",
    "JOBS_JAVA_HOME": "/java",
    "JOBS_PATH": "/jobs/bin",
}
ASKS_A_PERSON = {"bronze_confirmations": 96}
"""DAGs of which several runs may be open, and for how many an answer may be awaited at once."""


def load(dags: Path, home: Path) -> dict[str, Any]:
    """Load DAGs in Airflow's interpreter."""
    ran = run_in_airflow(home, str(Path(__file__).parent / "inventory.py"), str(dags), dags=dags, env=STACK)
    found = [line for line in ran.stdout.splitlines() if line.startswith("INVENTORY ")]
    assert found, ran.stdout + ran.stderr
    return json.loads(found[-1].removeprefix("INVENTORY "))


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return load(DAGS, tmp_path_factory.mktemp("airflow"))


def tasks_of(inventory: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for dag in inventory["dags"].values():
        yield from dag["tasks"].items()


def test_every_file_is_one_dag_named_like_the_file(inventory):
    assert inventory["errors"] == {}
    assert sorted(inventory["dags"]) == NAMES


def test_dags_load_declarations_and_nothing_else_of_the_lakehouse(inventory):
    allowed = ("lakehouse", "lakehouse.model", "lakehouse.tables")
    assert [name for name in inventory["modules"] if name not in allowed and not name.startswith("lakehouse.tables.")] == []
    assert inventory["heavy"] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_what_from_what_how_again_and_whom(inventory, name):
    dag = inventory["dags"][name]
    for part in ("**Makes**", "**From**", "**Run it again**", "**A failure concerns**"):
        assert part in dag["doc"]
    assert len(dag["description"]) > 20
    assert len(dag["tags"]) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_one_run_at_a_time_and_none_made_up_for_the_past(inventory, name):
    runs = inventory["dags"][name]["max_active_runs"]
    assert runs >= ASKS_A_PERSON[name] if name in ASKS_A_PERSON else runs == 1
    assert inventory["dags"][name]["catchup"] is False


@pytest.mark.parametrize("name", NAMES)
def test_a_form_says_what_each_field_is(inventory, name):
    for title, description in inventory["dags"][name]["form_words"].values():
        assert title
        assert description.endswith((".", "…"))


@pytest.mark.parametrize("name", NAMES)
def test_every_task_has_an_owner_retries_that_back_off_a_limit_a_pool_and_tells_its_failure(inventory, name):
    pools = json.loads((DAGS / "pools.json").read_text())
    for task in inventory["dags"][name]["tasks"].values():
        assert task["owner"] == "plant-data"
        assert task["retries"] >= 2
        assert task["retry_delay_s"] >= 10
        assert task["backoff"] == 2.0
        assert task["timeout_s"] is not None
        assert task["told"] == ["tell_failure"]
        assert task["pool"] in pools


def test_heavy_work_is_a_submit_of_an_existing_job_and_keys_stay_in_the_file(inventory):
    submits = [task for _, task in tasks_of(inventory) if task["application"]]
    assert {task["operator"] for task in submits} == {"SparkStep", "LandStep"}
    for task in submits:
        assert Path(task["application"]).parent == HOME / "jobs"
        assert Path(task["application"]).is_file()
        assert task["properties_file"] == "/stack/spark.properties"
        assert task["environment"] == {
            "SPARK_HOME": "/jobs/spark",
            "PYSPARK_PYTHON": "/jobs/bin/python",
            "PYSPARK_DRIVER_PYTHON": "/jobs/bin/python",
            "JAVA_HOME": "/java",
            "PATH": "/jobs/bin",
        }


def test_everything_else_is_a_command_of_ours_or_a_question(inventory):
    from typer.main import get_command

    from lakehouse.cli.app import app

    known = get_command(app).commands  # type: ignore[attr-defined]
    light = [task for _, task in tasks_of(inventory) if not task["application"]]
    assert {task["operator"] for task in light} <= {"LightStep", "TakeOrWait"}
    for task in light:
        if task["operator"] == "LightStep":
            command = known[task["words"][0]]
            options = {option for parameter in command.params for option in parameter.opts}
            assert {word.split("=")[0] for word in task["words"] if word.startswith("--")} <= options


def test_spark_jobs_run_one_at_a_time(inventory):
    slots = {name: pool["slots"] for name, pool in json.loads((DAGS / "pools.json").read_text()).items()}
    assert {task["pool"] for _, task in tasks_of(inventory) if task["application"]} == {"spark"}
    assert slots["spark"] == 1
    assert {task["pool"] for _, task in tasks_of(inventory) if not task["application"]} == {"light"}


def test_assets_are_declared_tables(inventory):
    declared = {f"{table.layer}_{table.name}" for table in ALL}
    named = {asset for _, task in tasks_of(inventory) for asset in task["outlets"]}
    named |= {asset for dag in inventory["dags"].values() for asset in dag["assets"]}
    assert named <= declared
    assert {f"gold_{table.name}" for table in GOLD} <= named


def test_gold_follows_any_silver_table_of_files(inventory):
    gold = inventory["dags"]["gold_kpis"]
    assert gold["any"] == "AssetAny"
    assert set(gold["assets"]) == {f"silver_{table.name}" for table in SILVER if table.writer == FILES}
    bronze = [inventory["dags"][name]["tasks"].values() for name in ("bronze_confirmations", "bronze_mes_files")]
    assert {asset for tasks in bronze for task in tasks for asset in task["outlets"]} == set(gold["assets"])


@pytest.mark.parametrize("name", ["bronze_confirmations", "bronze_mes_files"])
def test_sources_with_new_files_are_landed_one_after_the_other_each_under_its_name(inventory, name):
    tasks = inventory["dags"][name]["tasks"]
    land = tasks["land"]
    assert (land["mapped"], land["at_once"], land["label"], land["after"]) == (True, 1, "{{ task.found['source'] }}", ["new_files"])
    assert tasks["new_files"]["words"][:2] == ["pending", "--json"]
    assert "{{ run_id }}" in tasks["new_files"]["words"]
    assert tasks["said"]["rule"] == "none_failed"


def test_the_workbooks_asset_waits_for_the_answer(inventory):
    tasks = inventory["dags"]["bronze_confirmations"]["tasks"]
    assert [name for name, task in tasks.items() if task["outlets"]] == ["silver_confirmation"]
    ask = tasks["take_or_wait"]
    assert tasks["silver_confirmation"]["after"] == ["take_or_wait"]
    assert ask["leads_to"] == {ask["options"][0]: "silver_confirmation", ask["options"][1]: "said"}
    assert ask["response_s"] == 24 * 3600
    assert ask["defaults"] is None


RENDER = """
import datetime, json, sys
from types import SimpleNamespace
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.execution_time.macros import timedelta
dag_id, task_id, field, run, form = json.loads(sys.argv[2])
bag = DagBag(dag_folder=sys.argv[1], bundle_path=sys.argv[1], bundle_name="checked")
task = bag.dags[dag_id].get_task(task_id)
instants = {name: datetime.datetime.fromisoformat(text) if text else None for name, text in run.items()}
params = {**{name: param.value for name, param in bag.dags[dag_id].params.items()}, **form}
context = {"params": params, "dag_run": SimpleNamespace(**instants), "run_id": "manual__1", "macros": SimpleNamespace(timedelta=timedelta)}
print("RENDERED " + json.dumps(task.render_template(getattr(task, field), context, task.get_template_env())))
"""
BY_HAND = {"data_interval_start": None, "data_interval_end": None, "run_after": "2026-11-20T06:15:00+00:00"}
SCHEDULED = {**BY_HAND, "data_interval_start": "2026-11-20T05:15:00+00:00", "data_interval_end": "2026-11-20T06:15:00+00:00"}


@pytest.mark.parametrize(
    ("dag", "task", "field", "run", "form", "said"),
    [
        ("shift_report", "reports", "words", SCHEDULED, {}, "report --from=2026-11-20 05:15:00+00:00 --to=2026-11-20 06:15:00+00:00"),
        ("shift_report", "reports", "words", BY_HAND, {}, "report --from=2026-11-19 06:15:00+00:00 --to=2026-11-20 06:15:00+00:00"),
        ("shift_report", "reports", "words", SCHEDULED, {"from": "2026-01-01", "to": "2026-01-02"}, "report --from=2026-01-01 --to=2026-01-02"),
        ("inventory_age", "gold_inventory_age", "application_args", SCHEDULED, {}, "--date=2026-11-20 --wait 120"),
        ("inventory_age", "gold_inventory_age", "application_args", BY_HAND, {}, "--date=2026-11-19 --wait 120"),
        ("gold_kpis", "gold_machine_shift", "application_args", BY_HAND, {}, "--wait 120 "),
        ("gold_kpis", "gold_machine_shift", "application_args", BY_HAND, {"rebuild": True}, "--wait 120 --rebuild"),
        ("silver_tables", "conform_again", "application_args", BY_HAND, {}, "--source confirmations "),
        ("silver_tables", "conform_again", "application_args", BY_HAND, {"file": "ab" * 32}, f"--source confirmations --file={'ab' * 32}"),
        ("replay", "conform_again", "application_args", BY_HAND, {"from": "2026-01-01"}, "--source confirmations --from=2026-01-01 "),
        ("source_health", "sources_in_time", "words", BY_HAND, {}, "health --silent-after-h=24"),
        ("bronze_mes_files", "new_files", "words", BY_HAND, {"source": "a"}, "pending --json --kind files --run-id manual__1 --source=a"),
    ],
)
def test_what_the_form_and_the_interval_make_of_a_step(tmp_path, dag, task, field, run, form, said):
    ran = run_in_airflow(tmp_path, "-c", RENDER, str(DAGS), json.dumps([dag, task, field, run, form]), env=STACK)
    found = [line for line in ran.stdout.splitlines() if line.startswith("RENDERED ")]
    assert found, ran.stdout + ran.stderr
    assert " ".join(json.loads(found[-1].removeprefix("RENDERED "))) == said


def test_forms_offer_the_sources_of_the_contracts(tmp_path):
    from lakehouse.sources.contracts import load_sources

    code = "import json, policy; print('SOURCES ' + json.dumps(policy.sources()))"
    ran = run_in_airflow(tmp_path, "-c", code)
    (line,) = [line for line in ran.stdout.splitlines() if line.startswith("SOURCES ")]
    assert json.loads(line.removeprefix("SOURCES ")) == sorted(load_sources().files)


def test_what_reports_for_a_date_goes_by_the_interval_and_nothing_else(inventory):
    by_timetable: dict[str, set[str]] = {}
    for name, dag in inventory["dags"].items():
        by_timetable.setdefault(dag["timetable"], set()).add(name)
    assert by_timetable["CronDataIntervalTimetable"] == {"shift_report"}
    assert by_timetable["AssetOrTimeSchedule"] == {"inventory_age"}
    assert by_timetable["NullTimetable"] == {"replay", "silver_tables"}


def test_stock_follows_its_movements_only(inventory):
    assert inventory["dags"]["inventory_age"]["assets"] == ["silver_stock_movement"]


@pytest.mark.parametrize("path", DAG_FILES, ids=NAMES)
def test_a_dag_file_is_short_and_only_declares(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) < 80
    kinds = [type(node).__name__ for node in tree.body]
    assert kinds[0] == "Expr" and ast.get_docstring(tree)
    assert set(kinds[1:]) <= {"ImportFrom", "With"} and kinds.count("With") == 1
    sources = {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in sources if not name.startswith("lakehouse.tables")} <= {"airflow", "datetime", *STEPS}


def names_run_at_import(tree: ast.Module) -> set[str]:
    """Names used outside functions, default arguments and decorators of functions included."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef):
            waiting += [*node.decorator_list, *node.args.defaults, *(each for each in node.args.kw_defaults if each)]
        else:
            found |= {node.id} if isinstance(node, ast.Name) else set()
            waiting += list(ast.iter_child_nodes(node))
    return found


@pytest.mark.parametrize("path", sorted(DAGS.glob("*.py")), ids=lambda path: path.stem)
def test_no_variable_connection_or_process_is_touched_at_import(path):
    touched = names_run_at_import(ast.parse(path.read_text()))
    assert not touched & {"Variable", "Connection", "subprocess", "requests", "open", "urlopen", "SparkSession"}


def test_what_runs_at_import_is_seen():
    text = "import subprocess\nsubprocess.run(['x'])\n\ndef later(a=open('x')):\n    Variable.get('y')\n"
    assert names_run_at_import(ast.parse(text)) == {"subprocess", "open"}


def test_a_broken_file_is_seen(tmp_path):
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "broken.py").write_text("from airflow.sdk import DAG, Variable\n\nwith DAG(Variable.get('name')):\n    pass\n")
    assert list(load(dags, tmp_path)["errors"]) != []
