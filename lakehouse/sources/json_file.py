"""JSON files in batches: one object a line, or one array of objects; the content says which.

A bad line is one broken row and its neighbours stay. An array is one document: where it is no JSON it is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from lakehouse.sources.cell_batches import Row, of_rows, rebatched
from lakehouse.sources.contracts import SHOWN_DIFFERENCES, ContractBreachError, Difference
from lakehouse.sources.feed import Feed, check_start, utf8_chunks
from lakehouse.sources.formats import JsonContract
from lakehouse.sources.json_array import SPACE, ArrayLines
from lakehouse.sources.json_blocks import Lines, scan
from lakehouse.sources.json_text import NOT_JSON, parse


def check(path: Path, contract: JsonContract) -> int:
    """Read the whole file once and return its number of rows.

    Raises:
        ContractBreachError: the file is empty, an array that is no JSON, or has no single row as the contract says.
    """
    reader = _Reader(path, contract)
    good = False
    for block in reader.blocks():
        if good and reader.array is None:
            reader.row += _count(block)
            continue
        lines = scan(block, contract)
        reader.rows(lines)
        good = good or len(lines.left) < len(lines) or reader.has_good
        reader.row += len(lines)
    if not reader.row:
        raise ContractBreachError([Difference("empty", "at least one object", "none")])
    if not good:
        raise ContractBreachError(reader.differences)
    return reader.row


def batches(path: Path, contract: JsonContract) -> Iterator[pa.Table]:
    """Yield the rows of a file that passed `check`, at most 100,000 at once; schema `cell_batches.SCHEMA`.

    Raises:
        ContractBreachError: as `check`.
    """
    return rebatched(_tables(_Reader(path, contract)))


def _tables(reader: _Reader) -> Iterator[pa.Table]:
    for block in reader.blocks():
        lines = scan(block, reader.contract)
        for numbers, spans in lines.plain:
            yield spans.table(numbers + reader.row + 1)
        rows = reader.rows(lines)
        if rows:
            yield of_rows(rows)
        reader.row += len(lines)


@dataclass
class _Reader:
    """One file while it is read.

    Attributes:
        row: rows before the block that was yielded last.
        array: the array, when the file is one.
        differences: of the first broken rows.
        has_good: whether a row was good among those that were read one by one.
    """

    path: Path
    contract: JsonContract
    row: int = 0
    array: ArrayLines | None = None
    differences: list[Difference] = field(default_factory=list)
    has_good: bool = False

    def blocks(self) -> Iterator[bytes]:
        """Yield the lines of the file, or the elements of its array as lines, a block at a time."""
        check_start(self.path, "utf-8")
        feed = Feed(utf8_chunks(self.path, "utf-8"))
        while not feed.held[feed.at :].lstrip(SPACE) and feed.more():
            pass
        if feed.held[feed.at :].lstrip(SPACE).startswith(b"["):
            self.array = ArrayLines(feed)
            yield from self.array.blocks()
            return
        while block := _lines_of(feed):
            yield block
            feed.take(len(block))

    def rows(self, lines: Lines) -> list[Row]:
        """The lines that were not read at once, one by one.

        Raises:
            ContractBreachError: one is an element of an array and no JSON.
        """
        found = []
        for number in lines.left.tolist():
            text, row = lines.line(number), self.row + number + 1
            parsed = parse(text, self.contract)
            if self.array is not None and parsed.rule in NOT_JSON:
                raise ContractBreachError([parsed.difference(row, text)])
            if parsed.rule and len(self.differences) < SHOWN_DIFFERENCES:
                self.differences.append(parsed.difference(row, text))
            self.has_good = self.has_good or not parsed.rule
            found.append((row, parsed.row(text)))
        return found


def _count(block: bytes) -> int:
    """Lines that are not blank."""
    if block[:1] in SPACE or any(b"\n" + bytes((sign,)) in block for sign in SPACE):
        return sum(1 for line in block.split(b"\n") if line.strip(SPACE))
    return block.count(b"\n") + (not block.endswith(b"\n"))


def _lines_of(feed: Feed) -> bytes:
    """Show a block of whole lines; empty at the end of the file."""
    while (end := feed.held.rfind(b"\n", feed.at)) < 0 or not feed.has_chunk:
        if feed.ended or not feed.more():
            return feed.held[feed.at :]
    return feed.held[feed.at : end + 1]
