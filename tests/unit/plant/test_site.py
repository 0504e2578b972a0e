"""What the rest of the lakehouse asks a site: machines, lines and parts as of a date, planned stops, its version."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import pytest

from lakehouse.plant import PlantModel, Reason, Site, SiteFile, load_plant, model
from lakehouse.plant.declared import HolidayCalendar

ROOT = Path(__file__).resolve().parents[3]
UTC = dt.UTC
SITE = {
    "site_id": "t",
    "zone": "Europe/Berlin",
    "shifts": [{"shift_id": "day", "start": "00:00", "end": "00:00"}],
    "machine_defaults": {"area_id": "A", "state_source": "state", "quantity_source": "counter", "heartbeat_s": 300},
    "machines": [
        {
            "machine_id": "M1",
            "line_id": "L1",
            "changes": [
                {"valid_from": dt.date(2026, 3, 1), "line_id": "L2", "micro_stop_s": 120},
                {"valid_from": dt.date(2026, 6, 1), "heartbeat_s": None},
            ],
        },
        {"machine_id": "M2", "line_id": "L2"},
    ],
    "reasons": [{"code": "P01", "text": "Maintenance", "category": "planned_down", "planned_s": 3600, "maintenance": "preventive"}],
}


def site(**more):
    return Site(SiteFile.model_validate({**SITE, **more}))


@pytest.mark.parametrize(
    ("date", "line", "micro_stop_s", "heartbeat_s"),
    [
        (None, "L1", 300, 300),
        (dt.date(1999, 1, 1), "L1", 300, 300),
        (dt.date(2026, 2, 28), "L1", 300, 300),
        (dt.date(2026, 3, 1), "L2", 120, 300),
        (dt.date(2026, 5, 31), "L2", 120, 300),
        (dt.date(2026, 6, 1), "L2", 120, None),
        (dt.date(2030, 1, 1), "L2", 120, None),
    ],
)
def test_a_machine_is_as_it_was_on_the_date(date, line, micro_stop_s, heartbeat_s):
    found = PlantModel({"t": site()}).machine("t", "M1", date)
    assert (found.line_id, found.micro_stop_s, found.heartbeat_s) == (line, micro_stop_s, heartbeat_s)
    assert found.area_id == "A"


def test_a_machine_that_never_changes_and_one_that_is_unknown():
    assert site().machine("M2", dt.date(2026, 3, 1)) == site().machine("M2")
    assert site().machine("M9", dt.date(2026, 3, 1)) is None
    assert PlantModel({}).machine("t", "M1", dt.date(2026, 3, 1)) is None


def test_a_discovered_machine_takes_the_changes_of_the_defaults():
    defaults = {**SITE["machine_defaults"], "line_id": "L", "changes": [{"valid_from": dt.date(2026, 3, 1), "line_id": "N"}]}
    found = site(machines=[], machine_defaults=defaults, discover=True)
    assert found.machine("any", dt.date(2026, 2, 28)).line_id == "L"
    assert found.machine("any", dt.date(2026, 3, 1)).line_id == "N"
    assert found.machine("") is None


def test_lines_in_force_on_a_date():
    serial = {"line_id": "L2", "flow": "serial", "first": "M2", "constraint": "M2", "exit": "M2", "valid_from": dt.date(2026, 3, 1)}
    found = site(lines=[serial, {"line_id": "L2", "flow": "parallel"}, {"line_id": "L1", "flow": "parallel", "valid_from": dt.date(2026, 4, 1)}])
    assert {name: line.flow for name, line in found.lines_on(dt.date(2026, 2, 28)).items()} == {"L2": "parallel"}
    assert {name: line.flow for name, line in found.lines_on(dt.date(2026, 3, 1)).items()} == {"L2": "serial"}
    assert set(found.lines_on(dt.date(2026, 4, 1))) == {"L1", "L2"}


def stop(start, end, machine="M1"):
    return {"machine_id": machine, "start": start, "end": end, "reason_code": "P01", "name": "Check"}


def test_planned_stops_are_utc_spans_whole_and_in_order():
    found = site(planned_stops=[
        stop("2026-07-01T10:00", "2026-07-01T11:00"), stop("2026-01-10T22:00", "2026-01-11T02:00"),
        stop("2026-07-01T10:00", "2026-07-01T12:00", "M2"),
    ])  # fmt: skip
    first = dt.datetime(2026, 1, 10, 21, tzinfo=UTC), dt.datetime(2026, 1, 11, 1, tzinfo=UTC)
    second = dt.datetime(2026, 7, 1, 8, tzinfo=UTC), dt.datetime(2026, 7, 1, 9, tzinfo=UTC)
    year = dt.datetime(2026, 1, 1, tzinfo=UTC), dt.datetime(2027, 1, 1, tzinfo=UTC)
    assert found.planned_stops("M1", *year) == [(*first, "P01", "Check"), (*second, "P01", "Check")]
    assert found.planned_stops("M1", dt.datetime(2026, 1, 11, tzinfo=UTC), year[1]) == [(*first, "P01", "Check"), (*second, "P01", "Check")]
    assert found.planned_stops("M1", first[1], second[0]) == []
    assert found.planned_stops("M1", first[0] - dt.timedelta(hours=1), first[0]) == []
    assert found.planned_stops("M9", *year) == []


def test_a_planned_stop_over_the_change_of_clocks_has_its_elapsed_time():
    found = site(planned_stops=[
        stop("2025-03-30T01:00", "2025-03-30T04:00"), stop("2025-10-26T01:00", "2025-10-26T04:00"),
        stop("2025-03-30T02:30", "2025-03-30T03:15", "M2"),
    ])  # fmt: skip
    year = dt.datetime(2025, 1, 1, tzinfo=UTC), dt.datetime(2026, 1, 1, tzinfo=UTC)
    assert [(each.end_at - each.start_at) / dt.timedelta(hours=1) for each in found.planned_stops("M1", *year)] == [2, 4]
    assert found.planned_stops("M2", *year) == []


@pytest.mark.parametrize(
    ("category", "ledger"),
    [
        ("planned_down", "planned_down"), ("setup", "setup"), ("unplanned_stop", "unplanned_stop"), ("organisational", "unplanned_stop"),
        ("blocked_starved", "blocked_starved"), ("blocked", "blocked_starved"), ("starved", "blocked_starved"), ("no_order", "no_order"),
    ],
)  # fmt: skip
def test_the_ledger_has_fewer_categories_than_the_plant(category, ledger):
    assert Reason(code="R", text="R", category=category).ledger_category == ledger


def test_parts_and_scrap_reasons():
    found = site(
        parts=[{"part_no": "P", "planned_scrap_ratio": 0.025}, {"part_no": "Q"}],
        scrap_reasons=[{"code": "burr", "text": "Burr"}, {"code": "first", "text": "First shot", "kind": "startup"}],
    )
    assert {name: part.planned_scrap_ratio for name, part in found.parts.items()} == {"P": Decimal("0.025"), "Q": Decimal(0)}
    assert {code: reason.kind for code, reason in found.scrap_reasons.items()} == {"burr": "process", "first": "startup"}


CHANGES = {
    "name": "T",
    "profile": "tpm",
    "policies": {"no_order": "planned"},
    "lines": [{"line_id": "L1", "flow": "parallel"}],
    "exceptions": [{"date": dt.date(2026, 3, 1), "shift_id": "day", "works": False}],
    "holidays": [{"date": dt.date(2026, 3, 1), "name": "H"}],
    "holiday_calendar": {"country": "DE"},
    "planned_stops": [stop("2026-07-01T10:00", "2026-07-01T11:00")],
    "scrap_reasons": [{"code": "burr", "text": "Burr"}],
    "parts": [{"part_no": "P"}],
    "machines": [{**SITE["machines"][0], "changes": SITE["machines"][0]["changes"][:1]}, SITE["machines"][1]],
    "reasons": [{**SITE["reasons"][0], "responsibility": "Maintenance"}],
    "shifts": [{**SITE["shifts"][0], "rotation": {"weeks": 2, "week": 1, "since": dt.date(2026, 3, 2)}}],
}


def test_the_version_changes_with_all_that_is_declared():
    versions = [site().version, *(site(**{name: value}).version for name, value in CHANGES.items())]
    assert len(set(versions)) == len(versions)
    assert site().version == site().version


def test_the_version_changes_with_the_time_zone_data_and_with_the_public_holidays(monkeypatch):
    german = {"holiday_calendar": {"country": "DE"}}
    plain, public, whole = site().version, site(**german).version, PlantModel({"t": site()}).version
    monkeypatch.setattr(HolidayCalendar, "names", lambda _, year: MappingProxyType({dt.date(year, 2, 1): "New"}))
    assert site().version == plain
    assert site(**german).version != public
    monkeypatch.setattr(model, "tzdata_version", lambda: "1999.1")
    assert site().tzdata_version == "1999.1"
    assert site().version != plain
    assert PlantModel({"t": site()}).version != whole


def test_the_demo_plant_says_what_the_pages_show():
    demo = load_plant([ROOT / "conf" / "plant"]).site("demo")
    lines = demo.lines_on(dt.date(2026, 11, 20))
    assert {name: line.flow for name, line in lines.items()} == {"L1": "parallel", "L2": "serial"}
    assert {cycle.part_no for cycle in demo.ideal_cycles} == set(demo.parts)
    assert {reason.kind for reason in demo.scrap_reasons.values()} == {"process", "startup"}
    assert {code for code, each in demo.reasons.items() if each.planned_s} == {"S01", "S02"}
    maintenance = {code: each.maintenance for code, each in demo.reasons.items() if each.maintenance}
    failures = {code: "corrective" for code, each in demo.reasons.items() if each.is_failure}
    assert maintenance == {"P01": "preventive", "P02": "preventive", **failures}
