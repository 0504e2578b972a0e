"""Rows of gold on their way to a branch: audited first, written only when nothing is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pyspark.sql import DataFrame

from lakehouse.errors import AuditFailedError
from lakehouse.model import Table
from lakehouse.nessie import Nessie
from lakehouse.quality.audits import AuditResult, key_audit
from lakehouse.quality.rules import persisted
from lakehouse.spark.write import replace_touched

Expects = Callable[[DataFrame, Table], list[AuditResult]]


@dataclass
class Audits:
    """What was audited of one publication.

    Attributes:
        nessie: the catalog's client.
        branch: where the publication is written.
        subject: what is published, for the error.
        kept_as: name of the branch that keeps a refused publication for inspection; one of an earlier try is replaced.
        expects: further audits of the rows of a table.
        results: by name of the audit.
    """

    nessie: Nessie
    branch: str
    subject: str
    kept_as: str
    expects: Expects | None = None
    results: dict[str, AuditResult] = field(default_factory=dict)

    def check(self, found: Iterable[AuditResult]) -> None:
        """Take note of audits.

        Raises:
            AuditFailedError: one of them is broken; a branch keeps what was written so far.
        """
        results = list(found)
        broken = [each for each in results if each.violation_count]
        if broken:
            self.nessie.discard(self.kept_as)
            self.nessie.create(self.kept_as, self.nessie.get(self.branch))
            first = broken[0]
            cause = f"audit {first.audit} found {first.violation_count} violations, e.g. {first.example}; branch {self.kept_as} keeps them"
            raise AuditFailedError(self.subject, cause, "bin/lakehouse status")
        self.results.update({each.audit: each for each in results})

    def expected(self, rows: DataFrame, table: Table) -> list[AuditResult]:
        """Return the further audits of the rows of a table."""
        return self.expects(rows, table) if self.expects else []

    def replace(self, rows: DataFrame, table: Table, touched: str) -> None:
        """Audit the new content of the touched part of a table and write it.

        Args:
            rows: the new content.
            table: where to.
            touched: SQL condition over the table, named `t`.

        Raises:
            AuditFailedError: a key comes twice, or a further audit is broken.
        """
        with persisted(rows) as kept:
            self.check([key_audit(kept, table), *self.expected(kept, table)])
            replace_touched(kept, table, self.branch, touched)
