"""### MES and ERP dumps to bronze and silver.

**Makes** the bronze table of each source and the silver table that its contract names, with quarantine, `ops.landing` and
`ops.file_commit`: one mapped task and one commit for each source that has new files, labelled with the source.

**From** every source in `conf/sources.yaml` that is no workbook: objects `<source>/<site>/<file>` of the landing bucket that are
complete and not in `ops.landing` yet. `new_files` asks which; a run that finds none succeeds and says so.

**Run it again** by clearing the run: it repeats exactly what is recorded under its run id, and identical rows are not written twice.
What a source could not land stays in the bucket: clear that one task, or leave it to the next run. The form names one source.

**A failure concerns** the data engineer; `E_CONTRACT` concerns whoever runs the export. The log's last line says what to do.
"""

from airflow.sdk import DAG, Param
from light_step import light_step
from policy import POLICY, file_assets, quarter_hourly
from spark_step import land_sources

with DAG(
    "bronze_mes_files",
    description="MES and ERP dumps in the landing bucket, to bronze and silver, one task for each source with new files.",
    doc_md=__doc__,
    tags=["bronze", "silver", "files", "mes"],
    schedule=quarter_hourly(7),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=POLICY,
    params={"source": Param("", type="string", title="Source", description="Name in conf/sources.yaml; empty: all that have new files.")},
):
    new_files = light_step(
        "new_files", ("pending", "--json", "--kind", "files", "--run-id", "{{ run_id }}", "--source={{ params.source }}")
    )
    land = land_sources("land", new_files.output, outlets=file_assets())
    land >> light_step("said", ("landed", "{{ run_id }}"), trigger_rule="none_failed")
