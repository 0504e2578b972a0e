"""How a source's cells become a silver table's columns: the vocabulary of `fields` in conf/sources.yaml. Declarations only.

A column that is only named is read by its silver type. Layouts are Spark's pattern letters; one without offset is the wall clock
of the contract's zone. A cell that cannot be read by its declaration breaks its row, it is never read in another way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lakehouse.model import Table

IDENTIFIER = r"^[a-z][a-z0-9_]{0,62}$"
ISO_DURATION = "iso_duration"

Name = Annotated[str, Field(min_length=1, max_length=120)]
Identifier = Annotated[str, Field(pattern=IDENTIFIER)]
As = Literal["text", "integer", "quantity", "date", "instant", "time_of_day", "hour_of_day", "duration_h", "boolean", "code"]

SILVER_TYPES: dict[str, tuple[str, ...]] = {
    "text": ("string",),
    "integer": ("int", "bigint"),
    "quantity": ("decimal",),
    "date": ("date",),
    "instant": ("timestamp",),
    "time_of_day": ("int",),
    "hour_of_day": ("int",),
    "duration_h": ("decimal",),
    "boolean": ("boolean",),
    "code": ("string",),
}
"""What a cell may be read as, with the silver types that it may fill (their part before the bracket)."""

BY_TYPE: dict[str, As] = {
    "string": "text",
    "int": "integer",
    "bigint": "integer",
    "decimal": "quantity",
    "date": "date",
    "timestamp": "instant",
    "boolean": "boolean",
}

LAYOUTS: dict[str, tuple[str, ...]] = {
    "date": ("yyyy-MM-dd",),
    "instant": ("yyyy-MM-dd'T'HH:mm:ss[.SSSSSS]", "yyyy-MM-dd'T'HH:mm:ss[.SSSSSS]XXX", "yyyy-MM-dd HH:mm:ss[.SSSSSS]"),
    "time_of_day": ("yyyy-MM-dd HH:mm:ss", "HH:mm:ss", "HH:mm"),
    "hour_of_day": ("yyyy-MM-dd HH:mm:ss", "HH:mm:ss", "HH:mm"),
}
"""Layouts where a field declares none."""


class Strict(BaseModel):
    """Refuses unknown keys; never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reading(Strict):
    """How one silver column is read.

    Attributes:
        column: source column; or `constant`: the same text in every row; or `date` and `time`: an instant in two columns.
        as_: what the text is (`as` in the file); by the silver column's type where it is not given. `time_of_day` is whole seconds since
            midnight, whatever day stands with it; `hour_of_day` is 0 to 23 and holds for full hours only; `duration_h` is hours, see
            `lakehouse.sources.durations`.
        layouts: of dates, instants and times of day; the first that fits counts. A date whose layout has an offset is the UTC date.
        decimal: decimal sign of quantities.
        values: of a boolean: `true` and `false` with their spellings; of a code: source text to code. Anything else breaks the row.
        time_layouts: of the column `time`; the word `iso_duration` stands for `PT11H16M37S`.
    """

    column: Name | None = None
    constant: str | None = None
    date: Name | None = None
    time: Name | None = None
    as_: As | None = Field(None, alias="as")
    layouts: tuple[Name, ...] = ()
    decimal: Literal[".", ","] = "."
    values: dict[str, str | tuple[str, ...]] = {}
    date_layouts: tuple[Name, ...] = ()
    time_layouts: tuple[Name, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _named_only(cls, given: Any) -> Any:
        return {"column": given} if isinstance(given, str) else given

    @field_validator("values", mode="before")
    @classmethod
    def _boolean_words(cls, given: Any) -> Any:
        """YAML reads the keys `true` and `false` as booleans."""
        return {str(key).lower() if isinstance(key, bool) else key: value for key, value in given.items()} if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _one_origin(self) -> Reading:
        ways = [self.column is not None, self.constant is not None, self.date is not None or self.time is not None]
        if sum(ways) != 1:
            raise ValueError("needs exactly one of column, constant, and date with time")
        if ways[2] and (self.date is None or self.time is None or self.as_ != "instant"):
            raise ValueError("date and time stand together, with as: instant")
        if not ways[2] and (self.date_layouts or self.time_layouts):
            raise ValueError("date_layouts and time_layouts belong to date and time")
        self._check_values()
        return self

    def _check_values(self) -> None:
        if self.as_ == "boolean" or (self.as_ is None and set(self.values) == {"true", "false"}):
            words = [self.values.get(word) for word in ("true", "false")]
            if set(self.values) != {"true", "false"} or not all(isinstance(spellings, tuple) and spellings for spellings in words):
                raise ValueError("a boolean needs values: {true: [...], false: [...]}")
        elif self.as_ == "code":
            if not self.values or not all(isinstance(code, str) for code in self.values.values()):
                raise ValueError("a code needs values: {<source text>: <code>}")
        elif self.values:
            raise ValueError("values belong to a boolean or a code")

    @property
    def source_columns(self) -> tuple[str, ...]:
        """The source columns that it reads."""
        return tuple(name for name in (self.column, self.date, self.time) if name is not None)

    def _resolved(self, silver_type: str) -> Reading:
        meant = self.as_ or BY_TYPE.get(base_type(silver_type))
        layouts = self.layouts or LAYOUTS.get(meant or "", ())
        filled: dict[str, Any] = {"as_": meant, "layouts": layouts if self.date is None else ()}
        if self.date is not None:
            filled["date_layouts"] = self.date_layouts or LAYOUTS["date"]
            filled["time_layouts"] = self.time_layouts or LAYOUTS["time_of_day"]
        return self.model_copy(update=filled)


def base_type(silver_type: str) -> str:
    """Return a type's part before the bracket or angle: `decimal` of `decimal(18,3)`."""
    return silver_type.partition("(")[0].partition("<")[0]


def resolved(fields: Mapping[str, Reading], table: Table) -> dict[str, Reading]:
    """Return the fields in the table's order with `as_` and layouts filled in.

    Args:
        fields: silver column to its reading.
        table: the silver table; it must pass `faults`.
    """
    types = {column.name: column.type for column in table.columns}
    return {name: fields[name]._resolved(types[name]) for name in table.column_names if name in fields}


def faults(fields: Mapping[str, Reading], table: Table, derived: frozenset[str]) -> list[str]:
    """Return what does not hold together between fields and their silver table, in sentences; empty when all does.

    Args:
        fields: silver column to its reading.
        table: the silver table.
        derived: columns that landing and conforming fill by themselves.
    """
    types = {column.name: column.type for column in table.columns}
    found = [f"{table.schema_name} has no column {name}" for name in fields if name not in types]
    found += [f"{name} is filled by the pipeline" for name in fields if name in derived]
    needed = {column.name for column in table.columns if column.required} | set(table.key)
    found += [f"{name} of {table.schema_name} is required and has no field" for name in sorted(needed - derived - set(fields))]
    for name in [name for name in fields if name in types]:
        meant = fields[name]._resolved(types[name]).as_
        if meant is None or base_type(types[name]) not in SILVER_TYPES[meant]:
            found.append(f"{name} is {types[name]}, which is not read as {meant}")
        elif meant == "boolean" and not fields[name].values and fields[name].constant is None:
            found.append(f"{name} is a boolean and needs values: {{true: [...], false: [...]}}")
    return found
