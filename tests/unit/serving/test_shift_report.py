import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest

from lakehouse.serving.shift_report import HEADER, SHOWN_LOSSES, ShiftReport, as_csv, as_html, measures, site_row

D = Decimal
MADE_OF = {
    "oee": ("earned_good_s", "pbt_s"),
    "availability": ("run_s", "pbt_s"),
    "performance": ("earned_produced_s", "run_s"),
    "quality": ("gq_count", "pq_count"),
}


def machine(name, good="14400", pbt="28800", run="21600", produced="18000", gq="90", pq="100", **changed):
    values = {"earned_good_s": good, "pbt_s": pbt, "run_s": run, "earned_produced_s": produced, "gq_count": gq, "pq_count": pq}
    figures = {key: None if value is None else D(value) for key, value in values.items()}
    found = {"machine_id": name, **figures, "is_provisional": False, "flags": "", "missing_master_data": "", "revision": 7}
    for view, (top, bottom) in MADE_OF.items():
        known = figures[top] is not None and figures[bottom]
        found |= {f"{view}_ratio": figures[top] / figures[bottom] if known else None, f"{view}_null_reason": None}
    return {**found, "as_of": datetime(2026, 11, 20, 13, 5, tzinfo=UTC), **changed}


def loss(number, text="Hydraulic fault"):
    return {"category": "unplanned_stop", "reason_code": f"B{number}", "reason_text": text, "downtime_s": D(6000 - number), "event_count": 2}


REPORT = ShiftReport(
    "demo", date(2026, 11, 20), "early", datetime(2026, 11, 20, 5, tzinfo=UTC), datetime(2026, 11, 20, 13, tzinfo=UTC), ZoneInfo("Europe/Berlin"),
    [machine("M01"), machine("M02", good="7200")], [loss(1)],
    [{"machine_id": "M03", "reason_code": None, "reason_text": None, "event_start_at": datetime(2026, 11, 20, 12, tzinfo=UTC), "open_s": D(3600)}],
    [{"silver_table": "machine_count", "rule": "ts_range", "site_id": None, "refused": 3}],
)  # fmt: skip


def rows(report, section):
    return [row for row in csv.DictReader(io.StringIO(as_csv(report))) if row["section"] == section]


def one(report, item, measure):
    (found,) = [row for row in rows(report, "ratio") if (row["item"], row["measure"]) == (item, measure)]
    return found


