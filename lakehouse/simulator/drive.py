"""Drives the live plant by the real clock: sends, answers injections, keeps books and state, ends on TERM."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from lakehouse.errors import SettingsError
from lakehouse.settings import Settings
from lakehouse.simulator.inject import answer, live_lock
from lakehouse.simulator.instants import instant
from lakehouse.simulator.live import Live
from lakehouse.simulator.send import LandingBucket, Sender
from lakehouse.simulator.spec import Site
from lakehouse.simulator.state import load, save

TICK_S = 0.5
BOOKS_EVERY_S = 30.0


def drive(settings: Settings, site: Site, seed: int, temperature_every: int, *, seconds: float | None, say: Callable[[str], None]) -> int:
    """Run the plant in real time and return the messages sent. TERM and INT end it with books and state complete.

    Args:
        settings: the stack to send to; its folder holds state and books.
        site: what is simulated.
        seed: that of the history.
        temperature_every: microseconds between two temperatures of a sensor.
        seconds: how long, None for until it is told to end.
        say: takes lines for a person.

    Raises:
        SettingsError: there is no history, it has another seed, or another live plant runs.
    """
    folder = settings.run / "sim"
    end = _end_signal()
    with live_lock(folder) as alone:
        if not alone:
            raise SettingsError("simulate live", "another one is running for this stack", "bin/lakehouse status")
        state = load(folder / "state.json")
        if state.seed != seed:
            raise SettingsError(f"seed {seed}", f"the history has seed {state.seed}", f"bin/lakehouse simulate live --seed {state.seed}")
        live = Live(site, state, temperature_every, folder / "books", LandingBucket(settings).put)
        say(f"live from {instant(state.sent_until):%Y-%m-%d %H:%M:%S} UTC on")
        with Sender(settings) as sender:
            return _run(live, sender, folder, end, seconds)


def _end_signal() -> threading.Event:
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    return end


def _run(live: Live, sender: Sender, folder: Path, end: threading.Event, seconds: float | None) -> int:
    deadline = None if seconds is None else time.monotonic() + seconds
    sent, told_at = 0, float("-inf")
    while True:
        asked = answer(folder / "inject", live)
        now = time.time_ns() // 1000
        number = sender.send(live.due(now))
        ending = end.is_set() or (deadline is not None and time.monotonic() >= deadline)
        if ending or time.monotonic() - told_at >= BOOKS_EVERY_S:
            live.tell(live.state.sent_until)
            told_at = time.monotonic()
        if number or asked or ending:
            sender.flush()
            save(live.state, folder / "state.json")
        sent += number
        if ending:
            return sent
        end.wait(TICK_S)
