"""Reads one sheet of one workbook in a process of its own, so that a hostile file can only hurt this process.

Called by `lakehouse.sources.workbook` with one JSON argument. It writes JSON lines: first what is known of the sheet, then its
rows that are not blank, as `{"numbers": [row as Excel counts, …], "rows": [[text, …], …]}`. A refusal is the one line
`{"refused": [kind, expected, found]}`, and the last. A cell that is not what it seems is written as NUL, rule, NUL, text.
Nothing heavy may be imported here.
"""

from __future__ import annotations

import csv
import gc
import heapq
import json
import math
import resource
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from lakehouse.sources.names import normal
from lakehouse.sources.workbook_container import RefusedError, container
from lakehouse.sources.workbook_marks import LAST_COLUMN, MAX_CELLS, Marks, Merge

MEMORY_BYTES = 512 << 20
CPU_S = 20
ANSWER_BYTES = 1 << 30
MAX_ROWS = 1_000_000
MAX_COLUMNS = 256
MAX_CELL = 1 << 16
CHUNK_ROWS = 5_000
EXACT = 10**15
DOUBLE_DIGITS = 17
KEPT_TEXTS = 100_000
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")

Numbered = Iterator[tuple[int, list[str]]]


class Request(NamedTuple):
    """What the parent wants.

    Attributes:
        sheets: accepted names; the first visible sheet when there is none.
        decimal: sign with which numbers are written.
        digits: significant digits of a number.
        text: encoding, delimiter and so on, when the file is text.
        typed: cells come as what they are (`typed_value`), not as text, to be written again.
    """

    path: str
    sheets: list[str]
    decimal: str = "."
    digits: int = 17
    text: dict[str, Any] | None = None
    typed: bool = False


def limit_this_process() -> None:
    """Bound memory, processor time and the size of the answer; all are hard limits of the system."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (ANSWER_BYTES, ANSWER_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def text_of(cell: Any) -> str:
    """Return a cell's value as exact text: 5.0 is `5`, 0.1 is `0.1`, dates and times are ISO, spans are h:mm:ss."""
    return _TEXTS[type(cell)](cell)


