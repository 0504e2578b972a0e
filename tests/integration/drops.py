"""Files as a plant delivers them: rows of a production log and of a confirmation workbook, and putting them into the landing bucket."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import boto3
import openpyxl

from lakehouse.bronze.landing_zone import WRITER
from lakehouse.settings import Settings
from lakehouse.sources.contracts import load_sources

LOG, SHEETS = "mes-production-log", "confirmations"
SITE = "files-test"
LOG_COLUMNS = load_sources().contract(LOG).columns
SHEET_COLUMNS = tuple(load_sources().contract(SHEETS).profile(SITE).columns)


def landing_bucket(settings: Settings) -> Any:
    """A client that may write to the landing bucket."""
    secret = settings.secret("s3_writer_secret")
    keys = {"aws_access_key_id": WRITER, "aws_secret_access_key": secret}
    return boto3.client("s3", endpoint_url=settings.s3_endpoint, region_name=settings.s3_region, **keys)


def log_row(mark: str, number: int = 1, **changes: str) -> dict[str, str]:
    row = dict.fromkeys(LOG_COLUMNS, "")
    row |= {"Case ID": f"{mark}-{number}", "Resource": f"M-{mark}", "Start Timestamp": "2026/11/2 6:00:00", "Complete Timestamp": "2026/11/2 7:00:00"}
    return row | {"Report Type": "D", "Qty Completed": str(number), "Qty Rejected": "0", "Qty for MRB": "0"} | changes


def log(*rows: dict[str, str], header: Sequence[str] = LOG_COLUMNS) -> bytes:
    lines = [",".join(header), *(",".join(row[name] for name in header) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def sheet_row(mark: str, counter: int, good: int, scrap: int = 0, **changes: Any) -> dict[str, Any]:
    row = dict.fromkeys(SHEET_COLUMNS)
    row |= {"confirmation_no": mark, "counter": counter, "machine_id": f"M-{mark}", "order_no": f"O-{mark}", "material": "P", "shift": "day"}
    return row | {"posting_date": "2026-11-02", "yield_qty": good, "scrap_qty": scrap} | changes


def book(*rows: dict[str, Any]) -> bytes:
    made, out = openpyxl.Workbook(), io.BytesIO()
    made.active.title = "Confirmations"
    for values in [list(SHEET_COLUMNS), *([row[name] for name in SHEET_COLUMNS] for row in rows)]:
        made.active.append(values)
    made.save(out)
    return out.getvalue()


def put(s3: Any, source: str, name: str, content: bytes, site: str = SITE) -> str:
    key = f"{source}/{site}/{name}"
    s3.put_object(Bucket="landing", Key=key, Body=content)
    return key
