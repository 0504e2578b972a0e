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
    """

    code: ClassVar[str] = "E_INTERNAL"
    exit_code: ClassVar[int] = 70

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


class RequirementError(LakehouseError):
    """Something this machine must have is absent."""

    code = "E_REQUIREMENT"
    exit_code = 3


class PlantModelError(LakehouseError):
    """The plant model in conf/plant does not hold together."""

    code = "E_PLANT_MODEL"
    exit_code = 4


class ContractError(LakehouseError):
    """A file or message breaks its source contract as a whole."""

    code = "E_CONTRACT"
    exit_code = 5


class SchemaDriftError(LakehouseError):
    """A table in the catalog differs from its declaration in a way that cannot be evolved."""

    code = "E_SCHEMA_DRIFT"
    exit_code = 6


class KafkaUnreachableError(LakehouseError):
    """The broker does not answer."""

    code = "E_KAFKA_UNREACHABLE"
    exit_code = 10


class StoreUnreachableError(LakehouseError):
    """The object store does not answer."""

    code = "E_S3_UNREACHABLE"
    exit_code = 11


class CatalogUnreachableError(LakehouseError):
    """The catalog does not answer."""

    code = "E_CATALOG_UNREACHABLE"
    exit_code = 12


class TrinoUnreachableError(LakehouseError):
    """Trino does not answer, or refused the query."""

    code = "E_TRINO"
    exit_code = 13


class DataLossError(LakehouseError):
    """The broker no longer holds offsets that were not landed."""

    code = "E_DATA_LOSS"
    exit_code = 20


class TopicRecreatedError(LakehouseError):
    """The topic is another one than the one landed so far."""

    code = "E_TOPIC_RECREATED"
    exit_code = 21


class OffsetGapError(LakehouseError):
    """A micro-batch skips offsets that the broker has."""

    code = "E_OFFSET_GAP"
    exit_code = 22


class FencedError(LakehouseError):
    """Another writer committed first; this one wrote nothing visible."""

    code = "E_FENCED"
    exit_code = 23


class LeaseHeldError(LakehouseError):
    """Another publication is under way."""

    code = "E_LEASE_HELD"
    exit_code = 24


class ConservationError(LakehouseError):
    """Rows in do not equal rows kept, quarantined, duplicate and superseded."""

    code = "E_CONSERVATION"
    exit_code = 25


class AuditFailedError(LakehouseError):
    """A publication failed its audit and was not published."""

    code = "E_AUDIT_FAILED"
    exit_code = 26


class ServiceError(LakehouseError):
    """A service of the stack did not start or did not stay up."""

    code = "E_SERVICE"
    exit_code = 30
