"""A person is asked when there is something to decide, and only then; the answer decides what goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow_env import run_in_airflow

DECIDE = """
import datetime, json, sys
from types import SimpleNamespace
from airflow.sdk import DAG
import person_step
from light_step import light_step
from airflow.providers.standard.operators import hitl
asked = []
hitl.upsert_hitl_detail = lambda **detail: asked.append(detail)
with DAG("d", schedule=None) as dag:
    review = light_step("review", ("landed", "r", "--json"))
    ask = person_step.take_or_wait("take_or_wait", "review", "silver_confirmation", "said")
    good, said = light_step("silver_confirmation", ("landed", "r")), light_step("said", ("landed", "r"))
    review >> ask >> good >> said
    ask >> said
ti = SimpleNamespace(id="1", map_index=-1, task=ask, xcom_pull=lambda task_ids: json.loads(sys.argv[1]), xcom_push=lambda **_: None)
answer = json.loads(sys.argv[2])
if answer and "chosen_options" in answer:
    answer["responded_at"] = datetime.datetime(2026, 11, 20, tzinfo=datetime.timezone.utc)
context = {"ti": ti, "task_instance": ti}
def run():
    if answer is None:
        return ask.execute(context)
    return ask.execute_complete(context, answer)
try:
    outcome = ["went on with", run()]
except BaseException as error:
    outcome = [type(error).__name__, str(getattr(error, "tasks", None) or error)]
print("OUTCOME " + json.dumps({"asked": [[d["subject"], d["body"], d["options"], d["defaults"]] for d in asked], "outcome": outcome}, default=str))
"""


def one(**changed: Any) -> dict[str, Any]:
    clean = {"object_key": "confirmations/demo/x.xlsx", "status": "landed", "code": "", "differences": [], "rows": 9, "quarantined": 0, "to_mend": 0}
    return {**clean, **changed}


def decide(folder: Path, files: list[dict[str, Any]], answer: object = None) -> dict[str, Any]:
    ran = run_in_airflow(folder, "-c", DECIDE, json.dumps(files), json.dumps(answer))
    found = [line for line in ran.stdout.splitlines() if line.startswith("OUTCOME ")]
    assert found, ran.stdout + ran.stderr
    return json.loads(found[-1].removeprefix("OUTCOME "))


def answered(option: str) -> dict[str, Any]:
    return {"chosen_options": [option], "params_input": {}, "responded_by_user": None}


def test_nobody_is_asked_about_clean_workbooks(tmp_path):
    found = decide(tmp_path, [one(), one(status="duplicate", rows=0), one(quarantined=3)])
    assert found == {"asked": [], "outcome": ["went on with", "silver_confirmation"]}


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"quarantined": 5, "to_mend": 2}, "`confirmations/demo/x.xlsx`: 2 of 9 rows refused"),
        (
            {"status": "rejected", "code": "E_CONTRACT", "differences": ["sheet: expected `Confirmations`, found Sheet1"], "rows": 0},
            "`confirmations/demo/x.xlsx`: rejected whole, E_CONTRACT `sheet: expected 'Confirmations', found Sheet1`",
        ),
    ],
)
def test_a_refused_workbook_asks_and_says_why(tmp_path, bad, told):
    found = decide(tmp_path, [one(), one(**bad)])
    ((subject, body, options, defaults),) = found["asked"]
    assert subject == "1 of 2 workbooks were refused or have refused rows: publish the good rows?"
    assert f"- {told}" in body.splitlines()
    assert options == ["take the good rows", "wait for a mended file"]
    assert defaults is None
    assert found["outcome"][0] == "TaskAwaitingInput"


@pytest.mark.parametrize(("option", "skipped"), [("take the good rows", "[]"), ("wait for a mended file", "silver_confirmation")])
def test_the_answer_decides(tmp_path, option, skipped):
    code = decide(tmp_path, [], answered(option))["outcome"]
    assert code[0] == ("went on with" if skipped == "[]" else "DownstreamTasksSkipped")
    assert skipped == "[]" or skipped in code[1]


def test_no_answer_takes_nothing_and_fails_for_good(tmp_path):
    kind, line = decide(tmp_path, [], {"error": "timeout", "error_type": "timeout"})["outcome"]
    assert kind == "AirflowFailException"
    assert line == "E_UNANSWERED take_or_wait: nobody answered within 24 hours, nothing was taken | next: clear this task to be asked again"
