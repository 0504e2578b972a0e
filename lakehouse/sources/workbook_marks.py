"""What the XML of a sheet says beside the values of its cells: errors, formulas nobody calculated, percents, what is hidden.

The reader of cells gives none of these (an error comes as an empty cell), so they are looked for in the sheet's own text, piece
by piece while the part is checked. Imported by the child process only.
"""

from __future__ import annotations

import html
import posixpath
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MAX_CELLS = 5_000_000
LAST_COLUMN = 16_383
LONGEST_ROW = 64 << 20
HEAD = 1 << 16
BOOK, STYLES = "xl/workbook.xml", "xl/styles.xml"
TRUE = ("1", "true")
PERCENT_FORMATS = {"9", "10"}
ATTRIBUTE = re.compile(rb"([\w:]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
RELATION = re.compile(rb"<(?:\w+:)?Relationship\s([^>]*)>")
REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})", re.ASCII)
DATE_1904 = re.compile(rb"<(?:\w+:)?workbookPr\s[^>]*date1904=[\"'](?:1|true)")
SHEET = re.compile(rb"<(?:\w+:)?sheet\s([^>]*)>")
DIMENSION = re.compile(rb"<(?:\w+:)?dimension\s([^>]*)>")
ROW = re.compile(rb"<(?:\w+:)?row\s([^>]*\bhidden=[^>]*)>")
COLUMN = re.compile(rb"<(?:\w+:)?col\s([^>]*\bhidden=[^>]*)>")
PREFIXED = re.compile(rb"xmlns:\w+=[\"']http://(?:schemas\.openxmlformats\.org/spreadsheetml/2006/main|purl\.oclc\.org/ooxml/spreadsheetml/main)")
ERROR_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*\bt=[\"']e[\"'][^>]*)>(?:(?!</?(?:\w+:)?c[\s>]).)*?<(?:\w+:)?v>([^<]*)</", re.DOTALL)
FORMULA_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*[^>/])>\s*<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>([^<]*)</(?:\w+:)?f>)(.*?)</(?:\w+:)?c>", re.DOTALL)
VALUE = re.compile(rb"<(?:\w+:)?(?:v|t)(?:\s[^>]*)?>[^<]")
EMPTY_VALUE = re.compile(rb"<(?:\w+:)?v(?:\s[^>]*)?(?:/>|></)")
FILLED_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*[^>/])>\s*<(?:\w+:)?(?:v|is|f)\b")
FORMAT = re.compile(rb"<(?:\w+:)?numFmt\s([^>]*)>")
STYLE_LIST = re.compile(rb"<(?:\w+:)?cellXfs\b[^>]*>(.*?)</(?:\w+:)?cellXfs>", re.DOTALL)
STYLE = re.compile(rb"<(?:\w+:)?xf\s([^>]*)>")
QUOTED = re.compile(r'"[^"]*"|\\.')

Merge = tuple[int, int, int, int]
"""First row, first column, last row, last column; rows as Excel counts, columns from 0."""


@dataclass
class Marks:
    """Marks of one sheet; rows as Excel counts, columns from 0.

    Attributes:
        epoch: 1900 or 1904, the calendar of day numbers.
        cells: row, column, text to write in its place (`{}` is what it holds).
        merged: merged cells; None when the format does not tell.
        last_row, last_column: the furthest cells that hold something, looked for only when the sheet claims to be huge.
    """

    epoch: int = 1900
    cells: list[tuple[int, int, str]] = field(default_factory=list)
    merged: list[Merge] | None = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: set[int] = field(default_factory=set)
    has_password: bool = False
    has_links: bool = False
    last_row: int = 0
    last_column: int = -1

    def error(self, row: int, column: int, text: str) -> None:
        """Note a cell that shows an error."""
        self.cells.append((row, column, f"\0error_cell\0{text}"))

    def hide_columns(self, first: int, last: int) -> None:
        """Note hidden columns."""
        if len(self.hidden_columns) <= LAST_COLUMN:
            self.hidden_columns.update(range(first, min(last, LAST_COLUMN) + 1))

    def by_row(self) -> dict[int, dict[int, str]]:
        """Return the marked cells by row and column."""
        found: dict[int, dict[int, str]] = {}
        for row, column, text in self.cells:
            found.setdefault(row, {})[column] = text
        return found

    def said(self) -> dict[str, Any]:
        """Return what the parent is told beside the cells."""
        return {"merged": self.merged, "hidden_rows": self.hidden_rows, "hidden_columns": sorted(self.hidden_columns)}


def attributes(text: bytes) -> dict[str, str]:
    """Return the attributes of an XML tag as they are written, prefix included."""
    found = ATTRIBUTE.findall(text)
    return {name.decode(): html.unescape((double or single).decode()) for name, double, single in found}


def targets(archive: zipfile.ZipFile, part: str) -> dict[str, str]:
    """Return the parts that a part of an Office workbook names, by relation; KeyError when it names none."""
    folder, name = posixpath.split(part)
    found = [attributes(each) for each in RELATION.findall(archive.read(f"{folder}/_rels/{name}.rels"))]
    return {each["Id"]: posixpath.normpath(posixpath.join("/", folder, each["Target"]))[1:] for each in found}


