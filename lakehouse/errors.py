"""One root error. Every cause has a stable code, the object it concerns, a sentence, and the next command.

The command line and the jobs print exactly one line of it and end with the code's exit status.
"""

from __future__ import annotations

from typing import ClassVar


class LakehouseError(Exception):
    """What can be told to a person: code, object, cause, next command.

    Attributes:
        code: stable identifier, `E_…`, listed in docs/errors.md.
        exit_code: process exit status for this cause, 2 to 125.
        remedy: what to do next, as docs/errors.md says it; the line of one error may name a nearer command.
    """

    code: ClassVar[str] = "E_INTERNAL"
    exit_code: ClassVar[int] = 70
    remedy: ClassVar[str] = "Read the trace above the line; when it is not clear from there, report both."

    def __init__(self, subject: str, cause: str, next_command: str = "") -> None:
        """Keep the object (`subject`), why (`cause`) and what to type next."""
        self.subject = subject
        self.cause = cause
        self.next_command = next_command
        super().__init__(self.line())

    def line(self) -> str:
        """Return the one line that a person reads."""
        tail = f" | next: {self.next_command}" if self.next_command else ""
        return f"{self.code} {self.subject}: {self.cause}{tail}".replace("\n", " ")


class SettingsError(LakehouseError):
    """A setting is missing, malformed, or a known default secret."""

    code = "E_SETTINGS"
    exit_code = 2
    remedy = "Set the variable named in the line (`LAKEHOUSE_<NAME>`), or `bin/lakehouse up` to generate the secrets of a new stack."


class RequirementError(LakehouseError):
    """Something this machine must have is absent."""

    code = "E_REQUIREMENT"
    exit_code = 3
    remedy = "`bin/lakehouse doctor` lists each missing thing with the command that brings it."


class PlantModelError(LakehouseError):
    """The plant model in conf/plant does not hold together."""

    code = "E_PLANT_MODEL"
    exit_code = 4
    remedy = "Correct the file and line named in conf/plant, then repeat the command."


class ContractError(LakehouseError):
    """A file or message breaks its source contract as a whole."""

    code = "E_CONTRACT"
    exit_code = 5
    remedy = "Correct the file, or the contract in conf/sources.yaml when the source has changed; the file stays in landing until then."


class SchemaDriftError(LakehouseError):
    """A table in the catalog differs from its declaration in a way that cannot be evolved."""

    code = "E_SCHEMA_DRIFT"
    exit_code = 6
    remedy = "Bring the declaration in lakehouse/tables back to what the table has, or declare the change as an evolution (`formerly=`)."


class KafkaUnreachableError(LakehouseError):
    """The broker does not answer."""

    code = "E_KAFKA_UNREACHABLE"
    exit_code = 10
    remedy = "`bin/lakehouse status`, then `bin/lakehouse up`; the broker's log is in the stack's logs folder."


class StoreUnreachableError(LakehouseError):
    """The object store does not answer."""

    code = "E_S3_UNREACHABLE"
    exit_code = 11
    remedy = "`bin/lakehouse status`, then `bin/lakehouse up`; the store's log is in the stack's logs folder."


class CatalogUnreachableError(LakehouseError):
    """The catalog does not answer."""

    code = "E_CATALOG_UNREACHABLE"
    exit_code = 12
    remedy = "`bin/lakehouse status`, then `bin/lakehouse up`; the catalog's log is in the stack's logs folder."


class TrinoUnreachableError(LakehouseError):
    """Trino does not answer, or refused the query."""

    code = "E_TRINO"
    exit_code = 13
    remedy = "`bin/lakehouse status`; when Trino is up, read the cause: it is the query's own message."


class DataLossError(LakehouseError):
    """The broker no longer holds offsets that were not landed."""

    code = "E_DATA_LOSS"
    exit_code = 20
    remedy = "Nothing goes on by itself: find out why the broker lost them (retention?), then decide about the missing ranges in the line."


class TopicRecreatedError(LakehouseError):
    """The topic is another one than the one landed so far."""

    code = "E_TOPIC_RECREATED"
    exit_code = 21
    remedy = "Nothing goes on by itself: find out who made the topic anew, then decide what its offsets mean."


class OffsetGapError(LakehouseError):
    """A micro-batch skips offsets that the broker has."""

    code = "E_OFFSET_GAP"
    exit_code = 22
    remedy = "Start the application again; it reads its progress from the table. When it comes back, the broker has lost offsets."


class FencedError(LakehouseError):
    """Another writer committed first; this one wrote nothing visible."""

    code = "E_FENCED"
    exit_code = 23
    remedy = "Nothing to repair: the other writer's commit stands. Stop the second application if two are running."


class LeaseHeldError(LakehouseError):
    """Another publication is under way."""

    code = "E_LEASE_HELD"
    exit_code = 24
    remedy = "Wait until the other publication ends, or until its lease expires, and repeat the command."


class ConservationError(LakehouseError):
    """Rows in do not equal rows kept, quarantined, duplicate and superseded."""

    code = "E_CONSERVATION"
    exit_code = 25
    remedy = "Nothing was committed. Keep the log, report the line: it names the table and the four counts."


class AuditFailedError(LakehouseError):
    """A publication failed its audit and was not published."""

    code = "E_AUDIT_FAILED"
    exit_code = 26
    remedy = "The last publication stays in place. Read the failed audits in ops.audit_result, repair the cause, publish again."


class KeyNotUniqueError(LakehouseError):
    """A table is to be joined by columns that are no key of it."""

    code = "E_KEY_NOT_UNIQUE"
    exit_code = 27
    remedy = "Nothing was published. Join by the table's key (docs/data-dictionary.md), or bring it to one row for each key first."


class SourceLateError(LakehouseError):
    """A source that speaks is later than its tables promise."""

    code = "E_SOURCE_LATE"
    exit_code = 28
    remedy = "`bin/lakehouse health` names each source and its age. Ask at the source first; `bin/lakehouse status` shows the lag of its topic."


class UnansweredError(LakehouseError):
    """A person was asked in Airflow and nobody answered in time."""

    code = "E_UNANSWERED"
    exit_code = 29
    remedy = "Nothing was taken. Clear the task named in the line to be asked again, or put a mended file beside the original."


class ServiceError(LakehouseError):
    """A service of the stack did not start or did not stay up."""

    code = "E_SERVICE"
    exit_code = 30
    remedy = "Read the service's log named in the line, then `bin/lakehouse up` again; it starts only what is missing."


class SetupStepError(LakehouseError):
    """A step of the set-up failed; what was finished before it stays."""

    code = "E_SETUP"
    exit_code = 31
    remedy = "Read the step's log named in the line, then `make setup` again: it goes on where it stopped."


class DashboardError(LakehouseError):
    """The dashboards' bundle does not hold together, Superset refused it, or a dashboard was not drawn."""

    code = "E_DASHBOARD"
    exit_code = 32
    remedy = "An import that fails changes nothing. Mend the asset or the service named in the line, then import or open it again."
