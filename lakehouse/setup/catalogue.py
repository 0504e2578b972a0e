"""docs/errors.md: every error that a person can meet, from the error classes themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lakehouse.errors import LakehouseError

PLACE = Path("docs/errors.md")
HEAD = """# Errors

Every error is one line: *code, object: cause | next: command*. A command ends with the exit status of its error.
This page is made from `lakehouse/errors.py` by `make docs`.

| code | exit status | what happened | what to do |
|---|---|---|---|
"""


def classes(root: type[LakehouseError] = LakehouseError) -> Iterator[type[LakehouseError]]:
    """Yield every error class that `lakehouse/errors.py` declares, root first."""
    yield root
    for child in root.__subclasses__():
        if child.__module__ == LakehouseError.__module__:
            yield from classes(child)


def row(error: type[LakehouseError]) -> str:
    """Return one class's line of the table."""
    cause = "Something happened that nobody foresaw." if error is LakehouseError else (error.__doc__ or "").strip().splitlines()[0]
    return f"| `{error.code}` | {error.exit_code} | {cause} | {error.remedy} |"


def page() -> str:
    """Return the whole page, by exit status."""
    return HEAD + "\n".join(row(error) for error in sorted(classes(), key=lambda error: error.exit_code)) + "\n"
