"""Ops: what the pipeline did. Each table has one writer."""

from lakehouse.model import Column, Table
from lakehouse.tables.bronze import FILES, LIVE

PUBLISHER = "publisher (holder of the gold lease)"

EXTENT = "struct<site_id:string,machine_id:string,from_at:timestamp,to_at:timestamp,cause:string>"


def _commit_table(name: str, writer: str, what: str) -> Table:
    return Table(
        layer="ops",
        name=name,
        row=f"One silver table's part in one conform commit of {what}: counts that add up, and what it touched.",
        key=("silver_table", "commit_seq"),
        columns=(
            Column("silver_table", "string", "Name of the silver table.", required=True),
            Column("commit_seq", "bigint", "Counts up by one with every commit of this writer.", required=True),
            Column("committed_at", "timestamp", "When the rows were conformed (UTC).", required=True),
            Column("source", "string", "Kafka ranges or file SHA-256 that were conformed, as JSON.", required=True),
            Column("in_count", "bigint", "Bronze rows read.", required=True),
            Column("kept_count", "bigint", "Rows that entered silver.", required=True),
            Column("quarantined_count", "bigint", "Rows that entered the quarantine.", required=True),
            Column("duplicate_count", "bigint", "Rows that silver already had, equal in content.", required=True),
            Column("superseded_count", "bigint", "Rows replaced by a later version in the same or an earlier commit.", required=True),
            Column("newest_event_at", "timestamp", "Greatest event time of the kept rows (UTC)."),
            Column("touched", f"array<{EXTENT}>", "Old and new extents of every changed row, merged per machine.", required=True),
        ),
        write="append",
        writer=writer,
        partition=("days(committed_at)",),
    )


TOPIC_COMMIT = _commit_table("topic_commit", LIVE, "topics")
FILE_COMMIT = _commit_table("file_commit", FILES, "files")

LANDING = Table(
    layer="ops",
    name="landing",
    row="One object of the landing bucket and what became of it.",
    key=("file_sha256", "object_key", "etag"),
    columns=(
        Column("object_key", "string", "Key in the landing bucket.", required=True),
        Column("file_sha256", "string", "SHA-256 of its bytes.", required=True),
        Column("etag", "string", "The store's ETag of the object; the same key with another ETag is read again.", required=True),
        Column("source", "string", "Name of the source contract.", required=True),
        Column("site_id", "string", "Site, the second part of the key.", required=True),
        Column("status", "string", "landed, duplicate or rejected.", required=True),
        Column("code", "string", "Why it was rejected; empty otherwise.", required=True),
        Column("differences", "array<string>", "First differences from the contract: column, row, expected, found.", required=True),
        Column("row_count", "bigint", "Rows landed.", required=True),
        Column("byte_count", "bigint", "Size of the object in bytes.", required=True),
        Column("run_id", "string", "Run that landed it; a cleared run repeats exactly its own objects.", required=True),
        Column("landed_at", "timestamp", "When it was landed (UTC).", required=True),
    ),
    write="append",
    writer=FILES,
)

PUBLICATION = Table(
    layer="ops",
    name="publication",
    row="One publication of gold: what it consumed and what it replaced.",
    key=("revision",),
    columns=(
        Column("revision", "bigint", "Number of the publication; all its gold rows carry it.", required=True),
        Column("published_at", "timestamp", "When it was published (UTC).", required=True),
        Column("as_of", "timestamp", "Knowledge time of its rows (UTC).", required=True),
        Column("publisher", "string", "Who held the lease.", required=True),
        Column("topic_seq", "bigint", "ops.topic_commit was consumed up to this commit_seq.", required=True),
        Column("file_seq", "bigint", "ops.file_commit was consumed up to this commit_seq.", required=True),
        Column("plant_versions", "map<string,string>", "Site to the content hash of its plant model.", required=True),
        Column("machine_shift_count", "bigint", "Machine-shifts that were rebuilt.", required=True),
        Column("reason", "string", "touched, rebuild or clock (a running shift went on).", required=True),
    ),
    write="append",
    writer=PUBLISHER,
)

AUDIT_RESULT = Table(
    layer="ops",
    name="audit_result",
    row="One audit of one publication.",
    key=("revision", "audit"),
    columns=(
        Column("revision", "bigint", "Publication that was audited.", required=True),
        Column("audit", "string", "Name of the audit.", required=True),
        Column("violation_count", "bigint", "Rows that broke it; a publication needs zero.", required=True),
        Column("example", "string", "First violation, empty if none.", required=True),
        Column("audited_at", "timestamp", "When (UTC).", required=True),
    ),
    write="append",
    writer=PUBLISHER,
)

OPS = (TOPIC_COMMIT, FILE_COMMIT, LANDING, PUBLICATION, AUDIT_RESULT)