class Text(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.words, self.tags = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.words.append(data)


def test_the_sites_line_is_sums_over_sums_not_a_mean_of_ratios():
    uneven = [machine("M01", good="100", pbt="100"), machine("M02", good="0", pbt="900")]
    total = site_row(uneven)
    assert (total["earned_good_s"], total["pbt_s"], total["oee_ratio"]) == (100, 1000, D("0.1"))


def test_each_ratio_stands_beside_what_it_is_made_of():
    found = {each.name: (each.value, each.numerator, each.denominator, each.unit) for each in measures(machine("M01"))}
    assert found["OEE"] == (D("0.5"), 14400, 28800, "s")
    assert found["Quality"] == (D("0.9"), 90, 100, "pieces")
    csv_row = one(REPORT, "M01", "OEE")
    assert (csv_row["value"], csv_row["numerator"], csv_row["denominator"], csv_row["unit"]) == ("0.5", "14400", "28800", "s")
    assert "14,400 / 28,800 s" in Text(as_html(REPORT)).words


def test_a_missing_cycle_makes_the_sites_figure_null_with_its_reason_never_zero():
    missing = dict.fromkeys(("oee_null_reason", "performance_null_reason"), "MISSING_MASTER_DATA")
    gap = machine("M02", good=None, produced=None, missing_master_data="P-9", **missing)
    report = replace(REPORT, machines=[machine("M01"), gap])
    for item in ("M02", "all"):
        row = one(report, item, "OEE")
        assert (row["value"], row["numerator"], row["null_reason"]) == ("", "", "MISSING_MASTER_DATA")
    assert one(report, "all", "Availability")["value"] == "0.75"
    page = Text(as_html(report)).words
    assert "MISSING_MASTER_DATA" in page
    assert "not known / 28,800 s" in page


def test_machines_whose_sources_contradict_each_other_are_left_out_and_counted():
    wrong = machine("M02", good="9999", oee_ratio=None, oee_null_reason="CONTRACT_VIOLATION")
    total = one(replace(REPORT, machines=[machine("M01"), wrong]), "all", "OEE")
    assert (total["value"], total["remark"]) == ("0.5", "1 machines left out: their sources contradict each other")
    alone = one(replace(REPORT, machines=[wrong]), "all", "OEE")
    assert (alone["value"], alone["null_reason"]) == ("", "CONTRACT_VIOLATION")


@pytest.mark.parametrize(
    ("figures", "measure", "reason"),
    [
        ({"pbt": "0", "good": "0"}, "OEE", "NO_PLANNED_TIME"),
        ({"run": "0"}, "Performance", "NO_RUN_TIME"),
        ({"gq": "0", "pq": "0"}, "Quality", "NO_OUTPUT"),
    ],
)
def test_nothing_over_nothing_is_null_with_its_reason(figures, measure, reason):
    total = one(replace(REPORT, machines=[machine("M01", **figures)]), "all", measure)
    assert (total["value"], total["null_reason"]) == ("", reason)


def test_the_page_says_that_it_shows_some_losses_and_the_table_has_all():
    report = replace(REPORT, losses=[loss(number, f"reason {number}") for number in range(SHOWN_LOSSES + 3)])
    assert len(rows(report, "loss")) == SHOWN_LOSSES + 3
    page = Text(as_html(report)).words
    assert f"reason {SHOWN_LOSSES - 1}" in page and f"reason {SHOWN_LOSSES}" not in page
    assert any(f"the {SHOWN_LOSSES} greatest of {SHOWN_LOSSES + 3}" in words for words in page)


def test_open_stops_and_refused_rows_are_there_with_what_is_not_known():
    (stop,), (refused,) = rows(REPORT, "open stop"), rows(REPORT, "quarantine")
    assert (stop["item"], stop["measure"], stop["value"], stop["remark"]) == ("M03", "no reason given", "3600", "since 2026-11-20T12:00:00Z")
    assert (refused["item"], refused["measure"], refused["value"], refused["remark"]) == ("machine_count", "ts_range", "3", "site not readable")
    assert "none" in Text(as_html(replace(REPORT, open_stops=[]))).words


def test_what_the_plant_wrote_is_text_in_both():
    report = replace(REPORT, losses=[loss(1, "=HYPERLINK(1)"), loss(2, "<script>alert(1)</script>"), loss(3, "-3")])
    assert [row["item"] for row in rows(report, "loss")] == ["'=HYPERLINK(1)", "<script>alert(1)</script>", "-3"]
    page = Text(as_html(report))
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.words


def test_the_plants_wall_clock_heads_the_page_and_provisional_rows_say_so():
    report = replace(REPORT, machines=[machine("M01", is_provisional=True, flags="P_GT_1")])
    words = " ".join(Text(as_html(report)).words)
    assert "2026-11-20 06:00 to 2026-11-20 14:00 (Europe/Berlin)" in words
    assert "provisional P_GT_1" in words


def test_the_key_names_site_date_and_shift_and_no_name_leaves_its_place():
    assert REPORT.key("html") == "reports/demo/2026-11-20/early.html"
    assert replace(REPORT, shift_id="../a/b#1").key("csv") == "reports/demo/2026-11-20/..%2Fa%2Fb%231.csv"


def test_the_table_has_one_shape():
    assert {tuple(row) for row in csv.DictReader(io.StringIO(as_csv(REPORT)))} == {HEADER}
