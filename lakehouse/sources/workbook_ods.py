"""What the content of an ods workbook says beside the values of cells. Imported by the child process only.

Rows and cells may be repeated by a number, so a place is counted, never expanded. A part with a document type or entities is
refused before it comes here.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.parsers import expat

from lakehouse.sources.workbook_marks import Marks, Merge

CONTENT = "content.xml"
HIDDEN = ("collapse", "filter")


class OdsScan:
    """Reads the marks of one sheet while its part is unpacked.

    Attributes:
        feeds: part to what takes its pieces.
    """

    def __init__(self, sheet: str) -> None:
        self._sheet, self._marks, self._merged = sheet, Marks(), list[Merge]()
        self._is_ours, self._row, self._column, self._repeat = False, 0, 0, 1
        self._parser = expat.ParserCreate(namespace_separator=None)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self.feeds: dict[str, Callable[[bytes], None]] = {CONTENT: self._feed}

    def marks(self) -> Marks:
        """Return what was found, after the last piece."""
        self._marks.merged = self._merged
        return self._marks

    def _feed(self, piece: bytes) -> None:
        try:
            self._parser.Parse(piece, False)
        except expat.ExpatError as error:
            raise ValueError(f"{CONTENT}: {error}") from error

    def _start(self, tag: str, said: dict[str, str]) -> None:
        if tag == "table:null-date" and said.get("table:date-value", "").startswith("1904"):
            self._marks.epoch = 1904
        elif tag == "table:table":
            self._is_ours, self._row, self._column = said.get("table:name") == self._sheet, 0, 0
        elif self._is_ours and tag == "table:table-column":
            count = int(said.get("table:number-columns-repeated", "1"))
            if said.get("table:visibility") in HIDDEN:
                self._marks.hide_columns(self._column, self._column + count - 1)
            self._column += count
        elif self._is_ours and tag == "table:table-row":
            self._repeat, self._column = int(said.get("table:number-rows-repeated", "1")), 0
            if said.get("table:visibility") in HIDDEN:
                self._marks.hidden_rows += range(self._row + 1, min(self._row + self._repeat, 1_048_576) + 1)
        elif self._is_ours and tag in {"table:table-cell", "table:covered-table-cell"}:
            self._cell(said)

    def _cell(self, said: dict[str, str]) -> None:
        bottom, right = int(said.get("table:number-rows-spanned", "1")), int(said.get("table:number-columns-spanned", "1"))
        if bottom > 1 or right > 1:
            self._merged.append((self._row + 1, self._column, self._row + bottom, self._column + right - 1))
        if "table:formula" in said and "office:value-type" not in said:
            formula = said["table:formula"].removeprefix("of:")
            self._marks.cells.append((self._row + 1, self._column, f"\0no_cached_value\0{formula}"))
        if said.get("office:value-type") == "percentage":
            self._marks.cells.append((self._row + 1, self._column, "\0percent\0{}"))
        self._column += int(said.get("table:number-columns-repeated", "1"))

    def _end(self, tag: str) -> None:
        if tag == "table:table-row":
            self._row += self._repeat
        elif tag == "table:table":
            self._is_ours = False
