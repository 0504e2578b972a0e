"""The tables that file contracts speak of: declared ones by name, and those that a contract declares itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lakehouse.model import Column, Rule, Table, quarantine_of
from lakehouse.sources import fields
from lakehouse.sources.formats import Contract
from lakehouse.tables import ALL, bronze, silver
from lakehouse.tables.silver_mes import LANDED, MES_TABLES, SITE, SOURCE_REF

if TYPE_CHECKING:
    from lakehouse.sources.contracts import AnyContract, Sources

DECLARED = {table.name: table for table in (*silver.FILE_TABLES, *MES_TABLES)}
BRONZE = {table.name: table for table in bronze.FILE_TABLES}
ADDED = frozenset({"site_id", "source_ref", "landed_at", "row_key"})
DERIVED = {"confirmation": frozenset({"confirmation_key", "total_qty", "scrap_by_reason", "is_idle", "is_rework"})}
"""Columns that conforming fills from several cells, by silver table."""


def declared_table(contract: Contract) -> Table:
    """Return the silver table of a contract: the one that it declares, or the declared one that it names.

    Raises:
        KeyError: it names a table that is not declared; contracts that were loaded name none.
    """
    if contract.table is None:
        return DECLARED[contract.silver_name]
    own = contract.table
    columns = tuple(Column(name, each.type, each.meaning, required=each.required or name in own.key) for name, each in own.columns.items())
    return Table(
        layer="silver",
        name=own.name,
        row=own.row,
        key=("site_id", *own.key),
        columns=(SITE, *columns, SOURCE_REF, LANDED),
        write="merge",
        writer=bronze.FILES,
        partition=("site_id",),
        rules=tuple(Rule(each.name, each.holds, each.meaning, each.good, each.bad) for each in own.rules),
    )


def bronze_table(contract: Contract) -> Table:
    """Return the bronze table of a contract, declared by name or by the contract's title."""
    return BRONZE.get(contract.bronze) or bronze.cell_table(contract.bronze, contract.title)


def readings(contract: Contract) -> dict[str, fields.Reading]:
    """Return silver column to its reading, layouts filled in, in the order of the silver table."""
    return fields.resolved(contract.fields, declared_table(contract))


def derived_columns(table: Table) -> frozenset[str]:
    """Return the columns that no field fills: the envelope's, `row_key`, and those that the table's own conform makes."""
    return ADDED | DERIVED.get(table.name, frozenset())


def file_tables(sources: Sources) -> tuple[tuple[Table, ...], tuple[Table, ...]]:
    """Return all bronze and all silver tables of the file sources, each once, those declared in code first."""
    made = sources.files.values()
    bronze_tables = {**BRONZE, **{each.bronze: bronze_table(each) for each in made}}
    silver_tables = {**DECLARED, **{each.silver_name: declared_table(each) for each in made}}
    return tuple(bronze_tables.values()), tuple(silver_tables.values())


def all_tables(sources: Sources) -> tuple[Table, ...]:
    """Return every table of an installation: the declared ones, and those that contracts bring, quarantine included."""
    bronze_tables, silver_tables = file_tables(sources)
    own = [table for table in silver_tables if table.name not in DECLARED]
    found = (*ALL, *bronze_tables, *own, *(quarantine_of(table) for table in own))
    return tuple({table.schema_name: table for table in found}.values())


def faults(contracts: Mapping[str, AnyContract]) -> list[str]:
    """Return what does not hold together between contracts and their tables, each sentence with its source's name."""
    found: list[str] = []
    owners: dict[str, Any] = {}
    for source, contract in contracts.items():
        found += [f"{source}: {fault}" for fault in [*_table_faults(contract), *_twice(source, contract, owners)]]
    return found


def _table_faults(contract: Contract) -> list[str]:
    if contract.table is None and contract.silver_name not in DECLARED:
        return [f"no silver table {contract.silver_name} is declared; there are {', '.join(sorted(DECLARED))}"]
    if contract.table is not None and contract.table.name in DECLARED:
        return [f"silver.{contract.table.name} is declared already: name it with silver"]
    table = declared_table(contract)
    if getattr(contract, "has_confirmations", False):
        return [] if table == silver.CONFIRMATION else [f"its layouts are of confirmations, silver.{table.name} is not"]
    if table == silver.PRODUCTION_EVENT and not contract.fields:
        return [] if getattr(contract, "timestamp_layouts", ()) else ["silver.production_event needs timestamp_layouts, or fields"]
    return fields.faults(contract.fields, table, derived_columns(table))


def _twice(source: str, contract: Contract, owners: dict[str, Any]) -> list[str]:
    """A bronze table takes rows of one source; a declared table is declared once."""
    names = [f"bronze.{contract.bronze}", *([f"silver.{contract.table.name}"] if contract.table else [])]
    found = [f"{name} belongs to {owners[name]}" for name in names if name in owners]
    owners.update(dict.fromkeys(names, source))
    return found
