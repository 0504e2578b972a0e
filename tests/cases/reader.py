"""Reads a worked case: plant, silver rows, expected rows. Used by the Spark lane and by the Trino lane."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import yaml

from lakehouse.flow.summarise import MachineShift
from lakehouse.plant import PlantModel, load_plant

HERE = Path(__file__).resolve().parent
SILVER = ("machine_interruption", "machine_count", "production_event", "confirmation", "sensor_reading")
RATIO_TOLERANCE = Fraction(1, 10**9)
RATIOS = {
    "availability_ratio": ("apt_s", "pbt_s"),
    "performance_ratio": ("earned_produced_s", "apt_s"),
    "quality_ratio": ("gq_count", "pq_count"),
    "quality_time_ratio": ("earned_good_s", "earned_produced_s"),
    "oee_ratio": ("earned_good_s", "pbt_s"),
    "scrap_ratio": ("sq_count", "pq_count"),
}


@dataclass(frozen=True)
class Case:
    """One folder of tests/cases."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def head(self) -> dict[str, object]:
        return yaml.safe_load((self.folder / "case.yaml").read_text())

    @property
    def plant(self) -> PlantModel:
        return load_plant([self.folder / "plant"])

    @property
    def site_id(self) -> str:
        (site_id,) = self.plant.sites
        return site_id

    @property
    def as_of(self) -> dt.datetime:
        return instant(self.head["as_of"])

    @property
    def is_alone(self) -> bool:
        """Whether its as_of matters: then it cannot be put in together with others."""
        return bool(self.head.get("alone"))

    def machine_shifts(self) -> list[MachineShift]:
        site = self.plant.site(self.site_id)
        spanned = self.plant.windows(self.site_id, instant(self.head["from"]), instant(self.head["to"]))
        dates = self.head.get("dates")
        spanned = [window for window in spanned if dates is None or window.shift_date in dates]
        return [MachineShift(self.site_id, machine, window) for machine in site.machines for window in spanned]

    def rows(self, table: str) -> list[dict[str, object]]:
        """Silver rows with every column filled."""
        path = self.folder / f"{table}.csv"
        found = read_csv(path) if path.is_file() else []
        return [self._filled(table, number, row) for number, row in enumerate(found, 1)]

    def expected(self, name: str) -> list[dict[str, str]]:
        path = self.folder / "expected" / f"{name}.csv"
        return read_csv(path) if path.is_file() else []

    def _filled(self, table: str, number: int, row: dict[str, str]) -> dict[str, object]:
        source = {"site_id": self.site_id, "source_ref": f"{self.name}/{table}/{number}", "landed_at": self.as_of}
        typed = {name: typed_cell(name, text) for name, text in row.items()}
        return {**DEFAULTS[table](self.name, number, typed), **source, **typed}


def _interruption(case, number, row):
    return {
        "interruption_id": f"{case}-I{number}", "version": 1, "reason_code": "B01", "reason_sent": None, "reason_text": None, "operator": None,
        "status": "closed" if row["end_at"] else "open", "sent_at": row["start_at"], "flags": [],
    }  # fmt: skip


def _count(case, number, row):
    return {
        "event_id": f"{case}-C{number:04}", "scrap_count": 0, "rework_count": 0, "state": "Execute", "speed_per_min": None,
        "part_no": "P", "order_no": None, "flags": [],
    }  # fmt: skip


def _event(case, number, row):
    return {
        "event_key": f"{case}-E{number:04}", "order_no": "O", "activity": None, "event_type": "production", "part_no": "P",
        "completed_qty": Decimal(0), "rejected_qty": Decimal(0), "mrb_qty": Decimal(0), "is_rework": False,
    }  # fmt: skip


def _confirmation(case, number, row):
    total = sum(row.get(name, Decimal(0)) for name in ("good_qty", "scrap_qty", "rework_qty"))
    return {
        "confirmation_key": f"{case}-F{number}", "start_at": None, "end_at": None, "order_no": None, "part_no": "P", "tool_no": None,
        "shot_count": None, "cavity_count": None, "total_qty": total, "good_qty": Decimal(0), "scrap_qty": Decimal(0),
        "rework_qty": Decimal(0), "scrap_by_reason": {}, "is_idle": False,
        "operation_no": None, "is_rework": False, "produced_date": None, "produced_shift_id": None,
    }  # fmt: skip


def _reading(case, number, row):
    return {"event_id": f"{case}-T{number:04}", "sensor": "zone_1", "flags": []}


DEFAULTS = {
    "machine_interruption": _interruption,
    "machine_count": _count,
    "production_event": _event,
    "confirmation": _confirmation,
    "sensor_reading": _reading,
}


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, skipinitialspace=True))


def instant(value: object) -> dt.datetime:
    at = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def pieces_by_reason(text: str) -> dict[str, Decimal]:
    """`startup=40 defect=60` as a map."""
    return {name: Decimal(pieces) for name, pieces in (each.split("=") for each in text.split())}


CELLS = {"reason": pieces_by_reason, "at": instant, "date": dt.date.fromisoformat, "qty": Decimal, "celsius": float, "count": int}


def typed_cell(name: str, text: str) -> object:
    """A cell as silver wants it, by the column's name; reasons are written `R1=2 R2=0.5`."""
    if name == "scrap_by_reason":
        return {reason: Decimal(count) for reason, count in (each.split("=") for each in text.split())}
    if text == "":
        return None
    if name.startswith("is_"):
        return text.lower() == "true"
    kind = "count" if name == "version" else name.rsplit("_", 1)[-1]
    return CELLS.get(kind, str)(text)



def same(expected: str, found: object) -> bool:
    """Whether a cell of an answer is the expected one: numbers exactly, fractions to 1e-9, empty is NULL."""
    if isinstance(found, list | tuple):
        return expected.split() == [str(each) for each in found]
    if expected == "" or found is None:
        return expected == "" and found is None
    if isinstance(found, int | float | Decimal) and not isinstance(found, bool):
        wanted = Fraction(expected.replace(" ", ""))
        slack = RATIO_TOLERANCE if "/" in expected else 0
        return abs(Fraction(found) - wanted) <= slack
    return expected == (str(found).lower() if isinstance(found, bool) else str(found))


def differences(expected: dict[str, str], found: dict[str, object]) -> list[str]:
    """What differs between an expected row and an answer, in words."""
    return [f"{name}: expected {text or 'NULL'}, found {found.get(name)}" for name, text in expected.items() if not same(text, found.get(name))]


KEYS = ("line_id", "machine_id", "week_start_date", "shift_date", "shift_id", "reason_code", "scrap_reason", "loss", "threshold_s")


def key_of(row: dict[str, object], like: dict[str, object] | None = None) -> tuple[str, ...]:
    """What tells the rows of a table or view apart, by those of `KEYS` that the expected rows name."""
    return tuple(str(row[name]) for name in KEYS if name in (like or row))


def as_published(cases: list[Case]) -> list[list[Case]]:
    """The cases in groups that one publication may hold: all of those whose as_of does not matter, and each of the others."""
    return [[case for case in cases if not case.is_alone], *([case] for case in cases if case.is_alone)]


CASES = [Case(folder) for folder in sorted(HERE.glob("K-*"))]
