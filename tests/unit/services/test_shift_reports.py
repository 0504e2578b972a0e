from datetime import UTC, datetime, timedelta

import pytest

from lakehouse.cli.report import instant
from lakehouse.errors import SettingsError
from lakehouse.plant import load_plant
from lakehouse.services import shift_reports
from lakehouse.services.shift_reports import ended_shifts, write_reports
from lakehouse.services.sql import Answer
from lakehouse.settings import HOME, Settings

DAY = timedelta(days=1)


@pytest.fixture
def plant(tmp_path):
    (tmp_path / "demo.yaml").write_text((HOME / "conf" / "plant" / "demo.yaml").read_text())
    return load_plant([tmp_path])


def named(shifts):
    return [(str(each.shift_date), each.shift_id) for each in shifts]


def test_a_day_has_its_three_shifts_and_no_time_between(plant):
    start = datetime(2026, 11, 20, tzinfo=UTC)
    assert named(ended_shifts(plant, start, start + DAY)) == [("2026-11-19", "night"), ("2026-11-20", "early"), ("2026-11-20", "late")]


def test_intervals_that_abut_have_each_shift_once_also_when_one_ends_on_the_border(plant):
    end = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
    assert named(ended_shifts(plant, end - timedelta(hours=1), end)) == [("2026-11-20", "early")]
    assert named(ended_shifts(plant, end, end + timedelta(hours=1))) == []
    week = datetime(2026, 10, 20, 0, 15, tzinfo=UTC)
    hours = [ended_shifts(plant, week + timedelta(hours=n), week + timedelta(hours=n + 1)) for n in range(7 * 24)]
    assert sorted(named(each for hour in hours for each in hour)) == sorted(named(ended_shifts(plant, week, week + 7 * DAY)))
    assert len(ended_shifts(plant, week, week + 7 * DAY)) == 21


class Store:
    def __init__(self):
        self.kept = {}

    def keep_report(self, key, body, content_type):
        self.kept[key] = (body, content_type)


@pytest.fixture
def store(monkeypatch):
    made = Store()
    monkeypatch.setattr(shift_reports, "LandingZone", lambda _: made)
    return made


RATIOS = ("oee", "availability", "performance", "quality")
MACHINE = {
    **dict.fromkeys(("earned_good_s", "pbt_s", "run_s", "earned_produced_s", "gq_count", "pq_count"), 100),
    **{f"{view}_ratio": 1 for view in RATIOS},
    **{f"{view}_null_reason": None for view in RATIOS},
    **{"machine_id": "M01", "is_provisional": False, "flags": "", "missing_master_data": "", "revision": 7},
    "as_of": datetime(2026, 11, 20, 13, 5, tzinfo=UTC),
}


def answers(of_shift):
    def run_sql(_settings, sql, user="engineer", values=()):
        if sql == shift_reports.MACHINES_SQL and values[2] in of_shift:
            return Answer(list(MACHINE), [list(MACHINE.values())])
        assert sql.count("?") == len(values)
        return Answer([], [])

    return run_sql


def test_a_shift_that_gold_knows_gets_both_reports_and_the_others_are_named(plant, store, monkeypatch, tmp_path):
    monkeypatch.setattr(shift_reports, "run_sql", answers({"early"}))
    start = datetime(2026, 11, 20, tzinfo=UTC)
    done = write_reports(Settings(lake_home=tmp_path), plant, start, start + DAY)
    assert done.keys == ("reports/demo/2026-11-20/early.html",)
    assert done.without_rows == ("demo/2026-11-19/night", "demo/2026-11-20/late")
    assert {key: kind for key, (_, kind) in store.kept.items()} == {
        "reports/demo/2026-11-20/early.html": "text/html; charset=utf-8",
        "reports/demo/2026-11-20/early.csv": "text/csv; charset=utf-8",
    }


def test_a_report_that_is_written_again_is_the_same_object(plant, store, monkeypatch, tmp_path):
    monkeypatch.setattr(shift_reports, "run_sql", answers({"early"}))
    start = datetime(2026, 11, 20, tzinfo=UTC)
    write_reports(Settings(lake_home=tmp_path), plant, start, start + DAY)
    before = dict(store.kept)
    write_reports(Settings(lake_home=tmp_path), plant, start, start + DAY)
    assert store.kept == before


def test_refused_rows_are_asked_of_every_silver_table_that_takes_rows(plant, monkeypatch, tmp_path):
    asked = []

    def run_sql(_settings, sql, user="engineer", values=()):
        asked.append(sql)
        return answers({"early"})(_settings, sql, values=values)

    monkeypatch.setattr(shift_reports, "run_sql", run_sql)
    (shift,) = ended_shifts(plant, datetime(2026, 11, 20, 12, tzinfo=UTC), datetime(2026, 11, 20, 14, tzinfo=UTC))
    shift_reports.report_of(Settings(lake_home=tmp_path), shift, plant.site("demo").calendar._zone)
    for name in ("confirmation", "sensor_reading", "work_order"):
        assert f'lake.silver."{name}_quarantine"' in asked[-1]


@pytest.mark.parametrize("text", ["yesterday", "2026-11-20T05:00:00", ""])
def test_an_instant_needs_its_offset(text):
    with pytest.raises(SettingsError, match="--from"):
        instant("--from", text)


def test_an_instant_may_have_a_blank_as_airflow_writes_it():
    assert instant("--from", "2026-11-20 05:15:00+00:00") == instant("--from", "2026-11-20T05:15:00Z")
