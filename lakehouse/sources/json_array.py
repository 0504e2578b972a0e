"""One JSON array as lines: each element compact on a line of its own, a block at a time.

What ends the array too early or goes on after it, or leaves an element out, is a breach with its place. What an element says is
judged where lines are judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lakehouse.sources.cell_batches import Ints
from lakehouse.sources.contracts import ContractBreachError, Difference
from lakehouse.sources.feed import CHUNK, Feed

SPACE = b" \t\r\n"
QUOTE, BACKSLASH, COMMA = b'"\\,'
OPENING, CLOSING = b"{[", b"}]"
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


def _table(signs: bytes) -> bytes:
    return bytes(code in signs for code in range(256))


SIGNS, SPACES, OPENS, CLOSES, APART = (_table(signs) for signs in (b'"{}[],', SPACE, OPENING, CLOSING, b"{}[]:,"))


@dataclass
class ArrayLines:
    """The elements of an array, while they are taken.

    Attributes:
        row: elements taken before the block that was yielded last.
        done: bytes taken before it.
    """

    feed: Feed
    row: int = 0
    done: int = 0
    _ended: bool = field(default=False)

    def blocks(self) -> Iterator[bytes]:
        """Yield blocks of lines.

        Raises:
            ContractBreachError: the array is not closed, has an empty place, or something stands after it.
        """
        self._take_opening()
        while not self._ended:
            text, taken = self._next()
            count = text.count(b"\n")
            if text:
                yield text
            self.row, self.done = self.row + count, self.done + taken
        self._check_rest()

    def breach(self, expected: str, found: str, at: int = 0, row: int = 0) -> ContractBreachError:
        """Return the breach at a byte of the block, and its element."""
        return ContractBreachError([Difference("format", expected, f"{found} at byte {self.done + at}", row=self.row + row)])

    def _take_opening(self) -> None:
        while not self.feed.held[self.feed.at :].lstrip(SPACE) and self.feed.more():
            pass
        left = self.feed.held[self.feed.at :]
        self.done = len(left) - len(left.lstrip(SPACE)) + 1
        self.feed.take(self.done)

    def _next(self) -> tuple[bytes, int]:
        """A block of whole elements as lines, and how many bytes it took."""
        wanted = CHUNK
        while True:
            while len(self.feed.held) - self.feed.at < wanted and not self.feed.ended and self.feed.more():
                pass
            left = self.feed.held[self.feed.at :]
            found = _Signs.of(left)
            cuts, end = found.cuts()
            if end >= 0:
                cuts = cuts[cuts < end]
            elif self.feed.ended:
                raise self.breach("an array that is closed", "the end of the file", len(left), len(cuts) + 1)
            if end < 0 and not len(cuts):
                wanted = 2 * len(left)
                continue
            stop = end if end >= 0 else int(cuts[-1])
            return self._lines(left, found, cuts, stop, closed=end >= 0), self._took(stop, closed=end >= 0)

    def _took(self, stop: int, *, closed: bool) -> int:
        self._ended = closed
        self.feed.take(stop + 1)
        return stop + 1

    def _lines(self, left: bytes, found: _Signs, cuts: Ints, stop: int, *, closed: bool) -> bytes:
        if closed and left[stop : stop + 1] != b"]":
            raise self.breach("a closing ]", repr(chr(left[stop])), stop, len(cuts) + 1)
        edges = np.concatenate(([-1], cuts, [stop] if closed else [])).astype(np.int64)
        if closed and len(edges) == 2 and self.row == 0 and not left[:stop].strip(SPACE):
            return b""
        blanks = found.blanks(stop)
        empty = np.flatnonzero(blanks.after(edges[:-1] + 1) == edges[1:])
        if len(empty):
            raise self.breach("an element", "none", int(edges[empty[0]] + 1), int(empty[0]) + 1)
        data = found.data[: stop + 1].copy()
        data[blanks.kept] = ord(" ")
        data[edges[1:]] = ord("\n")
        return data[blanks.keep].tobytes()

    def _check_rest(self) -> None:
        while True:
            left = self.feed.held[self.feed.at :]
            if left.strip(SPACE):
                raise self.breach("nothing after the array", repr(left.lstrip(SPACE)[:40].decode("utf-8", "backslashreplace")))
            self.feed.take(len(left))
            if self.feed.ended or not self.feed.more():
                return


@dataclass(frozen=True)
class _Blanks:
    """White space outside strings.

    Attributes:
        keep: bytes that are not white space beside a sign.
        kept: where white space stands that is beside no sign, so that it parts two values.
        begins, ends: first and last byte of each run.
    """

    keep: Mask
    kept: Ints
    begins: Ints
    ends: Ints

    def after(self, places: Ints) -> Ints:
        """Return where the white space ends that begins at a place; the place itself, where none does."""
        if not len(self.begins):
            return places
        run = np.minimum(np.searchsorted(self.begins, places), len(self.begins) - 1)
        return np.where(self.begins[run] == places, self.ends[run] + 1, places)


@dataclass(frozen=True)
class _Signs:
    """Signs of a text that begins within the array, after an element.

    Attributes:
        text, data: the text.
        places: where the signs outside strings stand.
        quotes: where strings begin and end.
    """

    text: bytes
    data: Bytes
    places: Ints
    quotes: Ints

    @classmethod
    def of(cls, text: bytes) -> _Signs:
        data = np.frombuffer(text, np.uint8)
        places = np.flatnonzero(_mask(text, SIGNS))
        sign = data[places]
        is_quote = sign == QUOTE
        if b"\\" in text:
            is_quote[is_quote] = ~_escaped(data, places[is_quote])
        outside = ~np.logical_xor.accumulate(is_quote) & (sign != QUOTE)
        return cls(text, data, places[outside], places[is_quote])

    def cuts(self) -> tuple[Ints, int]:
        """Where the commas between elements stand, and where the array ends; -1 when it does not."""
        signs = self.data[self.places].tobytes()
        depth = np.cumsum(_mask(signs, OPENS).astype(np.int8) - _mask(signs, CLOSES), dtype=np.int32)
        ends = np.flatnonzero(depth < 0)
        end = int(self.places[ends[0]]) if len(ends) else -1
        return self.places[(depth == 0) & (np.frombuffer(signs, np.uint8) == COMMA)], end

    def blanks(self, stop: int) -> _Blanks:
        """White space up to `stop`, which is a sign."""
        text = self.text[: stop + 1]
        quote = np.zeros(len(text), bool)
        quote[self.quotes[: np.searchsorted(self.quotes, stop)]] = True
        space = _mask(text, SPACES) & ~np.logical_xor.accumulate(quote)
        edge = np.flatnonzero(space[1:] != space[:-1]) + 1
        edge = np.concatenate(([0], edge)) if space[0] else edge
        begins, ends = edge[0::2], edge[1::2] - 1
        apart = _mask(text, APART)
        beside = (begins == 0) | apart[begins - 1] | apart[ends + 1]
        kept = [np.arange(begin, end + 1) for begin, end in zip(begins[~beside].tolist(), ends[~beside].tolist(), strict=True)]
        places = np.concatenate(kept) if kept else np.zeros(0, np.int64)
        space[places] = False
        return _Blanks(~space, places, begins, ends)


def _mask(text: bytes, table: bytes) -> Mask:
    """Which bytes are in a table."""
    return np.frombuffer(text.translate(table), bool)


def _escaped(data: Bytes, quotes: Ints) -> Mask:
    """Quotes after an odd number of backslashes."""
    slashes = np.flatnonzero(data == BACKSLASH)
    begins = slashes[np.concatenate(([True], np.diff(slashes) > 1))]
    lengths = np.diff(np.append(np.flatnonzero(np.concatenate(([True], np.diff(slashes) > 1))), len(slashes)))
    found = np.zeros(len(quotes), bool)
    run = np.searchsorted(begins, quotes) - 1
    has = run >= 0
    found[has] = (begins[run[has]] + lengths[run[has]] == quotes[has]) & (lengths[run[has]] % 2 == 1)
    return found
