"""The two dumps that are Parquet, as Arrow tables of a bounded number of rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from lakehouse.simulator.dump_rows import Truth
from lakehouse.simulator.dump_world import ITEMS, STAGES, World

AT_ONCE = 20_000
MADE = dt.datetime(2022, 5, 25, 6, 30)
INTEGERS = {"stage_no", "cavity_count", "boards_per_panel", "tray_size", "operator_count", "inspection_level", "parallel_group"}
QUANTITIES = {"planned_quantity", "good_quantity", "scrap_quantity", "rework_quantity", "pending_quantity"}
SECONDS = {"standard_cycle_s", "standard_setup_s", "actual_cycle_s", "actual_setup_s", "queue_time_s", "move_time_s", "wait_time_s"}


def stage_type(name: str) -> pa.DataType:
    """Return the Arrow type of a column of the routing stages."""
    if name in INTEGERS:
        return pa.int32()
    if name in QUANTITIES:
        return pa.decimal128(18, 3)
    if name in SECONDS:
        return pa.float64()
    if name.startswith("is_"):
        return pa.bool_()
    return pa.timestamp("us") if name.endswith("_date") else pa.string()


def stages(world: World, rows: int, truth: Truth, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Four stages of each work order, typed."""
    del truth
    schema = pa.schema([(name, stage_type(name)) for name in columns])
    for begin in range(0, rows, AT_ONCE):
        made = [_stage(world, number) for number in range(begin, min(rows, begin + AT_ONCE))]
        yield pa.Table.from_pylist(made, schema=schema)


def _stage(world: World, number: int) -> dict[str, Any]:
    order, stage = world.order(number // STAGES), number % STAGES + 1
    return {
        "id": order.stage_id(stage), "work_order_id": order.order_no, "stage_no": stage, "stage_name": f"Stage {stage}", "stage_type": "assembly",
        "station_code": order.station(stage), "station_name": f"Station {order.station(stage)}", "item_no": order.item.item_no,
        "planned_quantity": Decimal(order.ordered), "standard_cycle_s": 12.5 + stage, "standard_setup_s": 300.0,
        "is_first_stage": stage == 1, "is_last_stage": stage == STAGES, "is_mandatory": stage != 2, "is_blocked": order.is_blocked,
        "next_stage_id": order.stage_id(stage + 1) if stage < STAGES else None, "previous_stage_id": order.stage_id(stage - 1) if stage > 1 else None,
        "created_date": MADE + dt.timedelta(seconds=number % 86_400),
        "modified_date": MADE + dt.timedelta(seconds=number % 86_400, microseconds=250_000),
    }  # fmt: skip


def erp_items(world: World, rows: int, truth: Truth, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Attributes of 386 items by location and variant, under names that nobody can use: an item repeats, its cost is always the same."""
    kinds = [attribute_type(name) for name in columns]
    for begin in range(0, rows, AT_ONCE):
        made = [_erp_item(world, number, truth) for number in range(begin, min(rows, begin + AT_ONCE))]
        arrays = [pa.array([row.get(name) for row in made], kind) for name, kind in zip(columns, kinds, strict=True)]
        yield pa.Table.from_arrays(arrays, names=[_unusable(place) for place in range(len(columns))])


def attribute_type(name: str) -> pa.DataType:
    """Return the Arrow type of a column of the item attributes."""
    types = {"lead_time_d": pa.int32(), "is_blocked": pa.bool_(), "modified_date": pa.date32(), "unit_cost": pa.decimal128(18, 6)}
    number = name.endswith(("_qty", "_kg", "_cost", "_price"))
    return types.get(name, pa.decimal128(18, 3) if number else pa.string())


def _unusable(place: int) -> str:
    return ("", "Column", "?", "No_")[place % 4]


def _erp_item(world: World, number: int, truth: Truth) -> dict[str, Any]:
    item = world.item(number)
    truth.costs[item.item_no] = item.unit_cost
    return {
        "item_no": item.item_no, "description": f"Part {number % ITEMS}, {item.modality}", "base_unit": "PCS", "item_category": item.category,
        "location_code": f"L{number // ITEMS:03}", "variant_code": "A" if number % 2 else None, "vendor_no": f"V{number % 60:04}",
        "lead_time_d": 5 + number % 40, "safety_stock_qty": Decimal(number % 90), "reorder_qty": Decimal(100), "unit_cost": item.unit_cost,
        "standard_cost": item.unit_cost, "unit_price": item.unit_cost * 2, "is_blocked": number % 50 == 0, "modified_date": MADE.date(),
    }  # fmt: skip


TABLES: Mapping[str, Callable[[World, int, Truth, Sequence[str]], Iterator[pa.Table]]] = {"mes-routing-stage": stages, "erp-item": erp_items}
