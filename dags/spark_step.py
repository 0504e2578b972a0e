"""What every DAG here shares: the policy of a task, the asset of a table, and one step of the lakehouse run by spark-submit.

Where a stack's Spark is comes from the environment of Airflow's processes (`lakehouse/services/airflow_env.py`). Its addresses and
keys are in the 0600 properties file that `LAKEHOUSE_SPARK_PROPERTIES` names: never on a command line, never in a log.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import Asset, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowException, AirflowFailException

if TYPE_CHECKING:
    from airflow.sdk import Context

    from lakehouse.model import Table

JOBS = Path(__file__).resolve().parent.parent / "jobs"
PROPERTIES = "LAKEHOUSE_SPARK_PROPERTIES"
JOBS_ENVIRONMENT = {
    "SPARK_HOME": "JOBS_SPARK_HOME",
    "PYSPARK_PYTHON": "JOBS_PYTHON",
    "PYSPARK_DRIVER_PYTHON": "JOBS_PYTHON",
    "JAVA_HOME": "JOBS_JAVA_HOME",
    "PATH": "JOBS_PATH",
}
ERROR_LINE = re.compile(r"^(E_[A-Z0-9_]+) \S.*$", re.MULTILINE)

WAITING_DOES_NOT_HELP = frozenset(
    {"E_SETTINGS", "E_REQUIREMENT", "E_PLANT_MODEL", "E_CONTRACT", "E_SCHEMA_DRIFT", "E_CONSERVATION", "E_AUDIT_FAILED"}
)

POLICY: dict[str, Any] = {
    "owner": "plant-data",
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=5),
    "execution_timeout": timedelta(hours=1),
}


class SparkStep(SparkSubmitOperator):
    """A spark-submit whose failure is the job's own line: code, object, cause, next command."""

    def execute(self, context: Context) -> None:
        """Run the job in this task's Spark.

        Raises:
            AirflowFailException: the job named a cause that no retry repairs.
            AirflowException: anything else; the task is tried again.
        """
        if not self.properties_file:
            raise AirflowFailException(f"E_SETTINGS {PROPERTIES}: Airflow was started without it | next: bin/lakehouse up")
        try:
            super().execute(context)
        except AirflowException as failure:
            said = list(ERROR_LINE.finditer(str(failure)))
            if not said:
                raise
            kind = AirflowFailException if said[-1][1] in WAITING_DOES_NOT_HELP else AirflowException
            raise kind(said[-1][0]) from None


def quarter_hourly(minute: int) -> CronTriggerTimetable:
    """Return a schedule of every 15 minutes from `minute` past (0 to 14); a new installation waits for its first turn."""
    return CronTriggerTimetable(f"{minute}-59/15 * * * *", timezone="UTC", run_immediately=timedelta(0))


def asset_of(table: Table) -> Asset:
    """Return the asset of a table: `silver_confirmation` at `iceberg://lake/silver/confirmation`."""
    return Asset(name=f"{table.layer}_{table.name}", uri=f"iceberg://lake/{table.layer}/{table.name}")


def spark_step(task_id: str, job: str, arguments: Sequence[str], pool: str, outlets: Sequence[Asset]) -> SparkStep:
    """Return the task that runs `jobs/<job>.py` with templated arguments, one at a time within its pool."""
    return SparkStep(
        task_id=task_id,
        name=task_id,
        conn_id="spark_local",
        application=str(JOBS / f"{job}.py"),
        application_args=list(arguments),
        properties_file=os.environ.get(PROPERTIES),
        env_vars={name: os.environ[source] for name, source in JOBS_ENVIRONMENT.items() if source in os.environ},
        pool=pool,
        outlets=list(outlets),
    )
