"""What a Kafka message means: strict decoders, one envelope per kind of message. Pure: Arrow batch in, Arrow batch out.

A message is one JSON object. It is parsed strictly (no trailing data, no duplicate key, no NaN, no single quotes) before
any type is given to it; what does not fit carries the name of the rule that it broke, and its bytes stay in bronze.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.tables.silver import ID_CHARSET

MAX_BYTES = 1 << 20
INSTANT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):\d\d)$"
_INSTANT = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d{0,3}(Z|[+-](?:0\d|1[0-4]):\d\d)$")
_NO_ZONE = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$")
_NON_FINITE = re.compile(rb"[:,\[\s](?:-?Infinity|NaN)|\d[eE]\+?\d{3,}")
_INT64 = 1 << 63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Field:
    """One field of an envelope.

    Attributes:
        name: key in the payload.
        column: silver column.
        kind: id, text, instant, number, count, flag.
        required: absent or null breaks the rule `missing`.
        default: value of an absent optional field.
    """

    name: str
    column: str
    kind: str
    required: bool = True
    default: Any = None


@dataclass(frozen=True)
class Envelope:
    """One kind of message: its fields, and which columns name the series whose instants should only grow."""

    name: str
    fields: tuple[Field, ...]
    event_at: str
    series: tuple[str, ...]


_TYPES: dict[str, tuple[frozenset[type], pa.DataType]] = {
    "id": (frozenset({str}), pa.string()),
    "text": (frozenset({str}), pa.string()),
    "instant": (frozenset({str}), pa.timestamp("us", tz="UTC")),
    "number": (frozenset({int, float}), pa.float64()),
    "count": (frozenset({int}), pa.int64()),
    "flag": (frozenset({bool}), pa.bool_()),
}

_MACHINE = (Field("site_id", "site_id", "id", required=False), Field("machine_id", "machine_id", "id"))

ENVELOPES: dict[str, Envelope] = {
    "sensor_temperature": Envelope(
        "sensor_temperature",
        (
            Field("event_id", "event_id", "id"),
            *_MACHINE,
            Field("sensor", "sensor", "id"),
            Field("ts", "reading_at", "instant"),
            Field("temperature_c", "temperature_celsius", "number"),
            Field("unit", "unit", "text", required=False, default="C"),
        ),
        "reading_at",
        ("site_id", "machine_id", "sensor"),
    ),
    "machine_interruption": Envelope(
        "machine_interruption",
        (
            Field("interruption_id", "interruption_id", "id"),
            Field("version", "version", "count"),
            *_MACHINE,
            Field("start_ts", "start_at", "instant"),
            Field("end_ts", "end_at", "instant", required=False),
            Field("reason_code", "reason_sent", "text", required=False),
            Field("reason_text", "reason_text", "text", required=False),
            Field("operator", "operator", "text", required=False),
            Field("cancelled", "is_cancelled", "flag", required=False, default=False),
            Field("ts", "sent_at", "instant"),
        ),
        "sent_at",
        ("site_id", "interruption_id"),
    ),
    "machine_count": Envelope(
        "machine_count",
        (
            Field("event_id", "event_id", "id"),
            *_MACHINE,
            Field("ts", "reading_at", "instant"),
            Field("good_count", "good_count", "count"),
            Field("scrap_count", "scrap_count", "count"),
            Field("rework_count", "rework_count", "count", required=False, default=0),
            Field("state", "state", "text", required=False),
            Field("speed_per_min", "speed_per_min", "number", required=False),
            Field("part_no", "part_no", "text", required=False),
            Field("order_no", "order_no", "text", required=False),
        ),
        "reading_at",
        ("site_id", "machine_id"),
    ),
}


def schema_of(envelope: Envelope) -> pa.Schema:
    """Return the Arrow schema of the decoded columns: the fields, then early_rule and is_fresh."""
    columns = [pa.field(each.column, _TYPES[each.kind][1]) for each in envelope.fields]
    return pa.schema([*columns, pa.field("early_rule", pa.string()), pa.field("is_fresh", pa.bool_())])


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise KeyError("duplicate key")
    return found


def _why_unreadable(value: bytes) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return "encoding"
    if _NON_FINITE.search(value):
        return "non_finite"
    try:
        _, end = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return "malformed"
    return "trailing_data" if text.lstrip()[end:].strip() else "bad_unicode"


def parse(value: bytes | None) -> tuple[dict[str, Any], str | None]:
    """Return (object, None), or ({}, rule) when the bytes are not one strict JSON object."""
    if value is None:
        return {}, "null_value"
    if not value.strip() or len(value) > MAX_BYTES:
        return {}, "too_large" if len(value) > MAX_BYTES else "empty"
    value = value.removeprefix(b"\xef\xbb\xbf")
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return {}, _why_unreadable(value)
    if not isinstance(found, dict):
        return {}, "not_object"
    if value.count(b'":') + value.count(b'" ') > len(found) and (rule := _repeated_key(value)):
        return {}, rule
    return found, None


def _repeated_key(value: bytes) -> str | None:
    try:
        json.loads(value, object_pairs_hook=_distinct_keys)
    except KeyError:
        return "duplicate_key"
    except RecursionError:
        return "depth"
    return None


class _Rows:
    """The messages of one Arrow batch while they are decoded: objects, and the first rule each one broke."""

    def __init__(self, values: Iterable[bytes | None]) -> None:
        parsed = [parse(value) for value in values]
        self.objects = [found for found, _ in parsed]
        self.rules: list[str | None] = [rule for _, rule in parsed]

    def refuse(self, row: int, rule: str) -> None:
        if self.rules[row] is None:
            self.rules[row] = rule

    def column(self, wanted: Field) -> pa.Array:
        """Return one field of all rows, typed; values of another type become NULL and their rows are refused."""
        values = [found.get(wanted.name) for found in self.objects]
        allowed, arrow_type = _TYPES[wanted.kind]
        if not set(map(type, values)) <= allowed:
            values = [self._typed(row, value, wanted, allowed) for row, value in enumerate(values)]
        if wanted.kind == "instant":
            return self._instants(values)
        if wanted.kind == "count":
            values = [self._in_int64(row, value) for row, value in enumerate(values)]
        return pa.array(values, arrow_type)

    def _typed(self, row: int, value: Any, wanted: Field, allowed: frozenset[type]) -> Any:
        if type(value) in allowed:
            return value
        if value is None:
            if wanted.required:
                self.refuse(row, "missing")
            return wanted.default
        number_text = wanted.kind in {"number", "count"} and isinstance(value, str) and value.strip("+-").lower() in {"nan", "inf", "infinity"}
        self.refuse(row, "non_finite" if number_text else "type")
        return None

    def _in_int64(self, row: int, value: int | None) -> int | None:
        if value is not None and not -_INT64 <= value < _INT64:
            self.refuse(row, "range")
            return None
        return value

    def _instants(self, values: Sequence[str | None]) -> pa.Array:
        texts = pa.array(values, pa.string())
        if pc.all(pc.fill_null(pc.match_substring_regex(texts, INSTANT), True)).as_py():
            try:
                return pc.cast(texts, pa.timestamp("us", tz="UTC"))
            except pa.ArrowInvalid:
                pass  # one of them is no date of the calendar: judged one by one below
        return pa.array([self._instant(row, text) for row, text in enumerate(values)], pa.timestamp("us", tz="UTC"))

    def _instant(self, row: int, text: str | None) -> datetime | None:
        if text is None:
            return None
        found = _INSTANT.match(text)
        if found is None:
            self.refuse(row, "no_zone" if _NO_ZONE.match(text) else "timestamp_format")
            return None
        try:
            return datetime.fromisoformat("".join(found.groups())).astimezone(UTC)
        except (ValueError, OverflowError):
            self.refuse(row, "timestamp_format")
            return None


def _check_ids(rows: _Rows, ids: pa.Array) -> None:
    good = pc.match_substring_regex(ids, ID_CHARSET)
    if pc.all(pc.fill_null(good, True)).as_py():
        return
    for row, (fits, value) in enumerate(zip(good.to_pylist(), ids.to_pylist(), strict=True)):
        if fits is False:
            rows.refuse(row, "blank_id" if not value.strip("\u200b\u200c\u200d\ufeff \t") else "id_charset")


def _check_keys(rows: _Rows, keys: Sequence[bytes | None], machines: Sequence[str | None]) -> None:
    for row, (key, machine) in enumerate(zip(keys, machines, strict=True)):
        if key and machine is not None and key != machine.encode():
            rows.refuse(row, "key_mismatch")


class Decoder:
    """Decodes the Arrow batches of one Kafka partition in order.

    Args:
        envelope: the kind of message.
        default_site: site of a message that names none.
        machines: known (site_id, machine_id); None in the place of machine_id accepts any machine of that site.
        newest: series to the greatest event time already in silver; an unlisted series is new.
    """

    def __init__(
        self,
        envelope: Envelope,
        default_site: str,
        machines: frozenset[tuple[str, str | None]],
        newest: dict[tuple[str, ...], datetime],
    ) -> None:
        self._envelope = envelope
        self._default_site = default_site
        self._machines = machines
        self._newest = {series: (at - _EPOCH) // timedelta(microseconds=1) for series, at in newest.items()}

    def decode(self, keys: pa.Array, values: pa.Array) -> list[pa.Array]:
        """Return the columns of `schema_of`, a row for each message."""
        rows = _Rows(values.to_pylist())
        columns = {each.column: rows.column(each) for each in self._envelope.fields}
        columns["site_id"] = pc.fill_null(columns["site_id"], self._default_site)
        for each in self._envelope.fields:
            if each.kind == "id":
                _check_ids(rows, columns[each.column])
        machines = columns["machine_id"].to_pylist()
        sent_keys = keys.to_pylist()
        _check_keys(rows, sent_keys, machines)
        self._check_machines(rows, columns["site_id"].to_pylist(), machines)
        if "unit" in columns:
            self._check_unit(rows, columns["unit"])
        fresh = self._fresh(rows, columns, sent_keys)
        return [*columns.values(), pa.array(rows.rules, pa.string()), pa.array(fresh, pa.bool_())]

    def _check_machines(self, rows: _Rows, sites: Sequence[str], machines: Sequence[str | None]) -> None:
        known = self._machines
        for pair in set(zip(sites, machines, strict=True)):
            if pair[1] is None or pair in known or (pair[0], None) in known:
                continue
            for row, other in enumerate(zip(sites, machines, strict=True)):
                if other == pair:
                    rows.refuse(row, "unknown_machine")

    @staticmethod
    def _check_unit(rows: _Rows, units: pa.Array) -> None:
        if pc.all(pc.equal(units, "C")).as_py():
            return
        for row, unit in enumerate(units.to_pylist()):
            if unit != "C":
                rows.refuse(row, "unit")

    def _fresh(self, rows: _Rows, columns: dict[str, pa.Array], keys: Sequence[bytes | None]) -> list[bool]:
        """Tell for each row whether it is newer than all before it in its series: then it cannot be a repetition.

        Only a key binds a series to one partition and so to one order; a row without one is never called fresh.
        """
        instants = columns[self._envelope.event_at].cast(pa.int64()).to_pylist()
        series = zip(*(columns[name].to_pylist() for name in self._envelope.series), strict=True)
        newest = self._newest
        fresh = [False] * len(instants)
        for row, (key, at) in enumerate(zip(series, instants, strict=True)):
            if at is None or rows.rules[row] is not None:
                continue
            before = newest.get(key)
            if before is None or at > before:
                newest[key] = at
                fresh[row] = bool(keys[row])
        return fresh
