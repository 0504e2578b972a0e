"""A refused workbook comes back with comments, is mended, and is taken; the template as well."""

import datetime as dt
import zipfile

import openpyxl
import pytest

from lakehouse.errors import SettingsError
from lakehouse.sources import refusals, workbook
from lakehouse.sources.contracts import BROKEN, ContractBreachError, load_sources
from lakehouse.sources.workbook_return import RefusedCell, RefusedRow, annotated, refused_cells, refused_header
from lakehouse.sources.workbook_template import GUIDE, template
from lakehouse.tables.silver import CONFIRMATION
from tests.unit.sources.books import GENERIC, HEADER, biff, cells, ods, ods_row, ole, profile, xlsx

CELL = RefusedCell("S", 3, "B", "quantity_range", "many", "a number")
HEAD = ["order", "qty", "note"]
ROWS = [HEAD, ["A", 1, dt.date(2026, 11, 20)], ["B", "many", "=1+1"]]
READER_RULES = {
    "columns", "repeated_header", "control_char", "too_large", "error_cell", "no_cached_value", "precision", "merged", "unit", "total_row",
    "ts_range",
}  # fmt: skip
EARLY_RULES = {
    "key", "unknown_machine", "unknown_shift", "timestamp_format", "ambiguous_local_time", "nonexistent_local_time", "produced_date_format",
}  # fmt: skip


def _as_text(sheet):
    sheet["C3"].data_type = "s"


def _sheet(path, name="S"):
    return openpyxl.load_workbook(path)[name]


def test_every_rule_of_a_confirmation_has_words():
    rules = {*READER_RULES, *EARLY_RULES, *(rule.name for rule in CONFIRMATION.rules)}
    assert {rule for rule in rules if refusals.expected_of(rule, GENERIC).startswith("a row that keeps the rule")} == set()
    assert "rule invented" in refusals.expected_of("invented", GENERIC)


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ("posting_date_format", ("posting_date",)), ("quantity_sum", ("yield_qty", "scrap_qty", "rework_qty")), ("unknown_machine", ("machine_id",)),
        ("interval", ("start", "finish")), ("key", ("confirmation_no", "counter")), ("total_row", ("confirmation_no",)), ("columns", ()),
    ],
)  # fmt: skip
def test_columns_of_a_rule(rule, names):
    assert refusals.cells_of_rule(rule, GENERIC) == names


def test_columns_of_an_instant_that_stands_in_two():
    bottling = load_sources().contract("bottling-batch").profile("any")
    assert refusals.in_sheet(("ended_at", "Batch"), bottling) == ("Date", "End Time", "Batch")


def test_marked_in_place(tmp_path):
    def old_comment(sheet):
        sheet["B3"].comment = openpyxl.comments.Comment("mine", "me")
        sheet.column_dimensions["A"].width = 42

    original = xlsx(tmp_path / "a.xlsx", ROWS, "S", old_comment)
    before = original.read_bytes()
    sheet = _sheet(annotated(original, [CELL, RefusedCell("S", 3, "B", "unit", "many", "pieces")], tmp_path / "out.xlsx"))
    said = sheet["B3"].comment.text
    assert said.index("mine") < said.index("Refused (quantity_range).\nFound: many\nExpected: a number") < said.index("Refused (unit)")
    assert (sheet["B3"].fill.start_color.rgb, sheet["A3"].comment, sheet["C3"].value) == ("FFFFC7CE", None, "=1+1")
    assert sheet.column_dimensions["A"].width == 42
    assert original.read_bytes() == before


def test_a_merged_cell_is_marked_where_it_shows(tmp_path):
    original = xlsx(tmp_path / "a.xlsx", [HEAD, ["A", 1], [None, 2]], "S", lambda sheet: sheet.merge_cells("A2:A3"))
    assert "merged" in _sheet(annotated(original, [RefusedCell("S", 3, "A", "merged", "", "one each")], tmp_path / "o.xlsx"))["A2"].comment.text


