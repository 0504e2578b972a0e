"""Rows of the eight dumps, column name to text, one by one; what is true of them is booked beside."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from lakehouse.simulator.dump_world import FIRST_HOUR, HOURS, ITEMS, ORDERS, STAGES, Order, World

Cells = Mapping[str, str]
Slot = tuple[str, str, str, int, str]
"""Item, station, date, hour, work order."""
IMPOSSIBLE_EVERY = 40
DAY_S = 86_400


@dataclass
class Truth:
    """What is true of the rows that were written.

    Attributes:
        planned: pieces of a slot, all its portions together.
        portions: rows of a slot.
        boards: distinct boards that passed in a slot.
        scans: rows of a slot.
        board_count, last_stage_board_count: distinct passed boards of a work order, at any stage and at its last.
        receipts, issues: pieces of an item on a day.
        costs: cost of an item.
        refused: keys of rows that no reader may accept.
        orders: state of the work orders.
    """

    planned: Counter[Slot] = field(default_factory=Counter)
    portions: Counter[Slot] = field(default_factory=Counter)
    boards: Counter[Slot] = field(default_factory=Counter)
    scans: Counter[Slot] = field(default_factory=Counter)
    board_count: Counter[str] = field(default_factory=Counter)
    last_stage_board_count: Counter[str] = field(default_factory=Counter)
    receipts: Counter[tuple[str, dt.date]] = field(default_factory=Counter)
    issues: Counter[tuple[str, dt.date]] = field(default_factory=Counter)
    costs: dict[str, Decimal] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    orders: dict[str, Order] = field(default_factory=dict)


def _stamp(day: dt.date, seconds: int) -> str:
    return (dt.datetime(day.year, day.month, day.day) + dt.timedelta(seconds=seconds)).isoformat(" ")


def plan(world: World, rows: int, truth: Truth) -> Iterator[Cells]:
    """Portions of slots; one in five repeats the slot of the one before, one in ten even with its quantity."""
    chance = world.chance("plan")
    slot: Slot = ("", "", "", 0, "")
    order, quantity = world.order(0), 0
    for number in range(1, rows + 1):
        if number == 1 or chance.random() > 0.2:
            order = world.order(chance.randrange(ORDERS))
            day = order.day + dt.timedelta(days=chance.randrange(3))
            hour = FIRST_HOUR + chance.randrange(HOURS)
            slot = (order.item.item_no, order.station(1), day.isoformat(), hour, order.order_no)
            quantity = chance.randrange(15, 30)
        elif chance.random() > 0.5:
            quantity = chance.randrange(15, 30)
        truth.planned[slot] += quantity
        truth.portions[slot] += 1
        yield {
            "ID": str(number), "ItemNo": slot[0], "Date": slot[2], "Shift": "G", "Station": slot[1], "Hour": f"1900-01-01 {slot[3]:02}:00:00",
            "Quantity": str(quantity), "LineLeader": f"{order.item.modality}_LineLeader_1", "Bay": slot[1], "DivisionId": str(1 + number % 5),
            "CreationDateTime": _stamp(order.day, 6 * 3600 + number % 3600), "BreakTime": chance.choice(("0", "0", "30", "60")),
            "WorkOrderId": slot[4],
        }  # fmt: skip


def results(world: World, rows: int, truth: Truth) -> Iterator[Cells]:
    """Scans of boards through the stages of their orders; a board is scanned, fails, is mended and passes again, often within an hour."""
    chance, number, board = world.chance("results"), 0, 0
    while number < rows:
        order, board_id = world.order(board % ORDERS), f"B{board:09}"
        passed: set[Slot] = set()
        stages: set[int] = set()
        second = chance.randrange(FIRST_HOUR * 3600, (FIRST_HOUR + HOURS - 4) * 3600)
        for stage, status in _way(chance):
            if number == rows:
                break
            number, second = number + 1, second + chance.randrange(20, 1500)
            day = order.day + dt.timedelta(days=second // DAY_S)
            slot = (order.item.item_no, order.station(stage), day.isoformat(), second % DAY_S // 3600, order.order_no)
            truth.scans[slot] += 1
            if status == "Pass":
                passed.add(slot)
                stages.add(stage)
            yield {
                "Id": str(number), "Status": status, "BoardId": board_id, "BatchId": f"{order.order_no}-1", "WorkOrderId": order.order_no,
                "RoutingStageId": order.stage_id(stage), "RoutingStageName": f"Stage {stage}", "Operator": f"op-{number % 17:03}",
                "InspectionDate": _stamp(order.day, second), "LastModifiedDate": _stamp(order.day, second + 5),
                "ReInspectionNeeded": str(int(status == "Fail")), "PreviouslySannedBoards": "0", "RoutingStatus": "1",
                "SubWorkCenter": order.station(stage)[:2], "StationCode": order.station(stage), "StationName": f"Station {order.station(stage)}",
            }  # fmt: skip
        board += 1
        truth.boards.update(passed)
        truth.board_count[order.order_no] += bool(stages)
        truth.last_stage_board_count[order.order_no] += STAGES in stages


def _way(chance: Random) -> Iterator[tuple[int, str]]:
    """Stages and statuses of one board's scans."""
    for stage in range(1, chance.choice((1, 2, 3, STAGES, STAGES, STAGES)) + 1):
        if chance.random() < 0.08:
            yield stage, "Fail"
            yield stage, "Rework"
        yield stage, "Pass"
        while chance.random() < 0.25:
            yield stage, "Pass"


