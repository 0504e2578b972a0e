"""What every DAG here shares: how a task is tried, when a DAG starts, the asset of a table, and what a failure says and to whom.

Where a stack's jobs are comes from the environment of Airflow's processes (`lakehouse/services/airflow_env.py`).
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from airflow.sdk import Asset, AssetAny, AssetOrTimeSchedule, CronDataIntervalTimetable, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from lakehouse.tables import SILVER
from lakehouse.tables.bronze import FILES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lakehouse.model import Table

REPO = Path(__file__).resolve().parent.parent
FILE_TABLES: tuple[Table, ...] = tuple(table for table in SILVER if table.writer == FILES)
"""The declared silver tables that files become."""
ERROR_LINE = re.compile(r"^(E_[A-Z0-9_]+) \S.*$", re.MULTILINE)
NOTIFY_WITHIN_S = 30
EVERY_HOUR = "15 * * * *"
FROM_ASKED = "{{ params['from'] or dag_run.data_interval_start or dag_run.run_after - macros.timedelta(days=1) }}"
TO_ASKED = "{{ params['to'] or dag_run.data_interval_end or dag_run.run_after }}"
"""The stretch of time that a run is about: the form's, else its data interval, else the day before it; a run by hand has no interval."""

WAITING_DOES_NOT_HELP = frozenset(
    {"E_SETTINGS", "E_REQUIREMENT", "E_PLANT_MODEL", "E_CONTRACT", "E_SCHEMA_DRIFT", "E_CONSERVATION", "E_AUDIT_FAILED", "E_KEY_NOT_UNIQUE"}
)

log = logging.getLogger(__name__)


def said_by(output: str) -> AirflowException | None:
    """Return the failure that a command's output names in its last error line: one that ends the retries when waiting cannot mend it."""
    lines = list(ERROR_LINE.finditer(output))
    if not lines:
        return None
    kind = AirflowFailException if lines[-1][1] in WAITING_DOES_NOT_HELP else AirflowException
    return kind(lines[-1][0])


def jobs_python() -> str:
    """Return the interpreter of the jobs environment.

    Raises:
        AirflowFailException: Airflow was started without it.
    """
    python = os.environ.get("JOBS_PYTHON", "")
    if not python:
        raise AirflowFailException("E_SETTINGS JOBS_PYTHON: Airflow was started without it | next: bin/lakehouse up")
    return python


def jobs_environment() -> dict[str, str]:
    """Return what a command of the jobs environment is told: all but Airflow's own settings and keys."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "_AIRFLOW", "JOBS_"))}
    return {**own, "PATH": os.environ.get("JOBS_PATH", os.defpath), "PYTHONPATH": str(REPO)}


def tell_failure(context: Mapping[str, Any]) -> None:
    """Tell whom the stack's settings name that a task has failed for good; it never takes longer than `NOTIFY_WITHIN_S` seconds."""
    ti = context["ti"]
    words = [str(word) for word in (ti.dag_id, ti.task_id, ti.run_id)]
    cause = str(context.get("exception") or "it was ended from outside")
    lines = list(ERROR_LINE.finditer(cause))
    told = lines[-1][0] if lines else cause.strip().splitlines()[0][:500]
    command = [jobs_python(), "-m", "lakehouse.cli", "notify", "--dag", words[0], "--task", words[1], "--run", words[2], "--", told]
    try:
        ran = subprocess.run(
            command, env=jobs_environment(), cwd=REPO, capture_output=True, text=True, timeout=NOTIFY_WITHIN_S, check=False
        )
    except subprocess.TimeoutExpired:
        log.warning("nobody was told within %s s of: %s", NOTIFY_WITHIN_S, told)
        return
    if ran.returncode:
        log.warning("nobody was told: %s", ran.stderr.strip()[-500:])


POLICY: dict[str, Any] = {
    "owner": "plant-data",
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
    "execution_timeout": timedelta(hours=1),
    "on_failure_callback": tell_failure,
}


def quarter_hourly(minute: int) -> CronTriggerTimetable:
    """Return a schedule of every 15 minutes from `minute` past (0 to 14); a new installation waits for its first turn."""
    return CronTriggerTimetable(f"{minute}-59/15 * * * *", timezone="UTC", run_immediately=timedelta(0))


def daily(at: str) -> CronTriggerTimetable:
    """Return a schedule of once a day at `HH:MM` UTC; a new installation waits for its first turn."""
    hour, minute = at.split(":")
    return CronTriggerTimetable(f"{int(minute)} {int(hour)} * * *", timezone="UTC", run_immediately=timedelta(0))


def each_day() -> CronDataIntervalTimetable:
    """Return the interval of each calendar day, in UTC; its run starts when the day has ended."""
    return CronDataIntervalTimetable("0 0 * * *", timezone="UTC")


def each_day_or_after(table: Table) -> AssetOrTimeSchedule:
    """Return the interval of each calendar day, and whenever files have written a table; a run for that reason has no interval."""
    return AssetOrTimeSchedule(timetable=each_day(), assets=[asset_of(table)])


def shift_reports() -> CronDataIntervalTimetable:
    """Return the intervals of the shift reports, in UTC: those of the setting `shift_report_cron`, by default hours that end at :15."""
    return CronDataIntervalTimetable(os.environ.get("LAKEHOUSE_SHIFT_REPORT_CRON", EVERY_HOUR), timezone="UTC")


def asset_of(table: Table) -> Asset:
    """Return the asset of a table: `silver_confirmation` at `iceberg://lake/silver/confirmation`."""
    return Asset(name=f"{table.layer}_{table.name}", uri=f"iceberg://lake/{table.layer}/{table.name}")


def file_assets() -> list[Asset]:
    """Return the assets of all declared silver tables that files become."""
    return [asset_of(table) for table in FILE_TABLES]


def any_file_table() -> AssetAny:
    """Return the condition that any of them was written."""
    return AssetAny(*file_assets())


def sources() -> list[str]:
    """Return the names of the file sources, for forms; read as text, so that no contract is checked here."""
    declared = yaml.load((REPO / "conf" / "sources.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    return sorted(declared["files"])
