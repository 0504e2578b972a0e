"""What other systems would drop: one MES production log (CSV) and one workbook of confirmations a production date. Same data, same bytes."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence

from openpyxl import Workbook

from lakehouse.simulator.counters import Triple
from lakehouse.simulator.day import Day, MachineDay
from lakehouse.simulator.instants import instant
from lakehouse.simulator.process import stream
from lakehouse.simulator.rates import Rates
from lakehouse.simulator.spec import Site, Span

MES_HEADER = (
    "Case ID", "Start Timestamp", "Complete Timestamp", "Activity", "Resource", "Work Order  Qty", "Part Desc.", "Worker ID", "Report Type",
    "Qty Completed", "Qty Rejected", "Qty for MRB", "Rework",
)
SHEET = "Confirmations"
CONFIRMATION_HEADER = (
    "confirmation_no", "counter", "order_no", "operation_no", "machine_id", "material", "posting_date", "start", "finish", "yield_qty",
    "scrap_qty", "rework_qty", "scrap_reason", "unit", "shift", "reversal_flag", "reversed_confirmation",
)
SCRAP_REASONS = ("short shot", "burr", "sink mark", "scratch", "burn mark")
Cell = str | int
Row = list[Cell]
_FIXED = (2000, 1, 1, 0, 0, 0)
_STAMP = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


def wall(site: Site, at: int) -> str:
    """Return the plant's wall clock with its offset in ISO 8601, to the second; a part of a second is cut off."""
    return instant(at).astimezone(site.zone).isoformat(timespec="seconds")


def _mes_stamp(site: Site, at: int) -> str:
    """Return the log's layout, `2012/1/29 5:43:00`; with the offset where the wall clock has this hour twice."""
    local = instant(at).astimezone(site.zone)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    offset = local.isoformat(timespec="seconds")[-6:] if twice else ""
    return f"{local.year}/{local.month}/{local.day} {local.hour}:{local.minute:02}:{local.second:02}{offset}"


def production_log(site: Site, day: Day) -> bytes:
    """Return the day's production log: production by order and shift, set-ups and breakdowns, in order of start."""
    rows: list[tuple[int, str, Row]] = []
    for truth in day.machines:
        rows += [(row_at, truth.machine.machine_id, row) for row_at, row in _log_rows(site, truth)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(MES_HEADER)
    writer.writerows(row for _, _, row in sorted(rows, key=lambda each: each[:2]))
    return text.getvalue().encode()


def _log_rows(site: Site, truth: MachineDay) -> Iterable[tuple[int, Row]]:
    name = truth.machine.machine_id

    def row(case: str | None, span: Span, activity: str, part: str, kind: str, *, made: Triple = (0, 0, 0)) -> Row:
        stamps = [_mes_stamp(site, at) for at in span]
        good, scrap, rework = made
        return [case or "no order", *stamps, f"{activity} - {name}", name, sum(made), part, "", kind, good, scrap, rework, ""]

    for (order, part, _), (made, first, last) in truth.counted.pieces.items():
        yield first, row(order, (first, last), "Moulding", part, "D", made=made)
    for stop in truth.trace.begun:
        reason = site.reasons[stop.reason_code]
        order, part = _order_at(truth, stop.start)
        if reason.category == "setup":
            yield stop.start, row(order, (stop.start, stop.end), reason.text, part, "S")
        elif reason.is_failure:
            yield stop.start, row(order, (stop.start, stop.end), reason.text, part, "B")


def _order_at(truth: MachineDay, at: int) -> tuple[str | None, str]:
    return [(order, part) for since, order, part in truth.trace.orders if since <= at][-1]


def confirmations(site: Site, rates: Rates, seed: int, day: Day, deferred: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Return the rows of the day's workbook (those deferred by the day before first) and the rows it leaves to the next day.

    Some rows come a day late; some are wrong and overwritten under their key the next day; some are wrong, reversed and confirmed anew.
    """
    rows, later = list(deferred), []
    chance = stream(seed, "confirmations", day.date)
    for truth in day.machines:
        for number, ((order, part, window_number), (made, first, last)) in enumerate(truth.counted.pieces.items(), 1):
            window = day.windows[window_number]
            place: dict[str, Cell] = {
                "confirmation_no": f"{day.date:%Y%m%d}-{truth.machine.machine_id}-{number:02}", "counter": 1, "order_no": order or "",
                "operation_no": "0010", "machine_id": truth.machine.machine_id, "material": part,
                "posting_date": window.shift_date.isoformat(), "start": wall(site, first), "finish": wall(site, last), "unit": "PC",
                "shift": window.shift_id,
            }
            row = _confirmation(place, made, chance.choice(SCRAP_REASONS))
            now, next_day = _as_confirmed(rates, place, row, made, chance.random())
            rows += now
            later += next_day
    return rows, later


def _confirmation(place: Mapping[str, Cell], made: Triple, reason: str) -> Row:
    good, scrap, rework = made
    quantities: dict[str, Cell] = {"yield_qty": good, "scrap_qty": scrap, "rework_qty": rework, "scrap_reason": reason if scrap else ""}
    full: dict[str, Cell] = {**place, **quantities}
    return [full.get(name, "") for name in CONFIRMATION_HEADER]


def _as_confirmed(rates: Rates, place: Mapping[str, Cell], row: Row, made: Triple, draw: float) -> tuple[list[Row], list[Row]]:
    """Return what is confirmed on the day and what on the next: as it is, late, wrong then overwritten, or wrong then reversed."""
    late = rates.late_confirmation_share
    corrected = late + rates.corrected_confirmation_share
    if draw < late:
        return [], [row]
    if draw >= corrected + rates.reversed_confirmation_share:
        return [row], []
    good, scrap, rework = made
    slipped = min(20, good)
    reason = str(row[CONFIRMATION_HEADER.index("scrap_reason")]) or SCRAP_REASONS[0]
    if draw < corrected:
        return [_confirmation(place, (good - slipped, scrap, rework), reason)], [row]
    number = str(place["confirmation_no"])
    wrong = _confirmation(place, (good + min(2, scrap), scrap - min(2, scrap), rework), reason)
    reversal = list(wrong)
    reversal[CONFIRMATION_HEADER.index("counter")] = 2
    reversal[-2:] = ["X", f"{number}/1"]
    again = list(row)
    again[CONFIRMATION_HEADER.index("counter")] = 3
    return [wrong], [reversal, again]


def workbook(rows: Iterable[Row]) -> bytes:
    """Return an xlsx with the sheet `Confirmations`; equal rows give equal bytes."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(SHEET)
    sheet.append(CONFIRMATION_HEADER)
    for row in rows:
        sheet.append(row)
    raw = io.BytesIO()
    book.save(raw)
    fixed = io.BytesIO()
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "docProps/core.xml":
                content = _STAMP.sub(rb"\g<1>2000-01-01T00:00:00Z", content)
            target.writestr(zipfile.ZipInfo(entry.filename, _FIXED), content, zipfile.ZIP_DEFLATED)
    return fixed.getvalue()


def object_keys(site_id: str, date: dt.date) -> tuple[str, str]:
    """Return the landing bucket's keys of a date's production log and workbook."""
    return f"mes-production-log/{site_id}/{date:%Y-%m-%d}.csv", f"confirmations/{site_id}/{date:%Y-%m-%d}.xlsx"
