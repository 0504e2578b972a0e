"""Unusable messages: extra ones beside the good, each with the quarantine rule that it must end under."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from lakehouse.simulator.instants import iso
from lakehouse.simulator.messages import COUNT, INTERRUPTION, TEMPERATURE, Message

Payload = dict[str, Any]


class BadInput(NamedTuple):
    """One unusable message: what is wrong with it, and the rule expected in the quarantine."""

    at: int
    topic: str
    machine_id: str
    ref: str
    cause: str
    rule: str
    value: bytes


class Defect(NamedTuple):
    """A way to spoil a message: on which topic, what it breaks, and how the bytes are made."""

    topic: str
    cause: str
    rule: str
    spoil: Callable[[Payload], bytes]


def _dump(payload: Payload) -> bytes:
    return json.dumps(payload, separators=(",", ":")).encode()


def _with(**changes: object) -> Callable[[Payload], bytes]:
    return lambda payload: _dump({**payload, **changes})


def _without(name: str) -> Callable[[Payload], bytes]:
    return lambda payload: _dump({key: value for key, value in payload.items() if key != name})


def _cut(payload: Payload) -> bytes:
    return _dump(payload)[:-9]


def _twice(payload: Payload) -> bytes:
    return _dump(payload) + _dump(payload)


def _repeated_key(payload: Payload) -> bytes:
    return _dump(payload)[:-1] + b',"ts":"2026-01-01T00:00:00Z"}'


def _not_a_number(payload: Payload) -> bytes:
    return _dump({**payload, "temperature_c": 0.5}).replace(b"0.5", b"NaN")


def _no_zone(payload: Payload) -> bytes:
    return _dump({**payload, "ts": payload["ts"].removesuffix("Z")})


def _future(payload: Payload) -> bytes:
    return _dump({**payload, "ts": "2099" + payload["ts"][4:].replace("-02-29", "-02-28")})


def _backwards(payload: Payload) -> bytes:
    return _dump({**payload, "start_ts": payload["end_ts"], "end_ts": payload["start_ts"]})


DEFECTS: tuple[Defect, ...] = (
    Defect(TEMPERATURE, "JSON cut off", "malformed", _cut),
    Defect(TEMPERATURE, "temperature is a word", "type", _with(temperature_c="hot")),
    Defect(TEMPERATURE, "no temperature", "missing", _without("temperature_c")),
    Defect(TEMPERATURE, "temperature is NaN", "non_finite", _not_a_number),
    Defect(TEMPERATURE, "temperature 9999 means no value", "sentinel", _with(temperature_c=9999)),
    Defect(TEMPERATURE, "temperature below absolute zero", "physical_range", _with(temperature_c=-300.5)),
    Defect(TEMPERATURE, "machine M99 does not exist", "unknown_machine", _with(machine_id="M99")),
    Defect(TEMPERATURE, "measured in the future", "ts_range", _future),
    Defect(TEMPERATURE, "instant without a zone", "no_zone", _no_zone),
    Defect(COUNT, "JSON cut off", "malformed", _cut),
    Defect(COUNT, "good count is a word", "type", _with(good_count="many")),
    Defect(COUNT, "no scrap count", "missing", _without("scrap_count")),
    Defect(COUNT, "negative good count", "quantity_range", _with(good_count=-5)),
    Defect(COUNT, "read in the future", "ts_range", _future),
    Defect(COUNT, "machine M99 does not exist", "unknown_machine", _with(machine_id="M99")),
    Defect(COUNT, "two documents in one message", "trailing_data", _twice),
    Defect(INTERRUPTION, "JSON cut off", "malformed", _cut),
    Defect(INTERRUPTION, "version is text", "type", _with(version="one")),
    Defect(INTERRUPTION, "no start", "missing", _without("start_ts")),
    Defect(INTERRUPTION, "ends before it starts", "interval", _backwards),
    Defect(INTERRUPTION, "version 0", "version_range", _with(version=0)),
    Defect(INTERRUPTION, "machine M99 does not exist", "unknown_machine", _with(machine_id="M99")),
    Defect(INTERRUPTION, "the key ts twice", "duplicate_key", _repeated_key),
)


def _good(topic: str, site_id: str, machine_id: str, at: int, ref: str) -> Payload:
    common: Payload = {"schema_version": 1, "site_id": site_id, "machine_id": machine_id, "ts": iso(at)}
    if topic == TEMPERATURE:
        return {**common, "event_id": ref, "sensor": "zone_1", "temperature_c": 210.5, "unit": "C"}
    if topic == COUNT:
        return {**common, "event_id": ref, "state": "Execute", "good_count": 10, "scrap_count": 0, "rework_count": 0}
    span = {"start_ts": iso(at - 60_000_000), "end_ts": iso(at), "reason_code": "B01", "cancelled": False}
    return {**common, "interruption_id": ref, "version": 1, **span}


def bad_input(site_id: str, machine_id: str, at: int, chance: random.Random) -> tuple[BadInput, Message]:
    """Return one unusable message created at `at` for a machine, and how it is sent."""
    defect = chance.choice(DEFECTS)
    ref = f"X-{site_id}-{machine_id}-{at}"
    value = defect.spoil(_good(defect.topic, site_id, machine_id, at, ref))
    key = "M99" if defect.rule == "unknown_machine" else machine_id
    bad = BadInput(at, defect.topic, key, ref, defect.cause, defect.rule, value)
    return bad, Message(at, defect.topic, key.encode(), value, at)
