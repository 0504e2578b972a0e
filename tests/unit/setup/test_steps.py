"""Steps are skipped by content, tell why they failed, go on after an interruption, and leave no child behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lakehouse.errors import SetupStepError
from lakehouse.setup import steps
from lakehouse.setup.places import HOME
from lakehouse.setup.steps import Progress, Step, run_command, run_lanes, run_step

QUIET = Progress(quiet=True)


def file_step(name: str, path: Path, make: object = None) -> Step:
    """A step that is done when its file is there."""
    return Step(name, "write a file", "1 s", lambda: "" if path.is_file() else "no file", make or path.touch)  # type: ignore[arg-type]


def failing() -> None:
    raise SetupStepError("b", "it would not", "make setup")


def test_done_by_content_means_not_done_again(tmp_path: Path):
    step = file_step("a", tmp_path / "a")
    assert [run_step(step, QUIET).state, run_step(step, QUIET).state] == ["made", "there"]
    (tmp_path / "a").unlink()
    assert run_step(step, QUIET).state == "made"


def test_a_step_that_ran_without_effect_has_failed(tmp_path: Path):
    outcome = run_step(file_step("a", tmp_path / "a", lambda: None), QUIET)
    assert outcome.state == "failed" and outcome.error and "it ran, and still: no file" in outcome.error.line()


def test_a_failure_ends_its_lane_only_and_the_next_run_does_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    one, two = tmp_path / "one", tmp_path / "two"
    lanes = [[file_step("a", one), file_step("b", tmp_path / "b", failing), file_step("c", tmp_path / "c")], [file_step("d", two)]]
    outcomes = run_lanes(lanes, Progress())
    assert [(outcome.name, outcome.state) for outcome in outcomes] == [("a", "made"), ("b", "failed"), ("c", "not tried"), ("d", "made")]
    assert "E_SETUP b: it would not | next: make setup" in capsys.readouterr().out
    lanes[0][1] = file_step("b", tmp_path / "b")
    assert [outcome.state for outcome in run_lanes(lanes, QUIET)] == ["there", "made", "made", "there"]


def test_what_only_time_rests_on_is_left_out_and_told_and_the_lane_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    slower = Step("b", "make it faster", "1 s", lambda: "not there", failing, needed=False)
    outcomes = run_lanes([[slower, file_step("c", tmp_path / "c")]], Progress())
    assert [(outcome.state, outcome.failure) for outcome in outcomes] == [("left out", None), ("made", None)]
    said = capsys.readouterr().out
    assert "! b                E_SETUP b: it would not | next: make setup" in said and "all works without it" in said
    assert "! left out" in steps.table(outcomes)


def test_after_an_interruption_no_lane_begins_another_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(steps, "_stop", threading.Event())
    one = file_step("a", tmp_path / "a", lambda: ((tmp_path / "a").touch(), steps.end_running_commands()))
    assert [outcome.state for outcome in run_lanes([[one, file_step("b", tmp_path / "b")]], QUIET)] == ["made", "not tried"]


def test_a_full_disk_is_an_outcome_not_a_trace(tmp_path: Path):
    def full() -> None:
        raise OSError(28, "No space left on device", "somewhere")

    outcome = run_step(file_step("a", tmp_path / "a", full), QUIET)
    assert outcome.error and outcome.error.line().startswith("E_SETUP a: No space left on device: somewhere")


def test_the_first_telling_line_of_a_failed_command(tmp_path: Path):
    log = tmp_path / "logs" / "a.log"
    script = "echo fetching; echo '[ERROR] no such version: 9.9'; echo '[ERROR] read the help'; exit 4"
    with pytest.raises(SetupStepError, match=r"sh ended with 4: \[ERROR\] no such version: 9\.9 \(log: .*a\.log\)"):
        run_command("a", ["sh", "-c", script], log, {})
    with pytest.raises(SetupStepError, match="no-such-program is not to be found"):
        run_command("a", ["no-such-program"], log, {})


def test_long_steps_say_that_they_are_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(steps, "STILL_AT_IT_S", 0.02)
    path = tmp_path / "a"
    run_step(file_step("a", path, lambda: run_command("a", ["sh", "-c", f"sleep 0.2; touch {path}"], tmp_path / "log", {})), Progress())
    assert "still at it" in capsys.readouterr().out


INTERRUPTED = """
import signal, sys
from pathlib import Path
from lakehouse.setup import steps
from lakehouse.setup.__main__ import _interrupted
folder = Path(sys.argv[1])
place = folder / "place"
def make():
    steps.run_command("slow", ["sh", "-c", f"echo $$ > {folder}/pid; sleep {sys.argv[2]}; touch {folder}/half"], folder / "log", {})
    (folder / "half").rename(place)
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, _interrupted)
slow = steps.Step("slow", "a slow thing", "long", lambda: "" if place.exists() else "absent", make)
after = steps.Step("after", "another", "no time", lambda: "" if (folder / "after").exists() else "absent", (folder / "after").touch)
try:
    print([outcome.state for outcome in steps.run_lanes([[slow, after]], steps.Progress(quiet=True))])
except KeyboardInterrupt:
    sys.exit(130)
"""


def until(predicate: object, seconds: float = 20.0) -> None:
    """Wait for a predicate, at most so long."""
    end = time.monotonic() + seconds
    while not predicate():  # type: ignore[operator]
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.is_file() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_step_resumes(tmp_path: Path, number: signal.Signals):
    variables = {**os.environ, "PYTHONPATH": str(HOME)}
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path)]
    process = subprocess.Popen([*command, "300"], env=variables)
    until(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text().strip())
    child = int((tmp_path / "pid").read_text())
    process.send_signal(number)
    assert process.wait(20) == (-9 if number == signal.SIGKILL else 130)
    if number == signal.SIGKILL:
        os.killpg(child, signal.SIGKILL)
    until(lambda: not alive(child))
    assert not (tmp_path / "place").exists() and not (tmp_path / "after").exists()
    again = subprocess.run([*command, "0"], env=variables, check=True, capture_output=True, text=True)
    assert again.stdout.strip() == "['made', 'made']"
