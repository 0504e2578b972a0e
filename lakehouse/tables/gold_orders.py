"""Gold of orders, plan and stock: what was planned beside what was made, three sources of pieces beside each other, stock by receipt."""

from lakehouse.model import Column, Table
from lakehouse.tables.ops import PUBLISHER

_SITE = Column("site_id", "string", "Site.", required=True)
_REVISION = Column("revision", "bigint", "Publication that built the row.", required=True)
_AS_OF = Column("as_of", "timestamp", "Knowledge time (UTC): what was known then.", required=True)
_QTY = "decimal(18,3)"
_PIECES = "decimal(18,6)"
_ORDER = Column("work_order_no", "string", "Work order.", required=True)

_SOURCES = {"counter": "the machine's counter", "mes": "the MES", "confirmation": "the confirmations"}


def _told(source: str, whose: str) -> tuple[Column, ...]:
    nothing = f"NULL where {whose} say nothing of the order in the shift" if source == "confirmation" else f"NULL where {whose} says nothing of it"
    return (
        Column(f"{source}_good_count", _PIECES, f"Good pieces of {whose}; {nothing}. Pieces."),
        Column(f"{source}_scrap_count", _PIECES, f"Scrap of {whose}. Pieces."),
        Column(f"{source}_rework_count", _PIECES, f"Pieces that {whose} set aside for rework. Pieces."),
        Column(f"{source}_count", _PIECES, f"All pieces of {whose}. Pieces."),
    )


ORDER_RECONCILIATION = Table(
    layer="gold",
    name="order_reconciliation",
    row="One order in one machine-shift as counter, MES and confirmations tell it.",
    key=("site_id", "machine_id", "shift_date", "shift_id", "order_no"),
    columns=(
        _SITE,
        Column("machine_id", "string", "Work unit (ISA-95) within the site.", required=True),
        Column("line_id", "string", "Line (ISA-95) of the machine at that time.", required=True),
        Column("shift_date", "date", "Production date: the local date on which the shift starts.", required=True),
        Column("shift_id", "string", "Shift of the plant model, or `off`.", required=True),
        Column("shift_start_at", "timestamp", "Start of the shift (UTC).", required=True),
        Column("order_no", "string", "Order; NULL for pieces that no order is named for."),
        *(column for source, whose in _SOURCES.items() for column in _told(source, whose)),
        Column("is_counter_reset", "boolean", "True when the counter began again in the shift.", required=True),
        Column("source_count", "int", "How many of the three speak of it.", required=True),
        Column("difference_count", _PIECES, "Greatest less smallest of what they tell. Pieces.", required=True),
        Column("tolerance_count", _PIECES, "What the site tolerates: its share of the greatest, at least one piece. Pieces.", required=True),
        _REVISION, _AS_OF,
    ),
    write="merge",
    writer=PUBLISHER,
    partition=("site_id", "months(shift_date)"),
    sort=("machine_id", "shift_start_at"),
)  # fmt: skip

PLAN_ADHERENCE = Table(
    layer="gold",
    name="plan_adherence",
    row="One hour of one work order on one station: planned pieces and boards made; either may be absent.",
    key=("site_id", "item_no", "station", "slot_date", "slot_hour", "work_order_no"),
    columns=(
        _SITE,
        Column("item_no", "string", "Item; NULL where boards were made for a work order that is unknown."),
        Column("station", "string", "Station."),
        Column("slot_date", "date", "Calendar day on the plant's wall clock.", required=True),
        Column("slot_hour", "int", "Hour of the day, 0 to 23, on the plant's wall clock.", required=True),
        Column("work_order_no", "string", "Work order."),
        Column("planned_qty", _QTY, "Planned pieces, all portions of the hour together; NULL when nothing was planned."),
        Column("break_min", "bigint", "Planned break in minutes."),
        Column("portion_count", "bigint", "Rows of the plan behind planned_qty.", required=True),
        Column("board_count", "bigint", "Distinct boards that passed.", required=True),
        Column("failed_board_count", "bigint", "Distinct boards that failed or were reworked.", required=True),
        Column("scan_count", "bigint", "Rows of the results behind the two.", required=True),
        Column("zone", "string", "IANA zone of day and hour: the site's."),
        _REVISION, _AS_OF,
    ),
    write="merge",
    writer=PUBLISHER,
    partition=("site_id", "months(slot_date)"),
    sort=("slot_date", "station", "slot_hour"),
)  # fmt: skip

