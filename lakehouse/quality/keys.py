"""Joins by a key that is one: a table whose key comes twice would multiply the rows that it is joined to."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.errors import KeyNotUniqueError
from lakehouse.model import Table


def unique_on(rows: DataFrame, table: Table, key: Sequence[str] = ()) -> DataFrame:
    """Return the rows as they are, when each has a key of its own.

    Args:
        rows: rows of a table, to be joined by `key`.
        table: the table, for the error.
        key: columns; the table's own key where none are given.

    Raises:
        KeyNotUniqueError: a key comes more than once; the join would fan out.
    """
    columns = list(key or table.key)
    repeated = rows.groupBy(*columns).agg(F.count("*").alias("rows")).where("rows > 1")
    found = repeated.orderBy(F.desc("rows"), *columns).limit(1).collect()
    if found:
        shown = ", ".join(f"{name} {found[0][name]}" for name in columns)
        cause = f"{', '.join(columns)} is not unique: {shown} has {found[0]['rows']} rows; a join would count the other side's rows so often"
        raise KeyNotUniqueError(table.schema_name, cause, "join by its key, or aggregate it to one row first")
    return rows
