"""docs/pitfalls.md is whole, and everything that it leans on exists."""

from __future__ import annotations

import re

import pytest

from lakehouse.quality.audits import AUDITS
from lakehouse.settings import HOME
from tests.oracle.mutants import MUTANTS

PAGE = (HOME / "docs" / "pitfalls.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|$", PAGE, flags=re.MULTILINE)
OTHER = ("by construction:", "plant_version", "ops.publication", "roll-up views", "check of")


def test_there_are_forty() -> None:
    assert [int(number) for number, _, _ in ROWS] == list(range(1, 41))


@pytest.mark.parametrize(("pitfall", "held_by"), [row[1:] for row in ROWS], ids=[f"{number} {pitfall}" for number, pitfall, _ in ROWS])
def test_pitfall(pitfall: str, held_by: str) -> None:
    cases, tests = re.findall(r"\bK-\d\d[ab]?\b", held_by), re.findall(r"tests/[\w/]+\.py(?:::\w+)?", held_by)
    mutants, audits = re.findall(r"mutant: ([^;|]+)", held_by), re.findall(r"audit (\w+)", held_by)
    assert cases or tests or mutants or audits or any(words in held_by for words in OTHER), pitfall
    for case in cases:
        assert (HOME / "tests" / "cases" / case / "case.yaml").is_file(), case
    for test in tests:
        path, _, name = test.partition("::")
        assert f"def {name}(" in (HOME / path).read_text(encoding="utf-8") if name else (HOME / path).is_file(), test
    assert {name.strip() for name in mutants} <= set(MUTANTS)
    assert set(audits) <= set(AUDITS)
