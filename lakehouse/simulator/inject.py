"""A breakdown put in by hand. The live plant is asked by a file in the stack's folder; without it the stop is told from here."""

from __future__ import annotations

import fcntl
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lakehouse.errors import ServiceError
from lakehouse.settings import Settings
from lakehouse.simulator.instants import SECOND
from lakehouse.simulator.interruptions import Told
from lakehouse.simulator.live import Live
from lakehouse.simulator.messages import INTERRUPTION, Message
from lakehouse.simulator.process import Injection
from lakehouse.simulator.send import Sender
from lakehouse.simulator.spec import Site
from lakehouse.simulator.state import load, save
from lakehouse.simulator.timeline import Stop

ANSWERED_WITHIN_S = 20.0
LOCK = "live.lock"
_ASKED, _ANSWERED = ".ask.json", ".done.json"


@contextmanager
def live_lock(folder: Path) -> Iterator[bool]:
    """Hold the lock of the one live plant of a stack for the block; yields False when another process holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def stop_id(site: Site, machine_id: str, start: int) -> str:
    """Return the interruption's name, the same that the plant gives it."""
    return f"I-{site.site_id}-{machine_id}-{start}"


def inject_breakdown(settings: Settings, site: Site, machine_id: str, length: int, reason_code: str, *, say: Callable[[str], None]) -> Stop:
    """Break a machine down for `length` microseconds, beginning now, and return the stop.

    Raises:
        ServiceError: the live plant runs but does not answer.
        KafkaUnreachableError: the broker does not take the messages.
    """
    folder = settings.run / "sim"
    with live_lock(folder) as alone:
        if alone:
            say("simulate live is not running: this command tells the stop itself, and its end when it is over (Ctrl-C ends it now)")
            stop = _tell_alone(settings, site, machine_id, length, reason_code)
            _remember(folder / "state.json", machine_id, stop)
            return stop
    return _ask_live(folder / "inject", machine_id, length, reason_code)


def _ask_live(folder: Path, machine_id: str, length: int, reason_code: str) -> Stop:
    folder.mkdir(parents=True, exist_ok=True)
    name = uuid.uuid4().hex
    asked, answered = folder / f"{name}{_ASKED}", folder / f"{name}{_ANSWERED}"
    _write(asked, {"machine_id": machine_id, "length": length, "reason_code": reason_code})
    deadline, never = time.monotonic() + ANSWERED_WITHIN_S, threading.Event()
    while not answered.exists():
        if time.monotonic() > deadline:
            asked.unlink(missing_ok=True)
            raise ServiceError("simulate live", f"did not answer within {ANSWERED_WITHIN_S:.0f} s", "bin/lakehouse status")
        never.wait(0.1)
    stop = Stop(**json.loads(answered.read_text(encoding="utf-8")))
    answered.unlink()
    return stop


def answer(folder: Path, live: Live) -> int:
    """Let the live plant do what was asked; return how many requests there were."""
    number = 0
    for asked in sorted(folder.glob(f"*{_ASKED}")):
        wish = json.loads(asked.read_text(encoding="utf-8"))
        done = live.inject(wish["machine_id"], wish["length"], wish["reason_code"])
        stop = Stop(stop_id(live.site, done.machine_id, done.start), "injected", done.reason_code, done.start, done.end)
        asked.unlink()
        _write(asked.with_name(asked.name.removesuffix(_ASKED) + _ANSWERED), vars(stop))
        number += 1
    return number


def _write(path: Path, content: dict[str, object]) -> None:
    new = path.with_name(f".{path.name}.new")
    new.write_text(json.dumps(content), encoding="utf-8")
    new.replace(path)


def _tell_alone(settings: Settings, site: Site, machine_id: str, length: int, reason_code: str) -> Stop:
    start = time.time_ns() // 1000
    stop = Stop(stop_id(site, machine_id, start), "injected", reason_code, start, start + length)
    told = Told(stop.stop_id, machine_id, 1, reason_code, start, None, "OP-00")
    with Sender(settings) as sender:
        _send(sender, site, told, start)
        try:
            threading.Event().wait(length / SECOND)
        except KeyboardInterrupt:
            stop.end = time.time_ns() // 1000
        _send(sender, site, Told(stop.stop_id, machine_id, 2, reason_code, start, stop.end, "OP-00"), stop.end)
    return stop


def _remember(state_file: Path, machine_id: str, stop: Stop) -> None:
    """Let the plant stand at that time when it goes on, so that its books say so too."""
    if state_file.is_file():
        state = load(state_file)
        state.injections.append(Injection(machine_id, stop.start, stop.end, stop.reason_code))
        save(state, state_file)


def _send(sender: Sender, site: Site, told: Told, at: int) -> None:
    sender.send([Message(at, INTERRUPTION, told.machine_id.encode(), told.value(site, at), at)])
    sender.flush()
