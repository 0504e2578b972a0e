from datetime import UTC, datetime

import pytest

from lakehouse.bronze import files
from lakehouse.bronze.files import BronzeWriter, Envelope
from lakehouse.bronze.landing_zone import Listed
from lakehouse.sources.cell_batches import of_rows
from lakehouse.tables.bronze import MES_PRODUCTION_LOG

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ENVELOPE = Envelope("abc", "mes-production-log/demo/a.csv", "demo", "", AT)


def listed(key: str) -> Listed:
    return Listed(key, '"1"', 10, AT)


def test_schema_is_the_declared_one():
    assert tuple(files.SCHEMA.names) == MES_PRODUCTION_LOG.column_names


def test_rows_are_written_in_bounded_batches(monkeypatch):
    monkeypatch.setattr(files, "BATCH_ROWS", 3)
    written = []
    writer = BronzeWriter(written.append)
    assert writer.add(ENVELOPE, (of_rows([(n, {"a": str(n)}), (n + 1, {"a": str(n + 1)})]) for n in (1, 3))) == 4
    assert [table.num_rows for table in written] == [4]
    assert writer.add(ENVELOPE, [of_rows([(1, {}), (2, {"b": "x"})])]) == 2
    writer.flush()
    writer.flush()
    assert [table.num_rows for table in written] == [4, 2]
    rows = [row for table in written for row in table.to_pylist()]
    assert rows[0] == {
        "file_sha256": "abc", "object_key": "mes-production-log/demo/a.csv", "site_id": "demo", "sheet": "", "row_no": 1,
        "cells": [("a", "1")], "landed_at": AT,
    }  # fmt: skip
    assert rows[4]["cells"] == []


def test_what_is_held_is_written_at_the_end():
    written = []
    writer = BronzeWriter(written.append)
    writer.add(ENVELOPE, [of_rows([(1, {"a": "1"})])])
    assert not written
    writer.flush()
    assert written[0].num_rows == 1


@pytest.mark.parametrize(
    ("key", "site"),
    [("s/demo/a.csv", "demo"), ("s/demo/sub/a[1]:b;'c.csv", "demo"), ("s/a.csv", ""), ("s/demo/", ""), ("a.csv", "")],
)
def test_site_is_the_second_part_of_the_key(key, site):
    assert listed(key).site_id == site


@pytest.mark.parametrize("name", ["~$book.xlsx", ".~lock.book.xlsx#", "a.csv.tmp", "a.PART", "a.csv._COPYING_", "", "._a.csv"])
def test_temporary_names(name):
    assert listed(f"s/demo/{name}").is_temporary


@pytest.mark.parametrize("name", ["book.xlsx", "tmp.csv", "a~$b.csv", "Fräse [1].csv", "partial report.csv"])
def test_ordinary_names(name):
    assert not listed(f"s/demo/{name}").is_temporary
