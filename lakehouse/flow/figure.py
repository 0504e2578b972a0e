"""One figure of the example data sets, counted from the files, with the statement that asks the lakehouse for it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One figure: its name, what the files say, and the statement whose one value must be the same."""

    name: str
    counted: Decimal
    sql: str

    def agrees(self, answer: Any) -> bool:
        """Return whether the lakehouse's answer is the same number."""
        return answer is not None and Decimal(str(answer)) == self.counted
