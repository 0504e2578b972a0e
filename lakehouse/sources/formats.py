"""The kinds of files: separated text, JSON, text with markers, Parquet. Declarations of conf/sources.yaml, checked when they are read."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterable
from itertools import permutations
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from lakehouse.sources.fields import Identifier, Name, Reading, Strict

DECLARED_TYPE = re.compile(r"^(string|int|bigint|boolean|date|timestamp|decimal\((\d{1,2}),(\d{1,2})\))$")
RESERVED_NAME = re.compile(r"#(?![1-9][0-9]*$)")
"""What no column of a source may be called; `#3` is the third column where the header gives it no name."""
RESERVED = frozenset({"site_id", "source_ref", "landed_at"})
_T = TypeVar("_T")


class DeclaredColumn(Strict):
    """One column of a table that a contract declares."""

    type: str
    meaning: Annotated[str, Field(pattern=r"^.{3,}\.$")]
    required: bool = False

    @field_validator("type")
    @classmethod
    def _known_type(cls, given: str) -> str:
        found = DECLARED_TYPE.match(given)
        if not found or (found[2] and not 1 <= int(found[2]) <= 38) or (found[3] and int(found[3]) > int(found[2])):
            raise ValueError("is none of string, int, bigint, boolean, date, timestamp, decimal(precision,scale)")
        return given


class DeclaredRule(Strict):
    """One row rule of a table that a contract declares, with a row that passes and one that is refused."""

    name: Identifier
    holds: Annotated[str, Field(min_length=1)]
    meaning: Annotated[str, Field(pattern=r"^.{3,}\.$")]
    good: dict[str, Any] = Field(min_length=1)
    bad: dict[str, Any] = Field(min_length=1)


class DeclaredTable(Strict):
    """A silver table that exists by its contract alone; site_id, source_ref and landed_at are added."""

    name: Identifier
    row: Annotated[str, Field(pattern=r"^.{3,}\.$")]
    key: tuple[Identifier, ...] = Field(min_length=1)
    columns: dict[Identifier, DeclaredColumn] = Field(min_length=1)
    rules: tuple[DeclaredRule, ...] = ()

    @model_validator(mode="after")
    def _holds_together(self) -> DeclaredTable:
        known = {*self.columns, *RESERVED}
        found = [f"{name} is added to every table" for name in self.columns if name in RESERVED]
        found += [f"the key {name} is no column" for name in self.key if name not in self.columns]
        found += [f"rule {name} twice" for name in repeated(rule.name for rule in self.rules)]
        for rule in self.rules:
            found += [f"rule {rule.name} shows {name}, which is no column" for name in sorted({*rule.good, *rule.bad} - known)]
        return _or_raise(self, found)


class MarkerObject(Strict):
    """A drop is complete when this object lies beside it: a suffix such as `.done`, or the name of an object in the same folder."""

    marker: Name

    def key_of(self, object_key: str) -> str:
        """Return the key of the object that must lie beside `object_key`."""
        if self.marker.startswith("."):
            return f"{object_key}{self.marker}"
        return f"{object_key.rpartition('/')[0]}/{self.marker}"


class Contract(Strict):
    """What all kinds share.

    Attributes:
        title: what the file is, as in "one row of <title>".
        bronze: bronze table that takes its rows.
        silver: declared silver table that they become; or `table`: one that the contract declares itself.
        key: source columns that identify a row; none, when no columns do and each row counts.
        null_words: texts that mean no value (whole cells); none by default.
        complete: `stable`: when size and ETag no longer change; or a marker object.
        zone: IANA zone of wall clocks; the site's zone where it is not given.
        taken_back: source column to the texts with which a row takes back, for good, what was ever said under its key; workbooks
            of confirmations have `reversal` in their profiles instead.
        fields: silver column to how it is read.
    """

    title: Name
    bronze: Identifier
    silver: Identifier | None = None
    table: DeclaredTable | None = None
    key: tuple[Name, ...] = ()
    null_words: tuple[str, ...] = ()
    complete: Literal["stable"] | MarkerObject = "stable"
    zone: str | None = None
    taken_back: dict[Name, tuple[str, ...]] = {}
    fields: dict[Identifier, Reading] = {}

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, given: str | None) -> str | None:
        if given is not None:
            try:
                ZoneInfo(given)
            except (KeyError, OSError, ValueError) as error:
                raise ValueError(f"no time zone {given}") from error
        return given

    @model_validator(mode="after")
    def _one_silver(self) -> Contract:
        if (self.silver is None) == (self.table is None):
            raise ValueError("needs either silver (a declared table) or table (its own)")
        return self

    @property
    def silver_name(self) -> str:
        """Name of the silver table that the rows become."""
        return self.table.name if self.table is not None else str(self.silver)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names that a row may have, in order."""
        raise NotImplementedError

    def _name_faults(self) -> list[str]:
        """What is wrong with the columns, the key and the columns that fields read."""
        known = set(self.column_names)
        found = [f"column {name!r} twice" for name in repeated(self.column_names)]
        found += [f"column {name!r} begins with '#', which is reserved" for name in self.column_names if RESERVED_NAME.match(name)]
        found += [f"the key {name!r} is not among the columns" for name in self.key if name not in known]
        found += [f"taken_back reads {name!r}, which is not among the columns" for name in self.taken_back if name not in known]
        for silver, reading in self.fields.items():
            found += [f"{silver} reads {name!r}, which is not among the columns" for name in reading.source_columns if name not in known]
        return found


