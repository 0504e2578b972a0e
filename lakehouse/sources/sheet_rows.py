"""Rows of a sheet to cells by the profile's names; a row that cannot be taken as it is carries the rule that it broke. Pure.

Beside the columns a row may have: `#broken` the rule, `#cells` the columns concerned (JSON list), `#hidden` what of it is hidden
in Excel, `#column` the column letters of a cross table's cell, and `#7` for a cell in column 7, over which no header stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import NamedTuple

from lakehouse.sources import cell_values
from lakehouse.sources.contracts import BROKEN, COLUMN
from lakehouse.sources.csv_text import CONTROL, Row
from lakehouse.sources.names import normal
from lakehouse.sources.profiles import Profile
from lakehouse.sources.sheet_header import Header, Merge

CELLS, HIDDEN = "#cells", "#hidden"
MARKED = re.compile(r"\x00(\w+)\x00(.*)", re.DOTALL)
PERCENT = "percent"
ISO = "2026-11-20"
DAY = timedelta(days=1)

Cells = dict[str, str]
Breach = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Sheet:
    """What is known of a sheet beside its rows.

    Attributes:
        name: as the workbook has it; empty for text.
        epoch: 1900 or 1904, the calendar of its day numbers.
        merged: merged cells; None when the format does not tell.
        hidden_rows: rows as Excel counts.
        hidden_columns: columns from 0.
        hidden_sheets: sheets of the workbook that are hidden, and not read.
    """

    name: str
    epoch: int = 1900
    merged: tuple[Merge, ...] | None = ()
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    hidden_sheets: tuple[str, ...] = ()


class Suspects(NamedTuple):
    """What some of the texts of a chunk may be; False is certain.

    Attributes:
        marks: a mark, a control character or an error.
        short_numbers: a number with an exponent.
        percents: a percent.
    """

    marks: bool = True
    short_numbers: bool = True
    percents: bool = True

    @classmethod
    def of(cls, line: bytes) -> Suspects:
        """Look at a chunk as it was sent (JSON)."""
        marks = b"\\u00" in line or b'"#' in line or b'"Err:' in line
        return cls(marks, b"E+" in line or b"e+" in line, b"%" in line)


def column_letters(position: int) -> str:
    """Return a column from 0 as Excel names it."""
    letters, rest = "", position + 1
    while rest:
        rest, last = divmod(rest - 1, 26)
        letters = chr(ord("A") + last) + letters
    return letters


@dataclass
class RowMaker:
    """Makes the rows of one sheet, which must come in order: merged cells and `fill_down` look back.

    Attributes:
        is_simple: no row depends on another one, and none has cells that are made of others.
        day_columns: columns that may hold Excel's day numbers.
        totals: what a total row has in its column, as names are compared.
    """

    sheet: Sheet
    header: Header
    profile: Profile
    _above: Cells = field(default_factory=dict)
    _active: list[Merge] = field(default_factory=list)
    _coming: list[Merge] = field(default_factory=list)

    def __post_init__(self) -> None:
        profile, header = self.profile, self.header
        self._coming = sorted((each for each in self.sheet.merged or () if each[2] >= header.first_data_row), reverse=True)
        self.totals = {normal(value) for value in profile.total_rows.values} if profile.total_rows else set()
        self._hidden = ", ".join(name for place, name in enumerate(header.names) if place in self.sheet.hidden_columns and name)
        self._days = [(name, cell_values.day_text) for name in profile.date_columns]
        self._days += [(name, cell_values.instant_text) for name in profile.timestamp_columns]
        self.day_columns = [name for name, _ in self._days]
        self.is_simple = not (
            self.sheet.merged or self.sheet.hidden_rows or self.sheet.hidden_columns or "" in header.names
            or profile.fill_down or profile.time_columns or profile.crosstab
        )  # fmt: skip
        self._layouts = (*profile.date_layouts, *profile.time_layouts)
        self._codes, self._times, self._quantities = profile.code_columns, profile.time_columns, profile.quantity_columns

    def rows(self, numbered: Iterable[tuple[int, list[str]]], suspects: Suspects) -> Iterator[Row]:
        """Yield the rows of (row as Excel counts, texts by column), blank ones left out."""
        self._suspects = suspects
        quick = self.is_simple and not self.totals and not any(suspects)
        names, first = self.header.names, self.header.texts[0]
        for number, texts in numbered:
            if quick and texts[0] != first and len(texts) <= len(names):
                plain = {name: text for name, text in zip(names, texts, strict=False) if text}
                if all(plain.get(name, ISO)[4:5] == "-" for name in self.day_columns):
                    yield number, plain
                    continue
            breaches: list[Breach] = []
            cells = self._named(texts, breaches)
            if suspects.marks:
                self._unmarked(cells, breaches)
            self._judge(number, texts, cells, breaches)
            yield from self._made(number, texts, cells, breaches)

    def _named(self, texts: Sequence[str], breaches: list[Breach]) -> Cells:
        names = self.header.names
        cells = {name: text for name, text in zip(names, texts, strict=False) if text and name}
        if len(texts) > len(names) or "" in names:
            beyond = {f"#{n}": text for n, text in enumerate(texts, 1) if text and not (n <= len(names) and names[n - 1])}
            if beyond:
                breaches.append(("columns", tuple(beyond)))
                cells.update(beyond)
        return cells

    def _unmarked(self, cells: Cells, breaches: list[Breach]) -> None:
        """Take the child's marks off, and find errors and control characters."""
        found: dict[str, list[str]] = {}
        for name, text in cells.items():
            mark = MARKED.fullmatch(text)
            rule = mark[1] if mark else ""
            if mark:
                cells[name] = mark[2]
                rule = ("unit" if name in self._quantities else "") if rule == PERCENT else rule
            elif cell_values.is_error(text):
                rule = "error_cell"
            elif CONTROL.search(text):
                rule = "control_char"
            if rule:
                found.setdefault(rule, []).append(name)
        breaches += [(rule, tuple(names)) for rule, names in found.items()]

    def _judge(self, number: int, texts: Sequence[str], cells: Cells, breaches: list[Breach]) -> None:
        total = self.profile.total_rows
        if total and normal(cells.get(total.column, "")) in self.totals:
            breaches.insert(0, ("total_row", (total.column,)))
            self._above.clear()
            return
        if self._repeats_header(texts):
            breaches.insert(0, ("repeated_header", ()))
            return
        covered = self._covered(number)
        for name in self.profile.fill_down:
            if name in cells:
                self._above[name] = cells[name]
            elif name in self._above:
                cells[name] = self._above[name]
        merged = tuple(name for name in covered if name not in self.profile.fill_down)
        if merged:
            breaches.append(("merged", merged))
        self._typed(cells, breaches)

    def _repeats_header(self, texts: Sequence[str]) -> bool:
        said = self.header.texts
        return texts[0] == said[0] and tuple(" ".join(text.split()) for text in texts[: len(said)]) == said

    def _covered(self, number: int) -> list[str]:
        """Names of the columns whose cell in this row is hidden behind a merged one."""
        while self._coming and self._coming[-1][0] <= number:
            self._active.append(self._coming.pop())
        if not self._active:
            return []
        self._active = [each for each in self._active if each[2] >= number]
        places = {
            place
            for top, left, _, right in self._active
            for place in range(left, min(right + 1, len(self.header.names)))
            if (top, left) != (number, place)
        }
        return [self.header.names[place] for place in sorted(places) if self.header.names[place]]

    def _typed(self, cells: Cells, breaches: list[Breach]) -> None:
        for name, read in self._days:
            text = cells.get(name)
            if text and text[4:5] != "-":
                found = read(text, self.sheet.epoch, self._layouts)
                cells[name] = text if found is None else found
                breaches += [("ts_range", (name,))] if found is None else []
        if self._suspects.short_numbers:
            self._written_short(cells, breaches)
        if self._suspects.percents:
            percents = tuple(name for name in self._quantities if "%" in cells.get(name, ""))
            breaches += [("unit", percents)] if percents else []
        if self._times:
            self._clocks(cells, breaches)

    def _written_short(self, cells: Cells, breaches: list[Breach]) -> None:
        for name in self._codes:
            code = cell_values.code_text(cells.get(name, ""))
            if code is None:
                breaches.append(("precision", (name,)))
            elif code:
                cells[name] = code

    def _clocks(self, cells: Cells, breaches: list[Breach]) -> None:
        """Write times of day in one way, and make the instants that stand in two columns."""
        read: dict[str, timedelta | datetime] = {}
        for name in self._times:
            if name not in cells:
                continue
            found = cell_values.clock(cells[name], self.sheet.epoch, self.profile.clock_layouts)
            if found is None:
                breaches.append(("timestamp_format", (name,)))
                continue
            read[name] = found
            cells[name] = cell_values.clock_text(found) if isinstance(found, timedelta) else found.isoformat()
        walls: dict[str, datetime] = {}
        for name, parts in self.profile.instants.items():
            if parts.time not in read:
                continue
            wall = self._wall(cells.get(parts.date, ""), read[parts.time])
            if wall is None:
                breaches.append(("timestamp_format", (parts.date,)))
                continue
            if parts.crosses_midnight and parts.after in walls and wall < walls[parts.after]:
                wall += DAY
            walls[name] = wall
            cells[name] = wall.isoformat()

    def _wall(self, date_text: str, at: timedelta | datetime) -> datetime | None:
        if isinstance(at, datetime):
            return at
        day = cell_values.day(date_text, self.profile.date_layouts)
        return datetime.combine(day, time()) + at if day else None

    def _made(self, number: int, texts: Sequence[str], cells: Cells, breaches: list[Breach]) -> Iterator[Row]:
        hidden = [*(["row"] if number in self.sheet.hidden_rows else []), *([f"columns {self._hidden}"] if self._hidden else [])]
        extra = {HIDDEN: "; ".join(hidden)} if hidden else {}
        crosstab = self.profile.crosstab
        if crosstab is None or (breaches and breaches[0][0] in {"total_row", "repeated_header", "columns"}):
            yield number, {**cells, **extra, **_broken(breaches)} if extra or breaches else cells
            return
        key = {name: cells[name] for name in crosstab.row_key if name in cells}
        totals = {normal(name) for name in crosstab.totals}
        for place, name in enumerate(self.header.names):
            if name in crosstab.row_key or name not in cells:
                continue
            own = [(rule, (crosstab.value,) if name in columns else columns) for rule, columns in breaches if {name, *key} & set(columns)]
            own = [("total_row", (crosstab.column,)), *own] if normal(name) in totals else own
            cell = {crosstab.column: name, crosstab.value: cells[name], COLUMN: column_letters(place)}
            yield number, {**key, **cell, **extra, **_broken(own)}


def _broken(breaches: Sequence[Breach]) -> Mapping[str, str]:
    """The first rule that a row broke, and the columns concerned."""
    if not breaches:
        return {}
    rule = breaches[0][0]
    concerned = tuple(dict.fromkeys(name for other, names in breaches if other == rule for name in names))
    return {BROKEN: rule, CELLS: json.dumps(concerned, ensure_ascii=False)} if concerned else {BROKEN: rule}
