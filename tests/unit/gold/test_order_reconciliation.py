"""Counter, MES and confirmation of an order in a shift side by side: none corrects another, and silence is not zero."""

import datetime as dt
from decimal import Decimal

import pytest

from lakehouse.flow.summarise import reconciled
from tests.oracle.build import TWO, confirmations, operations, plant, readings
from tests.oracle.generate import Generated
from tests.oracle.spark import asked, frames

FROM, TO = dt.datetime(2025, 6, 2, tzinfo=dt.UTC), dt.datetime(2025, 6, 3, tzinfo=dt.UTC)
A = {"order_no": "A"}


@pytest.fixture(scope="module")
def told(spark):
    """Rows by shift and order of one day in which every kind of difference occurs."""
    silver = {
        "machine_interruption": [],
        "machine_count": readings(
            ("06:00", 1000, A), ("08:00", 1100, A), ("10:00", 1200, {"order_no": "B"}), ("12:00", 30, {"order_no": "C"}),
            ("14:00", 90, {"order_no": "D"}),
        ),
        "production_event": operations(
            ("production", "06:00", "08:00", {**A, "completed_qty": Decimal(98), "rejected_qty": Decimal(2)}),
            ("production", "08:00", "10:00", {"order_no": "B", "completed_qty": Decimal(100)}),
            ("production", "10:00", "12:00", {"order_no": "C", "completed_qty": Decimal(60)}),
            ("production", "12:00", "13:00", {"order_no": "E", "completed_qty": Decimal(5), "is_rework": True}),
        ),
        "confirmation": confirmations(
            {**A, "good_qty": Decimal(98), "scrap_qty": Decimal(2)},
            {"order_no": "B", "good_qty": Decimal(80)},
            {"order_no": "B", "good_qty": Decimal(20), "shift_id": "late"},
            {"order_no": "C", "good_qty": Decimal(60)},
            {"order_no": "F", "good_qty": Decimal(0), "is_idle": True},
        ),
    }  # fmt: skip
    case = Generated(plant(shifts=TWO, policies={"reconciliation_ratio": 0.05}), silver, TO, FROM, TO)
    model, shifts = asked([case])
    rows = reconciled(spark, model, shifts, frames(spark, [case]), TO, 1).collect()
    return {(row["shift_id"], row["order_no"]): row.asDict() for row in rows}


def counts(row):
    return tuple(None if row[name] is None else int(row[name]) for name in ("counter_count", "mes_count", "confirmation_count"))


def test_each_source_stands_beside_the_others(told):
    assert {key: counts(row) for key, row in told.items()} == {
        ("early", "A"): (100, 100, 100),
        ("early", "B"): (100, 100, 80),
        ("late", "B"): (None, None, 20),
        ("early", "C"): (30, 60, 60),
        ("early", "D"): (60, None, None),
    }


def test_good_and_scrap_are_kept_apart(told):
    row = told["early", "A"]
    assert (row["counter_scrap_count"], row["mes_scrap_count"], row["confirmation_scrap_count"]) == (0, 2, 2)


def test_difference_and_tolerance_are_of_those_that_speak(told):
    row = told["early", "B"]
    assert (row["difference_count"], row["tolerance_count"], row["source_count"]) == (20, 5, 3)
    alone = told["early", "D"]
    assert (alone["difference_count"], alone["tolerance_count"], alone["source_count"]) == (0, 3, 1)


def test_a_counter_that_began_again_is_told(told):
    assert told["early", "C"]["is_counter_reset"]
    assert not told["early", "A"]["is_counter_reset"]


def test_second_passes_and_idle_rows_make_nothing(told):
    assert not {order for _, order in told} & {"E", "F"}
