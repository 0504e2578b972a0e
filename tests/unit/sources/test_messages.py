"""Each way in which a message can be wrong has its rule; its neighbours are untouched. No engine needed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from lakehouse.sources.messages import ENVELOPES, MAX_BYTES, Decoder, parse, schema_of

GOOD: dict[str, Any] = {
    "schema_version": 1, "event_id": "e-1", "site_id": "demo", "machine_id": "M01", "sensor": "zone_1",
    "ts": "2026-11-20T05:00:00.000001Z", "temperature_c": 21.5, "unit": "C",
}  # fmt: skip


def decoded(*values: bytes | None, keys: list[bytes | None] | None = None, envelope: str = "sensor_temperature") -> list[dict[str, Any]]:
    decoder = Decoder(ENVELOPES[envelope], "demo", frozenset({("demo", "M01"), ("nab", None)}), {})
    columns = decoder.decode(pa.array(keys or [b"M01"] * len(values), pa.binary()), pa.array(values, pa.binary()))
    return pa.RecordBatch.from_arrays(columns, schema=schema_of(ENVELOPES[envelope])).to_pylist()


def message(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def test_a_good_message_is_typed() -> None:
    (row,) = decoded(message())
    assert row["early_rule"] is None
    assert row["reading_at"] == datetime(2026, 11, 20, 5, 0, 0, 1, tzinfo=UTC)
    assert row["temperature_celsius"] == 21.5


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (None, "null_value"),
        (b"", "empty"),
        (b"  ", "empty"),
        (b"null", "not_object"),
        (b"[{}]", "not_object"),
        (b"42", "not_object"),
        (b'{"event_id": "e', "malformed"),
        (message() + b" x", "trailing_data"),
        (message() + message(), "trailing_data"),
        (b'{"event_id":"a","event_id":"b"}', "duplicate_key"),
        (b'{"event_id" : "a","event_id" : "a"}', "duplicate_key"),
        (b"{'event_id': 'a'}", "malformed"),
        (b'{"event_id": "a",}', "malformed"),
        (b'{event_id: "a"}', "malformed"),
        (b'{"temperature_c": NaN}', "non_finite"),
        (b'{"temperature_c": -Infinity}', "non_finite"),
        (b'{"temperature_c": 1e400}', "non_finite"),
        (b'{"temperature_c": 007}', "malformed"),
        (b'{"event_id": "a\nb"}', "malformed"),
        (b'{"event_id": "\\ud800"}', "bad_unicode"),
        ('{"event_id": "ä"}'.encode("utf-16"), "encoding"),
        ('{"event_id": "Fräse"}'.encode("latin-1"), "encoding"),
        (b'{"event_id": "' + b"x" * MAX_BYTES + b'"}', "too_large"),
    ],
)
def test_unreadable_messages(value: bytes | None, rule: str) -> None:
    before, row, after = decoded(message(event_id="a"), value, message(event_id="b", ts="2026-11-20T05:00:01Z"))
    assert row["early_rule"] == rule
    assert (before["early_rule"], after["early_rule"]) == (None, None)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"event_id": 12}, "type"),
        ({"event_id": ""}, "blank_id"),
        ({"event_id": "\u200b"}, "blank_id"),
        ({"event_id": "a\u0000b"}, "id_charset"),
        ({"machine_id": "\u041c01"}, "id_charset"),
        ({"event_id": None}, "missing"),
        ({"temperature_c": "21.5"}, "type"),
        ({"temperature_c": "21,5"}, "type"),
        ({"temperature_c": "NaN"}, "non_finite"),
        ({"temperature_c": True}, "type"),
        ({"temperature_c": {"v": 1}}, "type"),
        ({"ts": 1_770_000_000}, "type"),
        ({"ts": "2026-11-20T05:00:00"}, "no_zone"),
        ({"ts": "2026-11-20"}, "timestamp_format"),
        ({"ts": "2026-02-30T05:00:00Z"}, "timestamp_format"),
        ({"ts": "2026-11-20T24:00:00Z"}, "timestamp_format"),
        ({"ts": "2026-11-20T05:00:60Z"}, "timestamp_format"),
        ({"ts": "2026-11-20T05:00:00+19:00"}, "timestamp_format"),
        ({"ts": "03/04/2026"}, "timestamp_format"),
        ({"machine_id": "M77"}, "unknown_machine"),
        ({"unit": "F"}, "unit"),
    ],
)
def test_fields_that_do_not_fit(changes: dict[str, Any], rule: str) -> None:
    keys: list[bytes | None] = [None, None]
    row, neighbour = decoded(message(**changes), message(event_id="n", ts="2026-11-20T06:00:00Z"), keys=keys)
    assert row["early_rule"] == rule
    assert neighbour["early_rule"] is None


def test_what_is_accepted() -> None:
    plain = decoded(
        b"\xef\xbb\xbf" + message(),
        message(extra="kept in bronze", ts="2026-11-20T07:00:00+01:00"),
        message(temperature_c=-0.0, ts="2026-11-20T08:00:00.123456789Z"),
    )
    assert [row["early_rule"] for row in plain] == [None, None, None]
    assert plain[1]["reading_at"] == datetime(2026, 11, 20, 6, tzinfo=UTC)
    assert plain[2]["reading_at"].microsecond == 123456


def test_wrong_case_keys_are_missing_not_null() -> None:
    assert decoded(json.dumps({key.upper(): value for key, value in GOOD.items()}).encode())[0]["early_rule"] == "missing"


def test_key_and_payload_must_name_the_same_machine() -> None:
    assert decoded(message(), keys=[b"M02"])[0]["early_rule"] == "key_mismatch"


def test_a_site_that_discovers_accepts_any_machine() -> None:
    assert decoded(message(site_id="nab", machine_id="whatever"), keys=[None])[0]["early_rule"] is None


def test_only_a_reading_newer_than_all_before_it_is_fresh() -> None:
    stamps = ["05:00:00", "05:00:10", "05:00:05", "05:00:10", "05:00:11"]
    rows = decoded(*(message(event_id=f"e{i}", ts=f"2026-11-20T{at}Z") for i, at in enumerate(stamps)))
    assert [row["is_fresh"] for row in rows] == [True, True, False, False, True]


def test_without_a_key_nothing_is_fresh() -> None:
    assert decoded(message(), keys=[None])[0]["is_fresh"] is False


def test_numbers_too_large_for_a_count_are_out_of_range() -> None:
    count = {**GOOD, "good_count": 2**63, "scrap_count": 0}
    assert decoded(json.dumps(count).encode(), envelope="machine_count")[0]["early_rule"] == "range"
    assert decoded(json.dumps({**count, "good_count": 1.0}).encode(), envelope="machine_count")[0]["early_rule"] == "type"


def test_text_that_looks_like_code_stays_text() -> None:
    nasty = "'; DROP TABLE x; -- {{7*7}} ${jndi:ldap://x} <script>"
    stop = {
        "interruption_id": "i", "version": 1, "machine_id": "M01", "start_ts": GOOD["ts"], "end_ts": None, "reason_text": nasty, "ts": GOOD["ts"],
    }  # fmt: skip
    (row,) = decoded(json.dumps(stop).encode(), envelope="machine_interruption")
    assert (row["early_rule"], row["reason_text"]) == (None, nasty)


def test_deep_nesting_is_refused_or_read_but_never_crashes() -> None:
    found, rule = parse(b'{"a":' * 900 + b"1" + b"}" * 900)
    assert rule is not None or "a" in found
