"""Draws plant files: calendars, machines with what changes about them, reasons, ideal cycles, planned stops, lines."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.calendar import shifts_of
from tests.oracle.choices import Choices
from tests.oracle.plant import from_wall, instant, read_plant

DAY = dt.timedelta(days=1)
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
SCRAP_REASONS = (
    {"code": "R1", "text": "Scratch", "kind": "process"},
    {"code": "R2", "text": "Start-up", "kind": "startup"},
    {"code": "R3", "text": "First shots", "kind": "startup"},
)
PARTS = ("P", "Q", "Z")
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


@dataclass
class SiteMaker(Choices):
    """Draws the plant file of one site.

    Attributes:
        most_days: the largest number of its dates; at least two.
        most_machines: the largest number of its machines.
        common: the instant at which it is asked, which lies within or after its dates; drawn later when it is None.
    """

    site_id: str
    most_days: int
    most_machines: int
    common: int | None = None

    def make(self) -> dict[str, Any]:
        """One plant file; the dates that it is about lie in `dates` then."""
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
