"""What a conform of files touched: spans of machine time, old and new, merged per machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from pyspark.sql import DataFrame

from lakehouse.plant import PlantModel

JOIN_GAP = timedelta(hours=24)
DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Span:
    """Time of one machine, `[from_at, to_at]` in UTC, and why it is touched."""

    site_id: str
    machine_id: str
    cause: str
    from_at: datetime
    to_at: datetime


def merged(spans: Iterable[Span], gap: timedelta = JOIN_GAP) -> list[dict[str, Any]]:
    """Return extents as `ops.file_commit.touched` wants them; spans of a machine closer than `gap` become one."""
    extents: list[dict[str, Any]] = []
    for (site_id, machine_id, cause), group in groupby(sorted(set(spans)), key=lambda span: (span.site_id, span.machine_id, span.cause)):
        joined: list[list[datetime]] = []
        for span in group:
            if joined and span.from_at <= joined[-1][1] + gap:
                joined[-1][1] = max(joined[-1][1], span.to_at)
            else:
                joined.append([span.from_at, span.to_at])
        extents += [{"site_id": site_id, "machine_id": machine_id, "from_at": a, "to_at": b, "cause": cause} for a, b in joined]
    return extents


def shift_span(plant: PlantModel, site_id: str, posting_date: date, shift_id: str | None) -> tuple[datetime, datetime]:
    """Return start and end (UTC) of a shift; of the whole production date when the shift is not named or has no window then."""
    midnight = datetime.combine(posting_date, time(), ZoneInfo(plant.site(site_id).zone)).astimezone(UTC)
    near = plant.windows(site_id, midnight - DAY, midnight + 2 * DAY)
    of_date = [window for window in near if window.shift_date == posting_date]
    chosen = [window for window in of_date if window.shift_id == shift_id] or of_date
    if not chosen:
        return midnight, midnight + DAY
    return min(window.start_at for window in chosen), max(window.end_at for window in chosen)


def confirmation_spans(plant: PlantModel, confirmations: DataFrame, cause: str) -> list[Span]:
    """Return the shifts that confirmations (rows of silver.confirmation) count in: where they were posted, and where their pieces were made."""
    posted = confirmations.select("site_id", "machine_id", "posting_date", "shift_id")
    made = confirmations.where("produced_date IS NOT NULL").select("site_id", "machine_id", "produced_date", "produced_shift_id")
    shifts = posted.union(made).distinct().collect()
    found = {(row["site_id"], row["posting_date"], row["shift_id"]) for row in shifts}
    windows = {key: shift_span(plant, *key) for key in found}
    return [Span(row["site_id"], row["machine_id"], cause, *windows[row["site_id"], row["posting_date"], row["shift_id"]]) for row in shifts]
