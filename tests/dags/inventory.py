"""Run by Airflow's own interpreter: load a folder of DAGs as the DAG processor does and print what is in it, as JSON."""

import json
import sys
from typing import Any

from airflow.dag_processing.dagbag import DagBag


def task_facts(task: Any) -> dict[str, Any]:
    return {
        "owner": task.owner,
        "retries": task.retries,
        "retry_delay_s": task.retry_delay.total_seconds(),
        "backoff": float(task.retry_exponential_backoff),
        "timeout_s": task.execution_timeout.total_seconds() if task.execution_timeout else None,
        "pool": task.pool,
        "operator": type(task).__name__,
        "application": task.application,
        "arguments": task.application_args,
        "properties_file": task.properties_file,
        "environment": task.env_vars,
        "outlets": sorted(asset.name for asset in task.outlets),
    }


def starts_on(dag: Any) -> list[str]:
    condition = dag.timetable.asset_condition
    return sorted(asset.name for asset in condition.objects) if condition else []


def dag_facts(dag: Any) -> dict[str, Any]:
    return {
        "doc": dag.doc_md,
        "description": dag.description,
        "tags": sorted(dag.tags),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "assets": starts_on(dag),
        "tasks": {task.task_id: task_facts(task) for task in dag.tasks},
    }


bag = DagBag(dag_folder=sys.argv[1], bundle_path=sys.argv[1], bundle_name="checked")
ours = sorted(name for name in sys.modules if name.startswith("lakehouse"))
found = {"errors": bag.import_errors, "modules": ours, "dags": {name: dag_facts(dag) for name, dag in bag.dags.items()}}
print("INVENTORY " + json.dumps(found))  # noqa: T201
