"""The command `python3 -m lakehouse.setup`."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import FrameType
from typing import IO

from lakehouse.errors import LakehouseError, RequirementError
from lakehouse.setup import catalogue, class_archive, debian, dist, doctor, environments, jars, steps, tools
from lakehouse.setup.places import Places
from lakehouse.setup.steps import Outcome, Progress, Step


def _lock(places: Places) -> AbstractContextManager[IO[str]]:
    """Hold the checkout's set-up; a second one at the same time is refused, not queued.

    Raises:
        RequirementError: another set-up is under way.
    """
    path = places.lake / "setup" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = path.open("w")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        stream.close()
        raise RequirementError("set-up", "another set-up of this checkout is under way", "wait for it, then make setup") from error
    return stream


def lanes(places: Places, with_tests: bool) -> list[list[Step]]:
    """Return the lanes of the set-up; three heavy ones at most, and one for the tests' packages."""
    java = [*jars.steps(places), dist.step(places)]
    return [environments.lane(places), java, tools.lane(places), *([[debian.step(places)]] if with_tests else [])]


def _doctor(places: Places, as_json: bool) -> int:
    checks = doctor.all_checks(places)
    failure = doctor.failure_of(checks)
    if as_json:
        sys.stdout.write(json.dumps({"ok": failure is None, "checks": [vars(check) for check in checks]}, indent=2) + "\n")
    else:
        sys.stdout.write(f"{doctor.report(checks)}\n\n{failure.line() if failure else 'This machine will do.'}\n")
    return failure.exit_code if failure else 0


def _install(places: Places, as_json: bool, with_tests: bool) -> int:
    progress, began = Progress(quiet=as_json), time.monotonic()
    checks = doctor.machine_checks(places)
    failure = doctor.failure_of(checks)
    if failure:
        progress.say(doctor.report(check for check in checks if not check.ok))
        raise failure
    with _lock(places):
        progress.say(f"Setting up in {places.lake}; safe to interrupt and to repeat.")
        outcomes = steps.run_lanes(lanes(places, with_tests), progress)
        if not any(outcome.failure for outcome in outcomes):
            outcomes += steps.run_lanes([[class_archive.step(places)]], progress)
    if as_json:
        sys.stdout.write(json.dumps([_told(outcome) for outcome in outcomes], indent=2) + "\n")
    progress.say(f"\n{steps.table(outcomes)}\n  {'in all':<36}{time.monotonic() - began:7.1f} s")
    failures = [outcome.failure for outcome in outcomes if outcome.failure]
    if failures:
        raise failures[0]
    return 0


def _told(outcome: Outcome) -> dict[str, object]:
    error = outcome.error.line() if outcome.error else None
    return {"step": outcome.name, "state": outcome.state, "seconds": round(outcome.seconds, 1), "error": error}


def _lock_jars(places: Places) -> int:
    with _lock(places):
        text = jars.write_lock(places)
    (places.home / jars.LOCK).write_text(text)
    sys.stdout.write(f"{jars.LOCK} holds {text.count(chr(10)) - 1 - len(jars.PROFILES)} files\n")
    return 0


def _catalogue(places: Places) -> int:
    (places.home / catalogue.PLACE).write_text(catalogue.page())
    return 0


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="lakehouse.setup", description="Check this machine, and fetch what the lakehouse needs into .lake.")
    what = "doctor checks the machine, install fetches (default), lock-jars writes locks/jars.txt, catalogue writes docs/errors.md"
    parser.add_argument("verb", nargs="?", default="install", choices=("doctor", "install", "lock-jars", "catalogue"), help=what)
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    parser.add_argument("--with-tests", action="store_true", help="also install what only the tests need")
    return parser.parse_args(words)


def _go_on_in_python_311() -> None:
    """Start again in Python 3.11 when this is another one; the doctor alone runs in any."""
    python = doctor.find_python()
    if sys.version_info[:2] != (3, 11):
        os.execv(python, [str(python), "-m", "lakehouse.setup", *sys.argv[1:]])  # noqa: S606  the same command, no shell


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0, the error's own, or 130 after an interruption."""
    asked, places = _arguments(sys.argv[1:] if words is None else words), Places.here()
    # SIGINT too: a background job is started with it ignored
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupted)
    try:
        if asked.verb == "doctor":
            return _doctor(places, asked.json)
        _go_on_in_python_311()
        if asked.verb == "lock-jars":
            return _lock_jars(places)
        if asked.verb == "catalogue":
            return _catalogue(places)
        return _install(places, asked.json, asked.with_tests)
    except LakehouseError as error:
        sys.stderr.write(f"{error.line()}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; what was finished stays. Go on with: make setup\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
