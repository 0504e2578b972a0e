"""What the records of an xlsb sheet say beside its values, from records made here; real xlsb files are read in test_real_workbooks."""

import io
import struct
import zipfile

import pytest

from lakehouse.sources.ole import Ole, OleError
from lakehouse.sources.workbook_records import xlsb_marks, xlsb_records


def _record(number, content):
    head = bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80, number >> 7])
    short, long = len(content) & 0x7F, len(content) >> 7
    return head + (bytes([short | 0x80, long]) if long else bytes([short])) + content


def _text(text):
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def _row(number, *, hidden=False):
    return _record(0, struct.pack("<IIHBB", number, 0, 300, 0, 0x10 if hidden else 0) + bytes(9))


def _archive(*records, flags=0):
    sheets = b"".join(_record(156, struct.pack("<II", 0, n) + _text(f"rId{n}") + _text(name)) for n, name in ((1, "Other"), (2, "S")))
    relations = '<Relationship Id="rId2" Target="worksheets/sheet2.bin"/><Relationship Target="/xl/worksheets/sheet1.bin" Id="rId1"/>'
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("xl/workbook.bin", _record(153, struct.pack("<II", flags, 0)) + sheets)
        archive.writestr("xl/_rels/workbook.bin.rels", relations)
        archive.writestr("xl/worksheets/sheet1.bin", b"")
        archive.writestr("xl/worksheets/sheet2.bin", b"".join(records))
    return zipfile.ZipFile(raw)


def test_xlsb_errors_merges_and_what_is_hidden():
    cell = struct.pack("<II", 4, 0)
    marks = xlsb_marks(
        _archive(
            _record(60, struct.pack("<IIIIH", 2, 3, 0, 0, 1)), _record(60, struct.pack("<IIIIH", 7, 9, 0, 0, 0)),
            _row(0), _row(6, hidden=True), _record(3, cell + b"\x17"), _record(11, cell + b"\x2a" + bytes(200)),
            _record(176, struct.pack("<IIII", 1, 3, 0, 2)),
        ),
        "S",
    )  # fmt: skip
    assert marks.cells == [(7, 4, "\0error_cell\0#REF!"), (7, 4, "\0error_cell\0#N/A")]
    assert (marks.merged, marks.hidden_rows, marks.hidden_columns, marks.epoch) == ([(2, 0, 4, 2)], [7], {2, 3}, 1900)


def test_xlsb_calendar_of_1904():
    assert xlsb_marks(_archive(flags=1), "S").epoch == 1904


def test_a_record_that_reaches_behind_its_part():
    with pytest.raises(ValueError, match="reaches behind"):
        list(xlsb_records(b"\x00\x7f\x00"))


@pytest.mark.parametrize("content", [b"", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)])
def test_ole_headers_that_do_not_hold_together(content):
    with pytest.raises(OleError):
        Ole(content)
