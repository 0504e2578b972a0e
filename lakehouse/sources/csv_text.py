"""Separated text, read strictly (RFC 4180) record by record: bytes are checked before anything is typed.

A file whose encoding, header or quoting differs from the contract is refused as a whole. A row with too few or too many
fields, or with control characters, comes back with the rule that it broke under `BROKEN`; its neighbours are not concerned.
`lakehouse.sources.delimited` reads the same faster where it can prove that the outcome is the same.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path

from lakehouse.sources import mangled
from lakehouse.sources.contracts import BROKEN, RAW, ContractBreachError, Difference
from lakehouse.sources.feed import Feed, check_start, utf8_chunks
from lakehouse.sources.formats import DelimitedContract

MAX_FIELD = 1 << 20
MAX_CELL = 1 << 16
MAX_COLUMNS = 512
LOOK_AHEAD = 100
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")

Row = tuple[int, dict[str, str]]


@dataclass(frozen=True)
class Shape:
    """What one file looks like.

    Attributes:
        names: columns in the file's order.
        headers: lists of fields that are a header when they stand where a row should.
        skipped: records before the first row.
    """

    names: tuple[str, ...]
    headers: tuple[tuple[str, ...], ...]
    skipped: int


def records(feed: Feed, contract: DelimitedContract) -> Iterator[list[str]]:
    """Take records; a blank line is an empty list.

    Raises:
        csv.Error, UnicodeDecodeError: the quoting or the encoding breaks.
    """
    csv.field_size_limit(MAX_FIELD)
    return csv.reader(feed.lines(), delimiter=contract.delimiter, strict=True)


@contextmanager
def told(contract: DelimitedContract, row: Sequence[int]) -> Iterator[None]:
    """Turn what ends the reading of a file into a breach that names the row.

    Args:
        contract: contract of the file.
        row: rows taken so far, in a list of one number that is read when it happens.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        found = f"byte 0x{error.object[error.start]:02x} that cannot be decoded"
        raise ContractBreachError([Difference("encoding", contract.encoding, found, row=row[0] + 1)]) from error
    except csv.Error as error:
        raise ContractBreachError([Difference("quoting", "RFC 4180", str(error), row=row[0] + 1)]) from error


def shape_of(path: Path, contract: DelimitedContract) -> Shape:
    """Find out a file's columns from its first records.

    Raises:
        ContractBreachError: the file is empty, its encoding, delimiter, header or number of columns differ.
    """
    check_start(path, contract.encoding)
    row = [-1 if contract.header is True else 0]
    with told(contract, row):
        first = islice(records(Feed(utf8_chunks(path, contract.encoding)), contract), LOOK_AHEAD)
        if contract.header is True:
            header = tuple(name.strip() for name in next(first, []))
            names = tuple(name or f"#{position}" for position, name in enumerate(header, start=1))
            _check_header(names, contract)
            return Shape(names, (header,), 1)
        skipped = 0
        if contract.header == "foreign":
            _check_foreign(next(first, []), contract)
            skipped = 1
        begin = []
        for fields in first:
            row[0] += 1
            begin.append(fields)
    return _positions(begin, contract, skipped)


def _check_header(header: tuple[str, ...], contract: DelimitedContract) -> None:
    """Compare the header with the contract by name."""
    if len(header) > MAX_COLUMNS:
        raise ContractBreachError([Difference("too_large", f"at most {MAX_COLUMNS} columns", str(len(header)))])
    _check_delimiter(header, contract)
    last = len(contract.columns) - contract.trailing_optional
    wrong = header_differences(list(header), contract.columns[:last], (*contract.columns[last:], *contract.optional))
    if wrong:
        raise ContractBreachError(wrong)


def _check_delimiter(fields: Sequence[str], contract: DelimitedContract) -> None:
    other = next((sign for sign in ";\t|," if sign != contract.delimiter and len(fields) == 1 and sign in fields[0]), "")
    if other and len(contract.columns) > 1:
        raise ContractBreachError([Difference("delimiter", repr(contract.delimiter), repr(other))])


def _check_foreign(fields: list[str], contract: DelimitedContract) -> None:
    found, expected = [field.strip() for field in fields], contract.foreign_header
    wrong = [
        Difference("header", f"{name!r} in column {position} (the header of another table)", repr(other))
        for position, (name, other) in enumerate(zip_longest(expected, found, fillvalue=""), start=1)
        if name != other
    ]
    if wrong:
        raise ContractBreachError(wrong)


