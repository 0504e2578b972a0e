from datetime import UTC, datetime, timedelta

import pytest

from lakehouse.errors import SourceLateError
from lakehouse.services.source_health import HEALTH_SQL, SILENT_AFTER_H, age_of, require_in_time

NOW = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
ALLOWED_S = 80
ASKED = [name.strip() for name in HEALTH_SQL.partition("FROM")[0].replace("SELECT", "").split(",")]


def row(age_s, allowed=ALLOWED_S, table="sensor_reading", event_age_s=None, is_event=False):
    landed = None if age_s is None else NOW - timedelta(seconds=age_s)
    event = landed if event_age_s is None else NOW - timedelta(seconds=event_age_s)
    answer = {
        "site_id": "demo", "silver_table": table, "newest_event_at": event, "newest_landed_at": landed, "allowed_s": allowed, "is_event": is_event,
    }  # fmt: skip
    return {name: answer[name] for name in ASKED}


@pytest.mark.parametrize(
    ("age_s", "allowed", "verdict"),
    [
        (0, 80, "in time"),
        (80, 80, "in time"),
        (81, 80, "late"),
        (86_400, 80, "late"),
        (86_401, 80, "silent"),
        (None, 80, "no row"),
        (10**9, None, "no promise"),
        (None, None, "no row"),
    ],
)
def test_late_is_older_than_allowed_and_silent_after_a_day(age_s, allowed, verdict):
    assert timedelta(hours=SILENT_AFTER_H) == DAY
    assert age_of(row(age_s, allowed), NOW, DAY).verdict == verdict


def test_late_sources_are_named_all_of_them_and_others_are_not():
    ages = [age_of(row(seconds), NOW, DAY) for seconds in (1, 100, 200, 90_000)]
    with pytest.raises(SourceLateError) as caught:
        require_in_time(ages)
    line = caught.value.line()
    assert line.startswith("E_SOURCE_LATE 2 of 4 sources: demo/sensor_reading is 100 s old, 80 s are promised; demo/sensor_reading is 200 s old")
    assert line.endswith("| next: bin/lakehouse health")


def test_no_verdict_but_late_is_an_error():
    rows = [row(1), row(None), row(10**6), row(10**6, allowed=None), row(600, is_event=True)]
    ages = [age_of(each, NOW, DAY) for each in rows]
    assert [each.verdict for each in ages] == ["in time", "no row", "silent", "no promise", "events"]
    require_in_time(ages)
    late = age_of(row(600), NOW, DAY)
    assert late.verdict == "late"
    with pytest.raises(SourceLateError, match="1 of 6 sources: demo/sensor_reading is 600 s old"):
        require_in_time([*ages, late])


def test_history_that_is_loaded_now_is_no_source_that_speaks():
    assert age_of(row(600, event_age_s=10**8), NOW, DAY).verdict == "silent"
    assert age_of(row(1, event_age_s=10**8), NOW, DAY).verdict == "in time"


def test_a_table_of_events_is_not_late_because_nothing_happened():
    assert age_of(row(600, is_event=True), NOW, DAY).verdict == "events"
    assert age_of(row(600, is_event=False), NOW, DAY).verdict == "late"
