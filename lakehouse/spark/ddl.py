"""Iceberg DDL from declarations: create what is missing, evolve what may, refuse what differs otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import SparkSession
from pyspark.sql.types import _parse_datatype_string

from lakehouse.errors import SchemaDriftError
from lakehouse.model import Column, Table

AT_ONCE = 4
"""Tables made side by side: what one costs is waiting for the store and the catalog."""
WIDENINGS = frozenset({("int", "bigint"), ("float", "double")})
PROPERTIES: dict[str, str] = {
    "format-version": "2",
    "write.parquet.compression-codec": "zstd",
    "write.distribution-mode": "none",
    "write.spark.fanout.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    "commit.retry.num-retries": "20",
}


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def create_statement(table: Table) -> str:
    """Return CREATE TABLE IF NOT EXISTS for a declaration, comments included."""
    columns = ",\n  ".join(f"`{c.name}` {c.type} COMMENT {_quoted(c.meaning)}" for c in table.columns)
    properties = ", ".join(f"'{key}'='{value}'" for key, value in PROPERTIES.items())
    partition = f"PARTITIONED BY ({', '.join(table.partition)})\n" if table.partition else ""
    return (
        f"CREATE TABLE IF NOT EXISTS {table.on_main} (\n  {columns}\n) USING iceberg\n{partition}"
        f"COMMENT {_quoted(table.row)}\nTBLPROPERTIES ({properties})"
    )


def _type_name(declared: str) -> str:
    return str(_parse_datatype_string(declared).simpleString())


def evolution(table: Table, found: dict[str, str]) -> list[str]:
    """Return the ALTER statements that bring a catalog table to its declaration.

    Args:
        table: the declaration.
        found: column name to Spark type name, as the catalog has it.

    Raises:
        SchemaDriftError: the difference is neither an added, a widened nor a renamed column; both sides are shown.
    """
    statements: list[str] = []
    left = dict(found)
    for column in table.columns:
        statements += _column_evolution(table, column, left)
    if left:
        raise _drift(table, f"the catalog also has {', '.join(sorted(left))}", found)
    return statements


def _column_evolution(table: Table, column: Column, left: dict[str, str]) -> list[str]:
    wanted = _type_name(column.type)
    if column.name in left:
        actual = left.pop(column.name)
        if actual == wanted:
            return []
        if (actual, wanted) in WIDENINGS:
            return [f"ALTER TABLE {table.on_main} ALTER COLUMN `{column.name}` TYPE {column.type}"]
        raise _drift(table, f"{column.name} is declared {wanted}, the catalog has {actual}", left)
    if column.formerly and column.formerly in left:
        left.pop(column.formerly)
        return [f"ALTER TABLE {table.on_main} RENAME COLUMN `{column.formerly}` TO `{column.name}`"]
    return [f"ALTER TABLE {table.on_main} ADD COLUMN `{column.name}` {column.type} COMMENT {_quoted(column.meaning)}"]


def _drift(table: Table, cause: str, found: dict[str, str]) -> SchemaDriftError:
    declared = ", ".join(f"{c.name} {_type_name(c.type)}" for c in table.columns)
    catalog = ", ".join(f"{name} {kind}" for name, kind in found.items())
    return SchemaDriftError(table.schema_name, f"{cause}; declared: {declared}; catalog: {catalog}", "set formerly= or migrate the table by hand")


def ensure_tables(spark: SparkSession, tables: Iterable[Table]) -> list[str]:
    """Create or evolve all tables on main and return the statements that changed something.

    Raises:
        SchemaDriftError: a table differs in a way that is refused.
    """
    wanted = list(tables)
    layers = sorted({table.layer for table in wanted})
    for layer in layers:
        spark.sql(f"CREATE NAMESPACE IF NOT EXISTS lake.{layer}")
    existing = {f"{layer}.{row.tableName}" for layer in layers for row in spark.sql(f"SHOW TABLES IN lake.{layer}").collect()}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = list(pool.map(lambda table: _ensure(spark, table, is_there=table.schema_name in existing), wanted))
    return [statement for statements in made for statement in statements]


def _ensure(spark: SparkSession, table: Table, *, is_there: bool) -> list[str]:
    statements = evolution(table, dict(spark.table(table.on_main).dtypes)) if is_there else [create_statement(table)]
    for statement in statements:
        spark.sql(statement)
    return statements
