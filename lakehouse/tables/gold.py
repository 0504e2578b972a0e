"""Gold: the time ledger, times and quantities of each machine-shift, temperature windows, and the health of the sources.

A machine-shift is the unit of rebuilding: (`site_id`, `machine_id`, `shift_date`, `shift_id`). Time between two shifts is
kept too, as shift_id `off`. Time and quantity element names are those of ISO 22400-2; times in seconds, decimal(18,6).
"""

from lakehouse.model import Column, Table
from lakehouse.tables.ops import PUBLISHER

_SITE = Column("site_id", "string", "Site; with machine_id the key of a machine.", required=True)
_MACHINE = Column("machine_id", "string", "Work unit (ISA-95) within the site.", required=True)
_LINE = Column("line_id", "string", "Line (ISA-95) of the machine at that time.", required=True)
_SHIFT_DATE = Column("shift_date", "date", "Production date: the local date on which the shift starts.", required=True)
_SHIFT = Column("shift_id", "string", "Shift of the plant model, or `off` for the time between two shifts.", required=True)
_REVISION = Column("revision", "bigint", "Publication that built the row; shared by all gold rows of one machine-shift rebuild.", required=True)
_AS_OF = Column("as_of", "timestamp", "Knowledge time (UTC): what was known then.", required=True)

CATEGORIES: tuple[str, ...] = (
    "not_scheduled",
    "unscheduled_run",
    "planned_down",
    "setup",
    "unplanned_stop",
    "blocked_starved",
    "no_order",
    "running",
    "unknown",
)


def _seconds(name: str, meaning: str) -> Column:
    return Column(name, "decimal(18,6)", f"{meaning} Seconds.", required=True)


def _pieces(name: str, meaning: str) -> Column:
    return Column(name, "decimal(18,6)", f"{meaning} Pieces.", required=True)


TIME_SEGMENT = Table(
    layer="gold",
    name="time_segment",
    row="One stretch of one machine's time in exactly one category; the segments of a machine-shift add up to its window.",
    key=("site_id", "machine_id", "shift_date", "shift_id", "segment_start_at"),
    columns=(
        _SITE, _MACHINE, _LINE, _SHIFT_DATE, _SHIFT,
        Column("segment_start_at", "timestamp", "Start (UTC), included.", required=True),
        Column("segment_end_at", "timestamp", "End (UTC), excluded.", required=True),
        Column("segment_start_local", "timestamp_ntz", "Start on the plant's wall clock.", required=True),
        _seconds("duration_s", "Length of the segment."),
        Column("category", "string", f"One of {', '.join(CATEGORIES)}.", required=True),
        Column("reason_code", "string", "Reason of a stop, NULL where none applies."),
        Column("reason_text", "string", "The plant's words for the reason."),
        Column("is_failure", "boolean", "True when the reason counts as a failure (MTBF).", required=True),
        Column("maintenance", "string", "corrective or preventive, where the reason is maintenance."),
        Column("stop_class", "string", "Of an unplanned stop: long, micro, or indeterminate while it is short and open; whole, not clipped."),
        Column("stop_start_at", "timestamp", "Start of the whole contiguous stop (UTC), of which this is a part; NULL unless stop_class is given."),
        Column("stop_end_at", "timestamp", "Its end (UTC), or how far it was known when it is open."),
        Column("is_overrun", "boolean", "True for the time of a planned stop or a set-up beyond its planned end.", required=True),
        Column("order_no", "string", "Order in work, where known."),
        Column("source_table", "string", "Table that spoke for this segment: a silver table, `calendar` or `none`.", required=True),
        Column("source_key", "string", "Key of the source row in that table, e.g. the interruption_id."),
        Column(
            "source_ref", "string",
            "topic/partition/offset or file/sheet/row of the source row; of silver.machine_count the rows of the machine within the segment.",
        ),
        Column("event_start_at", "timestamp", "Start of the whole source event (UTC), which may lie in an earlier shift."),
        Column("event_end_at", "timestamp", "End of the whole source event (UTC); NULL while it is open."),
        Column("is_event_start", "boolean", "True in the one segment that holds the event's start; events are counted there.", required=True),
        Column("also_active", "array<string>", "Other causes that were active: table:key:reason.", required=True),
        _REVISION, _AS_OF,
    ),
    write="merge",
    writer=PUBLISHER,
    partition=("site_id", "months(shift_date)"),
    sort=("machine_id", "segment_start_at"),
)

