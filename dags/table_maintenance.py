"""### Old metadata and small files.

**Makes** tables cheap to read: old snapshots leave their metadata, and the small files of partitions that closed two days ago or
more become few large ones. No row changes, no file is deleted; history stays readable.

**From** the list of files of every table. A table without a partition by time is only trimmed.

**Run it again** at any time: a second run finds nothing to do. A table that was written meanwhile is left for the next run, and the
log says so.

**A failure concerns** the data engineer; what was mended before it stays. `E_LEASE_HELD` passes by itself: somebody was publishing.
"""

from airflow.sdk import DAG
from policy import POLICY, daily
from spark_step import spark_step

with DAG(
    "table_maintenance",
    description="Trim the metadata of every table and join the small files of closed partitions, once a day.",
    doc_md=__doc__,
    tags=["maintenance", "daily"],
    schedule=daily("02:40"),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=POLICY,
):
    spark_step("mended_tables", "maintain", ())
