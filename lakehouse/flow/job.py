"""What every job does around its work: one line of JSON a log event, and one line for an error, never only a stack trace."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from lakehouse import logs
from lakehouse.errors import CatalogUnreachableError, KafkaUnreachableError, LakehouseError, StoreUnreachableError

_MARKS: tuple[tuple[type[LakehouseError], str, tuple[str, ...]], ...] = (
    (CatalogUnreachableError, "Nessie", ("org.projectnessie", "NessieServiceException", "HttpClientException")),
    (StoreUnreachableError, "object store", ("software.amazon.awssdk", "S3Exception", "SdkClientException")),
    (KafkaUnreachableError, "broker", ("org.apache.kafka.common.errors.TimeoutException", "kafka.errors.Kafka")),
)


def told(error: Exception) -> LakehouseError:
    """Return an error as a person should read it: what an engine says of a service is that service's; one that nobody foresaw is E_INTERNAL."""
    if isinstance(error, LakehouseError):
        return error
    text = f"{type(error).__module__}.{type(error).__name__} {error}"
    for kind, subject, marks in _MARKS:
        if any(mark in text for mark in marks):
            return kind(subject, text[:300], "bin/lakehouse status")
    return LakehouseError(type(error).__name__, str(error)[:300] or "it says no more", "read the trace above this line")


def tell(error: Exception) -> LakehouseError:
    """Return the error as `told` does; the trace of one that nobody foresaw is written to standard error first."""
    seen = told(error)
    if type(seen) is LakehouseError:
        traceback.print_exception(error, file=sys.stderr)
    return seen


def run(work: Callable[[], str]) -> int:
    """Run a job's work and return the exit status; the last line printed is its summary, or the error's one line."""
    logs.configure()
    try:
        summary = work()
    except Exception as error:
        seen = tell(error)
        print(seen.line(), file=sys.stderr)  # noqa: T201
        return seen.exit_code
    print(summary)  # noqa: T201
    return 0
