"""The live application's rounds: what becomes of them when a publication is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from lakehouse.errors import AuditFailedError, LeaseHeldError
from lakehouse.flow import live
from lakehouse.settings import Settings


class Rounds(threading.Event):
    """Ends after so many rounds, without waiting."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.left = count
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        self.left -= 1
        return self.left < 0


def run(monkeypatch: pytest.MonkeyPatch, publish: Callable[..., None], rounds: Rounds) -> None:
    """Run the live application's loop over a stream that always goes on."""
    monkeypatch.setattr(live, "publish", publish)
    monkeypatch.setattr(live, "_trim", lambda spark, nessie: None)
    query, watch = SimpleNamespace(stop=lambda: None), SimpleNamespace(current=lambda: None)
    never = {"finish": lambda query, timeout_s: False, "is_catching_up": lambda longer_than_s: False}
    stream = SimpleNamespace(start=lambda drain: query, watch=watch, **never)
    live.run_live(SimpleNamespace(newSession=lambda: None), Settings(live_publish_every_s=30), stream, rounds)  # type: ignore[arg-type]


def tries(monkeypatch: pytest.MonkeyPatch, error: Exception, rounds: int) -> int:
    """Return how often a publication that fails is tried within so many rounds."""
    tried = []

    def publish(*_: object, **__: object) -> None:
        tried.append(1)
        raise error

    run(monkeypatch, publish, Rounds(rounds))
    return len(tried)


@pytest.mark.parametrize(("takes_s", "pause_s"), [(12, 18), (25, 10), (90, 10)])
def test_rounds_are_counted_from_their_beginnings_and_leave_the_stream_a_pause(monkeypatch, takes_s, pause_s):
    clock = iter([100.0, 100.0 + takes_s])
    monkeypatch.setattr(live, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    rounds = Rounds(1)
    run(monkeypatch, lambda *_, **__: None, rounds)
    assert rounds.waits == [30, pause_s]


def test_a_failed_audit_ends_no_landing_and_is_tried_again_later(monkeypatch):
    refused = AuditFailedError("publication 7", "audit elements_add_up found 1 violations", "bin/lakehouse status")
    assert tries(monkeypatch, refused, live.ROUNDS_AFTER_REFUSAL + 1) == 1
    assert tries(monkeypatch, refused, live.ROUNDS_AFTER_REFUSAL + 2) == 2


def test_a_lease_that_is_held_skips_that_round_only(monkeypatch):
    assert tries(monkeypatch, LeaseHeldError("gold", "held", "wait"), 5) == 5


def test_what_is_no_refusal_ends_the_application(monkeypatch):
    with pytest.raises(ZeroDivisionError):
        tries(monkeypatch, ZeroDivisionError(), 5)
