"""A light step is a command of ours: its JSON is the task's result, its error line the task's reason; it ends with its task."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from airflow_env import run_in_airflow

RUN_ONE = """
import json, sys, time
import light_step
step = light_step.LightStep(task_id="t", words=json.loads(sys.argv[1]), within_s=float(sys.argv[2]))
try:
    print("RAISED nothing " + json.dumps(step.execute({})))
except Exception as error:
    print(f"RAISED {type(error).__name__} {error}")
"""
TELL = """
import sys
from types import SimpleNamespace
import policy
policy.NOTIFY_WITHIN_S = float(sys.argv[1])
ti = SimpleNamespace(dag_id="d", task_id="t", run_id="manual__1")
policy.tell_failure({"ti": ti, "exception": ValueError("E_CONTRACT x: broken | next: mend it")})
print("RAISED nothing")
"""


def jobs(folder: Path, body: str) -> dict[str, str]:
    """Return an environment whose jobs interpreter is a shell script."""
    script = folder / "python"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    return {"JOBS_PYTHON": str(script), "JOBS_PATH": "/usr/bin:/bin", "AIRFLOW__CORE__FERNET_KEY": "not-for-jobs"}


def run_step(folder: Path, body: str, words: str = '["pending", "--json", ""]', within_s: float = 60) -> list[str]:
    ran = run_in_airflow(folder, "-c", RUN_ONE, words, str(within_s), env=jobs(folder, body))
    lines = [line for line in ran.stdout.splitlines() if line.strip()]
    assert lines and lines[-1].startswith("RAISED "), ran.stdout + ran.stderr
    return [*lines[:-1], lines[-1].removeprefix("RAISED ")]


def test_the_json_of_a_command_is_the_tasks_result(tmp_path):
    assert run_step(tmp_path, """echo '[{"source": "a", "files": 2, "bytes": 9}]'""")[-1] == 'nothing [{"source": "a", "files": 2, "bytes": 9}]'


def test_the_log_ends_with_what_was_found_or_nothing_new(tmp_path):
    assert '"files": 2' in run_step(tmp_path, """echo noise >&2; echo '[{"source": "a", "files": 2}]'""")[-2]
    assert "nothing new" in run_step(tmp_path, "echo '[]'")[-2]
    assert "landed 3" in run_step(tmp_path, "echo 'a: landed 3'", '["landed", "r"]')[-2]


@pytest.mark.parametrize(("code", "kind"), [("E_PLANT_MODEL", "AirflowFailException"), ("E_TRINO", "AirflowException")])
def test_the_commands_error_line_is_the_tasks_reason(tmp_path, code, kind):
    assert run_step(tmp_path, f"echo '{code} x: why | next: do' >&2; exit 4")[-1] == f"{kind} {code} x: why | next: do"


def test_a_failure_without_a_code_says_its_status(tmp_path):
    assert run_step(tmp_path, "echo Traceback >&2; exit 7")[-1] == "AirflowException lakehouse pending ended with 7; its words are above"


def test_a_command_that_hangs_is_ended_and_named(tmp_path):
    pid = tmp_path / "pid"
    raised = run_step(tmp_path, f"echo $$ > {pid}; exec sleep 60", within_s=0.5)[-1]
    assert raised.startswith("AirflowException E_SERVICE lakehouse pending: no answer within 0.5 s | next: ")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_empty_words_are_left_out_and_airflows_keys_stay_with_airflow(tmp_path):
    said = run_step(tmp_path, 'echo "words: $*"; env', '["landed", "", "r"]')
    assert any("words: -m lakehouse.cli landed r" in line for line in said)
    assert not any("AIRFLOW__" in line or "not-for-jobs" in line for line in said)


def test_a_failure_is_told_with_its_line_where_it_happened(tmp_path):
    seen = tmp_path / "seen"
    ran = run_in_airflow(tmp_path, "-c", TELL, "30", env=jobs(tmp_path, f'printf "%s\\n" "$@" > {seen}'))
    assert "RAISED nothing" in ran.stdout, ran.stderr
    words = seen.read_text().splitlines()
    assert words == [
        *("-m", "lakehouse.cli", "notify", "--dag", "d", "--task", "t", "--run", "manual__1", "--"),
        "E_CONTRACT x: broken | next: mend it",
    ]


def test_telling_never_holds_airflow_up(tmp_path):
    ran = run_in_airflow(tmp_path, "-c", TELL, "0.5", env=jobs(tmp_path, "exec sleep 60"))
    assert "RAISED nothing" in ran.stdout, ran.stderr
    assert "nobody was told within" in ran.stdout + ran.stderr
