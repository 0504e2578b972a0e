"""Parquet files in batches: the footer is judged before anything is read, then every page is, and values become exact text.

Integers and decimals keep their digits, floating point is the shortest decimal text that is exactly this number, dates are ISO,
instants are ISO with `Z` where the column is adjusted to UTC and without offset where it is not. NULL and empty are absent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakehouse.sources.cell_batches import of_arrays, rebatched
from lakehouse.sources.contracts import ContractBreachError, Difference
from lakehouse.sources.csv_text import MAX_CELL, MAX_COLUMNS
from lakehouse.sources.formats import RESERVED_NAME, ParquetContract, repeated
from lakehouse.sources.parquet_text import as_text

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
MAX_FOOTER = 64 << 20
MAX_ROW_GROUPS = 10_000
MAX_RATIO = 1_000
RATIO_FROM = 256 << 20
READ_BYTES = 64 << 20
MOST_ROWS = 50_000


def check(path: Path, contract: ParquetContract) -> int:
    """Judge the footer, read every page once, and return the number of rows.

    Raises:
        ContractBreachError: the file is no Parquet, its columns or types differ, a page is corrupt, or it is empty.
    """
    count = sum(int(batch.num_rows) for batch in _read(path, contract))
    with _opened(path, contract) as opened:
        declared = int(opened.file.metadata.num_rows)
    if count != declared:
        raise ContractBreachError([Difference("format", f"{declared} rows, as the footer says", str(count))])
    if not count:
        raise ContractBreachError([Difference("empty", "at least one row", "none")])
    return count


def batches(path: Path, contract: ParquetContract) -> Iterator[pa.Table]:
    """Yield the rows of a file that passed `check`, at most 100,000 at once; schema `cell_batches.SCHEMA`.

    Raises:
        ContractBreachError: as `check`.
    """
    return rebatched(_tables(path, contract))


@dataclass(frozen=True)
class _Opened:
    """A file whose footer is good: the file, its columns' names, and how many rows to read at once."""

    file: pq.ParquetFile
    names: tuple[str, ...]
    rows_at_once: int


def check_footer(path: Path) -> None:
    """Judge both ends of a file without reading more.

    Raises:
        ContractBreachError: they are not those of an unencrypted Parquet file.
    """
    size = path.stat().st_size
    if not size:
        raise ContractBreachError([Difference("empty", "rows", "0 bytes")])
    with path.open("rb") as raw:
        first = raw.read(4)
        raw.seek(max(0, size - 8))
        length, last = int.from_bytes(raw.read(4), "little"), raw.read(4)
    if ENCRYPTED in (first, last):
        raise ContractBreachError([Difference("format", "a file that is not encrypted", "an encrypted footer")])
    if (first, last) != (MAGIC, MAGIC) or size < 12:
        raise ContractBreachError([Difference("format", "PAR1 at both ends", f"{first!r} and {last!r}")])
    if not 0 < length <= min(size - 12, MAX_FOOTER):
        raise ContractBreachError([Difference("format", f"a footer of 1 to {min(size - 12, MAX_FOOTER)} bytes", str(length))])


@contextmanager
def _opened(path: Path, contract: ParquetContract) -> Iterator[_Opened]:
    check_footer(path)
    try:
        with pq.ParquetFile(path) as judged:
            _check_size(judged.metadata, path.stat().st_size)
            coded = _texts(judged)
        with pq.ParquetFile(path, page_checksum_verification=True, arrow_extensions_enabled=False, read_dictionary=coded) as file:
            yield _Opened(file, _names(file, contract), _rows_at_once(file.metadata))
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise ContractBreachError([Difference("format", "a readable Parquet file", f"{type(error).__name__}: {error}")]) from error


def _check_size(footer: pq.FileMetaData, size: int) -> None:
    if footer.num_columns > MAX_COLUMNS or footer.num_row_groups > MAX_ROW_GROUPS:
        found = f"{footer.num_columns} and {footer.num_row_groups}"
        raise ContractBreachError([Difference("too_large", f"at most {MAX_COLUMNS} columns and {MAX_ROW_GROUPS} row groups", found)])
    expanded = sum(footer.row_group(number).total_byte_size for number in range(footer.num_row_groups))
    if max(expanded, footer.num_rows) > max(RATIO_FROM, MAX_RATIO * size):
        found = f"{expanded} bytes, {footer.num_rows} rows"
        raise ContractBreachError([Difference("too_large", f"at most {MAX_RATIO} times its {size} bytes", found)])


