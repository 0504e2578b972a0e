"""### What to hand over: the report of each shift that has ended.

**Makes** `reports/<site>/<date>/<shift>.html` and `.csv` in the bucket `lake`: OEE with its factors, numerators and denominators, the
greatest losses, stops still open, and rows refused while the shift ran.

**From** the kpi views, for every shift of every site whose end lies within the run's data interval (by default the hour that ends at
:15; the setting `LAKEHOUSE_SHIFT_REPORT_CRON`). A run in which no shift ended succeeds and says so.

**Run it again** by clearing or by a backfill of any past time: the report is made from what is known then, and replaces the one that
is there. By hand, the form takes the interval; without it, the last 24 hours.

**A failure concerns** the data engineer; the shift lead has the dashboards meanwhile. The log's last line says what to do.
"""

from airflow.sdk import DAG, Param
from light_step import light_step
from policy import FROM_ASKED, POLICY, TO_ASKED, shift_reports

with DAG(
    "shift_report",
    description="Write the report of every shift that ended within the interval, as a page and as a table.",
    doc_md=__doc__,
    tags=["reports", "shift"],
    schedule=shift_reports(),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=POLICY,
    params={
        "from": Param(None, type=["null", "string"], format="date-time", title="From", description="By hand: shifts that ended after this instant."),
        "to": Param(None, type=["null", "string"], format="date-time", title="To", description="By hand: shifts that ended until this instant."),
    },
):
    light_step("reports", ("report", f"--from={FROM_ASKED}", f"--to={TO_ASKED}"))
