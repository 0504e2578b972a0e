"""One JSON document, read strictly (RFC 8259): nothing is repaired, numbers keep their text.

`lakehouse.sources.json_blocks` reads many documents at once where it can prove the same outcome.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from lakehouse.sources.contracts import BROKEN, RAW, Difference
from lakehouse.sources.csv_text import CONTROL, MAX_CELL
from lakehouse.sources.formats import JsonContract

MAX_DEPTH = 100
SPACE = b" \t\r\n"
NOT_JSON = frozenset({"encoding", "malformed", "non_finite", "trailing_data"})
"""Rules that say that the text is no JSON document at all."""
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


class _Number(str):
    """A number, as it was written."""

    __slots__ = ()


class _DuplicateKeyError(Exception):
    pass


class _NonFiniteError(Exception):
    pass


def _refuse(name: str) -> Any:
    raise _NonFiniteError(name)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _DuplicateKeyError(next(name for name in names if names.count(name) > 1))
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_distinct, parse_int=_Number, parse_float=_Number, parse_constant=_refuse)


@dataclass(frozen=True)
class Parsed:
    """What one document says.

    Attributes:
        cells: by field; empty when it is not readable.
        rule: the rule that it breaks, empty for a good row.
        column: the field concerned.
    """

    cells: dict[str, str]
    rule: str = ""
    column: str = ""

    def row(self, text: bytes) -> dict[str, str]:
        """Return the cells; of a broken row with its text and the rule."""
        if not self.rule:
            return self.cells
        return {**self.cells, RAW: text.decode("utf-8", "backslashreplace"), BROKEN: self.rule}

    def difference(self, row: int, text: bytes) -> Difference:
        """Return what a broken row shows as a difference from the contract."""
        expected = EXPECTED.get(self.rule, "one JSON object")
        found = self.rule if self.column else f"{self.rule}: {text[:80].decode('utf-8', 'backslashreplace')}"
        return Difference("record", expected, found, column=self.column, row=row)


EXPECTED = {
    "missing_field": "present",
    "unknown_field": "no such field",
    "duplicate_key": "once",
    "reserved_name": "a name that does not begin with '#'",
    "control_char": "no control characters",
    "too_large": f"values of at most {MAX_CELL} characters",
    "depth": f"at most {MAX_DEPTH} levels",
    "bad_unicode": "Unicode text",
    "encoding": "UTF-8",
    "non_finite": "finite numbers",
    "trailing_data": "one document",
}


def parse(text: bytes, contract: JsonContract) -> Parsed:
    """Read one document and compare it with the contract."""
    found = _document(text)
    if isinstance(found, Parsed):
        return found
    if not isinstance(found, dict):
        return Parsed({}, "not_object")
    cells = {name: cell for name, value in found.items() if (cell := _text_of(value))}
    rule, column = field_rule(found, contract)
    if rule or b"\\" in text or len(text) > MAX_CELL:
        try:
            "".join([*found, *cells.values()]).encode("utf-8")
        except UnicodeEncodeError:
            return Parsed({}, "bad_unicode")
        rule, column = (rule, column) if rule else _value_rule(cells)
    return Parsed({} if rule == "reserved_name" else cells, rule, column)


def _document(text: bytes) -> Any:
    """The document, or the rule that it breaks."""
    try:
        words = text.decode("utf-8").strip(" \t\r\n")
    except UnicodeDecodeError:
        return Parsed({}, "encoding")
    if text.count(b"{") + text.count(b"[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        return Parsed({}, "depth")
    try:
        found, end = _DECODER.raw_decode(words)
    except _DuplicateKeyError as error:
        return Parsed({}, "duplicate_key", str(error).encode("utf-8", "backslashreplace").decode())
    except _NonFiniteError:
        return Parsed({}, "non_finite")
    except ValueError:
        return Parsed({}, "malformed")
    return found if end == len(words) else Parsed({}, "trailing_data")


def _depth(text: bytes) -> int:
    depth = deepest = 0
    for sign in _STRING.sub(b"", text):
        if sign in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in b"}]":
            depth -= 1
    return deepest


def field_rule(names: dict[str, Any] | list[str], contract: JsonContract) -> tuple[str, str]:
    """Return the rule that an object's names break, with the name; ("", "") when none."""
    missing = next((name for name in contract.columns if name not in names), None)
    if missing is not None:
        return "missing_field", missing
    reserved = next((name for name in names if name.startswith("#")), None)
    if reserved is not None:
        return "reserved_name", reserved
    if contract.extra == "refuse":
        unknown = next((name for name in names if name not in contract.column_names), None)
        if unknown is not None:
            return "unknown_field", unknown
    return "", ""


def _value_rule(cells: dict[str, str]) -> tuple[str, str]:
    for name, cell in cells.items():
        if CONTROL.search(name) or CONTROL.search(cell):
            return "control_char", name
        if len(cell) > MAX_CELL:
            return "too_large", name
    return "", ""


def _text_of(value: Any) -> str:
    """A value as text: null is none, nested values are compact JSON with their numbers as written."""
    if isinstance(value, str):
        return str(value)
    return "" if value is None else _compact(value)


def _compact(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, list):
        return f"[{','.join(_compact(each) for each in value)}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{_compact(each)}" for name, each in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
