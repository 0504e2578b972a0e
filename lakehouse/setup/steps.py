"""Lanes of steps, run side by side: each step looks first whether it is done, by content, and does only what is missing.

A lane is a list of steps that follow one another (they share a tool's cache, or one needs the other's result); lanes run
at the same time. A failed step ends its own lane; the other lanes go on, so that a second run has less to do.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from lakehouse.errors import LakehouseError, SetupStepError
from lakehouse.setup.listeners import listeners

STILL_AT_IT_S = 30.0
_running: set[int] = set()
_stop = threading.Event()


@dataclass(frozen=True)
class Step:
    """One step of the set-up.

    Attributes:
        name: short name, also of its log.
        what: what it does, for the progress line.
        usually: how long it takes cold on two cores, for the progress line.
        missing: looks at what is there and says in words what is missing; empty when nothing is.
        make: makes what is missing, under another name first; must be safe to interrupt and to repeat.
        needed: False where all works without its result, only slower: then its failure is told and is not the set-up's.
    """

    name: str
    what: str
    usually: str
    missing: Callable[[], str]
    make: Callable[[], None]
    needed: bool = True


@dataclass(frozen=True)
class Outcome:
    """How a step ended: `there`, `made`, `failed`, `left out` (failed, and not needed) or `not tried`; seconds that it took; the error."""

    name: str
    state: str
    seconds: float
    error: LakehouseError | None = None

    @property
    def failure(self) -> LakehouseError | None:
        """The error that is the set-up's own, too."""
        return self.error if self.state == "failed" else None


@dataclass
class Progress:
    """Prints lines as steps begin, go on and end; quiet when `json` is asked for."""

    quiet: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, line: str) -> None:
        """Print one line at once."""
        if not self.quiet:
            with self._lock:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()


def run_lanes(lanes: Sequence[Sequence[Step]], progress: Progress) -> list[Outcome]:
    """Run lanes side by side and return every step's outcome, in the order of the lanes."""
    pool = ThreadPoolExecutor(max_workers=max(1, len(lanes)))
    try:
        futures = [pool.submit(_run_lane, lane, progress) for lane in lanes]
        return [outcome for future in futures for outcome in future.result()]
    except KeyboardInterrupt:
        end_running_commands()
        raise
    finally:
        pool.shutdown()


def _run_lane(lane: Sequence[Step], progress: Progress) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for step in lane:
        if _stop.is_set() or (outcomes and outcomes[-1].state in ("failed", "not tried")):
            outcomes.append(Outcome(step.name, "not tried", 0.0))
        else:
            outcomes.append(run_step(step, progress))
    return outcomes


def run_step(step: Step, progress: Progress) -> Outcome:
    """Look, make what is missing, look again.

    A step that still finds something missing after it was made has failed, whatever its commands answered.
    """
    began = time.monotonic()
    try:
        missing = step.missing()
        if not missing:
            progress.say(f"  ✓ {step.name:<16} already there")
            return Outcome(step.name, "there", time.monotonic() - began)
        progress.say(f"  … {step.name:<16} {step.what} (usually {step.usually}); {missing}")
        with _Ticker(step, progress):
            step.make()
        missing = step.missing()
        if missing:
            raise SetupStepError(step.name, f"it ran, and still: {missing}", "make setup")
    except LakehouseError as error:
        return _failed(step, error, time.monotonic() - began, progress)
    except OSError as error:
        told = SetupStepError(step.name, f"{error.strerror}: {error.filename}", "bin/lakehouse doctor")
        return _failed(step, told, time.monotonic() - began, progress)
    seconds = time.monotonic() - began
    progress.say(f"  ✓ {step.name:<16} made in {seconds:.0f} s")
    return Outcome(step.name, "made", seconds)


def _failed(step: Step, error: LakehouseError, seconds: float, progress: Progress) -> Outcome:
    progress.say(f"  {'✗' if step.needed else '!'} {step.name:<16} {error.line()}")
    if not step.needed:
        progress.say(f"    {step.name:<16} all works without it, only slower; the next set-up tries again")
    return Outcome(step.name, "failed" if step.needed else "left out", seconds, error)


class _Ticker:
    """Says now and then that a long step is still at work."""

    def __init__(self, step: Step, progress: Progress) -> None:
        self._step, self._progress, self._over, self._began = step, progress, threading.Event(), time.monotonic()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def _tick(self) -> None:
        while not self._over.wait(STILL_AT_IT_S):
            seconds = time.monotonic() - self._began
            self._progress.say(f"    {self._step.name:<16} still at it, {seconds:.0f} s (usually {self._step.usually})")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def run_command(step: str, command: Sequence[str | Path], log: Path, variables: Mapping[str, str], folder: Path | None = None) -> None:
    """Run a command with its answer in a log; its children end with it.

    Args:
        step: the step's name, for the error.
        command: program and arguments; no shell.
        log: file that takes both outputs; written anew.
        variables: added to the environment.
        folder: working folder.

    Raises:
        SetupStepError: the command is absent or ended with a failure; the cause is its last telling line.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, cwd=folder, env={**os.environ, **variables}, process_group=0
            )
        except FileNotFoundError as error:
            raise SetupStepError(step, f"{command[0]} is not to be found", "bin/lakehouse doctor") from error
        _running.add(process.pid)
        if _stop.is_set():
            end_running_commands()
        try:
            status = process.wait()
        finally:
            _running.discard(process.pid)
    if status != 0:
        raise SetupStepError(step, f"{Path(command[0]).name} ended with {status}: {telling_line(log)} (log: {log})", f"tail -50 {log}; make setup")


def end_running_commands() -> None:
    """End all commands under way with their children, and let no lane begin another step."""
    _stop.set()
    for group in list(_running):
        try:
            os.killpg(group, signal.SIGTERM)
        except ProcessLookupError:
            continue


def refuse_in_use(step: str, folder: Path) -> None:
    """Make sure that no running service would lose its files when a folder is replaced.

    Raises:
        SetupStepError: a listening process runs from the folder.
    """
    busy = [listener for listener in listeners(folder) if listener.ours]
    if busy:
        raise SetupStepError(step, f"pid {busy[0].pid} runs from {folder}, which must be replaced", "bin/lakehouse down && make setup")


def telling_line(log: Path) -> str:
    """Return the first line of a log that speaks of an error, else its last line; at most 300 characters."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"\berror\b|×|unable|fatal|^E_[A-Z]", line, re.IGNORECASE) and " WARN " not in line]
    return (telling[:1] or lines[-1:] or ["it said nothing"])[0][:300]


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the closing table: step, how it ended, seconds."""
    signs = {"there": "✓ already there", "made": "✓ made", "failed": "✗ failed", "left out": "! left out", "not tried": "- not tried"}
    return "\n".join(f"  {outcome.name:<18}{signs[outcome.state]:<18}{outcome.seconds:7.1f} s" for outcome in outcomes)
