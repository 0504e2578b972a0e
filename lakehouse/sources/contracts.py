"""What a file of each source must look like: conf/sources.yaml, checked when it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lakehouse.errors import ContractError, SettingsError
from lakehouse.settings import HOME
from lakehouse.sources import tables
from lakehouse.sources.formats import DelimitedContract, JsonContract, MarkersContract, ParquetContract

SOURCES_FILE = HOME / "conf" / "sources.yaml"
BROKEN = "#broken"
RAW = "#raw"
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


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fields(_Strict):
    """Which column of the workbook carries which column of `silver.confirmation`."""

    machine_id: Name
    posting_date: Name
    good_qty: Name
    shift_id: Name | None = None
    start_at: Name | None = None
    end_at: Name | None = None
    order_no: Name | None = None
    operation_no: Name | None = None
    part_no: Name | None = None
    tool_no: Name | None = None
    shot_count: Name | None = None
    cavity_count: Name | None = None
    total_qty: Name | None = None
    scrap_qty: Name | None = None
    rework_qty: Name | None = None
    scrap_reason: Name | None = None
    produced_date: Name | None = None
    produced_shift_id: Name | None = None


class Reversal(_Strict):
    """How a row says that it takes another confirmation back."""

    flag: Name
    values: tuple[Name, ...] = Field(min_length=1)
    reverses: Name


class Rework(_Strict):
    """How a workbook marks a second pass: the flag column holds one of the values."""

    flag: Name
    values: tuple[Name, ...] = Field(min_length=1)


class Profile(_Strict):
    """One layout of a confirmation workbook.

    Attributes:
        columns: name to its other spellings.
        key: columns that make up the confirmation's key.
        key_repeats: True when equal keys of one file are different rows, told apart by their order.
        decimal: decimal sign of numbers that were typed as text.
        date_layouts: layouts of dates that were typed as text (Spark's pattern letters).
        time_layouts: layouts of instants; wall clock of the site unless the layout has an offset.
        scrap_columns: columns of scrapped pieces, one for each reason.
        idle_when_empty: the row says that nothing ran when all of these are empty; never, when there are none.
        rework: how rows of a second pass are marked; none are, when it is absent.
    """

    sheet: Name
    header_row: int = Field(1, ge=1, le=100)
    columns: dict[Name, tuple[Name, ...]] = Field(min_length=1)
    optional: tuple[Name, ...] = ()
    key: tuple[Name, ...] = Field(min_length=1)
    key_repeats: bool = False
    decimal: Literal[".", ","] = "."
    date_layouts: tuple[Name, ...] = Field(min_length=1)
    time_layouts: tuple[Name, ...] = ()
    fields: Fields
    scrap_columns: tuple[Name, ...] = ()
    idle_when_empty: tuple[Name, ...] = ()
    reversal: Reversal | None = None
    rework: Rework | None = None

    @model_validator(mode="after")
    def _columns_exist(self) -> Profile:
        named = [*self.key, *self.scrap_columns, *self.idle_when_empty, *self.optional]
        named += [name for name in self.fields.model_dump().values() if name]
        named += [self.reversal.flag, self.reversal.reverses] if self.reversal else []
        named += [self.rework.flag] if self.rework else []
        unknown = sorted(set(named) - set(self.columns))
        if unknown:
            raise ValueError(f"not among the columns: {', '.join(unknown)}")
        return self


class WorkbookContract(_Strict):
    """Workbooks; the site decides which layout they have."""

    kind: Literal["workbook"]
    bronze: Name
    silver: Name
    default_profile: Name
    site_profiles: dict[Name, Name] = {}
    profiles: dict[Name, Profile] = Field(min_length=1)

    @model_validator(mode="after")
    def _profiles_exist(self) -> WorkbookContract:
        unknown = {self.default_profile, *self.site_profiles.values()} - set(self.profiles)
        if unknown:
            raise ValueError(f"no such profile: {', '.join(sorted(unknown))}")
        return self

    def profile_name(self, site_id: str) -> str:
        """Return the name of a site's layout."""
        return self.site_profiles.get(site_id, self.default_profile)

    def profile(self, site_id: str) -> Profile:
        """Return a site's layout."""
        return self.profiles[self.profile_name(site_id)]


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
        return Sources.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise SettingsError(path.name, f"not YAML: {error}", f"correct conf/{path.name}") from error
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors())
        raise SettingsError(path.name, found, f"correct conf/{path.name}") from error
