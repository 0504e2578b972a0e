"""The profiles against the real workbooks; every figure is computed here from the rows that were read."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

import pytest

from lakehouse.sources import workbook
from lakehouse.sources.contracts import BROKEN, load_sources
from lakehouse.sources.sheet_rows import CELLS

pytestmark = pytest.mark.shared
SCRAP = load_sources().contract("confirmations").profile("molding").scrap_columns


def _rows(shared_data, name, source, site="any"):
    return workbook.rows(shared_data / name, load_sources().contract(source).profile(site))


def _sum(rows, *columns):
    return sum(Decimal(row.get(name, "0")) for row in rows for name in columns)


@pytest.mark.parametrize(
    ("month", "count", "idle", "no_shot", "total", "good", "scrap", "machine_shifts"),
    [("201811", 697, 20, 16, 5_397_276, 5_194_003, 203_273, 675), ("201812", 688, 15, 10, 5_003_089, 4_867_711, 135_378, 666)],
)
def test_monthly_reports(shared_data, month, count, idle, no_shot, total, good, scrap, machine_shifts):
    rows = [cells for _, cells in _rows(shared_data, f"molding-plant-reports/monthly/monthlyReports_{month}.xlsb", "confirmations", "molding")]
    assert len(rows) == count
    assert [row for row in rows if BROKEN in row] == []
    assert sum("poNote" not in row and "itemTotalQuantity" not in row for row in rows) == idle
    assert sum(row.get("moldShot") == "0" for row in rows) == no_shot
    assert (_sum(rows, "itemTotalQuantity"), _sum(rows, "itemGoodQuantity"), _sum(rows, *SCRAP)) == (total, good, scrap)
    assert len({(row["recordDate"], row["workingShift"], row["machineNo"]) for row in rows}) == machine_shifts
    assert {row["recordDate"][:7] for row in rows} == {f"{month[:4]}-{month[4:]}"}


def test_orders(shared_data):
    names = ("181020", "181101", "181120", "181201", "181220")
    rows = [cells for name in names for _, cells in _rows(shared_data, f"molding-plant-reports/orders/purchaseOrder_{name}.xlsx", "molding-order")]
    assert len(rows) == len({row["poNo"] for row in rows}) == 129
    assert next(row for row in rows if row["poNo"] == "IM1811001")["itemQuantity"] == "280000"
    assert [row for row in rows if BROKEN in row] == []
    assert {len(row["colorMasterbatchQuantity"].partition(".")[2]) for row in rows if "colorMasterbatchQuantity" in row} <= set(range(5))
    assert "9915740199" in {row["plasticResinCode"] for row in rows}


@pytest.mark.parametrize(
    ("file", "source", "count", "refused"),
    [
        ("itemInfo", "molding-item", 115, 0), ("machineInfo", "molding-machine", 11, 0), ("moldInfo", "molding-mold", 66, 3),
        ("moldSpecificationSummary", "molding-mold-specification", 116, 0), ("itemCompositionSummary", "molding-composition", 121, 0),
        ("resineInfo", "molding-resin", 78, 0), ("holidayNotes", "molding-holiday", 20, 0),
    ],
)  # fmt: skip
def test_masters(shared_data, file, source, count, refused):
    found = _rows(shared_data, f"molding-plant-reports/master/{file}.xlsx", source)
    assert (len(found), sum(BROKEN in row for _, row in found)) == (count, refused)
    key = load_sources().contract(source).profile("any").key
    assert len({tuple(row[name] for name in key) for _, row in found}) == count


def test_errors_in_the_mould_master_are_not_read_as_nothing(shared_data):
    found = [row for _, row in _rows(shared_data, "molding-plant-reports/master/moldInfo.xlsx", "molding-mold") if BROKEN in row]
    assert {(row[BROKEN], row[CELLS], row["itemsWeight"]) for row in found} == {("error_cell", '["itemsWeight"]', "#REF!")}


def test_bottling_batches_balance(shared_data):
    name = "bottling-line-maven/Manufacturing_Line_Productivity.xlsx"
    least = {row["Product"]: int(row["Min batch time"]) for _, row in _rows(shared_data, name, "bottling-product")}
    batches = [row for _, row in _rows(shared_data, name, "bottling-batch")]
    stops = Counter()
    for _, row in _rows(shared_data, name, "bottling-downtime"):
        stops[row["Batch"]] += int(row["minutes"])
    run = {row["Batch"]: _minutes(row) for row in batches}
    minimum = {row["Batch"]: least[row["Product"]] for row in batches}
    assert len(run) == 38
    assert (sum(run.values()), sum(minimum.values()), stops.total()) == (3858, 2470, 1388)
    assert {batch: run[batch] - minimum[batch] - stops[batch] for batch in run} == dict.fromkeys(run, 0)
    assert (batches[-1]["End Time"], batches[-1]["ended_at"]) == ("25:05:00", "2024-09-04T01:05:00")


def _minutes(row):
    return (datetime.fromisoformat(row["ended_at"]) - datetime.fromisoformat(row["started_at"])).total_seconds() / 60


def test_controller_log(shared_data):
    rows = [row for _, row in _rows(shared_data, "molding-controller-export/machine_parameters.xls", "molding-controller")]
    assert len(rows) == len({row["ended_at"] for row in rows}) == 216
    assert rows[0]["ended_at"] > rows[-1]["ended_at"]
    shots = sorted((datetime.fromisoformat(row["ended_at"]), int(row["Cykler"]), Decimal(row["Cyklustid"].replace(",", "."))) for row in rows)
    assert sum(cycle for _, _, cycle in shots) == Decimal("5244.342")
    assert sum(later <= earlier for (_, earlier, _), (_, later, _) in pairwise(shots)) == 2
    # a stop: from the end of one cycle to the end of the next passes more than 1.25 times the cycle time that ends there
    waits = [(Decimal((end - before).total_seconds()), cycle) for (before, _, _), (end, _, cycle) in pairwise(shots)]
    assert sum(wait > Decimal("1.25") * cycle for wait, cycle in waits) == 9
