"""The header of a sheet: where it stands, and which column of the profile each of its cells is. Pure.

A header is matched by its declared spelling first, then by a name without accents, capitals and doubled blanks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lakehouse.sources.contracts import ContractBreachError, Difference
from lakehouse.sources.csv_text import header_differences
from lakehouse.sources.names import normal
from lakehouse.sources.profiles import Profile

SEARCHED_ROWS = 30
MAX_COLUMNS = 256

Merge = tuple[int, int, int, int]


@dataclass(frozen=True)
class Header:
    """A header that fits its profile.

    Attributes:
        row: its first row, as Excel counts.
        first_data_row: row after the header and what is skipped below it.
        texts: what the header says, by position.
        names: the profile's name of each column; empty where the header says nothing.
    """

    row: int
    first_data_row: int
    texts: tuple[str, ...]
    names: tuple[str, ...]


def _spellings(profile: Profile) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Column by exact spelling, and by normal name where that means one column only."""
    exact = {spelling: name for name, others in profile.columns.items() for spelling in others} | {name: name for name in profile.columns}
    loose: dict[str, set[str]] = {}
    for spelling, name in exact.items():
        loose.setdefault(normal(spelling), set()).add(name)
    return exact, {spelling: next(iter(names)) for spelling, names in loose.items() if len(names) == 1}


def named(texts: Iterable[str], profile: Profile) -> tuple[str, ...]:
    """Return the profile's name of each header text; what it does not know stays as it is."""
    exact, loose = _spellings(profile)
    return tuple(exact.get(text) or loose.get(normal(text)) or text for text in texts)


def _joined(rows: Mapping[int, Sequence[str]], first: int, profile: Profile, merged: Sequence[Merge] | None) -> tuple[str, ...]:
    """The header texts, upper and lower joined; in a cross table the lower one, where there is one."""
    lines = [list(rows.get(first + below, ())) for below in range(profile.header_rows)]
    width = max(map(len, lines))
    lines = [[" ".join(text.split()) for text in line] + [""] * (width - len(line)) for line in lines]
    if profile.header_rows == 1:
        texts = lines[0]
    else:
        upper, lower = _filled_right(lines[0], lines[1], first, merged), lines[1]
        one = profile.crosstab is not None
        texts = [low if one and low else f"{high} {low}".strip() for high, low in zip(upper, lower, strict=True)]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)


def _filled_right(upper: list[str], lower: list[str], row: int, merged: Sequence[Merge] | None) -> list[str]:
    """The upper header with the text of merged cells in each of them; where merges are not told, up to the next text."""
    filled = list(upper)
    for top, left, _, right in merged or ():
        if top == row and left < len(filled):
            filled[left : right + 1] = [upper[left]] * len(filled[left : right + 1])
    if merged is None:
        for position in range(1, len(filled)):
            if not filled[position] and lower[position]:
                filled[position] = filled[position - 1]
    return filled


def _differences(texts: Sequence[str], names: Sequence[str], profile: Profile) -> list[Difference]:
    if len(texts) > MAX_COLUMNS:
        return [Difference("too_large", f"at most {MAX_COLUMNS} columns", str(len(texts)))]
    said = [name for name in names if name]
    required = tuple(name for name in profile.columns if name not in profile.optional)
    free = tuple(set(said) - set(profile.columns)) if profile.crosstab else ()
    found = header_differences(said, required, (*profile.optional, *free))
    spelled = {name: [text for text, one in zip(texts, names, strict=True) if one == name] for name, count in Counter(said).items() if count > 1}
    return [
        Difference(each.kind, each.expected, f"{each.found}: {', '.join(map(repr, spelled[each.column]))}", column=each.column)
        if each.column in spelled and len(set(spelled[each.column])) > 1
        else each
        for each in found
    ]


def best_header(rows: Mapping[int, Sequence[str]], profile: Profile) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """Return (row, texts, names) of the row that is most like the profile's header, whether it fits or not."""
    found = [(row, _joined(rows, row, profile, None)) for row in _places(profile)]
    row, texts = max(found, key=lambda each: len(set(named(each[1], profile)) & set(profile.columns)))
    return row, texts, named(texts, profile)


def _places(profile: Profile) -> Sequence[int]:
    return range(1, SEARCHED_ROWS + 1) if profile.header == "found" else [profile.header_row]


def header_of(rows: Mapping[int, Sequence[str]], profile: Profile, merged: Sequence[Merge] | None = ()) -> Header:
    """Return the header of a sheet.

    Args:
        rows: texts of the sheet's first rows, by row as Excel counts; blank rows may be absent.
        profile: the layout.
        merged: merged cells as (first row, first column, last row, last column), columns from 0; None when the format does not tell.

    Raises:
        ContractBreachError: no row fits, with the differences of the one that fits best.
    """
    tried: list[tuple[int, list[Difference]]] = []
    for row in _places(profile):
        texts = _joined(rows, row, profile, merged)
        names = named(texts, profile)
        wrong = _differences(texts, names, profile)
        if not wrong:
            skipped = profile.text.skip_lines_after_header if profile.text else 0
            return Header(row, row + profile.header_rows + skipped, texts, names)
        tried.append((len(set(names) & set(profile.columns)), wrong))
    matches, wrong = max(tried, key=lambda each: each[0])
    if not matches and profile.header == "found":
        wrong = [Difference("header", f"a header in the first {SEARCHED_ROWS} rows with {', '.join(profile.columns)}", "none of these names")]
    raise ContractBreachError(wrong)
