"""What the records of binary workbooks say beside the values of cells: errors, merged cells, what is hidden, the calendar.

An xlsb part is a sequence of (number, length, content) records, so is the stream of an xls; imported by the child process only.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator

from lakehouse.sources.workbook_marks import Marks, targets

ERROR_TEXTS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A", 43: "#GETTING_DATA"}

XLSB_ROW, XLSB_ERROR, XLSB_FORMULA_ERROR, XLSB_COLUMN, XLSB_PROPERTIES, XLSB_SHEET, XLSB_MERGE = 0, 3, 11, 60, 153, 156, 176
XLS_FORMULA, XLS_EOF, XLS_EPOCH, XLS_PASSWORD, XLS_COLUMN = 6, 10, 0x22, 0x2F, 0x7D
XLS_SHEET, XLS_BOOK, XLS_ERROR, XLS_ROW = 0x85, 0x1AE, 0x205, 0x208
XLS_OWN_BOOK = (b"\x01\x04", b"\x01\x3a")
HIDDEN_ROW = 0x10
BIFF8 = 0x600


def xlsb_records(part: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (record number, start of its content, end) of an xlsb part; ValueError when it is cut off."""
    at, end = 0, len(part)
    while at < end:
        number = part[at]
        at += 1
        if number & 0x80:
            number = (number & 0x7F) | part[at] << 7
            at += 1
        length, shift = 0, 0
        while True:
            byte = part[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80 or shift == 28:
                break
        if at + length > end:
            raise ValueError("a record reaches behind the end of its part")
        yield number, at, at + length
        at += length


def _text(part: bytes, at: int) -> tuple[str, int]:
    length = struct.unpack_from("<I", part, at)[0]
    return part[at + 4 : at + 4 + 2 * length].decode("utf-16-le"), at + 4 + 2 * length


def xlsb_marks(archive: zipfile.ZipFile, sheet: str) -> Marks:
    """Return the marks of a sheet of an xlsb workbook."""
    marks, relation = Marks(), ""
    book = archive.read("xl/workbook.bin")
    for number, at, _ in xlsb_records(book):
        if number == XLSB_PROPERTIES and book[at] & 1:
            marks.epoch = 1904
        elif number == XLSB_SHEET:
            named, after = _text(book, at + 8)
            relation = named if _text(book, after)[0] == sheet else relation
    part, row = archive.read(targets(archive, "xl/workbook.bin")[relation]), 0
    marks.merged = []
    for number, at, _ in xlsb_records(part):
        if number == XLSB_ROW:
            row = struct.unpack_from("<I", part, at)[0] + 1
            if part[at + 11] & HIDDEN_ROW:
                marks.hidden_rows.append(row)
        elif number in {XLSB_ERROR, XLSB_FORMULA_ERROR}:
            marks.error(row, struct.unpack_from("<I", part, at)[0], ERROR_TEXTS.get(part[at + 8], f"error {part[at + 8]}"))
        elif number == XLSB_COLUMN and part[at + 16] & 1:
            first, last = struct.unpack_from("<II", part, at)
            marks.hide_columns(first, last)
        elif number == XLSB_MERGE:
            top, bottom, left, right = struct.unpack_from("<IIII", part, at)
            marks.merged.append((top + 1, left, bottom + 1, right))
    return marks


def xls_records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield (record number, content) of an xls stream from a place to the end of the part that begins there."""
    while at + 4 <= len(stream):
        number, length = struct.unpack_from("<HH", stream, at)
        yield number, stream[at + 4 : at + 4 + length]
        at += 4 + length
        if number == XLS_EOF:
            return


def _sheet_name(content: bytes, version: int) -> str:
    if version < BIFF8:
        return content[7 : 7 + content[6]].decode("latin-1")
    count, wide = content[6], content[7] & 1
    return content[8 : 8 + count * 2].decode("utf-16-le") if wide else content[8 : 8 + count].decode("latin-1")


def xls_marks(stream: bytes, sheet: str) -> Marks:
    """Return the marks of a sheet of an xls workbook (BIFF5 or BIFF8), whether it has a password or links to other files among them."""
    marks, place, version = Marks(), len(stream), int.from_bytes(stream[4:6], "little")
    for number, content in xls_records(stream, 0):
        if number == XLS_EPOCH and content[:1] == b"\x01":
            marks.epoch = 1904
        elif number == XLS_PASSWORD:
            marks.has_password = True
            return marks
        elif number == XLS_BOOK and content[2:4] not in XLS_OWN_BOOK:
            marks.has_links = True
        elif number == XLS_SHEET and _sheet_name(content, version) == sheet:
            place = struct.unpack_from("<I", content)[0]
    _xls_cells(xls_records(stream, place), marks)
    return marks


def _xls_cells(records: Iterator[tuple[int, bytes]], marks: Marks) -> None:
    for number, content in records:
        if number == XLS_ERROR and content[7]:
            row, column = struct.unpack_from("<HH", content)
            marks.error(row + 1, column, ERROR_TEXTS.get(content[6], f"error {content[6]}"))
        elif number == XLS_FORMULA and content[6] == 2 and content[12:14] == b"\xff\xff":
            row, column = struct.unpack_from("<HH", content)
            marks.error(row + 1, column, ERROR_TEXTS.get(content[8], f"error {content[8]}"))
        elif number == XLS_ROW and content[12] & 0x20:
            marks.hidden_rows.append(struct.unpack_from("<H", content)[0] + 1)
        elif number == XLS_COLUMN and content[8] & 1:
            marks.hide_columns(*struct.unpack_from("<HH", content))