def work_orders(world: World, rows: int, truth: Truth) -> Iterator[Cells]:
    """Work orders: waiting, started, blocked, closed."""
    for number in range(rows):
        order = world.order(number)
        truth.orders[order.order_no] = order
        start, end = _stamp(order.day, 6 * 3600 + number % 7200), _stamp(order.day + dt.timedelta(days=3), 4 * 3600 + number % 3600)
        yield {
            "Id": order.order_no, "ItemId": order.item.item_no, "LineNo": "10", "Description": order.item.item_no, "Quantity": str(order.ordered),
            "Started": str(int(order.is_started)), "StartDate": start if order.is_started else "", "EndDate": end if order.is_closed else "",
            "PlannedStartDate": _stamp(order.day, 6 * 3600), "PlannedEndDate": _stamp(order.day + dt.timedelta(days=4), 22 * 3600),
            "Isblocked": str(int(order.is_blocked)), "BlockedDate": start if order.is_blocked else "",
            "BlockedBy": "quality" if order.is_blocked else "", "BatchProceedStatus": str(number % 2),
            "WorkOrderClosureStatus": str(int(order.is_closed)), "ShortClosedQuantity": str(number % 7 if order.is_closed else 0),
            "CreationDate": _stamp(order.day - dt.timedelta(days=7), number % 86400), "RoutingVersionId": str(4000 + number % 700),
            "RoutingHeaderId": str(4000 + number % 700), "ERPClosureStatus": str(int(order.is_closed and number % 3 > 0)),
            "FeederReloadLockRequired": "0", "MSDLockRequired": "0", "UnitPrice": str(order.item.unit_cost * 2), "AllowCustomerRefNoRepetition": "0",
        }  # fmt: skip


def items(world: World, rows: int, truth: Truth) -> Iterator[Cells]:
    """Items with dates in three layouts, every fortieth with an hour that no day has; `None` where nothing is known."""
    chance = world.chance("items")
    layouts = ("%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M", "%Y%m%d %H%M%S")
    for number in range(rows):
        item = world.item(number)
        item_no = item.item_no if number < ITEMS else f"{item.item_no}-{number // ITEMS}"
        made = dt.datetime(2021, 1 + chance.randrange(12), 1 + chance.randrange(28), chance.randrange(24), chance.randrange(60))
        created = made.strftime(layouts[number % 3])
        if number % IMPOSSIBLE_EVERY == IMPOSSIBLE_EVERY - 1:
            created = f"{made:%Y-%m-%d} 35:{made:%M}:00"
            truth.refused.append(item_no)
        yield {
            "ID": item_no, "Description": f"{item.modality} part {number}, 2 mm", "Modality": item.modality, "Revision": "None", "BaseUOM": "PCS",
            "Batch_Management": "None", "SerialNumber_Profile": "None", "ShelfLife": str(30 * (number % 12)) if number % 2 else "None",
            "ShelfLife_Date": "None", "MSD": "None", "Item_Category": item.category, "MSLDetails": "None",
            "CreatedOn": created, "ModifiedOn": (made + dt.timedelta(days=9)).strftime(layouts[(number + 1) % 3]),
        }  # fmt: skip


