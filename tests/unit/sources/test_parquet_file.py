"""Parquet: the footer is judged first, all pages before a row is taken, and values are exact text."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse.sources import parquet_file
from lakehouse.sources.contracts import ContractBreachError
from lakehouse.sources.formats import ParquetContract

CONTRACT = ParquetContract(kind="parquet", title="a test", bronze="b", silver="s", columns=("id", "qty"), optional=("on",), types={"id": "string"})
ROWS = pa.table({"id": ["a", "", None], "qty": [1, 2, 3]})


def written(tmp_path: Path, table: pa.Table = ROWS, **options) -> Path:
    path = tmp_path / "drop.parquet"
    pq.write_table(table, path, **options)
    return path


def read(path: Path, contract: ParquetContract = CONTRACT) -> list[tuple[int, dict[str, str]]]:
    count = parquet_file.check(path, contract)
    rows = []
    for table in parquet_file.batches(path, contract):
        table.validate(full=True)
        rows += [(row["row_no"], dict(row["cells"])) for row in table.to_pylist()]
    assert [number for number, _ in rows] == list(range(1, count + 1))
    return rows


def breach(path: Path, contract: ParquetContract = CONTRACT) -> str:
    with pytest.raises(ContractBreachError) as caught:
        parquet_file.check(path, contract)
    return caught.value.cause


def test_null_and_empty_are_absent(tmp_path):
    assert read(written(tmp_path)) == [(1, {"id": "a", "qty": "1"}), (2, {"qty": "2"}), (3, {"qty": "3"})]


AT = dt.datetime(2026, 3, 29, 1, 2, 3, 40_000)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([2**63 - 1, -(2**63)], pa.int64(), ["9223372036854775807", "-9223372036854775808"]),
        ([2**64 - 1], pa.uint64(), ["18446744073709551615"]),
        ([Decimal("1.50"), Decimal("-0.01")], pa.decimal128(38, 2), ["1.50", "-0.01"]),
        ([5.0, 0.1, 1e22, 1e-9, float("nan"), float("-inf")], pa.float64(), ["5", "0.1", "1" + "0" * 22, "0.000000001", "NaN", "-Infinity"]),
        ([0.1, 16777216.0], pa.float32(), ["0.1", "16777216"]),
        ([True, False], pa.bool_(), ["true", "false"]),
        ([dt.date(2026, 3, 29)], pa.date32(), ["2026-03-29"]),
        ([AT, AT.replace(microsecond=0)], pa.timestamp("us"), ["2026-03-29T01:02:03.040000", "2026-03-29T01:02:03"]),
        ([AT], pa.timestamp("us", tz="UTC"), ["2026-03-29T01:02:03.040000Z"]),
        ([AT], pa.timestamp("ms", tz="Europe/Berlin"), ["2026-03-29T01:02:03.040000Z"]),
        ([1_577_840_523_123_456_789, 1_577_840_523_000_000_000], pa.timestamp("ns"), ["2020-01-01T01:02:03.123456789", "2020-01-01T01:02:03"]),
        ([dt.time(17, 0, 0)], pa.time64("us"), ["17:00:00"]),
        (["x", "ä"], pa.dictionary(pa.int32(), pa.string()), ["x", "ä"]),
        (["x", "ä"], pa.large_string(), ["x", "ä"]),
        ([None], pa.null(), [None]),
    ],
)  # fmt: skip
def test_values_are_exact_text(tmp_path, values, kind, expected):
    table = pa.table({"id": ["k"] * len(values), "qty": pa.array(values, kind)})
    assert [cells.get("qty") for _, cells in read(written(tmp_path, table))] == expected


def test_columns_by_position(tmp_path):
    contract = CONTRACT.model_copy(update={"by_position": True, "optional": (), "columns": ("id", "qty", "on")})
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array([1]), pa.array(["z"])], names=["", "same", "same"])
    assert read(written(tmp_path, table), contract) == [(1, {"id": "a", "qty": "1", "on": "z"})]
    assert breach(written(tmp_path, table.select([0, 1])), contract) == "schema: expected 3 columns, found 2"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pa.table({"id": ["a"]}), "schema column 'qty': expected present, found missing among 'id'"),
        (pa.table({"id": ["a"], "Qty": [1]}), "schema column 'qty': expected present"),
        (pa.table({"id": ["a"], "qty": [1], "QTY": [1]}), "schema column 'QTY': expected once, whatever its case, found several"),
        (pa.table({"id": [1], "qty": [1]}), "schema column 'id': expected string, found int64"),
        (pa.table({"id": pa.array([b"a"]), "qty": [1]}), "schema column 'id': expected string, found binary"),
        (pa.table({"id": ["a"], "qty": [[1]]}), "schema column 'qty': expected a flat column, found list"),
        (pa.table({"id": ["a"], "qty": [{"x": 1}]}), "schema column 'qty': expected a flat column, found struct"),
        (pa.table({"id": ["a"], "qty": pa.array([b"a"])}), "schema column 'qty': expected a flat column, found binary"),
        (pa.table({"id": ["a"], "qty": [1], "#raw": [1]}), "schema column '#raw': expected no such column"),
        (pa.table({"id": pa.array([], pa.string()), "qty": pa.array([], pa.int64())}), "empty: expected at least one row, found none"),
        (pa.table({"id": ["x" * 70_000], "qty": [1]}), "too_large column 'id': expected texts of at most 65536 bytes, found 70000 bytes"),
        (pa.table({f"c{n}": [1] for n in range(600)}), "too_large: expected at most 512 columns"),
    ],
)
def test_another_schema_is_refused_with_its_columns(tmp_path, table, said):
    assert said in breach(written(tmp_path, table))


def test_other_columns_are_kept_or_refused(tmp_path):
    path = written(tmp_path, ROWS.append_column("more", pa.array([7, 8, 9])))
    assert read(path)[0] == (1, {"id": "a", "qty": "1", "more": "7"})
    assert "schema column 'more': expected no such column, found position 3" in breach(path, CONTRACT.model_copy(update={"extra": "refuse"}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: b"", "empty: expected rows, found 0 bytes"),
        (lambda data: b"PAR1", "format"),
        (lambda data: b"PAR1PAR1", "format: expected PAR1 at both ends"),
        (lambda data: b"id,qty\n1,2\n" + data[11:-4] + b"\n1,2", "format: expected PAR1 at both ends"),
        (lambda data: data[:-20], "format: expected PAR1 at both ends"),
        (lambda data: data[:-8] + (10**6).to_bytes(4, "little") + b"PAR1", "format: expected a footer of 1 to"),
        (lambda data: data[:-8] + (0).to_bytes(4, "little") + b"PAR1", "format: expected a footer of 1 to"),
        (lambda data: data[:-4] + b"PARE", "format: expected a file that is not encrypted"),
        (lambda data: data[:-60] + bytes(52) + data[-8:], "format: expected a readable Parquet file"),
        (lambda data: data.replace(b"\x03\x00\x00\x00500", b"\x03\x00\x00\x00501", 1), "format: expected a readable Parquet file"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, change, said):
    table = pa.table({"id": [str(n) for n in range(1000)], "qty": range(1000)})
    path = written(tmp_path, table, write_page_checksum=True, use_dictionary=False, compression="none")
    assert parquet_file.check(path, CONTRACT) == 1000
    path.write_bytes(change(path.read_bytes()))
    assert said in breach(path)


def test_texts_that_are_no_utf_8_are_refused(tmp_path):
    offsets = pa.py_buffer(b"\0\0\0\0\2\0\0\0")
    broken = pa.StringArray.from_buffers(1, offsets, pa.py_buffer(b"\xff\xfe"))
    assert "UTF8" in breach(written(tmp_path, pa.table({"id": broken, "qty": [1]})))


def test_a_dictionary_that_makes_much_of_little_is_read_in_portions(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_file, "READ_BYTES", 1 << 20)
    table = pa.table({"id": pa.array(["x" * 60_000] * 200), "qty": range(200)})
    path = written(tmp_path, table)
    assert path.stat().st_size < 20_000
    portions = [table.num_rows for table in parquet_file._tables(path, CONTRACT)]
    assert sum(portions) == 200 and max(portions) <= 18


def test_a_file_of_very_many_rows_in_few_bytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_file, "RATIO_FROM", 100_000)
    monkeypatch.setattr(parquet_file, "MAX_RATIO", 10)
    path = written(tmp_path, pa.table({"id": ["a"] * 200_000, "qty": [1] * 200_000}))
    assert "times its" in breach(path)
