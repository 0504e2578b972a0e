"""Rows of confirmation workbooks to `silver.confirmation`. Pure: bronze rows, a profile and plain values in, frames out.

A reversal takes its confirmation back for good, whichever of the two arrived first.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.silver import cells
from lakehouse.silver.site_terms import Sites, is_known_machine, is_known_shift, zone_of
from lakehouse.sources.contracts import BROKEN, Profile

SCRAP_MAP = "map<string,decimal(18,3)>"
SEPARATOR = "/"


def _cell(name: str | None) -> Column:
    return cells.text(name) if name else F.lit(None).cast("string")


def candidates(rows: DataFrame, profile: Profile, sites: Sites) -> DataFrame:
    """Type the rows of workbooks of one layout, reversals excepted; nothing else is dropped.

    Args:
        rows: bronze rows (`bronze.confirmation_sheet`) of sites with this layout.
        profile: the layout.
        sites: terms of every site among the rows.

    Returns:
        The columns of `silver.confirmation` plus `early_rule`, `raw`, `origin` and `row_no`.
    """
    zone = F.lit(profile.zone) if profile.zone else zone_of(sites)
    named = profile.fields
    start, end = _cell(named.start_at), _cell(named.end_at)
    typed = _numbered(rows.where(~_is_reversal(profile)), profile).select(
        _key(profile).alias("confirmation_key"), "site_id",
        _cell(named.machine_id).alias("machine_id"),
        cells.date(_cell(named.posting_date), profile.date_layouts).alias("posting_date"),
        _cell(named.shift_id).alias("shift_id"),
        cells.instant(start, profile.time_layouts, zone, serials=True).alias("start_at"),
        cells.instant(end, profile.time_layouts, zone, serials=True).alias("end_at"),
        _cell(named.order_no).alias("order_no"),
        _cell(named.operation_no).alias("operation_no"),
        _cell(named.part_no).alias("part_no"),
        _cell(named.tool_no).alias("tool_no"),
        cells.whole(_cell(named.shot_count), "bigint").alias("shot_count"),
        cells.whole(_cell(named.cavity_count), "int").alias("cavity_count"),
        *_quantities(profile),
        _is_idle(profile).alias("is_idle"),
        _is_rework(profile).alias("is_rework"),
        cells.date(_cell(named.produced_date), profile.date_layouts).alias("produced_date"),
        _cell(named.produced_shift_id).alias("produced_shift_id"),
        F.coalesce(_clock_rule(start, end, profile, zone), _produced_rule(profile)).alias("clock_rule"),
        F.coalesce(cells.text(BROKEN), _key_rule(profile)).alias("broken"),
        F.to_json("cells").alias("raw"),
        cells.origin().alias("origin"),
        cells.origin().alias("source_ref"),
        "landed_at", "row_no",
    )  # fmt: skip
    return _with_derived(typed, profile).withColumn("early_rule", _early_rule(sites)).drop("broken", "clock_rule")


def derived(key: tuple[str, ...]) -> dict[str, Column]:
    """Return the columns that no field fills, for confirmations that are typed by `fields`: they are first passes, their scrap has no reason.

    Args:
        key: source columns that identify a confirmation.
    """
    pieces = (F.coalesce(F.col(name), F.lit(0).cast(cells.QUANTITY)) for name in ("good_qty", "scrap_qty", "rework_qty"))
    return {
        "confirmation_key": F.concat_ws(SEPARATOR, *(F.coalesce(cells.text(name), F.lit("")) for name in key)),
        "total_qty": cells.total(list(pieces)),
        "scrap_by_reason": F.create_map().cast(SCRAP_MAP),
        "is_idle": F.lit(False),
        "is_rework": F.lit(False),
    }


def key_parts(profile: Profile) -> Column:
    """Return the texts of a row's key columns, over its `cells`; without the number among equal keys."""
    return F.concat_ws(SEPARATOR, *(F.coalesce(cells.text(name), F.lit("")) for name in profile.key))


def _key(profile: Profile) -> Column:
    return F.concat_ws(SEPARATOR, key_parts(profile), F.col("ordinal").cast("string")) if profile.key_repeats else key_parts(profile)


def _numbered(rows: DataFrame, profile: Profile) -> DataFrame:
    """Add the number of each row among the rows of its file that have equal keys."""
    if not profile.key_repeats:
        return rows
    twins = Window.partitionBy("file_sha256", key_parts(profile)).orderBy("sheet", "row_no")
    return rows.withColumn("ordinal", F.row_number().over(twins))


def _key_rule(profile: Profile) -> Column:
    """The rule `key`: a key that is not made up of several optional parts needs them all."""
    if profile.key_repeats:
        return F.lit(None).cast("string")
    missing = F.lit(False)
    for name in profile.key:
        missing = missing | cells.text(name).isNull()
    return F.when(missing, F.lit("key"))


def _is_idle(profile: Profile) -> Column:
    empty = F.lit(bool(profile.idle_when_empty))
    for name in profile.idle_when_empty:
        empty = empty & cells.text(name).isNull()
    return empty


