"""### Files to silver again, from bronze.

**Makes** the silver rows and the quarantine of a source's files anew, and one row of `ops.file_commit`, in one commit.

**From** the source's bronze table: nothing is read from the landing bucket. Start it when a rule, a contract or the plant model was
mended: what was refused and now passes enters silver, what is refused now leaves it. The form asks for the source, and for one file
by its SHA-256 (see `ops.landing`) when it is not to be all of them.

**Run it again** at any time: the rows are those of a first landing, so a second run changes nothing.

**A failure concerns** the data engineer; nothing was merged. `E_SETTINGS` names a file that was never landed; `E_FENCED` passes by
itself: another run was first, the task tries again.
"""

from airflow.sdk import DAG, Param
from policy import POLICY, file_assets, sources
from spark_step import spark_step

with DAG(
    "silver_tables",
    description="Conform the files of a source again from bronze, after a rule, a contract or the plant model was mended.",
    doc_md=__doc__,
    tags=["silver", "files", "by hand"],
    schedule=None,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=POLICY,
    params={
        "source": Param("confirmations", type="string", enum=sources(), title="Source", description="Whose files are conformed again."),
        "file": Param("", type="string", pattern="^([0-9a-f]{64})?$", title="File", description="SHA-256 of one file; empty: all of the source."),
    },
):
    spark_step(
        "conform_again",
        "replay",
        ("--source", "{{ params.source }}", "{{ '--file=' ~ params.file if params.file else '' }}"),
        pool="silver_files",
        outlets=file_assets(),
    )
