from pathlib import Path

import pytest

from lakehouse.sources import csv_text
from lakehouse.sources.contracts import BROKEN, ContractBreachError
from lakehouse.sources.formats import DelimitedContract

CONTRACT = DelimitedContract(
    kind="delimited", title="a test", bronze="b", silver="s", columns=("Id", "Work Order  Qty", "Name"), optional=("Span",),
)  # fmt: skip
HEADER = b"Id,Work Order  Qty,Name\n"


def _file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "drop.csv"
    path.write_bytes(content)
    return path


def _read(tmp_path: Path, content: bytes, contract: DelimitedContract = CONTRACT) -> list[tuple[int, dict[str, str]]]:
    path = _file(tmp_path, content)
    count = csv_text.check(path, contract)
    found = list(csv_text.rows(path, contract))
    assert count == len(found)
    return found


def _breach(tmp_path: Path, content: bytes, contract: DelimitedContract = CONTRACT) -> ContractBreachError:
    with pytest.raises(ContractBreachError) as caught:
        csv_text.check(_file(tmp_path, content), contract)
    return caught.value


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_mark(tmp_path, end, mark):
    assert _read(tmp_path, mark + HEADER.replace(b"\n", end) + b"1,10,A" + end + b"2,20,B" + end) == [
        (1, {"Id": "1", "Work Order  Qty": "10", "Name": "A"}),
        (2, {"Id": "2", "Work Order  Qty": "20", "Name": "B"}),
    ]


def test_columns_by_name_and_optional_column(tmp_path):
    found = _read(tmp_path, b"Name,Span,Id,Work Order  Qty\nA,006:19,1,10\n")
    assert found == [(1, {"Name": "A", "Span": "006:19", "Id": "1", "Work Order  Qty": "10"})]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"Id,Name\n", "header column 'Work Order  Qty': expected present, found missing"),
        (b"Id,Work Order Qty,Name\n", "'Work Order  Qty': expected present"),
        (b"Id,Work Order  Qty,Name,Name\n", "header column 'Name': expected once, found 2 times"),
        (b"Id,Work Order  Qty,Name,Colour\n", "header column 'Colour': expected no such column, found position 4"),
        (b"1,10,A\n", "header column 'Id': expected present"),
        (b"Id;Work Order  Qty;Name\n", "delimiter: expected ',', found ';'"),
    ],
)
def test_header_breaches(tmp_path, header, said):
    breach = _breach(tmp_path, header + b"1,2,3\n")
    assert said in breach.line()
    assert breach.code == "E_CONTRACT"
    assert len(breach.differences) <= 10


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (HEADER, "empty"),
        ("Id,Work Order  Qty,Name\n1,2,Fräse\n".encode("latin-1"), "encoding"),
        ("Id,Work Order  Qty,Name\n1,2,A\n".encode("utf-16"), "encoding"),
        (HEADER + b'1,2,"A\n2,3,B\n', "quoting"),
        (HEADER + b'1,2,"A"x\n', "quoting"),
    ],
)
def test_files_refused_as_a_whole(tmp_path, content, kind):
    assert _breach(tmp_path, content).differences[0].kind == kind


def test_broken_quote_names_its_row(tmp_path):
    assert _breach(tmp_path, HEADER + b'1,2,A\n2,3,"B"x\n3,4,C\n').differences[0].row == 2


def test_declared_encoding(tmp_path):
    latin = CONTRACT.model_copy(update={"encoding": "latin-1"})
    assert _read(tmp_path, "Id,Work Order  Qty,Name\n1,2,Fräse\n".encode("latin-1"), latin)[0][1]["Name"] == "Fräse"


def test_rfc_4180(tmp_path):
    found = _read(tmp_path, HEADER + b'1,"a, ""b""\nc",C:\\\n\n2,00012,NA\n')
    assert [cells for _, cells in found] == [
        {"Id": "1", "Work Order  Qty": 'a, "b"\nc', "Name": "C:\\"},
        {"Id": "2", "Work Order  Qty": "00012", "Name": "NA"},
    ]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b"1,2", "columns"),
        (b"1,2,3,4", "columns"),
        (b"1,2,a\x00b", "control_char"),
        (b"Id,Work Order  Qty,Name", "repeated_header"),
        (b"1,2," + b"x" * 70_000, "too_large"),
    ],
)
def test_bad_row_keeps_its_cells_and_its_neighbours(tmp_path, line, rule):
    found = _read(tmp_path, HEADER + b"0,1,A\n" + line + b"\n9,9,Z\n")
    assert [cells.get(BROKEN) for _, cells in found] == [None, rule, None]
    assert found[1][1]["Id"] in {"1", "Id"}


def test_cells_beyond_the_header_are_kept(tmp_path):
    assert _read(tmp_path, HEADER + b"1,2,3,4\n")[0][1]["#4"] == "4"


def test_formula_text_stays_text(tmp_path):
    assert _read(tmp_path, HEADER + b"=cmd|x,+1,@SUM\n")[0][1] == {"Id": "=cmd|x", "Work Order  Qty": "+1", "Name": "@SUM"}
