"""What the tests of the DAG files share: Airflow's own interpreter, started with an empty home and no database."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from lakehouse.settings import HOME, Settings

DAGS = HOME / "dags"
AIRFLOW_PYTHON = Settings().lake_home / "envs" / "airflow" / "bin" / "python"
STEPS = ("policy", "spark_step", "light_step", "person_step", "conform_step")
"""What the DAG files share; no DAG is in them."""
SPARK_LOCAL = '{"conn_type":"spark","host":"local[1]","extra":{"deploy-mode":"client","spark-binary":"spark-submit"}}'


def run_in_airflow(home: Path, *command: str, dags: Path = DAGS, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run Airflow's interpreter: no database, no connection but Spark's, no variable is there to be read.

    Code (`-c`) runs in a fork of one process that has loaded Airflow; a script starts an interpreter of its own.
    """
    environment = {**_environment(home, dags), **(env or {})}
    if command[0] == "-c":
        return _forked(home, command[1], command[2:], environment)
    words = [str(AIRFLOW_PYTHON), *command]
    return subprocess.run(words, env=environment, cwd=home, capture_output=True, text=True, timeout=120, check=False)


def _environment(home: Path, dags: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////nowhere/airflow.db",
        "AIRFLOW_CONN_SPARK_LOCAL": SPARK_LOCAL,
        "PYTHONPATH": f"{HOME}{os.pathsep}{dags}",
    }


@cache
def _nursery() -> subprocess.Popen[str]:
    """Start the process that has loaded Airflow; it ends when its input does, which is when the tests end."""
    home = Path(tempfile.mkdtemp(prefix="lakehouse-airflow-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    words = [str(AIRFLOW_PYTHON), str(Path(__file__).parent / "nursery.py")]
    started = subprocess.Popen(words, env=_environment(home, DAGS), cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(_ended, started)
    assert started.stdout is not None
    assert "ready\n" in iter(started.stdout.readline, ""), "Airflow's interpreter did not start"
    return started


def _ended(process: subprocess.Popen[str]) -> None:
    """Close its input and wait."""
    process.communicate(timeout=30)


def _forked(folder: Path, code: str, words: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    nursery = _nursery()
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(json.dumps({"code": code, "words": words, "env": environment, "folder": str(folder)}) + "\n")
    nursery.stdin.flush()
    status = int(nursery.stdout.readline())
    return subprocess.CompletedProcess(["-c"], status, (folder / "out").read_text(), (folder / "err").read_text())