def _positions(begin: Sequence[list[str]], contract: DelimitedContract, skipped: int) -> Shape:
    """The shape of a file without header, by the first of its records that has a number of columns of the contract."""
    rows = [fields for fields in begin if fields]
    if not rows:
        raise ContractBreachError([Difference("empty", "at least one row", "none")])
    _check_delimiter(rows[0], contract)
    names = {name.casefold() for name in contract.columns}
    words = [field.strip().casefold() for field in rows[0] if field.strip()]
    if words and names.issuperset(words):
        shown = ", ".join(rows[0][:5])
        raise ContractBreachError([Difference("header", "no header: row 1 is data", f"the columns' names: {shown}", row=1)])
    width = next((len(fields) for fields in rows if len(fields) in contract.widths), 0)
    if not width:
        low, high = contract.widths[0], contract.widths[-1]
        expected = f"{low} columns" if low == high else f"{low} to {high} columns"
        raise ContractBreachError([Difference("columns", expected, str(len(fields)), row=row) for row, fields in enumerate(rows, start=1)])
    found = contract.columns[:width]
    return Shape(found, (found, *([contract.foreign_header] if contract.foreign_header else [])), skipped)


def check(path: Path, contract: DelimitedContract) -> int:
    """Read the whole file once and return its number of data rows.

    Raises:
        ContractBreachError: encoding, delimiter, header or quoting differ, or the file is empty.
    """
    return some_rows(sum(1 for _ in rows(path, contract)))


def some_rows(count: int) -> int:
    """Return a number of rows that is not zero.

    Raises:
        ContractBreachError: it is zero.
    """
    if not count:
        raise ContractBreachError([Difference("empty", "at least one row", "a header only")])
    return count


def rows(path: Path, contract: DelimitedContract) -> Iterator[Row]:
    """Yield (row number from 1, cells); an empty cell is absent.

    Raises:
        ContractBreachError: as `check`.
    """
    shape = shape_of(path, contract)
    feed = Feed(utf8_chunks(path, contract.encoding))
    row = [0]
    with told(contract, row):
        skip(feed, contract, shape)
        for fields in records(feed, contract):
            if fields:
                row[0] += 1
                yield row[0], row_cells(row[0], fields, contract, shape)


def skip(feed: Feed, contract: DelimitedContract, shape: Shape) -> None:
    """Take the header, where there is one."""
    for _ in islice(records(feed, contract), shape.skipped):
        pass


def row_cells(row: int, fields: list[str], contract: DelimitedContract, shape: Shape) -> dict[str, str]:
    """Return the cells of a record by its number, which is not blank."""
    if row == 1 and contract.first_row == "mangled":
        mended = mangled.restored(fields)
        raw = {RAW: json.dumps(fields, ensure_ascii=False)}
        return {**cells(mended, shape), **raw} if mended is not None else {**cells(fields, shape), **raw, BROKEN: "mangled_row"}
    return cells(fields, shape)


def cells(fields: list[str], shape: Shape) -> dict[str, str]:
    """Return cells by column; fields beyond the columns are kept as `#14`, `#15` and so on."""
    names = shape.names + tuple(f"#{position}" for position in range(len(shape.names) + 1, len(fields) + 1))
    found = {name: field for name, field in zip(names, fields, strict=False) if field}
    broken = _broken_rule(fields, shape)
    return {**found, BROKEN: broken} if broken else found


def _broken_rule(fields: list[str], shape: Shape) -> str:
    if tuple(field.strip() for field in fields) in shape.headers:
        return "repeated_header"
    if len(fields) != len(shape.names):
        return "columns"
    if any(CONTROL.search(field) for field in fields):
        return "control_char"
    return "too_large" if any(len(field) > MAX_CELL for field in fields) else ""


def header_differences(found: list[str], columns: tuple[str, ...], optional: tuple[str, ...]) -> list[Difference]:
    """Return what a header has too little, twice or too much, in the contract's order."""
    shown = ", ".join(repr(name) for name in found) or "no header"
    missing = [Difference("header", "present", f"missing among {shown}", column=name) for name in columns if name not in found]
    repeated = sorted({name for name in found if found.count(name) > 1})
    twice = [Difference("header", "once", f"{found.count(name)} times", column=name) for name in repeated]
    unknown = [name for name in found if name not in columns and name not in optional]
    too_much = [Difference("header", "no such column", f"position {found.index(name) + 1}", column=name) for name in unknown]
    return [*missing, *twice, *too_much]
