from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import reduce

from pyspark.sql import DataFrame

from lakehouse.quality.rules import split
from lakehouse.silver import confirmation, versions
from lakehouse.silver.site_terms import SiteTerms
from lakehouse.sources.contracts import BROKEN, load_sources
from lakehouse.spark.schema import shaped
from lakehouse.tables.bronze import CONFIRMATION_SHEET
from lakehouse.tables.silver import CONFIRMATION

CONTRACT = load_sources().contract("confirmations")
GENERIC, MOLDING = CONTRACT.profile("demo"), CONTRACT.profile("molding")
COMMA = GENERIC.model_copy(update={"decimal": ","})
LANDED = datetime(2026, 11, 21, 12, tzinfo=UTC)
SITES = {
    "demo": SiteTerms("Europe/Berlin", frozenset({"M01"}), frozenset({"early", "late"})),
    "molding": SiteTerms("UTC", None, frozenset({"1", "2", "3"})),
}
GOOD = {
    "confirmation_no": "C1", "counter": "1", "order_no": "O1", "operation_no": "10", "machine_id": "M01", "material": "P-100",
    "posting_date": "2026-11-20", "start": "2026-11-20T06:00:00", "finish": "2026-11-20T14:00:00", "yield_qty": "98", "scrap_qty": "2",
    "rework_qty": "0", "scrap_reason": "S1", "unit": "PC", "shift": "early",
}  # fmt: skip
REPORT = {
    "recordDate": "2018-11-01", "workingShift": "1", "machineNo": "NO.01", "itemCode": "26001122M", "poNote": "IM1811001", "moldNo": "14000CBQ-M-001",
    "moldShot": "1242", "moldCavity": "8", "itemTotalQuantity": "9936", "itemGoodQuantity": "9620", "itemCrack": "16", "otherNG": "300",
}  # fmt: skip
IDLE = {"recordDate": "2018-11-01", "workingShift": "1", "machineNo": "NO.09", "machineCode": "MD130S-001"}


def rows(spark, *cells, site="demo", sha="f1", at=LANDED):
    schema = ", ".join(f"{column.name} {column.type}" for column in CONFIRMATION_SHEET.columns)
    return spark.createDataFrame([(sha, f"confirmations/{site}/a.xlsx", site, "S", n, each, at) for n, each in enumerate(cells, 1)], schema)


def reviewed(spark, *cells, site="demo", profile=GENERIC):
    kept, refused = split(confirmation.candidates(rows(spark, *cells, site=site), profile, SITES), CONFIRMATION)
    return kept.collect(), {int(each["origin"].rsplit("/", 1)[1]): each["rule"] for each in refused.collect()}


def test_generic_row_is_typed(spark):
    (row,), refused = reviewed(spark, GOOD)
    assert not refused
    assert (row["confirmation_key"], row["posting_date"], row["shift_id"]) == ("C1/1", date(2026, 11, 20), "early")
    assert (row["start_at"], row["end_at"]) == (datetime(2026, 11, 20, 5), datetime(2026, 11, 20, 13))
    assert (row["total_qty"], row["good_qty"], row["scrap_qty"], row["is_idle"]) == (100, 98, 2, False)
    assert row["scrap_by_reason"] == {"S1": Decimal(2)}
    assert row["source_ref"] == "f1/S/1"


def test_molding_rows_are_typed(spark):
    found, refused = reviewed(spark, REPORT, IDLE, REPORT, site="molding", profile=MOLDING)
    assert not refused
    made, idle, again = sorted(found, key=lambda row: row["row_no"])
    assert (made["shot_count"], made["cavity_count"], made["tool_no"], made["part_no"]) == (1242, 8, "14000CBQ-M-001", "26001122M")
    assert (made["total_qty"], made["good_qty"], made["scrap_qty"]) == (9936, 9620, 316)
    assert made["scrap_by_reason"] == {"itemCrack": Decimal(16), "otherNG": Decimal(300)}
    assert (idle["is_idle"], idle["total_qty"], idle["order_no"], idle["machine_id"]) == (True, 0, None, "NO.09")
    assert (made["confirmation_key"][-2:], again["confirmation_key"][-2:]) == ("/1", "/2")


BAD = [
    ({"posting_date": "20/11/2026"}, "posting_date_format"),
    ({"posting_date": ""}, "posting_date_format"),
    ({"posting_date": "2026-11-20T06:00:00"}, "posting_date_format"),
    ({"posting_date": "60"}, "posting_date_format"),
    ({"posting_date": "1918-11-01"}, "ts_range"),
    ({"posting_date": "2036-11-01"}, "ts_range"),
    ({"start": "25:05"}, "timestamp_format"),
    ({"start": "2026-11-20T15:00:00"}, "interval"),
    ({"start": "2026-10-25T02:30:00"}, "ambiguous_local_time"),
    ({"start": "2026-03-29T02:30:00"}, "nonexistent_local_time"),
    ({"yield_qty": "-5"}, "quantity_range"),
    ({"yield_qty": ""}, "quantity_range"),
    ({"yield_qty": "#DIV/0!"}, "quantity_range"),
    ({"scrap_qty": "two"}, "quantity_range"),
    ({"machine_id": "M99"}, "unknown_machine"),
    ({"shift": "graveyard"}, "unknown_shift"),
    ({"counter": ""}, "key"),
    ({BROKEN: "columns"}, "columns"),
    ({"reversal_flag": "X"}, None),
]


