"""Cells to a silver table by the `fields` of a contract: the one conform of every source that needs no code of its own. Pure.

What cannot be read as it is declared breaks its row under `<column>_format`; a required column that is empty breaks it under
`<column>_missing`. Nothing is read in another way than declared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import DecimalType

from lakehouse.model import Table
from lakehouse.silver import cells
from lakehouse.silver.site_terms import Sites, zone_of
from lakehouse.sources.contracts import BROKEN
from lakehouse.sources.durations import hours
from lakehouse.sources.fields import ISO_DURATION, Reading

DECIMAL = re.compile(r"^decimal\(\d+,(\d+)\)$")
HOURS = DecimalType(18, 9)
DAY = "1970-01-01 "
ROW_KEY = "row_key"
NONE: Mapping[str, Column] = {}
NO_FLAGS: Mapping[str, Sequence[str]] = {}
ADDED = ("site_id", "source_ref", "landed_at", ROW_KEY)


def candidates(
    rows: DataFrame,
    table: Table,
    readings: Mapping[str, Reading],
    null_words: Sequence[str],
    zone: str | None,
    sites: Sites,
    derived: Mapping[str, Column] = NONE,
    taken_back: Mapping[str, Sequence[str]] = NO_FLAGS,
) -> DataFrame:
    """Type bronze rows; nothing is dropped.

    Args:
        rows: bronze rows of files (`file_sha256 … cells`).
        table: the silver table.
        readings: silver column to how it is read, layouts filled in.
        null_words: texts that mean no value.
        zone: zone of wall clocks; None for each site's own.
        sites: terms of every site among the rows.
        derived: columns that no field fills, over the bronze row and the columns that fields have filled.
        taken_back: source column to the texts that mark a row as one that takes back.

    Returns:
        The table's columns plus `early_rule`, `raw`, `origin`, `row_no` and `takes_back`, true for a sound row that is marked so.
    """
    clock = zone_of(sites) if zone is None else F.lit(zone)
    types = {column.name: column.type for column in table.columns}
    read = {name: _Cell(reading, null_words, clock, _scale(types[name])) for name, reading in readings.items()}
    absent = [name for name in table.column_names if name not in read and name not in ADDED and name not in derived]
    early = _early_rule(table, read)
    keyed = _with_row_key(rows) if ROW_KEY in table.column_names else rows
    typed = keyed.select(
        "site_id",
        *(["cells"] if derived else []),
        *([ROW_KEY] if ROW_KEY in table.column_names else []),
        *(cell.value.cast(types[name]).alias(name) for name, cell in read.items()),
        *(F.lit(None).cast(types[name]).alias(name) for name in absent),
        early.alias("early_rule"),
        F.to_json("cells").alias("raw"),
        cells.origin().alias("origin"),
        cells.origin().alias("source_ref"),
        "landed_at",
        "row_no",
        (_is_marked(taken_back) & early.isNull()).alias("takes_back"),
    )
    return typed.withColumns(dict(derived)).drop("cells") if derived else typed


def _is_marked(flags: Mapping[str, Sequence[str]]) -> Column:
    marks = (F.coalesce(cells.text(name).isin(*values), F.lit(False)) for name, values in flags.items())
    return reduce(Column.__or__, marks, F.lit(False))


def _with_row_key(rows: DataFrame) -> DataFrame:
    """Add a key for rows that no column identifies: hash of the cells and the row's number among identical rows of its file."""
    content = F.sha2(F.to_json(F.array_sort(F.map_entries("cells"))), 256)
    twins = Window.partitionBy("file_sha256", "row_content").orderBy("sheet", "row_no")
    numbered = rows.withColumn("row_content", content).withColumn("ordinal", F.row_number().over(twins))
    return numbered.withColumn(ROW_KEY, F.sha2(F.concat_ws("#", "row_content", F.col("ordinal").cast("string")), 256))


def _early_rule(table: Table, read: Mapping[str, _Cell]) -> Column:
    """The first thing that is wrong with a row: how its file broke it, a cell that cannot be read, one that must not be empty."""
    unread = [F.when(cell.is_unread, F.lit(f"{name}_format")) for name, cell in read.items()]
    needed = [column.name for column in table.columns if column.required and column.name in read]
    missing = [F.when(read[name].value.isNull(), F.lit(f"{name}_missing")) for name in needed]
    clocks = [cell.clock_rule for cell in read.values() if cell.clock_rule is not None]
    return F.coalesce(cells.text(BROKEN), *unread, *missing, *clocks)


