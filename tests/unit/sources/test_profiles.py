"""What a profile may say beyond the plain sheet: headers of two rows, cross tables, text named .xls, date beside time, batches."""

import datetime as dt
import json
import re

import pytest
import yaml
from pydantic import ValidationError

from lakehouse.errors import SettingsError
from lakehouse.settings import HOME
from lakehouse.sources import workbook
from lakehouse.sources.contracts import BROKEN, ContractBreachError, load_sources
from lakehouse.sources.layouts import clock_of, day_of
from lakehouse.sources.profiles import Profile, WorkbookContract
from lakehouse.sources.sheet_rows import CELLS, COLUMN, column_letters
from lakehouse.sources.sheet_tables import SCHEMA
from tests.unit.sources.books import GENERIC, HEADER, cells, edited, ods, ods_row, profile, refusal, xlsx

CROSS = profile(
    header_rows=2, columns={"batch": []}, codes=[], key=["batch", "factor"], quantities=["minutes"],
    crosstab={"row_key": ["batch"], "column": "factor", "value": "minutes", "totals": ["all"]},
)  # fmt: skip
SHIFTS = profile(
    columns={"order": [], "day": [], "from": [], "to": []}, quantities=[], date_layouts=["dd.MM.yyyy"],
    instants={
        "start": {"date": "day", "time": "from"},
        "finish": {"date": "day", "time": "to", "after": "start", "crosses_midnight": True},
    },
)  # fmt: skip


def _merge(area):
    return lambda sheet: sheet.merge_cells(area)


def test_header_of_two_rows_is_joined_from_top_to_bottom(tmp_path):
    given = profile(header_rows=2, columns={"order": [], "pieces good": [], "pieces scrap": []}, quantities=[])
    rows = [["order", "pieces", None], [None, "good", "Scrap"], ["A", 5, 1]]
    assert cells(xlsx(tmp_path / "a.xlsx", rows, "S", _merge("B1:C1")), given) == {3: {"order": "A", "pieces good": "5", "pieces scrap": "1"}}
    assert "header column 'pieces scrap': expected present" in refusal(xlsx(tmp_path / "b.xlsx", rows, "S"), given)


def test_crosstab_gives_a_row_for_each_filled_cell(tmp_path):
    rows = [[None, "downtime", None, None, None], ["batch", 1, 2, 3, "ALL"], ["B1", 5, None, 0, 5], ["B2", None, "#REF!", None, None]]
    found = workbook.rows(xlsx(tmp_path / "a.xlsx", rows, "S", _merge("B1:E1")), CROSS)
    assert [(number, row["batch"], row["factor"], row["minutes"], row[COLUMN], row.get(BROKEN)) for number, row in found] == [
        (3, "B1", "1", "5", "B", None),
        (3, "B1", "3", "0", "D", None),
        (3, "B1", "ALL", "5", "E", "total_row"),
        (4, "B2", "2", "#REF!", "C", "error_cell"),
    ]
    assert json.loads(found[3][1][CELLS]) == ["minutes"]


def test_crosstab_whose_header_has_a_column_twice(tmp_path):
    assert "expected once" in refusal(xlsx(tmp_path / "a.xlsx", [[None], ["batch", 1, 1], ["B1", 5, 6]], "S"), CROSS)


def test_cell_under_no_header_breaks_its_row_only(tmp_path):
    found = cells(xlsx(tmp_path / "a.xlsx", [["order", None, "qty", "note"], ["A", None, 1, "x"], ["B", "?", 2, "y"]], "S"), profile())
    assert found[2] == {"order": "A", "qty": "1", "note": "x"}
    assert (found[3]["#2"], found[3][BROKEN], json.loads(found[3][CELLS])) == ("?", "columns", ["#2"])


def _text(tmp_path, text, encoding="utf-16"):
    path = tmp_path / "log.xls"
    path.write_bytes(text.encode(encoding))
    return path


TEXT = profile(sheet="", text={"encoding": "utf-16", "skip_lines_after_header": 1}, decimal=",")


def test_text_named_xls(tmp_path):
    path = _text(tmp_path, "order\tqty\tnote\r\n\tkg\t\r\nA\t0,98\tSprøjt\r\n\t\t\r\nB\t1\t\t\r\n")
    assert cells(path, TEXT) == {3: {"order": "A", "qty": "0,98", "note": "Sprøjt"}, 5: {"order": "B", "qty": "1"}}
    assert workbook.opened(path, TEXT).sheet.name == ""


def test_text_in_another_encoding_or_a_real_workbook(tmp_path):
    assert refusal(_text(tmp_path, "order\tqty\n", "utf-8"), TEXT).startswith("encoding: expected UTF-16 with a byte-order mark")
    assert refusal(xlsx(tmp_path / "a.xls.xlsx", [["order"]]), TEXT).startswith("encoding")
    latin = TEXT.model_copy(update={"text": TEXT.text.model_copy(update={"encoding": "utf-8"})})
    assert refusal(_text(tmp_path, "order\tqty\tnote\n\n\nø", "latin-1"), latin).startswith("encoding: expected utf-8")
    assert refusal(_text(tmp_path, 'order\tqty\tnote\n\n"A\tB'), TEXT).startswith("quoting")