def _rows_at_once(footer: pq.FileMetaData) -> int:
    """Rows whose values are about `READ_BYTES`, going by the footer."""
    expanded = sum(footer.row_group(number).total_byte_size for number in range(footer.num_row_groups))
    return int(max(1, min(MOST_ROWS, READ_BYTES * footer.num_rows // max(1, 4 * expanded))))


def _names(file: pq.ParquetFile, contract: ParquetContract) -> tuple[str, ...]:
    """The columns' names, when the schema is the contract's."""
    schema = file.schema_arrow
    wrong = _by_position(schema, contract) if contract.by_position else _by_name(schema, contract)
    names = contract.columns if contract.by_position else tuple(schema.names)
    if not wrong:
        fields = {name: _plain(found) for name, found in zip(names, schema.types, strict=True)}
        wrong = [
            Difference("schema", expected, str(fields[name]), column=name)
            for name, expected in contract.types.items()
            if name in fields and str(fields[name]) != expected
        ]
        wrong += [Difference("schema", "a flat column", str(found), column=name) for name, found in fields.items() if not _is_flat(found)]
    if wrong:
        raise ContractBreachError(wrong)
    return names


def _by_position(schema: pa.Schema, contract: ParquetContract) -> list[Difference]:
    expected, found = len(contract.columns), len(schema)
    return [] if expected == found else [Difference("schema", f"{expected} columns", str(found))]


def _by_name(schema: pa.Schema, contract: ParquetContract) -> list[Difference]:
    shown = ", ".join(repr(name) for name in schema.names[:20])
    wrong = [Difference("schema", "present", f"missing among {shown}", column=name) for name in contract.columns if name not in schema.names]
    twice = set(repeated(name.casefold() for name in schema.names))
    wrong += [Difference("schema", "once, whatever its case", "several", column=name) for name in schema.names if name.casefold() in twice]
    extra = [name for name in schema.names if name not in contract.column_names]
    unwanted = extra if contract.extra == "refuse" else [name for name in extra if RESERVED_NAME.match(name) or not name]
    return wrong + [Difference("schema", "no such column", f"position {schema.names.index(name) + 1}", column=name) for name in unwanted]


def _plain(found: pa.DataType) -> pa.DataType:
    """The type of the values, whether they are coded by a dictionary or not."""
    return found.value_type if pa.types.is_dictionary(found) else found


def _is_text(found: pa.DataType) -> bool:
    return bool(pa.types.is_string(found) or pa.types.is_large_string(found))


def _texts(file: pq.ParquetFile) -> list[str]:
    """The columns of texts, which are read coded: a text that a file holds once is then held once."""
    types = file.schema_arrow.types
    if not all(_is_flat(_plain(found)) for found in types):
        return []
    return [file.schema.column(at).path for at, found in enumerate(types) if _is_text(found)]


def _is_flat(found: pa.DataType) -> bool:
    checks = (
        pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_date, pa.types.is_timestamp,
        pa.types.is_time, pa.types.is_string, pa.types.is_large_string, pa.types.is_null,
    )  # fmt: skip
    return any(is_one(found) for is_one in checks)


def _read(path: Path, contract: ParquetContract) -> Iterator[pa.RecordBatch]:
    with _opened(path, contract) as opened:
        for batch in opened.file.iter_batches(batch_size=opened.rows_at_once):
            for name, column in zip(opened.names, batch.columns, strict=True):
                _check_texts(name, column)
            yield batch


def _check_texts(name: str, column: pa.Array) -> None:
    """Refuse a column of texts that are too long or are not UTF-8: neither is the work of a program that keeps to the contract."""
    if not _is_text(_plain(column.type)):
        return
    words = column.dictionary if pa.types.is_dictionary(column.type) else column
    words.validate(full=True)
    longest = pc.max(pc.binary_length(words)).as_py() or 0
    if longest > MAX_CELL:
        raise ContractBreachError([Difference("too_large", f"texts of at most {MAX_CELL} bytes", f"{longest} bytes", column=name)])


def _tables(path: Path, contract: ParquetContract) -> Iterator[pa.Table]:
    row = 0
    with _opened(path, contract) as opened:
        names = opened.names
    for batch in _read(path, contract):
        for part in _portions(batch):
            yield _table(part, names, row)
            row += part.num_rows


def _portions(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """A batch in portions of at most `READ_BYTES` of text: a dictionary makes much of little."""
    size = np.zeros(batch.num_rows, np.int64)
    for column in batch.columns:
        if pa.types.is_dictionary(column.type) and len(column.dictionary):
            lengths = pc.cast(pc.binary_length(column.dictionary.cast(pa.string())), pa.int64()).take(column.indices)
            size += pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False)
    portion = np.cumsum(size) // READ_BYTES
    edges = [0, *(np.flatnonzero(np.diff(portion)) + 1).tolist(), batch.num_rows]
    for begin, end in pairwise(edges):
        if end > begin:
            yield batch.slice(begin, end - begin)


def _table(batch: pa.RecordBatch, names: tuple[str, ...], before: int) -> pa.Table:
    columns = [as_text(column) for column in batch.columns]
    filled = np.stack([_filled(column) for column in columns], axis=1)
    row_of, column_of = np.nonzero(filled)
    at = (column_of * batch.num_rows + row_of).astype(np.int32)
    items = pa.concat_arrays(columns).take(pa.array(at))
    keys = pa.array(names, pa.string()).take(pa.array(column_of.astype(np.int32)))
    numbers = np.arange(before + 1, before + 1 + batch.num_rows)
    return of_arrays(numbers, filled.sum(axis=1), keys, items)


def _filled(column: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    lengths = pc.fill_null(pc.binary_length(column), 0)
    return np.asarray(lengths.to_numpy(zero_copy_only=False) > 0)