def test_formats_without_comments_come_as_a_copy(tmp_path):
    table = ods_row("order", "qty", "note") + "<table:table-row/>" + ods_row("B", "many", "=cmd|' /C calc'!A0")
    sources = [ods(tmp_path / "a.ods", table), ole(tmp_path / "b.xls", Workbook=biff([HEAD, [None], ["B", "many", "=cmd|' /C calc'!A0"]]))]
    for original in sources:
        sheet = _sheet(annotated(original, [CELL], tmp_path / "out.xlsx"))
        assert sheet["A1"].comment.text.startswith(f"The values of {original.name}")
        assert "Refused (quantity_range)" in sheet["B3"].comment.text
        assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [HEAD, [None] * 3, ["B", "many", "=cmd|' /C calc'!A0"]]
        assert sheet["C3"].data_type == "s"


def test_text_comes_as_a_copy_and_says_that_text_goes_back(tmp_path):
    layout = profile(sheet="", text={"encoding": "utf-16"})
    (tmp_path / "a.xls").write_bytes("order\tqty\tnote\r\nB\tmany\t=1\r\n".encode("utf-16"))
    (found,) = refused_cells(tmp_path / "a.xls", layout, [RefusedRow(2, "quantity_range", {"qty": "many"})])
    assert (found.sheet, found.row, found.column, found.found) == ("", 2, "B", "many")
    sheet = _sheet(annotated(tmp_path / "a.xls", [found], tmp_path / "o.xlsx", layout.text), "Text")
    assert "its source takes text" in sheet["A1"].comment.text
    assert (sheet["B2"].value, sheet["C2"].data_type) == ("many", "s")


def test_a_workbook_of_very_many_cells_comes_as_a_copy(tmp_path, monkeypatch):
    monkeypatch.setattr("lakehouse.sources.workbook_return.MAX_KEPT_CELLS", 5)
    sheet = _sheet(annotated(xlsx(tmp_path / "a.xlsx", ROWS, "S", _as_text), [CELL], tmp_path / "o.xlsx"))
    assert sheet["A1"].comment.text.startswith("The values of a.xlsx")
    assert (sheet["C2"].value, sheet["C3"].value, sheet["C3"].data_type) == (dt.datetime(2026, 11, 20), "=1+1", "s")


