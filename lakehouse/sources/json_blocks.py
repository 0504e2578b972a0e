"""Many JSON objects at once, one a line, by arithmetic on whole arrays; only what is proved to be plain is taken.

Plain is an object of strings without escapes, finite numbers, booleans and nulls, in which every sign stands where the grammar of
RFC 8259 wants it, and whose names are those of a line before it. All other lines are left to `lakehouse.sources.json_text`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.sources.cell_batches import Ints, of_arrays, texts
from lakehouse.sources.csv_text import MAX_CELL
from lakehouse.sources.formats import JsonContract
from lakehouse.sources.json_text import field_rule

MOST_SHAPES = 8
LONGEST_SCALAR = 64
BLANK = b" \t\r"
NUMBER = r"^(-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?|true|false|null)$"
QUOTE, LF, COLON, COMMA, OPEN, CLOSE, SPACE = b'"\n:,{} '
OTHER = 1
"""Class of bytes that make a line not plain: escapes, arrays, control characters."""

Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]


def _classes() -> Bytes:
    table = np.zeros(256, np.uint8)
    table[:32] = OTHER
    for sign in b"\\[]":
        table[sign] = OTHER
    for sign in (QUOTE, LF, COLON, COMMA, OPEN, CLOSE):
        table[sign] = sign
    return table


CLASSES = _classes().tobytes()


@dataclass(frozen=True)
class Spans:
    """The values of lines with the same names.

    Attributes:
        names: the names in the lines' order.
        data: the block.
        starts, stops: where each value begins and ends, quotes excluded, shape (lines, names); equal where there is none.
    """

    names: tuple[str, ...]
    data: Bytes
    starts: Ints
    stops: Ints

    def table(self, numbers: Ints) -> pa.Table:
        """Return the rows under these numbers."""
        starts, stops, width = self.starts.ravel(), self.stops.ravel(), len(self.names)
        filled = np.flatnonzero(stops > starts)
        starts, stops = starts[filled], stops[filled]
        edges = np.zeros(len(self.data) + 1, np.int8)
        edges[starts] = 1
        edges[stops] -= 1
        inside = np.add.accumulate(edges[:-1], dtype=np.int8).view(bool)
        offsets = np.zeros(len(filled) + 1, np.int32)
        np.cumsum(stops - starts, out=offsets[1:])
        keys = pa.array(self.names, pa.string()).take(pa.array((filled % width).astype(np.int32)))
        counts = np.bincount(filled // width, minlength=len(numbers))
        return of_arrays(numbers, counts, keys, texts(offsets, self.data[inside].tobytes()))


@dataclass(frozen=True)
class Lines:
    """The lines of a block that are not blank.

    Attributes:
        text: the bytes.
        starts, stops: where each line begins and its line end stands, shape (lines,).
        plain: values of the lines that were read, with the numbers (from 0) of their lines.
        left: numbers of the lines that were not, in order.
    """

    text: bytes
    starts: Ints
    stops: Ints
    plain: Sequence[tuple[Ints, Spans]]
    left: Ints

    def __len__(self) -> int:
        return len(self.starts)

    def line(self, number: int) -> bytes:
        """One line, without its line end."""
        return self.text[int(self.starts[number]) : int(self.stops[number])]


def scan(block: bytes, contract: JsonContract) -> Lines:
    """Read the plain lines of a block that begins at a line and ends at a line end or with the file."""
    text = block.replace(b"\r\n", b"\n") if b"\r" in block else block
    if not text.endswith(b"\n"):
        text += b"\n"
    data = np.frombuffer(text, np.uint8)
    classes = np.frombuffer(text.translate(CLASSES), np.uint8)
    places = np.flatnonzero(classes != 0)
    signs = classes[places]
    ends = np.flatnonzero(signs == LF)
    stops = places[ends]
    starts = np.concatenate(([0], stops[:-1] + 1))
    plain = _without_other(text, places, signs, ends, starts, stops)
    found = _Signs(data, places, signs, ends, starts).chosen(plain)
    kept = ~_blank(text, starts, stops, plain)
    number = np.cumsum(kept) - 1
    read = _by_shape(found, number[plain], contract)
    left = kept[kept]
    for numbers, _ in read:
        left[numbers] = False
    return Lines(text, starts[kept], stops[kept], read, np.flatnonzero(left))


def _blank(text: bytes, starts: Ints, stops: Ints, plain: Mask) -> Mask:
    """Lines of white space only."""
    found = stops == starts
    for number in np.flatnonzero(~plain & ~found).tolist():
        found[number] = not text[int(starts[number]) : int(stops[number])].strip(BLANK)
    return np.asarray(found)


def _without_other(text: bytes, places: Ints, signs: Bytes, ends: Ints, starts: Ints, stops: Ints) -> Mask:
    """Lines with signs, without escapes, arrays and control characters, in which strings end, UTF-8 and of bounded length."""
    plain = (np.diff(ends, prepend=-1) > 1) & (stops - starts <= MAX_CELL)
    if (signs == OTHER).any():
        plain[np.searchsorted(stops, places[signs == OTHER])] = False
    odd = np.logical_xor.accumulate(signs == QUOTE)[ends]
    plain &= odd == np.concatenate(([False], odd[:-1]))
    if not text.isascii():
        for number in np.flatnonzero(_has_high(text, starts, stops) & plain).tolist():
            try:
                text[int(starts[number]) : int(stops[number])].decode("utf-8")
            except UnicodeDecodeError:
                plain[number] = False
    return plain


def _has_high(text: bytes, starts: Ints, stops: Ints) -> Mask:
    """Lines with a byte beyond ASCII; none when the whole text is UTF-8, as it nearly always is."""
    found = np.zeros(len(stops), bool)
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        high = np.flatnonzero(np.frombuffer(text, np.uint8) > 127)
        found[np.searchsorted(stops, high)] = True
    return found


@dataclass(frozen=True)
class _Signs:
    """The signs of lines: quotes, and outside of strings colons, commas and braces.

    Attributes:
        places: where each sign stands.
        signs: which it is.
        ends: number of the sign that ends each line.
        starts: where each line begins.
    """

    data: Bytes
    places: Ints
    signs: Bytes
    ends: Ints
    starts: Ints

    def chosen(self, lines: Mask) -> _Signs:
        """The signs of the chosen lines."""
        if lines.all():
            return self
        counts = np.diff(self.ends, prepend=-1)
        keep = np.repeat(lines, counts)
        return _Signs(self.data, self.places[keep], self.signs[keep], np.cumsum(counts[lines]) - 1, self.starts[lines])

    def outside(self) -> tuple[_Signs, Ints]:
        """The signs outside strings without the quotes, and how many quotes stand before each."""
        is_quote = self.signs == QUOTE
        keep = ~(np.logical_xor.accumulate(is_quote) | is_quote)
        at = np.flatnonzero(keep)
        quotes = np.cumsum(is_quote, dtype=np.int32)[at].astype(np.int64)
        ends = np.searchsorted(at, self.ends)
        return _Signs(self.data, self.places[at], self.signs[at], ends, self.starts), quotes


def _by_shape(found: _Signs, numbers: Ints, contract: JsonContract) -> list[tuple[Ints, Spans]]:
    """Read lines by number of signs and names."""
    read: list[tuple[Ints, Spans]] = []
    if not len(numbers):
        return read
    outside, quotes = found.outside()
    counts = np.diff(outside.ends, prepend=-1)
    for count in np.unique(counts)[:MOST_SHAPES].tolist():
        if count < 4 or count % 2:
            continue
        grid = _Grid.of(outside, quotes, np.flatnonzero(counts == count), count)
        for _ in range(MOST_SHAPES):
            if not len(grid.lines):
                break
            same, names = grid.like_the_first()
            lines, spans = grid.chosen(same).values(names)
            if len(lines) and len(set(names)) == len(names) and not field_rule(names, contract)[0]:
                read.append((numbers[lines], spans))
            grid = grid.chosen(~same)
    return read


@dataclass(frozen=True)
class _Grid:
    """Lines with the same number of signs: one row each.

    Attributes:
        lines: numbers of the lines.
        places, signs: shape (lines, signs); the last sign is the line end.
        quotes: quotes in the line before each sign.
        starts: where each line begins.
    """

    data: Bytes
    lines: Ints
    places: Ints
    signs: Bytes
    quotes: Ints
    starts: Ints

    @classmethod
    def of(cls, found: _Signs, quotes: Ints, lines: Ints, count: int) -> _Grid:
        if len(lines) * count == len(found.places):
            shape = (len(lines), count)
            return cls(found.data, lines, found.places.reshape(shape), found.signs.reshape(shape), quotes.reshape(shape), found.starts).proved()
        at = (found.ends[lines] - count + 1)[:, None] + np.arange(count)
        return cls(found.data, lines, found.places[at], found.signs[at], quotes[at], found.starts[lines]).proved()

    def chosen(self, keep: Mask) -> _Grid:
        """The grid of some of the lines."""
        return _Grid(self.data, self.lines[keep], self.places[keep], self.signs[keep], self.quotes[keep], self.starts[keep])

    def proved(self) -> _Grid:
        """The lines whose signs follow the grammar: brace, name, colon, value, comma … brace, line end."""
        count = self.signs.shape[1]
        pattern = np.full(count, COMMA, np.uint8)
        pattern[1:-2:2] = COLON
        pattern[[0, -2, -1]] = OPEN, CLOSE, LF
        good = (self.signs == pattern).all(axis=1)
        good &= self.places[:, 0] == self.starts
        good &= self.places[:, -1] == self.places[:, -2] + 1
        first, last = self._spans(0)
        good &= ((self.data[first] == QUOTE) & (self.data[last - 1] == QUOTE) & (last - first >= 2)).all(axis=1)
        good &= (self.quotes[:, 1:-1:2] - self.quotes[:, 0:-2:2] == 2).all(axis=1)
        return self.chosen(good)

    def _spans(self, after: int) -> tuple[Ints, Ints]:
        """What stands after every second sign from `after` on, without one blank on either side."""
        count = self.places.shape[1] - 2
        first = self.places[:, after:count:2] + 1
        last = self.places[:, after + 1 : count + 1 : 2]
        first = first + (self.data[first] == SPACE)
        return first, last - ((self.data[last - 1] == SPACE) & (last > first))

    def like_the_first(self) -> tuple[Mask, list[str]]:
        """Which lines have the names of the first one, and these names."""
        first, last = self._spans(0)
        same = (last - first == (last - first)[0]).all(axis=1)
        names = []
        for column, (start, length) in enumerate(zip(first[0].tolist(), (last - first)[0].tolist(), strict=True)):
            name = self.data[start : start + length].tobytes()
            words: npt.NDArray[np.bytes_] = np.ndarray(len(self.data) - length + 1, f"S{length}", self.data, strides=(1,))
            same &= words[np.minimum(first[:, column], len(words) - 1)] == name
            names.append(name[1:-1].decode("utf-8"))
        return same, names

    def values(self, names: Sequence[str]) -> tuple[Ints, Spans]:
        """The numbers of the lines that have only good values, and these."""
        first, last = self._spans(1)
        quoted = self.quotes[:, 2:-1:2] - self.quotes[:, 1:-2:2] == 2
        good = ~quoted | ((self.data[first] == QUOTE) & (self.data[last - 1] == QUOTE) & (last - first >= 2))
        starts, stops = first + quoted, last - quoted
        for column in np.flatnonzero(~quoted.all(axis=0)).tolist():
            bare = np.flatnonzero(~quoted[:, column])
            valid, null = _scalars(self.data, starts[bare, column], stops[bare, column])
            good[bare, column] = valid
            stops[bare[null], column] = starts[bare[null], column]
        rows = good.all(axis=1)
        return self.lines[rows], Spans(tuple(names), self.data, starts[rows], stops[rows])


def _scalars(data: Bytes, starts: Ints, stops: Ints) -> tuple[Mask, Mask]:
    """Which texts are a number, true, false or null, and which are null; longer ones than `LONGEST_SCALAR` are left."""
    lengths = np.minimum(stops - starts, LONGEST_SCALAR)
    at = starts[:, None] + np.arange(int(lengths.max(initial=0)))
    inside = at < (starts + lengths)[:, None]
    signs = data[np.minimum(at, len(data) - 1)]
    digits = ~inside | ((signs >= ord("0")) & (signs <= ord("9")))
    valid = digits.all(axis=1) & (lengths > 0) & ((lengths == 1) | (data[starts] != ord("0")))
    null = np.zeros(len(starts), bool)
    others = np.flatnonzero(~valid)
    if len(others):
        offsets = np.zeros(len(others) + 1, np.int32)
        np.cumsum(lengths[others], out=offsets[1:])
        found = texts(offsets, signs[others][inside[others]].tobytes())
        valid[others] = pc.match_substring_regex(found, NUMBER).to_numpy(zero_copy_only=False)
        null[others] = pc.equal(found, "null").to_numpy(zero_copy_only=False)
    return valid & (lengths < LONGEST_SCALAR), null
