"""A failed submit says the job's own line; causes that waiting cannot repair are not tried again; a success ends with the counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow_env import DAGS, run_in_airflow

RUN_ONE = """
import sys
import spark_step
step = spark_step.spark_step("t", "land_files", ["--source", "x", ""], [])
if sys.argv[1] == "land":
    step = spark_step.LandStep(task_id="t", found={"source": "mes-item", "files": 3, "bytes": 40}, **spark_step._submit("land_files", "t"))
try:
    step.execute({"run_id": "manual__1"})
except Exception as error:
    print(f"RAISED {type(error).__name__} {error}".replace(chr(10), "/"))
else:
    print("RAISED nothing")
"""


def run_step(folder: Path, said: str, status: int, properties: str = "/stack/spark.properties", how: str = "submit") -> list[str]:
    """Run one step with a `spark-submit` that prints `said` and its arguments and ends with `status`; return its log, and last what it raised."""
    binary = folder / "spark-submit"
    binary.write_text(f'#!/bin/sh\necho "GIVEN $@"\ncat <<\'EOT\'\n{said}\nEOT\nexit {status}\n')
    binary.chmod(0o755)
    env = {"JOBS_PATH": f"{folder}:/usr/bin:/bin", **({"LAKEHOUSE_SPARK_PROPERTIES": properties} if properties else {})}
    ran = run_in_airflow(folder, "-c", RUN_ONE, how, env=env)
    lines = [line for line in ran.stdout.splitlines() if line.strip()]
    assert lines and lines[-1].startswith("RAISED "), ran.stdout + ran.stderr
    return [*lines[:-1], lines[-1].removeprefix("RAISED ")]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("E_CONTRACT", "AirflowFailException"),
        ("E_AUDIT_FAILED", "AirflowFailException"),
        ("E_LEASE_HELD", "AirflowException"),
        ("E_S3_UNREACHABLE", "AirflowException"),
    ],
)
def test_the_jobs_line_is_the_tasks_reason(tmp_path, code, kind):
    line = f"{code} confirmations/demo/x.xlsx: sheet `Confirmations` is missing | next: bin/lakehouse status"
    raised = run_step(tmp_path, f"26/11/20 05:00:00 INFO SparkContext: started\n{line}\n26/11/20 05:00:01 WARN Shutdown: bye", 5)[-1]
    assert raised == f"{kind} {line}"


def test_a_failure_without_a_code_keeps_sparks_own_words(tmp_path):
    raised = run_step(tmp_path, "java.lang.OutOfMemoryError: Java heap space", 1)[-1]
    assert raised.startswith("AirflowException Cannot execute: ")
    assert "OutOfMemoryError" in raised


def test_a_success_ends_with_the_counts_whatever_spark_says_after_them(tmp_path):
    counts = "run r of confirmations: landed 1, duplicate 0, rejected 0, waiting 0"
    *log, raised = run_step(tmp_path, f"{counts}\n26/11/20 05:00:01 WARN ShutdownHookManager: bye", 0)
    assert raised == "nothing"
    assert counts in log[-1]


def test_arguments_that_a_template_made_empty_are_left_out(tmp_path):
    (given,) = {line.split("GIVEN ")[1].strip() for line in run_step(tmp_path, "done", 0) if "GIVEN " in line}
    assert given.split("land_files.py ")[1].split()[:2] == ["--source", "x"]
    assert "''" not in given and not given.endswith(" x ")


def test_a_source_is_landed_under_the_runs_id_and_its_own_name_and_its_files_are_counted_in_the_log(tmp_path):
    log = run_step(tmp_path, "done", 0, how="land")
    assert any("mes-item: 3 files, 40 bytes" in line for line in log)
    assert any("--source mes-item --run-id manual__1/mes-item" in line for line in log)


def test_a_start_without_the_stacks_environment_is_named(tmp_path):
    raised = run_step(tmp_path, "", 0, properties="")[-1]
    assert raised == "AirflowFailException E_SETTINGS LAKEHOUSE_SPARK_PROPERTIES: Airflow was started without it | next: bin/lakehouse up"


def test_every_code_that_a_dag_names_exists():
    from lakehouse import errors

    known = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LakehouseError)}
    words = " ".join(path.read_text() for path in DAGS.glob("*.py")).replace('"', " ").replace("`", " ").split()
    named = {part.strip(".,;:") for part in words if part.startswith("E_") and part.strip(".,;:").isupper() and len(part) > 3}
    assert len(named) > 8
    assert named <= known
