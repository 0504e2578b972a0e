"""### Confirmation workbooks to bronze and silver.

**Makes** `bronze.confirmation_sheet`, `silver.confirmation` and its quarantine, `ops.landing` and `ops.file_commit`, in one commit.

**From** workbooks in the landing bucket, `confirmations/<site>/<file>`: every complete one that was not landed yet. A run that finds
none succeeds and says so. Put a file there with `bin/lakehouse land`, or any S3 client; a corrected workbook restates, never doubles.

**Run it again** by clearing the run: it repeats exactly the files that are recorded under its run id, and identical rows are
not written twice. A refused file stays in the bucket; `ops.landing` has its code and first differences.

**A failure concerns** the data engineer; `E_CONTRACT` concerns whoever sent the workbook. The log's last line says what to do.
"""

from airflow.sdk import DAG
from spark_step import POLICY, asset_of, quarter_hourly, spark_step

from lakehouse.tables.silver import CONFIRMATION

with DAG(
    "bronze_confirmations",
    description="Confirmation workbooks in the landing bucket, to bronze and silver.",
    doc_md=__doc__,
    tags=["bronze", "silver", "files", "confirmations"],
    schedule=quarter_hourly(0),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=POLICY,
):
    spark_step(
        "silver_confirmation",
        "land_files",
        ("--source", "confirmations", "--run-id", "{{ run_id }}"),
        pool="silver_files",
        outlets=[asset_of(CONFIRMATION)],
    )