def movements(world: World, rows: int, truth: Truth) -> Iterator[Cells]:
    """Warehouse entries over seven months that share their day numbers; stock never goes below zero, moves between bins come in pairs."""
    chance = world.chance("movements")
    stock: Counter[str] = Counter()
    pending: list[tuple[str, int]] = []
    for number in range(1, rows + 1):
        day = dt.date(2022, 1, 5) + dt.timedelta(days=200 * number // (rows + 1))
        kind, item_no, quantity = _movement(world, chance, stock, pending, alone=number == rows)
        if kind == "1":
            truth.receipts[item_no, day] += quantity
        elif kind == "0":
            truth.issues[item_no, day] -= quantity
        stock[item_no] += quantity
        yield {
            "Entry No_": str(number), "Line No_": "10000", "Registering Date": day.strftime("%d-%m-%Y"), "Location Code": "MAIN", "Zone Code": "BULK",
            "Bin Code": f"A-{number % 40:02}", "Description": "Bulk, rack" if number % 9 == 0 else "Rack", "Item No_": item_no,
            "Quantity": str(quantity), "Qty_ (Base)": str(quantity), "Source Document": "Order", "Source No_": f"PO-{number // 3:06}",
            "Entry Type": kind, "User ID": f"u{number % 5}", "Qty_ per Unit of Measure": "1", "Unit of Measure Code": "PCS",
            "Expiration Date": "" if number % 4 else (day + dt.timedelta(days=365)).strftime("%d-%m-%Y"), "Dedicated": "0",
        }  # fmt: skip


def _movement(world: World, chance: Random, stock: Counter[str], pending: list[tuple[str, int]], *, alone: bool) -> tuple[str, str, int]:
    """Kind, item and signed quantity of the next entry."""
    if pending:
        item_no, quantity = pending.pop()
        return "2", item_no, quantity
    item_no = world.item(chance.randrange(ITEMS)).item_no
    kind = chance.random()
    if stock[item_no] and kind < 0.45:
        return "0", item_no, -chance.randrange(1, stock[item_no] + 1)
    if stock[item_no] and kind < 0.6 and not alone:
        quantity = chance.randrange(1, stock[item_no] + 1)
        pending.append((item_no, quantity))
        return "2", item_no, -quantity
    return "1", item_no, chance.randrange(10, 500)


def bill_of_material(world: World, rows: int, truth: Truth) -> Iterator[Cells]:
    """Components of items; descriptions have commas and quotes."""
    del truth
    chance = world.chance("bom")
    for number in range(rows):
        parent, line = world.item(number // 12), number % 12 + 1
        part = world.item(chance.randrange(ITEMS))
        yield {
            "Production BOM No_": f"BOM-{number // 12:06}-{parent.modality}", "Version Code": "", "Line No_": str(line * 10_000), "Type": "Item",
            "No_": part.item_no, "Description": chance.choice(('Screw, M3 x 8', 'Resistor, 10 k, 1 %', 'Cover 7" left, grey', "Label")),
            "Unit of Measure Code": "PCS", "Quantity": str(chance.randrange(1, 9)), "Position": f"P{line}",
            "Scrap _": chance.choice(("0", "1.5", "2")),
            "Starting Date": "01-02-2022", "Ending Date": "" if line % 5 else "31-12-2022", "Quantity per": f"{chance.randrange(1, 9000) / 1000:.3f}",
            "Status": "Certified",
        }  # fmt: skip


DELIMITED: Mapping[str, Callable[[World, int, Truth], Iterator[Cells]]] = {
    "mes-plan-shift": plan,
    "mes-result": results,
    "mes-work-order": work_orders,
    "mes-item": items,
    "erp-warehouse": movements,
    "erp-bill-of-material": bill_of_material,
}
