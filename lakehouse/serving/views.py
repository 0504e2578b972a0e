"""The kpi views: folders of `lakehouse/serving/kpi` to views in Trino, every one and every column with its meaning.

A folder has `query.sql` (one SELECT), `kpi.yaml` (columns with type and meaning) and `checks.sql` (each row it answers is a failure).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import trino
import yaml

from lakehouse.errors import AuditFailedError, TrinoUnreachableError
from lakehouse.serving.view_comments import ViewComments
from lakehouse.settings import Settings

KPI = Path(__file__).resolve().parent / "kpi"
SCHEMA = "kpi.plant"
PUBLISHER = "publisher"
READER = "superset"
AT_ONCE = 4
"""Views made side by side."""
Ask = Callable[[str], Sequence[Sequence[Any]]]


@dataclass(frozen=True)
class KpiColumn:
    """One column of a view: name, Trino type, meaning."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class KpiView:
    """One folder.

    Attributes:
        query: one SELECT in Trino's dialect, with its five-line head.
        checks: one SELECT whose rows are failures.
        grain: columns that identify a row.
    """

    name: str
    description: str
    query: str
    checks: str
    grain: tuple[str, ...]
    columns: tuple[KpiColumn, ...]


def read_views(folder: Path = KPI) -> list[KpiView]:
    """Read all views, in order of name."""
    return [_read(each) for each in sorted(folder.iterdir()) if (each / "query.sql").is_file()]


def _read(folder: Path) -> KpiView:
    declared = yaml.safe_load((folder / "kpi.yaml").read_text(encoding="utf-8"))
    return KpiView(
        name=folder.name,
        description=declared["description"],
        query=(folder / "query.sql").read_text(encoding="utf-8").strip(),
        checks=(folder / "checks.sql").read_text(encoding="utf-8").strip(),
        grain=tuple(declared["grain"]),
        columns=tuple(KpiColumn(**column) for column in declared["columns"]),
    )


def statement(view: KpiView) -> str:
    """Return the SQL that makes a view, or replaces it, with its comment."""
    return f"CREATE OR REPLACE VIEW {SCHEMA}.{view.name} COMMENT {_quoted(view.description)} SECURITY INVOKER AS\n{view.query}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def publish_views(settings: Settings, folder: Path = KPI) -> list[str]:
    """Make all views as `publisher`, drop those that no folder declares, and audit them; return their names.

    Raises:
        TrinoUnreachableError: Trino does not answer, or refused a statement.
        CatalogUnreachableError: the catalog does not answer, or refused the comments.
        AuditFailedError: a view has other columns than its kpi.yaml, the schema holds a table, or a view cannot be read by the dashboards' user.
    """
    views = read_views(folder)
    publisher, reader = _asker(settings, PUBLISHER), _asker(settings, READER)
    comments = ViewComments(settings.nessie_iceberg, SCHEMA.split(".")[1])
    publisher(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda view: _create(view, publisher, comments), views))
    for name in sorted(_names(publisher, "VIEW") - {view.name for view in views}):
        publisher(f'DROP VIEW {SCHEMA}."{name}"')
    audit_views(views, publisher, reader)
    return [view.name for view in views]


def _create(view: KpiView, publisher: Ask, comments: ViewComments) -> None:
    try:
        publisher(statement(view))
    except TrinoUnreachableError as error:
        raise TrinoUnreachableError(f"view {view.name}", error.cause, error.next_command) from error
    comments.write(view.name, {column.name: column.description for column in view.columns})


def audit_views(views: Sequence[KpiView], publisher: Ask, reader: Ask) -> None:
    """Check that the schema holds these views and no table, and that the dashboards' user can read each.

    Raises:
        AuditFailedError: it does not.
    """
    tables = sorted(_names(publisher, "TABLE"))
    if tables:
        raise AuditFailedError(SCHEMA, f"it holds views only, but has the tables {', '.join(tables)}", "bin/lakehouse query 'SHOW TABLES'")
    refused = []
    for view in views:
        try:
            reader(f"TABLE {SCHEMA}.{view.name} LIMIT 1")
        except TrinoUnreachableError as error:
            refused.append(f"{view.name} ({error.cause})")
    if refused:
        raise AuditFailedError(SCHEMA, f"user {READER} cannot read {', '.join(refused)}", "bin/lakehouse status")


def _names(ask: Ask, kind: str) -> set[str]:
    """Return the schema's views, or what is no view. Its own listing tells them apart; information_schema does not list all."""
    views = {row[0] for row in ask("SELECT table_name FROM kpi.information_schema.views WHERE table_schema = 'plant'")}
    if kind == "VIEW":
        return views
    return {row[0] for row in ask(f"SHOW TABLES FROM {SCHEMA}")} - views


def _asker(settings: Settings, user: str) -> Ask:
    def ask(sql: str) -> Sequence[Sequence[Any]]:
        session = {"user": user, "timezone": "UTC", "source": "lakehouse"}
        connection = trino.dbapi.connect(host=settings.host_of("trino"), port=settings.port("trino"), max_attempts=1, **session)
        try:
            cursor = connection.cursor()
            cursor.execute(sql)
            rows: Sequence[Sequence[Any]] = cursor.fetchall()
        except trino.exceptions.TrinoUserError as error:
            raise TrinoUnreachableError("kpi views", str(error.message), "bin/lakehouse status") from error
        except (trino.exceptions.Error, requests.RequestException) as error:
            raise TrinoUnreachableError("kpi views", f"{type(error).__name__}: {error}", "bin/lakehouse up") from error
        finally:
            connection.close()
        return rows

    return ask
