"""### MES dumps to bronze and silver.

**Makes** `bronze.mes_production_log`, `silver.production_event` and its quarantine, `ops.landing` and `ops.file_commit`, in one commit.

**From** CSV files in the landing bucket, `mes-production-log/<site>/<file>.csv`: every complete one that was not landed yet. A run
that finds none succeeds and says so. The contract is in `conf/sources.yaml`.

**Run it again** by clearing the run: it repeats exactly the files that are recorded under its run id, and identical rows are
not written twice. A refused file stays in the bucket; `ops.landing` has its code and first differences.

**A failure concerns** the data engineer; `E_CONTRACT` concerns whoever runs the MES export. The log's last line says what to do.
"""

from airflow.sdk import DAG
from spark_step import POLICY, asset_of, quarter_hourly, spark_step

from lakehouse.tables.silver import PRODUCTION_EVENT

with DAG(
    "bronze_mes_files",
    description="MES production logs in the landing bucket, to bronze and silver.",
    doc_md=__doc__,
    tags=["bronze", "silver", "files", "mes"],
    schedule=quarter_hourly(7),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=POLICY,
):
    spark_step(
        "silver_production_event",
        "land_files",
        ("--source", "mes-production-log", "--run-id", "{{ run_id }}"),
        pool="silver_files",
        outlets=[asset_of(PRODUCTION_EVENT)],
    )
