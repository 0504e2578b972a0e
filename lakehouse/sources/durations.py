"""Durations as people write them, to exact hours."""

from __future__ import annotations

import re
from decimal import Decimal

DECIMAL_HOURS = re.compile(r"^\d{1,6}(\.\d{1,6})?$")


def hours(text: str | None) -> Decimal | None:
    """Return decimal hours, exact; None for a text that is not one (or absent)."""
    found = DECIMAL_HOURS.match(text.strip()) if text is not None else None
    return Decimal(found[0]) if found else None
