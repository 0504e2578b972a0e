"""Rows of files to bronze: the envelope (file, key, sheet, row) and the cells as text, in bounded Arrow batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

BATCH_ROWS = 100_000

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


def enveloped(rows: pa.Table, envelope: Envelope) -> pa.Table:
    """Return rows of one file as bronze rows.

    Args:
        rows: row_no int64 and cells map<string,string>.
        envelope: where they come from.
    """
    said = {
        "file_sha256": envelope.file_sha256,
        "object_key": envelope.object_key,
        "site_id": envelope.site_id,
        "sheet": envelope.sheet,
        "landed_at": envelope.landed_at,
    }
    columns = {name: pa.repeat(pa.scalar(value, SCHEMA.field(name).type), rows.num_rows) for name, value in said.items()}
    return pa.table([rows.column(name) if name in rows.column_names else columns[name] for name in SCHEMA.names], schema=SCHEMA)


@dataclass
class BronzeWriter:
    """Appends rows of many files to one bronze table on a branch, at most `BATCH_ROWS` and one batch of a reader in memory.

    Attributes:
        write: takes one Arrow table of bronze rows.
    """

    write: Callable[[pa.Table], None]
    _held: list[pa.Table] = field(default_factory=list)

    def add(self, envelope: Envelope, batches: Iterable[pa.Table]) -> int:
        """Take the rows of one file, as its reader gives them, and return how many there were."""
        count = 0
        for rows in batches:
            self._held.append(enveloped(rows, envelope))
            count += rows.num_rows
            if sum(each.num_rows for each in self._held) >= BATCH_ROWS:
                self.flush()
        return count

    def flush(self) -> None:
        """Write what is held; call it once after the last file."""
        if self._held:
            self.write(pa.concat_tables(self._held))
            self._held.clear()
