"""Spark against the oracle: plants of every kind, and the same with the ledger broken on purpose.

`make oracle` asks ten thousand plant-days; what fails there is shrunk and kept as a worked case. Of the ways to break the ledger
one each of its parts is tried here (ranks, time, pieces, policies), all of them by `make campaign`.
"""

from __future__ import annotations

import pytest

from tests.oracle.generate import seeded
from tests.oracle.mutants import MUTANTS
from tests.oracle.spark import INSTANTS, sound, wrong

PLANTS = 60
FIRST = {"a planned break ranks below a stop", "a day has 24 hours", "late scrap is posted when it is found", "rework is new output"}
LATER = [pytest.param(each, marks=pytest.mark.campaign) for each in MUTANTS if each not in FIRST]


def plants(seed: int, count: int = PLANTS):
    return sound(seeded(seed, count, as_of=INSTANTS[seed % len(INSTANTS)]))


@pytest.mark.parametrize("seed", [100, pytest.param(101, marks=pytest.mark.campaign)])
def test_gold_is_what_the_oracle_says(spark, seed):
    assert wrong(spark, plants(seed)) == {}


@pytest.mark.parametrize("mutant", [*sorted(FIRST), *LATER])
def test_a_broken_ledger_is_noticed(spark, monkeypatch, mutant):
    MUTANTS[mutant](monkeypatch)
    assert wrong(spark, plants(102, 45)) != {}
