"""The Excel cases of bad input that concern parsing, each by its number; files are made here, none is kept."""

import datetime as dt
import json
import re
import zipfile

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from lakehouse.sources import workbook
from lakehouse.sources.contracts import BROKEN
from lakehouse.sources.sheet_rows import CELLS, HIDDEN
from tests.unit.sources.books import GENERIC, HEADER, biff, cells, edited, ods, ods_row, ole, profile, refusal, with_part, xlsx

HEAD = ["order", "qty", "note"]
DATED = profile(columns={"order": [], "day": [], "at": [], "clock": []}, dates=["day"], timestamps=["at"], times=["clock"], quantities=[])
SHEET = "xl/worksheets/sheet1.xml"


def _rules(found):
    return {number: (row.get(BROKEN), json.loads(row.get(CELLS, "[]"))) for number, row in found.items() if BROKEN in row}


def _dated(tmp_path, epoch, values):
    book = openpyxl.Workbook()
    if epoch == 1904:
        book.epoch = CALENDAR_MAC_1904
    book.active.title = "S"
    for row in [["order", "day", "at", "clock"], *values]:
        book.active.append(row)
    book.save(tmp_path / "dated.xlsx")
    return tmp_path / "dated.xlsx"


@pytest.mark.parametrize("epoch", [1900, 1904])
def test_x01_dates_of_both_calendars(tmp_path, epoch):
    row = ["A", dt.date(2026, 1, 15), dt.datetime(2026, 1, 15, 6, 30), dt.time(6, 5)]
    assert cells(_dated(tmp_path, epoch, [row]), DATED)[2] == {
        "order": "A", "day": "2026-01-15", "at": "2026-01-15T06:30:00", "clock": "06:05:00",
    }  # fmt: skip


@pytest.mark.parametrize(("epoch", "day", "at"), [(1900, "2026-01-15", "2026-01-15T06:00:00"), (1904, "2030-01-16", "2030-01-16T06:00:00")])
def test_x02_day_numbers_count_in_the_workbooks_own_calendar(tmp_path, epoch, day, at):
    found = cells(_dated(tmp_path, epoch, [[46037, 46037, 46037.25, 0.25], ["B", "46037", "46037", "25:05"]]), DATED)
    assert found[2] == {"order": "46037", "day": day, "at": at, "clock": "06:00:00"}
    assert (found[3]["day"], found[3]["at"], found[3]["clock"]) == (day, f"{day}T00:00:00", "25:05:00")


@pytest.mark.parametrize("number", [60, 59, 0.5, -3, 2_958_466])
def test_x03_numbers_that_are_no_day(tmp_path, number):
    found = cells(_dated(tmp_path, 1900, [["A", number, None, None]]), DATED)
    assert _rules(found) == {2: ("ts_range", ["day"])}
    assert found[2]["day"] == str(number)


def test_x04_text_dates_stay_text_for_the_declared_layouts(tmp_path):
    found = cells(_dated(tmp_path, 1900, [["A", "15.01.2026", "15.01.2026 06:00", None]]), DATED)
    assert found[2] == {"order": "A", "day": "15.01.2026", "at": "15.01.2026 06:00"}


