"""Holds what was found against what is expected, and writes a failing plant as a worked case."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from tests.oracle.rows import Expected, expected

SEGMENT_KEY = ("site_id", "machine_id", "segment_start_at")
SHIFT_KEY = ("site_id", "machine_id", "shift_date", "shift_id")
SLACK = {name: Decimal("1e-9") for name in ("earned", "line_earned", "ideal_cycle")} | {"psq": Decimal("1e-5")}
"""By the first words of a column: quotients, and products with more decimals than a column holds, may differ by their rounding."""
UNORDERED = ("flags", "missing_master_data", "also_active")
NOT_IN_CASES = ("quantity_by_part", "scrap_by_reason", "missing_master_data", "site_id", "source_ref", "reason_text")
MICRO = Decimal("0.000001")
Row = Mapping[str, Any]


def differences(wanted: Expected, found_segments: Iterable[Row], found_shifts: Iterable[Row]) -> list[str]:
    """What differs, one line each: rows that are missing or too many, and columns that have another value.

    Args:
        wanted: what the oracle says; only its columns are compared.
        found_segments: rows of gold.time_segment; instants aware or naive UTC.
        found_shifts: rows of gold.machine_shift.
    """
    segments = _of("segment", SEGMENT_KEY, wanted.segments, found_segments)
    return [*segments, *_of("machine-shift", SHIFT_KEY, wanted.machine_shifts, found_shifts)]


def _of(what: str, key: Sequence[str], wanted: Iterable[Row], found: Iterable[Row]) -> list[str]:
    left, right = _by_key(key, wanted), _by_key(key, found)
    lines = []
    for name in sorted({*left, *right}, key=str):
        label = f"{what} {' '.join(str(each) for each in name)}"
        if name not in left or name not in right:
            lines.append(f"{label}: {'not expected' if name not in left else 'missing'}: {_short(right.get(name) or left[name])}")
        else:
            lines += [f"{label}: {each}" for each in _columns(left[name], right[name])]
    return lines


def _by_key(key: Sequence[str], rows: Iterable[Row]) -> dict[tuple[Any, ...], Row]:
    return {tuple(_plain(row[name]) for name in key): row for row in rows}


def _short(row: Row) -> str:
    names = ("shift_id", "segment_end_at", "category", "source_key", "order_no", "event_start_at", "stop_class", "is_overrun", "window_s", "apt_s")
    return ", ".join(f"{name} {row[name]}" for name in names if row.get(name) is not None)


def _columns(wanted: Row, found: Row) -> list[str]:
    lines = []
    for name, value in wanted.items():
        if name == "reason_text" and wanted["source_table"] == "calendar":
            continue
        if name not in found:
            lines.append(f"{name}: column is missing")
        elif not same(name, value, found[name]):
            lines.append(f"{name}: expected {_shown(value)}, found {_shown(found[name])}")
    return lines


def same(name: str, wanted: object, found: object) -> bool:
    """Whether a value is the expected one; numbers exactly but for what must be rounded."""
    if isinstance(wanted, Decimal) and isinstance(found, int | Decimal) and not isinstance(found, bool):
        slack = next((slack for words, slack in SLACK.items() if name.startswith(words)), Decimal(0))
        return abs(wanted - found) <= slack
    if name == "quantity_by_part":
        return _same_lines(wanted, found)
    if name in UNORDERED:
        return sorted(wanted) == sorted(found or ())
    return _plain(wanted) == _plain(found)


def _same_lines(wanted: Sequence[Row], found: Sequence[Any]) -> bool:
    rows = [row if isinstance(row, dict) else row.asDict() for row in found or ()]
    left, right = ([sorted(each, key=_line_order) for each in (wanted, rows)]) if len(wanted) == len(rows) else ((), (None,))
    return len(left) == len(right) and all(same(name, a[name], b[name]) for a, b in zip(left, right, strict=True) for name in a)


def _line_order(line: Row) -> tuple[str, ...]:
    named = (str(line[name]) for name in ("part_no", "order_no", "tool_no"))
    return (*named, f"{line['ideal_cycle_s'] or 0:020.6f}", f"{line['pq_count']:020.6f}")


def _plain(value: object) -> object:
    """Instants as aware UTC; a value that Spark returns naive is UTC."""
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None) if value.tzinfo is None else value.astimezone(dt.UTC).replace(tzinfo=None)
    return value


def _shown(value: object) -> str:
    return at_text(value) if isinstance(value, dt.datetime) else str(value)


def at_text(value: dt.datetime) -> str:
    """An instant as the case files write it; seconds only where there are any."""
    exact = _plain(value)
    rest = f":{exact:%S}.{exact:%f}" if exact.microsecond else f":{exact:%S}" if exact.second else ""
    return f"{exact:%Y-%m-%dT%H:%M}{rest}Z"


def as_case(
    plant: Row, silver: Mapping[str, list[dict[str, Any]]], as_of: dt.datetime, from_at: dt.datetime, to_at: dt.datetime, folder: Path
) -> None:
    """Write a plant with input and the oracle's answer as a folder in the format of tests/cases."""
    (folder / "plant").mkdir(parents=True, exist_ok=True)
    (folder / "plant" / "plant.yaml").write_text(yaml.safe_dump(dict(plant), sort_keys=False, allow_unicode=True))
    head = {"says": f"A generated plant, {plant['site_id']}.", "from": at_text(from_at), "to": at_text(to_at), "as_of": at_text(as_of)}
    (folder / "case.yaml").write_text("".join(f"{name}: '{text}'\n" for name, text in head.items()))
    for table, rows in silver.items():
        if rows:
            _write(folder / f"{table}.csv", rows, ("site_id", "landed_at", "source_ref", "flags"))
    wanted = expected(plant, silver, as_of, from_at, to_at)
    local = ("segment_start_local", "shift_start_local")
    inexact = ("psq_count",) if any(row["psq_count"] % MICRO for row in wanted.machine_shifts) else ()
    _write(folder / "expected" / "machine_shift.csv", wanted.machine_shifts, (*NOT_IN_CASES, *local, *inexact))
    _write(folder / "expected" / "time_segment.csv", wanted.segments, (*NOT_IN_CASES, *local, "line_id"))


def _write(path: Path, rows: Sequence[Row], without: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [name for name in rows[0] if name not in without] if rows else []
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_cell(name, row[name]) for name in names] for row in rows)


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return at_text(value)
    if isinstance(value, dict):
        return " ".join(f"{reason}={count}" for reason, count in value.items())
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, Decimal):
        return _number(name, value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(name: str, value: Decimal) -> str:
    """A number; those that may differ by their rounding are written as fractions, which are compared with slack."""
    if name.startswith(("earned", "line_earned")):
        return "/".join(str(each) for each in value.as_integer_ratio())
    return f"{value.quantize(MICRO) if name.startswith('psq') else value:f}"
