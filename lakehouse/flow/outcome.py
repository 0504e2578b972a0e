"""What a landing says of one object."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What became of one object.

    Attributes:
        status: landed, duplicate, rejected; or waiting, when it was left for a later run (not recorded).
        differences: first differences from the contract, or why it waits.
        row_count: rows landed.
    """

    object_key: str
    file_sha256: str
    status: str
    code: str = ""
    differences: tuple[str, ...] = ()
    row_count: int = 0

    def line(self) -> str:
        """Return it as one line for a person."""
        tail = f": {'; '.join(self.differences)}" if self.differences else ""
        return f"{self.status:9} {self.row_count:>8} rows  {self.object_key} {self.code}{tail}".rstrip()
