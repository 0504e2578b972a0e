"""Why a number is what it is: formula, elements, the segments and parts that add up to them, and the source rows behind those."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lakehouse.errors import SettingsError
from lakehouse.serving.views import KpiView, read_views

Row = dict[str, Any]
Ask = Callable[[str, Sequence[Any]], list[Row]]
SHIFT_GRAIN = ("site_id", "machine_id", "shift_date", "shift_id")
HEAD_LINES = 5
OF_ORDERS = "the rows behind plan, orders and stock are in the view order_rows"


@dataclass(frozen=True)
class MachineShiftKey:
    """Which machine-shift: site, machine, production date, shift."""

    site_id: str
    machine_id: str
    shift_date: dt.date
    shift_id: str

    @property
    def values(self) -> tuple[str, str, dt.date, str]:
        """In the order of `SHIFT_GRAIN`."""
        return self.site_id, self.machine_id, self.shift_date, self.shift_id


@dataclass(frozen=True)
class Explanation:
    """Everything behind one machine-shift's numbers in one view.

    Attributes:
        formula: the five-line head of the view's query.
        answer: the view's rows of the machine-shift.
        elements: level 1 of `oee_explained`.
        parts: level 2: segments of time and lines of parts.
        sources: level 3: source rows of the quantities.
    """

    view: KpiView
    key: MachineShiftKey
    formula: Sequence[str]
    answer: Sequence[Row]
    elements: Sequence[Row]
    parts: Sequence[Row]
    sources: Sequence[Row]

    def adds_up(self) -> dict[str, tuple[Any, Any]]:
        """Return the elements whose parts do not add up to them: name to (element, sum of its parts)."""
        elements = {row["element"]: row["element_value"] for row in self.elements}
        sums: dict[str, Any] = {}
        for row in self.parts:
            sums[row["element"]] = sums.get(row["element"], 0) + (row["element_value"] or 0)
        return {name: (elements[name], total) for name, total in sums.items() if name.endswith("_s") and name in elements and elements[name] != total}


def explain(ask: Ask, view_name: str, machine_id: str, shift_id: str, shift_date: dt.date | None, site_id: str | None) -> Explanation:
    """Collect what lies behind a view's numbers of one machine-shift; without a date, of its latest one.

    Raises:
        SettingsError: no such view, or it is not by machine-shift; no such machine-shift, or more than one site has it.
    """
    views = {view.name: view for view in read_views()}
    view = views.get(view_name)
    by_shift = sorted(name for name, each in views.items() if set(SHIFT_GRAIN) <= set(each.grain))
    if view is None or view_name not in by_shift:
        cause = f"explained are the views by machine-shift: {', '.join(by_shift)}; {OF_ORDERS}"
        raise SettingsError(f"view {view_name}", cause, "bin/lakehouse kpi list")
    key = _found(ask, machine_id, shift_id, shift_date, site_id)
    drill = _rows(ask, "oee_explained", key, "drill_level, element, item")
    levels = {level: [row for row in drill if row["drill_level"] == level] for level in (1, 2, 3)}
    formula = [line.removeprefix("-- ") for line in view.query.splitlines()[:HEAD_LINES]]
    return Explanation(view, key, formula, _rows(ask, view_name, key, ", ".join(view.grain)), levels[1], levels[2], levels[3])


def _rows(ask: Ask, view: str, key: MachineShiftKey, order: str) -> list[Row]:
    where = " AND ".join(f"{name} = ?" for name in SHIFT_GRAIN)
    return ask(f"SELECT * FROM kpi.plant.{view} WHERE {where} ORDER BY {order}", key.values)  # noqa: S608


def _found(ask: Ask, machine_id: str, shift_id: str, shift_date: dt.date | None, site_id: str | None) -> MachineShiftKey:
    wanted = {"machine_id": machine_id, "shift_id": shift_id, "shift_date": shift_date, "site_id": site_id}
    given = {name: value for name, value in wanted.items() if value is not None}
    where = " AND ".join(f"{name} = ?" for name in given)
    query = f"SELECT site_id, max(shift_date) AS shift_date FROM lake.gold.machine_shift WHERE {where} GROUP BY site_id ORDER BY site_id"  # noqa: S608
    rows = ask(query, list(given.values()))
    said = ", ".join(f"{name} {value}" for name, value in given.items())
    if not rows:
        raise SettingsError("machine-shift", f"gold has none with {said}", 'bin/lakehouse query "select distinct machine_id from oee_by_day"')
    if len(rows) > 1:
        raise SettingsError("machine-shift", f"{said} is known at sites {', '.join(row['site_id'] for row in rows)}", "name one: --site")
    return MachineShiftKey(rows[0]["site_id"], machine_id, rows[0]["shift_date"], shift_id)
