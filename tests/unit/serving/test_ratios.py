"""Numerator and denominator stand beside every ratio: its description names them, and both are columns of the view."""

from __future__ import annotations

import re

import pytest

from lakehouse.serving.views import read_views

QUANTITY = re.compile(r"\b[a-z][a-z0-9_]*_(?:s|count|qty)\b")
NO_QUOTIENT = ("rolled_throughput_yield_ratio", "least_machine_oee_ratio")
"""The product of the machines' quotients, and the least of them."""
RATIOS = [(view, each) for view in read_views() for each in view.columns if each.name.endswith("_ratio") and each.name not in NO_QUOTIENT]


@pytest.mark.parametrize(("view", "column"), RATIOS, ids=lambda each: each.name)
def test_a_ratio_names_its_parts_and_they_stand_beside_it(view, column):
    named = set(QUANTITY.findall(column.description))
    assert len(named) >= 2, column.description
    assert named <= {each.name for each in view.columns}


def test_what_is_not_one_quotient_is_there():
    assert {column.name for view in read_views() for column in view.columns} >= set(NO_QUOTIENT)
