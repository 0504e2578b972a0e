"""Bronze: what came in, as it was sent, with where it came from. Append only; nothing is interpreted."""

from lakehouse.model import Column, Table

LIVE = "live application"
FILES = "Airflow jobs"

_MESSAGE = (
    Column("topic", "string", "Kafka topic.", required=True),
    Column("kafka_partition", "int", "Kafka partition.", required=True),
    Column("kafka_offset", "bigint", "Kafka offset; with topic and partition the row's coordinate.", required=True),
    Column("key", "binary", "Message key, the bytes as sent; normally the machine."),
    Column("value", "binary", "Message value, the bytes as sent; NULL is a tombstone."),
    Column("broker_at", "timestamp", "When the broker appended the message (UTC).", required=True),
    Column("landed_at", "timestamp", "When the landing micro-batch ran (UTC).", required=True),
)

_CELLS = (
    Column("file_sha256", "string", "SHA-256 of the file's bytes; the file's identity.", required=True),
    Column("object_key", "string", "Key in the landing bucket that the bytes were read from.", required=True),
    Column("site_id", "string", "Site, the second part of the object key.", required=True),
    Column("sheet", "string", "Worksheet, empty for text files.", required=True),
    Column("row_no", "bigint", "Row of a sheet as Excel counts; in other text files 1 is the first row after the header.", required=True),
    Column("cells", "map<string,string>", "Column name to text as it stood in the file; an empty cell is absent.", required=True),
    Column("landed_at", "timestamp", "When the file was landed (UTC).", required=True),
)


def _topic_table(name: str, what: str) -> Table:
    return Table(
        layer="bronze",
        name=name,
        row=f"One Kafka message about {what}, as sent.",
        key=("topic", "kafka_partition", "kafka_offset"),
        columns=_MESSAGE,
        write="append",
        writer=LIVE,
        partition=("days(broker_at)",),
        fresh_within_s=10,
    )


def cell_table(name: str, what: str) -> Table:
    """Return the bronze table of files whose rows are maps of cells.

    Args:
        name: table name.
        what: what the file is, as in "one row of <what>".
    """
    return Table(
        layer="bronze",
        name=name,
        row=f"One row of {what}, as it stood in the file.",
        key=("file_sha256", "sheet", "row_no"),
        columns=_CELLS,
        write="append",
        writer=FILES,
        partition=("site_id",),
    )


SENSOR_TEMPERATURE = _topic_table("sensor_temperature", "a temperature")
MACHINE_INTERRUPTION = _topic_table("machine_interruption", "an interruption of a machine")
MACHINE_COUNT = _topic_table("machine_count", "a machine's counters and state")
MES_PRODUCTION_LOG = cell_table("mes_production_log", "an MES production log")
CONFIRMATION_SHEET = cell_table("confirmation_sheet", "a confirmation workbook")

TOPIC_TABLES = (SENSOR_TEMPERATURE, MACHINE_INTERRUPTION, MACHINE_COUNT)
FILE_TABLES = (MES_PRODUCTION_LOG, CONFIRMATION_SHEET)
BRONZE = (*TOPIC_TABLES, *FILE_TABLES)
