"""A declaration's Spark schema, and rows made to it."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import StructField, StructType, _parse_datatype_string

from lakehouse.model import Table


def struct_of(table: Table) -> StructType:
    """Return the Spark schema of a table; every column nullable, as Iceberg's optional columns are."""
    return StructType([StructField(column.name, _parse_datatype_string(column.type), True) for column in table.columns])


def shaped(rows: DataFrame, table: Table) -> DataFrame:
    """Return exactly the table's columns, in order and typed; a missing column is an error of Spark's analysis."""
    return rows.select(*(F.col(column.name).cast(column.type).alias(column.name) for column in table.columns))
