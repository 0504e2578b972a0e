"""Is each source as fresh as its tables promise? Asked of what gold last published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from lakehouse.errors import SourceLateError
from lakehouse.services.sql import run_sql
from lakehouse.settings import Settings

Verdict = Literal["in time", "late", "silent", "no row", "no promise", "events"]
HEALTH_SQL = """
SELECT site_id, silver_table, newest_event_at, newest_landed_at, allowed_s, is_event FROM kpi.plant.data_health ORDER BY site_id, silver_table
"""
SILENT_AFTER_H = 24
"""Unless told otherwise, hours after its newest event from which a source is silent and no longer late; the dashboard says so too."""


@dataclass(frozen=True)
class SourceAge:
    """One silver table at one site: how old its newest row is, and whether that is what was promised.

    Attributes:
        age_s: seconds since its newest row was landed, None when it has none.
        allowed_s: age in seconds beyond which it is late: the table's promise and gold's own; None when the table promises nothing.
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
    """Return the age and verdict of one row of `data_health`.

    The same rule is the dashboards' column `freshness`.

    Args:
        row: at least its site_id, silver_table, newest_event_at, newest_landed_at, allowed_s and is_event.
        now: the instant of asking.
        silent_after: age of the newest event from which the source counts as silent.
    """
    landed = row["newest_landed_at"]
    age_s = None if landed is None else (now - landed).total_seconds()
    return SourceAge(row["site_id"], row["silver_table"], age_s, row["allowed_s"], _verdict(row, age_s, now - silent_after))


def _verdict(row: Mapping[str, Any], age_s: float | None, speaks_since: datetime) -> Verdict:
    if age_s is None:
        return "no row"
    if row["allowed_s"] is None:
        return "no promise"
    if age_s <= row["allowed_s"]:
        return "in time"
    if row["newest_event_at"] is None or row["newest_event_at"] < speaks_since:
        return "silent"
    return "events" if row["is_event"] else "late"


def require_in_time(ages: Sequence[SourceAge]) -> None:
    """Refuse when a source is later than promised.

    Raises:
        SourceLateError: with all of them by name.
    """
    late = [each for each in ages if each.verdict == "late"]
    if late:
        said = "; ".join(f"{each.site_id}/{each.silver_table} is {each.age_s:.0f} s old, {each.allowed_s} s are promised" for each in late)
        raise SourceLateError(f"{len(late)} of {len(ages)} sources", said, "bin/lakehouse health")
