"""The report of one shift of one site: a page to hand over and a table to calculate with, the same figures in both. Texts only.

Each ratio stands beside its numerator and denominator; what is NULL says why. Nothing is averaged: the site's line is sums over sums.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Any
from urllib.parse import quote

Row = Mapping[str, Any]
RATIOS = (
    ("OEE", "earned_good_s", "pbt_s", "oee", "s"),
    ("Availability", "run_s", "pbt_s", "availability", "s"),
    ("Performance", "earned_produced_s", "run_s", "performance", "s"),
    ("Quality", "gq_count", "pq_count", "quality", "pieces"),
)
SUMMED = ("earned_good_s", "pbt_s", "run_s", "earned_produced_s", "gq_count", "pq_count")
SHOWN_LOSSES = 10
VIOLATION = "CONTRACT_VIOLATION"
STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
HEADER = ("section", "item", "measure", "value", "numerator", "denominator", "unit", "null_reason", "remark")
STYLE = (
    "body{font:15px/1.4 system-ui,sans-serif;margin:2em;color:#222}table{border-collapse:collapse;margin:0 0 2em}"
    "th,td{padding:.3em .8em;border-bottom:1px solid #ccc;text-align:left;vertical-align:top}td.n{text-align:right}small{color:#666}"
)


@dataclass(frozen=True)
class ShiftReport:
    """What is known of one shift of one site.

    Attributes:
        start_at: start of the shift (UTC).
        end_at: its end (UTC).
        zone: IANA zone of the plant's wall clock.
        machines: rows of `oee_by_shift` with `run_s` and `availability_null_reason`.
        losses: time lost by reason over all machines, the greatest first.
        open_stops: stops that had not ended when gold was published.
        quarantine: rows refused while the shift ran, by table and rule.
    """

    site_id: str
    shift_date: dt.date
    shift_id: str
    start_at: dt.datetime
    end_at: dt.datetime
    zone: dt.tzinfo
    machines: Sequence[Row]
    losses: Sequence[Row]
    open_stops: Sequence[Row]
    quarantine: Sequence[Row]

    def key(self, ending: str) -> str:
        """Return the object's key in the lake bucket; characters of names that a key would read as its own are escaped."""
        return f"reports/{quote(self.site_id, safe='')}/{self.shift_date}/{quote(self.shift_id, safe='')}.{ending}"


@dataclass(frozen=True)
class Measure:
    """One ratio with what it is made of; `null_reason` says why there is none."""

    name: str
    value: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None
    unit: str
    null_reason: str


def measures(row: Row) -> list[Measure]:
    """Return OEE, availability, performance and quality of a machine, or of the site, as the view says them."""
    return [
        Measure(name, row[f"{view}_ratio"], row[numerator], row[denominator], unit, row[f"{view}_null_reason"] or "")
        for name, numerator, denominator, view, unit in RATIOS
    ]


def site_row(machines: Iterable[Row]) -> Row:
    """Return the site's line: sums over its machines, then ratios. Machines whose sources contradict each other are left out and counted."""
    rows = list(machines)
    believed = [row for row in rows if row["oee_null_reason"] != VIOLATION]
    sums = {name: _sum([row[name] for row in believed]) for name in SUMMED}
    found: dict[str, Any] = {"machine_id": "all", "excluded": len(rows) - len(believed), **sums}
    for _, numerator, denominator, view, _ in RATIOS:
        reason = _null_reason(sums, numerator, denominator, believed=bool(believed))
        found[f"{view}_null_reason"] = reason
        found[f"{view}_ratio"] = None if reason else sums[numerator] / sums[denominator]
    return found


def _sum(values: Sequence[Decimal | None]) -> Any:
    """Return the sum, None when a value is not known."""
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if len(known) == len(values) else None


def _null_reason(sums: Mapping[str, Any], numerator: str, denominator: str, *, believed: bool) -> str:
    if not believed:
        return VIOLATION
    if not sums["pbt_s"]:
        return "NO_PLANNED_TIME"
    if not sums[denominator]:
        return "NO_RUN_TIME" if denominator == "run_s" else "NO_OUTPUT"
    return "MISSING_MASTER_DATA" if sums[numerator] is None else ""


