"""An empty workbook of a profile for people to fill: its header, cells that check what is typed, open orders, one sheet that explains.

It has no macro, no formula and no link; texts are written as text, whatever sign they begin with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from lakehouse.errors import SettingsError
from lakehouse.sources.profiles import Profile

GUIDE = "Read me"
EMPTY_ROWS = 200
FIRST_DAY = "36526"
"""2000-01-01, before which no confirmation is taken."""
FORMATS = {"dates": "yyyy-mm-dd", "timestamps": "yyyy-mm-dd hh:mm:ss", "times": "hh:mm", "quantities": "General"}
RISKY = ("=", "+", "-", "@", "\t", "\r")


def template(
    profile: Profile, open_orders: Sequence[Mapping[str, str]], out: Path, *, machines: Sequence[str] = (), shifts: Sequence[str] = ()
) -> Path:
    """Write a template and return where.

    Args:
        profile: the layout; one header row, no cross table, no text.
        open_orders: texts by column of the profile, or by column of `silver.confirmation` (`order_no`); a row is filled for each.
        out: the xlsx to write.
        machines: machines to choose from; any, when there are none.
        shifts: shifts to choose from; any, when there are none.

    Raises:
        SettingsError: the profile's layout has no template, or an order has a column that the profile has not.
    """
    if profile.text or profile.crosstab or profile.header_rows > 1:
        raise SettingsError(f"sheet {profile.sheet}", "there is a template for sheets with one header row only", "name another profile")
    book = Workbook()
    sheet = book.active
    sheet.title = profile.sheet
    row = profile.header_row if profile.header == "numbered" else 1
    columns = {name: place for place, name in enumerate(profile.columns, 1)}
    for name, place in columns.items():
        _text(sheet.cell(row, place), name)
        sheet.cell(row, place).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(place)].width = max(12, len(name) + 2)
    last = row + len(open_orders) + EMPTY_ROWS
    _formats(sheet, profile, columns, row + 1, last)
    for nth, order in enumerate(open_orders, row + 1):
        for name, text in _named(order, profile).items():
            _text(sheet.cell(nth, columns[name]), text)
    sheet.freeze_panes = sheet.cell(row + 1, 1)
    lists = _guide(book, profile, machines, shifts)
    _checks(sheet, profile, columns, (row + 1, last), lists)
    book.save(out)
    return out


def _text(cell: Any, text: str) -> None:
    """A cell that stays text: also when a person opens and leaves it."""
    cell.value, cell.data_type, cell.number_format = text, "s", "@"
    cell.quotePrefix = text.startswith(RISKY)


def _named(order: Mapping[str, str], profile: Profile) -> dict[str, str]:
    by_field = {field: name for field, name in profile.confirmation.model_dump().items() if name} if profile.confirmation else {}
    found = {by_field.get(name, name) if name not in profile.columns else name: text for name, text in order.items() if text}
    unknown = sorted(set(found) - set(profile.columns))
    if unknown:
        raise SettingsError(f"sheet {profile.sheet}", f"its profile has no column {', '.join(unknown)}", "name columns of the profile")
    return found


def _kinds(profile: Profile) -> dict[str, tuple[str, ...]]:
    return {
        "dates": profile.date_columns,
        "timestamps": profile.timestamp_columns,
        "times": profile.time_columns,
        "quantities": profile.quantity_columns,
    }


def _formats(sheet: Any, profile: Profile, columns: Mapping[str, int], first: int, last: int) -> None:
    shown = {name: FORMATS[kind] for kind, names in _kinds(profile).items() for name in names}
    for name, place in columns.items():
        for row in range(first, last + 1):
            sheet.cell(row, place).number_format = shown.get(name, "@")


def _guide(book: Workbook, profile: Profile, machines: Sequence[str], shifts: Sequence[str]) -> dict[str, str]:
    """Write the sheet that explains, and return where the lists to choose from stand."""
    guide = book.create_sheet(GUIDE)
    lines = [
        f"Fill in the sheet {profile.sheet}, one row for each confirmation; leave its header as it is.",
        "Delete the rows of orders that you do not confirm. Empty rows do not matter.",
        f"Each row needs: {', '.join(profile.key)}. The same again replaces what was sent before, it is never counted twice.",
        f"Dates and times are wall clock {'of ' + profile.zone if profile.zone else 'of the plant'}.",
        "Type numbers as numbers, order numbers and codes as text. No formulas, no merged cells.",
    ]
    if profile.reversal:
        lines.append(f"To take a confirmation back: {profile.reversal.values[0]} in {profile.reversal.flag}, its key in {profile.reversal.reverses}.")
    for number, line in enumerate(lines, 1):
        _text(guide.cell(number, 1), line)
    guide.column_dimensions["A"].width = 110
    places: dict[str, str] = {}
    for column, (title, words) in enumerate((("machines", machines), ("shifts", shifts)), 3):
        letter = get_column_letter(column)
        if words:
            for number, word in enumerate([title, *words], 1):
                _text(guide.cell(number, column), word)
            places[title] = f"'{GUIDE}'!${letter}$2:${letter}${len(words) + 1}"
    return places


def _checks(sheet: Any, profile: Profile, columns: Mapping[str, int], rows: tuple[int, int], lists: Mapping[str, str]) -> None:
    named = profile.confirmation
    checked = [(name, DataValidation("date", operator="greaterThanOrEqual", formula1=FIRST_DAY)) for name in profile.date_columns]
    checked += [(name, DataValidation("date", operator="greaterThanOrEqual", formula1=FIRST_DAY)) for name in profile.timestamp_columns]
    checked += [(name, DataValidation("decimal", operator="between", formula1="0", formula2="2")) for name in profile.time_columns]
    checked += [(name, DataValidation("decimal", operator="greaterThanOrEqual", formula1="0")) for name in profile.quantity_columns]
    if named and "machines" in lists:
        checked.append((named.machine_id, DataValidation("list", formula1=lists["machines"])))
    if named and named.shift_id and "shifts" in lists:
        checked.append((named.shift_id, DataValidation("list", formula1=lists["shifts"])))
    for name, check in checked:
        if name not in columns:
            continue
        letter = get_column_letter(columns[name])
        check.add(f"{letter}{rows[0]}:{letter}{rows[1]}")
        check.showErrorMessage = True
        check.errorTitle, check.error = name, "This value would be refused."
        sheet.add_data_validation(check)