def _is_rework(profile: Profile) -> Column:
    if profile.rework is None:
        return F.lit(False)
    return F.coalesce(cells.text(profile.rework.flag).isin(*profile.rework.values), F.lit(False))


def _or_zero(name: str | None, profile: Profile) -> Column:
    """A quantity whose empty cell means none."""
    cell = _cell(name)
    return F.when(cell.isNull(), F.lit(0).cast(cells.QUANTITY)).otherwise(cells.quantity(cell, profile.decimal))


def _needed(name: str, profile: Profile) -> Column:
    """A quantity that may be empty in an idle row only."""
    return F.when(_is_idle(profile), F.lit(0).cast(cells.QUANTITY)).otherwise(cells.quantity(_cell(name), profile.decimal))


def _quantities(profile: Profile) -> list[Column]:
    named = profile.fields
    reasons = [_or_zero(name, profile) for name in profile.scrap_columns]
    scrap = cells.total(reasons) if reasons else _or_zero(named.scrap_qty, profile)
    produced = _needed(named.total_qty, profile) if named.total_qty else F.lit(None).cast(cells.QUANTITY)
    return [
        produced.alias("total_qty"),
        _needed(named.good_qty, profile).alias("good_qty"),
        scrap.alias("scrap_qty"),
        _or_zero(named.rework_qty, profile).alias("rework_qty"),
        _scrap_by_reason(profile, reasons).alias("scrap_by_reason"),
        F.coalesce(_cell(named.scrap_reason), F.lit("UNKNOWN")).alias("scrap_reason"),
    ]


def _scrap_by_reason(profile: Profile, reasons: list[Column]) -> Column:
    if not reasons:
        return F.create_map().cast(SCRAP_MAP)
    every = F.map_from_arrays(F.array(*(F.lit(name) for name in profile.scrap_columns)), F.array(*reasons))
    return F.map_filter(every, lambda _, pieces: pieces > 0).cast(SCRAP_MAP)


def _with_derived(typed: DataFrame, profile: Profile) -> DataFrame:
    """Fill the total and the scrap by reason of layouts that do not write them out."""
    if profile.fields.total_qty is None:
        typed = typed.withColumn("total_qty", (F.col("good_qty") + F.col("scrap_qty") + F.col("rework_qty")).cast(cells.QUANTITY))
    if not profile.scrap_columns:
        single = F.create_map("scrap_reason", "scrap_qty").cast(SCRAP_MAP)
        typed = typed.withColumn("scrap_by_reason", F.when(F.col("scrap_qty") > 0, single).otherwise(F.col("scrap_by_reason")))
    return typed.drop("scrap_reason")


def _clock_rule(start: Column, end: Column, profile: Profile, zone: Column) -> Column:
    """The rule that an instant breaks: `timestamp_format` for text that no layout reads, or one of the clock change."""
    found: list[Column] = []
    for cell in (start, end):
        unread = cell.isNotNull() & cells.instant(cell, profile.time_layouts, zone, serials=True).isNull()
        found += [F.when(unread, F.lit("timestamp_format")), cells.clock_rule(cell, profile.time_layouts, zone, serials=True)]
    return F.coalesce(*found)


def _produced_rule(profile: Profile) -> Column:
    """The rule `produced_date_format`: a production date that no layout reads."""
    cell = _cell(profile.fields.produced_date)
    return F.when(cell.isNotNull() & cells.date(cell, profile.date_layouts).isNull(), F.lit("produced_date_format"))


def _early_rule(sites: Sites) -> Column:
    unknown_machine = F.when(~is_known_machine(F.col("machine_id"), sites), F.lit("unknown_machine"))
    shifts = is_known_shift(F.col("shift_id"), sites) & is_known_shift(F.col("produced_shift_id"), sites)
    unknown_shift = F.when(~shifts, F.lit("unknown_shift"))
    return F.coalesce(F.col("broken"), unknown_machine, unknown_shift, F.col("clock_rule"))


def _is_reversal(profile: Profile) -> Column:
    """True for a row that takes a confirmation back and says which; one that does not say which is an ordinary row."""
    if profile.reversal is None:
        return F.lit(False)
    flagged = F.coalesce(cells.text(profile.reversal.flag).isin(*profile.reversal.values), F.lit(False))
    return flagged & cells.text(profile.reversal.reverses).isNotNull() & cells.text(BROKEN).isNull()


def reversal_rows(rows: DataFrame, profile: Profile) -> DataFrame:
    """Return the rows that take a confirmation back."""
    return rows.where(_is_reversal(profile))


def reversals(rows: DataFrame, profile: Profile) -> DataFrame:
    """Return (site_id, confirmation_key) of the confirmations that rows take back, each once.

    The workbook names it by key (`number/counter`), or by number alone, which means counter 1.
    """
    if profile.reversal is None:
        return rows.where(F.lit(False)).select("site_id", F.lit("").alias("confirmation_key"))
    named = cells.text(profile.reversal.reverses)
    key = F.when(F.contains(named, F.lit(SEPARATOR)), named).otherwise(F.concat_ws(SEPARATOR, named, F.lit("1")))
    return reversal_rows(rows, profile).select("site_id", key.alias("confirmation_key")).distinct()
