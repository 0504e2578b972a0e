"""Both ways of reading separated text have one outcome, whatever the text; the fast one is only taken for what is proved."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lakehouse.sources import csv_text, delimited, feed
from lakehouse.sources.contracts import BROKEN, RAW, ContractBreachError
from lakehouse.sources.formats import DelimitedContract
from lakehouse.sources.records import scan

BY_NAME = DelimitedContract(kind="delimited", title="a test", bronze="b", silver="s", columns=("Id", "Qty", "Name"), optional=("Span",))
BY_POSITION = BY_NAME.model_copy(update={"header": False, "optional": (), "trailing_optional": 1})
FOREIGN = BY_NAME.model_copy(update={"header": "foreign", "foreign_header": ("No_", "Bin", "Name"), "optional": ()})

pieces = st.sampled_from([
    "Id,Qty,Name", "No_,Bin,Name", "1,2,3", "1,2", "1,2,3,4", "a,,", ",,", ",", "", " ", '"', '""', '"a"', '"a""b",2,"c,\nd"', '"x"y,1,2',
    'a"b,1,2', "ä,ö,ü", "😀,1,2", "\n", "\n", "\r\n", "\r", "\x00", "\x1f,1,2", "\t", "Name", "Span", "0,1," + "z" * 40,
])  # fmt: skip
noise = st.text(alphabet=st.sampled_from(list('",\r\n\t |;aé\x00')), max_size=30)
bodies = st.lists(st.one_of(pieces, pieces, noise), max_size=40).map(lambda parts: "\n".join(parts).encode("utf-8"))
bytes_bodies = st.one_of(bodies, bodies, st.binary(max_size=60))

HEADS = [b"", b"\xef\xbb\xbf", b"Id,Qty,Name\n", b"\xef\xbb\xbfName,Id,Qty\r\n", b'"Id",Qty,"Name"\n', b"No_,Bin,Name\n"]


def outcome(read, path: Path, contract: DelimitedContract):
    """Rows in order, or the differences."""
    try:
        return sorted(read(path, contract))
    except ContractBreachError as breach:
        return [each.text() for each in breach.differences]


def in_batches(path: Path, contract: DelimitedContract):
    for table in delimited.batches(path, contract):
        table.validate(full=True)
        yield from ((row["row_no"], dict(row["cells"])) for row in table.to_pylist())


@pytest.mark.parametrize("contract", [BY_NAME, BY_POSITION, FOREIGN], ids=["by_name", "by_position", "foreign"])
@pytest.mark.parametrize("chunk", [7, 64, 1 << 20])
@pytest.mark.parametrize("delimiter", [",", "\t"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.sampled_from(HEADS), body=bytes_bodies)
@example(head=b"Id,Qty,Name\n", body=b'1,2,3\n"Id" ,Qty,Name\nId, Qty ,Name\n')
@example(head=b"Id,Qty,Name\n", body=b'1,2,"a\r\nb"\r\n\r\n3,4,"\r"\r\n')
def test_both_ways_agree(tmp_path, monkeypatch, contract, chunk, delimiter, head, body):
    monkeypatch.setattr(feed, "CHUNK", chunk)
    monkeypatch.setattr(delimited, "STRICT_RECORDS", 3)
    path = tmp_path / "drop"
    path.write_bytes((head + body).replace(b",", delimiter.encode()))
    contract = contract.model_copy(update={"delimiter": delimiter})
    slow = outcome(csv_text.rows, path, contract)
    assert outcome(in_batches, path, contract) == slow
    counted = outcome(lambda *both: [delimited.check(*both)], path, contract)
    assert counted == ([len(slow)] if slow and isinstance(slow[0], tuple) else slow or ["empty: expected at least one row, found a header only"])


@pytest.mark.parametrize(
    "block",
    [b"1,2,3\n4,5,6\n", b"1,2\r\n3,4\r\n", b'"a","b"\n', b'"a ""q"" b",1\n', b'"a\r\nb",1\r\n', b'"",""\n', "ä,ö\n".encode(), b"\n\n1,2\n", b"1,2"],
)
def test_well_formed_text_is_read_at_once(block):
    assert scan(block, b",") is not None


@pytest.mark.parametrize("block", [b'a"b,1\n', b'"a"b,1\n', b'"a,1\n', b'"a" ,1\n', b"a\rb,1\n", b"\xff,1\n", b'"a"\r,1\n'])
def test_what_is_not_proved_is_left(block):
    assert scan(block, b",") is None


def test_bad_rows_of_a_proved_block_do_not_make_it_slow(tmp_path, monkeypatch):
    path = tmp_path / "drop"
    path.write_bytes(b"Id,Qty,Name\n" + b"1,2,3\n" * 500 + b"1,2\n1,2,\x00\nId,Qty,Name\n1,2," + b"z" * 70_000 + b"\n" + b"7,8,9\n" * 500)
    monkeypatch.setattr(csv_text, "records", lambda *_: pytest.fail("read record by record"))
    monkeypatch.setattr(delimited, "records", lambda *_: pytest.fail("read record by record"))
    monkeypatch.setattr(delimited, "shape_of", lambda *_: csv_text.Shape(("Id", "Qty", "Name"), (("Id", "Qty", "Name"),), 0))
    monkeypatch.setattr(delimited, "skip", lambda reader, *_: reader.line())
    rows = sorted(in_batches(path, BY_NAME))
    assert [number for number, _ in rows] == list(range(1, 1005))
    assert [(number, cells[BROKEN]) for number, cells in rows if BROKEN in cells] == [
        (501, "columns"), (502, "control_char"), (503, "repeated_header"), (504, "too_large"),
    ]  # fmt: skip


def test_a_block_ends_with_a_record():
    text = b'1,"a\nb"\n2,"c\nd"\n3,"e\n'
    begun = feed.Feed(iter([text]))
    assert begun.more() and begun.held[begun.at : begun._cut()] == b'1,"a\nb"\n2,"c\nd"\n'


def test_batches_are_bounded(tmp_path):
    path = tmp_path / "drop"
    path.write_bytes(b"Id,Qty,Name\n" + b"1,,ab\n" * 250_000)
    assert [table.num_rows for table in delimited.batches(path, BY_NAME)] == [100_000, 100_000, 50_000]
    assert delimited.check(path, BY_NAME) == 250_000


def _written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "drop"
    path.write_bytes(content)
    return path


def _breach(tmp_path: Path, content: bytes, contract: DelimitedContract) -> str:
    with pytest.raises(ContractBreachError) as caught:
        delimited.check(_written(tmp_path, content), contract)
    return caught.value.cause


def test_without_header_the_first_row_is_a_row(tmp_path):
    assert list(in_batches(_written(tmp_path, b"1,2,A\n2,3,B\n"), BY_POSITION)) == [
        (1, {"Id": "1", "Qty": "2", "Name": "A"}), (2, {"Id": "2", "Qty": "3", "Name": "B"}),
    ]  # fmt: skip


def test_last_columns_may_be_absent_from_the_whole_file_only(tmp_path):
    rows = sorted(in_batches(_written(tmp_path, b"1,2\n2,3\n3,4,C\n5\n"), BY_POSITION))
    assert rows == [
        (1, {"Id": "1", "Qty": "2"}), (2, {"Id": "2", "Qty": "3"}),
        (3, {"Id": "3", "Qty": "4", "#3": "C", BROKEN: "columns"}), (4, {"Id": "5", BROKEN: "columns"}),
    ]  # fmt: skip


def test_a_broken_first_row_does_not_decide_the_width(tmp_path):
    assert [BROKEN in cells for _, cells in sorted(in_batches(_written(tmp_path, b"1,2,3,4\n1,2\n3,4\n"), BY_POSITION))] == [True, False, False]


def test_a_header_where_none_should_be_is_told(tmp_path):
    said = _breach(tmp_path, b"id,QTY,Name\n1,2,3\n", BY_POSITION)
    assert said == "header row 1: expected no header: row 1 is data, found the columns' names: id, QTY, Name"


def test_another_number_of_columns_throughout_is_told_row_by_row(tmp_path):
    said = _breach(tmp_path, b"1,2,3,4\n" * 30, BY_POSITION)
    assert said.startswith("columns row 1: expected 2 to 3 columns, found 4; columns row 2:")
    assert said.count("columns row") == 10


def test_a_foreign_header_is_skipped_only_when_it_is_that_one(tmp_path):
    assert list(in_batches(_written(tmp_path, b"No_,Bin,Name\n1,2,A\n"), FOREIGN)) == [(1, {"Id": "1", "Qty": "2", "Name": "A"})]
    said = _breach(tmp_path, b"No_,Bay,Name\n1,2,A\n", FOREIGN)
    assert said == "header: expected 'Bin' in column 2 (the header of another table), found 'Bay'"
    assert "expected 'No_' in column 1" in _breach(tmp_path, b"1,2,A\n", FOREIGN)


def test_a_mangled_first_row_is_restored_and_kept_as_it_was(tmp_path):
    contract = FOREIGN.model_copy(update={"first_row": "mangled"})
    rows = list(in_batches(_written(tmp_path, b"No_,Bin,Name\n7,Unnamed: 1,7.1\n1,2,A.1\n"), contract))
    assert rows == [(1, {"Id": "7", "Name": "7", RAW: '["7", "Unnamed: 1", "7.1"]'}), (2, {"Id": "1", "Qty": "2", "Name": "A.1"})]
    refused = list(in_batches(_written(tmp_path, b"No_,Bin,Name\n7,,7\n"), contract))
    assert refused == [(1, {"Id": "7", "Name": "7", RAW: '["7", "", "7"]', BROKEN: "mangled_row"})]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x1f\x8b\x08\x00rest", "compression: expected plain text, found gzip"),
        (b"PK\x03\x04rest", "compression: expected plain text, found zip"),
        (b"Id,Qty,Name\n1,2,A\n1,2,\xff\n", "encoding row 2: expected utf-8, found byte 0xff that cannot be decoded"),
        (b'Id,Qty,Name\n1,2,"' + b"x" * 1_100_000 + b'"\n', "quoting row 1: expected RFC 4180, found field larger than field limit"),
        (b",".join(b"c%d" % n for n in range(600)) + b"\n1\n", "too_large: expected at most 512 columns, found 600"),
    ],
)
def test_refused_as_a_whole(tmp_path, content, said):
    assert said in _breach(tmp_path, content, BY_NAME)


def test_utf_16_where_it_is_declared(tmp_path):
    contract = BY_NAME.model_copy(update={"encoding": "utf-16"})
    path = _written(tmp_path, "Id,Qty,Name\n1,2,Fräse\n".encode("utf-16"))
    assert list(in_batches(path, contract)) == [(1, {"Id": "1", "Qty": "2", "Name": "Fräse"})]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("source", "name", "count"),
    [
        ("nest-plan-shift", "mes-dumps-nest/PlantShift.csv", 2_369),
        ("nest-work-order", "mes-dumps-nest/workorder.csv", 432),
        ("nest-item", "mes-dumps-nest/Items.csv", 99),
        ("maintenance-log", "maintenance-log-fr/interventions_2024.csv", 5_000),
        ("mes-production-log", "mes-production-log/Production_Data.csv", 4_543),
    ],
)
def test_real_files_read_the_same_both_ways(shared_data, source, name, count):
    from lakehouse.sources.contracts import load_sources

    contract = load_sources().contract(source)
    rows = list(csv_text.rows(shared_data / name, contract))
    assert delimited.check(shared_data / name, contract) == len(rows) == count
    assert sorted(in_batches(shared_data / name, contract)) == rows
    assert [number for number, cells in rows if BROKEN in cells] == []


@pytest.mark.shared
def test_the_example_plan_and_its_orders(shared_data):
    from lakehouse.sources.contracts import load_sources

    sources = load_sources()
    plan = [cells for _, cells in in_batches(shared_data / "mes-dumps-nest/PlantShift.csv", sources.contract("nest-plan-shift"))]
    orders = [cells for _, cells in in_batches(shared_data / "mes-dumps-nest/workorder.csv", sources.contract("nest-work-order"))]
    by_modality: dict[str, int] = {}
    for row in plan:
        by_modality[row["Station"][:2]] = by_modality.get(row["Station"][:2], 0) + int(row["Quantity"])
    assert by_modality == {"BC": 20_087, "EE": 15_116, "EP": 16_771, "SB": 13_709, "TS": 21_307}
    assert sum(by_modality.values()) == 86_990
    assert sum(int(row["BreakTime"]) for row in plan) == 55_080
    assert {row["WorkOrderId"] for row in plan} == {row["Id"] for row in orders}
    assert len(orders) == len({row["Id"] for row in orders}) == 432
    assert (orders[0]["Quantity"], orders[0]["RoutingVersionId"], orders[0]["RoutingHeaderId"]) == ("194", "4165", "4165")
