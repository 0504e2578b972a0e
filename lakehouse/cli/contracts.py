"""`lakehouse contracts`: what files must look like, samples of them, and whether one does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from lakehouse.cli.console import out, print_json
from lakehouse.simulator import dumps
from lakehouse.sources import readers
from lakehouse.sources.contracts import BROKEN, AnyContract, ContractBreachError, Profile, WorkbookContract, load_sources

app = typer.Typer(help="The contracts of file sources: list, print, check a file, make a sample.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def list_contracts(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the sources of conf/sources.yaml: kind, silver table, and what the file is."""
    if context.invoked_subcommand is not None:
        return
    rows = [_row(source, contract) for source, contract in load_sources().files.items()]
    if as_json:
        print_json(rows)
        return
    widths = {heading: max(len(row[heading]) for row in rows) for heading in ("source", "kind", "silver")}
    for row in rows:
        named = "  ".join(row[heading].ljust(width) for heading, width in widths.items())
        out.print(f"{named}  {row['title']}", markup=False, soft_wrap=True)


def _row(source: str, contract: AnyContract) -> dict[str, str]:
    named = {"source": source, "kind": contract.kind, "bronze": contract.bronze}
    return {**named, "silver": contract.silver_name, "title": contract.title}


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Source, e.g. mes-plan-shift.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Print one contract as it was read, defaults left out; --json has them too.

    Example: lakehouse contracts show erp-warehouse
    """
    told = load_sources().contract(name).model_dump(mode="json", by_alias=True, exclude_defaults=not as_json)
    if as_json:
        print_json(told)
        return
    out.print(yaml.safe_dump({name: told}, sort_keys=False, allow_unicode=True, width=120), markup=False, soft_wrap=True, end="")


@app.command()
def sample(
    name: Annotated[str, typer.Argument(help="Source, e.g. mes-plan-shift.")],
    to: Annotated[Path, typer.Option("--out", help="The file to write.")],
    rows: Annotated[int | None, typer.Option(min=1, help="Rows of the file; as many as the example plant has, if not given.")] = None,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal bytes; files of one seed fit together.")] = 7,
) -> None:
    """Write a file of exactly the contract's shape, traps included.

    Example: lakehouse contracts sample mes-result --rows 100000 --out Results.csv
    """
    dumps.write(name, to, seed, rows)
    count = readers.check(to, load_sources().contract(name))
    out.print(f"{to}: {count} rows, {to.stat().st_size} bytes, seed {seed}", markup=False, soft_wrap=True)


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="Source whose contract counts.")],
    file: Annotated[Path, typer.Argument(help="The file.", exists=True, dir_okay=False)],
    site: Annotated[str, typer.Option(help="Site, which decides the layout of a workbook.")] = "demo",
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Read a file as landing would: count its rows, or print the first differences from the contract. Nothing is landed.

    Example: lakehouse contracts check mes-plan-shift PlansShiftWise.csv
    """
    contract = load_sources().contract(name)
    profile = contract.profile(site) if isinstance(contract, WorkbookContract) else None
    try:
        found = _counts(file, contract, profile)
    except ContractBreachError as breach:
        differences = [each.text() for each in breach.differences]
        print_json({"differences": differences}) if as_json else _list(differences)
        raise
    if as_json:
        print_json(found)
        return
    rules = "".join(f", {rule} {count}" for rule, count in found["broken"].items())
    out.print(f"{file}: {found['row_count']} rows, {found['broken_count']} broken{rules}", markup=False, soft_wrap=True)


def _list(differences: list[str]) -> None:
    for each in differences:
        out.print(f"- {each}", markup=False, soft_wrap=True)


def _counts(file: Path, contract: AnyContract, profile: Profile | None) -> dict[str, Any]:
    count = readers.check(file, contract, profile)
    rules: dict[str, int] = {}
    for table in readers.batches(file, contract, profile):
        for cells in table.column("cells").to_pylist():
            rule = dict(cells).get(BROKEN)
            if rule is not None:
                rules[rule] = rules.get(rule, 0) + 1
    return {"row_count": count, "broken_count": sum(rules.values()), "broken": dict(sorted(rules.items()))}
