"""### Touched machine-shifts to gold: branch, audit, publish.

**Makes** the gold tables behind every view in `kpi.plant`, and one row each in `ops.publication` and `ops.audit_result`, in one commit.

**From** what the conform commits say they touched since the last publication. It starts whenever a file DAG has written a silver
table; topics are published by the live application. Nothing touched: it says so.

**Run it again** at any time: a publication takes what is not published yet, so a second run finds nothing to do. The form's *rebuild*
makes all of gold again from silver.

**A failure concerns** the data engineer; the last publication stays in place. `E_AUDIT_FAILED` concerns the owner of the plant model
too: a figure would have been wrong. `E_LEASE_HELD` passes by itself: the live application was publishing, the task tries again.
"""

from airflow.sdk import DAG, Param
from policy import POLICY, any_file_table, asset_of
from spark_step import spark_step

from lakehouse.tables import GOLD
from lakehouse.tables.gold_orders import INVENTORY_AGE

with DAG(
    "gold_kpis",
    description="Rebuild the machine-shifts that files touched, audit them, publish them in one commit.",
    doc_md=__doc__,
    tags=["gold", "kpi", "publish"],
    schedule=any_file_table(),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=POLICY,
    params={"rebuild": Param(False, type="boolean", title="Rebuild", description="Make all machine-shifts again, not only touched ones.")},
):
    spark_step(
        "gold_machine_shift",
        "publish",
        ("--wait", "120", "{{ '--rebuild' if params.rebuild else '' }}"),
        outlets=[asset_of(table) for table in GOLD if table is not INVENTORY_AGE],
    )
