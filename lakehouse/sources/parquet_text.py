"""Typed columns as exact text."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NO_FRACTION = r"[.]0+(Z?)$"
SPARE_NANOS = r"([.][0-9]{6})000(Z?)$"


def as_text(column: pa.Array) -> pa.Array:
    """Return a column as strings, NULL where it is NULL.

    Args:
        column: boolean, integer, floating point, decimal, date, time, timestamp or string, coded by a dictionary or not.
    """
    if pa.types.is_dictionary(column.type):
        return as_text(column.dictionary).take(column.indices)
    found = column.type
    if pa.types.is_float16(found) or pa.types.is_float32(found):
        return _by_value(column, lambda value: number_text(float(str(np.float32(value)))))
    if pa.types.is_floating(found) or pa.types.is_decimal(found):
        return _by_value(column, number_text)
    if pa.types.is_timestamp(found):
        return _instants(column)
    if pa.types.is_time(found):
        return pc.replace_substring_regex(column.cast(pa.string()), NO_FRACTION, "")
    return column.cast(pa.string())


def _instants(column: pa.Array) -> pa.Array:
    """ISO 8601 to the second, with six or nine decimals where there are any; `Z` where the type is adjusted to UTC."""
    adjusted = column.type.tz is not None
    unit = "ns" if column.type.unit == "ns" else "us"
    utc = column.cast(pa.timestamp(unit, "UTC")).cast(pa.timestamp(unit)) if adjusted else column.cast(pa.timestamp(unit))
    text = pc.replace_substring(utc.cast(pa.string()), " ", "T", max_replacements=1)
    text = pc.replace_substring_regex(pc.replace_substring_regex(text, NO_FRACTION, ""), SPARE_NANOS, r"\1")
    return pc.binary_join_element_wise(text, "Z", "") if adjusted else text


def _by_value(column: pa.Array, text_of: Callable[[Any], str]) -> pa.Array:
    """Text of each distinct value once."""
    coded = column.dictionary_encode()
    words = [None if value is None else text_of(value) for value in coded.dictionary.to_pylist()]
    return pa.array(words, pa.string()).take(coded.indices)


def number_text(value: float | Decimal) -> str:
    """Return the shortest decimal text that is exactly this number, without an exponent; `NaN`, `Infinity` as such."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return str(int(value)) if value.is_integer() and value else format(Decimal(repr(value)), "f").removesuffix(".0")