class DelimitedContract(Contract):
    """Separated text.

    Attributes:
        delimiter: one character.
        header: true: columns by name; false: by position; `foreign`: the first line is the header of another table and is skipped,
            when it is exactly `foreign_header`.
        columns: names, without header in the file's order.
        optional: columns that a header may lack or have besides.
        trailing_optional: how many of the last columns the whole file may lack.
        first_row: `mangled`: an earlier tool had taken the first data row for a header, see `lakehouse.sources.mangled`.
        timestamp_layouts: of sources whose conform is written by hand.
    """

    kind: Literal["delimited"]
    delimiter: str = Field(",", min_length=1, max_length=1)
    encoding: str = "utf-8"
    header: Literal[True, False, "foreign"] = True
    foreign_header: tuple[str, ...] = ()
    first_row: Literal["data", "mangled"] = "data"
    columns: tuple[Name, ...] = Field(min_length=1)
    optional: tuple[Name, ...] = ()
    trailing_optional: int = Field(0, ge=0)
    timestamp_layouts: tuple[Name, ...] = ()

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, given: str) -> str:
        try:
            codecs.lookup(given)
        except LookupError as error:
            raise ValueError(f"no encoding {given}") from error
        return given

    @model_validator(mode="after")
    def _holds_together(self) -> DelimitedContract:
        found = self._name_faults()
        if self.delimiter in '"\r\n' or ord(self.delimiter) > 126:
            found.append("the delimiter is a quote, a line end or no ASCII character")
        if self.trailing_optional >= len(self.columns):
            found.append("trailing_optional leaves no column")
        if self.timestamp_layouts and self.taken_back:
            found.append("taken_back belongs to sources that are typed by `fields`")
        if self.header is not True and self.optional:
            found.append("optional columns need a header; without one only the last may be absent (trailing_optional)")
        if (self.header == "foreign") != bool(self.foreign_header):
            found.append("foreign_header belongs to header: foreign")
        if self.first_row == "mangled" and self.header is True:
            found.append("first_row: mangled belongs to a file without a header of its own")
        return _or_raise(self, found)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names that a row may have, in order."""
        return (*self.columns, *self.optional)

    @property
    def widths(self) -> range:
        """Numbers of columns that a file without header may have."""
        return range(len(self.columns) - self.trailing_optional, len(self.columns) + 1)


class JsonContract(Contract):
    """JSON Lines, or one array of objects; which of them is told by the content.

    Attributes:
        columns: fields that every object has.
        optional: fields that an object may lack.
        extra: what becomes of other fields: kept as cells, or they break the row.
    """

    kind: Literal["json"]
    columns: tuple[Name, ...] = Field(min_length=1)
    optional: tuple[Name, ...] = ()
    extra: Literal["keep", "refuse"] = "keep"

    @model_validator(mode="after")
    def _holds_together(self) -> JsonContract:
        return _or_raise(self, self._name_faults())

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names that a row may have, in order."""
        return (*self.columns, *self.optional)


class Marked(Strict):
    """One field of a record: the marker, and the column whose value follows it."""

    marker: Annotated[str, Field(min_length=1, max_length=60)]
    column: Name


class MarkersContract(Contract):
    """Text without delimiter: each record is marker, value, marker, value …, and its end.

    Attributes:
        record: markers in order; a record has each exactly once.
        end: what ends a record.
    """

    kind: Literal["markers"]
    encoding: str = "utf-8"
    record: tuple[Marked, ...] = Field(min_length=1)
    end: Annotated[str, Field(min_length=1, max_length=60)] = "\n"

    @model_validator(mode="after")
    def _holds_together(self) -> MarkersContract:
        signs = [each.marker for each in self.record] + [self.end]
        found = self._name_faults()
        found += [f"{one!r} twice, so a record cannot be told apart" for one in repeated(signs)]
        inside = [(one, other) for one, other in permutations(dict.fromkeys(signs), 2) if one in other]
        found += [f"{other!r} contains {one!r}, so a record cannot be told apart" for one, other in inside]
        return _or_raise(self, found)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names that a row may have, in order."""
        return tuple(each.column for each in self.record)


class ParquetContract(Contract):
    """Parquet with flat columns.

    Attributes:
        columns: names; by position, the names that its columns are given.
        by_position: the names in the file are not usable: there must be exactly as many columns.
        types: column to its Arrow type, such as `int64`, `string`, `timestamp[us, tz=UTC]`, `decimal128(18, 3)`.
        extra: what becomes of other columns: kept as cells, or the file is refused.
    """

    kind: Literal["parquet"]
    columns: tuple[Name, ...] = Field(min_length=1)
    optional: tuple[Name, ...] = ()
    by_position: bool = False
    types: dict[Name, Name] = {}
    extra: Literal["keep", "refuse"] = "keep"

    @model_validator(mode="after")
    def _holds_together(self) -> ParquetContract:
        found = self._name_faults()
        found += [f"types names {name!r}, which is not among the columns" for name in self.types if name not in self.column_names]
        if self.by_position and self.optional:
            found.append("columns by position cannot be optional")
        return _or_raise(self, found)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names that a row may have, in order."""
        return (*self.columns, *self.optional)


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that occur more than once, sorted."""
    return sorted(name for name, count in Counter(names).items() if count > 1)


def _or_raise(model: _T, found: list[str]) -> _T:
    if found:
        raise ValueError("; ".join(found))
    return model
