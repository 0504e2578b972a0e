"""Stretches of machine time that a publication replaces, as conditions over gold's rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from pyspark.sql import SparkSession

from lakehouse.flow.summarise import MachineShift
from lakehouse.flow.touched import Extent

WINDOW = timedelta(minutes=10)
FEW_SPANS = 40
"""Up to so many stretches are written out in the condition; more are joined: Spark cannot compile an expression of hundreds."""

VIEW = "touched_spans"
"""One name for all of them: a condition is used before the next one is made."""

Span = tuple[str, str, datetime, datetime]


def window_spans(extents: Iterable[Extent]) -> list[Span]:
    """Return the ten-minute-aligned spans of changed temperature windows; the two after a change share its 30-minute maximum."""
    spans = []
    for each in extents:
        start = each.from_at - (each.from_at - datetime(1970, 1, 1, tzinfo=UTC)) % WINDOW
        end = each.to_at - (each.to_at - datetime(1970, 1, 1, tzinfo=UTC)) % WINDOW + WINDOW * 3
        spans.append((each.site_id, each.machine_id, start, end))
    return joined_spans(spans)


def joined_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the spans of each machine with overlapping and abutting ones made one, in order."""
    joined: list[Span] = []
    for (site, machine), group in groupby(sorted(spans), key=lambda span: span[:2]):
        current: list[Span] = []
        for _, _, start, end in group:
            if current and start <= current[-1][3]:
                current[-1] = (site, machine, current[-1][2], max(current[-1][3], end))
            else:
                current.append((site, machine, start, end))
        joined += current
    return joined


def _literal(at: datetime) -> str:
    return f"timestamp'{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"


def spans_condition(spans: Sequence[Span], column: str) -> str:
    """Return the SQL condition that a row of a machine starts within one of the spans."""
    each = (
        f"(site_id = '{site}' AND machine_id = '{machine}' AND {column} >= {_literal(start)} AND {column} < {_literal(end)})"
        for site, machine, start, end in spans
    )
    sites = ", ".join(sorted({f"'{span[0]}'" for span in spans}))
    return f"site_id IN ({sites}) AND ({' OR '.join(each)})"


def shift_spans(shifts: Iterable[MachineShift]) -> list[Span]:
    """Return the stretches of machine-shifts; windows tile time, so neighbours join up."""
    return joined_spans((s.site_id, s.machine_id, s.window.start_at, s.window.end_at) for s in shifts)


def machine_days(shifts: Iterable[MachineShift]) -> int:
    """Return of how many machine-days silver is read for machine-shifts: at each site all of their machines, from the first date to the last."""
    read = 0
    for _, group in groupby(sorted(shifts, key=lambda each: each.site_id), key=lambda each: each.site_id):
        rows = list(group)
        dates = [each.window.shift_date for each in rows]
        read += len({each.machine_id for each in rows}) * ((max(dates) - min(dates)).days + 1)
    return read


def parts(shifts: Iterable[MachineShift], at_most: int) -> Iterator[list[MachineShift]]:
    """Cut machine-shifts into parts that can be rebuilt one after another: month by month, as gold's files lie, and no more at once than that.

    Args:
        shifts: in any order.
        at_most: machine-shifts of a part; several whole months make up one while they are not more.
    """
    part: list[MachineShift] = []
    by_month = sorted(shifts, key=lambda each: (each.window.shift_date.replace(day=1), each.site_id, each.machine_id, each.window.start_at))
    for _, month in groupby(by_month, key=lambda each: each.window.shift_date.replace(day=1)):
        rows = list(month)
        if part and len(part) + len(rows) > at_most:
            yield part
            part = []
        part += rows
        while len(part) > at_most:
            yield part[:at_most]
            part = part[at_most:]
    if part:
        yield part


def touching(spark: SparkSession, spans: Sequence[Span], column: str) -> str:
    """Return the SQL condition, over a table named `t`, that a row of a machine starts within one of the spans.

    Args:
        spark: holds the spans as a view when there are many.
        spans: as `joined_spans` returns them.
        column: the row's start.
    """
    if len(spans) <= FEW_SPANS:
        return spans_condition(spans, column)
    rows = spark.createDataFrame(list(spans), "site_id string, machine_id string, from_at timestamp, to_at timestamp")
    rows.createOrReplaceTempView(VIEW)
    sites, machines = (", ".join(sorted({f"'{span[part]}'" for span in spans})) for part in (0, 1))
    first, last = min(span[2] for span in spans), max(span[3] for span in spans)
    near = f"t.site_id IN ({sites}) AND t.machine_id IN ({machines}) AND t.{column} >= {_literal(first)} AND t.{column} < {_literal(last)}"
    same = f"s.site_id = t.site_id AND s.machine_id = t.machine_id AND t.{column} >= s.from_at AND t.{column} < s.to_at"
    return f"{near} AND EXISTS (SELECT 1 FROM {VIEW} s WHERE {same})"  # noqa: S608 - a view of ours, spans of the plant model
