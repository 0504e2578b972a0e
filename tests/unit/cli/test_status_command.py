"""What the status screen says of each source's age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rich.table import Table

from lakehouse.cli.status import _freshness
from lakehouse.services.state import HEALTH_SQL, StackStatus

ASKED = [name.strip() for name in HEALTH_SQL.partition("from")[0].replace("select", "").split(",")]
NOW = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age_s", "event_age_s", "allowed_s", "is_event", "said"),
    [
        (75, 75, 80, False, "[green]75 s ago[/]"),
        (81, 81, 80, False, "[yellow]81 s ago, late[/]"),
        (900, 900, 80, True, "[dim]900 s ago, events[/]"),
        (900, 86_401, 80, False, "[dim]900 s ago, silent[/]"),
        (900, 900, None, True, "[dim]900 s ago[/]"),
        (None, None, 80, False, ""),
    ],
)
def test_an_age_has_the_colour_and_the_word_of_its_verdict(
    age_s: int | None, event_age_s: int | None, allowed_s: int | None, is_event: bool, said: str
) -> None:
    event, landed = (None if age is None else NOW - timedelta(seconds=age) for age in (event_age_s, age_s))
    row = {
        "site_id": "demo", "silver_table": "thing", "newest_event_at": event, "newest_landed_at": landed, "kept_count": 1, "quarantined_count": 0,
        "promised_within_s": None if allowed_s is None else 20, "allowed_s": allowed_s, "is_event": is_event,
    }  # fmt: skip
    answer = {name: row.get(name) for name in ASKED}
    shown = _freshness(StackStatus("test", [], 0, {}, freshness=[answer]), NOW)
    assert isinstance(shown, Table)
    assert list(shown.columns[3].cells) == [said]
