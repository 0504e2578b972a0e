"""How a workbook of each layout is read: the mapping profiles of conf/sources.yaml, checked when they are read.

A profile says where the header stands, which spellings a column has, and what its cells mean. What it does not say is not
guessed: a row that needs it is refused under the name of a rule, a file as a whole.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lakehouse.errors import SettingsError
from lakehouse.sources.formats import Contract
from lakehouse.sources.layouts import pattern

ORDER_COLUMNS = ("order_no", "operation_no", "part_no", "tool_no")
QUANTITY_COLUMNS = ("good_qty", "total_qty", "scrap_qty", "rework_qty", "shot_count", "cavity_count")

Name = Annotated[str, Field(min_length=1, max_length=120)]


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


class TotalRows(_Strict):
    """Rows that repeat sums: the column holds one of the values, spelled in any case."""

    column: Name
    values: tuple[Name, ...] = Field(min_length=1)


class DateAndTime(_Strict):
    """An instant that stands in two columns, as wall clock of the production date.

    Attributes:
        date: column of the date.
        time: column of the time of day; 25:05 is 01:05 of the next day.
        after: an instant of the profile that this one follows.
        crosses_midnight: True when a time of day before the one of `after` is the next day's.
    """

    date: Name
    time: Name
    after: Name | None = None
    crosses_midnight: bool = False

    @model_validator(mode="after")
    def _follows_one(self) -> DateAndTime:
        if self.crosses_midnight and not self.after:
            raise ValueError("crosses_midnight needs `after`: the instant that it follows")
        return self


class Crosstab(_Strict):
    """A sheet whose columns are values of one attribute: each filled cell becomes a row.

    Attributes:
        row_key: columns that name the row, repeated beside each of its cells.
        column: name under which the cell's own header stands.
        value: name under which the cell stands.
        totals: headers of columns that repeat sums.
    """

    row_key: tuple[Name, ...] = Field(min_length=1)
    column: Name
    value: Name
    totals: tuple[Name, ...] = ()


class TextSheet(_Strict):
    """A text file that is named like a workbook.

    Attributes:
        skip_lines_after_header: lines between the header and the first row, for instance one of units.
    """

    encoding: Name = "utf-16"
    delimiter: str = Field("\t", min_length=1, max_length=1)
    skip_lines_after_header: int = Field(0, ge=0, le=30)


class Profile(_Strict):
    """One layout of a workbook.

    Attributes:
        sheet: name of the sheet, empty for text; with `other_sheets` the first of the accepted names.
        header_row: row of the (first) header row, as Excel counts.
        header: `numbered`, or `found`: the first of the top rows that holds every needed column.
        header_rows: 2 when two rows make up the header; their texts are joined from top to bottom.
        columns: name to its other spellings.
        optional: columns that may be absent.
        key: columns that make up a row's key.
        key_repeats: True when equal keys of one file are different rows, told apart by their order.
        decimal: decimal sign of numbers that were typed as text; cells that hold numbers are written with it too.
        significant_digits: digits that count in a number; Excel shows 15 of the 17 that a workbook stores.
        date_layouts: layouts of dates that were typed as text (Spark's pattern letters).
        time_layouts: layouts of instants; wall clock of the site unless the layout has an offset.
        clock_layouts: layouts of times of day; the hours may go beyond 23.
        zone: time zone of the wall clock; the site's when absent.
        text: the file is text.
        total_rows: rows that are no data.
        fill_down: columns whose empty cells repeat the cell above.
        dates, timestamps, times, codes, quantities: columns of each kind beyond those that `fields` and `instants` tell.
        instants: columns made of a date and a time of day.
        crosstab: the sheet is a cross table.
        confirmation: what the columns are in `silver.confirmation` (`fields` in the file); absent for other tables.
        scrap_columns: columns of scrapped pieces, one for each reason.
        idle_when_empty: the row says that nothing ran when all of these are empty; never, when there are none.
        rework: how rows of a second pass are marked; none are, when it is absent.
    """

    sheet: str = Field("", max_length=120)
    other_sheets: tuple[Name, ...] = ()
    header_row: int = Field(1, ge=1, le=100)
    header: Literal["numbered", "found"] = "numbered"
    header_rows: Literal[1, 2] = 1
    columns: dict[Name, tuple[Name, ...]] = Field(min_length=1)
    optional: tuple[Name, ...] = ()
    key: tuple[Name, ...] = Field(min_length=1)
    key_repeats: bool = False
    decimal: Literal[".", ","] = "."
    significant_digits: int = Field(17, ge=15, le=17)
    date_layouts: tuple[Name, ...] = Field(("yyyy-MM-dd",), min_length=1)
    time_layouts: tuple[Name, ...] = ()
    clock_layouts: tuple[Name, ...] = ("H:mm:ss", "H:mm")
    zone: Name | None = None
    text: TextSheet | None = None
    total_rows: TotalRows | None = None
    fill_down: tuple[Name, ...] = ()
    dates: tuple[Name, ...] = ()
    timestamps: tuple[Name, ...] = ()
    times: tuple[Name, ...] = ()
    codes: tuple[Name, ...] = ()
    quantities: tuple[Name, ...] = ()
    instants: dict[Name, DateAndTime] = {}
    crosstab: Crosstab | None = None
    confirmation: Fields | None = Field(None, alias="fields")
    scrap_columns: tuple[Name, ...] = ()
    idle_when_empty: tuple[Name, ...] = ()
    reversal: Reversal | None = None
    rework: Rework | None = None

    @model_validator(mode="before")
    @classmethod
    def _several_sheets(cls, given: Any) -> Any:
        """`sheet` may be a list of accepted names."""
        if isinstance(given, dict) and isinstance(given.get("sheet"), list) and given["sheet"]:
            return {**given, "sheet": given["sheet"][0], "other_sheets": given["sheet"][1:]}
        return given

    @model_validator(mode="after")
    def _has_one_place(self) -> Profile:
        if bool(self.sheet) == bool(self.text):
            raise ValueError("either `sheet` or `text`: a text file has no sheet")
        return self

    @model_validator(mode="after")
    def _columns_exist(self) -> Profile:
        named = [*self.optional, *self.fill_down, *self.scrap_columns]
        named += [each.column for each in (self.total_rows,) if each]
        named += self.crosstab.row_key if self.crosstab else []
        named += [name for each in self.instants.values() for name in (each.date, each.time)]
        unknown = set(named) - set(self.columns)
        made = [*self.key, *self.idle_when_empty, *self.dates, *self.timestamps, *self.times, *self.codes, *self.quantities]
        made += [name for name in self.confirmation.model_dump().values() if name] if self.confirmation else []
        made += [self.reversal.flag, self.reversal.reverses] if self.reversal else []
        made += [self.rework.flag] if self.rework else []
        unknown |= set(made) - {*self.columns, *self.derived}
        if unknown:
            raise ValueError(f"not among the columns: {', '.join(sorted(unknown))}")
        return self

    @model_validator(mode="after")
    def _derived_columns_are_new(self) -> Profile:
        twice = sorted(set(self.derived) & set(self.columns))
        if twice:
            raise ValueError(f"both a column and made of others: {', '.join(twice)}")
        seen: set[str] = set()
        for name, made in self.instants.items():
            if made.after and made.after not in seen:
                raise ValueError(f"{name} follows {made.after}, which is no instant declared before it")
            seen.add(name)
        return self

    @model_validator(mode="after")
    def _words_are_known(self) -> Profile:
        for layout in [*(self.date_layouts if self.instants else ()), *self.clock_layouts]:
            pattern(layout)
        if self.zone:
            try:
                ZoneInfo(self.zone)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError(f"no time zone {self.zone}") from error
        return self

    @property
    def fields(self) -> Fields:
        """What the columns are in `silver.confirmation`; SettingsError for a layout of something else."""
        if self.confirmation is None:
            raise SettingsError(f"sheet {self.sheet}", "its profile has no `fields`, so it holds no confirmations", "add them in conf/sources.yaml")
        return self.confirmation

    @property
    def sheets(self) -> tuple[str, ...]:
        """The accepted names of the sheet."""
        return (self.sheet, *self.other_sheets)

    @property
    def derived(self) -> tuple[str, ...]:
        """Names of cells that are made of others."""
        return (*self.instants, *((self.crosstab.column, self.crosstab.value) if self.crosstab else ()))

    def _of(self, *columns: str) -> tuple[str, ...]:
        named = self.confirmation.model_dump() if self.confirmation else {}
        return tuple(named[column] for column in columns if named.get(column))

    @property
    def date_columns(self) -> tuple[str, ...]:
        """Columns that hold a calendar date."""
        parts = (each.date for each in self.instants.values())
        return tuple(dict.fromkeys((*self.dates, *self._of("posting_date", "produced_date"), *parts)))

    @property
    def timestamp_columns(self) -> tuple[str, ...]:
        """Columns that hold date and time."""
        own = tuple(name for name in self._of("start_at", "end_at") if name not in self.instants)
        return tuple(dict.fromkeys((*self.timestamps, *own)))

    @property
    def time_columns(self) -> tuple[str, ...]:
        """Columns that hold a time of day."""
        return tuple(dict.fromkeys((*self.times, *(each.time for each in self.instants.values()))))

    @property
    def code_columns(self) -> tuple[str, ...]:
        """Columns of names that may look like numbers."""
        typed = {*self.date_columns, *self.timestamp_columns, *self.time_columns, *self.quantity_columns}
        return tuple(name for name in dict.fromkeys((*self.codes, *self._of(*ORDER_COLUMNS), *self.key)) if name not in typed)

    @property
    def quantity_columns(self) -> tuple[str, ...]:
        """Columns of quantities."""
        return tuple(dict.fromkeys((*self.quantities, *self._of(*QUANTITY_COLUMNS), *self.scrap_columns)))


class WorkbookContract(Contract):
    """Workbooks; the site decides which layout they have.

    Confirmations are read by the `fields` of each profile, everything else by the contract's own.
    """

    kind: Literal["workbook"]
    default_profile: Name
    site_profiles: dict[Name, Name] = {}
    profiles: dict[Name, Profile] = Field(min_length=1)

    @model_validator(mode="after")
    def _holds_together(self) -> WorkbookContract:
        unknown = {self.default_profile, *self.site_profiles.values()} - set(self.profiles)
        found = [f"no such profile: {', '.join(sorted(unknown))}"] if unknown else self._name_faults()
        confirming = sorted(name for name, profile in self.profiles.items() if profile.confirmation)
        if confirming and self.fields:
            found.append(f"fields of the contract beside those of {', '.join(confirming)}")
        if confirming and self.taken_back:
            found.append(f"taken_back beside the layouts of {', '.join(confirming)}: theirs is `reversal`")
        if found:
            raise ValueError("; ".join(found))
        return self

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names that a row of the default layout may have."""
        profile = self.profiles[self.default_profile]
        return (*profile.columns, *profile.derived)

    @property
    def has_confirmations(self) -> bool:
        """Whether its layouts are of confirmations."""
        return any(profile.confirmation for profile in self.profiles.values())

    def profile_name(self, site_id: str) -> str:
        """Return the name of a site's layout."""
        return self.site_profiles.get(site_id, self.default_profile)

    def profile(self, site_id: str) -> Profile:
        """Return a site's layout."""
        return self.profiles[self.profile_name(site_id)]
