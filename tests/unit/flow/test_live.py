"""The live application's rounds: what becomes of them when a publication is refused."""

from __future__ import annotations

import threading
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

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= 1
        return self.left < 0


def tries(monkeypatch: pytest.MonkeyPatch, error: Exception, rounds: int) -> int:
    """Return how often a publication that fails is tried within so many rounds."""
    tried = []

    def publish(*_: object, **__: object) -> None:
        tried.append(1)
        raise error

    monkeypatch.setattr(live, "publish", publish)
    query, watch = SimpleNamespace(stop=lambda: None), SimpleNamespace(current=lambda: None)
    never = {"finish": lambda query, timeout_s: False, "is_catching_up": lambda longer_than_s: False}
    stream = SimpleNamespace(start=lambda drain: query, watch=watch, **never)
    live.run_live(SimpleNamespace(newSession=lambda: None), Settings(), stream, Rounds(rounds))  # type: ignore[arg-type]
    return len(tried)


def test_a_failed_audit_ends_no_landing_and_is_tried_again_later(monkeypatch):
    refused = AuditFailedError("publication 7", "audit elements_add_up found 1 violations", "bin/lakehouse status")
    assert tries(monkeypatch, refused, live.ROUNDS_AFTER_REFUSAL + 1) == 1
    assert tries(monkeypatch, refused, live.ROUNDS_AFTER_REFUSAL + 2) == 2


def test_a_lease_that_is_held_skips_that_round_only(monkeypatch):
    assert tries(monkeypatch, LeaseHeldError("gold", "held", "wait"), 5) == 5


def test_what_is_no_refusal_ends_the_application(monkeypatch):
    with pytest.raises(ZeroDivisionError):
        tries(monkeypatch, ZeroDivisionError(), 5)
