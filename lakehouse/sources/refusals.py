"""What a rule says to the person who filled the workbook: the columns concerned, and in plain words what was expected. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from lakehouse.sources.contracts import BROKEN
from lakehouse.sources.profiles import Profile
from lakehouse.sources.sheet_rows import CELLS

_FIELDS = {
    "posting_date_format": ("posting_date",),
    "produced_date_format": ("produced_date",),
    "ts_range": ("posting_date", "start_at", "end_at"),
    "timestamp_format": ("start_at", "end_at"),
    "ambiguous_local_time": ("start_at", "end_at"),
    "nonexistent_local_time": ("start_at", "end_at"),
    "interval": ("start_at", "end_at"),
    "unknown_machine": ("machine_id",),
    "unknown_shift": ("shift_id", "produced_shift_id"),
}
_QUANTITY_RULES = ("quantity_range", "quantity_sum", "unit")
EXPECTED = {
    "posting_date_format": "a date",
    "produced_date_format": "a date",
    "ts_range": "a day between 2000 and today",
    "timestamp_format": "a date and time, or a time of day",
    "ambiguous_local_time": "a time that exists once: in the night in which clocks go back, write it with its offset",
    "nonexistent_local_time": "a time that exists: in the night in which clocks go forward, this hour is left out",
    "interval": "an end that is not before the start",
    "unknown_machine": "a machine of the plant model",
    "unknown_shift": "a shift of the plant model",
    "quantity_range": "a number from 0 to 1,000,000,000, without unit and without other text",
    "quantity_sum": "quantities that add up: produced is good plus scrap plus rework",
    "unit": "a number of pieces, not a percentage",
    "key": "all columns of the key filled",
    "columns": "nothing outside the columns that have a header",
    "repeated_header": "a row of data; the header is needed once",
    "total_row": "nothing to mend: sums are not taken in, they are calculated",
    "control_char": "visible characters only; type the cell anew",
    "too_large": "a shorter text",
    "error_cell": "a value instead of the error",
    "no_cached_value": "a value: open the workbook in a spreadsheet program and save it, or type the number",
    "precision": "all digits: format the cell as text and type the number again",
    "merged": "a cell of its own in each row: unmerge and fill each one",
}  # fmt: skip


NOTHING_TO_MEND = frozenset({"total_row", "repeated_header"})
"""Rules of rows that are rightly no data: nobody is asked about them, and a workbook does not come back for them."""


def cells_of_rule(rule: str, profile: Profile) -> tuple[str, ...]:
    """Return the columns of the sheet that a quarantine rule is about; none for a rule about the row as a whole."""
    if rule in _QUANTITY_RULES:
        names = profile.quantity_columns
    elif rule == "key":
        names = profile.key
    elif rule == "precision":
        names = profile.code_columns
    elif rule == "total_row" and profile.total_rows:
        names = (profile.total_rows.column,)
    elif profile.confirmation is None:
        names = ()
    else:
        named = profile.confirmation.model_dump()
        names = tuple(named[field] for field in _FIELDS.get(rule, ()) if named[field])
    return in_sheet(names, profile)


def in_sheet(names: tuple[str, ...], profile: Profile) -> tuple[str, ...]:
    """Return columns with those that are made of others replaced by what they are made of."""
    parts = [(profile.instants[name].date, profile.instants[name].time) if name in profile.instants else (name,) for name in names]
    return tuple(dict.fromkeys(name for part in parts for name in part))


def concerned(rule: str, cells: Mapping[str, str], profile: Profile) -> tuple[str, ...]:
    """Return the columns that one refused row's rule is about: those that its reader named, else those of the rule."""
    if cells.get(BROKEN) == rule and CELLS in cells:
        return in_sheet(tuple(json.loads(cells[CELLS])), profile)
    return cells_of_rule(rule, profile)


def expected_of(rule: str, profile: Profile) -> str:
    """Return in plain words what a rule wants; the rule's name when there are no words for it."""
    words = EXPECTED.get(rule, f"a row that keeps the rule {rule}")
    if rule.endswith("date_format"):
        return f"{words}: a cell formatted as date, or text as {' or '.join(profile.date_layouts)}"
    if rule == "timestamp_format":
        layouts = profile.clock_layouts if profile.instants else profile.time_layouts
        return f"{words}: a cell formatted as such, or text as {' or '.join(layouts)}" if layouts else words
    if rule == "key":
        return f"{words}: {', '.join(profile.key)}"
    return words
