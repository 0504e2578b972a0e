"""Separated text in batches: whole blocks at once where they are proved to be well-formed, record by record elsewhere, with one outcome.

`lakehouse.sources.csv_text` says what a file means; this is the same, faster. Within a proved block the records with a wrong number of
fields, control characters, very long values or a header's names are read one by one; they come after their neighbours of the block.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa

from lakehouse.sources.cell_batches import Ints, of_arrays, of_rows, rebatched, texts
from lakehouse.sources.csv_text import MAX_CELL, MAX_FIELD, Row, records, row_cells, shape_of, skip, some_rows, told
from lakehouse.sources.feed import Feed, utf8_chunks
from lakehouse.sources.formats import DelimitedContract
from lakehouse.sources.records import Mask, Records, scan

STRICT_RECORDS = 20_000


def check(path: Path, contract: DelimitedContract) -> int:
    """Read the whole file once and return its number of data rows.

    Raises:
        ContractBreachError: encoding, delimiter, header, number of columns or quoting differ, or the file is empty.
    """
    return some_rows(sum(len(found) for found in _Reader(path, contract).parts()))


def batches(path: Path, contract: DelimitedContract) -> Iterator[pa.Table]:
    """Yield the rows of a file that passed `check`, at most 100,000 at once; schema `cell_batches.SCHEMA`.

    Raises:
        ContractBreachError: as `check`.
    """
    return rebatched(_Reader(path, contract).tables())


class _Reader:
    """One file while it is read."""

    def __init__(self, path: Path, contract: DelimitedContract) -> None:
        self.contract = contract
        self.shape = shape_of(path, contract)
        self.feed = Feed(utf8_chunks(path, contract.encoding))
        self.row = [0]
        self.delimiter = contract.delimiter.encode("ascii")
        self.header_signs = [_sign(header) for header in self.shape.headers]

    def parts(self) -> Iterator[Records | list[Row]]:
        """Blocks of records with their places, or rows that were read one by one; `row` counts those before the part."""
        with told(self.contract, self.row):
            skip(self.feed, self.contract, self.shape)
            if self.contract.first_row == "mangled":
                yield from self._strictly(1)
            while True:
                block = self.feed.block()
                found = scan(block, self.delimiter) if block else None
                if found is not None and found.longest <= MAX_FIELD:
                    self.feed.take(len(block))
                    yield found
                    self.row[0] += len(found)
                elif block or not self.feed.ended:
                    yield from self._strictly(STRICT_RECORDS)
                else:
                    return

    def _strictly(self, count: int) -> Iterator[list[Row]]:
        first, rows = self.row[0], []
        for fields in islice(records(self.feed, self.contract), count):
            if fields:
                self.row[0] += 1
                rows.append((self.row[0], row_cells(self.row[0], fields, self.contract, self.shape)))
        self.row[0] = first
        yield rows
        self.row[0] += len(rows)

    def tables(self) -> Iterator[pa.Table]:
        """The parts as tables."""
        for part in self.parts():
            if isinstance(part, Records):
                yield from self._tables_of(part)
            elif part:
                yield of_rows(part)

    def _tables_of(self, found: Records) -> Iterator[pa.Table]:
        if not len(found):
            return
        plain = found.widths == len(self.shape.names)
        plain &= ~found.with_control()
        for sign in self.header_signs:
            plain &= ~found.with_text(sign)
        plain &= _longest(found) <= MAX_CELL
        numbers = np.arange(self.row[0] + 1, self.row[0] + 1 + len(found))
        if plain.any():
            yield _table(found, plain, numbers[plain], self.shape.names)
        if not plain.all():
            yield of_rows(self._one_by_one(found, numbers, plain))

    def _one_by_one(self, found: Records, numbers: Ints, plain: Mask) -> list[Row]:
        rows = []
        before = self.row[0]
        for at in np.flatnonzero(~plain).tolist():
            self.row[0] = int(numbers[at]) - 1
            text = io.StringIO(found.record(at), newline="")
            fields = next(csv.reader(text, delimiter=self.contract.delimiter, strict=True))
            rows.append((int(numbers[at]), row_cells(int(numbers[at]), fields, self.contract, self.shape)))
        self.row[0] = before
        return rows


def _sign(header: Sequence[str]) -> bytes:
    """Bytes that a record has when it is this header: its longest name, as far as it needs no escaping."""
    longest = max((part for name in header for part in name.split('"')), key=len, default="")
    return longest.strip().encode("utf-8")


def _longest(found: Records) -> Ints:
    """Bytes of the longest field of each record, quotes counted, as an upper bound."""
    lengths = np.diff(found.ends, prepend=-1)
    first = np.concatenate(([0], np.cumsum(found.widths)[:-1]))
    lengths[first] = found.ends[first] - found.starts + 1
    return np.asarray(np.maximum.reduceat(lengths, first) - 1)


def _table(found: Records, plain: Mask, numbers: Ints, names: Sequence[str]) -> pa.Table:
    text, offsets = found.values(plain)
    filled = np.flatnonzero(np.diff(offsets))
    width = len(names)
    counts = np.bincount(filled // width, minlength=len(numbers))
    keys = pa.array(names, pa.string()).take(pa.array((filled % width).astype(np.int32)))
    items = texts(offsets[np.append(filled, len(offsets) - 1)], text)
    return of_arrays(numbers, counts, keys, items)
