"""The step that two DAGs share: the files of a source conformed again from bronze."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Param
from policy import POLICY, file_assets, sources
from spark_step import spark_step

if TYPE_CHECKING:
    from spark_step import SparkStep

BY_HAND: dict[str, Any] = {
    "tags": ["silver", "files", "by hand"],
    "schedule": None,
    "catchup": False,
    "max_active_runs": 1,
    "is_paused_upon_creation": False,
    "default_args": POLICY,
}


def source_param() -> Param:
    """Return the form's question whose files are conformed again."""
    return Param("confirmations", type="string", enum=sources(), title="Source", description="Whose files are conformed again.")


def conform_again(*which: str) -> SparkStep:
    """Return the task that conforms files of the form's source again; `which` are templates of arguments of jobs/replay.py, or empty."""
    return spark_step("conform_again", "replay", ("--source", "{{ params.source }}", *which), outlets=file_assets())