MACHINE_SHIFT = Table(
    layer="gold",
    name="machine_shift",
    row="One machine in one shift: its times and quantities (ISO 22400 elements).",
    key=("site_id", "machine_id", "shift_date", "shift_id"),
    columns=(
        _SITE, Column("area_id", "string", "Area (ISA-95) of the machine at that time.", required=True),
        _MACHINE, _LINE, _SHIFT_DATE, _SHIFT,
        Column("shift_start_at", "timestamp", "Start of the window (UTC).", required=True),
        Column("shift_end_at", "timestamp", "Planned end of the window (UTC).", required=True),
        Column("window_end_at", "timestamp", "End of what is counted: the planned end, or as_of while the shift runs (UTC).", required=True),
        Column("shift_start_local", "timestamp_ntz", "Start of the window on the plant's wall clock.", required=True),
        _seconds("window_s", "Length of the counted window; the sum of all categories."),
        _seconds("pot_s", "Planned operation time: scheduled time."),
        _seconds("pbt_s", "Planned busy time: POT less planned down time."),
        _seconds("planned_down_s", "Planned breaks and planned stops within the shift."),
        _seconds("apt_s", "Actual production time: running."),
        _seconds("aust_s", "Actual unit set-up time."),
        _seconds("adet_s", "Actual unit delay time: unplanned stops, blocked and starved with an order."),
        _seconds("adot_s", "Actual unit down time: available without an order."),
        _seconds("blocked_starved_s", "Part of ADET: blocked or starved."),
        _seconds("long_stop_s", "Part of ADET: unplanned stops that are no micro-stops, and those of which no event is known."),
        _seconds("micro_stop_s", "Part of ADET: stops shorter, as a whole, than the machine's micro-stop threshold."),
        _seconds("indeterminate_s", "Part of ADET: stops that are shorter than the threshold and still open."),
        _seconds("setup_overrun_s", "Part of AUST beyond the planned set-up time (PUST)."),
        _seconds("planned_overrun_s", "Part of the unplanned stops: planned stops beyond their planned end."),
        _seconds("failure_s", "Time of stops whose reason is a failure."),
        _seconds("cmt_s", "Corrective maintenance time."),
        _seconds("pmt_s", "Preventive maintenance time."),
        _seconds("open_stop_s", "Part of PBT in stops that are still open."),
        _seconds("unknown_s", "Time for which no source spoke."),
        _seconds("uncounted_s", "Part of PBT, running, unknown or in an open stop, of which the pieces are not known."),
        _seconds("not_scheduled_s", "Time outside any shift, idle."),
        _seconds("unscheduled_run_s", "Time outside any shift in which the machine ran; outside A, P, Q and OEE."),
        _seconds("calendar_day_s", "Length of the local day shift_date: 23, 24 or 25 hours."),
        _pieces("pq_count", "Produced quantity."),
        _pieces("gq_count", "Good quantity, first time right."),
        _pieces("rq_count", "Rework quantity."),
        _pieces("sq_count", "Scrap quantity, first pass."),
        _pieces("rework_good_count", "Pieces that rework has saved; they are no new produced quantity."),
        _pieces("rework_scrap_count", "Pieces that rework has lost."),
        _pieces("psq_count", "Planned scrap quantity: produced x the part's planned scrap ratio."),
        _pieces("startup_scrap_count", "Part of the scrap: reasons of kind start-up."),
        Column("earned_produced_s", "decimal(38,12)", "Sum over parts of ideal cycle x produced; NULL when an ideal cycle is missing. Seconds."),
        Column("earned_good_s", "decimal(38,12)", "Sum over parts of ideal cycle x good; NULL when an ideal cycle is missing. Seconds."),
        Column("earned_null_reason", "string", "Why the two above are NULL: MISSING_MASTER_DATA."),
        Column("earned_known_produced_s", "decimal(38,12)", "Earned produced time of the parts that have an ideal cycle. Seconds.", required=True),
        Column("earned_known_good_s", "decimal(38,12)", "Earned good time of the parts that have an ideal cycle. Seconds.", required=True),
        Column("earned_rework_s", "decimal(38,12)", "Ideal cycle x rework over the parts that have one. Seconds.", required=True),
        Column("earned_startup_s", "decimal(38,12)", "Ideal cycle x start-up scrap over the parts that have one. Seconds.", required=True),
        Column(
            "line_earned_good_s", "decimal(38,12)",
            "At the exit of a serial line: good pieces x the ideal cycle of the line's constraint; NULL elsewhere or without cycle. Seconds.",
        ),
        Column("line_null_reason", "string", "Why line_earned_good_s is NULL: NOT_LINE_EXIT or MISSING_MASTER_DATA."),
        Column("line_flow", "string", "serial or parallel, as the line is declared; NULL when it is not."),
        Column("line_role", "array<string>", "What the machine is in a serial line: first, constraint, exit.", required=True),
        Column(
            "quantity_by_part",
            "array<struct<part_no:string,order_no:string,tool_no:string,pq_count:decimal(18,6),gq_count:decimal(18,6),"
            "rq_count:decimal(18,6),sq_count:decimal(18,6),ideal_cycle_s:decimal(18,9)>>",
            "Quantities by part and order with the ideal cycle used.", required=True,
        ),
        Column("scrap_by_reason", "map<string,decimal(18,6)>", "Scrap reason to pieces, where the quantity source names reasons.", required=True),
        Column("stop_by_reason", "map<string,decimal(18,6)>", "Reason code (category where none was given) to seconds of lost time.", required=True),
        Column("stop_event_count", "bigint", "Unplanned stops that started in this shift.", required=True),
        Column("micro_stop_count", "bigint", "Those of them that are micro-stops.", required=True),
        Column("failure_count", "bigint", "Failures that started in this shift.", required=True),
        Column("counter_reset_count", "bigint", "Times that a counter started again.", required=True),
        Column("quantity_source", "string", "The one source of the quantities: counter, mes or confirmation.", required=True),
        Column("profile", "string", "What the site's plain names mean: iso22400 or tpm.", required=True),
        Column("late_scrap_policy", "string", "Where late pieces count: production_time or posting_time.", required=True),
        Column("rework_policy", "string", "Where pieces of a second pass count: production_time or posting_time.", required=True),
        Column("is_provisional", "boolean", "True while the shift runs or an open stop reaches into it.", required=True),
        Column("unknown_time_ratio", "decimal(38,12)", "unknown_s / pbt_s, 0 to 1."),
        Column("unknown_time_null_reason", "string", "Why it is NULL: NO_PLANNED_TIME."),
        Column(
            "flags", "array<string>",
            "P_GT_1, PRI_SUSPECT, RUN_TIME_ASSUMED, COUNTER_RESET, CONTRACT_VIOLATION, UNSCHEDULED_RUN.", required=True,
        ),
        Column("missing_master_data", "array<string>", "Parts without an ideal cycle, by name.", required=True),
        Column("plant_version", "string", "Version of the plant model used.", required=True),
        Column("definition_version", "string", "Version of the KPI definitions.", required=True),
        _REVISION, _AS_OF,
    ),
    write="merge",
    writer=PUBLISHER,
    partition=("site_id", "months(shift_date)"),
    sort=("machine_id", "shift_start_at"),
    fresh_within_s=60,
)

