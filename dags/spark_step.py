"""One step of the lakehouse run by spark-submit, alone or mapped over the sources that have new files.

Addresses and keys of a stack are in the 0600 properties file that `LAKEHOUSE_SPARK_PROPERTIES` names: never on a command line,
never in a log.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from policy import REPO, said_by

if TYPE_CHECKING:
    from airflow.sdk import Asset, Context, XComArg

PROPERTIES = "LAKEHOUSE_SPARK_PROPERTIES"
JOBS_ENVIRONMENT = {
    "SPARK_HOME": "JOBS_SPARK_HOME",
    "PYSPARK_PYTHON": "JOBS_PYTHON",
    "PYSPARK_DRIVER_PYTHON": "JOBS_PYTHON",
    "JAVA_HOME": "JOBS_JAVA_HOME",
    "PATH": "JOBS_PATH",
}
OF_SPARK = re.compile(r"^(\d\d/\d\d/\d\d \d\d:\d\d:\d\d |\{|WARNING: |:: )")
"""Lines of Spark's and the job's own loggers; what is left of the output are the job's words."""


class SparkStep(SparkSubmitOperator):
    """A spark-submit whose last words are the job's own: its counts, or code, object, cause and next command.

    Arguments that a template made empty are left out.
    """

    def execute(self, context: Context) -> None:
        """Run the job in this task's Spark.

        Raises:
            AirflowFailException: the job named a cause that no retry repairs.
            AirflowException: anything else; the task is tried again.
        """
        if not self.properties_file:
            raise AirflowFailException(f"E_SETTINGS {PROPERTIES}: Airflow was started without it | next: bin/lakehouse up")
        self.application_args = [each for each in self.application_args or () if each]
        try:
            super().execute(context)
        except AirflowException as failure:
            raise said_by(str(failure)) or failure from None
        self._say_again()

    def _say_again(self) -> None:
        """Log the job's last line once more when lines of Spark's shutdown came after it."""
        lines = [line for line in self._hook._last_submit_log_lines if line] if self._hook else []
        words = [line for line in lines if not OF_SPARK.match(line)]
        if words and words[-1] != lines[-1]:
            self.log.info(words[-1])


class LandStep(SparkStep):
    """Lands one source that has new files; `found` is what the light task before it has found."""

    def __init__(self, *, found: Mapping[str, Any], **submit: Any) -> None:
        """Keep which source is landed and how much of it waits."""
        super().__init__(**submit)
        self.found = found

    def execute(self, context: Context) -> None:
        """Land the source under a run id that a clear keeps: the DAG run's with the source's name; of the assets, its own is written."""
        source = self.found["source"]
        self.log.info("%s: %s files, %s bytes", source, self.found["files"], self.found["bytes"])
        self.application_args = ["--source", source, "--run-id", f"{context['run_id']}/{source}"]
        super().execute(context)
        self.outlets = [asset for asset in self.outlets if asset.name == f"silver_{self.found['silver']}"]


def spark_step(task_id: str, job: str, arguments: Sequence[str], outlets: Sequence[Asset] = ()) -> SparkStep:
    """Return the task that runs `jobs/<job>.py` with templated arguments; Spark jobs run one at a time."""
    return SparkStep(task_id=task_id, application_args=list(arguments), outlets=list(outlets), **_submit(job, task_id))


def land_sources(task_id: str, found: XComArg, outlets: Sequence[Asset] = ()) -> Any:
    """Return the tasks that land the found sources, one for each, labelled with its name, one after the other."""
    mapped = LandStep.partial(
        task_id=task_id,
        map_index_template="{{ task.found['source'] }}",
        max_active_tis_per_dag=1,
        outlets=list(outlets),
        **_submit("land_files", task_id),
    )
    return mapped.expand(found=found)


def _submit(job: str, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "conn_id": "spark_local",
        "application": str(REPO / "jobs" / f"{job}.py"),
        "properties_file": os.environ.get(PROPERTIES),
        "env_vars": {name: os.environ[source] for name, source in JOBS_ENVIRONMENT.items() if source in os.environ},
        "pool": "spark",
    }
