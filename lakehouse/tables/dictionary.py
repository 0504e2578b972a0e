"""The data dictionary, from the declarations: `python -m lakehouse.tables.dictionary` writes docs/data-dictionary.md."""

from __future__ import annotations

from pathlib import Path

from lakehouse.model import Rule, Table
from lakehouse.tables import ALL

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "data-dictionary.md"
HEAD = """# Data dictionary

Written from the declarations in `lakehouse/tables`; do not edit. `make docs` writes it again, a test holds it current.
Instants are UTC; `_local` columns are the plant's wall clock; `_ratio` is 0 to 1. Each silver table has a `_quarantine` beside it.
"""


def page() -> str:
    """Return the whole page as Markdown."""
    return HEAD + "".join(_section(table) for table in ALL)


def _section(table: Table) -> str:
    lines = [f"\n## {table.schema_name}\n", f"{table.row}\n", _how(table)]
    lines += ["| column | type | meaning |", "|---|---|---|"]
    lines += [f"| `{c.name}`{' *' if c.required else ''} | {_cell(c.type)} | {_cell(c.meaning)} |" for c in table.columns]
    if table.rules:
        lines += ["", "| rule | a good row |", "|---|---|", *(_rule(rule) for rule in table.rules)]
    return "\n".join(lines) + "\n"


def _how(table: Table) -> str:
    fresh = f" Fresh within {table.fresh_within_s} s." if table.fresh_within_s else ""
    return f"Key: {', '.join(table.key)}. Written by: {table.writer} ({table.write}).{fresh} `*` is never NULL.\n"


def _rule(rule: Rule) -> str:
    return f"| `{rule.name}` | {_cell(rule.meaning)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
