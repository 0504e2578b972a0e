"""Silver: typed, keyed and reviewed rows. Each table has a quarantine beside it; every bronze row ends in one of both.

`source_ref` is where a row came from: `topic/partition/offset`, or `sha256/sheet/row`.
"""

from lakehouse.model import Column, Rule, Table
from lakehouse.tables.bronze import FILES, LIVE

_SITE = Column("site_id", "string", "Site; with machine_id the key of a machine.", required=True)
_MACHINE = Column("machine_id", "string", "Work unit (ISA-95) within the site.", required=True)
_SOURCE_REF = Column("source_ref", "string", "Where the row came from: topic/partition/offset or file/sheet/row.", required=True)
_LANDED = Column("landed_at", "timestamp", "When its bronze row was landed (UTC).", required=True)

ID_CHARSET = "^[A-Za-z0-9][A-Za-z0-9 ._:/#&+-]{0,119}$"
EARLIEST = "timestamp'2000-01-01 00:00:00'"


def _in_time(column: str) -> str:
    return f"{column} >= {EARLIEST} AND {column} <= landed_at + interval 5 minutes"


SENSOR_READING = Table(
    layer="silver",
    name="sensor_reading",
    row="One temperature reading of one sensor.",
    key=("event_id", "reading_at"),
    columns=(
        Column("event_id", "string", "Identity given by the sender.", required=True),
        _SITE,
        _MACHINE,
        Column("sensor", "string", "Sensor on the machine.", required=True),
        Column("reading_at", "timestamp", "When it was measured (UTC).", required=True),
        Column("temperature_celsius", "double", "Measured temperature in degrees Celsius.", required=True),
        Column("flags", "array<string>", "Remarks that do not refuse the row, e.g. CLOCK_SET_BACK.", required=True),
        _SOURCE_REF,
        _LANDED,
    ),
    write="append",
    writer=LIVE,
    partition=("days(reading_at)",),
    sort=("site_id", "machine_id", "reading_at"),
    fresh_within_s=20,
    rules=(
        Rule(
            "ts_range", _in_time("reading_at"), "Measured between 2000 and five minutes after it was landed.",
            {"reading_at": "2026-11-20T05:00:00Z"}, {"reading_at": "2036-11-20T05:00:00Z"},
        ),
        Rule(
            "sentinel", "temperature_celsius NOT IN (9999, -999, 32767, -9999)", "Not one of the numbers that mean 'no value'.",
            {"temperature_celsius": 21.5}, {"temperature_celsius": 9999.0},
        ),
        Rule(
            "physical_range", "temperature_celsius BETWEEN -273.15 AND 3000", "Between absolute zero and 3,000 °C.",
            {"temperature_celsius": 21.5}, {"temperature_celsius": -300.0},
        ),
    ),
)

MACHINE_INTERRUPTION = Table(
    layer="silver",
    name="machine_interruption",
    row="One interruption of a machine, in its latest version.",
    key=("site_id", "interruption_id"),
    columns=(
        Column("interruption_id", "string", "Identity given by the sender; versions share it.", required=True),
        Column("version", "int", "Version of the interruption; the highest counts.", required=True),
        _SITE,
        _MACHINE,
        Column("start_at", "timestamp", "When the machine stopped (UTC).", required=True),
        Column("end_at", "timestamp", "When it ran again (UTC); NULL while the interruption is open."),
        Column("reason_code", "string", "Reason code of the plant's catalogue; UNKNOWN when the catalogue has it not.", required=True),
        Column("reason_sent", "string", "Reason code as sent."),
        Column("reason_text", "string", "Free text, shown as text and never evaluated."),
        Column("operator", "string", "Pseudonym of who reported it."),
        Column("status", "string", "open, closed or cancelled.", required=True),
        Column("sent_at", "timestamp", "When this version was sent (UTC).", required=True),
        Column("flags", "array<string>", "Remarks that do not refuse the row, e.g. REASON_UNKNOWN.", required=True),
        _SOURCE_REF,
        _LANDED,
    ),
    write="merge",
    writer=LIVE,
    partition=("months(start_at)",),
    sort=("site_id", "machine_id", "start_at"),
    fresh_within_s=20,
    rules=(
        Rule(
            "ts_range", f"{_in_time('start_at')} AND (end_at IS NULL OR ({_in_time('end_at')}))",
            "Start and end between 2000 and five minutes after landing.",
            {"start_at": "2026-11-20T05:00:00Z"}, {"start_at": "1999-12-31T05:00:00Z"},
        ),
        Rule(
            "interval", "end_at IS NULL OR end_at >= start_at", "It does not end before it starts.",
            {"start_at": "2026-11-20T05:00:00Z", "end_at": "2026-11-20T05:10:00Z"},
            {"start_at": "2026-11-20T05:00:00Z", "end_at": "2026-11-20T04:59:59Z"},
        ),
        Rule("version_range", "version >= 1", "Versions count from 1.", {"version": 1}, {"version": 0}),
    ),
)

