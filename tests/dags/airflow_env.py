"""What the tests of the DAG files share: Airflow's own interpreter, started with an empty home and no database."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lakehouse.settings import HOME, Settings

DAGS = HOME / "dags"
AIRFLOW_PYTHON = Settings().lake_home / "envs" / "airflow" / "bin" / "python"
STEPS = ("policy", "spark_step", "light_step", "person_step", "conform_step")
"""What the DAG files share; no DAG is in them."""
SPARK_LOCAL = '{"conn_type":"spark","host":"local[1]","extra":{"deploy-mode":"client","spark-binary":"spark-submit"}}'


def run_in_airflow(home: Path, *command: str, dags: Path = DAGS, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run Airflow's interpreter: no database, no connection but Spark's, no variable is there to be read."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////nowhere/airflow.db",
        "AIRFLOW_CONN_SPARK_LOCAL": SPARK_LOCAL,
        "PYTHONPATH": f"{HOME}{os.pathsep}{dags}",
        **(env or {}),
    }
    words = [str(AIRFLOW_PYTHON), *command]
    return subprocess.run(words, env=environment, cwd=home, capture_output=True, text=True, timeout=120, check=False)
