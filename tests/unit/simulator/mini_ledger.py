"""A second, slower way from messages to numbers: interval subtraction, message by message. Shares nothing with the simulator.

It reads bytes as a consumer would, keeps the latest version of each interruption and each reading once, and takes time away
from what is left of a window in order of precedence.
"""

import json
from collections import defaultdict
from datetime import datetime

RANKS = (("planned_down",), ("setup",), ("unplanned_stop",), ("blocked_starved", "no_order"))


def micros(text):
    whole = datetime.fromisoformat(text)
    return int(whole.timestamp()) * 1_000_000 + whole.microsecond


def decode(messages, bad_values):
    """Return ({machine: {interruption: payload}}, {machine: {instant: payload}}) of the usable messages."""
    stops, counts = defaultdict(dict), defaultdict(dict)
    for message in messages:
        if message.value in bad_values:
            continue
        payload = json.loads(message.value)
        machine = payload["machine_id"]
        assert message.key == machine.encode()
        if message.topic == "machine.interruption":
            known = stops[machine].get(payload["interruption_id"])
            if known is None or known["version"] < payload["version"]:
                stops[machine][payload["interruption_id"]] = payload
        elif message.topic == "machine.count":
            assert counts[machine].setdefault(micros(payload["ts"]), payload) == payload
    return stops, counts


def subtract(spans, start, end):
    """Return (what is left of spans, what of [start, end) was taken)."""
    left, taken = [], 0
    for a, b in spans:
        x, y = max(a, start), min(b, end)
        if x >= y:
            left.append((a, b))
            continue
        taken += y - x
        left += [piece for piece in ((a, x), (y, b)) if piece[0] < piece[1]]
    return left, taken


def times(window, stops, reasons, instants, heartbeat):
    """Return category to microseconds for one scheduled window."""
    left, spent = [(window.start, window.end)], defaultdict(int)
    for a, b in window.breaks:
        left, taken = subtract(left, a, b)
        spent["planned_down"] += taken
    for categories in RANKS:
        for stop in stops.values():
            category = reasons[stop["reason_code"]].category
            if category in categories and not stop["cancelled"]:
                end = micros(stop["end_ts"]) if stop["end_ts"] else window.end
                left, taken = subtract(left, micros(stop["start_ts"]), end)
                spent[category] += taken
    for at, until in zip(instants, [*instants[1:], window.end], strict=True):
        left, taken = subtract(left, at, min(until, at + heartbeat))
        spent["running"] += taken
    spent["unknown"] = sum(b - a for a, b in left)
    return spent


def pieces(window, counts):
    """Return (good, scrap, rework) of a window from cumulative counters that begin again at 0 now and then."""
    found = []
    for name in ("good_count", "scrap_count", "rework_count"):
        total, before = 0, None
        for at in sorted(counts):
            value = counts[at][name]
            if before is not None and window.start < at <= window.end:
                total += value if value < before else value - before
            before = value
        found.append(total)
    return tuple(found)