def test_the_original_is_never_opened_outside_the_limits(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", ROWS, "S")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
    with pytest.raises(ContractBreachError, match="active_content"):
        annotated(path, [CELL], tmp_path / "o.xlsx")
    assert not (tmp_path / "o.xlsx").exists()


def test_cells_of_quarantined_rows(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", [["Week 47"], HEADER, ["C1", 1, *[None] * 7, "many", 2], ["C2", 1, *[None] * 7, "#REF!"], *[[]] * 3, ["C3"]])
    rows = dict(workbook.rows(path, GENERIC))
    refused = [RefusedRow(3, "quantity_range", rows[3]), RefusedRow(4, rows[4][BROKEN], rows[4]), RefusedRow(8, "columns", rows[8])]
    found = refused_cells(path, GENERIC, refused)
    assert [(each.row, each.column, each.rule, each.found) for each in found] == [
        (3, "J", "quantity_range", "many"), (3, "K", "quantity_range", "2"), (3, "L", "quantity_range", ""),
        (4, "J", "error_cell", "#REF!"),
        (8, "A", "columns", "C3"),
    ]  # fmt: skip


def test_cells_of_a_cross_table(tmp_path):
    layout = load_sources().contract("bottling-downtime").profile("any")
    path = xlsx(tmp_path / "a.xlsx", [[None, "Downtime factor"], ["Batch", 1, 2], ["B1", None, "#REF!"]], layout.sheet)
    ((number, row),) = workbook.rows(path, layout)
    assert [(each.row, each.column) for each in refused_cells(path, layout, [RefusedRow(number, row[BROKEN], row)])] == [(3, "C")]


def test_a_refused_header_is_marked(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", [["Title"], ["Confirmation", "extra", *HEADER[2:]], ["C1"]])
    with pytest.raises(ContractBreachError) as caught:
        workbook.rows(path, GENERIC)
    found = refused_header(path, GENERIC, caught.value.differences)
    assert {(each.row, each.column, each.rule) for each in found} == {(2, "A", "header"), (2, "B", "header")}
    sheet = _sheet(annotated(path, found, tmp_path / "o.xlsx"), "Confirmations")
    assert "'counter'" in sheet["A2"].comment.text
    assert "no such column" in sheet["B2"].comment.text


def test_a_refused_sheet_is_said_on_the_first_one(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", [HEADER, ["C1"]], "Data")
    with pytest.raises(ContractBreachError) as caught:
        workbook.rows(path, GENERIC)
    (found,) = refused_header(path, GENERIC, caught.value.differences)
    assert (found.sheet, found.row, found.column, found.rule) == ("Data", 1, "A", "sheet")
    assert "one visible sheet 'Confirmations'" in _sheet(annotated(path, [found], tmp_path / "o.xlsx"), "Data")["A1"].comment.text


def test_mended_and_sent_again(tmp_path):
    layout = profile(total_rows={"column": "order", "values": ["Total"]})
    original = xlsx(tmp_path / "a.xlsx", [HEAD, ["A", "5 %", None], ["B", 2, None]], "S")
    rows = [RefusedRow(number, row[BROKEN], row) for number, row in workbook.rows(original, layout) if BROKEN in row]
    back = annotated(original, refused_cells(original, layout, rows), tmp_path / "back.xlsx")
    assert [row.get(BROKEN) for row in cells(back, layout).values()] == ["unit", None]
    book = openpyxl.load_workbook(back)
    book["S"]["B2"] = 5
    book.save(back)
    assert cells(back, layout) == {2: {"order": "A", "qty": "5"}, 3: {"order": "B", "qty": "2"}}


ORDERS = [{"order_no": "000123", "material": "P-100"}, {"order_no": "=HYPERLINK(\"x\")", "material": "-1+1"}, {"order_no": "12345678901234567890"}]


def test_a_filled_template_is_taken(tmp_path):
    path = template(GENERIC, ORDERS, tmp_path / "t.xlsx", machines=["M01", "M02"], shifts=["early"])
    book = openpyxl.load_workbook(path)
    sheet = book["Confirmations"]
    for row in (2, 3, 4):
        filled = ["C" + str(row), "1", None, "10", "M01", None, dt.date(2026, 11, 20), dt.datetime(2026, 11, 20, 6), None, 98, 2]
        for column, value in enumerate(filled, 1):
            if value is not None:
                sheet.cell(row, column).value = value
    book.save(path)
    found = cells(path, GENERIC)
    assert sorted(found) == [2, 3, 4]
    assert [(row["order_no"], row["posting_date"], row["start"], row["yield_qty"], row.get(BROKEN)) for row in found.values()] == [
        (order["order_no"], "2026-11-20", "2026-11-20T06:00:00", "98", None) for order in ORDERS
    ]


def test_a_template_checks_what_is_typed(tmp_path):
    sheet = openpyxl.load_workbook(template(GENERIC, ORDERS, tmp_path / "t.xlsx", machines=["M01"]))["Confirmations"]
    checks = {str(each.sqref): (each.type, each.operator, each.formula1) for each in sheet.data_validations.dataValidation}
    assert checks["G2:G204"] == ("date", "greaterThanOrEqual", "36526")
    assert checks["J2:J204"] == ("decimal", "greaterThanOrEqual", "0")
    assert checks["E2:E204"] == ("list", None, f"'{GUIDE}'!$C$2:$C$2")
    assert (sheet["C3"].data_type, sheet["C3"].number_format, sheet["C3"].quotePrefix, sheet["F3"].quotePrefix) == ("s", "@", True, True)


def test_a_template_holds_nothing_that_runs(tmp_path):
    path = template(GENERIC, ORDERS, tmp_path / "t.xlsx", machines=["=1+1"])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert not [name for name in parts if "vba" in name.lower() or "external" in name.lower()]
    assert not [name for name, content in parts.items() if name.startswith("xl/worksheets/") and b"<f>" in content]


def test_no_template_for_other_layouts_and_unknown_columns(tmp_path):
    with pytest.raises(SettingsError, match="one header row only"):
        template(load_sources().contract("bottling-downtime").profile("any"), [], tmp_path / "t.xlsx")
    with pytest.raises(SettingsError, match="no column colour"):
        template(GENERIC, [{"colour": "red"}], tmp_path / "t.xlsx")
