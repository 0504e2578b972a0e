from __future__ import annotations

import csv
import re
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.sources.durations import hours, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14.00", "14"), (" 14 ", "14"), ("0", "0"), ("33.25", "33.25"), ("41h45", "41.75"), ("41 h 45", "41.75"), ("41H45", "41.75"),
        ("9:45", "9.75"), ("41h", "41"), ("13 heures 30 min", "13.5"), ("1 heure 3 min", "1.05"), ("2 hours 15 minutes", "2.25"),
        ("13 heures", "13"), ("45 min", "0.75"),
        ("90 min", "1.5"), ("0:10", "0.166666667"),
    ],
)  # fmt: skip
def test_spellings(text, expected):
    assert hours(text) == Decimal(expected)


REFUSED = [
    "33.0.25", "6.0.00", "1,5", "9:75", "9:5", "41h60", "13 heures 60 min", "", " ", "-1", "+1", "1e3", "NaN", "environ 3 h", "3 jours", "٣",
    "1:00:00", ".5", "5.", None,
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_exactly_one_duration_is_none(text):
    assert hours(text) is None
    assert seconds(text) is None


@given(st.integers(0, 10_000), st.integers(0, 59))
def test_hours_and_minutes_are_exact_seconds(hour, minute):
    for text in (f"{hour}h{minute:02}", f"{hour}:{minute:02}", f"{hour} heures {minute} min"):
        assert seconds(text) == hour * 3600 + minute * 60
        assert abs(hours(text) * 3600 - seconds(text)) <= Decimal("0.0000018")
        if minute % 3 == 0:
            assert hours(text) * 3600 == seconds(text)


@pytest.mark.shared
def test_the_real_maintenance_log(shared_data):
    with (shared_data / "maintenance-log-fr/interventions_2024.csv").open(newline="", encoding="utf-8") as text:
        written = [row["Duree_Arret_h"] for row in csv.DictReader(text)]
    refused = Counter(re.sub(r"\d+", "9", each) for each in written if hours(each) is None)
    assert refused == {"9.9.9": 90}
    read = [found for each in written if (found := hours(each)) is not None]
    assert (len(written), len(read), sum(read)) == (5_000, 4_910, Decimal("116452.45"))
