"""What every job does around its work: one line of JSON a log event, and one line for an error, never only a stack trace."""

from __future__ import annotations

import sys
from collections.abc import Callable

from lakehouse import logs
from lakehouse.errors import CatalogUnreachableError, LakehouseError, StoreUnreachableError

_STORE = ("software.amazon.awssdk", "S3Exception", "SdkClientException")
_CATALOG = ("org.projectnessie", "NessieServiceException", "HttpClientException")


def _told(error: Exception) -> LakehouseError | None:
    """Return the error as a person should read it; None when its cause is not known."""
    text = f"{type(error).__name__} {error}"
    if any(mark in text for mark in _CATALOG):
        return CatalogUnreachableError("Nessie", text[:300], "bin/lakehouse status")
    if any(mark in text for mark in _STORE):
        return StoreUnreachableError("object store", text[:300], "bin/lakehouse status")
    return None


def run(work: Callable[[], str]) -> int:
    """Run a job's work and return the exit status; the last line printed is its summary, or the error's one line."""
    logs.configure()
    try:
        summary = work()
    except LakehouseError as error:
        print(error.line(), file=sys.stderr)  # noqa: T201
        return error.exit_code
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        print(told.line(), file=sys.stderr)  # noqa: T201
        return told.exit_code
    print(summary)  # noqa: T201
    return 0
