"""A refused cell comes back: the same workbook with a comment, beside the original; the mended file restates and clears the quarantine."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest
from botocore.exceptions import ClientError
from drops import SHEETS, book, landing_bucket, put, sheet_row
from pyspark.sql import SparkSession

from lakehouse.bronze.landing_zone import LandingZone
from lakehouse.flow.land_files import FileLanding, LandingReport
from lakehouse.nessie import Nessie
from lakehouse.plant import load_plant
from lakehouse.settings import Settings
from lakehouse.sources.contracts import load_sources

pytestmark = pytest.mark.stack
Ask = Callable[..., list[Sequence[Any]]]
SITE = "excel-test"
PLANT = f"""
site_id: {SITE}
zone: UTC
discover: true
shifts: [{{shift_id: day, start: "00:00", end: "00:00"}}]
machine_defaults: {{line_id: L, area_id: A, state_source: none, quantity_source: confirmation}}
"""


@pytest.fixture(scope="module")
def land(core: Settings, spark: SparkSession, nessie: Nessie) -> Callable[[], LandingReport]:
    (core.run / "plant").mkdir(exist_ok=True)
    (core.run / "plant" / f"{SITE}.yaml").write_text(PLANT)

    def one() -> LandingReport:
        plant = load_plant(core.plant_folders)
        landing = FileLanding(spark, nessie, LandingZone(core), SHEETS, load_sources().contract(SHEETS), plant)
        return landing.run(f"test-{uuid.uuid4().hex[:12]}", datetime.now(UTC))

    return one


@pytest.fixture(scope="module")
def s3(core: Settings) -> Any:
    return landing_bucket(core)


def comments(s3: Any, key: str) -> dict[str, str]:
    """Cell to comment of a workbook in the landing bucket."""
    content = s3.get_object(Bucket="landing", Key=key)["Body"].read()
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    return {cell.coordinate: cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment}


def quarantined(ask: Ask, mark: str) -> list[Sequence[Any]]:
    return ask(f"SELECT rule FROM lake.silver.confirmation_quarantine WHERE site_id = '{SITE}' AND machine_id = 'M-{mark}'")


def good(ask: Ask, mark: str) -> list[int]:
    rows = ask(f"SELECT good_qty FROM lake.silver.confirmation WHERE site_id = '{SITE}' AND machine_id = 'M-{mark}' ORDER BY confirmation_key")
    return [int(row[0]) for row in rows]


def test_a_refused_cell_comes_back_and_the_mended_file_clears_it(land: Callable[[], LandingReport], s3: Any, ask: Ask) -> None:
    mark = uuid.uuid4().hex[:10]
    key = put(s3, SHEETS, f"{mark}.xlsx", book(sheet_row(mark, 1, 10), sheet_row(mark, 2, -7)), site=SITE)
    report = land()
    given = f"{key}.refused.xlsx"
    assert given in report.given_back
    assert good(ask, mark) == [10]
    assert [tuple(row) for row in quarantined(ask, mark)] == [("quantity_range",)]
    told = comments(s3, given)
    assert any(cell.endswith("3") and "quantity_range" in text and "-7" in text for cell, text in told.items()), told
    assert not [each for each in land().outcomes if each.object_key == given], "what was given back is never landed"

    put(s3, SHEETS, f"{mark}.xlsx", book(sheet_row(mark, 1, 10), sheet_row(mark, 2, 7)), site=SITE)
    land()
    assert good(ask, mark) == [10, 7]
    assert quarantined(ask, mark) == []
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="landing", Key=given)


def test_a_file_that_was_rejected_whole_comes_back_with_its_header_marked(land: Callable[[], LandingReport], s3: Any) -> None:
    mark = uuid.uuid4().hex[:10]
    made = openpyxl.load_workbook(io.BytesIO(book(sheet_row(mark, 1, 10))))
    for cell in made.active[1]:
        if cell.value == "yield_qty":
            cell.value = "quantity of something"
    out = io.BytesIO()
    made.save(out)
    key = put(s3, SHEETS, f"{mark}.xlsx", out.getvalue(), site=SITE)
    assert f"{key}.refused.xlsx" in land().given_back
    assert "yield_qty" in " ".join(comments(s3, f"{key}.refused.xlsx").values())
