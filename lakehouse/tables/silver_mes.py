"""Silver of the MES and ERP dumps: plan, results, work orders, routing, items, stock and bills of material.

`row_key` stands where no column of the source identifies a row: the hash of its cells and its number among identical rows of its file.
"""

from lakehouse.model import Column, Rule, Table
from lakehouse.tables.bronze import FILES

SITE = Column("site_id", "string", "Site, the second part of the object key.", required=True)
SOURCE_REF = Column("source_ref", "string", "Where the row came from: file/sheet/row.", required=True)
LANDED = Column("landed_at", "timestamp", "When its bronze row was landed (UTC).", required=True)

_QTY = "decimal(18,3)"
_FIRST_DAY = "date'2000-01-01'"


def _amount_rule(*columns: str) -> Rule:
    holds = " AND ".join(f"({name} IS NULL OR {name} BETWEEN 0 AND 1000000000)" for name in columns)
    meaning = "Quantities are neither negative nor impossibly large."
    return Rule("quantity_range", holds, meaning, dict.fromkeys(columns, 5), {**dict.fromkeys(columns, 5), columns[0]: -5})


def _known_by_rule(column: str) -> Rule:
    return Rule("key", f"{column} IS NOT NULL", f"The row has its {column}.", {column: "A-1"}, {column: None})


def _past_rule(*columns: str) -> Rule:
    def within(name: str) -> str:
        return f"({name} IS NULL OR ({name} >= timestamp'2000-01-01 00:00:00' AND {name} <= landed_at + interval 5 minutes))"

    good = {**dict.fromkeys(columns, "2022-06-01T05:00:00Z"), "landed_at": "2022-06-02T05:00:00Z"}
    return Rule(
        "ts_range", " AND ".join(within(name) for name in columns), "Between 2000 and five minutes after it was landed.",
        good, {**good, columns[0]: "1999-12-31T05:00:00Z"},
    )  # fmt: skip


def _interval_rule(first: str, last: str, early: str, late: str) -> Rule:
    return Rule(
        "interval", f"{first} IS NULL OR {last} IS NULL OR {last} >= {first}", "It does not end before it starts.",
        {first: early, last: late}, {first: late, last: early},
    )  # fmt: skip


def _mes_table(name: str, row: str, key: tuple[str, ...], columns: tuple[Column, ...], rules: tuple[Rule, ...], sort: tuple[str, ...] = ()) -> Table:
    return Table(
        layer="silver",
        name=name,
        row=row,
        key=("site_id", *key),
        columns=(SITE, *columns, SOURCE_REF, LANDED),
        write="merge",
        writer=FILES,
        partition=("site_id",),
        sort=sort,
        rules=rules,
    )


PRODUCTION_PLAN = _mes_table(
    "production_plan",
    "One planned portion: pieces of an item on a station in one hour of a day; an hour has several, which are summed.",
    ("plan_id",),
    (
        Column("plan_id", "string", "Identity in the MES.", required=True),
        Column("item_no", "string", "Item to be made.", required=True),
        Column("plan_date", "date", "Calendar day of the hour, on the plant's wall clock.", required=True),
        Column("shift_code", "string", "Shift as the MES calls it; it is none of the plant model's."),
        Column("station", "string", "Station.", required=True),
        Column("slot_hour", "int", "Hour of the day in which the slot starts, 0 to 23, on the plant's wall clock.", required=True),
        Column("planned_qty", _QTY, "Planned pieces.", required=True),
        Column("break_min", "int", "Planned break within the slot in minutes."),
        Column("work_order_no", "string", "Work order."),
        Column("line_leader", "string", "Pseudonym of the line's leader."),
        Column("bay", "string", "Bay."),
        Column("division_id", "string", "Division."),
        Column("created_at", "timestamp", "When the portion was planned (UTC)."),
    ),
    (
        _known_by_rule("plan_id"),
        Rule(
            "plan_date_range", f"plan_date BETWEEN {_FIRST_DAY} AND date(landed_at) + 1000",
            "A day from 2000 on, at most 1,000 days after landing.",
            {"plan_date": "2022-06-01", "landed_at": "2022-06-01T05:00:00Z"}, {"plan_date": "1900-01-01", "landed_at": "2022-06-01T05:00:00Z"},
        ),
        Rule("slot_hour_range", "slot_hour BETWEEN 0 AND 23", "An hour of the day.", {"slot_hour": 17}, {"slot_hour": 24}),
        _amount_rule("planned_qty"),
        Rule(
            "break_range", "break_min IS NULL OR break_min BETWEEN 0 AND 60", "A break is not longer than its hour.",
            {"break_min": 30}, {"break_min": 61},
        ),
    ),
    ("plan_date", "station", "slot_hour"),
)  # fmt: skip

