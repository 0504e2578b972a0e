"""Rows of files to bronze: the envelope (file, key, sheet, row) and the cells as text, in bounded Arrow batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

BATCH_ROWS = 100_000
Row = tuple[int, dict[str, str]]

SCHEMA = pa.schema(
    [
        ("file_sha256", pa.string()),
        ("object_key", pa.string()),
        ("site_id", pa.string()),
        ("sheet", pa.string()),
        ("row_no", pa.int64()),
        ("cells", pa.map_(pa.string(), pa.string())),
        ("landed_at", pa.timestamp("us", tz="UTC")),
    ]
)


@dataclass(frozen=True)
class Envelope:
    """Where rows come from; `landed_at` (UTC) also orders the files of one run."""

    file_sha256: str
    object_key: str
    site_id: str
    sheet: str
    landed_at: datetime


def batch(rows: Iterable[tuple[Envelope, Row]]) -> pa.Table:
    """Return bronze rows as one Arrow table of `SCHEMA`."""
    records = [
        {
            "file_sha256": envelope.file_sha256,
            "object_key": envelope.object_key,
            "site_id": envelope.site_id,
            "sheet": envelope.sheet,
            "row_no": number,
            "cells": list(cells.items()),
            "landed_at": envelope.landed_at,
        }
        for envelope, (number, cells) in rows
    ]
    return pa.Table.from_pylist(records, schema=SCHEMA)


@dataclass
class BronzeWriter:
    """Appends rows of many files to one bronze table on a branch, at most `BATCH_ROWS` in memory.

    Attributes:
        write: takes one Arrow table of rows.
    """

    write: Callable[[pa.Table], None]
    _held: list[tuple[Envelope, Row]] = field(default_factory=list)

    def add(self, envelope: Envelope, rows: Iterable[Row]) -> int:
        """Take the rows of one file and return how many there were."""
        count = 0
        for row in rows:
            self._held.append((envelope, row))
            count += 1
            if len(self._held) >= BATCH_ROWS:
                self.flush()
        return count

    def flush(self) -> None:
        """Write what is held; call it once after the last file."""
        if self._held:
            self.write(batch(self._held))
            self._held.clear()

