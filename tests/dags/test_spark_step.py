"""A failed submit says the job's own line; causes that waiting cannot repair are not tried again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
AIRFLOW_PYTHON = REPO / ".lake" / "envs" / "airflow" / "bin" / "python"

RUN_ONE = """
import sys
import spark_step
step = spark_step.spark_step("t", "land_files", ["--source", "x"], "gold", [])
try:
    step.execute({})
except Exception as error:
    print(f"RAISED {type(error).__name__} {error}".replace(chr(10), "/"))
else:
    print("RAISED nothing")
"""


def run_step(folder: Path, said: str, status: int, properties: str = "/stack/spark.properties") -> str:
    """Run one step with a `spark-submit` that prints `said` and ends with `status`; return what the step raised."""
    binary = folder / "spark-submit"
    binary.write_text(f"#!/bin/sh\ncat <<'EOT'\n{said}\nEOT\nexit {status}\n")
    binary.chmod(0o755)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AIRFLOW_HOME": str(folder),
        "PYTHONPATH": f"{REPO}{os.pathsep}{REPO / 'dags'}",
        "AIRFLOW_CONN_SPARK_LOCAL": '{"conn_type":"spark","host":"local[1]","extra":{"deploy-mode":"client","spark-binary":"spark-submit"}}',
        "JOBS_PATH": f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin",
        **({"LAKEHOUSE_SPARK_PROPERTIES": properties} if properties else {}),
    }
    ran = subprocess.run([str(AIRFLOW_PYTHON), "-c", RUN_ONE], env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    raised = [line for line in ran.stdout.splitlines() if line.startswith("RAISED ")]
    assert raised, ran.stdout + ran.stderr
    return raised[0].removeprefix("RAISED ")


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
    assert run_step(tmp_path, f"26/11/20 05:00:00 INFO SparkContext: started\n{line}\n26/11/20 05:00:01 WARN Shutdown: bye", 5) == f"{kind} {line}"


def test_a_failure_without_a_code_keeps_sparks_own_words(tmp_path):
    raised = run_step(tmp_path, "java.lang.OutOfMemoryError: Java heap space", 1)
    assert raised.startswith("AirflowException Cannot execute: ")
    assert "OutOfMemoryError" in raised


def test_success_raises_nothing(tmp_path):
    assert run_step(tmp_path, "land_files confirmations: nothing to land", 0) == "nothing"


def test_a_start_without_the_stacks_environment_is_named(tmp_path):
    raised = run_step(tmp_path, "", 0, properties="")
    assert raised == "AirflowFailException E_SETTINGS LAKEHOUSE_SPARK_PROPERTIES: Airflow was started without it | next: bin/lakehouse up"


def test_every_code_that_ends_the_retries_exists():
    from lakehouse import errors

    known = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LakehouseError)}
    source = (REPO / "dags" / "spark_step.py").read_text()
    named = {part for part in source.replace('"', " ").split() if part.startswith("E_") and part.isupper()}
    assert named
    assert named <= known
