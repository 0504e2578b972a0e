"""Run by Airflow's own interpreter: load a folder of DAGs as the DAG processor does and print what is in it, as JSON."""

import json
import sys
from typing import Any

from airflow.dag_processing.dagbag import DagBag


def task_facts(task: Any) -> dict[str, Any]:
    own = {**vars(task), **getattr(task, "partial_kwargs", {})}
    return {
        "owner": task.owner,
        "retries": task.retries,
        "retry_delay_s": task.retry_delay.total_seconds(),
        "backoff": float(task.retry_exponential_backoff),
        "timeout_s": task.execution_timeout.total_seconds() if task.execution_timeout else None,
        "pool": task.pool,
        "operator": getattr(task, "operator_name", type(task).__name__),
        "mapped": bool(getattr(task, "partial_kwargs", None)),
        "at_once": task.max_active_tis_per_dag,
        "label": getattr(task, "map_index_template", None),
        "application": own.get("application"),
        "arguments": own.get("application_args"),
        "words": own.get("words"),
        "properties_file": own.get("properties_file"),
        "environment": own.get("env_vars"),
        "outlets": sorted(asset.name for asset in task.outlets),
        "told": [each.__name__ for each in task.on_failure_callback],
        "after": sorted(task.upstream_task_ids),
        "rule": str(task.trigger_rule.value),
        "response_s": own["response_timeout"].total_seconds() if own.get("response_timeout") else None,
        "options": own.get("options"),
        "defaults": own.get("defaults"),
        "leads_to": own.get("options_mapping"),
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
        "any": type(dag.timetable.asset_condition).__name__,
        "timetable": type(dag.timetable).__name__,
        "form": {name: param.value for name, param in dag.params.items()},
        "form_words": {name: [param.schema.get("title"), param.description] for name, param in ((n, dag.params.get_param(n)) for n in dag.params)},
        "tasks": {task.task_id: task_facts(task) for task in dag.tasks},
    }


bag = DagBag(dag_folder=sys.argv[1], bundle_path=sys.argv[1], bundle_name="checked")
ours = sorted(name for name in sys.modules if name.startswith("lakehouse"))
heavy = sorted({name.split(".")[0] for name in sys.modules} & {"pyspark", "trino", "boto3", "kafka", "pandas", "great_expectations", "openpyxl"})
found = {"errors": bag.import_errors, "modules": ours, "heavy": heavy, "dags": {name: dag_facts(dag) for name, dag in bag.dags.items()}}
print("INVENTORY " + json.dumps(found))  # noqa: T201
