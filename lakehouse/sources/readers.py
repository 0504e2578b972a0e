"""One way to read a file of any kind: judge it as a whole, then take its rows in batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from lakehouse.sources import delimited, json_file, markers, parquet_file, workbook
from lakehouse.sources.cell_batches import by_hundred_thousand
from lakehouse.sources.contracts import AnyContract, Profile
from lakehouse.sources.formats import DelimitedContract, JsonContract, MarkersContract, ParquetContract


def check(path: Path, contract: AnyContract, profile: Profile | None = None) -> int:
    """Read a whole file once and return its number of rows, broken ones included.

    Args:
        path: the file.
        contract: contract of its source.
        profile: layout of a workbook.

    Raises:
        ContractBreachError: the file breaks its contract as a whole; with the first ten differences.
    """
    match contract:
        case DelimitedContract():
            return delimited.check(path, contract)
        case JsonContract():
            return json_file.check(path, contract)
        case MarkersContract():
            return markers.check(path, contract)
        case ParquetContract():
            return parquet_file.check(path, contract)
        case _:
            return len(workbook.rows(path, _needed(profile)))


def batches(path: Path, contract: AnyContract, profile: Profile | None = None) -> Iterator[pa.Table]:
    """Yield the rows of a file that passed `check`, at most 100,000 at once.

    Each table has `row_no` (int64, from 1) and `cells` (map of column to text; an empty cell is absent, a broken row carries its rule
    under `BROKEN`). Rows that had to be read one by one may come after their neighbours.

    Args:
        path: the file.
        contract: contract of its source.
        profile: layout of a workbook.

    Raises:
        ContractBreachError: as `check`.
    """
    match contract:
        case DelimitedContract():
            return delimited.batches(path, contract)
        case JsonContract():
            return json_file.batches(path, contract)
        case MarkersContract():
            return markers.batches(path, contract)
        case ParquetContract():
            return parquet_file.batches(path, contract)
        case _:
            return by_hundred_thousand(workbook.rows(path, _needed(profile)))


def _needed(profile: Profile | None) -> Profile:
    if profile is None:
        raise TypeError("a workbook is read by a profile")
    return profile