MACHINE_COUNT = Table(
    layer="silver",
    name="machine_count",
    row="One reading of a machine's cumulative counters.",
    key=("event_id", "reading_at"),
    columns=(
        Column("event_id", "string", "Identity given by the sender.", required=True),
        _SITE,
        _MACHINE,
        Column("reading_at", "timestamp", "When the counters were read (UTC).", required=True),
        Column("good_count", "bigint", "Good pieces since the counter's last reset.", required=True),
        Column("scrap_count", "bigint", "Scrapped pieces since the counter's last reset.", required=True),
        Column("rework_count", "bigint", "Pieces set aside for rework since the counter's last reset.", required=True),
        Column("state", "string", "PackML state."),
        Column("speed_per_min", "double", "Machine speed in pieces a minute."),
        Column("part_no", "string", "Part in production."),
        Column("order_no", "string", "Order in production."),
        Column("flags", "array<string>", "Remarks that do not refuse the row.", required=True),
        _SOURCE_REF,
        _LANDED,
    ),
    write="append",
    writer=LIVE,
    partition=("days(reading_at)",),
    sort=("site_id", "machine_id", "reading_at"),
    fresh_within_s=20,
    rules=(
        Rule(
            "ts_range", _in_time("reading_at"), "Read between 2000 and five minutes after it was landed.",
            {"reading_at": "2026-11-20T05:00:00Z"}, {"reading_at": "2036-11-20T05:00:00Z"},
        ),
        Rule(
            "quantity_range",
            "good_count BETWEEN 0 AND 1000000000000 AND scrap_count BETWEEN 0 AND 1000000000000"
            " AND rework_count BETWEEN 0 AND 1000000000000",
            "Counters are neither negative nor impossibly large.",
            {"good_count": 5, "scrap_count": 0, "rework_count": 0}, {"good_count": -1, "scrap_count": 0, "rework_count": 0},
        ),
    ),
)

PRODUCTION_EVENT = Table(
    layer="silver",
    name="production_event",
    row="One operation of an MES production log: production, set-up or breakdown on one machine.",
    key=("site_id", "event_key"),
    columns=(
        Column("event_key", "string", "SHA-256 of the row's cells and its number among identical rows of the file.", required=True),
        _SITE,
        _MACHINE,
        Column("order_no", "string", "Work order (case)."),
        Column("activity", "string", "Operation as named by the MES."),
        Column("event_type", "string", "production, setup or breakdown.", required=True),
        Column("start_at", "timestamp", "Start (UTC).", required=True),
        Column("end_at", "timestamp", "End (UTC).", required=True),
        Column("part_no", "string", "Part description."),
        Column("completed_qty", "decimal(18,3)", "Pieces completed.", required=True),
        Column("rejected_qty", "decimal(18,3)", "Pieces rejected.", required=True),
        Column("mrb_qty", "decimal(18,3)", "Pieces sent to material review.", required=True),
        Column("is_rework", "boolean", "True when the operation is rework.", required=True),
        _SOURCE_REF,
        _LANDED,
    ),
    write="merge",
    writer=FILES,
    partition=("site_id",),
    sort=("machine_id", "start_at"),
    rules=(
        Rule(
            "timestamp_format", "start_at IS NOT NULL AND end_at IS NOT NULL", "Both timestamps have the contract's format.",
            {"start_at": "2012-01-29T23:24:00Z", "end_at": "2012-01-30T05:43:00Z"}, {"start_at": None, "end_at": None},
        ),
        Rule(
            "ts_range", f"{_in_time('start_at')} AND {_in_time('end_at')}", "Start and end between 2000 and five minutes after landing.",
            {"start_at": "2012-01-29T23:24:00Z", "end_at": "2012-01-30T05:43:00Z"},
            {"start_at": "1912-01-29T23:24:00Z", "end_at": "2012-01-30T05:43:00Z"},
        ),
        Rule(
            "interval", "end_at >= start_at", "It does not end before it starts.",
            {"start_at": "2012-01-29T23:24:00Z", "end_at": "2012-01-29T23:24:00Z"},
            {"start_at": "2012-01-29T23:24:00Z", "end_at": "2012-01-29T23:23:00Z"},
        ),
        Rule(
            "quantity_range",
            "completed_qty BETWEEN 0 AND 1000000000 AND rejected_qty BETWEEN 0 AND 1000000000 AND mrb_qty BETWEEN 0 AND 1000000000",
            "Quantities are neither negative nor impossibly large.",
            {"completed_qty": 1, "rejected_qty": 0, "mrb_qty": 0}, {"completed_qty": -1, "rejected_qty": 0, "mrb_qty": 0},
        ),
    ),
)