def test_a_file_that_breaks_at_its_end_gives_no_row(tmp_path):
    path = _text(tmp_path, "order\tqty\tnote\n\n" + "A\t1\tx\n" * 12_000 + '"A')
    with pytest.raises(ContractBreachError, match="quoting"):
        workbook.opened(path, TEXT)


def test_date_beside_time(tmp_path):
    day = dt.date(2026, 11, 20)
    rows = [
        ["order", "day", "from", "to"],
        ["A", day, dt.time(6), dt.time(14, 30)],
        ["B", "20.11.2026", "22:00", "06:00"],
        ["C", day, dt.time(22), dt.timedelta(hours=25, minutes=5)],
        ["D", day, "22:00", "25:05"],
        ["E", day, dt.time(6), None],
        ["F", None, dt.time(6), None],
        ["G", day, "6 o'clock", None],
        ["H", day, dt.time(6), dt.datetime(2026, 11, 21, 1, 5)],
        ["I", day, "6:00", "48:00"],
    ]
    found = cells(xlsx(tmp_path / "a.xlsx", rows, "S"), SHIFTS)
    assert [(row["order"], row.get("start"), row.get("finish"), row.get(BROKEN)) for row in found.values()] == [
        ("A", "2026-11-20T06:00:00", "2026-11-20T14:30:00", None),
        ("B", "2026-11-20T22:00:00", "2026-11-21T06:00:00", None),
        ("C", "2026-11-20T22:00:00", "2026-11-21T01:05:00", None),
        ("D", "2026-11-20T22:00:00", "2026-11-21T01:05:00", None),
        ("E", "2026-11-20T06:00:00", None, None),
        ("F", None, None, "timestamp_format"),
        ("G", None, None, "timestamp_format"),
        ("H", "2026-11-20T06:00:00", "2026-11-21T01:05:00", None),
        ("I", "2026-11-20T06:00:00", None, "timestamp_format"),
    ]
    assert (found[4]["to"], found[5]["to"]) == ("25:05:00", "25:05:00")


def test_a_finish_before_the_start_is_the_next_day_only_where_the_profile_says_so(tmp_path):
    plain = profile(**{**SHIFTS.model_dump(by_alias=True, exclude_unset=True), "instants": {
        "start": {"date": "day", "time": "from"}, "finish": {"date": "day", "time": "to", "after": "start"},
    }})  # fmt: skip
    found = cells(xlsx(tmp_path / "a.xlsx", [["order", "day", "from", "to"], ["B", "20.11.2026", "22:00", "06:00"]], "S"), plain)
    assert (found[2]["start"], found[2]["finish"]) == ("2026-11-20T22:00:00", "2026-11-20T06:00:00")


@pytest.mark.parametrize("epoch", ["1899-12-30", "1904-01-01"])
def test_day_numbers_of_ods_count_from_its_null_date(tmp_path, epoch):
    given = profile(columns={"order": [], "qty": [], "note": []}, quantities=[], dates=["qty"])
    row = '<table:table-cell office:value-type="float" office:value="46037"><text:p>46037</text:p></table:table-cell>'
    table = ods_row("order", "qty", "note") + ods_row("A").replace("</table:table-row>", f"{row}</table:table-row>")
    setting = f'<table:calculation-settings><table:null-date table:date-value="{epoch}"/></table:calculation-settings>'
    assert cells(ods(tmp_path / "a.ods", table, settings=setting), given)[2]["qty"] == ("2026-01-15" if epoch[0:4] == "1899" else "2030-01-16")


