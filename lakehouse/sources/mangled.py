"""A first data row that an earlier tool took for a header: it made the names distinct, and this takes that back exactly.

An empty name at position n (from 0) became `Unnamed: n`; the k-th repetition of a name x became `x.k`. Whether a row was treated so is
proved by doing it again: the restored row must become the row that was found.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_REPEATED = re.compile(r"(.*)\.([1-9][0-9]*)", re.DOTALL)


def restored(fields: Sequence[str]) -> list[str] | None:
    """Return the row as it was; None when it has not been treated, so that nothing is guessed."""
    seen: Counter[str] = Counter()
    found: list[str] = []
    for position, name in enumerate(fields):
        repeated = _REPEATED.fullmatch(name)
        if name == f"Unnamed: {position}":
            found.append("")
            continue
        original = repeated[1] if repeated and seen[repeated[1]] == int(repeated[2]) else name
        seen[original] += 1
        found.append(original)
    return found if treated(found) == list(fields) else None


def treated(fields: Sequence[str]) -> list[str]:
    """Return a row as the tool writes it."""
    seen: Counter[str] = Counter()
    found: list[str] = []
    for position, name in enumerate(fields):
        if not name:
            found.append(f"Unnamed: {position}")
            continue
        found.append(f"{name}.{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found
