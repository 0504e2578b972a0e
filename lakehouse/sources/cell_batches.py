"""Rows of cells as Arrow tables of bounded size: `row_no` and `cells`, whatever kind of file they came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

BATCH_ROWS = 100_000
BATCH_BYTES = 128 << 20
SCHEMA = pa.schema([("row_no", pa.int64()), ("cells", pa.map_(pa.string(), pa.string()))])

Ints = npt.NDArray[np.int64]
Row = tuple[int, dict[str, str]]


def of_rows(rows: Sequence[Row]) -> pa.Table:
    """Return rows as one table of `SCHEMA`."""
    numbers = pa.array([number for number, _ in rows], pa.int64())
    items = pa.array([list(cells.items()) for _, cells in rows], SCHEMA.field("cells").type)
    return pa.Table.from_arrays([numbers, items], schema=SCHEMA)


def of_arrays(numbers: Ints, counts: Ints, keys: pa.Array, items: pa.Array) -> pa.Table:
    """Return one table of `SCHEMA` from flat arrays.

    Args:
        numbers: row numbers, shape (n,).
        counts: cells of each row, shape (n,).
        keys: column names of all cells, row by row, length sum(counts).
        items: their texts, in the same order.
    """
    offsets = np.zeros(len(counts) + 1, np.int32)
    np.cumsum(counts, out=offsets[1:])
    cells = pa.MapArray.from_arrays(pa.array(offsets), keys, items)
    return pa.Table.from_arrays([pa.array(numbers), cells], schema=SCHEMA)


def texts(offsets: npt.NDArray[np.int32], values: bytes) -> pa.Array:
    """Return the string array of a buffer of UTF-8 that was proved valid.

    Args:
        offsets: where each text begins, and where the last ends, shape (n + 1,).
        values: the texts, one after another.
    """
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(np.ascontiguousarray(offsets)), pa.py_buffer(values))


def rebatched(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Put tables together to at most `BATCH_ROWS` rows, or fewer once they are `BATCH_BYTES` large."""
    held: list[pa.Table] = []
    rows = size = 0
    for table in tables:
        rest = table
        while rows + rest.num_rows >= BATCH_ROWS:
            taken = BATCH_ROWS - rows
            yield pa.concat_tables([*held, rest.slice(0, taken)])
            held, rows, size, rest = [], 0, 0, rest.slice(taken)
        if rest.num_rows:
            held.append(rest)
            rows, size = rows + rest.num_rows, size + rest.nbytes
        if size >= BATCH_BYTES:
            yield pa.concat_tables(held)
            held, rows, size = [], 0, 0
    if held:
        yield pa.concat_tables(held)


def by_hundred_thousand(rows: Iterable[Row], at_once: int = 10_000) -> Iterator[pa.Table]:
    """Put rows that come one by one into tables of at most `BATCH_ROWS` rows."""
    return rebatched(_portions(rows, at_once))


def _portions(rows: Iterable[Row], at_once: int) -> Iterator[pa.Table]:
    held: list[Row] = []
    for row in rows:
        held.append(row)
        if len(held) == at_once:
            yield of_rows(held)
            held = []
    if held:
        yield of_rows(held)
