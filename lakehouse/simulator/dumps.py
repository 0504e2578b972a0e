"""The eight MES and ERP dumps of a seed, traps included, in files of any size, with what is true of them. Same seed, same bytes.

Files of one seed fit together: results speak of the work orders of the order file, movements of the items that have a cost.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.errors import SettingsError
from lakehouse.simulator.dump_rows import DELIMITED, Cells, Truth
from lakehouse.simulator.dump_tables import TABLES
from lakehouse.simulator.dump_world import ITEMS, ORDERS, STAGES, World
from lakehouse.sources.contracts import load_sources
from lakehouse.sources.formats import DelimitedContract, MarkersContract, ParquetContract

OBJECTS = {
    "mes-plan-shift": "OperationsManagement/PlansShiftWise/PlansShiftWise.csv",
    "mes-result": "OperationsManagement/Results/Results.csv",
    "mes-work-order": "OperationsManagement/Workorders/Workorders.csv",
    "mes-routing-stage": "OperationsManagement/RoutingStages/RoutingStages.parquet",
    "mes-item": "OperationsManagement/Items/Items.txt",
    "erp-item": "SCSupplyChain/item/item.parquet",
    "erp-warehouse": "SCSupplyChain/warehouse/warehouse.csv",
    "erp-bill-of-material": "SCSupplyChain/production/production.txt",
}
"""What the files are called where they come from."""
ROWS = {
    "mes-plan-shift": 2_400,
    "mes-result": 20_000,
    "mes-work-order": ORDERS,
    "mes-routing-stage": ORDERS * STAGES,
    "mes-item": ITEMS,
    "erp-item": 12_000,
    "erp-warehouse": 5_000,
    "erp-bill-of-material": 2_000,
}
"""Rows of a file where no number is asked for."""
LINE_END = {"erp-bill-of-material": "\r\n"}
QUOTED = frozenset(',"\r\n')
FLUSH = 10_000


def write(source: str, path: Path, seed: int, rows: int | None = None) -> Truth:
    """Write the sample of one source and return what is true of it.

    Args:
        source: one of `OBJECTS`.
        path: the file to write.
        seed: equal seeds give equal bytes.
        rows: rows of the file; as `ROWS`, if not given.

    Raises:
        SettingsError: there is no sample of that source.
    """
    if source not in OBJECTS:
        raise SettingsError(f"source {source}", f"there are samples of {', '.join(OBJECTS)}", "bin/lakehouse contracts")
    contract, world, truth = load_sources().contract(source), World(seed), Truth()
    count = ROWS[source] if rows is None else rows
    if isinstance(contract, ParquetContract):
        _write_tables(path, TABLES[source](world, count, truth, contract.columns))
    elif isinstance(contract, MarkersContract):
        _write_text(path, _marked(DELIMITED[source](world, count, truth), contract), contract.encoding)
    elif isinstance(contract, DelimitedContract):
        lines = _lines(DELIMITED[source](world, count, truth), contract, LINE_END.get(source, "\n"))
        _write_text(path, lines, contract.encoding)
    return truth


def write_all(folder: Path, seed: int, rows: Mapping[str, int] | None = None) -> dict[str, Truth]:
    """Write all eight files below a folder, named as `OBJECTS`, and return the truth of each source."""
    truths = {}
    for source, name in OBJECTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        truths[source] = write(source, folder / name, seed, (rows or {}).get(source))
    return truths


def _write_text(path: Path, lines: Iterable[str], encoding: str) -> None:
    with path.open("w", encoding=encoding, newline="") as out:
        held: list[str] = []
        for line in lines:
            held.append(line)
            if len(held) == FLUSH:
                out.write("".join(held))
                held.clear()
        out.write("".join(held))


def _lines(rows: Iterable[Cells], contract: DelimitedContract, end: str) -> Iterator[str]:
    columns = contract.columns[: contract.widths[0]]
    if contract.header is True:
        yield contract.delimiter.join(columns) + end
    delimiter, most = contract.delimiter, len(columns) - 1
    for cells in rows:
        fields = [cells.get(name, "") for name in columns]
        line = delimiter.join(fields)
        is_plain = line.count(delimiter) == most and QUOTED.isdisjoint(line.replace(delimiter, ""))
        yield (line if is_plain else delimiter.join([_field(field, delimiter) for field in fields])) + end


def _field(text: str, delimiter: str) -> str:
    """A field, quoted where it has a comma, a quote, a line end or the delimiter."""
    if QUOTED.isdisjoint(text) and delimiter not in text:
        return text
    return '"' + text.replace('"', '""') + '"'


def _marked(rows: Iterable[Cells], contract: MarkersContract) -> Iterator[str]:
    for cells in rows:
        yield "".join(each.marker + cells[each.column] for each in contract.record) + contract.end


def _write_tables(path: Path, tables: Iterator[pa.Table]) -> None:
    first = next(tables)
    with pq.ParquetWriter(path, first.schema, compression="zstd", write_page_checksum=True) as out:
        for table in chain((first,), tables):
            out.write_table(table)


def plan_slots(truth: Truth) -> list[dict[str, Any]]:
    """Return planned pieces by item, station, date, hour and work order; the portions of a slot are summed."""
    return [{**_slot(slot), "planned_qty": Decimal(pieces), "portion_count": truth.portions[slot]} for slot, pieces in sorted(truth.planned.items())]


def passed_boards(truth: Truth) -> list[dict[str, Any]]:
    """Return distinct boards that passed, and scans, by item, station, date, hour and work order."""
    return [{**_slot(slot), "board_count": truth.boards[slot], "scan_count": scans} for slot, scans in sorted(truth.scans.items())]


def _slot(slot: tuple[str, str, str, int, str]) -> dict[str, Any]:
    names = ("item_no", "station", "slot_date", "slot_hour", "work_order_no")
    return dict(zip(names, slot, strict=True))


def order_progress(truths: Mapping[str, Truth]) -> list[dict[str, Any]]:
    """Return the state of every work order of the files: ordered, planned, distinct boards passed at any stage and at the last."""
    planned: dict[str, int] = {}
    for slot, pieces in truths["mes-plan-shift"].planned.items():
        planned[slot[4]] = planned.get(slot[4], 0) + pieces
    orders, results = truths["mes-work-order"].orders, truths["mes-result"]
    return [
        {
            "work_order_no": number,
            "ordered_qty": Decimal(orders[number].ordered) if number in orders else None,
            "is_blocked": orders[number].is_blocked if number in orders else None,
            "is_closed": orders[number].is_closed if number in orders else None,
            "planned_qty": Decimal(planned[number]) if number in planned else None,
            "board_count": results.board_count[number],
            "last_stage_board_count": results.last_stage_board_count[number],
        }
        for number in sorted({*orders, *planned, *results.board_count})
    ]


def stock(movements: Truth, costs: Mapping[str, Decimal], as_of: dt.date) -> list[dict[str, Any]]:
    """Return what is left of each receipt at the end of a day, first in, first out, with its age in days and its value.

    Args:
        movements: truth of `erp-warehouse`.
        costs: cost of each item, from the truth of `erp-item`.
        as_of: movements up to this day count.
    """
    issued: dict[str, int] = {}
    for (item_no, day), pieces in movements.issues.items():
        issued[item_no] = issued.get(item_no, 0) + (pieces if day <= as_of else 0)
    found = []
    for (item_no, day), received in sorted(movements.receipts.items()):
        if day > as_of:
            continue
        used = min(received, issued.get(item_no, 0))
        issued[item_no] = issued.get(item_no, 0) - used
        if received > used:
            left, cost = Decimal(received - used), costs.get(item_no)
            found.append({
                "item_no": item_no, "received_date": day, "remaining_qty": left, "age_d": (as_of - day).days,
                "stock_value": None if cost is None else left * cost,
            })  # fmt: skip
    return found
