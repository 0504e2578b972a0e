"""Declarations hold together, and everything that is derived from them is current."""

from __future__ import annotations

import re

import pytest
from pyspark.sql.types import _parse_datatype_string

from lakehouse.errors import SchemaDriftError
from lakehouse.model import Column, Table, quarantine_of
from lakehouse.spark.ddl import create_statement, evolution
from lakehouse.tables import ALL, SILVER
from lakehouse.tables.dictionary import PAGE, page

pytestmark = pytest.mark.usefixtures("spark")
IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]{0,62}$")


def test_the_data_dictionary_is_current() -> None:
    assert PAGE.read_text() == page(), "run: make docs"


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.schema_name)
def test_names_types_keys_and_meanings(table: Table) -> None:
    assert IDENTIFIER.match(table.name)
    assert len(set(table.column_names)) == len(table.column_names)
    assert set(table.key) <= set(table.column_names)
    for column in table.columns:
        assert IDENTIFIER.match(column.name)
        assert column.meaning.endswith("."), f"{table.name}.{column.name} has no sentence"
        assert _parse_datatype_string(column.type) is not None


@pytest.mark.parametrize("rule", [(t, r) for t in SILVER for r in t.rules], ids=lambda pair: f"{pair[0].name}.{pair[1].name}")
def test_each_rule_has_a_good_and_a_bad_example_of_known_columns(rule: tuple[Table, object]) -> None:
    table, declared = rule
    for example in (declared.good, declared.bad):  # type: ignore[attr-defined]
        assert example and set(example) <= set(table.column_names)


TABLE = Table(
    "silver", "thing", "One thing.", ("id",), (Column("id", "string", "Id."), Column("size_mm", "bigint", "Size.", formerly="size")), "append", "test"
)


def test_evolution_adds_widens_and_renames() -> None:
    assert evolution(TABLE, {"id": "string", "size_mm": "bigint"}) == []
    assert evolution(TABLE, {"id": "string"}) == ["ALTER TABLE lake.silver.thing ADD COLUMN `size_mm` bigint COMMENT 'Size.'"]
    assert evolution(TABLE, {"id": "string", "size_mm": "int"}) == ["ALTER TABLE lake.silver.thing ALTER COLUMN `size_mm` TYPE bigint"]
    assert evolution(TABLE, {"id": "string", "size": "bigint"}) == ["ALTER TABLE lake.silver.thing RENAME COLUMN `size` TO `size_mm`"]


@pytest.mark.parametrize("found", [{"id": "bigint", "size_mm": "bigint"}, {"id": "string", "size_mm": "bigint", "more": "string"}])
def test_any_other_difference_is_refused_with_both_sides(found: dict[str, str]) -> None:
    with pytest.raises(SchemaDriftError, match=r"declared: id string.*catalog: "):
        evolution(TABLE, found)


def test_create_statement_carries_comments_and_partitions() -> None:
    statement = create_statement(quarantine_of(SILVER[0]))
    assert "PARTITIONED BY (days(quarantined_at))" in statement
    assert "COMMENT 'Name of the first rule that the row broke.'" in statement
