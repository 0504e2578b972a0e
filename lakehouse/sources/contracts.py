"""What a file of each source must look like: conf/sources.yaml, checked when it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lakehouse.errors import ContractError, SettingsError
from lakehouse.settings import HOME
from lakehouse.sources import tables
from lakehouse.sources.formats import DelimitedContract, JsonContract, MarkersContract, ParquetContract
from lakehouse.sources.profiles import Fields, Profile, Reversal, Rework, WorkbookContract

__all__ = ["Fields", "Profile", "Reversal", "Rework", "WorkbookContract"]

SOURCES_FILE = HOME / "conf" / "sources.yaml"
BROKEN = "#broken"
RAW = "#raw"
COLUMN = "#column"
"""Of a cross table's cell: the letters of its column."""
SHOWN_DIFFERENCES = 10
SOURCE = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"

Name = Annotated[str, Field(min_length=1, max_length=120)]


@dataclass(frozen=True)
class Difference:
    """One difference between a file and its contract.

    Attributes:
        kind: what differs: header, columns, encoding, compression, delimiter, quoting, empty, too_large, format, record, schema, sheet, zip,
            active_content or key.
        column: column it concerns, empty for the whole file.
        row: row in the file, 0 for the header or the whole file.
        expected: what the contract says.
        found: what the file has.
    """

    kind: str
    expected: str
    found: str
    column: str = ""
    row: int = 0

    def text(self) -> str:
        """Return it as one line for `ops.landing`."""
        where = f" column {self.column!r}" if self.column else ""
        at = f" row {self.row}" if self.row else ""
        return f"{self.kind}{where}{at}: expected {self.expected}, found {self.found[:200]}"


class ContractBreachError(ContractError):
    """One file breaks its contract and is rejected as a whole.

    Attributes:
        differences: the first differences, at most `SHOWN_DIFFERENCES`.
    """

    def __init__(self, differences: Sequence[Difference]) -> None:
        self.differences = tuple(differences)[:SHOWN_DIFFERENCES]
        super().__init__("file", "; ".join(each.text() for each in self.differences), "correct the file, or its contract in conf/sources.yaml")


TabularContract = DelimitedContract | JsonContract | MarkersContract | ParquetContract
AnyContract = TabularContract | WorkbookContract
FileContract = Annotated[AnyContract, Field(discriminator="kind")]


class Sources(BaseModel):
    """The file contracts by source name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: dict[Annotated[str, Field(pattern=SOURCE)], FileContract]

    @model_validator(mode="after")
    def _tables_hold_together(self) -> Sources:
        found = tables.faults(self.files)
        if found:
            raise ValueError("; ".join(found))
        return self

    def contract(self, source: str) -> AnyContract:
        """Return a source's contract; SettingsError when there is none of that name."""
        if source not in self.files:
            raise SettingsError(f"source {source}", f"conf/sources.yaml has only {', '.join(sorted(self.files))}", "correct --source")
        return self.files[source]


def load_sources(path: Path = SOURCES_FILE) -> Sources:
    """Read the file contracts.

    Raises:
        SettingsError: the file is not YAML or a contract does not hold together; all errors at once.
    """
    try:
        return Sources.model_validate(yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader))
    except yaml.YAMLError as error:
        raise SettingsError(path.name, f"not YAML: {error}", f"correct conf/{path.name}") from error
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors())
        raise SettingsError(path.name, found, f"correct conf/{path.name}") from error
