"""Books against gold: every difference, with what was done on purpose to that machine at that time, if anything was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lakehouse.simulator.books import Books, Incident, ShiftKey
from lakehouse.simulator.instants import iso, micros

COLUMNS = {
    "pbt_s": "pbt_s", "apt_s": "apt_s", "aust_s": "aust_s", "adet_s": "adet_s", "adot_s": "adot_s", "unknown_s": "unknown_s",
    "planned_down_s": "planned_down_s", "pq": "pq_count", "gq": "gq_count", "rq": "rq_count", "sq": "sq_count",
}  # fmt: skip
HARMLESS = frozenset({"duplicate", "reset"})
SHOWN_CAUSES = 3
Row = Mapping[str, Any]
Piece = tuple[int, int, str, str, str]


@dataclass(frozen=True)
class Difference:
    """One cell or stretch in which gold and the books disagree.

    Attributes:
        key: site, machine, shift date, shift.
        what: the column, `row` for a missing or surplus row, or the span of a segment.
        expected: what the books say.
        found: what gold says.
        cause: irregularities of that machine and time that may explain it, empty when there was none.
    """

    key: ShiftKey
    what: str
    expected: str
    found: str
    cause: str

    def line(self) -> str:
        """Return one readable line."""
        site, machine, date, shift = self.key
        return f"{site} {machine} {date} {shift} {self.what}: books {self.expected}, gold {self.found}" + (f" | {self.cause}" if self.cause else "")


def compare(books: Books, machine_shifts: Iterable[Row], segments: Iterable[Row] = ()) -> list[Difference]:
    """Return all differences between the books and gold, in order of key.

    Args:
        books: what was true; windows that end after `books.until` are not looked at.
        machine_shifts: rows of gold.machine_shift by column name; instants aware, or naive in UTC.
        segments: rows of gold.time_segment; none: segments are not compared.
    """
    found = {_key(row): row for row in machine_shifts if _covered(books, row)}
    differences: list[Difference] = []
    for key, expected in sorted(books.shifts.items()):
        differences += _cells(books, key, expected, found.get(key))
    differences += [Difference(key, "row", "none", "a row", _cause(books, key)) for key in sorted(found.keys() - books.shifts.keys())]
    by_window: dict[ShiftKey, list[Piece]] = {}
    for row in segments:
        by_window.setdefault(_key(row), []).append(_piece(row))
    if by_window:
        for key, truth in sorted(books.segments.items()):
            differences += _stretches(books, key, truth, _joined(sorted(by_window.get(key, []))))
    return differences


def _cells(books: Books, key: ShiftKey, expected: Mapping[str, Decimal], row: Row | None) -> list[Difference]:
    if row is None:
        return [Difference(key, "row", "a row", "none", _cause(books, key))]
    wrong = [
        (column, str(expected[name]), str(row[column]))
        for name, column in COLUMNS.items()
        if row[column] is None or Decimal(str(row[column])) != expected[name]
    ]
    return [Difference(key, column, truth, seen, _cause(books, key)) for column, truth, seen in wrong]


def _stretches(books: Books, key: ShiftKey, truth: Sequence[Piece], seen: Sequence[Piece]) -> list[Difference]:
    expected = _joined(truth)
    lacking, surplus = sorted(set(expected) - set(seen)), sorted(set(seen) - set(expected))
    return [
        *(Difference(key, _span(each), _words(each), "something else", _cause(books, key, each[:2])) for each in lacking),
        *(Difference(key, _span(each), "something else", _words(each), _cause(books, key, each[:2])) for each in surplus),
    ]


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Join neighbours of equal cause, however they were cut."""
    found: list[Piece] = []
    for piece in pieces:
        if found and found[-1][1] == piece[0] and found[-1][2:] == piece[2:]:
            found[-1] = (found[-1][0], *piece[1:])
        else:
            found.append(piece)
    return found


def _cause(books: Books, key: ShiftKey, span: tuple[int, ...] = ()) -> str:
    pieces = books.segments.get(key, [])
    if not span and not pieces:
        return ""
    start, end = span or (pieces[0][0], pieces[-1][1])
    near = [each for each in books.incidents if each.machine_id == key[1] and each.start < end and max(each.end, each.arrived) > start]
    told = [_told(books, each) for each in near if each.kind not in HARMLESS]
    more = f" and {len(told) - SHOWN_CAUSES} more" if len(told) > SHOWN_CAUSES else ""
    return "; ".join(told[:SHOWN_CAUSES]) + more


def _told(books: Books, incident: Incident) -> str:
    pending = " (not sent yet)" if incident.arrived > books.until else ""
    return f"{incident.kind} {incident.ref} {iso(incident.start)} {incident.note}{pending}".replace("  ", " ")


def _covered(books: Books, row: Row) -> bool:
    since = min((pieces[0][0] for pieces in books.segments.values()), default=0)
    return _at(row["shift_start_at"]) >= since and _at(row["shift_end_at"]) <= books.until


def _key(row: Row) -> ShiftKey:
    date = row["shift_date"]
    return row["site_id"], row["machine_id"], date if isinstance(date, dt.date) else dt.date.fromisoformat(date), row["shift_id"]


def _piece(row: Row) -> Piece:
    ref = row["source_key"] if row["source_table"] == "silver.machine_interruption" else ""
    return _at(row["segment_start_at"]), _at(row["segment_end_at"]), row["category"], row["reason_code"] or "", ref


def _at(instant: dt.datetime) -> int:
    return micros(instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC))


def _span(piece: Piece) -> str:
    return f"{iso(piece[0])} .. {iso(piece[1])}"


def _words(piece: Piece) -> str:
    return " ".join(each for each in piece[2:] if each)
