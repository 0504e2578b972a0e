"""A person decides in the pages of Airflow (Required Actions): are the good rows of refused workbooks published, or not yet?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLBranchOperator
from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from airflow.sdk import Context

TAKE = "take the good rows"
WAIT = "wait for a mended file"
SUBJECT = "{refused} of {files} workbooks were refused or have refused rows: publish the good rows?"
ANSWERS = f"""**{TAKE}**: `gold_kpis` starts now and publishes them. **{WAIT}**: this run starts no publication; put the mended workbook
beside the original, the next run lands it and its good rows are published with it.

The good rows are in bronze and silver already, whatever is answered; a refused row is in quarantine, a refused workbook in the bucket."""


class TakeOrWait(HITLBranchOperator):
    """Asks when a workbook of this run was rejected or has refused rows; when nothing is to mend nobody is asked."""

    def __init__(self, *, review: str, taken: str, otherwise: str, **kwargs: Any) -> None:
        """Keep the task that has reviewed the run, the task that goes on, and the one that follows whatever is answered."""
        super().__init__(subject=SUBJECT, options=[TAKE, WAIT], options_mapping={TAKE: taken, WAIT: otherwise}, **kwargs)
        self.review = review
        self.taken = taken

    def execute(self, context: Context) -> Any:
        """Ask and wait without a process, or go on at once."""
        files: Sequence[Mapping[str, Any]] = context["ti"].xcom_pull(task_ids=self.review) or []
        refused = [each for each in files if each["status"] == "rejected" or each["to_mend"]]
        if not refused:
            self.log.info("nothing is to mend in %s workbooks: nobody is asked", len(files))
            return self.do_branch(context, self.taken)
        self.subject = SUBJECT.format(refused=len(refused), files=len(files))
        self.body = "\n".join([*(f"- {line_of(each)}" for each in refused), "", ANSWERS])
        self.log.info("asked: %s", self.subject)
        return super().execute(context)

    def process_trigger_event_error(self, event: Mapping[str, Any]) -> None:
        """Fail for good with a clear line: without an answer nothing is taken.

        Raises:
            AirflowFailException: always.
        """
        if event["error_type"] != "timeout":
            raise AirflowFailException(f"E_UNANSWERED {self.task_id}: {event['error']} | next: clear this task to be asked again")
        hours = (self.response_timeout or timedelta()).total_seconds() / 3600
        cause = f"nobody answered within {hours:g} hours, nothing was taken"
        raise AirflowFailException(f"E_UNANSWERED {self.task_id}: {cause} | next: clear this task to be asked again")


def line_of(file: Mapping[str, Any]) -> str:
    """Return one workbook of the review as a line for a person."""
    key = quoted(str(file["object_key"]))
    if file["status"] == "rejected":
        return f"{key}: rejected whole, {file['code']} {quoted('; '.join(file['differences']))}"
    return f"{key}: {file['to_mend']} of {file['rows']} rows refused"


def quoted(text: str) -> str:
    """Return text of a file as code: the page shows it and reads nothing into it."""
    plain = text.replace("`", "'").replace("\n", " ")
    return f"`{plain}`"


def take_or_wait(task_id: str, review: str, taken: str, otherwise: str) -> TakeOrWait:
    """Return the task that asks; an answer is awaited for a day."""
    return TakeOrWait(task_id=task_id, review=review, taken=taken, otherwise=otherwise, pool="light", response_timeout=timedelta(hours=24))
