"""The example data sets as a plant would send them: files for the landing bucket, messages for the topic, a plant model for each site.

Machines and ideal cycles are read from the files; nothing of them is kept in this repository.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from lakehouse.errors import RequirementError
from lakehouse.flow.real_dumps import BOTTLING, SITES, UPLOADS
from lakehouse.settings import HOME
from lakehouse.sources import workbook
from lakehouse.sources.contracts import Profile, load_sources

EXAMPLES = HOME / "conf" / "plant" / "examples"
LOG, LOG_DAMAGED = "mes-production-log/Production_Data.csv", "mes-production-log/Production_Data_excel_damaged.csv"
REPORTS = ("molding-plant-reports/monthly/monthlyReports_201811.xlsb", "molding-plant-reports/monthly/monthlyReports_201812.xlsb")
MOULDS, MACHINES = "molding-plant-reports/master/moldInfo.xlsx", "molding-plant-reports/master/machineInfo.xlsx"
TEMPERATURES = "machine-temperature-nab/machine_temperature_system_failure.csv"
FILES = (LOG, LOG_DAMAGED, *REPORTS, MOULDS, MACHINES, TEMPERATURES, *(name for _, _, name in UPLOADS))
TOPIC, MACHINE, SENSOR = "sensor.temperature", "nab-machine", "internal"
LOG_SOURCE, REPORT_SOURCE = "mes-production-log", "confirmations"
MOULD_SOURCE, MACHINE_SOURCE, BOTTLING_SOURCE = "molding-mold", "molding-machine", "bottling-product"
LOG_SITE, REPORT_SITE, TEMPERATURE_SITE, BOTTLING_SITE = "production-log", "molding", "nab", "bottling"


def _profile(source: str, site: str) -> Profile:
    """The layout of a site's workbooks of a source."""
    contract = load_sources().contract(source)
    assert contract.kind == "workbook"  # noqa: S101 - tells the type checker which contract it is
    return contract.profile(site)


@dataclass(frozen=True)
class RealData:
    """The folder of example data sets.

    Attributes:
        root: the folder; each data set has a folder below it.
    """

    root: Path

    def check(self) -> None:
        """Raise RequirementError when a file is missing, with all that are."""
        missing = [name for name in FILES if not (self.root / name).is_file()]
        if missing:
            raise RequirementError(str(self.root), f"it has not {', '.join(missing)}", "bin/lakehouse land --real FOLDER")

    def uploads(self) -> list[tuple[Path, str]]:
        """Return (file, key in the landing bucket), in order of arrival."""
        logs = [(self.root / name, f"{LOG_SOURCE}/{LOG_SITE}/{Path(name).name}") for name in (LOG, LOG_DAMAGED)]
        reports = [(self.root / name, f"{REPORT_SOURCE}/{REPORT_SITE}/{Path(name).name}") for name in REPORTS]
        return logs + reports + [(self.root / name, f"{source}/{site}/{Path(name).name}") for source, site, name in UPLOADS]

    @property
    def sources(self) -> list[str]:
        """The sources that the files belong to, in order of arrival."""
        return list(dict.fromkeys(key.split("/", 1)[0] for _, key in self.uploads()))

    def log_rows(self) -> list[dict[str, str]]:
        """Return the rows of the intact production log."""
        with (self.root / LOG).open(encoding="utf-8", newline="") as text:
            return list(csv.DictReader(text))

    def report_rows(self, report: str) -> list[dict[str, str]]:
        """Return the rows of a monthly report."""
        return [cells for _, cells in workbook.rows(self.root / report, self.report_profile)]

    @property
    def report_profile(self) -> Profile:
        """The layout of the monthly reports."""
        return _profile(REPORT_SOURCE, REPORT_SITE)

    def setting_cycles(self) -> dict[str, str]:
        """Return mould to setting cycle in seconds, as decimal text."""
        moulds = workbook.rows(self.root / MOULDS, _profile(MOULD_SOURCE, REPORT_SITE))
        return {cells["moldNo"]: cells["moldSettingCycle"] for _, cells in moulds}

    def temperatures(self) -> Iterator[tuple[str, str]]:
        """Yield (wall clock, value) of the series, in the order of the file."""
        with (self.root / TEMPERATURES).open(encoding="utf-8", newline="") as text:
            for row in csv.DictReader(text):
                yield row["timestamp"], row["value"]

    def messages(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) of the messages of `sensor.temperature`; a line has the same event_id every time it is sent."""
        digest = hashlib.sha256((self.root / TEMPERATURES).read_bytes()).hexdigest()[:16]
        for line, (wall, value) in enumerate(self.temperatures(), start=2):
            reading = {
                "schema_version": 1, "event_id": f"{digest}:{line}", "site_id": TEMPERATURE_SITE, "machine_id": MACHINE, "sensor": SENSOR,
                "ts": f"{wall.replace(' ', 'T')}Z", "temperature_c": float(value), "unit": "C",
            }  # fmt: skip
            yield MACHINE.encode(), json.dumps(reading).encode()

    def plants(self) -> Mapping[str, dict[str, Any]]:
        """Return the plant model of each site: the committed example with the machines and ideal cycles of the files."""
        reports = [row for name in REPORTS for row in self.report_rows(name)]
        reported, last = {row["machineNo"] for row in reports}, max(row["recordDate"] for row in reports)
        master = [cells for _, cells in workbook.rows(self.root / MACHINES, _profile(MACHINE_SOURCE, REPORT_SITE))]
        presses = reported | {cells["machineNo"] for cells in master if cells["layoutStartDate"] <= last}
        cycles = [{"tool_no": mould, "cycle_s": cycle} for mould, cycle in sorted(self.setting_cycles().items())]
        resources = {row["Resource"].strip() for row in self.log_rows()}
        return {
            LOG_SITE: _resolved(LOG_SITE, resources, []),
            REPORT_SITE: _resolved(REPORT_SITE, presses, cycles),
            TEMPERATURE_SITE: _resolved(TEMPERATURE_SITE, {MACHINE}, []),
            BOTTLING_SITE: _resolved(BOTTLING_SITE, set(), self.least_cycles()),
            **{site: _resolved(site, set(), []) for site in SITES},
        }

    def least_cycles(self) -> list[dict[str, str]]:
        """Return the ideal cycles of the bottling line: the least time that a batch of each product needs."""
        rows = [cells for _, cells in workbook.rows(self.root / BOTTLING, _profile(BOTTLING_SOURCE, BOTTLING_SITE))]
        return [{"part_no": cells["Product"], "cycle_s": str(60 * Decimal(cells["Min batch time"]))} for cells in rows]


def _resolved(site: str, machines: set[str], cycles: list[dict[str, str]]) -> dict[str, Any]:
    base: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{site}.yaml").read_text(encoding="utf-8"))
    return {**base, "machines": [{"machine_id": name} for name in sorted(machines)], "ideal_cycles": cycles}


def write_plants(plants: Mapping[str, dict[str, Any]], folder: Path) -> list[Path]:
    """Write a file for each site and return those that changed; a reader never sees half a file."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for site, declared in plants.items():
        path, text = folder / f"{site}.yaml", yaml.safe_dump(declared, sort_keys=False, allow_unicode=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            half = path.with_suffix(".half")
            half.write_text(text, encoding="utf-8")
            half.replace(path)
            changed.append(path)
    return changed
