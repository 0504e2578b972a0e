import datetime as dt
import zipfile
from pathlib import Path

import openpyxl
import pytest

from lakehouse.sources import workbook
from lakehouse.sources.contracts import BROKEN, ContractBreachError, load_sources
from lakehouse.sources.workbook_child import number_text, text_of

GENERIC = load_sources().contract("confirmations").profile("demo")
HEADER = list(GENERIC.columns)
DAY, START, FINISH = dt.date(2026, 11, 20), dt.datetime(2026, 11, 20, 6), dt.datetime(2026, 11, 20, 14)
GOOD = ["C1", 1, "O1", "10", "M01", "P-100", DAY, START, FINISH, 98, 2, 0, "S1", "PC", "early"]


def _book(tmp_path: Path, rows: list[list], sheet: str = "Confirmations") -> Path:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    path = tmp_path / "book.xlsx"
    book.save(path)
    return path


def _refused(path: Path) -> str:
    with pytest.raises(ContractBreachError) as caught:
        workbook.rows(path, GENERIC)
    assert caught.value.code == "E_CONTRACT"
    return caught.value.differences[0].text()


def _with_entry(path: Path, name: str, content: bytes) -> Path:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (5.0, "5"), (0.1, "0.1"), (9915740199.0, "9915740199"), (1.5e-7, "0.00000015"), (-0.5, "-0.5"),
        (True, "true"), (None, ""), ("NA", "NA"), (dt.date(2018, 11, 1), "2018-11-01"), (dt.datetime(2018, 11, 1, 6), "2018-11-01T06:00:00"),
        (dt.timedelta(hours=25, minutes=5), "25:05:00"), (float("nan"), "nan"),
    ],
)  # fmt: skip
def test_exact_text(cell, text):
    assert text_of(cell) == text


def test_number_text_is_exact():
    assert float(number_text(46037.25)) == 46037.25


def test_rows_by_name_blank_rows_left_out(tmp_path):
    order = [*HEADER[1:], HEADER[0]]
    found = workbook.rows(_book(tmp_path, [order, [*GOOD[1:], None, None, "C1"], [], [2, "O2"]]), GENERIC)
    assert [number for number, _ in found] == [2, 4]
    assert found[0][1] == {
        "confirmation_no": "C1", "counter": "1", "order_no": "O1", "operation_no": "10", "machine_id": "M01", "material": "P-100",
        "posting_date": "2026-11-20", "start": "2026-11-20T06:00:00", "finish": "2026-11-20T14:00:00", "yield_qty": "98", "scrap_qty": "2",
        "rework_qty": "0", "scrap_reason": "S1", "unit": "PC", "shift": "early",
    }  # fmt: skip


def test_alias_of_a_column(tmp_path):
    profile = GENERIC.model_copy(update={"columns": {**GENERIC.columns, "order_no": ("Order",)}})
    header = ["Order" if name == "order_no" else name for name in HEADER]
    assert workbook.rows(_book(tmp_path, [header, GOOD]), profile)[0][1]["order_no"] == "O1"


def test_cell_beyond_the_header_is_a_broken_row(tmp_path):
    found = workbook.rows(_book(tmp_path, [HEADER, GOOD, ["C2"] + [None] * (len(HEADER) - 1) + ["note"]]), GENERIC)
    assert [cells.get(BROKEN) for _, cells in found] == [None, "columns"]


@pytest.mark.parametrize(
    ("rows", "sheet", "said"),
    [
        ([HEADER[1:], GOOD[1:]], "Confirmations", "header column 'confirmation_no': expected present"),
        ([[*HEADER, "yield_qty"], GOOD], "Confirmations", "header column 'yield_qty': expected once, found 2 times"),
        ([[*HEADER, "extra"], GOOD], "Confirmations", "header column 'extra': expected no such column"),
        ([HEADER], "Confirmations", "empty: expected at least one row"),
        ([HEADER, GOOD], "Sheet1", "sheet: expected one visible sheet 'Confirmations' or 'Rückmeldungen', found Sheet1"),
        ([], "Confirmations", "header"),
    ],
)
def test_layout_breaches(tmp_path, rows, sheet, said):
    assert said in _refused(_book(tmp_path, rows, sheet))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b,c\n1,2,3\n", "format: expected an xlsx, xlsb, ods or xls workbook"),
        (b"", "format"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "format: expected a readable workbook"),
        (b"PK\x03\x04" + b"junk" * 50, "zip: expected an intact archive"),
    ],
)
def test_unreadable_files_have_one_clear_message(tmp_path, content, said):
    path = tmp_path / "any.xlsx"
    path.write_bytes(content)
    assert said in _refused(path)


def test_truncated_workbook(tmp_path):
    path = _book(tmp_path, [HEADER, GOOD])
    path.write_bytes(path.read_bytes()[:-200])
    assert "zip" in _refused(path)


@pytest.mark.parametrize("name", ["xl/vbaProject.bin", "xl/externalLinks/externalLink1.xml"])
def test_active_content(tmp_path, name):
    assert "active_content" in _refused(_with_entry(_book(tmp_path, [HEADER, GOOD]), name, b"x"))


def test_path_out_of_the_archive(tmp_path):
    assert "zip_path: expected paths inside the archive" in _refused(_with_entry(_book(tmp_path, [HEADER, GOOD]), "../../evil", b"x"))


def test_bomb_is_refused_before_parsing(tmp_path):
    path = _with_entry(_book(tmp_path, [HEADER, GOOD]), "xl/worksheets/sheet9.xml", b"<row/>" * (20 << 20))
    assert path.stat().st_size < 1 << 20
    assert "ratio" in _refused(path)


def test_far_away_cell_is_refused_before_parsing(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Confirmations"
    book.active["A1"] = "confirmation_no"
    book.active["XFD1048576"] = 1
    path = tmp_path / "far.xlsx"
    book.save(path)
    assert "found 1048576 rows of 16384 columns" in _refused(path)


def test_child_that_outgrows_its_memory_hurts_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "CHILD_MODULE", "tests.unit.sources.greedy_child")
    assert "512 MB" in _refused(_book(tmp_path, [HEADER, GOOD]))


def test_child_that_does_not_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "CHILD_MODULE", "tests.unit.sources.greedy_child")
    monkeypatch.setattr(workbook, "WALL_S", 1)
    endless = GENERIC.model_copy(update={"sheet": "endless"})
    with pytest.raises(ContractBreachError, match="read within 1 s"):
        workbook.rows(_book(tmp_path, [HEADER, GOOD]), endless)
