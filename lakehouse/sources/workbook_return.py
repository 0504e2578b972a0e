"""A refused workbook goes back: the same workbook, the refused cells coloured, each with a comment that says what to do.

An xlsx (or xlsm without macros) keeps its layout and formulas; what openpyxl does not know (charts, pictures) is left out.
Other formats, and workbooks of very many cells, come as an xlsx with the same values, which its first comment says.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import orjson
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from openpyxl.utils import column_index_from_string

from lakehouse.sources import refusals, workbook
from lakehouse.sources.contracts import COLUMN, Difference
from lakehouse.sources.profiles import Profile, TextSheet
from lakehouse.sources.sheet_header import best_header
from lakehouse.sources.sheet_rows import MARKED, column_letters

AUTHOR = "lakehouse"
REFUSED = PatternFill("solid", start_color="FFFFC7CE", end_color="FFFFC7CE")
ZIP_MAGIC = b"PK\x03\x04"
MAX_KEPT_CELLS = 500_000
COMMENT_WIDTH, COMMENT_HEIGHT = 320, 140
READ: Mapping[str, Callable[[str], Any]] = {
    "date": date.fromisoformat, "datetime": datetime.fromisoformat, "time": time.fromisoformat,
    "timedelta": lambda seconds: timedelta(seconds=float(seconds)),
}  # fmt: skip
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")

Comments = dict[tuple[str, int, str], list[str]]


@dataclass(frozen=True)
class RefusedCell:
    """One cell that was refused.

    Attributes:
        sheet: name of its sheet; empty for text.
        row: as Excel counts.
        column: letters, as Excel has them.
        rule: the rule that it broke.
        found: what it holds.
        expected: what is expected, in plain words.
    """

    sheet: str
    row: int
    column: str
    rule: str
    found: str
    expected: str

    def comment(self) -> str:
        """Return what the comment says."""
        return f"Refused ({self.rule}).\nFound: {self.found or 'nothing'}\nExpected: {self.expected}"


@dataclass(frozen=True)
class RefusedRow:
    """One row of a quarantine: its number as Excel counts, the rule, and its cells as bronze has them."""

    row: int
    rule: str
    cells: Mapping[str, str]


def refused_cells(original: Path, profile: Profile, rows: Iterable[RefusedRow]) -> list[RefusedCell]:
    """Return the cells of a workbook that quarantined rows are about; its first cell stands for a row as a whole.

    Raises:
        ContractBreachError: the workbook does not fit the profile.
    """
    opened = workbook.opened(original, profile)
    letters = {f"#{place + 1}": column_letters(place) for place in range(workbook.MAX_COLUMNS)}
    letters |= {name: column_letters(place) for place, name in enumerate(opened.header.names) if name}
    found: list[RefusedCell] = []
    for each in rows:
        own = dict(letters)
        if COLUMN in each.cells and profile.crosstab:
            own |= dict.fromkeys((profile.crosstab.column, profile.crosstab.value), each.cells[COLUMN])
        names = [name for name in refusals.concerned(each.rule, each.cells, profile) if name in own]
        places = {own[name]: each.cells.get(name, "") for name in names} or {"A": each.cells.get(opened.header.names[0], "")}
        expected = refusals.expected_of(each.rule, profile)
        found += [RefusedCell(opened.sheet.name, each.row, letter, each.rule, text, expected) for letter, text in places.items()]
    return found


def refused_header(original: Path, profile: Profile, differences: Sequence[Difference]) -> list[RefusedCell]:
    """Return the header cells that a refused file's differences are about; A1 of its first sheet for what is no header's."""
    said = _values(original, list(profile.sheets) if all(each.kind != "sheet" for each in differences) else [], profile.text)
    top = {number: [str(cell) if cell is not None else "" for cell in cells] for number, cells in said.first_rows()}
    row, texts, names = best_header(top, profile)
    found = []
    for each in differences:
        places = [place for place, name in enumerate(names) if each.column and each.column in (name, texts[place])] or [0]
        at = row if each.kind == "header" else 1
        word = f"the column {each.column!r} {each.expected}" if each.column else each.expected
        found += [RefusedCell(said.sheet, at, column_letters(place), each.kind, each.found, word) for place in places]
    return found


def annotated(original: Path, refused: Sequence[RefusedCell], out: Path, text: TextSheet | None = None) -> Path:
    """Write a workbook with its refused cells marked, and return where.

    Args:
        original: the refused file.
        refused: its cells; those of one cell share a comment.
        out: the xlsx to write.
        text: how a text file is read.

    Raises:
        ContractBreachError: the file is no readable workbook or too large to be read.
    """
    comments: Comments = {}
    for each in refused:
        comments.setdefault((each.sheet, each.row, each.column), []).append(each.comment())
    names = sorted({each.sheet for each in refused if each.sheet})
    said = _values(original, names[:1], text)
    with original.open("rb") as raw:
        is_office = raw.read(4) == ZIP_MAGIC and said.kind == "xlsx"
    if is_office and said.cell_count() <= MAX_KEPT_CELLS:
        _mark_in_place(original, comments, out)
    else:
        _write_copy(original, said, comments, out, text)
    return out


def _comment(texts: Sequence[str]) -> Comment:
    return Comment(CONTROL.sub("?", "\n\n".join(texts))[:30_000], AUTHOR, height=COMMENT_HEIGHT, width=COMMENT_WIDTH)


def _mark_in_place(original: Path, comments: Comments, out: Path) -> None:
    with original.open("rb") as content:  # by its content: a file may have any name
        book = openpyxl.load_workbook(content)
    for (name, row, letter), texts in comments.items():
        sheet = book[name]
        cell = sheet[f"{letter}{row}"]
        for area in sheet.merged_cells.ranges:
            if cell.coordinate in area:
                cell = sheet.cell(area.min_row, area.min_col)
        before = [cell.comment.text] if cell.comment else []
        cell.comment, cell.fill = _comment([*before, *texts]), REFUSED
    book.save(out)


def _write_copy(original: Path, said: Values, comments: Comments, out: Path, text: TextSheet | None) -> None:
    book = openpyxl.Workbook(write_only=True)
    kind = "text" if text else "this format"
    hint = f"The values of {original.name}; comments cannot be written into {kind}, so layout and formulas are not those of the original."
    hint += " Mend the cells marked here, in the original file: its source takes text." if text else " Mend the cells marked here and send this file."
    for nth, each in enumerate(said.all_sheets()):
        sheet = book.create_sheet(each.sheet or "Text")
        own: dict[int, dict[int, list[str]]] = {}
        for (name, row, letter), texts in comments.items():
            if name == each.sheet:
                own.setdefault(row, {})[column_index_from_string(letter) - 1] = texts
        if nth == 0:
            first = own.setdefault(1, {})
            first[0] = [hint, *first.get(0, [])]
        for number, cells in _every_row(each.rows(), max(own, default=0)):
            sheet.append(_copied(sheet, cells, own.get(number, {})))
    book.save(out)


def _every_row(rows: Iterator[tuple[int, list[Any]]], last: int) -> Iterator[tuple[int, list[Any]]]:
    """The rows with the blank ones between them, at least to the last one."""
    number = 0
    for given, cells in rows:
        for blank in range(number + 1, given):
            yield blank, []
        yield given, cells
        number = given
    for blank in range(number + 1, last + 1):
        yield blank, []


def _copied(sheet: Any, cells: list[Any], own: Mapping[int, list[str]]) -> list[Any]:
    made: list[Any] = []
    for place in range(max([len(cells), *(column + 1 for column in own)])):
        value = cells[place] if place < len(cells) else None
        cell = WriteOnlyCell(sheet, CONTROL.sub("?", value) if isinstance(value, str) else value)
        if isinstance(value, str):
            cell.data_type = "s"  # never a formula, whatever it begins with
        if place in own:
            cell.comment, cell.fill = _comment(own[place]), REFUSED
        made.append(cell)
    return made


@dataclass(frozen=True)
class Values:
    """The values of a workbook's sheets, read by the limited child one sheet at a time.

    Attributes:
        sheet: the sheet read first; empty for text.
        others: the other visible sheets.
        kind: xlsx, xlsb, ods, xls or text.
    """

    path: Path
    sheet: str
    others: tuple[str, ...]
    kind: str
    text: TextSheet | None = None

    def rows(self) -> Iterator[tuple[int, list[Any]]]:
        """Yield (row as Excel counts, values) of the sheet's rows that are not blank."""
        with tempfile.TemporaryFile("w+b") as spool:
            workbook.ask(spool, _request(self.path, [self.sheet] if self.sheet else [], self.text))
            for line in spool:
                said = workbook.answer(line)
                for number, cells in zip(said["numbers"], said["rows"], strict=True):
                    yield number, [cell if self.text else _value(cell) for cell in cells]

    def first_rows(self) -> Iterator[tuple[int, list[Any]]]:
        """Yield the rows among which a header is looked for."""
        for number, cells in self.rows():
            if number > workbook.SEARCHED_ROWS + 1:
                return
            yield number, cells

    def all_sheets(self) -> list[Values]:
        """Return each visible sheet's values."""
        return [self, *(Values(self.path, name, (), self.kind, self.text) for name in self.others)]

    def cell_count(self) -> int:
        """Return the number of cells of all sheets."""
        return sum(len(cells) for each in self.all_sheets() for _, cells in each.rows())


def _request(path: Path, sheets: list[str], text: TextSheet | None) -> dict[str, Any]:
    return {"path": str(path), "sheets": sheets, "text": text.model_dump() if text else None, "typed": True}


def _values(path: Path, sheets: list[str], text: TextSheet | None) -> Values:
    with tempfile.TemporaryFile("w+b") as spool:
        said = workbook.ask(spool, _request(path, sheets, text))
    return Values(path, said["sheet"], tuple(name for name in said["sheets"] if name != said["sheet"]), said["kind"], text)


def _value(cell: str) -> Any:
    """What `workbook_child.typed_value` wrote, with the child's marks taken off."""
    if not cell:
        return None
    marked = MARKED.fullmatch(cell)
    if marked:
        return _value(marked[2]) if marked[1] == "percent" else marked[2]
    value = orjson.loads(cell)
    return READ[value[0]](value[1]) if isinstance(value, list) else value