def position(reference: str) -> tuple[int, int]:
    """Return (row as Excel counts, column from 0) of a cell such as `AB12`; ValueError for what is none."""
    found = REFERENCE.fullmatch(reference)
    if found is None:
        raise ValueError(f"a cell without its place: {reference[:20]!r}")
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(found[2]), column - 1


def _cells(reference: str) -> int:
    """Number of cells from A1 to the end of an area such as `A1:C3`."""
    row, column = position(reference.rpartition(":")[2])
    return row * (column + 1)


def _percent_styles(styles: bytes) -> re.Pattern[bytes] | None:
    """What a cell tag looks like whose style shows percents; None when there is no such style."""
    said = [attributes(tag) for tag in FORMAT.findall(styles)]
    percents = PERCENT_FORMATS | {each["numFmtId"] for each in said if "%" in QUOTED.sub("", each.get("formatCode", ""))}
    listed = STYLE_LIST.search(styles)
    found = [n for n, tag in enumerate(STYLE.findall(listed[1]) if listed else []) if attributes(tag).get("numFmtId") in percents]
    numbers = b"|".join(str(n).encode() for n in found)
    return re.compile(rb"<(?:\w+:)?c\s([^>]*\bs=[\"'](?:" + numbers + rb")[\"'][^>]*)>") if found else None


class SheetScan:
    """Reads the marks of one sheet of an xlsx workbook while its part is unpacked.

    Attributes:
        feeds: part to what takes its pieces.
    """

    def __init__(self, archive: zipfile.ZipFile, sheet: str) -> None:
        book = archive.read(BOOK)
        self._marks = Marks()
        if DATE_1904.search(book):
            self._marks.epoch = 1904
        named = [attributes(each) for each in SHEET.findall(book)]
        relation = next(each for each in named if each.get("name") == sheet)
        key = next(name for name in relation if name.endswith(":id"))
        part = targets(archive, BOOK)[relation[key]]
        self._percent = _percent_styles(archive.read(STYLES)) if STYLES in archive.namelist() else None
        self._rest = b""
        self._is_first, self._is_far, self._is_prefixed = True, False, False
        self.feeds: dict[str, Callable[[bytes], None]] = {part: self.feed}

    def marks(self) -> Marks:
        """Return what was found, after the last piece."""
        self._scan(self._rest)
        self._rest = b""
        return self._marks

    def feed(self, piece: bytes) -> None:
        """Take a piece; what begins in it and ends in the next one waits."""
        text = self._rest + piece
        cut = max(text.rfind(b"</row>") + len(b"</row>"), text.rfind(b":row>") + len(b":row>"))
        if cut < len(b"</row>"):
            cut = text.rfind(b"/>") + 2 if len(text) > LONGEST_ROW else 0
        self._scan(text[:cut])
        self._rest = text[cut:]

    def _scan(self, text: bytes) -> None:
        if self._is_first:
            self._is_first, self._is_prefixed = False, PREFIXED.search(text[:HEAD]) is not None
            said = [attributes(tag).get("ref", "") for tag in DIMENSION.findall(text[:HEAD])]
            self._is_far = any(_cells(reference) > MAX_CELLS for reference in said)
        if b"hidden=" in text:
            self._hidden(text)
        if b't="e"' in text or b"t='e'" in text:
            for tag, shown in ERROR_CELL.findall(text):
                self._marks.error(*position(attributes(tag).get("r", "")), html.unescape(shown.decode()))
        if b"<f" in text or (self._is_prefixed and b":f" in text):
            self._formulas(text)
        if self._percent and self._percent.search(text):
            for tag in self._percent.findall(text):
                self._marks.cells.append((*position(attributes(tag).get("r", "")), "\0percent\0{}"))
        if self._is_far:
            for tag in FILLED_CELL.findall(text):
                row, column = position(attributes(tag).get("r", ""))
                self._marks.last_row, self._marks.last_column = max(self._marks.last_row, row), max(self._marks.last_column, column)

    def _hidden(self, text: bytes) -> None:
        for tag in ROW.findall(text):
            said = attributes(tag)
            if said.get("hidden") in TRUE:
                self._marks.hidden_rows.append(int(said["r"]))
        for tag in COLUMN.findall(text):
            said = attributes(tag)
            if said.get("hidden") in TRUE:
                self._marks.hide_columns(int(said["min"]) - 1, int(said["max"]) - 1)

    def _formulas(self, text: bytes) -> None:
        for tag, formula, after in FORMULA_CELL.findall(text):
            said = attributes(tag)
            is_text = said.get("t") == "str" and EMPTY_VALUE.search(after) is not None
            if not is_text and VALUE.search(after) is None:
                self._marks.cells.append((*position(said.get("r", "")), f"\0no_cached_value\0={html.unescape(formula.decode())}"))
