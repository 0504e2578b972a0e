"""Makes a failing plant smaller, many candidates at a time: each is a site of its own, so that one run can judge them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from tests.oracle.generate import Generated

OPTIONAL = ("planned_stops", "exceptions", "holidays", "lines", "ideal_cycles", "parts", "reasons")
MOST_ROUNDS = 60


def reduced(case: Generated, fail: Callable[[list[Generated]], Sequence[bool]], most_rounds: int = MOST_ROUNDS) -> Generated:
    """A plant that still fails, of which nothing that was tried can be left out.

    Args:
        case: a plant that fails.
        fail: says of each candidate whether it fails; all have their own site_id.
        most_rounds: how often `fail` may be asked.
    """
    for _ in range(most_rounds):
        candidates = [_renamed(each, f"r{number}") for number, each in enumerate(_smaller(case))]
        failing = [each for each, failed in zip(candidates, fail(candidates), strict=True) if failed] if candidates else []
        if not failing:
            break
        case = min(failing, key=_size)
    return case


def _size(case: Generated) -> int:
    lists = (value for value in case.plant.values() if isinstance(value, list))
    return sum(len(rows) for rows in case.silver.values()) + sum(len(each) for each in lists)


def _smaller(case: Generated) -> Iterator[Generated]:
    """The plant with a machine less, with rows of one table less, with a part of its file less."""
    for machine in case.plant["machines"] if len(case.plant["machines"]) > 1 else ():
        yield _without_machine(case, machine["machine_id"])
    for table, rows in case.silver.items():
        for kept in _parts(rows):
            yield replace(case, silver={**case.silver, table: kept})
    for name in OPTIONAL:
        for kept in _parts(case.plant.get(name) or []):
            yield replace(case, plant=_consistent({**case.plant, name: kept}))


def _consistent(plant: dict[str, Any]) -> dict[str, Any]:
    """The plant without planned stops whose reason is no more declared."""
    codes = {each["code"] for each in plant["reasons"]}
    return {**plant, "planned_stops": [each for each in plant["planned_stops"] if each["reason_code"] in codes]}


def _parts(rows: list[Any]) -> Iterator[list[Any]]:
    """A list without itself, without halves, quarters, eighths, … and single rows of it."""
    length = len(rows)
    while length:
        for start in range(0, len(rows), length):
            yield rows[:start] + rows[start + length :]
        length //= 2


def _without_machine(case: Generated, machine_id: str) -> Generated:
    def others(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if row.get("machine_id") != machine_id]

    lists = {name: others(case.plant[name]) for name in ("machines", "planned_stops", "ideal_cycles") if name in case.plant}
    plant = {**case.plant, **lists, "lines": []}
    return replace(case, plant=plant, silver={table: others(rows) for table, rows in case.silver.items()})


def _renamed(case: Generated, site_id: str) -> Generated:
    silver = {table: [{**row, "site_id": site_id} for row in rows] for table, rows in case.silver.items()}
    return replace(case, plant={**case.plant, "site_id": site_id}, silver=silver)
