"""### Is each source as fresh as promised?

**Makes** no table: the run is the answer. It fails with `E_SOURCE_LATE` and names each source whose newest row is older than its
silver table and gold promise together (data dictionary).

**From** the view `kpi.plant.data_health`, as last published. A source whose newest event is older than the form says (24 hours) counts
as silent and is listed, not failed: a machine park that stands still at the weekend is no fault, nor is history that was loaded. Tables of
events, such as interruptions, are listed too: they are not late because nothing happened.

**Run it again** at any time; it looks at the present, so an old run that is cleared says how it is now.

**A failure concerns** whoever runs the named source, and the data engineer. It is tried again three times before it is told.
"""

from airflow.sdk import DAG, Param
from light_step import light_step
from policy import POLICY, quarter_hourly

with DAG(
    "source_health",
    description="Compare the age of every source with what its tables promise, every quarter of an hour.",
    doc_md=__doc__,
    tags=["health", "sources"],
    schedule=quarter_hourly(11),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=POLICY,
    params={
        "silent_after_h": Param(24, type="number", minimum=0, title="Silent after, hours", description="With an older newest event it is not late."),
    },
):
    light_step("sources_in_time", ("health", "--silent-after-h={{ params.silent_after_h }}"))
