from datetime import UTC, date, datetime, timedelta

from lakehouse.flow.extents import Span, merged, shift_span
from lakehouse.plant import load_plant
from lakehouse.settings import HOME

PLANT = load_plant([HOME / "conf" / "plant", HOME / "conf" / "plant" / "examples"])
T0 = datetime(2026, 11, 20, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_spans_close_to_each_other_become_one():
    near = [Span("s", "M1", "new", T0 + n * 20 * HOUR, T0 + (n * 20 + 1) * HOUR) for n in (2, 0, 1)]
    far = Span("s", "M1", "new", T0 + 200 * HOUR, T0 + 201 * HOUR)
    other = Span("s", "M2", "new", T0, T0)
    old = Span("s", "M1", "old", T0, T0 + HOUR)
    found = [(each["machine_id"], each["cause"], each["from_at"], each["to_at"]) for each in merged([far, other, *near, old, old])]
    assert found == [
        ("M1", "new", T0, T0 + 41 * HOUR),
        ("M1", "new", T0 + 200 * HOUR, T0 + 201 * HOUR),
        ("M1", "old", T0, T0 + HOUR),
        ("M2", "new", T0, T0),
    ]


def test_a_long_span_is_not_cut_by_a_short_one_within():
    spans = [Span("s", "M1", "new", T0, T0 + 9 * HOUR), Span("s", "M1", "new", T0 + HOUR, T0 + 2 * HOUR)]
    assert merged(spans)[0]["to_at"] == T0 + 9 * HOUR


def test_shift_of_the_production_date():
    assert shift_span(PLANT, "demo", date(2026, 11, 20), "early") == (datetime(2026, 11, 20, 5, tzinfo=UTC), datetime(2026, 11, 20, 13, tzinfo=UTC))
    assert shift_span(PLANT, "molding", date(2018, 11, 1), "3") == (datetime(2018, 11, 1, 22, tzinfo=UTC), datetime(2018, 11, 2, 6, tzinfo=UTC))


def test_night_of_the_clock_change_is_longer():
    start, end = shift_span(PLANT, "demo", date(2026, 10, 24), "night")
    assert (start, end - start) == (datetime(2026, 10, 24, 20, tzinfo=UTC), 9 * HOUR)


def test_without_a_shift_the_whole_date():
    start, end = shift_span(PLANT, "molding", date(2018, 11, 1), None)
    assert (start, end) == (datetime(2018, 11, 1, 6, tzinfo=UTC), datetime(2018, 11, 2, 6, tzinfo=UTC))