PRODUCTION_RESULT = _mes_table(
    "production_result",
    "One inspection or scan of a board at a station; a board has many, so boards are counted distinct.",
    ("result_id",),
    (
        Column("result_id", "string", "Identity in the MES.", required=True),
        Column("status", "string", "passed, failed or rework.", required=True),
        Column("board_id", "string", "Board.", required=True),
        Column("batch_id", "string", "Batch."),
        Column("work_order_no", "string", "Work order."),
        Column("routing_stage_id", "string", "Routing stage."),
        Column("routing_stage_name", "string", "Name of the routing stage."),
        Column("operator", "string", "Pseudonym of the operator."),
        Column("inspected_at", "timestamp", "When the board was inspected (UTC).", required=True),
        Column("modified_at", "timestamp", "When the MES last changed the row (UTC)."),
        Column("is_reinspection_needed", "boolean", "True when the board must be inspected again."),
        Column("routing_status", "string", "Routing status as the MES calls it."),
        Column("station", "string", "Station.", required=True),
        Column("station_name", "string", "Name of the station."),
        Column("cavity_id", "string", "Cavity of the tool or panel."),
        Column("tray_id", "string", "Tray."),
    ),
    (
        _known_by_rule("result_id"),
        _past_rule("inspected_at"),
        Rule("status_known", "status IN ('passed', 'failed', 'rework')", "A status of the contract.", {"status": "passed"}, {"status": "unheard"}),
    ),
    ("inspected_at", "station"),
)  # fmt: skip

WORK_ORDER = _mes_table(
    "work_order",
    "One work order, as last exported.",
    ("work_order_no",),
    (
        Column("work_order_no", "string", "Work order.", required=True),
        Column("item_no", "string", "Item to be made.", required=True),
        Column("line_no", "int", "Line of the order."),
        Column("description", "string", "Text of the order."),
        Column("ordered_qty", _QTY, "Ordered pieces.", required=True),
        Column("is_started", "boolean", "True when work has begun."),
        Column("started_at", "timestamp", "When work began (UTC)."),
        Column("ended_at", "timestamp", "When work ended (UTC)."),
        Column("planned_start_at", "timestamp", "Planned start (UTC)."),
        Column("planned_end_at", "timestamp", "Planned end (UTC)."),
        Column("is_blocked", "boolean", "True while the order is blocked."),
        Column("blocked_at", "timestamp", "When it was blocked (UTC)."),
        Column("is_closed", "boolean", "True when the MES has closed the order."),
        Column("is_erp_closed", "boolean", "True when the ERP has closed the order."),
        Column("short_closed_qty", _QTY, "Pieces that were given up when the order was closed."),
        Column("created_at", "timestamp", "When the order was made (UTC)."),
        Column("routing_id", "string", "Routing."),
        Column("routing_version_id", "string", "Version of the routing."),
        Column("unit_price", "decimal(18,6)", "Price of a piece, in the plant's currency."),
    ),
    (
        _known_by_rule("work_order_no"),
        _amount_rule("ordered_qty", "short_closed_qty"),
        _interval_rule("started_at", "ended_at", "2022-06-01T05:00:00Z", "2022-06-01T06:00:00Z"),
    ),
    ("work_order_no",),
)  # fmt: skip

