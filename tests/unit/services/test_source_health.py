from datetime import UTC, datetime, timedelta

import pytest

from lakehouse.errors import SourceLateError
from lakehouse.services.source_health import SEEN_WITHIN_S, age_of, require_in_time

NOW = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


def row(age_s, promised=20, table="sensor_reading", event_age_s=None):
    landed = None if age_s is None else NOW - timedelta(seconds=age_s)
    event = landed if event_age_s is None else NOW - timedelta(seconds=event_age_s)
    return {"site_id": "demo", "silver_table": table, "newest_event_at": event, "newest_landed_at": landed, "promised_within_s": promised}


@pytest.mark.parametrize(
    ("age_s", "promised", "verdict"),
    [
        (0, 20, "in time"),
        (20 + SEEN_WITHIN_S, 20, "in time"),
        (21 + SEEN_WITHIN_S, 20, "late"),
        (86_400, 20, "late"),
        (86_401, 20, "silent"),
        (None, 20, "no row"),
        (10**9, None, "no promise"),
        (None, None, "no promise"),
    ],
)
def test_late_is_older_than_the_table_and_gold_promise_and_silent_after_a_day(age_s, promised, verdict):
    assert SEEN_WITHIN_S > 0
    assert age_of(row(age_s, promised), NOW, DAY).verdict == verdict


def test_late_sources_are_named_all_of_them_and_others_are_not():
    ages = [age_of(row(seconds), NOW, DAY) for seconds in (1, 100, 200, 90_000)]
    with pytest.raises(SourceLateError) as caught:
        require_in_time(ages)
    line = caught.value.line()
    assert line.startswith("E_SOURCE_LATE 2 of 4 sources: demo/sensor_reading is 100 s old, 80 s are promised; demo/sensor_reading is 200 s old")
    assert line.endswith("| next: bin/lakehouse health")


def test_no_verdict_but_late_is_an_error():
    rows = [row(1), row(None), row(10**6), row(10**6, promised=None), row(600, table="machine_interruption")]
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
    assert age_of(row(600, table="machine_interruption"), NOW, DAY).verdict == "events"
    assert age_of(row(600, table="machine_count"), NOW, DAY).verdict == "late"
