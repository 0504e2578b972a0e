"""Every difference is listed, with what was done on purpose to that machine at that time."""

import datetime as dt
from decimal import Decimal

from lakehouse.simulator.books import Books
from lakehouse.simulator.compare import COLUMNS, compare
from lakehouse.simulator.instants import instant
from tests.unit.simulator.conftest import Run


def _gold(books: Books) -> tuple[list[dict], list[dict]]:
    shifts, ledger = [], []
    for key, row in books.shifts.items():
        place = dict(zip(("site_id", "machine_id", "shift_date", "shift_id"), key, strict=True))
        pieces = books.segments[key]
        edges = {"shift_start_at": instant(pieces[0][0]), "shift_end_at": instant(pieces[-1][1])}
        shifts.append({**place, **edges, **{column: row[name] for name, column in COLUMNS.items()}})
        for start, end, category, code, ref in pieces:
            source = "silver.machine_interruption" if ref else "none"
            span = {"segment_start_at": instant(start).replace(tzinfo=None), "segment_end_at": instant(end)}
            ledger.append({**place, **span, "category": category, "reason_code": code or None, "source_table": source, "source_key": ref or None})
    return shifts, ledger


def test_equal_is_no_difference(run: Run) -> None:
    assert compare(run.books, *_gold(run.books)) == []


def test_a_cell_a_missing_and_a_surplus_row_are_named(run: Run) -> None:
    shifts, _ = _gold(run.books)
    shifts[3]["apt_s"] += Decimal("0.000001")
    gone = shifts.pop(5)
    shifts.append({**shifts[0], "machine_id": "M99"})
    found = compare(run.books, shifts)
    assert {(each.key[1], each.what) for each in found} == {(shifts[3]["machine_id"], "apt_s"), (gone["machine_id"], "row"), ("M99", "row")}
    assert found[-1].found == "a row"


def test_a_gap_between_two_equal_neighbours_is_a_difference(run: Run) -> None:
    shifts, ledger = _gold(run.books)
    row = next(row for row in ledger if row["category"] == "running")
    third = (row["segment_end_at"] - row["segment_start_at"].replace(tzinfo=dt.UTC)) / 3
    cut = {**row, "segment_end_at": row["segment_end_at"] - 2 * third}
    rest = {**row, "segment_start_at": row["segment_end_at"] - third}
    others = [each for each in ledger if each is not row]
    assert compare(run.books, shifts, [*others, {**cut, "segment_end_at": rest["segment_start_at"]}, rest]) == []
    assert compare(run.books, shifts, [*others, cut, rest])


def test_windows_after_the_books_end_are_not_looked_at(run: Run) -> None:
    shifts, _ = _gold(run.books)
    later = instant(run.books.until) + dt.timedelta(hours=1)
    assert compare(run.books, [*shifts, {**shifts[0], "shift_id": "later", "shift_end_at": later}]) == []


def test_a_wrong_segment_names_the_irregularity_behind_it(run: Run) -> None:
    shifts, ledger = _gold(run.books)
    silence = next(each for each in run.books.incidents if each.kind == "silence")
    unknown = next(row for row in ledger if row["category"] == "unknown")
    unknown["category"] = "running"
    found = compare(run.books, shifts, ledger)
    assert any("unknown" in each.expected for each in found)
    assert all("silence" in each.cause for each in found if each.what.startswith(unknown["segment_start_at"].isoformat()[:19]))
    assert silence.start < silence.end
    assert "books" in found[0].line()
