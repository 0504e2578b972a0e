"""Cells to types: trimmed text, exact decimals, dates, and instants from a plant's wall clock. NULL is what cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.sources.contracts import COLUMN

QUANTITY = "decimal(18,3)"
SERIAL = r"^[0-9]{1,6}([.][0-9]{1,12})?$"
EXCEL_DAY_ZERO = "1899-12-30"
SERIAL_AFTER_LEAP_BUG = 60
DAY_MS = 86_400_000
TWO_WAYS = r"^[+-]?[0-9]{1,3}([.][0-9]{3})+$"


def text(name: str) -> Column:
    """Return a cell without outer white space, NULL when absent or blank."""
    trimmed = F.trim(F.try_element_at(F.col("cells"), F.lit(name)))
    return F.when(trimmed != "", trimmed)


def quantity(cell: Column, decimal: str = ".", scale: int = 3) -> Column:
    """Return a number cell as decimal(18,`scale`), NULL when it is not exactly one.

    Args:
        cell: text.
        decimal: decimal sign. With `,` a text such as `1.234` can be read in two ways and is refused.
        scale: decimal places kept; a text with more is refused, not rounded.
    """
    kind, point_number = f"decimal(18,{scale})", rf"^[+-]?[0-9]{{1,12}}([.][0-9]{{1,{scale}}})?$"
    if decimal == ".":
        return F.when(cell.rlike(point_number), cell).cast(kind)
    comma_number = rf"^[+-]?([0-9]{{1,3}}([.][0-9]{{3}}){{0,3}}|[0-9]{{1,12}})(,[0-9]{{1,{scale}}})$"
    point = F.replace(F.replace(cell, F.lit("."), F.lit("")), F.lit(","), F.lit("."))
    return F.when(cell.rlike(comma_number), point).when(~cell.rlike(TWO_WAYS) & cell.rlike(point_number), cell).cast(kind)


def whole(cell: Column, type_name: str) -> Column:
    """Return a cell as a whole number of a Spark type, NULL when it is none."""
    return F.when(cell.rlike("^[0-9]{1,9}$"), cell).cast(type_name)


def _has_offset(layout: str) -> bool:
    return "X" in layout or "x" in layout


def _parsed(cell: Column, layout: str) -> Column:
    return F.try_to_timestamp(cell, F.lit(layout))


def _serial_wall(cell: Column) -> Column:
    """Excel's day number (1900 system) to wall clock, to the millisecond; the days before its leap-year bug are refused."""
    number = F.when(cell.rlike(SERIAL), cell).cast("decimal(18,12)")
    millis = F.round(number * DAY_MS, 0).cast("bigint")
    zero = F.unix_millis(F.to_timestamp(F.lit(EXCEL_DAY_ZERO)))
    return F.when(number > SERIAL_AFTER_LEAP_BUG, F.timestamp_millis(zero + millis))


def date(cell: Column, layouts: Sequence[str]) -> Column:
    """Return a date cell: ISO, a layout of the profile, or Excel's day number; NULL for anything else or a time of day."""
    candidates = F.coalesce(*(_parsed(cell, layout) for layout in layouts), _serial_wall(cell))
    day = candidates.cast("date")
    return F.when(candidates == day.cast("timestamp"), day)


def _walls(cell: Column, layouts: Sequence[str], serials: bool) -> Column:
    walls = [_parsed(cell, layout) for layout in layouts if not _has_offset(layout)]
    return F.coalesce(*walls, *([_serial_wall(cell)] if serials else []), F.lit(None).cast("timestamp"))


def instant(cell: Column, layouts: Sequence[str], zone: Column, *, serials: bool = False) -> Column:
    """Return an instant (UTC) from text: layouts without offset are the zone's wall clock.

    The session's zone must be UTC, as it is in every session of ours.
    """
    with_offset = [_parsed(cell, layout) for layout in layouts if _has_offset(layout)]
    return F.coalesce(F.to_utc_timestamp(_walls(cell, layouts, serials), zone), *with_offset)


def clock_rule(cell: Column, layouts: Sequence[str], zone: Column, *, serials: bool = False) -> Column:
    """Return the rule that a wall-clock time breaks, or NULL: it does not exist, or exists twice, in the night of a clock change."""
    return wall_rule(_walls(cell, layouts, serials), zone)


def wall_rule(wall: Column, zone: Column) -> Column:
    """Return the rule that a wall clock breaks, or NULL, as `clock_rule` does."""
    utc = F.to_utc_timestamp(wall, zone)
    missing = F.from_utc_timestamp(utc, zone) != wall
    hour = F.expr("interval 1 hour")
    twice = (F.from_utc_timestamp(utc + hour, zone) == wall) | (F.from_utc_timestamp(utc - hour, zone) == wall)
    return F.when(missing, F.lit("nonexistent_local_time")).when(twice, F.lit("ambiguous_local_time"))


def total(columns: Sequence[Column]) -> Column:
    """Return the sum of quantities; NULL when one is NULL."""
    return reduce(lambda left, right: (left + right).cast(QUANTITY), columns)


def origin() -> Column:
    """Return where a bronze row stands: sha256/sheet/row; sha256/sheet/C5 for one cell of a cross table."""
    place = F.concat(F.coalesce(text(COLUMN), F.lit("")), F.col("row_no").cast("string"))
    return F.concat_ws("/", F.col("file_sha256"), F.col("sheet"), place)
