"""`lakehouse landed`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from lakehouse.cli.console import out, print_json
from lakehouse.services.landing_state import LandedObject, landed
from lakehouse.settings import Settings

STATUSES = ("landed", "duplicate", "rejected")


def command(
    run_id: Annotated[str, typer.Argument(help="Workflow run.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print each object as JSON.")] = False,
) -> None:
    """Say what a workflow run has landed, and what was refused; the counts come last.

    Example: lakehouse landed scheduled__2026-11-20T05:00:00+00:00
    """
    found = landed(Settings(), run_id)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    out.print("\n".join(lines(found)), markup=False, soft_wrap=True)


def lines(found: Sequence[LandedObject]) -> list[str]:
    """Return one line for each source and, last, the counts of all; `nothing new` when there was no object."""
    if not found:
        return ["nothing new"]
    sources = sorted({each.source for each in found})
    by_source = [f"{source}: {_counts([each for each in found if each.source == source])}" for source in sources]
    return [*by_source, _counts(found)]


def _counts(found: Sequence[LandedObject]) -> str:
    tally = Counter(each.status for each in found)
    shown = ", ".join(f"{status} {tally[status]}" for status in STATUSES)
    return f"{shown}; rows {sum(each.rows for each in found)}, quarantined {sum(each.quarantined for each in found)}"
