"""Rows of a sheet as Arrow tables of `SCHEMA`: column by column where nothing in a chunk needs a second look, else row by row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.sources.csv_text import Row
from lakehouse.sources.sheet_rows import RowMaker, Suspects

SCHEMA = pa.schema([("row_no", pa.int64()), ("cells", pa.map_(pa.string(), pa.string()))])


def table(numbers: Sequence[int], texts: Sequence[list[str]], suspects: Suspects, maker: RowMaker) -> pa.Table:
    """Return a chunk of rows (row as Excel counts, texts by column) as one table; chunks must come in order."""
    if maker.is_simple and not any(suspects):
        quick = _by_column(numbers, texts, maker)
        if quick is not None:
            return quick
    return by_row(list(maker.rows(zip(numbers, texts, strict=True), suspects)))


def by_row(rows: Sequence[Row]) -> pa.Table:
    """Return rows as one table."""
    offsets = [0]
    for _, cells in rows:
        offsets.append(offsets[-1] + len(cells))
    names = pa.array(list(chain.from_iterable(cells for _, cells in rows)), pa.string())
    texts = pa.array(list(chain.from_iterable(cells.values() for _, cells in rows)), pa.string())
    return _table(pa.array([number for number, _ in rows], pa.int64()), pa.array(offsets, pa.int32()), names, texts)


def _table(numbers: pa.Array, offsets: pa.Array, names: pa.Array, texts: pa.Array) -> pa.Table:
    return pa.Table.from_arrays([numbers, pa.MapArray.from_arrays(offsets, names, texts)], schema=SCHEMA)


def _may_have_total(column: pa.Array, maker: RowMaker) -> bool:
    """Whether a column has the word of a total row, or letters of which that cannot be told here."""
    if not pc.all(pc.string_is_ascii(column)).as_py():
        return True
    plain = pc.replace_substring_regex(pc.ascii_lower(pc.ascii_trim_whitespace(column)), r"\s+", " ")
    return bool(pc.any(pc.is_in(plain, pa.array(sorted(maker.totals)))).as_py())


def _by_column(numbers: Sequence[int], texts: Sequence[list[str]], maker: RowMaker) -> pa.Table | None:
    """The chunk without looking at single rows; None when one of them needs it: a day number, a repeated header, another width."""
    names, width = maker.header.names, len(texts[0])
    if width > len(names) or any(len(row) != width for row in texts):
        return None
    flat = pa.array(list(chain.from_iterable(texts)), pa.string())
    totals = [maker.profile.total_rows] if maker.profile.total_rows else []
    places = np.arange(len(texts)) * width
    firsts = flat.take(pa.array(places))
    if pc.any(pc.equal(firsts, maker.header.texts[0])).as_py():
        return None
    for place in (place for place, name in enumerate(names[:width]) if name in maker.day_columns):
        column = flat.take(pa.array(places + place))
        iso = pc.or_(pc.equal(column, ""), pc.equal(pc.utf8_slice_codeunits(column, 4, 5), "-"))
        if not pc.all(iso).as_py():
            return None
    if any(_may_have_total(flat.take(pa.array(places + names.index(each.column))), maker) for each in totals if each.column in names[:width]):
        return None
    filled = pc.not_equal(flat, "").to_numpy(zero_copy_only=False)
    offsets = np.concatenate(([0], np.cumsum(filled.reshape(len(texts), width).sum(axis=1))))
    keys = pa.array(names, pa.string()).take(pa.array(np.tile(np.arange(width), len(texts))[filled]))
    return _table(pa.array(numbers, pa.int64()), pa.array(offsets, pa.int32()), keys, flat.filter(pa.array(filled)))
