"""### Confirmation workbooks to bronze and silver; of refused rows a person is asked.

**Makes** `bronze.confirmation_sheet`, `silver.confirmation` and its quarantine, `ops.landing` and `ops.file_commit`, in one commit
for each source.

**From** workbooks in the landing bucket, `<source>/<site>/<file>`: every complete one that was not landed yet. A run that finds none
succeeds and says so. Put a file there with any S3 client; a corrected workbook restates, never doubles.

When a workbook was rejected or has rows to mend, `take_or_wait` asks under *Required Actions*: **take the good rows** lets
`gold_kpis` start, **wait for a mended file** does not. The good rows are in bronze and silver by then; what waits is this DAG's
signal to publish. Where the live application runs, its own next publication takes them along. No answer within 24 hours takes nothing
and the run fails. Other runs go on meanwhile.

**Run it again** by clearing the run: it repeats exactly the files that are recorded under its run id, identical rows are not written
twice, and it asks again when there still is something to ask.

**A failure concerns** the data engineer; `E_CONTRACT` and `E_UNANSWERED` concern whoever sent the workbook. The log's last line says
what to do.
"""

from airflow.sdk import DAG, Param
from light_step import light_step
from person_step import take_or_wait
from policy import POLICY, asset_of, quarter_hourly
from spark_step import land_sources

from lakehouse.tables.silver import CONFIRMATION

with DAG(
    "bronze_confirmations",
    description="Confirmation workbooks in the landing bucket, to bronze and silver; a person decides about refused ones.",
    doc_md=__doc__,
    tags=["bronze", "silver", "files", "confirmations"],
    schedule=quarter_hourly(0),
    catchup=False,
    # A question may stay open for a day, 96 quarters of an hour; the workbooks of the others must not wait for its answer.
    max_active_runs=100,
    is_paused_upon_creation=False,
    default_args=POLICY,
    params={"source": Param("", type="string", title="Source", description="Name in conf/sources.yaml; empty: all that have new workbooks.")},
):
    new_files = light_step(
        "new_files", ("pending", "--json", "--kind", "workbooks", "--run-id", "{{ run_id }}", "--source={{ params.source }}")
    )
    land = land_sources("land", new_files.output)
    review = light_step("review", ("landed", "{{ run_id }}", "--json"))
    ask = take_or_wait("take_or_wait", review="review", taken="silver_confirmation", otherwise="said")
    good_rows = light_step("silver_confirmation", ("landed", "{{ run_id }}"), outlets=[asset_of(CONFIRMATION)])
    said = light_step("said", ("landed", "{{ run_id }}"), trigger_rule="none_failed")
    land >> review >> ask >> good_rows >> said
    ask >> said
