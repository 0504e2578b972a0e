"""A question or a small duty that needs no Spark: a command of the jobs environment, as its own process beside the scheduler."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException
from policy import REPO, jobs_environment, jobs_python, said_by

if TYPE_CHECKING:
    from airflow.sdk import Asset, Context

WITHIN_S = 300


class LightStep(BaseOperator):
    """Runs `lakehouse <words>`; what it prints is the log's end, and with `--json` among the words the task's result.

    Words that a template made empty are left out.
    """

    template_fields: Sequence[str] = ("words",)

    def __init__(self, *, words: Sequence[str], within_s: int = WITHIN_S, **kwargs: Any) -> None:
        """Keep the command's words and how long it may take in seconds."""
        super().__init__(**kwargs)
        self.words = words
        self.within_s = within_s
        self._ran: subprocess.Popen[str] | None = None

    def execute(self, context: Context) -> Any:
        """Run the command; return its JSON, or None.

        Raises:
            AirflowFailException: the command named a cause that no retry repairs.
            AirflowException: anything else; the task is tried again.
        """
        words = [word for word in self.words if word]
        said, told, status = self._run(words)
        for line in told.splitlines():
            self.log.info(line)
        if status:
            raise said_by(told) or AirflowException(f"lakehouse {words[0]} ended with {status}; its words are above")
        if "--json" not in words:
            for line in said.splitlines():
                self.log.info(line)
            return None
        found = json.loads(said)
        self.log.info(json.dumps(found) if found else "nothing new")
        return found

    def _run(self, words: Sequence[str]) -> tuple[str, str, int]:
        """Return what the command printed, what it said beside that, and its exit status."""
        command = [jobs_python(), "-m", "lakehouse.cli", *words]
        self._ran = subprocess.Popen(
            command, env=jobs_environment(), cwd=REPO, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            said, told = self._ran.communicate(timeout=self.within_s)
        except subprocess.TimeoutExpired:
            self.on_kill()
            line = f"E_SERVICE lakehouse {words[0]}: no answer within {self.within_s} s | next: bin/lakehouse status"
            raise AirflowException(line) from None
        return said, told, self._ran.returncode

    def on_kill(self) -> None:
        """End the command with the task."""
        if self._ran is not None:
            self._ran.kill()
            self._ran.wait()


def light_step(task_id: str, words: Sequence[str], outlets: Sequence[Asset] = (), **kwargs: Any) -> LightStep:
    """Return the task that runs `lakehouse <words>` with templated words."""
    return LightStep(task_id=task_id, words=list(words), pool="light", outlets=list(outlets), **kwargs)
