"""Ways to break the ledger and the quantities on purpose: the plants must notice each of them.

A mutant is a name that says what is wrong, and a change of one definition of `lakehouse.gold`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.gold import claims, counters, ledger, machine_shift, quantities, scope

Change = Callable[[pytest.MonkeyPatch], None]


def _text(module: object, name: str, old: str, new: str) -> Change:
    """Replace a part of an SQL text; the part must be there."""

    def change(patch: pytest.MonkeyPatch) -> None:
        text = getattr(module, name)
        assert old in text
        patch.setattr(module, name, text.replace(old, new))

    return change


def _element(name: str, rule: str) -> Change:
    return lambda patch: patch.setitem(machine_shift._ELEMENTS, name, rule)


def _after(module: object, name: str, alter: Callable[..., object]) -> Change:
    """Alter what a function answers."""

    def change(patch: pytest.MonkeyPatch) -> None:
        before = getattr(module, name)
        patch.setattr(module, name, lambda *given: alter(before(*given)))

    return change


def _whole_pieces(pieces: str) -> object:
    return F.expr(f"CASE WHEN to_at > shift_start_at AND to_at <= shift_end_at THEN {pieces} ELSE 0 END")


def _one_zone(date: dt.date, zone: str) -> dt.datetime:
    return dt.datetime.combine(date, dt.time(), dt.UTC)


def _always(cycles: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{**cycle, "valid_from": scope.ALWAYS} for cycle in cycles]


MUTANTS: dict[str, Change] = {
    "a planned break ranks below a stop": _text(claims, "_RANK", "'planned_down', 2", "'planned_down', 8"),
    "stops outside shifts are stops": _text(claims, "_SPEAKS", "state_source != 'none' AND is_scheduled", "state_source != 'none'"),
    "production outside shifts is dropped": _text(claims, "_SPEAKS", "(is_scheduled OR said = 'production')", "is_scheduled"),
    "an overrun stays planned": _text(claims, "_PARTS", "planned_end_at < to_at", "false"),
    "every stop is long": _after(
        claims, "_classed", lambda facts: facts.withColumn("stop_class", F.expr("CASE WHEN stop_class != '' THEN 'long' END"))
    ),
    "an open stop lasts until now, however silent": _after(
        counters, "last_readings", lambda rows: rows.withColumn("last_reading_at", F.expr("last_reading_at + interval 300 days"))
    ),
    "silence is running": _after(scope, "_where_nobody_speaks", lambda category: "running" if category == "unknown" else category),
    "a reset counts nothing": _after(
        counters, "steps", lambda rows: rows.withColumn("good_step", F.expr("CASE WHEN is_reset THEN 0L ELSE good_step END"))
    ),
    "pieces belong to the shift of the later reading": lambda patch: patch.setattr(quantities, "share", _whole_pieces),
    "today's ideal cycle rewrites history": _after(scope, "_cycle_rows", _always),
    "rework is new output": _after(quantities, "of_events", lambda rows: rows.withColumn("is_rework", F.lit(False))),
    "time without an order is a delay of an order": _element("adet_s", machine_shift._DELAY),
    "a day has 24 hours": lambda patch: patch.setattr(scope, "midnight", _one_zone),
    "late scrap is posted when it is found": _after(scope, "_site_row", lambda row: {**row, "late_scrap_policy": "posting_time"}),
    "a second pass counts when it is posted": _after(scope, "_site_row", lambda row: {**row, "rework_policy": "posting_time"}),
    "orders run into each other": lambda patch: patch.setattr(ledger, "_WINNER", tuple(name for name in ledger._WINNER if name != "order_no")),
    "the counter knows what it made before a reset": _after(
        counters, "counted", lambda rows: rows.groupBy("site_id", "machine_id").agg(F.min("from_at").alias("from_at"), F.max("to_at").alias("to_at"))
    ),
}
