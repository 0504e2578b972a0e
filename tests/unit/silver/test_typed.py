"""Cells to silver by a contract alone: what is read, what breaks a row and under which rule, and which of several versions counts."""

import datetime as dt
from decimal import Decimal

import pytest

from lakehouse.errors import KeyNotUniqueError
from lakehouse.model import Column, Table
from lakehouse.quality.keys import unique_on
from lakehouse.silver import typed, versions
from lakehouse.silver.site_terms import SiteTerms
from lakehouse.sources.contracts import BROKEN
from lakehouse.sources.fields import Reading, resolved
from lakehouse.spark.schema import struct_of
from lakehouse.tables.bronze import cell_table

BERLIN = {"s": SiteTerms("Europe/Berlin", None, frozenset())}
LANDED = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
TABLE = Table(
    layer="silver",
    name="sample",
    row="One sample.",
    key=("site_id", "sample_no"),
    columns=(
        Column("site_id", "string", "Site.", required=True),
        Column("sample_no", "string", "Key.", required=True),
        Column("piece_count", "int", "Pieces."),
        Column("weight_kg", "decimal(18,6)", "Weight."),
        Column("made_date", "date", "Day."),
        Column("made_at", "timestamp", "Instant."),
        Column("ended_at", "timestamp", "Instant in two fields."),
        Column("slot_hour", "int", "Hour."),
        Column("is_good", "boolean", "Good."),
        Column("kind", "string", "Kind."),
        Column("plant_code", "string", "Fixed."),
        Column("source_ref", "string", "Where from.", required=True),
        Column("landed_at", "timestamp", "When.", required=True),
    ),
    write="merge",
    writer="tests",
)
FIELDS = {
    "sample_no": "No",
    "piece_count": "Pieces",
    "weight_kg": {"column": "Weight", "decimal": ","},
    "made_date": {"column": "Day", "layouts": ["dd-MM-yyyy", "yyyy-MM-dd'T'HH:mm:ssXXX"]},
    "made_at": {"column": "At", "layouts": ["yyyy-MM-dd HH:mm"]},
    "ended_at": {"date": "EndDay", "time": "EndTime", "as": "instant", "date_layouts": ["yyyy-MM-dd"], "time_layouts": ["iso_duration"]},
    "slot_hour": {"column": "Hour", "as": "hour_of_day"},
    "is_good": {"column": "Good", "values": {"true": ["Yes"], "false": ["No"]}},
    "kind": {"column": "Kind", "as": "code", "values": {"1": "inbound", "2": "outbound"}},
    "plant_code": {"constant": "here"},
}
READINGS = resolved({name: Reading.model_validate(given) for name, given in FIELDS.items()}, TABLE)
GOOD = {
    "No": "A-1", "Pieces": "12", "Weight": "1.234,5", "Day": "01-12-2025", "At": "2026-01-15 10:30", "EndDay": "2026-07-01",
    "EndTime": "PT11H16M37S", "Hour": "1900-01-01 17:00:00", "Good": "yes", "Kind": "2",
}  # fmt: skip


def bronze(spark, *rows, landed=LANDED, sha="f1"):
    made = [(sha, "k", "s", "", number, cells, landed) for number, cells in enumerate(rows, start=1)]
    return spark.createDataFrame(made, struct_of(cell_table("sample_row", "a sample")))


def candidates(spark, *rows, **where):
    return typed.candidates(bronze(spark, *rows, **where), TABLE, READINGS, ["None"], None, BERLIN)


def told(frame):
    return [row.asDict() for row in frame.orderBy("row_no").collect()]


