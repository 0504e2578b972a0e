"""The vocabulary of declarations: Table, Column, Rule. Frozen data, no engine.

A declaration says what one row of a table is. Spark schema, Iceberg DDL, quarantine, audits,
the data dictionary and synthetic rows are derived from it elsewhere; nothing is written twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Write = Literal["append", "merge"]
Cells = Mapping[str, object]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: lower case, unit last (`_s`, `_celsius`, `_ratio`, `_count`), instants `_at` in UTC.
        type: a Spark SQL type, e.g. `decimal(18,6)` or `array<string>`.
        meaning: one sentence for the process engineer; becomes the catalog's comment.
        required: NULL is a defect when true.
        formerly: the earlier name, when the column was renamed.
    """

    name: str
    type: str
    meaning: str
    required: bool = False
    formerly: str = ""


@dataclass(frozen=True)
class Rule:
    """A row that breaks this goes to quarantine under the rule's name, never away.

    Attributes:
        name: what the quarantine shows, e.g. `timestamp_format`.
        holds: Spark SQL condition over the candidate row that is true for a good row (NULL counts as broken).
        meaning: one sentence.
        good: column values of a row that passes.
        bad: column values of a row that is refused.
    """

    name: str
    holds: str
    meaning: str
    good: Cells
    bad: Cells


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        layer: the schema: bronze, silver, gold or ops.
        name: singular noun of one row, grain last.
        row: what one row is.
        key: columns that identify a row.
        columns: in order.
        write: `append` (rows never change) or `merge` (rows are replaced by key).
        writer: the one process that writes it.
        partition: Iceberg partition expressions, e.g. `days(landed_at)`.
        sort: columns that files are sorted by.
        fresh_within_s: promised age of the newest row while its source speaks, None if none.
        rules: row rules of a silver table.
    """

    layer: str
    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    write: Write
    writer: str
    partition: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    fresh_within_s: int | None = None
    rules: tuple[Rule, ...] = field(default=())

    @property
    def schema_name(self) -> str:
        """`layer.name`, the name in Trino's `lake` catalog."""
        return f"{self.layer}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in declared order."""
        return tuple(column.name for column in self.columns)

    def at(self, branch: str) -> str:
        """Return Spark's name of this table on a Nessie branch."""
        return f"lake.{self.layer}.`{self.name}@{branch}`"

    @property
    def on_main(self) -> str:
        """Spark's name of this table on main."""
        return f"lake.{self.layer}.{self.name}"


def quarantine_of(table: Table) -> Table:
    """Return the table beside `table` that holds its refused rows with the rule's name."""
    columns = (
        Column("rule", "string", "Name of the first rule that the row broke.", required=True),
        Column("broken_rules", "array<string>", "All rules that the row broke.", required=True),
        Column("site_id", "string", "Site the row was sent for, where it could be read."),
        Column("machine_id", "string", "Machine the row was sent for, where it could be read."),
        Column("raw", "string", "The payload as it came, as text (undecodable bytes as hex)."),
        Column("origin", "string", "Where it came from: topic/partition/offset or file/sheet/row.", required=True),
        Column("quarantined_at", "timestamp", "When conform refused it (UTC).", required=True),
    )
    return Table(
        layer=table.layer,
        name=f"{table.name}_quarantine",
        row=f"One row refused by a rule of {table.schema_name}.",
        key=("origin",),
        columns=columns,
        write="append",
        writer=table.writer,
        partition=("days(quarantined_at)",),
    )
