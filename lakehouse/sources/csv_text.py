"""Separated text, read strictly (RFC 4180): bytes are checked before anything is typed, columns are matched by name.

A file whose encoding, header or quoting differs from the contract is refused as a whole. A row with too few or too many
fields, or with control characters, comes back with the rule that it broke under `BROKEN`; its neighbours are not concerned.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lakehouse.sources.contracts import BROKEN, ContractBreachError, CsvContract, Difference

MAX_FIELD = 1 << 20
MAX_CELL = 1 << 16
MAX_COLUMNS = 512
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")

Row = tuple[int, dict[str, str]]


@contextmanager
def _reader(path: Path, contract: CsvContract) -> Iterator[Iterator[list[str]]]:
    encoding = "utf-8-sig" if contract.encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else contract.encoding
    csv.field_size_limit(MAX_FIELD)
    with path.open("r", encoding=encoding, errors="strict", newline="") as text:
        yield csv.reader(text, delimiter=contract.delimiter, strict=True)


def check(path: Path, contract: CsvContract) -> int:
    """Read the whole file once and return its number of data rows.

    Raises:
        ContractBreachError: encoding, delimiter, header or quoting differ, or the file is empty.
    """
    with path.open("rb") as raw:
        start = raw.read(2)
    if not start:
        raise ContractBreachError([Difference("empty", "a header and rows", "0 bytes")])
    if start in UTF_16_MARKS:
        raise ContractBreachError([Difference("encoding", contract.encoding, "UTF-16")])
    row = 0
    try:
        with _reader(path, contract) as lines:
            _positions(next(lines, []), contract)
            row = sum(1 for fields in lines if fields)
    except UnicodeDecodeError as error:
        found = f"byte 0x{error.object[error.start]:02x} that cannot be decoded"
        raise ContractBreachError([Difference("encoding", contract.encoding, found)]) from error
    except csv.Error as error:
        raise ContractBreachError([Difference("quoting", "RFC 4180", str(error), row=_broken_row(path, contract))]) from error
    if not row:
        raise ContractBreachError([Difference("empty", "at least one row", "a header only")])
    return row


def _broken_row(path: Path, contract: CsvContract) -> int:
    """Number of the row in which the quoting breaks, 1 is the first after the header."""
    with _reader(path, contract) as lines:
        for row in range(1 << 62):
            try:
                next(lines)
            except csv.Error:
                return row
            except StopIteration:
                break
    return 0


def rows(path: Path, contract: CsvContract) -> Iterator[Row]:
    """Yield (row number from 1, cells) of a file that passed `check`; an empty cell is absent."""
    with _reader(path, contract) as lines:
        header = [name.strip() for name in next(lines)]
        for number, fields in enumerate((each for each in lines if each), start=1):
            yield number, _cells(header, fields)


def _cells(header: list[str], fields: list[str]) -> dict[str, str]:
    """Cells by column; fields beyond the header are kept as `#14`, `#15` and so on."""
    names = header + [f"#{position}" for position in range(len(header) + 1, len(fields) + 1)]
    cells = {name: field for name, field in zip(names, fields, strict=False) if field}
    broken = _broken_rule(header, fields)
    return {**cells, BROKEN: broken} if broken else cells


def _broken_rule(header: list[str], fields: list[str]) -> str:
    if len(fields) != len(header):
        return "columns"
    if [field.strip() for field in fields] == header:
        return "repeated_header"
    if any(CONTROL.search(field) for field in fields):
        return "control_char"
    return "too_large" if any(len(field) > MAX_CELL for field in fields) else ""


def _positions(header: list[str], contract: CsvContract) -> None:
    """Compare the header with the contract by name."""
    found = [name.strip() for name in header]
    if len(found) > MAX_COLUMNS:
        raise ContractBreachError([Difference("too_large", f"at most {MAX_COLUMNS} columns", str(len(found)))])
    other = next((sign for sign in ";\t|," if sign != contract.delimiter and len(found) == 1 and sign in found[0]), "")
    if other:
        raise ContractBreachError([Difference("delimiter", repr(contract.delimiter), repr(other))])
    wrong = header_differences(found, contract.columns, contract.optional)
    if wrong:
        raise ContractBreachError(wrong)


def header_differences(found: list[str], columns: tuple[str, ...], optional: tuple[str, ...]) -> list[Difference]:
    """Return what a header has too little, twice or too much, in the contract's order."""
    shown = ", ".join(repr(name) for name in found) or "no header"
    missing = [Difference("header", "present", f"missing among {shown}", column=name) for name in columns if name not in found]
    repeated = sorted({name for name in found if found.count(name) > 1})
    twice = [Difference("header", "once", f"{found.count(name)} times", column=name) for name in repeated]
    unknown = [name for name in found if name not in columns and name not in optional]
    too_much = [Difference("header", "no such column", f"position {found.index(name) + 1}", column=name) for name in unknown]
    return [*missing, *twice, *too_much]
