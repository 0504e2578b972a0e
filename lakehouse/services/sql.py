"""One SQL statement on the stack's Trino."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import requests
import trino

from lakehouse.errors import TrinoUnreachableError
from lakehouse.settings import Settings


@dataclass(frozen=True)
class Answer:
    """Column names, and rows in the statement's order."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def run_sql(settings: Settings, sql: str, user: str = "engineer", values: Sequence[Any] = ()) -> Answer:
    """Run one statement with catalog `kpi`, schema `plant`, session zone UTC; `values` fill its question marks.

    Raises:
        TrinoUnreachableError: Trino does not answer, or refused the statement.
    """
    address = {"host": settings.host_of("trino"), "port": settings.port("trino"), "user": user}
    session = {"catalog": "kpi", "schema": "plant", "timezone": "UTC", "source": "lakehouse"}
    connection = trino.dbapi.connect(**address, **session, max_attempts=1)
    try:
        cursor = connection.cursor()
        cursor.execute(sql.strip().rstrip(";"), list(values) or None)
        rows = cursor.fetchall()
        return Answer([column[0] for column in cursor.description or ()], rows)
    except trino.exceptions.TrinoUserError as error:
        raise TrinoUnreachableError("query", error.message, "bin/lakehouse query --help") from error
    except (trino.exceptions.Error, requests.RequestException) as error:
        raise TrinoUnreachableError("query", f"{type(error).__name__}: {error}", "bin/lakehouse status") from error
    finally:
        connection.close()