def test_batches_are_the_rows(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", [HEADER, *([f"C{n}", 1, None, None, "M01"] for n in range(12_000))])
    tables = list(workbook.batches(path, GENERIC))
    assert [table.num_rows for table in tables] == [4_999, 5_000, 2_001]
    assert all(table.schema == SCHEMA for table in tables)
    found = [(row["row_no"], dict(row["cells"])) for table in tables for row in table.to_pylist()]
    assert found == workbook.rows(path, GENERIC)


@pytest.mark.parametrize(
    "changed",
    [
        {"posting_date": 46037}, {"posting_date": "20.11.2026"}, {"order_no": "#N/A"}, {"order_no": "9.915740199E+09"}, {"yield_qty": "5 %"},
        {"confirmation_no": "confirmation_no"}, {"confirmation_no": " TOTAL"}, {"confirmation_no": "Sümme"}, {"start": 46037.25},
        {"order_no": 12345678901234567}, {"scrap_reason": "\x07"}, {name: name for name in HEADER}, {},
    ],
)  # fmt: skip
def test_batches_are_the_rows_whatever_one_of_them_holds(tmp_path, changed):
    names = ["confirmation_no", "order_no", "posting_date", "start", "yield_qty", "scrap_reason"]
    good = {"confirmation_no": "C1", "order_no": "O1", "posting_date": dt.date(2026, 11, 20), "start": dt.datetime(2026, 11, 20, 6), "yield_qty": 5}
    lines = [[{**good, **(changed if n == 3 else {})}.get(name) for name in names] for n in range(6)]
    if "\x07" in changed.values():
        lines[3][5] = "bell"
    path = xlsx(tmp_path / "a.xlsx", [names, *lines])
    if "\x07" in changed.values():
        edited(path, "xl/worksheets/sheet1.xml", "<t>bell</t>", "<t>b&#7;ll</t>")
    layout = GENERIC.model_copy(update={"optional": tuple(set(HEADER) - set(names))})
    found = [(row["row_no"], dict(row["cells"])) for table in workbook.batches(path, layout) for row in table.to_pylist()]
    assert found == workbook.rows(path, layout)
    assert len(found) == 6


def test_batches_find_a_repeated_header(tmp_path):
    head = ["order", "qty", "note"]
    (table,) = workbook.batches(xlsx(tmp_path / "a.xlsx", [head, ["A", 1, "x"], head, ["B", 2, "y"]], "S"), profile())
    assert [dict(row["cells"]).get(BROKEN) for row in table.to_pylist()] == [None, "repeated_header", None]


def test_column_letters():
    assert [column_letters(n) for n in (0, 25, 26, 701, 702, 16_383)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sheet": ""}, "either `sheet` or `text`"),
        ({"text": {}}, "either `sheet` or `text`"),
        ({"zone": "Europe/Nowhere"}, "no time zone Europe/Nowhere"),
        ({"fill_down": ["nope"]}, "not among the columns: nope"),
        ({"total_rows": {"column": "nope", "values": ["Sum"]}}, "not among the columns: nope"),
        ({"clock_layouts": ["hh:mm a"]}, "hh is not read"),
        ({"instants": {"qty": {"date": "order", "time": "note"}}}, "both a column and made of others: qty"),
        ({"instants": {"end": {"date": "order", "time": "note", "after": "start"}}}, "no instant declared before it"),
        ({"instants": {"end": {"date": "order", "time": "note", "crosses_midnight": True}}}, "crosses_midnight needs `after`"),
        ({"crosstab": {"row_key": ["batch"], "column": "c", "value": "v"}}, "not among the columns: batch"),
    ],
)
def test_profiles_that_do_not_hold_together(change, said):
    with pytest.raises(ValidationError, match=said):
        profile(**change)


def test_a_layout_of_something_else_has_no_confirmations():
    with pytest.raises(SettingsError, match="holds no confirmations"):
        _ = profile().fields


def test_every_workbook_source_has_a_key_and_a_profile_that_can_be_read():
    books = [each for each in load_sources().files.values() if isinstance(each, WorkbookContract)]
    assert len(books) >= 13
    assert all(isinstance(one, Profile) and one.key for each in books for one in each.profiles.values())


@pytest.mark.parametrize(
    ("text", "layout", "found"),
    [
        ("03.04.23", "dd.MM.yy", dt.date(2023, 4, 3)), ("2012/1/9", "yyyy/M/d", dt.date(2012, 1, 9)), ("30.02.2026", "dd.MM.yyyy", None),
        ("2026-11-20T06:00:00", "yyyy-MM-dd'T'HH:mm:ss[.SSSSSS]", dt.date(2026, 11, 20)), ("20.11.26", "dd.MM.yyyy", None),
    ],
)  # fmt: skip
def test_days(text, layout, found):
    assert day_of(text, [layout]) == found


@pytest.mark.parametrize(
    ("text", "layout", "seconds"),
    [("13.38.29", "HH.mm.ss", 49109), ("25:05", "H:mm", 90300), ("6:60", "H:mm", None), ("06:00:00.250", "HH:mm:ss[.SSSSSS]", 21600.25)],
)
def test_clocks(text, layout, seconds):
    assert clock_of(text, [layout]) == (None if seconds is None else dt.timedelta(seconds=seconds))


def test_the_example_of_the_documentation(tmp_path):
    declared = yaml.safe_load(re.search(r"```yaml\n(.*?)```", (HOME / "docs" / "excel.md").read_text(encoding="utf-8"), re.DOTALL)[1])
    layout = WorkbookContract.model_validate(declared["shift-report"]).profile("any")
    rows = [
        ["Werk 4"], [], ["Auftrag", "Maschine", "Datum", "Beginn", "Ende", "Gut  Stück"],
        ["0047", "M01", "20.11.2026", "22:00", "06:00", 1250], [None, "M02", "20.11.2026", "22:00", "25:05", "98,5"], ["Summe", *[None] * 4, 1348.5],
    ]  # fmt: skip
    found = cells(xlsx(tmp_path / "a.xlsx", rows, "Schichtbericht", _merge("A4:A5")), layout)
    assert [(row["order"], row.get("start"), row.get("finish"), row["good"], row.get(BROKEN)) for row in found.values()] == [
        ("0047", "2026-11-20T22:00:00", "2026-11-21T06:00:00", "1250", None),
        ("0047", "2026-11-20T22:00:00", "2026-11-21T01:05:00", "98,5", None),
        ("Summe", None, None, "1348,5", "total_row"),
    ]
