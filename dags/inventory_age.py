"""### Stock on hand at the end of a day, by receipt, with age and value.

**Makes** the rows of that day in `gold.inventory_age`, behind the view `kpi.plant.inventory_age`, in one commit.

**From** `silver.stock_movement` up to the end of the day that the run's data interval begins with, first in, first out; costs from
`silver.erp_item_row` where all rows of an item agree. A site without movements has no rows.

It starts when a day has ended, and when files have brought movements: the day before may have got more of them.

**Run it again** by clearing, or by a backfill of any past days: a day is replaced, never doubled. By hand, the form takes the day;
without it, the day before.

**A failure concerns** the data engineer; `E_LEASE_HELD` passes by itself: another publication was under way, the task tries again.
"""

from airflow.sdk import DAG, Param
from policy import POLICY, asset_of, each_day_or_after
from spark_step import spark_step

from lakehouse.tables.gold_orders import INVENTORY_AGE
from lakehouse.tables.silver_mes import STOCK_MOVEMENT

with DAG(
    "inventory_age",
    description="Stock on hand of one day: age and value of what is left of each receipt.",
    doc_md=__doc__,
    tags=["gold", "stock"],
    schedule=each_day_or_after(STOCK_MOVEMENT),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=POLICY,
    params={"date": Param(None, type=["null", "string"], format="date", title="Day", description="By hand: movements up to its end count.")},
):
    spark_step(
        "gold_inventory_age",
        "inventory",
        ("--date={{ params.date or ((dag_run.data_interval_start or dag_run.run_after - macros.timedelta(days=1)) | ds) }}", "--wait", "120"),
        outlets=[asset_of(INVENTORY_AGE)],
    )