ROUTING_STAGE = _mes_table(
    "routing_stage",
    "One stage of a work order's routing.",
    ("routing_stage_id",),
    (
        Column("routing_stage_id", "string", "Identity in the MES: work order, B and the stage's number.", required=True),
        Column("work_order_no", "string", "Work order.", required=True),
        Column("stage_no", "int", "Place of the stage in the routing.", required=True),
        Column("stage_name", "string", "Name of the stage."),
        Column("station", "string", "Station."),
        Column("item_no", "string", "Item."),
        Column("planned_qty", _QTY, "Pieces planned for the stage."),
        Column("standard_cycle_s", "decimal(18,6)", "Standard time of a piece in seconds."),
        Column("is_mandatory", "boolean", "True when no board may skip the stage."),
        Column("created_at", "timestamp", "When the stage was made (UTC)."),
        Column("modified_at", "timestamp", "When the MES last changed it (UTC)."),
    ),
    (
        _known_by_rule("routing_stage_id"),
        Rule("stage_range", "stage_no >= 1", "Stages count from 1.", {"stage_no": 1}, {"stage_no": 0}),
        _amount_rule("planned_qty", "standard_cycle_s"),
    ),
    ("work_order_no", "stage_no"),
)  # fmt: skip

ITEM = _mes_table(
    "item",
    "One item of the MES.",
    ("item_no",),
    (
        Column("item_no", "string", "Item.", required=True),
        Column("description", "string", "Text."),
        Column("modality", "string", "Kind of production that makes it."),
        Column("revision", "string", "Revision of the product."),
        Column("base_unit", "string", "Unit in which it is counted."),
        Column("batch_management", "string", "How batches are kept, as the MES calls it."),
        Column("serial_profile", "string", "Profile of serial numbers."),
        Column("shelf_life_d", "int", "Shelf life in days."),
        Column("shelf_life_date", "date", "Day until which it may be used."),
        Column("msd_level", "string", "Moisture sensitivity level."),
        Column("item_category", "string", "Category."),
        Column("created_at", "timestamp", "When the item was made (UTC)."),
        Column("modified_at", "timestamp", "When it was last changed (UTC)."),
    ),
    (_known_by_rule("item_no"), _amount_rule("shelf_life_d"), _past_rule("created_at", "modified_at")),
    ("item_no",),
)  # fmt: skip

ERP_ITEM_ROW = _mes_table(
    "erp_item_row",
    "One row of the ERP's item attributes; an item has many, so item_no is no key and must not be joined as one.",
    ("row_key",),
    (
        Column("row_key", "string", "SHA-256 of the row's cells and its number among identical rows of the file.", required=True),
        Column("item_no", "string", "Item; not unique here.", required=True),
        Column("location_code", "string", "Location that the attributes hold for."),
        Column("variant_code", "string", "Variant that the attributes hold for."),
        Column("description", "string", "Text."),
        Column("base_unit", "string", "Unit in which it is counted."),
        Column("item_category", "string", "Category."),
        Column("vendor_no", "string", "Vendor."),
        Column("lead_time_d", "int", "Lead time in days."),
        Column("safety_stock_qty", _QTY, "Safety stock."),
        Column("reorder_qty", _QTY, "Reorder quantity."),
        Column("unit_cost", "decimal(18,6)", "Cost of a base unit, in the plant's currency."),
        Column("is_blocked", "boolean", "True when the item may not be used."),
        Column("modified_date", "date", "Day of the last change."),
    ),
    (
        _known_by_rule("item_no"),
        _amount_rule("safety_stock_qty", "reorder_qty"),
        Rule(
            "cost_range", "unit_cost IS NULL OR unit_cost BETWEEN 0 AND 1000000000", "A cost is neither negative nor impossibly large.",
            {"unit_cost": 1.5}, {"unit_cost": -1.5},
        ),
    ),
    ("item_no",),
)  # fmt: skip

