"""Where the fields of separated text lie in a block of bytes, by arithmetic on whole arrays.

Nothing here is lenient: a block is taken only when its quoting is proved to be that of RFC 4180 and its bytes are UTF-8. What is
not proved is left to `lakehouse.sources.csv_text`, which reads the same text record by record.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lakehouse.sources.cell_batches import Ints

QUOTE, LF, CR = 34, 10, 13
CONTROLS = bytes(code for code in range(32) if code not in (9, 10, 13))
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Records:
    """The records of a block, blank ones left out.

    Attributes:
        text: the bytes, without the CR of line ends where the block has no quotes.
        ends: position of the delimiter or line end after each field, shape (fields,).
        widths: fields of each record, shape (records,).
        starts: where each record begins in `text`, shape (records,).
        stops: where its line end stands, shape (records,).
        no_value: positions of all delimiters, line ends and quotes that are not part of a value.
        signs: the delimiter and LF, where taking these bytes away leaves nothing but the values; empty elsewhere.
    """

    text: bytes
    ends: Ints
    widths: Ints
    starts: Ints
    stops: Ints
    no_value: Ints
    signs: bytes

    def __len__(self) -> int:
        return len(self.widths)

    @property
    def longest(self) -> int:
        """Bytes of the longest record."""
        return int((self.stops - self.starts).max(initial=0))

    def with_control(self) -> Mask:
        """Which records have a control character."""
        found = np.zeros(len(self), bool)
        data = np.frombuffer(self.text, np.uint8)
        if np.count_nonzero(data < 32) > sum(self.text.count(sign) for sign in (b"\t", b"\n", b"\r")):
            places = np.flatnonzero(np.isin(data, np.frombuffer(CONTROLS, np.uint8)))
            found[np.minimum(np.searchsorted(self.stops, places), len(self) - 1)] = True
        return found

    def with_text(self, wanted: bytes) -> Mask:
        """Which records have these bytes."""
        found = np.zeros(len(self), bool)
        at = self.text.find(wanted)
        while at >= 0:
            record = int(np.searchsorted(self.stops, at))
            if record == len(self):
                break
            found[record] = True
            at = self.text.find(wanted, max(int(self.stops[record]), at + 1))
        return found

    def record(self, number: int) -> str:
        """One record as text, without its line end."""
        return self.text[int(self.starts[number]) : int(self.stops[number])].decode("utf-8")

    def values(self, chosen: Mask) -> tuple[bytes, npt.NDArray[np.int32]]:
        """Return the values of the chosen records, one after another, and where each begins and the last ends."""
        if self.signs:
            text, ends = self._unquoted_values(chosen)
        else:
            keep = np.ones(len(self.text) + 1, bool)
            keep[self.no_value] = False
            for number in np.flatnonzero(~chosen).tolist():
                keep[self.starts[number] : self.stops[number]] = False
            keep[-1] = False
            ends = np.cumsum(keep, dtype=np.int32)[self.ends[np.repeat(chosen, self.widths)]].astype(np.int64)
            text = np.frombuffer(self.text, np.uint8)[keep[:-1]].tobytes()
        offsets = np.zeros(len(ends) + 1, np.int32)
        offsets[1:] = ends
        return text, offsets

    def _unquoted_values(self, chosen: Mask) -> tuple[bytes, Ints]:
        """The values where taking the signs away is enough, and where each ends."""
        text, ends = self.text, self.ends
        if not chosen.all():
            before = np.cumsum(np.where(chosen, 0, self.stops + 1 - self.starts))
            ends = (ends - np.repeat(before, self.widths))[np.repeat(chosen, self.widths)]
            others = np.flatnonzero(~chosen)
            begins = [0, *(self.stops[others] + 1).tolist()]
            text = b"".join(text[begin:end] for begin, end in zip(begins, [*self.starts[others].tolist(), len(text)], strict=True))
        return text.translate(None, self.signs), ends - np.arange(len(ends))


def scan(block: bytes, delimiter: bytes) -> Records | None:
    """Find the records of a block that begins at a record and ends at a line end or with the file.

    Returns:
        The records; None when the text is not proved to be well-formed.
    """
    quoted = b'"' in block
    text = block if quoted or b"\r" not in block else block.replace(b"\r\n", b"\n")
    if not _is_utf8(text) or (not quoted and b"\r" in text):
        return None
    data = np.frombuffer(text, np.uint8)
    marks = np.flatnonzero((data == delimiter[0]) | (data == LF))
    dropped = np.zeros(0, np.int64)
    if quoted:
        found = _unquoted(data, marks, delimiter[0])
        if found is None:
            return None
        marks, dropped = found
    return _records(text, marks, dropped, delimiter)


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _unquoted(data: npt.NDArray[np.uint8], marks: Ints, delimiter: int) -> tuple[Ints, Ints] | None:
    """The delimiters and line ends outside quotes, and what of the quoting is no value; None when a quote stands out of place."""
    quotes = np.flatnonzero(data == QUOTE)
    if len(quotes) % 2:
        return None
    opening, closing = quotes[0::2], quotes[1::2]
    goes_on = np.zeros(len(opening), bool)
    goes_on[1:] = opening[1:] == closing[:-1] + 1
    outer = np.frombuffer(bytes((delimiter, LF)), np.uint8)
    before = (opening == 0) | np.isin(data[opening - 1], outer)
    ends = np.append(outer, np.uint8(CR))
    after = (closing == len(data) - 1) | np.isin(data[np.minimum(closing + 1, len(data) - 1)], ends)
    after[:-1] |= goes_on[1:]
    if not (before | goes_on).all() or not after.all():
        return None
    returns = _outside(np.flatnonzero(data == CR), quotes)
    if len(returns) and (returns[-1] == len(data) - 1 or not (data[returns + 1] == LF).all()):
        return None
    dropped = np.concatenate((opening[~goes_on], closing, returns))
    return _outside(marks, quotes), dropped


def _outside(places: Ints, quotes: Ints) -> Ints:
    return np.asarray(places[np.searchsorted(quotes, places) % 2 == 0])


def _records(text: bytes, marks: Ints, dropped: Ints, delimiter: bytes) -> Records:
    data = np.frombuffer(text, np.uint8)
    no_value = np.concatenate((marks, dropped))
    last = np.flatnonzero(data[marks] == LF)
    if not len(last) or marks[last[-1]] != len(text) - 1:
        marks = np.append(marks, len(text))
        last = np.append(last, len(marks) - 1)
    widths = np.diff(last, prepend=-1)
    stops = marks[last]
    starts = np.concatenate(([0], stops[:-1] + 1))
    blank = (stops == starts) | ((stops == starts + 1) & (data[np.minimum(starts, len(data) - 1)] == CR))
    signs = b"" if len(dropped) or blank.any() else delimiter + b"\n"
    if blank.any():
        marks, widths, starts, stops = marks[~np.repeat(blank, widths)], widths[~blank], starts[~blank], stops[~blank]
    return Records(text, marks, widths, starts, stops, no_value, signs)