def as_csv(report: ShiftReport) -> str:
    """Return all of it as one table, a figure a line, without any limit; texts that a spreadsheet would evaluate are quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for row in (site_row(report.machines), *report.machines):
        for each in measures(row):
            writer.writerow(
                _cells("ratio", row["machine_id"], each.name, each.value, each.numerator, each.denominator, each.unit, each.null_reason, _remark(row))
            )
    for row in report.losses:
        writer.writerow(_cells("loss", reason_of(row), row["category"], row["downtime_s"], "", "", "s", "", f"{row['event_count']} events began"))
    for row in report.open_stops:
        since = f"since {row['event_start_at']:%FT%TZ}"
        writer.writerow(_cells("open stop", row["machine_id"], reason_of(row), row["open_s"], "", "", "s", "", since))
    for row in report.quarantine:
        writer.writerow(_cells("quarantine", row["silver_table"], row["rule"], row["refused"], "", "", "rows", "", _site_remark(row)))
    return out.getvalue()


def _cells(*values: object) -> list[str]:
    texts = ("" if value is None else f"{value:f}" if isinstance(value, Decimal) else value for value in values)
    return [f"'{text}" if isinstance(text, str) and text.startswith(STARTS_A_FORMULA) and not _is_number(text) else str(text) for text in texts]


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdecimal()


def reason_of(row: Row) -> str:
    """Return a stop's reason in the plant's words, or that none was given."""
    return str(row["reason_text"] or row["reason_code"] or "no reason given")


def _site_remark(row: Row) -> str:
    return "" if row["site_id"] else "site not readable"


def _remark(row: Row) -> str:
    if "excluded" in row:
        return f"{row['excluded']} machines left out: their sources contradict each other" if row["excluded"] else ""
    provisional = ["provisional"] if row["is_provisional"] else []
    return " ".join([*provisional, row["flags"] or "", row["missing_master_data"] or ""]).strip()


def as_html(report: ShiftReport) -> str:
    """Return it as a page that needs nothing but itself."""
    local = [each.astimezone(report.zone) for each in (report.start_at, report.end_at)]
    title = f"{report.site_id}, shift {report.shift_id} of {report.shift_date}"
    known = f"As known at {max(row['as_of'] for row in report.machines):%F %T} UTC, revision {max(row['revision'] for row in report.machines)}."
    machines = [_machine_cells(row) for row in (site_row(report.machines), *report.machines)]
    shown = report.losses[:SHOWN_LOSSES]
    of = f"the {len(shown)} greatest of {len(report.losses)}; all are in the table beside this page" if len(shown) < len(report.losses) else "all"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{local[0]:%F %R} to {local[1]:%F %R} ({escape(str(report.zone))}). <small>{known}</small></p>",
        _table("OEE", ("machine", *(name for name, *_ in RATIOS), "remarks"), machines),
        _table(f"Time lost ({of})", ("reason", "category", "minutes", "events that began"), [_loss_cells(row) for row in shown]),
        _table("Stops still open", ("machine", "reason", "since (UTC)", "minutes in this shift"), [_stop_cells(row) for row in report.open_stops]),
        _table("Refused rows while the shift ran", ("table", "rule", "rows", ""), [_refused_cells(row) for row in report.quarantine]),
    ]
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style></head>'
    return f"{head}<body>{''.join(parts)}</body></html>\n"


def _table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return f"<h2>{escape(title)}</h2><p>none</p>"
    head = "".join(f"<th>{escape(each)}</th>" for each in headings)
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return f"<h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _machine_cells(row: Row) -> list[str]:
    return [_text(row["machine_id"]), *(_ratio(each) for each in measures(row)), _text(_remark(row))]


def _ratio(each: Measure) -> str:
    made_of = f"{_number(each.numerator)} / {_number(each.denominator)} {each.unit}"
    shown = each.null_reason or "NULL" if each.value is None else f"{100 * each.value:.1f} %"
    return f'<td class="n">{escape(shown)}<br><small>{escape(made_of)}</small></td>'


def _loss_cells(row: Row) -> list[str]:
    return [_text(reason_of(row)), _text(row["category"]), _minutes(row["downtime_s"]), f'<td class="n">{row["event_count"]}</td>']


def _stop_cells(row: Row) -> list[str]:
    return [_text(row["machine_id"]), _text(reason_of(row)), _text(f"{row['event_start_at']:%F %T}"), _minutes(row["open_s"])]


def _refused_cells(row: Row) -> list[str]:
    return [_text(row["silver_table"]), _text(row["rule"]), f'<td class="n">{row["refused"]}</td>', _text(_site_remark(row))]


def _text(value: object) -> str:
    return f"<td>{escape(str(value))}</td>"


def _minutes(seconds: Decimal) -> str:
    return f'<td class="n">{seconds / 60:.1f}</td>'


def _number(value: Decimal | None) -> str:
    return "not known" if value is None else f"{value:,.0f}"
