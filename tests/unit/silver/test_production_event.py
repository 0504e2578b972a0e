from datetime import UTC, datetime
from decimal import Decimal

from lakehouse.quality.rules import split
from lakehouse.silver import production_event, versions
from lakehouse.silver.site_terms import SiteTerms
from lakehouse.sources.contracts import BROKEN, load_sources
from lakehouse.spark.schema import shaped
from lakehouse.tables.bronze import MES_PRODUCTION_LOG
from lakehouse.tables.silver import PRODUCTION_EVENT

LAYOUTS = load_sources().contract("mes-production-log").timestamp_layouts
LANDED = datetime(2026, 11, 21, 12, tzinfo=UTC)
SITES = {
    "open": SiteTerms("UTC", None, frozenset({"day"})),
    "demo": SiteTerms("Europe/Berlin", frozenset({"M01"}), frozenset({"early"})),
}
GOOD = {
    "Case ID": "Case 1", "Start Timestamp": "2012/1/29 23:24:00", "Complete Timestamp": "2012/1/30 5:43:00", "Activity": "Turning",
    "Resource": "Machine 4 - Turning & Milling", "Work Order  Qty": "10", "Part Desc.": "Cable Head", "Worker ID": "ID1", "Report Type": "D",
    "Qty Completed": "1", "Qty Rejected": "0", "Qty for MRB": "0",
}  # fmt: skip


def rows(spark, *cells, site="open", sha="f1"):
    schema = ", ".join(f"{column.name} {column.type}" for column in MES_PRODUCTION_LOG.columns)
    return spark.createDataFrame([(sha, f"mes-production-log/{site}/a.csv", site, "", n, each, LANDED) for n, each in enumerate(cells, 1)], schema)


def candidates(spark, *cells, site="open", sha="f1"):
    return production_event.candidates(rows(spark, *cells, site=site, sha=sha), LAYOUTS, SITES)


def reviewed(spark, *cells, site="open"):
    kept, refused = split(candidates(spark, *cells, site=site), PRODUCTION_EVENT)
    return kept.collect(), refused.collect()


def test_good_row_is_typed(spark):
    (event,), refused = reviewed(spark, {**GOOD, "Rework": "Y", "Qty Rejected": " 2 "})
    assert not refused
    assert (event["machine_id"], event["order_no"], event["event_type"]) == ("Machine 4 - Turning & Milling", "Case 1", "production")
    assert (event["start_at"], event["end_at"]) == (datetime(2012, 1, 29, 23, 24), datetime(2012, 1, 30, 5, 43))
    assert (event["completed_qty"], event["rejected_qty"], event["is_rework"]) == (Decimal(1), Decimal(2), True)
    assert event["source_ref"] == "f1//1"


def test_candidates_have_every_declared_column(spark):
    assert shaped(candidates(spark, GOOD), PRODUCTION_EVENT).columns == list(PRODUCTION_EVENT.column_names)


BAD = [
    ({"Start Timestamp": "24:00.0"}, "timestamp_format"),
    ({"Complete Timestamp": ""}, "timestamp_format"),
    ({"Complete Timestamp": "2012/2/30 5:43:00"}, "timestamp_format"),
    ({"Complete Timestamp": "2012/1/29 23:23:59"}, "interval"),
    ({"Start Timestamp": "1912/1/29 23:24:00"}, "ts_range"),
    ({"Complete Timestamp": "2036/1/29 23:24:00"}, "ts_range"),
    ({"Qty Completed": "-1"}, "quantity_range"),
    ({"Qty Completed": "1e3"}, "quantity_range"),
    ({"Qty Completed": "1,5"}, "quantity_range"),
    ({"Qty Completed": "١٢"}, "quantity_range"),
    ({"Qty Rejected": "NaN"}, "quantity_range"),
    ({"Qty for MRB": ""}, "quantity_range"),
    ({"Qty Completed": "99999999999999999999"}, "quantity_range"),
    ({"Report Type": "X"}, "event_type"),
    ({"Resource": ""}, "unknown_machine"),
    ({"Resource": "=cmd|x"}, "unknown_machine"),
    ({BROKEN: "columns"}, "columns"),
]


def test_bad_rows_have_their_rule_and_good_neighbours_stay(spark):
    kept, refused = reviewed(spark, *({**GOOD, **change} for change, _ in BAD), GOOD)
    found = {int(each["origin"].rsplit("/", 1)[1]): each["rule"] for each in refused}
    assert found == {number: rule for number, (_, rule) in enumerate(BAD, 1)}
    assert [each["source_ref"] for each in kept] == [f"f1//{len(BAD) + 1}"]
    assert all("Case 1" in each["raw"] for each in refused)


def test_unknown_machine_where_machines_are_listed(spark):
    kept, refused = reviewed(spark, GOOD, {**GOOD, "Resource": "M01"}, site="demo")
    assert [each["machine_id"] for each in kept] == ["M01"]
    assert [each["rule"] for each in refused] == ["unknown_machine"]


WALL_CLOCK = [
    ("2026/7/1 6:00:00", "2026/7/1 7:00:00", datetime(2026, 7, 1, 4)),
    ("2026/1/1 6:00:00", "2026/1/1 7:00:00", datetime(2026, 1, 1, 5)),
    ("2026/3/29 2:30:00", "2026/3/29 4:00:00", "nonexistent_local_time"),
    ("2026/10/25 1:00:00", "2026/10/25 2:30:00", "ambiguous_local_time"),
    ("2026/10/25 2:30:00", "2026/10/25 4:30:00", "ambiguous_local_time"),
    ("2026/10/25 2:30:00+02:00", "2026/10/25 2:30:00+01:00", datetime(2026, 10, 25, 0, 30)),
]


def test_wall_clock_of_the_site(spark):
    sent = [{**GOOD, "Resource": "M01", "Start Timestamp": start, "Complete Timestamp": end} for start, end, _ in WALL_CLOCK]
    kept, refused = reviewed(spark, *sent, site="demo")
    found = {each["origin"]: each["start_at"] for each in kept} | {each["origin"]: each["rule"] for each in refused}
    assert found == {f"f1//{number}": expected for number, (_, _, expected) in enumerate(WALL_CLOCK, 1)}


def fresh(kept, known):
    taken_back = known.limit(0)
    return versions.told(kept, known, PRODUCTION_EVENT, taken_back).where("fate = 'kept'")


def test_identical_rows_of_one_file_are_all_kept(spark):
    kept, _ = split(candidates(spark, GOOD, GOOD, GOOD), PRODUCTION_EVENT)
    known = shaped(kept, PRODUCTION_EVENT)
    assert fresh(kept, known.limit(0)).count() == 3
    assert fresh(kept, known).count() == 0


def test_same_rows_in_another_file_are_known(spark):
    more = {**GOOD, "Qty Completed": "7"}
    known = shaped(candidates(spark, GOOD, GOOD), PRODUCTION_EVENT)
    kept, _ = split(candidates(spark, more, GOOD, GOOD, GOOD, sha="f2"), PRODUCTION_EVENT)
    new = fresh(kept, known).collect()
    assert sorted(each["completed_qty"] for each in new) == [Decimal(1), Decimal(7)]


def test_two_files_at_once_give_a_row_once(spark):
    both = candidates(spark, GOOD).unionByName(candidates(spark, GOOD, sha="f2"))
    kept, _ = split(both, PRODUCTION_EVENT)
    assert fresh(kept, shaped(kept, PRODUCTION_EVENT).limit(0)).count() == 1
