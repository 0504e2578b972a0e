"""Is each source as fresh as its tables promise? Asked of what gold last published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from lakehouse.errors import SourceLateError
from lakehouse.services.sql import run_sql
from lakehouse.settings import Settings
from lakehouse.tables import SILVER
from lakehouse.tables.gold import MACHINE_SHIFT

Verdict = Literal["in time", "late", "silent", "no row", "no promise", "events"]
HEALTH_SQL = """
SELECT site_id, silver_table, newest_event_at, newest_landed_at, promised_within_s FROM kpi.plant.data_health ORDER BY site_id, silver_table
"""
EVENTS = frozenset(table.name for table in SILVER if table.write == "merge")
"""Tables of things that happen, each replaced by its later versions; they are not late because nothing has happened."""
SEEN_WITHIN_S = MACHINE_SHIFT.fresh_within_s or 0
"""Gold, which knows the newest row, may itself be as old as it promises."""


@dataclass(frozen=True)
class SourceAge:
    """One silver table at one site: how old its newest row is, and whether that is what was promised.

    Attributes:
        age_s: seconds since its newest row was landed, None when it has none.
        allowed_s: the table's promise and gold's own; None when the table promises nothing.
        verdict: `silent` is a source whose newest event is so old that it counts as switched off, or as history that was loaded;
            `events` is a table that may have no row for a long time because nothing happened.
    """

    site_id: str
    silver_table: str
    age_s: float | None
    allowed_s: int | None
    verdict: Verdict


def source_ages(settings: Settings, now: datetime, silent_after: timedelta) -> list[SourceAge]:
    """Return every table of every site with its age.

    Raises:
        TrinoUnreachableError: Trino does not answer, or nothing was ever published.
    """
    answer = run_sql(settings, HEALTH_SQL)
    return [age_of(dict(zip(answer.columns, row, strict=True)), now, silent_after) for row in answer.rows]


def age_of(row: Mapping[str, Any], now: datetime, silent_after: timedelta) -> SourceAge:
    """Return the age and verdict of one row of `data_health`."""
    landed, promised = row["newest_landed_at"], row["promised_within_s"]
    age_s = None if landed is None else (now - landed).total_seconds()
    allowed_s = None if promised is None else promised + SEEN_WITHIN_S
    return SourceAge(row["site_id"], row["silver_table"], age_s, allowed_s, _verdict(row, age_s, allowed_s, now - silent_after))


def _verdict(row: Mapping[str, Any], age_s: float | None, allowed_s: int | None, speaks_since: datetime) -> Verdict:
    if allowed_s is None:
        return "no promise"
    if age_s is None:
        return "no row"
    if age_s <= allowed_s:
        return "in time"
    if row["newest_event_at"] is None or row["newest_event_at"] < speaks_since:
        return "silent"
    return "events" if row["silver_table"] in EVENTS else "late"


def require_in_time(ages: Sequence[SourceAge]) -> None:
    """Refuse when a source is later than promised.

    Raises:
        SourceLateError: with all of them by name.
    """
    late = [each for each in ages if each.verdict == "late"]
    if late:
        said = "; ".join(f"{each.site_id}/{each.silver_table} is {each.age_s:.0f} s old, {each.allowed_s} s are promised" for each in late)
        raise SourceLateError(f"{len(late)} of {len(ages)} sources", said, "bin/lakehouse health")
