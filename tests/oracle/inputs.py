"""Draws what the sources of a plant say, as silver rows that conform would keep: interruptions, readings, operations, confirmations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.oracle.calendar import Window, windows
from tests.oracle.choices import Choices
from tests.oracle.plant import SECOND, Plant, instant, midnight, read_plant
from tests.oracle.sites import DAY, PARTS, SCRAP_REASONS

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
SILVER = ("machine_interruption", "machine_count", "production_event", "confirmation", "sensor_reading")
UNKNOWN_CODES = ("UNKNOWN", "X99")
ORDERS = ("A1", "A2", "B7")
TOOLS = ("T1", "T2")
LENGTHS = (
    10 * MINUTE, 0, 1, 60 * SECOND, 299_999_999, 300 * SECOND, 90 * SECOND, 2 * MINUTE, 4 * MINUTE, 25 * MINUTE, 30 * MINUTE, HOUR, 80 * MINUTE,
    5 * HOUR, 31 * HOUR,
)  # fmt: skip


@dataclass
class InputMaker(Choices):
    """Draws the rows of one plant, and when and about what it is asked.

    Attributes:
        raw: the plant file.
        dates: the dates that it is about.
        common: the instant at which it is asked; drawn when it is None.
    """

    raw: dict[str, Any]
    dates: Sequence[dt.date]
    common: int | None = None

    def __post_init__(self) -> None:
        site = read_plant(self.raw)
        self.site_id = site.site_id
        self.reason_codes = [each["code"] for each in self.raw["reasons"] if each["code"] not in ("setup", "breakdown")] + list(UNKNOWN_CODES)
        self.opens, self.closes = midnight(self.dates[0], site.zone), midnight(self.dates[-1] + DAY, site.zone)
        self.calendar = windows(site, self.opens, self.closes)
        self.edges = self._interesting(site)
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in SILVER}
        self.identity = 0

    def make(self) -> dict[str, list[dict[str, Any]]]:
        """Silver rows of all machines; the instant at which the plant is asked lies in `as_of` then."""
        self.as_of = self._as_of()
        for machine in self.raw["machines"]:
            self._speak({**self.raw["machine_defaults"], **machine})
        return self.rows

    def asked(self) -> tuple[int, int]:
        """The range that is asked for: all of the dates, or from the begin of a window on."""
        if self.happens(25):
            window = self.pick([each for each in self.calendar if each.start < self.as_of])
            return window.start, min(window.end + self.pick((0, 12 * HOUR, 30 * HOUR)), self.closes + HOUR)
        return self.opens, self.closes

    # time

    def _interesting(self, site: Plant) -> list[int]:
        breaks = [at for each in self.calendar for pause in each.breaks for at in pause]
        planned = [at for stops in site.planned_stops.values() for stop in stops for at in (stop.start, stop.end)]
        edges = [at for each in self.calendar for at in (each.start, each.end)]
        return [at for at in (*edges, *breaks, *planned) if self.opens <= at <= self.closes]

    def _as_of(self) -> int:
        if self.common is not None:
            return self.common
        if self.happens(35):
            return max(self.opens + HOUR, self._instant(self.opens, self.closes))
        return self.closes + self.pick((HOUR, 12 * HOUR, 1))

    def _instant(self, low: int, high: int) -> int:
        """An instant: on a minute, at an edge, next to an edge; rarely with odd microseconds."""
        kind = self.chooser.number(0, 19)
        if kind < 10 or not self.edges:
            at = low + self.chooser.number(0, max(0, (high - low) // MINUTE)) * MINUTE
        else:
            at = self.pick(self.edges) + (0 if kind < 16 else self.pick((MINUTE, -MINUTE, 1, -1, -7 * MINUTE, 29 * SECOND)))
        if kind in (8, 9):
            at += self.chooser.number(1, 59_999_999)
        return min(max(at, low), high)

    def _number(self, prefix: str) -> str:
        """A name that no other row has and that does not follow the order of making."""
        self.identity += 1
        return f"{self.site_id}-{prefix}{self.identity * 37 % 100:02}-{self.identity}"

    # what sources say

    def _speak(self, machine: dict[str, Any]) -> None:
        sources = {value for each in (machine, *machine.get("changes", ())) for value in (each.get("state_source"), each.get("quantity_source"))}
        name = machine["machine_id"]
        stray = self.happens(8)
        self._interruptions(name)
        if sources & {"state", "counter"} or stray:
            self._readings(name, machine.get("heartbeat_s", 1800))
        if "mes" in sources or stray:
            self._operations(name)
        if sources & {"confirmation", "confirmation_only"} or stray:
            self._confirmations(name)

    def _base(self, machine_id: str) -> dict[str, Any]:
        self.identity += 1
        return {"site_id": self.site_id, "machine_id": machine_id, "source_ref": f"{self.site_id}/{self.identity}", "landed_at": instant(self.as_of)}

    def _interruptions(self, machine_id: str) -> None:
        last_end = self.opens
        for _ in self.several(4 * len(self.dates), 88):
            # abutting the one before, overlapping it, shortly before as_of, or anywhere
            place = self.chooser.number(0, 9)
            start = last_end - 90 * SECOND * (place == 9) if place >= 8 else self._instant(self.opens - 3 * HOUR, self.closes)
            if place == 7:
                start = self.as_of - self.pick((2 * MINUTE, 299 * SECOND, 300 * SECOND, HOUR))
            end = self._instant(start, start + 8 * HOUR) if self.happens(25) else start + self.pick(LENGTHS)
            if start >= self.as_of:
                continue
            last_end = end
            is_open = end > self.as_of or self.happens(6)
            code = self.pick(self.reason_codes)
            sent = start + self.pick((0, MINUTE, HOUR)) if is_open else end
            self.rows["machine_interruption"].append(
                {
                    **self._base(machine_id),
                    "interruption_id": self._number("I"),
                    "version": self.chooser.number(1, 3),
                    "start_at": instant(start),
                    "end_at": None if is_open else instant(end),
                    "reason_code": code,
                    "reason_sent": code,
                    "reason_text": self.pick((None, "said by hand")),
                    "operator": None,
                    "status": "cancelled" if self.happens(8) else "open" if is_open else "closed",
                    "sent_at": instant(min(sent, self.as_of)),
                    "flags": [],
                }
            )

    def _readings(self, machine_id: str, heartbeat_s: int) -> None:
        """Runs of readings with a beat; silences between them, resets, ties, readings exactly at edges."""
        at = self.opens - self.pick((0, HOUR, -HOUR, 26 * HOUR))
        counters = {"good": self.pick((0, 980)), "scrap": 0, "rework": 0}
        for _ in self.several(6 * len(self.dates), 92):
            if at > min(self.closes, self.as_of):
                return
            at = self._run(machine_id, at, heartbeat_s, counters)
            at += self.pick((0, heartbeat_s, 2 * heartbeat_s + 1, 5 * 3600, 9 * 3600)) * SECOND

    def _run(self, machine_id: str, at: int, heartbeat_s: int, counters: dict[str, int]) -> int:
        period = self.pick((30 * MINUTE, heartbeat_s * SECOND, heartbeat_s * SECOND + 1, 47 * MINUTE, 20 * MINUTE, 400 * SECOND + 13))
        rate, scrap_every = self.pick((60, 7, 0, 1, 333)), self.pick((0, 3, 5))
        part, order = self.pick(PARTS), self.pick((*ORDERS, None))
        later = [edge for edge in self.edges if edge >= at] if self.happens(20) else []
        at = min(later, default=at)
        for number in range(self.pick((2, 1, 3, 6, 12, 20))):
            if at > self.as_of:
                break
            event = self.chooser.number(0, 39)
            if event >= 38:
                counters.update(good=self.pick((0, 5)), scrap=0, rework=0)
            elif event == 37:
                counters["rework"] += 2
            self._reading(machine_id, at, counters, part, order)
            if event == 36:
                counters["good"] += 3
                self._reading(machine_id, at, counters, part, order)
            counters["good"] += rate
            counters["scrap"] += int(scrap_every > 0 and number % scrap_every == 0)
            at += period
        return at

    def _reading(self, machine_id: str, at: int, counters: dict[str, int], part: str, order: str | None) -> None:
        self.rows["machine_count"].append(
            {
                **self._base(machine_id),
                "event_id": self._number("C"),
                "reading_at": instant(at),
                "good_count": counters["good"],
                "scrap_count": counters["scrap"],
                "rework_count": counters["rework"],
                "state": "Execute",
                "speed_per_min": None,
                "part_no": part,
                "order_no": order,
                "flags": [],
            }
        )

    def _operations(self, machine_id: str) -> None:
        at = self.opens
        for _ in self.several(5 * len(self.dates), 90):
            start = at if self.happens(40) else self._instant(self.opens - 2 * HOUR, self.closes)
            end = self._instant(start, start + 6 * HOUR) if self.happens(40) else start + self.pick((2 * HOUR, *LENGTHS))
            if end > self.as_of:
                continue
            at = end
            kind = self.pick(("production", "production", "production", "setup", "breakdown"))
            made = kind == "production" or self.happens(20)
            self.rows["production_event"].append(
                {
                    **self._base(machine_id),
                    "event_key": self._number("E"),
                    "order_no": self.pick((*ORDERS, None)),
                    "activity": f"{kind} as named",
                    "event_type": kind,
                    "start_at": instant(start),
                    "end_at": instant(end),
                    "part_no": self.pick(PARTS),
                    "completed_qty": self._quantity() if made else Decimal("0.000"),
                    "rejected_qty": self._quantity() if made and self.happens(40) else Decimal("0.000"),
                    "mrb_qty": Decimal("0.000"),
                    "is_rework": kind == "production" and self.happens(15),
                }
            )

    def _confirmations(self, machine_id: str) -> None:
        for window in self.calendar:
            if window.start >= self.as_of or not self.happens(70 if window.is_scheduled else 5):
                continue
            idle = self.happens(12)
            for _ in (0, *self.several(2, 50)):
                self._confirmation(machine_id, window, idle or self.happens(5))

    def _confirmation(self, machine_id: str, window: Window, is_idle: bool) -> None:
        rework_row = not is_idle and self.happens(12)
        good, rework = (Decimal("0.000") if is_idle else self._quantity() for _ in range(2))
        by_reason = {} if is_idle or rework_row else {each["code"]: self._quantity() for each in self.some(SCRAP_REASONS, 30)}
        scrap = sum(by_reason.values(), Decimal("0.000"))
        if not is_idle and self.happens(20):
            scrap += self._quantity()
        rework = Decimal("0.000") if rework_row or self.happens(60) else rework
        produced = self.pick([each for each in self.calendar if each.start <= window.start]) if self.happens(12) else None
        self.rows["confirmation"].append(
            {
                **self._base(machine_id),
                "confirmation_key": self._number("F"),
                "posting_date": window.shift_date,
                "shift_id": None if self.happens(3) else window.shift_id,
                "start_at": None,
                "end_at": None,
                "order_no": self.pick((*ORDERS, None)),
                "part_no": self.pick((*PARTS, None)),
                "tool_no": self.pick((None, *TOOLS)),
                "shot_count": None,
                "cavity_count": self.pick((None, 1, 4)),
                "total_qty": good + scrap + rework,
                "good_qty": good,
                "scrap_qty": scrap,
                "rework_qty": rework,
                "scrap_by_reason": by_reason,
                "is_idle": is_idle,
                "is_rework": rework_row,
                "status": "cancelled" if self.happens(12) else "confirmed",
                "produced_date": None if produced is None else produced.shift_date,
                "produced_shift_id": None if produced is None else produced.shift_id,
            }
        )

    def _quantity(self) -> Decimal:
        whole = self.pick((10, 0, 1, 97, 480, 2500))
        return Decimal(whole * 1000 + (self.chooser.number(0, 999) if self.happens(10) else 0)).scaleb(-3)
