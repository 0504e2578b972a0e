"""Java's archives of loaded classes: a start of Trino and Nessie costs 22 CPU-seconds with them, 38 without.

The JVM makes a missing or outdated archive by itself when it ends, in its stack's folder (`-XX:+AutoCreateSharedArchive`). Two stacks
must not write one file, yet a new stack should not begin without: so each finished archive is linked to `.lake/prepared` and from there
into the next stack. The JVM checks an archive against its jars and its own version, and does without when they differ.
"""

from __future__ import annotations

import os
from pathlib import Path

from lakehouse.settings import Settings

SERVICES = ("nessie", "trino")


def seed_archives(settings: Settings) -> None:
    """Give a stack that has no archive of a service the machine's newest; call before a start."""
    for own, prepared in _pairs(settings):
        if prepared.is_file() and not own.exists():
            _link(prepared, own)


def keep_archives(settings: Settings) -> None:
    """Keep a stack's archives for the next new stack; call when its JVMs have ended."""
    for own, prepared in _pairs(settings):
        if own.is_file() and not (prepared.exists() and own.samefile(prepared)):
            _link(own, prepared)


def _pairs(settings: Settings) -> list[tuple[Path, Path]]:
    data, prepared = settings.run / "data", settings.lake_home / "prepared"
    return [(data / name / f"{name}.jsa", prepared / f"{name}.jsa") for name in SERVICES]


def _link(source: Path, target: Path) -> None:
    """Let target be the same file as source, in one step. The JVM removes before it writes, so a link is as good as a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}")
    part.hardlink_to(source)
    part.replace(target)