def _span_text(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def number_text(value: float) -> str:
    """Return the shortest decimal text that is exactly this number, never with an exponent.

    A whole number of more than 15 digits is marked: Excel had lost its last digits before it was saved.
    """
    if value.is_integer():
        return str(int(value)) if abs(value) < EXACT else f"\0precision\0{int(value)}"
    if not math.isfinite(value):
        return repr(value)
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text


_TEXTS: dict[type, Callable[[Any], str]] = {
    str: lambda text: str(text).strip(),
    float: number_text,
    int: lambda value: number_text(float(value)) if abs(value) < EXACT else f"\0precision\0{value}",
    bool: lambda value: "true" if value else "false",
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: _span_text,
    type(None): lambda _: "",
}


class NumberTexts(dict[float, str]):
    """Texts of numbers as a request wants them; numbers repeat, so the first `KEPT_TEXTS` are kept."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self._decimal, self._digits = request.decimal, request.digits

    def __missing__(self, value: float) -> str:
        if self._digits < DOUBLE_DIGITS and math.isfinite(value):
            value = float(format(value, f".{self._digits}g"))
        text = number_text(value).replace(".", self._decimal)
        if len(self) < KEPT_TEXTS:
            self[value] = text
        return text


def read(request: Request, out: BinaryIO) -> None:
    """Write what is known of the sheet and its rows to `out`.

    Raises:
        RefusedError: the file cannot be read, or has not exactly one visible sheet of these names.
    """
    if request.text is not None:
        head = {"sheet": "", "epoch": 1900, "hidden_sheets": [], "sheets": [], "kind": "text", **Marks().said()}
        _write(out, head, _text_rows(Path(request.path), request.text))
        return
    import python_calamine as calamine

    try:
        file = container(Path(request.path))
        workbook = calamine.load_workbook(request.path)
        shown = calamine.SheetVisibleEnum.Visible
        visible = [sheet.name for sheet in workbook.sheets_metadata if sheet.visible == shown]
        hidden = [sheet.name for sheet in workbook.sheets_metadata if sheet.visible != shown]
        name = _chosen(request.sheets, visible, hidden)
        marks = file.marks(name)
        _check_size(marks.last_row, marks.last_column + 1)
        found = workbook.get_sheet_by_name(name)
        _check_size(found.total_height, found.total_width)
        if found.merged_cell_ranges is not None:
            marks.merged = [(top + 1, left, bottom + 1, right) for (top, left), (bottom, right) in found.merged_cell_ranges]
        _check_merges(marks.merged or [])
        head = {"sheet": name, "epoch": marks.epoch, "hidden_sheets": hidden, "sheets": visible, "kind": file.kind, **marks.said()}
        rows = _typed_rows(found) if request.typed else _calamine_rows(found, NumberTexts(request))
        _write(out, head, _merged_in(rows, marks))
    except calamine.PasswordError as error:
        raise RefusedError("format", "a workbook without a password", "a password") from error
    except (calamine.CalamineError, OSError, ValueError, struct.error, LookupError, StopIteration, OverflowError) as error:
        if "Cell limit exceeded" in str(error):
            raise RefusedError("too_large", f"at most {MAX_CELLS} cells", str(error)) from error
        raise RefusedError("format", "a readable workbook", f"{type(error).__name__}: {str(error)[:160]}") from error


def _chosen(accepted: list[str], visible: list[str], hidden: list[str]) -> str:
    if not accepted and visible:
        return visible[0]
    wanted = {normal(name) for name in accepted}
    found = [name for name in visible if normal(name) in wanted]
    if len(found) == 1:
        return found[0]
    expected = f"one visible sheet {' or '.join(map(repr, accepted))}"
    also = f"; hidden: {', '.join(hidden)}" if hidden else ""
    raise RefusedError("sheet", expected, (", ".join(found or visible) or "no visible sheet") + also)


def _check_size(rows: int, columns: int) -> None:
    if rows > MAX_ROWS or columns > MAX_COLUMNS or rows * columns > MAX_CELLS:
        expected = f"at most {MAX_ROWS} rows, {MAX_COLUMNS} columns and {MAX_CELLS} cells"
        raise RefusedError("too_large", expected, f"{rows} rows of {columns} columns")


def _check_merges(merged: list[Merge]) -> None:
    """Merged cells that do not overlap, as in every real sheet: the rows are then made in a time that grows with their number only."""
    open_until: list[int] = []
    for top, _, bottom, _ in sorted(merged):
        while open_until and open_until[0] < top:
            heapq.heappop(open_until)
        heapq.heappush(open_until, bottom)
        if len(open_until) > LAST_COLUMN + 1:
            raise RefusedError("format", "merged cells that do not overlap", f"more than {LAST_COLUMN + 1} in row {top}")


def _calamine_rows(found: Any, numbers: NumberTexts) -> Numbered:
    """Rows as texts, from the first column on; blank ones too."""
    before = [""] * (found.start[1] if found.start else 0)
    texts = _TEXTS
    for number, cells in enumerate(found.iter_rows(), 1):
        row = [
            cell.strip() if (kind := type(cell)) is str else numbers[cell] if kind is float else texts[kind](cell)
            for cell in cells
        ]  # fmt: skip
        yield number, before + row if before else row


def _typed_rows(found: Any) -> Numbered:
    """Rows as JSON values in texts, from the first column on; blank ones too."""
    before = [""] * (found.start[1] if found.start else 0)
    for number, cells in enumerate(found.iter_rows(), 1):
        yield number, before + [typed_value(cell) for cell in cells]


def typed_value(cell: Any) -> str:
    """Return a cell as JSON: texts, numbers and truths as they are, else `[kind, text]` of a date, datetime, time or timedelta (seconds)."""
    if cell is None or cell == "":
        return ""
    if isinstance(cell, timedelta):
        cell = ["timedelta", str(cell.total_seconds())]
    elif isinstance(cell, (datetime, date, time)):
        cell = [type(cell).__name__, cell.isoformat()]
    return orjson.dumps(cell).decode()


def _merged_in(rows: Numbered, marks: Marks) -> Numbered:
    """Put the marked cells into their rows, also into rows that have nothing else."""
    waiting = marks.by_row()
    if not waiting:
        yield from rows
        return
    for number, texts in rows:
        yield number, _marked(texts, waiting.pop(number, {}))
    for later in sorted(waiting):
        yield later, _marked([], waiting[later])


def _marked(texts: list[str], marks: dict[int, str]) -> list[str]:
    """A row with its marks; a mark of what a cell holds is nothing in an empty one."""
    for column, text in marks.items():
        texts += [""] * (column + 1 - len(texts))
        texts[column] = text.replace("{}", texts[column]) if texts[column] or not text.endswith("{}") else ""
    return texts


def _text_rows(path: Path, layout: dict[str, Any]) -> Numbered:
    with path.open("rb") as raw:
        start = raw.read(2)
    encoding = str(layout["encoding"]).lower().replace("_", "-")
    if encoding == "utf-16" and start not in UTF_16_MARKS:
        raise RefusedError("encoding", "UTF-16 with a byte-order mark", f"a file that starts with {start!r}")
    encoding = "utf-8-sig" if encoding in {"utf-8", "utf8"} else encoding
    csv.field_size_limit(MAX_CELL)
    try:
        with path.open("r", encoding=encoding, errors="strict", newline="") as text:
            lines = csv.reader(text, delimiter=layout["delimiter"], strict=True)
            number = 1
            for fields in lines:
                yield number, [field.strip() for field in fields]
                number = lines.line_num + 1
    except UnicodeError as error:
        raise RefusedError("encoding", layout["encoding"], str(error)[:160]) from error
    except csv.Error as error:
        raise RefusedError("quoting", "RFC 4180", f"{error} after line {lines.line_num}") from error


def _write(out: BinaryIO, head: dict[str, Any], rows: Iterable[tuple[int, list[str]]]) -> None:
    """Write the answer: the head, then chunks of rows; a row may have at most `MAX_COLUMNS` cells, a cell `MAX_CELL` signs."""
    out.write(orjson.dumps(head) + b"\n")
    numbers: list[int] = []
    kept: list[list[str]] = []
    for number, texts in rows:
        if not any(texts):
            continue
        if len(texts) > MAX_COLUMNS:
            raise RefusedError("too_large", f"at most {MAX_COLUMNS} columns", f"{len(texts)} in row {number}")
        if max(map(len, texts)) > MAX_CELL:
            texts[:] = [text if len(text) <= MAX_CELL else f"\0too_large\0{text[:MAX_CELL]}" for text in texts]
        numbers.append(number)
        kept.append(texts)
        if len(kept) == CHUNK_ROWS:
            out.write(orjson.dumps({"numbers": numbers, "rows": kept}) + b"\n")
            numbers, kept = [], []
    out.write(orjson.dumps({"numbers": numbers, "rows": kept}) + b"\n")


def main(arguments: list[str]) -> int:
    """Read what the JSON argument asks for; 0 also when the workbook was refused, with the refusal as last line."""
    limit_this_process()
    gc.disable()  # nothing here refers to itself, and the process ends with its answer
    out = sys.stdout.buffer
    try:
        read(Request(**json.loads(arguments[0])), out)
    except RefusedError as refusal:
        out.write(json.dumps({"refused": refusal.line}).encode() + b"\n")
    except MemoryError:
        out.write(json.dumps({"refused": ["too_large", f"a workbook that is read within {MEMORY_BYTES >> 20} MB", "more"]}).encode() + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
