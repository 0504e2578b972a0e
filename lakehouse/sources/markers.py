"""Text without delimiter: records of marker, value, marker, value …, each closed by an end sign. The grammar is the contract's.

    file   = { line ends, record, end }
    record = marker_1 value_1 marker_2 value_2 … marker_n value_n
    value  = any text that holds no marker and no end sign

A record that is anything else is one broken row with its text: `grammar` when a marker is absent or out of order, or text stands
before the first; `marker_in_value` when one occurs twice; `unfinished` when the file ends first. Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from lakehouse.sources.cell_batches import Row, by_hundred_thousand
from lakehouse.sources.contracts import BROKEN, RAW, SHOWN_DIFFERENCES, ContractBreachError, Difference
from lakehouse.sources.csv_text import CONTROL, MAX_CELL
from lakehouse.sources.feed import MAX_RECORD, check_start, utf8_chunks
from lakehouse.sources.formats import MarkersContract

LINE_ENDS = "\r\n"


def check(path: Path, contract: MarkersContract) -> int:
    """Read the whole file once and return its number of rows.

    Raises:
        ContractBreachError: the file is empty or in another encoding, or has no single record of the grammar.
    """
    count = good = 0
    wrong: list[Difference] = []
    for count, cells in rows(path, contract):
        good += BROKEN not in cells
        if BROKEN in cells and len(wrong) < SHOWN_DIFFERENCES:
            wrong.append(Difference("record", _grammar(contract), f"{cells[BROKEN]}: {cells[RAW][:80]}", row=count))
    if not count:
        raise ContractBreachError([Difference("empty", "at least one record", "none")])
    if not good:
        raise ContractBreachError(wrong)
    return count


def batches(path: Path, contract: MarkersContract) -> Iterator[pa.Table]:
    """Yield the rows of a file that passed `check`, at most 100,000 at once; schema `cell_batches.SCHEMA`.

    Raises:
        ContractBreachError: as `check`.
    """
    return by_hundred_thousand(rows(path, contract))


def rows(path: Path, contract: MarkersContract) -> Iterator[Row]:
    """Yield (row number from 1, cells); an empty value is absent.

    Raises:
        ContractBreachError: the file is empty, or bytes cannot be decoded.
    """
    number = 0
    for text, finished in _records(path, contract):
        record = text.lstrip(LINE_ENDS) if contract.end != "\n" else text.removesuffix("\r")
        if record.strip():
            number += 1
            cells, broken = parse(record, contract)
            if not finished:
                broken = "unfinished"
            yield number, {**cells, RAW: record, BROKEN: broken} if broken else cells


def parse(record: str, contract: MarkersContract) -> tuple[dict[str, str], str]:
    """Read one record without its end sign.

    Returns:
        The cells and "", or no cells and the rule that the record breaks.
    """
    if any(record.count(each.marker) > 1 for each in contract.record):
        return {}, "marker_in_value"
    values, rest = [], record
    for each in contract.record:
        before, found, rest = rest.partition(each.marker)
        if not found:
            return {}, "grammar"
        values.append(before)
    if values[0]:
        return {}, "grammar"
    cells = {each.column: value for each, value in zip(contract.record, [*values[1:], rest], strict=True) if value}
    if any(CONTROL.search(value) for value in cells.values()):
        return cells, "control_char"
    return cells, "too_large" if any(len(value) > MAX_CELL for value in cells.values()) else ""


def _records(path: Path, contract: MarkersContract) -> Iterator[tuple[str, bool]]:
    """Texts between end signs, and whether the sign followed."""
    check_start(path, contract.encoding)
    end, held, done = contract.end.encode("utf-8"), b"", 0
    for chunk in utf8_chunks(path, contract.encoding):
        *whole, held = (held + chunk).split(end)
        for record in whole:
            yield _decoded(record, contract, done), True
            done += len(record) + len(end)
        if len(held) > MAX_RECORD:
            raise ContractBreachError([Difference("too_large", f"records of at most {MAX_RECORD} bytes", "a longer one")])
    if held:
        yield _decoded(held, contract, done), contract.end == "\n"


def _decoded(record: bytes, contract: MarkersContract, done: int) -> str:
    try:
        return record.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte 0x{record[error.start]:02x} at {done + error.start} that cannot be decoded"
        raise ContractBreachError([Difference("encoding", contract.encoding, found)]) from error


def _grammar(contract: MarkersContract) -> str:
    shown = " ".join(each.marker for each in contract.record[:3])
    return f"{shown}{' …' if len(contract.record) > 3 else ''}, each once and in this order"