class _Cell:
    """One silver column of a row.

    Attributes:
        value: what it says; NULL when it is empty or cannot be read.
        is_unread: true when there is a text that cannot be read, never NULL.
        clock_rule: the rule that a wall clock breaks in the night of a clock change; None for what is no wall clock.
    """

    def __init__(self, reading: Reading, null_words: Sequence[str], zone: Column, scale: int) -> None:
        self.clock_rule: Column | None = None
        if reading.constant is not None:
            self.value, self.is_unread = F.lit(reading.constant), F.lit(False)
            return
        if reading.date is not None:
            wall = _two_fields(reading, null_words)
            given = _text(reading.date, null_words).isNotNull()
            self._of_wall(wall, zone)
        elif reading.as_ == "instant":
            cell = _text(str(reading.column), null_words)
            given = cell.isNotNull()
            self.value = cells.instant(cell, reading.layouts, zone)
            self.clock_rule = cells.clock_rule(cell, reading.layouts, zone)
        else:
            cell = _text(str(reading.column), null_words)
            given, self.value = cell.isNotNull(), _value(cell, reading, scale)
        self.is_unread = given & self.value.isNull()

    def _of_wall(self, wall: Column, zone: Column) -> None:
        self.value = F.to_utc_timestamp(wall, zone)
        self.clock_rule = cells.wall_rule(wall, zone)


def _scale(type_name: str) -> int:
    """Decimal places of a decimal type, 0 of any other."""
    found = DECIMAL.match(type_name)
    return int(found[1]) if found else 0


def _text(name: str, null_words: Sequence[str]) -> Column:
    found = cells.text(name)
    return F.when(~found.isin(*null_words), found) if null_words else found


def _value(cell: Column, reading: Reading, scale: int) -> Column:
    """A cell read as its reading says, NULL when it is not that."""
    ways: Mapping[str, Callable[[], Column]] = {
        "integer": lambda: F.when(cell.rlike(r"^[+-]?[0-9]{1,18}$"), cell).cast("bigint"),
        "quantity": lambda: cells.quantity(cell, reading.decimal, scale),
        "date": lambda: _utc_date(cell, reading.layouts),
        "time_of_day": lambda: _seconds_of_day(cell, reading.layouts),
        "hour_of_day": lambda: _full_hour(_seconds_of_day(cell, reading.layouts)),
        "duration_h": lambda: F.udf(hours, HOURS)(cell),
        "boolean": lambda: _boolean(cell, reading),
        "code": lambda: F.try_element_at(F.create_map(*(F.lit(part) for pair in reading.values.items() for part in pair)), cell),
        "text": lambda: cell,
    }
    return ways[str(reading.as_)]()


def _boolean(cell: Column, reading: Reading) -> Column:
    yes, no = (_folded(reading.values[word]) for word in ("true", "false"))
    return F.when(F.lower(cell).isin(*yes), True).when(F.lower(cell).isin(*no), False)


def _full_hour(seconds: Column) -> Column:
    return F.when(seconds % 3600 == 0, (seconds / 3600).cast("int"))


def _folded(words: str | Iterable[str]) -> list[str]:
    return [word.lower() for word in ([words] if isinstance(words, str) else words)]


def _utc_date(cell: Column, layouts: Sequence[str]) -> Column:
    """A date; where the layout has an offset, the UTC date of that instant. A time of day beside it must be midnight."""
    midnights = F.coalesce(*(F.try_to_timestamp(cell, F.lit(layout)) for layout in layouts))
    day = midnights.cast("date")
    return F.when(midnights == day.cast("timestamp"), day)


def _seconds_of_day(cell: Column, layouts: Sequence[str]) -> Column:
    """Whole seconds since midnight, whatever day stands with the time."""
    dated = F.concat(F.lit(DAY), cell)
    walls = [F.try_to_timestamp(*((cell, F.lit(layout)) if "d" in layout else (dated, F.lit(f"yyyy-MM-dd {layout}")))) for layout in layouts]
    wall = F.coalesce(*walls)
    return (F.hour(wall) * 3600 + F.minute(wall) * 60 + F.second(wall)).cast("int")


def _two_fields(reading: Reading, null_words: Sequence[str]) -> Column:
    """The wall clock of a date and a time of day in two columns; NULL when either cannot be read."""
    day = _utc_date(_text(str(reading.date), null_words), reading.date_layouts)
    time = _text(str(reading.time), null_words)
    layouts = [layout for layout in reading.time_layouts if layout != ISO_DURATION]
    seconds = [_seconds_of_day(time, layouts)] if layouts else []
    if ISO_DURATION in reading.time_layouts:
        seconds.append(_iso_seconds(time))
    return F.timestamp_seconds(F.unix_timestamp(day.cast("timestamp")) + F.coalesce(*seconds))


def _iso_seconds(time: Column) -> Column:
    """Seconds of `PT11H16M37S`, which stands for a time of day: below 24 hours."""
    pattern = r"^PT(\d{1,2})H(\d{1,2})M(\d{1,2})S$"
    parts = [F.regexp_extract(time, pattern, part).cast("int") for part in (1, 2, 3)]
    fits = time.rlike(pattern) & (parts[0] < 24) & (parts[1] < 60) & (parts[2] < 60)
    return F.when(fits, parts[0] * 3600 + parts[1] * 60 + parts[2])