STOCK_MOVEMENT = _mes_table(
    "stock_movement",
    "One warehouse entry: a quantity that came into a bin or left it.",
    ("entry_no",),
    (
        Column("entry_no", "string", "Number of the entry.", required=True),
        Column("registered_date", "date", "Day of the movement, on the plant's wall clock.", required=True),
        Column("item_no", "string", "Item.", required=True),
        Column("moved_qty", _QTY, "Quantity in the entry's unit; negative when it left.", required=True),
        Column("moved_base_qty", _QTY, "Quantity in the item's base unit; negative when it left.", required=True),
        Column("unit_of_measure", "string", "Unit of the entry."),
        Column("location_code", "string", "Location.", required=True),
        Column("zone_code", "string", "Zone of the warehouse."),
        Column("bin_code", "string", "Bin."),
        Column("lot_no", "string", "Lot."),
        Column("serial_no", "string", "Serial number."),
        Column("entry_type", "string", "inbound, outbound or movement.", required=True),
        Column("source_document", "string", "Kind of document that caused it."),
        Column("source_no", "string", "Number of that document."),
        Column("expiration_date", "date", "Day until which it may be used."),
        Column("description", "string", "Text."),
    ),
    (
        _known_by_rule("entry_no"),
        Rule(
            "registered_date_range", f"registered_date BETWEEN {_FIRST_DAY} AND date(landed_at) + 1", "A day between 2000 and the day of landing.",
            {"registered_date": "2022-06-01", "landed_at": "2022-06-01T05:00:00Z"},
            {"registered_date": "2023-06-01", "landed_at": "2022-06-01T05:00:00Z"},
        ),
        Rule(
            "quantity_range", "abs(moved_qty) <= 1000000000 AND abs(moved_base_qty) <= 1000000000", "Quantities are not impossibly large.",
            {"moved_qty": -5, "moved_base_qty": -5}, {"moved_qty": 1e12, "moved_base_qty": 5},
        ),
        Rule(
            "direction",
            "(entry_type <> 'inbound' OR moved_base_qty >= 0) AND (entry_type <> 'outbound' OR moved_base_qty <= 0)",
            "What comes in is not negative, what goes out not positive.",
            {"entry_type": "inbound", "moved_base_qty": 5}, {"entry_type": "inbound", "moved_base_qty": -5},
        ),
    ),
    ("item_no", "registered_date"),
)  # fmt: skip

BILL_OF_MATERIAL = _mes_table(
    "bill_of_material",
    "One component of a bill of material.",
    ("bom_no", "line_no"),
    (
        Column("bom_no", "string", "Bill of material.", required=True),
        Column("line_no", "int", "Line.", required=True),
        Column("version_code", "string", "Version."),
        Column("component_type", "string", "Item or another bill of material, as the ERP calls it."),
        Column("component_no", "string", "Component.", required=True),
        Column("description", "string", "Text."),
        Column("unit_of_measure", "string", "Unit of the component."),
        Column("component_qty", "decimal(18,6)", "Quantity of the component in one piece.", required=True),
        Column("scrap_percent", _QTY, "Planned scrap of the component in percent."),
        Column("position", "string", "Place on the drawing."),
        Column("routing_link_code", "string", "Stage at which it is used."),
        Column("start_date", "date", "First day on which the line holds."),
        Column("end_date", "date", "Last day on which the line holds."),
    ),
    (
        _known_by_rule("bom_no"),
        _amount_rule("component_qty"),
        Rule(
            "scrap_range", "scrap_percent IS NULL OR scrap_percent BETWEEN 0 AND 100", "A percentage.",
            {"scrap_percent": 2}, {"scrap_percent": 120},
        ),
        _interval_rule("start_date", "end_date", "2022-06-01", "2022-06-30"),
    ),
    ("bom_no", "line_no"),
)  # fmt: skip

MES_TABLES = (PRODUCTION_PLAN, PRODUCTION_RESULT, WORK_ORDER, ROUTING_STAGE, ITEM, ERP_ITEM_ROW, STOCK_MOVEMENT, BILL_OF_MATERIAL)
