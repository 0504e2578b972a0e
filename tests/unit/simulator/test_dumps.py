"""The sample dumps have exactly their contracts' shapes, the traps are in them, and their truth is what a plain reading of them gives."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from lakehouse.errors import SettingsError
from lakehouse.simulator import dumps
from lakehouse.sources import readers
from lakehouse.sources.contracts import BROKEN, load_sources

SOURCES = load_sources()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("dumps")


@pytest.fixture(scope="module")
def truths(folder):
    return dumps.write_all(folder, 7)


def cells(folder: Path, source: str) -> list[dict[str, str]]:
    contract, path = SOURCES.contract(source), folder / dumps.OBJECTS[source]
    found = [(row["row_no"], dict(row["cells"])) for table in readers.batches(path, contract) for row in table.to_pylist()]
    assert [number for number, _ in found] == list(range(1, readers.check(path, contract) + 1))
    return [row for _, row in found]


@pytest.mark.parametrize("source", dumps.OBJECTS)
def test_each_file_keeps_its_contract_and_has_the_asked_rows(folder, truths, source):
    rows = cells(folder, source)
    assert len(rows) == dumps.ROWS[source]
    assert [row for row in rows if BROKEN in row] == []


@pytest.mark.parametrize("source", dumps.OBJECTS)
@pytest.mark.parametrize("rows", [1, 777])
def test_any_size_and_equal_seeds_give_equal_bytes(tmp_path, source, rows):
    seen = []
    for seed in (3, 3, 4):
        dumps.write(source, tmp_path / "drop", seed, rows)
        seen.append(hashlib.sha256((tmp_path / "drop").read_bytes()).hexdigest())
        assert readers.check(tmp_path / "drop", SOURCES.contract(source)) == rows
    assert seen[0] == seen[1] != seen[2]


def test_an_unknown_sample_names_the_known_ones(tmp_path):
    with pytest.raises(SettingsError, match="there are samples of mes-plan-shift"):
        dumps.write("sap", tmp_path / "drop", 1)


def test_plan_slots_are_sums_of_portions_that_no_key_tells_apart(folder, truths):
    sums: dict[tuple, list[int]] = defaultdict(list)
    for row in cells(folder, "mes-plan-shift"):
        assert row["Hour"].startswith("1900-01-01 ") and row["Hour"].endswith(":00:00")
        slot = (row["ItemNo"], row["Station"], row["Date"], int(row["Hour"][11:13]), row["WorkOrderId"])
        sums[slot].append(int(row["Quantity"]))
    found = {(*list(row.values())[:5],): row for row in dumps.plan_slots(truths["mes-plan-shift"])}
    assert {slot: (Decimal(sum(each)), len(each)) for slot, each in sums.items()} == {
        slot: (row["planned_qty"], row["portion_count"]) for slot, row in found.items()
    }
    repeated = [each for each in sums.values() if len(each) > 1]
    assert len(repeated) > 100
    assert any(len(set(each)) < len(each) for each in repeated), "no slot repeats with its quantity"


def test_boards_are_fewer_than_scans(folder, truths):
    items = {row["Id"]: row["ItemId"] for row in cells(folder, "mes-work-order")}
    boards: dict[tuple, set[str]] = defaultdict(set)
    scans: dict[tuple, int] = defaultdict(int)
    for row in cells(folder, "mes-result"):
        day, clock = row["InspectionDate"].split()
        slot = (items[row["WorkOrderId"]], row["StationCode"], day, int(clock[:2]), row["WorkOrderId"])
        scans[slot] += 1
        if row["Status"] == "Pass":
            boards[slot].add(row["BoardId"])
    found = {(*list(row.values())[:5],): row for row in dumps.passed_boards(truths["mes-result"])}
    assert {slot: (len(boards[slot]), count) for slot, count in scans.items()} == {
        slot: (row["board_count"], row["scan_count"]) for slot, row in found.items()
    }
    assert sum(scans.values()) > 1.2 * sum(len(each) for each in boards.values())


def test_scans_after_midnight_stand_on_their_own_day(tmp_path):
    truth = dumps.write("mes-result", tmp_path / "drop", 5, 50_000)
    assert {slot[3] for slot in truth.scans} <= set(range(24))


def test_order_progress_counts_each_board_once(folder, truths):
    stages = {row["id"]: (row["work_order_id"], int(row["stage_no"])) for row in cells(folder, "mes-routing-stage")}
    last = {order: max(number for other, number in stages.values() if other == order) for order, _ in stages.values()}
    boards, at_last = defaultdict(set), defaultdict(set)
    for row in cells(folder, "mes-result"):
        if row["Status"] == "Pass":
            boards[row["WorkOrderId"]].add(row["BoardId"])
            if stages[row["RoutingStageId"]][1] == last[row["WorkOrderId"]]:
                at_last[row["WorkOrderId"]].add(row["BoardId"])
    orders = {row["Id"]: row for row in cells(folder, "mes-work-order")}
    told = dumps.order_progress(truths)
    assert {row["work_order_no"] for row in told} == set(orders)
    for row in told:
        order = row["work_order_no"]
        assert (row["board_count"], row["last_stage_board_count"]) == (len(boards[order]), len(at_last[order]))
        assert (str(row["ordered_qty"]), int(row["is_blocked"])) == (orders[order]["Quantity"], int(orders[order]["Isblocked"]))
    assert {"0", "1"} == {row["Isblocked"] for row in orders.values()} == {row["WorkOrderClosureStatus"] for row in orders.values()}


def test_the_item_attributes_are_no_key_and_their_columns_have_no_usable_names(folder, truths):
    import pyarrow.parquet as pq

    rows = cells(folder, "erp-item")
    items = {row["item_no"] for row in rows}
    assert (len(rows), len(items)) == (12_000, 386)
    assert all(len({row["unit_cost"] for row in rows if row["item_no"] == item}) == 1 for item in list(items)[:20])
    names = pq.read_schema(folder / dumps.OBJECTS["erp-item"]).names
    assert len(names) == 25 and set(names) == {"", "Column", "?", "No_"}
    assert {row["item_no"]: Decimal(row["unit_cost"]) for row in rows} == truths["erp-item"].costs


def test_items_have_impossible_hours_that_the_truth_names(folder, truths):
    rows = cells(folder, "mes-item")
    assert [row["ID"] for row in rows if " 35:" in row["CreatedOn"]] == truths["mes-item"].refused
    assert len(truths["mes-item"].refused) == 386 // 40
    assert {row["Revision"] for row in rows} == {"None"}


def _left(rows: list[dict[str, str]], as_of: dt.date) -> dict[tuple[str, dt.date], int]:
    """Stock by receipt, piece by piece: each issue takes the oldest piece."""
    pieces: dict[str, list[dt.date]] = defaultdict(list)
    issues: dict[str, int] = defaultdict(int)
    for row in rows:
        day = dt.datetime.strptime(row["Registering Date"], "%d-%m-%Y").date()
        quantity = int(row["Qty_ (Base)"])
        if day <= as_of and row["Entry Type"] == "1":
            pieces[row["Item No_"]] += [day] * quantity
        if day <= as_of and row["Entry Type"] == "0":
            issues[row["Item No_"]] -= quantity
    left: dict[tuple[str, dt.date], int] = defaultdict(int)
    for item, days in pieces.items():
        for day in sorted(days)[issues[item] :]:
            left[item, day] += 1
    return dict(left)


@pytest.mark.parametrize("as_of", [dt.date(2022, 1, 4), dt.date(2022, 4, 5), dt.date(2022, 7, 30)])
def test_stock_is_first_in_first_out(folder, truths, as_of):
    rows = cells(folder, "erp-warehouse")
    told = dumps.stock(truths["erp-warehouse"], truths["erp-item"].costs, as_of)
    assert {(row["item_no"], row["received_date"]): int(row["remaining_qty"]) for row in told} == _left(rows, as_of)
    for row in told:
        assert row["age_d"] == (as_of - row["received_date"]).days >= 0
        assert row["stock_value"] == row["remaining_qty"] * truths["erp-item"].costs[row["item_no"]]


def test_the_warehouse_file_ends_after_41_columns_and_months_share_their_days(folder, truths):
    first = (folder / dumps.OBJECTS["erp-warehouse"]).read_bytes().splitlines()[0]
    assert first.count(b",") == 40 and first.startswith(b"1,")
    rows = cells(folder, "erp-warehouse")
    months = defaultdict(set)
    for row in rows:
        months[row["Registering Date"][:2]].add(row["Registering Date"][3:5])
    assert any(len(each) >= 6 for each in months.values())
    moved = defaultdict(int)
    for row in rows:
        moved[row["Item No_"]] += int(row["Quantity"]) if row["Entry Type"] == "2" else 0
    assert set(moved.values()) == {0}


def test_the_bill_of_material_has_crlf_and_quoted_commas(folder, truths):
    data = (folder / dumps.OBJECTS["erp-bill-of-material"]).read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n") == 2_001
    assert b'"Screw, M3 x 8"' in data and b'"Cover 7"" left, grey"' in data
    assert {'Cover 7" left, grey', "Screw, M3 x 8"} <= {row["Description"] for row in cells(folder, "erp-bill-of-material")}


@pytest.mark.parametrize(("source", "begin"), [("mes-result", b"1,"), ("mes-work-order", b"W-")])
def test_files_without_header_begin_with_a_row(folder, truths, source, begin):
    assert (folder / dumps.OBJECTS[source]).read_bytes().startswith(begin)
