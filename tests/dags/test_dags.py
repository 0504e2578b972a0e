"""The DAG files: they load without a database, keep the policy, and do nothing at import."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[2]
DAGS = REPO / "dags"
AIRFLOW_PYTHON = REPO / ".lake" / "envs" / "airflow" / "bin" / "python"
DAG_FILES = sorted(path for path in DAGS.glob("*.py") if path.name != "spark_step.py")
NAMES = [path.stem for path in DAG_FILES]


def load(dags: Path, home: Path) -> dict[str, Any]:
    """Load DAGs in Airflow's interpreter with an empty home: no database, no connection, no variable is there to be read."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////nowhere/airflow.db",
        "PYTHONPATH": f"{REPO}{os.pathsep}{dags}",
        "LAKEHOUSE_SPARK_PROPERTIES": "/stack/spark.properties",
        "JOBS_SPARK_HOME": "/jobs/spark",
        "JOBS_PYTHON": "/jobs/bin/python",
        "JOBS_JAVA_HOME": "/java",
        "JOBS_PATH": "/jobs/bin",
    }
    command = [str(AIRFLOW_PYTHON), str(Path(__file__).parent / "inventory.py"), str(dags)]
    ran = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=120, check=False)
    found = [line for line in ran.stdout.splitlines() if line.startswith("INVENTORY ")]
    assert found, ran.stdout + ran.stderr
    return json.loads(found[-1].removeprefix("INVENTORY "))


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return load(DAGS, tmp_path_factory.mktemp("airflow"))


def test_every_file_is_one_dag_named_like_the_file(inventory):
    assert inventory["errors"] == {}
    assert sorted(inventory["dags"]) == NAMES
    assert {"bronze_confirmations", "bronze_mes_files", "gold_kpis"} <= set(NAMES)


def test_dags_load_declarations_and_nothing_else_of_the_lakehouse(inventory):
    allowed = ("lakehouse", "lakehouse.model", "lakehouse.tables")
    assert [name for name in inventory["modules"] if name not in allowed and not name.startswith("lakehouse.tables.")] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_what_from_what_how_again_and_whom(inventory, name):
    dag = inventory["dags"][name]
    for part in ("**Makes**", "**From**", "**Run it again**", "**A failure concerns**"):
        assert part in dag["doc"]
    assert len(dag["description"]) > 20
    assert len(dag["tags"]) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_one_run_at_a_time_and_none_made_up_for_the_past(inventory, name):
    assert inventory["dags"][name]["max_active_runs"] == 1
    assert inventory["dags"][name]["catchup"] is False


@pytest.mark.parametrize("name", NAMES)
def test_every_task_has_an_owner_retries_with_backoff_a_limit_and_a_pool_of_one(inventory, name):
    pools = json.loads((DAGS / "pools.json").read_text())
    for task in inventory["dags"][name]["tasks"].values():
        assert task["owner"] == "plant-data"
        assert task["retries"] >= 2
        assert task["retry_delay_s"] >= 10
        assert task["backoff"] >= 1.0
        assert task["timeout_s"] is not None
        assert pools[task["pool"]]["slots"] == 1


@pytest.mark.parametrize("name", NAMES)
def test_heavy_work_is_a_submit_of_an_existing_job_and_keys_stay_in_the_file(inventory, name):
    for task in inventory["dags"][name]["tasks"].values():
        assert task["operator"] == "SparkStep"
        assert Path(task["application"]).parent == REPO / "jobs"
        assert Path(task["application"]).is_file()
        assert task["properties_file"] == "/stack/spark.properties"
        assert task["environment"] == {
            "SPARK_HOME": "/jobs/spark",
            "PYSPARK_PYTHON": "/jobs/bin/python",
            "PYSPARK_DRIVER_PYTHON": "/jobs/bin/python",
            "JAVA_HOME": "/java",
            "PATH": "/jobs/bin",
        }


def test_one_table_has_one_writer(inventory):
    pools: dict[str, set[str]] = {}
    for dag in inventory["dags"].values():
        for task in dag["tasks"].values():
            for table in task["outlets"]:
                pools.setdefault(table, set()).add(task["pool"])
    assert pools["silver_confirmation"] == pools["silver_production_event"] == {"silver_files"}
    assert pools["gold_machine_shift"] == {"gold"}
    assert all(len(owners) == 1 for owners in pools.values())


def test_gold_follows_what_the_file_dags_write(inventory):
    tasks = [task for name in ("bronze_confirmations", "bronze_mes_files") for task in inventory["dags"][name]["tasks"].values()]
    written = {asset for task in tasks for asset in task["outlets"]}
    assert set(inventory["dags"]["gold_kpis"]["assets"]) == written == {"silver_confirmation", "silver_production_event"}


@pytest.mark.parametrize("path", DAG_FILES, ids=NAMES)
def test_a_dag_file_is_short_and_only_declares(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) < 80
    kinds = [type(node).__name__ for node in tree.body]
    assert kinds[0] == "Expr" and ast.get_docstring(tree)
    assert set(kinds[1:]) <= {"ImportFrom", "With"} and kinds.count("With") == 1
    sources = {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in sources if not name.startswith("lakehouse.tables")} <= {"airflow", "datetime", "spark_step"}


@pytest.mark.parametrize("path", sorted(DAGS.glob("*.py")), ids=lambda path: path.stem)
def test_no_variable_connection_or_process_is_touched_at_import(path):
    names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    assert not names & {"Variable", "Connection", "subprocess", "requests", "open", "urlopen", "SparkSession"}


def test_a_broken_file_is_seen(tmp_path):
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "broken.py").write_text("from airflow.sdk import DAG, Variable\n\nwith DAG(Variable.get('name')):\n    pass\n")
    assert list(load(dags, tmp_path)["errors"]) != []
