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


def _table(signs: bytes) -> Mask:
    found = np.zeros(256, bool)
    found[list(signs)] = True
    return found


SIGNS, SPACES, OPENS, CLOSES, APART = _table(b'"{}[],'), _table(SPACE), _table(OPENING), _table(CLOSING), _table(b"{}[]:,")


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
        keep, blanks = found.meaning(stop)
        before = np.concatenate(([0], np.cumsum(keep)))
        empty = np.flatnonzero(np.diff(before[edges + 1]) - keep[edges[1:]] == 0)
        if len(empty):
            raise self.breach("an element", "none", int(edges[empty[0] + 1]), int(empty[0]) + 1)
        data = np.frombuffer(left, np.uint8)[: stop + 1].copy()
        data[blanks] = ord(" ")
        data[edges[1:]] = ord("\n")
        return data[keep].tobytes()

    def _check_rest(self) -> None:
        while True:
            left = self.feed.held[self.feed.at :]
            if left.strip(SPACE):
                raise self.breach("nothing after the array", repr(left.lstrip(SPACE)[:40].decode("utf-8", "backslashreplace")))
            self.feed.take(len(left))
            if self.feed.ended or not self.feed.more():
                return


@dataclass(frozen=True)
class _Signs:
    """Signs of a text that begins within the array, after an element.

    Attributes:
        places: where the signs outside strings stand.
        quotes: where strings begin and end.
    """

    data: Bytes
    places: Ints
    quotes: Ints

    @classmethod
    def of(cls, text: bytes) -> _Signs:
        data = np.frombuffer(text, np.uint8)
        places = np.flatnonzero(SIGNS[data])
        is_quote = data[places] == QUOTE
        if b"\\" in text:
            is_quote[is_quote] = ~_escaped(data, places[is_quote])
        quotes = places[is_quote]
        outside = (np.cumsum(is_quote) % 2 == 0) & (data[places] != QUOTE)
        return cls(data, places[outside], quotes)

    def cuts(self) -> tuple[Ints, int]:
        """Where the commas between elements stand, and where the array ends; -1 when it does not."""
        signs = self.data[self.places]
        depth = np.cumsum(OPENS[signs].astype(np.int64) - CLOSES[signs])
        ends = np.flatnonzero(depth < 0)
        end = int(self.places[ends[0]]) if len(ends) else -1
        return self.places[(depth == 0) & (signs == COMMA)], end

    def meaning(self, stop: int) -> tuple[Mask, Ints]:
        """Which bytes up to `stop` mean something: all but white space beside a sign; and where other white space stands outside strings."""
        data = self.data[: stop + 1]
        space = SPACES[data]
        keep = np.ones(len(data), bool)
        at = np.flatnonzero(space)
        at = at[np.searchsorted(self.quotes, at) % 2 == 0]
        if len(at):
            begins = at[np.concatenate(([True], np.diff(at) > 1))]
            ends = at[np.concatenate((np.diff(at) > 1, [True]))]
            apart = (begins == 0) | APART[data[begins - 1]] | (ends == stop) | APART[data[np.minimum(ends + 1, stop)]]
            apart = np.repeat(apart, ends - begins + 1)
            keep[at[apart]] = False
            at = at[~apart]
        return keep, at


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
