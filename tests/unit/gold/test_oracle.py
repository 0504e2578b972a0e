"""Spark against the oracle: plants of every kind, and the same with the ledger broken on purpose.

`make oracle` runs the large campaign; what fails there is shrunk and kept as a worked case.
"""

from __future__ import annotations

import pytest

from tests.oracle.generate import seeded
from tests.oracle.mutants import MUTANTS
from tests.oracle.spark import INSTANTS, sound, wrong

PLANTS = 60


def plants(seed: int, count: int = PLANTS):
    return sound(seeded(seed, count, as_of=INSTANTS[seed % len(INSTANTS)]))


@pytest.mark.parametrize("seed", [100, 101])
def test_gold_is_what_the_oracle_says(spark, seed):
    assert wrong(spark, plants(seed)) == {}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_ledger_is_noticed(spark, monkeypatch, mutant):
    MUTANTS[mutant](monkeypatch)
    assert wrong(spark, plants(102, 45)) != {}
