"""What every Airflow component and command of a stack is told. One set for all: they must agree on keys and addresses."""

from __future__ import annotations

import json
import os

from lakehouse.settings import HOME, Settings
from lakehouse.setup.jdks import find_jdk


def airflow_environment(settings: Settings) -> dict[str, str]:
    """Return the environment of the API server, scheduler, DAG processor and of `airflow …` calls.

    Raises:
        SettingsError: the stack has no secrets yet.
        RequirementError: Java 17 is missing.
    """
    return {**_core(settings), **_api(settings), **_dag_processor(), **_jobs(settings), **_login(settings)}


def airflow_passwords(settings: Settings) -> str:
    """Return the text of simple auth's password file: user to plain password, hence 0600."""
    users = {"admin": settings.secret("airflow_admin_password"), "viewer": settings.secret("airflow_viewer_password")}
    return json.dumps(users) + "\n"


def airflow_url(settings: Settings) -> str:
    """Return the address of Airflow's API and pages."""
    return f"http://{settings.host}:{settings.port('airflow')}"


def _core(settings: Settings) -> dict[str, str]:
    home = settings.run / "data" / "airflow"
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(HOME / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__FERNET_KEY": settings.secret("airflow_fernet_key"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,viewer:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(settings.run / "conf" / "airflow-passwords.json"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{settings.address('airflow')}/execution/",
        # One writer at a time: the others wait so many seconds for their turn, where five would end in an error.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}?timeout=60",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.run / "logs" / "airflow"),
        "NO_PROXY": "127.0.0.1,localhost",
        "TZ": "UTC",
    }


def _api(settings: Settings) -> dict[str, str]:
    return {
        "AIRFLOW__API__HOST": settings.bind,
        "AIRFLOW__API__PORT": str(settings.port("airflow")),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": airflow_url(settings),
        "AIRFLOW__API__SECRET_KEY": settings.secret("airflow_secret_key"),
        "AIRFLOW__API_AUTH__JWT_SECRET": settings.secret("airflow_jwt_secret"),
    }


def _dag_processor() -> dict[str, str]:
    return {
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    }


def _jobs(settings: Settings) -> dict[str, str]:
    """What the tasks hand to `spark-submit`: the jobs environment's Spark, and the 0600 file with the catalog's keys."""
    binaries = settings.jobs_python.parent
    pyspark = binaries.parent / "lib" / "python3.11" / "site-packages" / "pyspark"
    connection = {"conn_type": "spark", "host": "local[1]", "extra": {"deploy-mode": "client", "spark-binary": "spark-submit"}}
    return {
        "AIRFLOW_CONN_SPARK_LOCAL": json.dumps(connection),
        "LAKEHOUSE_SPARK_PROPERTIES": str(settings.spark_properties_file),
        "LAKEHOUSE_REPO": str(HOME),
        "JOBS_JAVA_HOME": str(find_jdk(17, 17)),
        "JOBS_PYTHON": str(settings.jobs_python),
        "JOBS_SPARK_HOME": str(pyspark),
        "JOBS_PATH": f"{binaries}{os.pathsep}/usr/local/bin{os.pathsep}/usr/bin{os.pathsep}/bin",
        "PATH": f"{binaries.parent.parent / 'airflow' / 'bin'}{os.pathsep}{binaries}{os.pathsep}/usr/local/bin{os.pathsep}/usr/bin{os.pathsep}/bin",
        "SPARK_LOCAL_IP": settings.host,
        "PYTHONPATH": str(HOME),
    }


def _login(settings: Settings) -> dict[str, str]:
    """Where scripts of the stack find the API and its admin."""
    return {"LAKEHOUSE_AIRFLOW_URL": airflow_url(settings)}
