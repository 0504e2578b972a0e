"""Every statement of docs/cookbook.md runs as the dashboards' user and answers with columns."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lakehouse.services.sql import run_sql
from lakehouse.settings import HOME, Settings

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("spark")]
PAGE = (HOME / "docs" / "cookbook.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"^## (\d+\. .+?)\n.*?```sql\n(.+?)```", PAGE, flags=re.MULTILINE | re.DOTALL)


def test_there_are_twenty_four() -> None:
    assert [int(title.split(".")[0]) for title, _ in QUESTIONS] == list(range(1, 25))


@pytest.mark.parametrize(("title", "statement"), QUESTIONS, ids=[title for title, _ in QUESTIONS])
def test_question(core: Settings, title: str, statement: str) -> None:
    answer: Any = run_sql(core, statement, "superset")
    assert answer.columns, title
