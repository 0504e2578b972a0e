"""Messages for the tests: valid ones as the topics' envelopes want them, sent with a real producer, and what was sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kafka import KafkaProducer

START = datetime(2026, 11, 1, 6, tzinfo=UTC)


def instant(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def temperature(event_id: str, at_s: float, machine_id: str = "M01", **changes: Any) -> dict[str, Any]:
    made = {
        "schema_version": 1, "event_id": event_id, "site_id": "demo", "machine_id": machine_id, "sensor": "zone_1",
        "ts": instant(at_s), "temperature_c": 20.0 + at_s % 7, "unit": "C",
    }  # fmt: skip
    return {**made, **changes}


def count(event_id: str, at_s: float, good: int, machine_id: str = "M01", **changes: Any) -> dict[str, Any]:
    made = {
        "schema_version": 1, "event_id": event_id, "site_id": "demo", "machine_id": machine_id, "ts": instant(at_s), "state": "Execute",
        "speed_per_min": 1.0, "good_count": good, "scrap_count": 0, "rework_count": 0, "part_no": "P-100", "order_no": "O-1",
    }  # fmt: skip
    return {**made, **changes}


def interruption(interruption_id: str, version: int, from_s: float, to_s: float | None, machine_id: str = "M01", **changes: Any) -> dict[str, Any]:
    made = {
        "schema_version": 1, "interruption_id": interruption_id, "version": version, "site_id": "demo", "machine_id": machine_id,
        "start_ts": instant(from_s), "end_ts": None if to_s is None else instant(to_s), "reason_code": "B01", "reason_text": "test",
        "category": "breakdown", "operator": "OP-01", "cancelled": False, "ts": instant(from_s + version),
    }  # fmt: skip
    return {**made, **changes}


def send(bootstrap: str, topic: str, messages: Iterable[Mapping[str, Any] | bytes], key: str | None = None) -> int:
    """Send messages keyed by their machine (or by `key`), all acknowledged; return how many."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=20)
    sent = 0
    for message in messages:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        machine = key if key is not None else ("M01" if isinstance(message, bytes) else str(message.get("machine_id", "")))
        producer.send(topic, key=machine.encode(), value=body)
        sent += 1
    producer.flush()
    producer.close()
    return sent
