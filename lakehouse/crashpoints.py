"""Named points at which a test may kill or stop this process, so that faults are events and not lucky timing.

Nothing happens unless `LAKEHOUSE_CRASHPOINT` names a point: `before_merge:3:kill` kills this process with -9 at the third
passage of `before_merge`; `:stop` freezes it (SIGSTOP) instead.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

from lakehouse.settings import crash_plan

_passages: Counter[str] = Counter()
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def crashpoint(name: str) -> None:
    """Pass a named point; kill or freeze this process when the plan says so."""
    plan = crash_plan()
    if not plan:
        return
    point, hit, action = plan.split(":")
    if point == name:
        _passages[name] += 1
        if _passages[name] == int(hit):
            os.kill(os.getpid(), _SIGNALS[action])