def test_a_good_row_is_read_as_declared(spark):
    (row,) = told(candidates(spark, GOOD))
    assert row["early_rule"] is None
    wanted = {
        "sample_no": "A-1", "piece_count": 12, "weight_kg": Decimal("1234.5"), "made_date": dt.date(2025, 12, 1), "slot_hour": 17,
        "is_good": True, "kind": "outbound", "plant_code": "here", "source_ref": "f1//1",
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted
    instants = candidates(spark, GOOD).selectExpr("unix_seconds(made_at) AS made", "unix_seconds(ended_at) AS ended").collect()[0]
    assert instants["made"] == dt.datetime(2026, 1, 15, 9, 30, tzinfo=dt.UTC).timestamp()
    assert instants["ended"] == dt.datetime(2026, 7, 1, 9, 16, 37, tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"Pieces": "12.5"}, "piece_count_format"),
        ({"Pieces": "None"}, None),
        ({"Weight": "1.234"}, "weight_kg_format"),
        ({"Weight": "1,2345678"}, "weight_kg_format"),
        ({"Day": "2016-09-21T09:00:00+09:00"}, None),
        ({"Day": "2016-09-21T10:00:00+09:00"}, "made_date_format"),
        ({"Day": "31-02-2025"}, "made_date_format"),
        ({"At": "2026-01-15 35:00"}, "made_at_format"),
        ({"At": "2026-03-29 02:30"}, "nonexistent_local_time"),
        ({"At": "2026-10-25 02:30"}, "ambiguous_local_time"),
        ({"EndTime": "PT24H00M00S"}, "ended_at_format"),
        ({"EndTime": None}, "ended_at_format"),
        ({"Hour": "1900-01-01 17:30:00"}, "slot_hour_format"),
        ({"Good": "perhaps"}, "is_good_format"),
        ({"Kind": "3"}, "kind_format"),
        ({"No": " "}, "sample_no_missing"),
        ({BROKEN: "columns"}, "columns"),
    ],
)
def test_what_cannot_be_read_breaks_the_row(spark, changed, rule):
    cells = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    (row,) = told(candidates(spark, cells))
    assert row["early_rule"] == rule


def silver(frame):
    return frame.select(*TABLE.column_names)


def fates(passed, known, taken_back=None):
    none = passed.where("false")
    return versions.told(passed, none.select(*TABLE.column_names) if known is None else known, TABLE, none if taken_back is None else taken_back)


def shown(judged):
    return [(row["sample_no"], row["fate"]) for row in told(judged)]


def test_the_row_that_arrived_last_counts(spark):
    later = LANDED + dt.timedelta(seconds=1)
    first = fates(candidates(spark, GOOD, {**GOOD, "No": "A-2"}, {**GOOD, "No": "A-2", "Pieces": "13"}, {**GOOD, "No": "A-1"}), None)
    assert shown(first) == [("A-1", "duplicate"), ("A-2", "superseded"), ("A-2", "kept"), ("A-1", "kept")]
    known = silver(first.where("fate = 'kept'")).localCheckpoint()
    again = fates(candidates(spark, GOOD, {**GOOD, "No": "A-2", "Pieces": "14"}, landed=later, sha="f2"), known)
    assert shown(again) == [("A-1", "duplicate"), ("A-2", "kept")]
    newer = silver(again.where("fate = 'kept'")).localCheckpoint()
    assert shown(fates(candidates(spark, {**GOOD, "No": "A-2", "Pieces": "13"}), newer)) == [("A-2", "superseded")]


def test_a_row_that_takes_back_is_told_and_its_key_never_counts_again(spark):
    flags = {"Good": ["No"], "Kind": ["1"]}
    sent = bronze(spark, GOOD, {**GOOD, "No": "A-2", "Good": "No"}, {**GOOD, "No": "A-3", "Kind": "1"}, {**GOOD, "No": " ", "Good": "No"})
    found = typed.candidates(sent, TABLE, READINGS, ["None"], None, BERLIN, {}, flags)
    assert [row["takes_back"] for row in told(found)] == [False, True, True, False]
    taken_back = found.where("takes_back").select(*TABLE.key)
    assert shown(fates(candidates(spark, GOOD, {**GOOD, "No": "A-2"}), None, taken_back)) == [("A-1", "kept"), ("A-2", "superseded")]
    known = silver(candidates(spark, GOOD, {**GOOD, "No": "A-2"}))
    refused = found.where("early_rule IS NOT NULL")
    assert [row["sample_no"] for row in versions.leaving(known, refused, TABLE, taken_back).collect()] == ["A-2"]


def test_a_join_on_what_is_no_key_is_refused_by_name(spark):
    rows = spark.createDataFrame([("s", "A", 1), ("s", "A", 2), ("s", "B", 3)], "site_id string, sample_no string, n int")
    with pytest.raises(KeyNotUniqueError, match=r"E_KEY_NOT_UNIQUE silver.sample: .* site_id s, sample_no A has 2 rows"):
        unique_on(rows, TABLE)
    assert unique_on(rows, TABLE, ["site_id", "n"]).count() == 3