CONFIRMATION = Table(
    layer="silver",
    name="confirmation",
    row="One confirmation of produced quantities, from a workbook.",
    key=("site_id", "confirmation_key"),
    columns=(
        Column("confirmation_key", "string", "Confirmation number and counter, or the profile's own key columns.", required=True),
        _SITE,
        _MACHINE,
        Column("posting_date", "date", "Production date, the date on which the shift started.", required=True),
        Column("shift_id", "string", "Shift of the plant model."),
        Column("start_at", "timestamp", "Start (UTC), where the workbook has one."),
        Column("end_at", "timestamp", "End (UTC), where the workbook has one."),
        Column("order_no", "string", "Production order."),
        Column("operation_no", "string", "Operation of the order; each confirms the pieces that it passed on."),
        Column("part_no", "string", "Part or material."),
        Column("tool_no", "string", "Mould or tool."),
        Column("shot_count", "bigint", "Shots or cycles."),
        Column("cavity_count", "int", "Cavities in use."),
        Column("total_qty", "decimal(18,3)", "Pieces produced.", required=True),
        Column("good_qty", "decimal(18,3)", "Good pieces.", required=True),
        Column("scrap_qty", "decimal(18,3)", "Scrapped pieces.", required=True),
        Column("rework_qty", "decimal(18,3)", "Pieces set aside for rework.", required=True),
        Column("scrap_by_reason", "map<string,decimal(18,3)>", "Scrap reason to pieces.", required=True),
        Column("is_idle", "boolean", "True for a row that says that nothing ran.", required=True),
        Column("is_rework", "boolean", "True for a second pass: its good pieces were saved by rework, its scrap lost in it.", required=True),
        Column("produced_date", "date", "Production date of the pieces, where it differs from the posting date (late scrap)."),
        Column("produced_shift_id", "string", "Shift in which the pieces were made, where produced_date is given."),
        _SOURCE_REF,
        _LANDED,
    ),
    write="merge",
    writer=FILES,
    partition=("site_id", "months(posting_date)"),
    sort=("machine_id", "posting_date"),
    rules=(
        Rule(
            "posting_date_format", "posting_date IS NOT NULL", "The posting date is a date of the workbook's profile.",
            {"posting_date": "2018-11-01"}, {"posting_date": None},
        ),
        Rule(
            "ts_range",
            f"posting_date >= date'2000-01-01' AND posting_date <= date(landed_at) + 1 AND (start_at IS NULL OR ({_in_time('start_at')}))"
            f" AND (end_at IS NULL OR ({_in_time('end_at')}))",
            "Posting date, start and end between 2000 and the day of landing.",
            {"posting_date": "2018-11-01"}, {"posting_date": "1918-11-01"},
        ),
        Rule(
            "interval", "start_at IS NULL OR end_at IS NULL OR end_at >= start_at", "It does not end before it starts.",
            {"start_at": "2026-11-20T05:00:00Z", "end_at": "2026-11-20T06:00:00Z"},
            {"start_at": "2026-11-20T05:00:00Z", "end_at": "2026-11-20T04:00:00Z"},
        ),
        Rule(
            "quantity_range",
            "total_qty BETWEEN 0 AND 1000000000 AND good_qty BETWEEN 0 AND 1000000000 AND scrap_qty BETWEEN 0 AND 1000000000"
            " AND rework_qty BETWEEN 0 AND 1000000000",
            "Quantities are numbers, neither negative nor impossibly large.",
            {"total_qty": 10, "good_qty": 9, "scrap_qty": 1, "rework_qty": 0},
            {"total_qty": 10, "good_qty": -9, "scrap_qty": 1, "rework_qty": 0},
        ),
        Rule(
            "quantity_sum", "total_qty = good_qty + scrap_qty + rework_qty", "Produced is good plus scrap plus rework.",
            {"total_qty": 10, "good_qty": 9, "scrap_qty": 1, "rework_qty": 0},
            {"total_qty": 10, "good_qty": 9, "scrap_qty": 2, "rework_qty": 0},
        ),
    ),
)

TOPIC_TABLES = (SENSOR_READING, MACHINE_INTERRUPTION, MACHINE_COUNT)
FILE_TABLES = (PRODUCTION_EVENT, CONFIRMATION)
SILVER = (*TOPIC_TABLES, *FILE_TABLES)
