"""What a gold table's declaration promises, as a Great Expectations suite, checked on the rows of a publication before it is published.

The audits of `lakehouse.quality.audits` know what the numbers mean and run in every publication. These know only the declaration
(keys, required columns, no negative times and quantities, ratios from 0 to 1) and run where a publication is made by a job.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from pyspark.sql import DataFrame

from lakehouse.model import Column, Table
from lakehouse.quality.audits import AuditResult

SIGNED = frozenset({"difference_count"})
UP_TO_ONE = frozenset({"unknown_time_ratio"})


def suite_of(table: Table) -> Any:
    """Return the expectation suite of a declared table."""
    gx = _library()
    return gx.ExpectationSuite(name=table.schema_name, expectations=list(_expectations(gx.expectations, table)))


def _expectations(named: Any, table: Table) -> Iterator[Any]:
    yield named.ExpectCompoundColumnsToBeUnique(column_list=list(table.key), ignore_row_if="never")
    for column in table.columns:
        if column.required:
            yield named.ExpectColumnValuesToNotBeNull(column=column.name)
        if _is_amount(column):
            yield named.ExpectColumnValuesToBeBetween(column=column.name, min_value=0, max_value=1 if column.name in UP_TO_ONE else None)


def _is_amount(column: Column) -> bool:
    """Tell whether a column is a time, a quantity or a ratio, which is never negative."""
    numeric = column.type.startswith("decimal") or column.type in ("int", "bigint")
    return numeric and column.name not in SIGNED and column.name.endswith(("_s", "_count", "_qty", "_ratio"))


def expected(rows: DataFrame, table: Table) -> list[AuditResult]:
    """Validate rows of a table; return a result for each expectation that was broken, and one for all others together.

    Args:
        rows: rows about to be published.
        table: their declaration.
    """
    gx = _library()
    context = gx.get_context(mode="ephemeral")
    source = context.data_sources.add_spark(name="publication", persist=False)
    whole = source.add_dataframe_asset(name=table.name).add_batch_definition_whole_dataframe("rows")
    batch, suite = whole.get_batch({"dataframe": rows}), suite_of(table)
    told = batch.validate(suite, result_format="BOOLEAN_ONLY")
    broken = [] if told.success else _told(gx, batch, table, [each.expectation_config for each in told.results if not each.success])
    return [*broken, AuditResult(f"expectations_of_{table.name}", 0, "")]


def _told(gx: Any, batch: Any, table: Table, broken: list[Any]) -> list[AuditResult]:
    """Ask again for broken expectations only, with counts and examples: each of those costs a query of its own."""
    suite = gx.ExpectationSuite(name=table.schema_name, expectations=broken)
    return [_broken(each, table) for each in batch.validate(suite, result_format="BASIC").results]


def _broken(told: Any, table: Table) -> AuditResult:
    asked = told.expectation_config
    column = asked.kwargs.get("column") or "/".join(asked.kwargs.get("column_list", []))
    count = told.result.get("unexpected_count") or 1
    example = str(told.result.get("partial_unexpected_list") or told.exception_info)[:300]
    return AuditResult(f"{table.name}.{column}: {asked.type}", int(count), example)


def _library() -> Any:
    """Return Great Expectations, which is loaded by the jobs that use it only; it must not ask the network for anything."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    return gx