TEMPERATURE_WINDOW = Table(
    layer="gold",
    name="temperature_window",
    row="Ten minutes of one sensor.",
    key=("site_id", "machine_id", "sensor", "window_start_at"),
    columns=(
        _SITE, _MACHINE, _LINE,
        Column("lane_number", "int", "Lane that the machine stands in, from the plant model."),
        Column("sensor", "string", "Sensor on the machine.", required=True),
        Column("window_start_at", "timestamp", "Start of the ten minutes (UTC), included.", required=True),
        Column("window_end_at", "timestamp", "End of the ten minutes (UTC), excluded.", required=True),
        Column("window_start_local", "timestamp_ntz", "Start on the plant's wall clock.", required=True),
        Column("reading_count", "bigint", "Readings in the window.", required=True),
        Column("min_celsius", "double", "Lowest reading.", required=True),
        Column("max_celsius", "double", "Highest reading.", required=True),
        Column("mean_celsius", "double", "Mean of the readings.", required=True),
        Column("limit_celsius", "double", "Upper limit of the sensor in the plant model, NULL when it has none."),
        Column("over_limit_count", "bigint", "Readings above the limit; NULL when it has none."),
        Column("max_30min_celsius", "double", "Highest reading of this window and the two before it.", required=True),
        _REVISION, _AS_OF,
    ),
    write="merge",
    writer=PUBLISHER,
    partition=("site_id", "months(window_start_at)"),
    sort=("machine_id", "window_start_at"),
)

SOURCE_HEALTH = Table(
    layer="gold",
    name="source_health",
    row="One silver table at one site: how fresh it is and how many rows went where.",
    key=("site_id", "silver_table"),
    columns=(
        _SITE,
        Column("silver_table", "string", "Name of the silver table.", required=True),
        Column("newest_event_at", "timestamp", "Greatest event time kept (UTC)."),
        Column("newest_landed_at", "timestamp", "When its newest row was landed (UTC)."),
        Column("kept_count", "bigint", "Rows in silver.", required=True),
        Column("quarantined_count", "bigint", "Rows in its quarantine.", required=True),
        Column("quarantined_by_rule", "map<string,bigint>", "Rule to rows in quarantine.", required=True),
        Column("promised_within_s", "int", "Promised age of the newest row in seconds, NULL if none."),
        Column("allowed_s", "int", "Age in seconds beyond which it is late: its promise and that of gold; NULL if nothing is promised."),
        Column("is_event", "boolean", "True when its rows are things that happen: it is not late because nothing has happened."),
        _REVISION, _AS_OF,
    ),
    write="merge",
    writer=PUBLISHER,
)

GOLD = (TIME_SEGMENT, MACHINE_SHIFT, TEMPERATURE_WINDOW, SOURCE_HEALTH)
