"""### Files to silver again, from bronze.

**Makes** the silver rows and the quarantine of a source's files anew, and one row of `ops.file_commit`, in one commit.

**From** the source's bronze table: nothing is read from the landing bucket. Start it when a rule, a contract or the plant model was
mended: what was refused and now passes enters silver; what is refused now leaves it, and an older version of it counts again. The form
asks for the source, and for one file by its SHA-256 (see `ops.landing`) when it is not to be all of them; files landed after it are
conformed with it, so that a later file still replaces an earlier one.

**Run it again** at any time: the rows are those of a first landing, so a second run changes nothing.

**A failure concerns** the data engineer; nothing was merged. `E_SETTINGS` names a file that was never landed; `E_FENCED` passes by
itself: another run was first, the task tries again.
"""

from airflow.sdk import DAG, Param
from conform_step import BY_HAND, conform_again, source_param

with DAG(
    "silver_tables",
    description="Conform the files of a source again from bronze, after a rule, a contract or the plant model was mended.",
    doc_md=__doc__,
    params={
        "source": source_param(),
        "file": Param("", type="string", pattern="^([0-9a-f]{64})?$", title="File", description="SHA-256 of one file; empty: all of the source."),
    },
    **BY_HAND,
):
    conform_again("{{ '--file=' ~ params.file if params.file else '' }}")