def test_bad_rows_have_their_rule(spark):
    sent = [{**GOOD, "confirmation_no": f"C{number}", **change} for number, (change, _) in enumerate(BAD, 1)]
    _, refused = reviewed(spark, *sent)
    assert refused == {number: rule for number, (_, rule) in enumerate(BAD, 1) if rule}


def test_molding_sum_must_hold(spark):
    _, refused = reviewed(spark, {**REPORT, "otherNG": "299"}, {**REPORT, "itemGoodQuantity": ""}, site="molding", profile=MOLDING)
    assert refused == {1: "quantity_sum", 2: "quantity_range"}


def test_other_ways_to_write_a_date(spark):
    written = [("46346", "46346.25"), ("20.11.2026", "20.11.2026 06:00"), ("2026-11-20T00:00:00", "2026-11-20T06:00:00+01:00")]
    sent = [{**GOOD, "counter": str(n), "posting_date": day, "start": start} for n, (day, start) in enumerate(written)]
    found, refused = reviewed(spark, *sent)
    assert not refused
    assert {(row["posting_date"], row["start_at"]) for row in found} == {(date(2026, 11, 20), datetime(2026, 11, 20, 5))}


def test_decimal_comma(spark):
    numbers = ["98,5", "1.234,5", "12", "1.234"]
    found, refused = reviewed(spark, *({**GOOD, "counter": str(n), "yield_qty": text} for n, text in enumerate(numbers)), profile=COMMA)
    assert sorted(row["good_qty"] for row in found) == [Decimal(12), Decimal("98.5"), Decimal("1234.5")]
    assert refused == {4: "quantity_range"}


def _fates(spark, known, *parts):
    """Compare as landing does; returns fates, and what leaves and what is replaced in silver."""
    both = reduce(DataFrame.unionByName, parts)
    kept, refused = split(confirmation.candidates(both, GENERIC, SITES), CONFIRMATION)
    taken_back = confirmation.reversals(both, GENERIC)
    judged = versions.told(kept, known, CONFIRMATION, taken_back).cache()
    fates = {row["source_ref"]: row["fate"] for row in judged.collect()}
    gone = versions.leaving(known, refused, CONFIRMATION, taken_back).collect()
    replaced = known.join(judged.where("fate = 'kept'"), list(CONFIRMATION.key), "left_semi").collect()
    return fates, *([(row["confirmation_key"], row["good_qty"]) for row in found] for found in (gone, replaced))


def _silver(spark, *cells, sha="f0", at=LANDED):
    kept, _ = split(confirmation.candidates(rows(spark, *cells, sha=sha, at=at), GENERIC, SITES), CONFIRMATION)
    return shaped(kept, CONFIRMATION).cache()


def row_of(number, **change):
    return {**GOOD, "confirmation_no": number, **change}


def test_equal_changed_and_new_rows(spark):
    known = _silver(spark, row_of("A"), row_of("B"))
    fates, gone, replaced = _fates(spark, known, rows(spark, row_of("A"), row_of("B", yield_qty="50"), row_of("C")))
    assert fates == {"f1/S/1": "duplicate", "f1/S/2": "kept", "f1/S/3": "kept"}
    assert (gone, replaced) == ([], [("B/1", Decimal(98))])


def test_the_file_that_arrived_last_counts(spark):
    early = rows(spark, row_of("A", yield_qty="1"), row_of("B"), sha="f1")
    late = rows(spark, row_of("A", yield_qty="2"), row_of("B"), sha="f2", at=LANDED + timedelta(microseconds=1))
    fates, _, _ = _fates(spark, _silver(spark, row_of("Z")), late, early)
    assert fates == {"f1/S/1": "superseded", "f1/S/2": "duplicate", "f2/S/1": "kept", "f2/S/2": "kept"}


def test_an_old_file_conformed_again_replaces_nothing_that_came_later(spark):
    known = _silver(spark, row_of("A", yield_qty="2"), at=LANDED + timedelta(microseconds=1))
    fates, gone, replaced = _fates(spark, known, rows(spark, row_of("A", yield_qty="1"), row_of("B")))
    assert (fates, gone, replaced) == ({"f1/S/1": "superseded", "f1/S/2": "kept"}, [], [])


def test_a_row_that_is_refused_by_now_leaves(spark):
    known = _silver(spark, row_of("A"), row_of("B"), sha="f1")
    fates, gone, _ = _fates(spark, known, rows(spark, row_of("A", machine_id="M99"), row_of("B")))
    assert (fates, gone) == ({"f1/S/2": "duplicate"}, [("A/1", Decimal(98))])


def test_reversal_takes_back_what_is_in_silver_and_what_comes_later(spark):
    known = _silver(spark, row_of("A"), row_of("B", counter="2"))
    sent = rows(
        spark,
        row_of("R1", yield_qty="-98", reversal_flag="X", reversed_confirmation="A"),
        row_of("R2", reversal_flag="x", reversed_confirmation="B/2"),
        row_of("R3", reversal_flag="X", reversed_confirmation="C/1"),
        row_of("C"),
        row_of("A", counter="2", yield_qty="18"),
    )
    fates, gone, replaced = _fates(spark, known, sent)
    assert fates == {"f1/S/4": "superseded", "f1/S/5": "kept"}
    assert (sorted(gone), replaced) == ([("A/1", Decimal(98)), ("B/2", Decimal(98))], [])
    assert confirmation.reversal_rows(sent, GENERIC).count() == 3
