"""The declarations of the MES and ERP tables hold together; their rules are asked of a SQL engine that needs no start."""

from __future__ import annotations

import re

import duckdb
import pytest

from lakehouse.model import Rule, Table
from lakehouse.sources.contracts import load_sources
from lakehouse.sources.tables import file_tables
from lakehouse.tables.silver_mes import MES_TABLES

IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]{0,62}$")
TYPES = re.compile(r"^(string|int|bigint|boolean|date|timestamp|double|decimal\(\d+,\d+\)|timestamp_ntz|map<string,.+>)$")
UNITS = {"decimal(18,3)": ("_qty", "_percent")}
TABLES = (*MES_TABLES, *(table for table in file_tables(load_sources())[1] if table.name == "maintenance_intervention"))
RULES = [(table, rule) for table in TABLES for rule in table.rules]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_names_types_keys_and_meanings(table: Table) -> None:
    assert table.layer == "silver" and table.write == "merge" and table.partition == ("site_id",)
    assert IDENTIFIER.match(table.name) and table.row.endswith(".")
    assert len(set(table.column_names)) == len(table.column_names)
    required = {column.name for column in table.columns if column.required}
    assert {*table.key, "site_id", "source_ref", "landed_at"} <= required
    assert set(table.sort) <= set(table.column_names)
    for column in table.columns:
        assert IDENTIFIER.match(column.name) and column.meaning.endswith(".") and TYPES.match(column.type), column
        assert column.name.endswith("_at") == (column.type == "timestamp"), column
        assert column.name.endswith("_date") == (column.type == "date"), column
        assert column.name.startswith("is_") == (column.type == "boolean"), column
        assert column.name.endswith(UNITS.get(column.type, ("",))), column


@pytest.mark.parametrize(("table", "rule"), RULES, ids=lambda each: each.name)
def test_each_rule_passes_its_good_example_and_refuses_its_bad_one(table: Table, rule: Rule) -> None:
    types = {column.name: column.type.replace("string", "varchar") for column in table.columns}
    for example, verdict in ((rule.good, True), (rule.bad, False)):
        values = {**dict.fromkeys(types), "landed_at": "2026-11-20T05:00:00Z", **example}
        row = ", ".join(f"CAST(? AS {types[name]}) AS {name}" for name in values)
        found = duckdb.execute(f"SET TimeZone='UTC'; SELECT coalesce(({rule.holds}), false) FROM (SELECT {row})", list(values.values()))
        assert found.fetchone() == (verdict,), (table.name, rule.name, example)


def test_rule_names_are_distinct_in_a_table() -> None:
    for table in TABLES:
        assert len({rule.name for rule in table.rules}) == len(table.rules)