ITEM_DAY = Table(
    layer="gold",
    name="item_day",
    row="One item on one day: distinct boards that passed, wherever they were scanned.",
    key=("site_id", "item_no", "production_date"),
    columns=(
        _SITE,
        Column("item_no", "string", "Item; NULL where the work order is unknown."),
        Column("production_date", "date", "Calendar day on the plant's wall clock.", required=True),
        Column("board_count", "bigint", "Distinct boards that passed.", required=True),
        Column("work_order_count", "bigint", "Distinct work orders scanned.", required=True),
        Column("scan_count", "bigint", "Rows of the results behind them.", required=True),
        _REVISION, _AS_OF,
    ),
    write="merge",
    writer=PUBLISHER,
    partition=("site_id",),
    sort=("production_date",),
)  # fmt: skip

ORDER_PROGRESS = Table(
    layer="gold",
    name="order_progress",
    row="One work order: ordered, planned, scanned and confirmed.",
    key=("site_id", "work_order_no"),
    columns=(
        _SITE, _ORDER,
        Column("is_known", "boolean", "True when the order itself was delivered, not only rows that name it.", required=True),
        Column("item_no", "string", "Item to be made."),
        Column("ordered_qty", _QTY, "Ordered pieces."),
        Column("planned_qty", _QTY, "Pieces of the plan, all portions together."),
        Column("board_count", "bigint", "Distinct boards that passed at any stage.", required=True),
        Column("last_stage_id", "string", "Last stage of the order's routing."),
        Column("last_stage_board_count", "bigint", "Distinct boards that passed the last stage.", required=True),
        Column("last_scan_at", "timestamp", "When a board of it last passed (UTC)."),
        Column("operation_count", "bigint", "Operations that were confirmed; 0 when the source has none."),
        Column("last_operation_no", "string", "Last operation that was confirmed."),
        Column("confirmed_good_qty", _QTY, "Good pieces of the last operation; never a sum over operations."),
        Column("confirmed_scrap_qty", _QTY, "Scrapped pieces of the last operation."),
        Column("confirmed_rework_qty", _QTY, "Pieces set aside for rework at the last operation."),
        Column("shot_count", "bigint", "Shots or cycles of the last operation."),
        Column("last_posting_date", "date", "Newest posting date of the last operation."),
        Column("planned_start_at", "timestamp", "Planned start (UTC)."),
        Column("planned_end_at", "timestamp", "Planned end (UTC)."),
        Column("started_at", "timestamp", "When work began (UTC)."),
        Column("ended_at", "timestamp", "When work ended (UTC)."),
        Column("is_blocked", "boolean", "True while the order is blocked."),
        Column("is_closed", "boolean", "True when the MES has closed the order."),
        _REVISION, _AS_OF,
    ),
    write="merge",
    writer=PUBLISHER,
    partition=("site_id",),
    sort=("work_order_no",),
)  # fmt: skip

INVENTORY_AGE = Table(
    layer="gold",
    name="inventory_age",
    row="What is left of one day's receipts of an item at the end of a day, first in first out.",
    key=("site_id", "as_of_date", "item_no", "received_date"),
    columns=(
        _SITE,
        Column("as_of_date", "date", "The day: movements up to its end count.", required=True),
        Column("item_no", "string", "Item.", required=True),
        Column("received_date", "date", "Day of the receipt.", required=True),
        Column("received_qty", _QTY, "Received on that day, in the item's base unit.", required=True),
        Column("remaining_qty", _QTY, "What is left of it.", required=True),
        Column("age_d", "int", "Days from the receipt to as_of_date.", required=True),
        Column("unit_cost", "decimal(18,6)", "Cost of a base unit, where all rows of the ERP agree; in the plant's currency."),
        Column("stock_value", "decimal(38,9)", "remaining_qty x unit_cost."),
        Column("value_null_reason", "string", "Why it is NULL: NO_COST or COST_AMBIGUOUS."),
        Column("flags", "array<string>", "MOVEMENT_UNBALANCED, BELOW_ZERO.", required=True),
        Column("revision", "bigint", "Last publication of machine-shifts before the row was built; stock has none of its own.", required=True),
        _AS_OF,
    ),
    write="merge",
    writer=PUBLISHER,
    partition=("site_id", "as_of_date"),
    sort=("item_no", "received_date"),
)  # fmt: skip

GOLD_ORDERS = (ORDER_RECONCILIATION, PLAN_ADHERENCE, ITEM_DAY, ORDER_PROGRESS, INVENTORY_AGE)
