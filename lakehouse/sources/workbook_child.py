"""Reads one sheet of one workbook in a process of its own, so that a hostile file can only hurt this process.

Called by `lakehouse.sources.workbook` with one JSON argument; writes JSON lines: first `{"sheets": […]}`, then each row of the
sheet as a list of texts. A refusal is one line `{"refused": [kind, expected, found]}`. Nothing heavy may be imported here.
"""

from __future__ import annotations

import json
import math
import re
import resource
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TextIO

MEMORY_BYTES = 512 << 20
CPU_S = 20
MAX_PACKED = 50 << 20
MAX_EXPANDED = 512 << 20
MAX_RATIO = 100
RATIO_FROM = 16 << 20
MAX_CELLS = 5_000_000
ZIP_MAGIC = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ACTIVE = ("vbaproject.bin", "/externallinks/", "/activex/", "/macrosheets/")
DIMENSION = re.compile(rb'<dimension ref="[A-Z]+\d+:([A-Z]+)(\d+)"')
DIMENSION_HEAD = 1 << 16
DAY_MS = 86_400_000


class RefusedError(Exception):
    """The workbook is not read; carries kind, expected and found."""

    def __init__(self, kind: str, expected: str, found: str) -> None:
        super().__init__(kind)
        self.line = [kind, expected, found]


class Request(NamedTuple):
    """What the parent wants: the file, and the sheet by name."""

    path: str
    sheet: str


def limit_this_process() -> None:
    """Bound memory and processor time; both are hard limits of the system."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def check_container(path: Path) -> None:
    """Look at the container before any cell is parsed.

    Raises:
        RefusedError: not a workbook, too large, packed suspiciously well, or with macros or links to other files.
    """
    size = path.stat().st_size
    if size > MAX_PACKED:
        raise RefusedError("too_large", f"at most {MAX_PACKED} bytes", str(size))
    with path.open("rb") as raw:
        magic = raw.read(8)
    if magic.startswith(ZIP_MAGIC):
        _check_zip(path, size)
    elif magic != OLE_MAGIC:
        raise RefusedError("format", "an xlsx, xlsb, ods or xls workbook", f"a file that starts with {magic[:8]!r}")


def _check_zip(path: Path, size: int) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_entries(entries, size)
            _check_dimensions(archive, entries)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
        raise RefusedError("zip", "an intact archive", str(error)) from error


def _check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    names = [entry.filename for entry in entries]
    expanded = sum(entry.file_size for entry in entries)
    if len(set(names)) != len(names):
        raise RefusedError("zip", "each entry once", "entries of the same name")
    if any(entry.flag_bits & 1 for entry in entries):
        raise RefusedError("zip", "no password", "encrypted entries")
    if any(name.startswith("/") or ".." in name.replace("\\", "/").split("/") for name in names):
        raise RefusedError("zip", "paths inside the archive", "a path that leads out of it")
    if expanded > MAX_EXPANDED or (expanded > RATIO_FROM and expanded > MAX_RATIO * size):
        raise RefusedError("ratio", f"at most {MAX_EXPANDED} bytes and {MAX_RATIO} times its size", f"{expanded} bytes expanded from {size}")
    active = next((name for name in names if any(mark in f"/{name.lower()}" for mark in ACTIVE)), "")
    if active:
        raise RefusedError("active_content", "no macros and no links to other files", active)


def _check_dimensions(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    for entry in entries:
        if not re.fullmatch(r"xl/worksheets/[^/]+\.xml", entry.filename):
            continue
        with archive.open(entry) as sheet:
            found = DIMENSION.search(sheet.read(DIMENSION_HEAD))
        if found and _column_number(found[1].decode()) * int(found[2]) > MAX_CELLS:
            raise RefusedError("too_large", f"at most {MAX_CELLS} cells", f"a sheet that reaches to {found[1].decode()}{found[2].decode()}")


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def text_of(cell: Any) -> str:
    """Return a cell's value as exact text: 5.0 is `5`, 0.1 is `0.1`, dates and times are ISO, spans are h:mm:ss."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return number_text(cell)
    if isinstance(cell, (datetime, date, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return "" if cell is None else str(cell)


def number_text(value: float) -> str:
    """Return the shortest decimal text that is exactly this number, never with an exponent."""
    if not math.isfinite(value):
        return repr(value)
    if value.is_integer():
        return str(int(value))
    return format(Decimal(repr(value)), "f")


def read(request: Request, out: TextIO) -> None:
    """Write the sheet's names and rows to `out`.

    Raises:
        RefusedError: the workbook cannot be read, or has no visible sheet of that name.
    """
    import python_calamine as calamine

    check_container(Path(request.path))
    try:
        workbook = calamine.load_workbook(request.path)
        visible = [sheet.name for sheet in workbook.sheets_metadata if sheet.visible == calamine.SheetVisibleEnum.Visible]
        if request.sheet not in visible:
            raise RefusedError("sheet", f"a visible sheet {request.sheet!r}", ", ".join(visible) or "no visible sheet")
        found = workbook.get_sheet_by_name(request.sheet)
        if found.total_height * found.total_width > MAX_CELLS:
            raise RefusedError("too_large", f"at most {MAX_CELLS} cells", f"{found.total_height} rows of {found.total_width}")
        out.write(json.dumps({"sheets": visible}) + "\n")
        for row in found.to_python(skip_empty_area=False):
            out.write(json.dumps([text_of(cell) for cell in row], ensure_ascii=False) + "\n")
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise RefusedError("format", "a readable workbook", f"{type(error).__name__}: {str(error)[:160]}") from error


def main(arguments: list[str]) -> int:
    """Read what the JSON argument asks for; 0 also when the workbook was refused, with the refusal as last line."""
    limit_this_process()
    request = Request(**json.loads(arguments[0]))
    try:
        read(request, sys.stdout)
    except RefusedError as refusal:
        sys.stdout.write(json.dumps({"refused": refusal.line}) + "\n")
    except MemoryError:
        sys.stdout.write(json.dumps({"refused": ["too_large", f"a workbook that is read within {MEMORY_BYTES >> 20} MB", "more"]}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