def test_x05_numbers_are_written_with_the_profiles_decimal_sign(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", [HEAD, ["A", 1.234, None], ["B", "1.234,5", None], ["C", 12, None]], "S")
    assert [row["qty"] for row in cells(path, profile(decimal=",")).values()] == ["1,234", "1.234,5", "12"]
    assert [row["qty"] for row in cells(path, profile()).values()] == ["1.234", "1.234,5", "12"]


def test_x06_order_numbers_beyond_fifteen_digits(tmp_path):
    rows = [HEAD, [12345678901234567000, 1, None], ["12345678901234567890", 1, None], [123456789012345, 1, None], [9915740199.0, 1, None]]
    found = cells(xlsx(tmp_path / "a.xlsx", rows, "S"), profile())
    assert _rules(found) == {2: ("precision", ["order"])}
    assert [found[n]["order"] for n in (3, 4, 5)] == ["12345678901234567890", "123456789012345", "9915740199"]


def test_x06_codes_that_excel_wrote_as_short_numbers(tmp_path):
    codes = ["9.915740199E+09", "9,915740199e+09", "9.91574e+09", "1.5E+20", "12E4", "1.25E+01"]
    found = cells(xlsx(tmp_path / "a.xlsx", [HEAD, *([code, 1, None] for code in codes)], "S"), profile())
    assert [row["order"] for row in found.values()] == ["9915740199", "9915740199", "9.91574e+09", "1.5E+20", "12E4", "1.25E+01"]
    assert _rules(found) == {n: ("precision", ["order"]) for n in (4, 5, 7)}


def test_x07_words_for_nothing_are_text(tmp_path):
    words = ["NA", "null", "None", "nan", "-"]
    found = cells(xlsx(tmp_path / "a.xlsx", [HEAD, *([word, 1, word] for word in words)], "S"), profile())
    assert [(row["order"], row["note"], row.get(BROKEN)) for row in found.values()] == [(word, word, None) for word in words]


ERRORS = ["#DIV/0!", "#REF!", "#N/A", "#NAME?", "#VALUE!", "#NUM!", "#NULL!"]


def test_x08_error_cells_of_xlsx(tmp_path):
    found = cells(xlsx(tmp_path / "a.xlsx", [HEAD, *([f"O{n}", error, None] for n, error in enumerate(ERRORS)), ["P", 1, None]], "S"), profile())
    assert _rules(found) == {n: ("error_cell", ["qty"]) for n in range(2, 9)}
    assert [found[n]["qty"] for n in range(2, 9)] == ERRORS


def test_x08_error_text_is_an_error_too(tmp_path):
    def as_text(sheet):
        sheet["B2"].data_type = "s"

    found = cells(xlsx(tmp_path / "a.xlsx", [HEAD, ["A", "#N/A", None]], "S", as_text), profile())
    assert _rules(found) == {2: ("error_cell", ["qty"])}


def test_x08_error_cells_of_xls(tmp_path):
    path = ole(tmp_path / "a.xls", Workbook=biff([HEAD, ["A", b"\x17", None], ["B", 2.5, "x"]]))
    found = cells(path, profile())
    assert _rules(found) == {2: ("error_cell", ["qty"])}
    assert found == {2: {"order": "A", "qty": "#REF!", BROKEN: "error_cell", CELLS: '["qty"]'}, 3: {"order": "B", "qty": "2.5", "note": "x"}}


def test_x08_error_cells_of_ods(tmp_path):
    found = cells(ods(tmp_path / "a.ods", ods_row(*HEAD) + ods_row("A", "Err:502", "n") + ods_row("B", "#REF!", "n")), profile())
    assert _rules(found) == {2: ("error_cell", ["qty"]), 3: ("error_cell", ["qty"])}


def test_x09_formula_without_a_value(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", [HEAD, ["A", "=1+1", None], ["B", 2, None], [None, None, "=A1"]], "S")
    found = cells(path, profile())
    assert _rules(found) == {2: ("no_cached_value", ["qty"]), 4: ("no_cached_value", ["note"])}
    assert (found[2]["qty"], found[4]["note"]) == ("=1+1", "=A1")


def test_x09_formula_with_a_value_counts_as_its_value(tmp_path):
    path = edited(xlsx(tmp_path / "a.xlsx", [HEAD, ["A", "=1+1", None]], "S"), SHEET, "<v />", "<v>2</v>")
    assert cells(path, profile())[2] == {"order": "A", "qty": "2"}


def test_x09_formula_whose_value_is_the_empty_text(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", [HEAD, ["A", 1, '=IF(B2,"","")']], "S")
    edited(path, SHEET, '<c r="C2"><f>', '<c r="C2" t="str"><f>')
    assert cells(path, profile())[2] == {"order": "A", "qty": "1"}


def test_x09_ods_formula_without_a_value(tmp_path):
    row = ods_row("A").replace("</table:table-row>", '<table:table-cell table:formula="of:=[.A1]"/></table:table-row>')
    assert _rules(cells(ods(tmp_path / "a.ods", ods_row(*HEAD) + row), profile())) == {2: ("no_cached_value", ["qty"])}


ACTIVE = ["xl/vbaProject.bin", "xl/externalLinks/externalLink1.xml", "xl/embeddings/oleObject1.bin", "xl/connections.xml", "xl/macrosheets/s.xml"]


@pytest.mark.parametrize("part", ACTIVE)
def test_x10_active_content(tmp_path, part):
    assert refusal(with_part(xlsx(tmp_path / "a.xlsx", [HEADER]), part, b"x")).startswith("active_content: expected no macros")


def test_x10_macros_and_links_of_xls(tmp_path):
    stream = biff([HEAD, ["A", 1.0, None]])
    assert "active_content" in refusal(ole(tmp_path / "a.xls", Workbook=stream, _VBA_PROJECT_CUR=b"x"), profile())
    linked = biff([HEAD, ["A", 1.0, None]], before=b"\xae\x01\x0b\x00\x01\x00\x06\x00\x00other.")
    assert "a link to another file" in refusal(ole(tmp_path / "b.xls", Workbook=linked), profile())


def _merge(*areas):
    def change(sheet):
        for area in areas:
            sheet.merge_cells(area)

    return change


ROWS = [HEAD, ["A", 1, "x"], [None, 2, "y"], [None, 3, "z"], ["B", 4, None]]


def test_x11_merged_cells_are_refused(tmp_path):
    found = cells(xlsx(tmp_path / "a.xlsx", ROWS, "S", _merge("A2:A4")), profile())
    assert _rules(found) == {3: ("merged", ["order"]), 4: ("merged", ["order"])}


def test_x11_merged_cells_are_filled_where_the_profile_says_so(tmp_path):
    found = cells(xlsx(tmp_path / "a.xlsx", ROWS, "S", _merge("A2:A4")), profile(fill_down=["order"]))
    assert [(row["order"], row["qty"]) for row in found.values()] == [("A", "1"), ("A", "2"), ("A", "3"), ("B", "4")]
    assert _rules(found) == {}


def test_x11_a_merged_quantity_is_never_filled(tmp_path):
    found = cells(xlsx(tmp_path / "a.xlsx", [HEAD, ["A", 5, None], ["B", None, None]], "S", _merge("B2:B3")), profile(fill_down=["order"]))
    assert _rules(found) == {3: ("merged", ["qty"])}


def test_x11_merged_cells_of_ods(tmp_path):
    spanned = '<table:table-cell office:value-type="string" table:number-rows-spanned="2"><text:p>A</text:p></table:table-cell>'
    rest = '<table:table-cell office:value-type="float" office:value="1"><text:p>1</text:p></table:table-cell>'
    table = ods_row(*HEAD) + f"<table:table-row>{spanned}{rest}</table:table-row><table:table-row><table:covered-table-cell/>{rest}</table:table-row>"
    assert _rules(cells(ods(tmp_path / "a.ods", table), profile())) == {3: ("merged", ["order"])}


def test_x12_hidden_rows_and_columns_are_read_and_said(tmp_path):
    def hide(sheet):
        sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["B"].hidden = True

    found = cells(xlsx(tmp_path / "a.xlsx", [HEAD, ["A", 1, None], ["B", 2, None]], "S", hide), profile())
    assert (found[2][HIDDEN], found[3][HIDDEN], found[3]["qty"]) == ("columns qty", "row; columns qty", "2")


def test_x12_hidden_rows_of_xls(tmp_path):
    hidden = b"\x08\x02\x10\x00" + b"\x01\x00" + bytes(10) + b"\x20" + bytes(3)
    found = cells(ole(tmp_path / "a.xls", Workbook=biff([HEAD, ["A", 1.0, None]], extra=hidden)), profile())
    assert found[2][HIDDEN] == "row"


def test_x12_hidden_sheets_are_not_read_and_said(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "S"
    book.active.append(HEAD)
    book.active.append(["A", 1, None])
    other = book.create_sheet("Old")
    other.append(["x"])
    other.sheet_state = "hidden"
    book.save(tmp_path / "a.xlsx")
    assert workbook.opened(tmp_path / "a.xlsx", profile()).sheet.hidden_sheets == ("Old",)
    assert refusal(tmp_path / "a.xlsx", profile(sheet="Old")) == "sheet: expected one visible sheet 'Old', found S; hidden: Old"


def test_x13_titles_above_the_header(tmp_path):
    rows = [["Plant 4, week 47"], [], ["printed 2026-11-20"], HEADER, ["C1", 1]]
    assert workbook.opened(xlsx(tmp_path / "a.xlsx", rows), GENERIC).header.row == 4
    assert cells(tmp_path / "a.xlsx", GENERIC) == {5: {"confirmation_no": "C1", "counter": "1"}}


def test_x13_doubled_headers(tmp_path):
    twice = xlsx(tmp_path / "a.xlsx", [[*HEAD, "qty"], ["A", 1, "", 2]], "S")
    assert "header column 'qty': expected once, found 2 times" in refusal(twice, profile())
    both = profile(columns={"order": [], "qty": ["Menge"], "note": []})
    assert "found 2 times: 'qty', 'MENGE'" in refusal(xlsx(tmp_path / "b.xlsx", [[*HEAD, "MENGE"], ["A", 1, "", 2]], "S"), both)


def test_x13_headers_without_accents_capitals_and_blanks(tmp_path):
    given = profile(columns={"order": ["Número  de órden"], "qty": ["Qty"], "note": []})
    found = cells(xlsx(tmp_path / "a.xlsx", [[" numero de ORDEN", "QTY ", "Note"], ["A", 1, "x"]], "S"), given)
    assert found[2] == {"order": "A", "qty": "1", "note": "x"}


def test_x13_the_declared_spelling_wins(tmp_path):
    given = profile(columns={"qty": [], "good": ["QTY"], "order": []}, quantities=[])
    found = cells(xlsx(tmp_path / "a.xlsx", [["order", "QTY", "qty"], ["A", 1, 2]], "S"), given)
    assert found[2] == {"order": "A", "good": "1", "qty": "2"}


def test_x13_a_header_that_is_like_two_columns_is_neither(tmp_path):
    given = profile(columns={"order": [], "qty": [], "QTY": []}, optional=["qty", "QTY"], quantities=[])
    assert refusal(xlsx(tmp_path / "a.xlsx", [["order", "Qty"], ["A", 1]], "S"), given).startswith("header column 'Qty': expected no such column")


def test_x13_no_header_at_all(tmp_path):
    assert "none of these names" in refusal(xlsx(tmp_path / "a.xlsx", [["C1", 1], ["C2", 2]]))


def test_x14_wrong_or_two_sheets(tmp_path):
    several = profile(sheet=["S", "T"])
    book = openpyxl.Workbook()
    book.active.title = "s"
    book.create_sheet("T").append(HEAD)
    book.active.append(HEAD)
    book.active.append(["A", 1, None])
    book.save(tmp_path / "a.xlsx")
    assert refusal(tmp_path / "a.xlsx", several) == "sheet: expected one visible sheet 'S' or 'T', found s, T"
    assert workbook.opened(tmp_path / "a.xlsx", profile()).sheet.name == "s"
    assert refusal(tmp_path / "a.xlsx", profile(sheet="U")).startswith("sheet: expected one visible sheet 'U', found s, T")


def test_x15_formatted_empty_rows_to_the_last_one(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", [HEAD, ["A", 1, None]], "S")
    styled = "".join(f'<row r="{n}"><c r="A{n}" s="0"/></row>' for n in range(3, 200_000))
    edited(path, SHEET, "</sheetData>", f'{styled}<row r="1048576" s="0" customFormat="1"/></sheetData>')
    edited(path, SHEET, '<dimension ref="A1:C2" />', '<dimension ref="A1:Q1048576" />')
    assert cells(path, profile()) == {2: {"order": "A", "qty": "1"}}


def test_x24_blanks_that_are_not_spaces(tmp_path):
    found = cells(xlsx(tmp_path / "a.xlsx", [HEAD, ["\u00a0A\u202f", "1\u00a0234", "one\ntwo"], ["'B", "１２", None]], "S"), profile())
    assert found[2] == {"order": "A", "qty": "1\u00a0234", "note": "one\ntwo"}
    assert found[3] == {"order": "'B", "qty": "１２"}


def test_x24_rich_text(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", [HEAD, ["A", 1, "plain"]], "S")
    edited(path, SHEET, "<t>plain</t>", '<r><t xml:space="preserve">one </t></r><r><rPr><b/></rPr><t>two</t></r>')
    assert cells(path, profile())[2]["note"] == "one two"


def test_x24_control_characters(tmp_path):
    path = edited(xlsx(tmp_path / "a.xlsx", [HEAD, ["A", 1, "plain"]], "S"), SHEET, "<t>plain</t>", "<t>pl&#1;ain</t>")
    assert _rules(cells(path, profile())) == {2: ("control_char", ["note"])}


def test_x25_percents(tmp_path):
    def percent(sheet):
        sheet["B2"].number_format = "0.0%"
        sheet["C4"].number_format = "0%"
        sheet["B4"].number_format = '0" of 100 %"'

    found = cells(xlsx(tmp_path / "a.xlsx", [HEAD, ["A", 0.05, None], ["B", "5 %", None], ["C", 5, 0.5]], "S", percent), profile())
    assert _rules(found) == {2: ("unit", ["qty"]), 3: ("unit", ["qty"])}
    assert (found[2]["qty"], found[4]["note"]) == ("0.05", "0.5")


def test_c29_total_rows_are_kept_apart(tmp_path):
    rows = [HEAD, ["A", 1, None], ["TOTAL ", 1, None], [None, 2, None], ["total", "#REF!", None]]
    given = profile(total_rows={"column": "order", "values": ["Total"]}, fill_down=["order"])
    found = cells(xlsx(tmp_path / "a.xlsx", rows, "S"), given)
    assert _rules(found) == {3: ("total_row", ["order"]), 5: ("total_row", ["order"])}
    assert (found[3]["qty"], "order" in found[4]) == ("1", False)


def test_c07_a_header_repeated_among_the_rows(tmp_path):
    assert _rules(cells(xlsx(tmp_path / "a.xlsx", [HEAD, ["A", 1, None], HEAD], "S"), profile())) == {3: ("repeated_header", [])}


def test_sheets_whose_tags_have_a_prefix(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", [HEAD, ["A", "=1+1", None], ["B", "#REF!", None]], "S")
    with zipfile.ZipFile(path) as archive:
        text = archive.read(SHEET).decode()
    prefixed = re.sub(r"<(/?)(\w)", r"<\1x:\2", text).replace(" xmlns=", " xmlns:x=")
    found = cells(edited(path, SHEET, text, prefixed), profile())
    assert _rules(found) == {2: ("no_cached_value", ["qty"]), 3: ("error_cell", ["qty"])}
