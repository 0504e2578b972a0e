"""Makes whole plants with input: a plant file, silver rows as conform would keep them, and what is asked for.

One builder draws from a `Chooser`: a seeded random number generator for bulk, Hypothesis for what must shrink. Choices are laid out so
that the smallest draw is the plainest plant.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.oracle.calendar import Window, shifts_of, windows
from tests.oracle.plant import SECOND, Plant, from_wall, instant, micros, midnight, read_plant

T = TypeVar("T")
DAY = dt.timedelta(days=1)
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
ZONES = ("Europe/Berlin", "America/New_York", "UTC")
CHANGES_OF_CLOCK = {
    "Europe/Berlin": (dt.date(2025, 3, 30), dt.date(2025, 10, 26)),
    "America/New_York": (dt.date(2025, 3, 9), dt.date(2025, 11, 2)),
    "UTC": (dt.date(2025, 2, 28), dt.date(2025, 12, 31)),
}
HOLIDAY_CALENDARS = {
    "Europe/Berlin": ({"country": "DE", "subdivision": "BW"}, dt.date(2025, 5, 1)),
    "America/New_York": ({"country": "US"}, dt.date(2025, 11, 27)),
    "UTC": ({"country": "DE"}, dt.date(2025, 12, 25)),
}
PATTERNS: tuple[tuple[tuple[str, str, str], ...], ...] = (
    (("early", "06:00", "14:00"),),
    (("early", "06:00", "14:00"), ("late", "14:00", "22:00")),
    (("early", "06:00", "14:00"), ("late", "14:00", "22:00"), ("night", "22:00", "06:00")),
    (("night", "22:00", "06:00"),),
    (("day", "07:30", "16:15"), ("night", "20:00", "04:30")),
    (("day", "06:00", "18:00"), ("night", "18:00", "06:00")),
    (("early", "05:00", "11:30"), ("noon", "12:00", "17:45"), ("night", "21:15", "02:00")),
    (("night", "23:00", "07:00"), ("late", "15:00", "22:30")),
    (("whole", "06:00", "06:00"),),
    (("a", "00:00", "08:00"), ("b", "08:00", "16:00"), ("c", "16:00", "00:00")),
    (("a", "02:30", "10:00"), ("b", "10:00", "18:30"), ("c", "18:30", "02:30")),
)
REASONS: tuple[dict[str, Any], ...] = (
    {"code": "B01", "text": "Breakdown", "category": "unplanned_stop", "is_failure": True, "maintenance": "corrective"},
    {"code": "B02", "text": "Jam", "category": "unplanned_stop", "priority": 50},
    {"code": "B03", "text": "Sensor", "category": "unplanned_stop", "is_failure": True, "priority": 20},
    {"code": "P01", "text": "Maintenance", "category": "planned_down", "planned_s": 3600, "maintenance": "preventive"},
    {"code": "P02", "text": "Cleaning", "category": "planned_down", "priority": 30},
    {"code": "S01", "text": "Tool change", "category": "setup", "planned_s": 1800},
    {"code": "S02", "text": "Colour change", "category": "setup", "priority": 40},
    {"code": "W01", "text": "No material", "category": "starved", "priority": 60},
    {"code": "W02", "text": "Blocked downstream", "category": "blocked", "is_failure": True},
    {"code": "W03", "text": "Blocked or starved", "category": "blocked_starved"},
    {"code": "O01", "text": "Meeting", "category": "organisational", "responsibility": "shift lead"},
    {"code": "N01", "text": "No order", "category": "no_order", "priority": 70},
    {"code": "setup", "text": "Set-up by the MES", "category": "setup", "priority": 45},
    {"code": "breakdown", "text": "Breakdown by the MES", "category": "unplanned_stop", "is_failure": True, "maintenance": "corrective"},
)
UNKNOWN_CODES = ("UNKNOWN", "X99")
SCRAP_REASONS = (
    {"code": "R1", "text": "Scratch", "kind": "process"},
    {"code": "R2", "text": "Start-up", "kind": "startup"},
    {"code": "R3", "text": "First shots", "kind": "startup"},
)
PARTS = ("P", "Q", "Z")
ORDERS = ("A1", "A2", "B7")
TOOLS = ("T1", "T2")
KINDS: tuple[dict[str, Any], ...] = (
    {"state_source": "state", "quantity_source": "counter"},
    {"state_source": "state", "quantity_source": "counter", "heartbeat_s": 1800},
    {"state_source": "state", "quantity_source": "counter", "heartbeat_s": 3600, "speaks_orders": True},
    {"state_source": "state", "quantity_source": "confirmation", "heartbeat_s": 900},
    {"state_source": "state", "quantity_source": "confirmation"},
    {"state_source": "state", "quantity_source": "mes", "heartbeat_s": 7200},
    {"state_source": "state", "quantity_source": "counter", "speaks_orders": True},
    {"state_source": "mes", "quantity_source": "mes", "speaks_orders": True},
    {"state_source": "mes", "quantity_source": "mes"},
    {"state_source": "mes", "quantity_source": "counter", "speaks_orders": True},
    {"state_source": "mes", "quantity_source": "confirmation"},
    {"state_source": "mes", "quantity_source": "mes", "heartbeat_s": 3600},
    {"state_source": "confirmation_only", "quantity_source": "confirmation"},
    {"state_source": "confirmation_only", "quantity_source": "counter"},
    {"state_source": "none", "quantity_source": "counter"},
)
LENGTHS = (
    10 * MINUTE, 0, 1, 60 * SECOND, 299_999_999, 300 * SECOND, 90 * SECOND, 2 * MINUTE, 4 * MINUTE, 25 * MINUTE, 30 * MINUTE, HOUR, 80 * MINUTE,
    5 * HOUR, 31 * HOUR,
)  # fmt: skip


class Chooser(Protocol):
    """Where choices come from."""

    def number(self, low: int, high: int) -> int:
        """A whole number of `low` to `high`; `low` is the plainest."""


@dataclass
class Seeded:
    """Choices of a random number generator."""

    source: random.Random

    def number(self, low: int, high: int) -> int:
        return low + int(self.source.random() * (high - low + 1))


@dataclass
class Drawn:
    """Choices of Hypothesis, which it can shrink."""

    draw: Callable[[st.SearchStrategy[int]], int]

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))


@dataclass(frozen=True)
class Generated:
    """A plant with input and what is asked for."""

    plant: dict[str, Any]
    silver: dict[str, list[dict[str, Any]]]
    as_of: dt.datetime
    from_at: dt.datetime
    to_at: dt.datetime

    @property
    def site_id(self) -> str:
        return self.plant["site_id"]


def seeded(seed: int, count: int, most_days: int = 5, most_machines: int = 3, as_of: dt.datetime | None = None) -> list[Generated]:
    """`count` plants, always the same ones for a seed; each is a site of its own.

    With `as_of` all of them are asked at that instant, so that one run of a pipeline can make them: it lies within or after their days.
    """
    common = None if as_of is None else micros(as_of)
    names = [f"s{seed}-{number}" for number in range(count)]
    return [_Builder(Seeded(random.Random(name)), name, most_days, most_machines, common=common).build() for name in names]


def plants(most_days: int = 3, most_machines: int = 2) -> st.SearchStrategy[Generated]:
    """Strategy of one plant with input."""

    @st.composite
    def plant(draw: Callable[..., Any]) -> Generated:
        return _Builder(Drawn(draw), "site", most_days, most_machines).build()

    return plant()


@dataclass
class _Builder:
    chooser: Chooser
    site_id: str
    most_days: int
    most_machines: int
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    identity: int = 0
    common: int | None = None

    # choices

    def pick(self, options: Sequence[T]) -> T:
        return options[self.chooser.number(0, len(options) - 1)]

    def happens(self, percent: int) -> bool:
        return self.chooser.number(0, 99) >= 100 - percent

    def some(self, options: Sequence[T], percent: int) -> list[T]:
        return [each for each in options if self.happens(percent)]

    def several(self, most: int, percent: int) -> Iterator[int]:
        """Numbers from 0, each followed by another with a probability; laid out so that any of them can be left out."""
        for number in range(most):
            if not self.happens(percent):
                return
            yield number

    # the plant

    def build(self) -> Generated:
        self.rows = {name: [] for name in ("machine_interruption", "machine_count", "production_event", "confirmation", "sensor_reading")}
        raw = self._site()
        site = read_plant(raw)
        first, last = self.dates[0], self.dates[-1] + DAY
        self.opens, self.closes = midnight(first, site.zone), midnight(last, site.zone)
        self.calendar = windows(site, self.opens, self.closes)
        self.edges = self._interesting(site)
        self.as_of = self._as_of()
        for machine in raw["machines"]:
            self._speak({**raw["machine_defaults"], **machine})
        from_at, to_at = self._range()
        return Generated(raw, self.rows, instant(self.as_of), instant(from_at), instant(to_at))

    def _site(self) -> dict[str, Any]:
        zone = self.pick(ZONES)
        self.dates = self._dates(zone)
        machines = self._machines()
        raw: dict[str, Any] = {
            "site_id": self.site_id,
            "zone": zone,
            "profile": self.pick(("iso22400", "iso22400", "tpm")),
            "shifts": self._shifts(),
            "machine_defaults": {"line_id": "L1", "area_id": "A1"},
            "machines": machines,
            "reasons": [dict(each) for each in REASONS if not self.happens(10)],
            "scrap_reasons": [dict(each) for each in SCRAP_REASONS],
            "ideal_cycles": self._cycles(machines),
        }
        raw["planned_stops"] = self._planned_stops(machines, raw["reasons"], zone)
        self.reason_codes = [each["code"] for each in raw["reasons"] if each["code"] not in ("setup", "breakdown")] + list(UNKNOWN_CODES)
        self._optional(raw, zone)
        return raw

    def _dates(self, zone: str) -> list[dt.date]:
        if self.common is not None:
            last = instant(self.common).astimezone(ZoneInfo(zone)).date() - DAY * self.pick((0, 0, 1))
            count = self.chooser.number(2, self.most_days)
            return [last - DAY * back for back in range(count - 1, -1, -1)]
        anchor = self.pick((*CHANGES_OF_CLOCK[zone], *CHANGES_OF_CLOCK[zone], dt.date(2025, 6, 2), HOLIDAY_CALENDARS[zone][1]))
        days = self.chooser.number(2, self.most_days)
        return [anchor + DAY * (number - min(1, days - 1)) for number in range(days)]

    def _shifts(self) -> list[dict[str, Any]]:
        shifts = []
        for name, start, end in self.pick(PATTERNS):
            shift: dict[str, Any] = {"shift_id": name, "start": start, "end": end}
            if self.happens(60):
                shift["breaks"] = self._breaks(start, end)
            if self.happens(20):
                shift["weekdays"] = self.some((1, 2, 3, 4, 5, 6, 7), 70) or [1, 2, 3]
            shifts += self._varied(shift)
        return shifts

    def _varied(self, shift: dict[str, Any]) -> list[dict[str, Any]]:
        """A shift that holds in some weeks only, or from a date on with another break."""
        middle = self.dates[len(self.dates) // 2]
        kind = self.chooser.number(0, 19)
        if kind >= 18:
            weeks = self.chooser.number(2, 3)
            since = self.dates[0] - DAY * self.chooser.number(0, 30)
            mine = {**shift, "rotation": {"weeks": weeks, "week": self.chooser.number(1, weeks), "since": since}}
            return [mine, *self._stand_in(mine)]
        if kind == 17:
            return [{**shift, "valid_to": middle}, {**shift, "valid_from": middle, "breaks": self._breaks(shift["start"], shift["end"])}]
        if kind == 16:
            return [{**shift, "valid_from": middle}]
        return [shift]

    def _stand_in(self, shift: dict[str, Any]) -> list[dict[str, Any]]:
        """Another crew at the same hours in the other weeks."""
        if not self.happens(50):
            return []
        rotation = shift["rotation"]
        other = rotation["week"] % rotation["weeks"] + 1
        return [{**shift, "shift_id": f"{shift['shift_id']}-b", "rotation": {**rotation, "week": other}}]

    def _breaks(self, start: str, end: str) -> list[dict[str, Any]]:
        begin, length = _minutes(start), (_minutes(end) - _minutes(start) - 1) % 1440 + 1
        breaks = []
        for _ in self.several(2, 60):
            minutes = self.pick((30, 15, 45))
            after = self.pick((120, 240, 0, length - minutes, 180, 210, 135))
            if after + minutes <= length:
                breaks.append({"start": _wall(begin + after), "minutes": minutes})
        return breaks

    def _machines(self) -> list[dict[str, Any]]:
        machines = []
        for number in (1, *(number + 2 for number in self.several(self.most_machines - 1, 60))):
            machine = {"machine_id": f"M{number}", **self.pick(KINDS)}
            if self.happens(30):
                machine["micro_stop_s"] = self.pick((60, 0, 600, 5400))
            if self.happens(15):
                machine["changes"] = self._changes(machine)
            machines.append(machine)
        return machines

    def _changes(self, machine: dict[str, Any]) -> list[dict[str, Any]]:
        changed = self.some(self.dates[1:], 60) or self.dates[1:2]
        options = [{"area_id": "A2"}, {"micro_stop_s": 120}, {"line_id": "L2"}]
        if machine["state_source"] == "state":
            options.append({"quantity_source": "counter"})
        if machine["state_source"] != "confirmation_only":
            options.append({"speaks_orders": not machine.get("speaks_orders", False)})
        return [{"valid_from": date, **self.pick(options)} for date in changed]

    def _cycles(self, machines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        cycles: list[dict[str, Any]] = [{"part_no": "P", "cycle_s": self.pick((1, 4.5, 20, 0.333333333))}]
        if self.happens(85):
            cycles.append({"part_no": "Q", "cycle_s": 12, "cavities": self.pick((1, 2, 3, 7))})
        options: tuple[dict[str, Any], ...] = (
            {"part_no": "P", "machine_id": machines[-1]["machine_id"], "cycle_s": 3},
            {"part_no": "P", "valid_from": self.dates[1], "cycle_s": 5.25},
            {"part_no": "P", "tool_no": "T1", "cycle_s": 7},
            {"tool_no": "T1", "cycle_s": 9, "cavities": 4},
            {"tool_no": "T1", "machine_id": machines[0]["machine_id"], "cycle_s": 8},
            {"part_no": "Q", "machine_id": machines[0]["machine_id"], "valid_from": self.dates[1], "cycle_s": 11},
        )
        return cycles + [dict(each) for each in self.some(options, 25)]

    def _planned_stops(self, machines: list[dict[str, Any]], reasons: list[dict[str, Any]], zone: str) -> list[dict[str, Any]]:
        """Planned stops; no two of a machine, and no break and planned stop, begin at the same minute."""
        codes = [each["code"] for each in reasons if each["category"] == "planned_down"]
        stops = []
        for machine in machines:
            for number in self.several(2 if codes else 0, 55):
                begin = self.chooser.number(0, (len(self.dates) + 1) * 24 - 1) * 60 + self.pick((10, 25)) + number
                start = dt.datetime.combine(self.dates[0], dt.time()) + dt.timedelta(minutes=begin)
                end = start + dt.timedelta(minutes=self.pick((60, 30, 240, 95, 1500)))
                stops.append(
                    {
                        "machine_id": machine["machine_id"],
                        "start": f"{start:%Y-%m-%dT%H:%M}",
                        "end": f"{end:%Y-%m-%dT%H:%M}",
                        "reason_code": self.pick(codes),
                        "name": f"Planned {number + 1}",
                    }
                )
        return [each for each in stops if _lasts(each, ZoneInfo(zone))]

    def _optional(self, raw: dict[str, Any], zone: str) -> None:
        if self.happens(40):
            times = ("production_time", "posting_time")
            raw["policies"] = {"no_order": self.pick(("counted", "planned")), "late_scrap": self.pick(times), "rework": self.pick(times)}
        if self.happens(60):
            ratios = ((part, self.pick((0.05, 0, 0.125, 0.01))) for part in self.some(PARTS, 60))
            raw["parts"] = [{"part_no": part, "name": f"Part {part}", "planned_scrap_ratio": ratio} for part, ratio in ratios]
        if self.happens(25):
            names = list(dict.fromkeys(shift["shift_id"] for shift in raw["shifts"]))
            dates = self.some(self.dates, 40)
            raw["holidays"] = [{"date": date, "name": "Holiday", "shifts": self.some(names, 50)} for date in dates]
        if self.happens(25):
            raw["holiday_calendar"] = dict(HOLIDAY_CALENDARS[zone][0])
        if self.happens(30):
            raw["lines"] = self._lines(raw["machines"])
        if not _is_sound(raw, self.dates):
            raw["shifts"] = [{name: value for name, value in shift.items() if name != "breaks"} for shift in raw["shifts"]]
        if self.happens(35):
            self._add_exceptions(raw)

    def _lines(self, machines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if any("line_id" in change for machine in machines for change in machine.get("changes", ())):
            return []
        ids = [machine["machine_id"] for machine in machines]
        line = {"line_id": "L1", "name": "Line 1", "flow": "serial", "first": ids[0], "constraint": self.pick(ids), "exit": ids[-1]}
        if self.happens(30):
            line["valid_from"] = self.dates[1]
        return [line]

    def _add_exceptions(self, raw: dict[str, Any]) -> None:
        """Exceptions one by one, each kept only if no two windows overlap and all is planned within them."""
        kept: list[dict[str, Any]] = []
        names = list(dict.fromkeys(shift["shift_id"] for shift in raw["shifts"]))
        for date in self.some(self.dates, 50):
            candidate = self._exception(raw, date, self.pick(names))
            if _is_sound({**raw, "exceptions": [*kept, candidate]}, self.dates):
                kept.append(candidate)
        raw["exceptions"] = kept

    def _exception(self, raw: dict[str, Any], date: dt.date, name: str) -> dict[str, Any]:
        exception: dict[str, Any] = {"date": date, "shift_id": name, "works": not self.happens(40), "name": "Agreed"}
        if exception["works"] and self.happens(60):
            shift = next(each for each in raw["shifts"] if each["shift_id"] == name)
            begin, length = _minutes(shift["start"]), (_minutes(shift["end"]) - _minutes(shift["start"]) - 1) % 1440 + 1
            start, end = begin + self.pick((60, 0, 90, -60)), begin + length + self.pick((-60, 0, -120, 45))
            exception |= {"start": _wall(start), "end": _wall(end), "breaks": self._breaks(_wall(start), _wall(end))}
        return exception

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

    def _range(self) -> tuple[int, int]:
        if self.happens(25):
            window = self.pick([each for each in self.calendar if each.start < self.as_of])
            return window.start, min(window.end + self.pick((0, 12 * HOUR, 30 * HOUR)), self.closes + HOUR)
        return self.opens, self.closes

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


def _minutes(wall: str) -> int:
    return int(wall[:2]) * 60 + int(wall[3:])


def _wall(minutes: int) -> str:
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def _lasts(stop: dict[str, Any], zone: ZoneInfo) -> bool:
    """Whether a planned stop takes time: one over the hour that is left out in spring may not."""
    return from_wall(dt.datetime.fromisoformat(stop["start"]), zone) < from_wall(dt.datetime.fromisoformat(stop["end"]), zone)


def _is_sound(raw: dict[str, Any], dates: list[dt.date]) -> bool:
    """Whether around the dates windows neither overlap nor vanish, and no two breaks of one begin together."""
    site = read_plant(raw)
    around = [dates[0] - 2 * DAY, dates[0] - DAY, *dates, dates[-1] + DAY]
    shifts = sorted((each for date in around for each in shifts_of(site, date)), key=lambda each: each.start)
    apart = all(a.end <= b.start for a, b in pairwise(shifts))
    breaks_apart = all(len({start for start, _ in each.breaks}) == len(each.breaks) for each in shifts)
    return apart and breaks_apart and all(each.start < each.end for each in shifts)
