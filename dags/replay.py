"""### Files that were landed in some stretch of time, to silver again.

**Makes** the silver rows and the quarantine of those files anew, and one row of `ops.file_commit`, in one commit.

**From** the source's bronze table and `ops.landing`: files landed since *from* and before *to*, for instance while a contract was
wrong, with those landed after them, so that a later file still replaces an earlier one. Empty ends mean ever. A manual run without
either does all of the source. Topics are not replayed here: the live application conforms what it lands, and `ops.topic_commit` says
how far.

**Run it again** at any time: the rows are those of a first landing, so a second run changes nothing.

**A failure concerns** the data engineer; nothing was merged. `E_FENCED` passes by itself: another run was first, the task tries again.
"""

from airflow.sdk import DAG, Param
from conform_step import BY_HAND, conform_again, source_param

with DAG(
    "replay",
    description="Conform the files of a source again that were landed between two instants.",
    doc_md=__doc__,
    params={
        "source": source_param(),
        "from": Param(None, type=["null", "string"], format="date-time", title="From", description="Landed since this instant; empty: ever."),
        "to": Param(None, type=["null", "string"], format="date-time", title="To", description="Landed before this instant; empty: until now."),
    },
    **BY_HAND,
):
    conform_again(
        "{{ '--from=' ~ params['from'] if params['from'] else '' }}",
        "{{ '--to=' ~ params['to'] if params['to'] else '' }}",
    )
