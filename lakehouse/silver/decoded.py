"""Bronze messages with their decoded columns beside them; the step before any table's own conform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.sources.messages import ENVELOPES, Decoder, schema_of

BRONZE_COLUMNS = ("topic", "kafka_partition", "kafka_offset", "key", "value", "broker_at", "landed_at")
_SPARK_TYPES = {pa.string(): "string", pa.float64(): "double", pa.int64(): "bigint", pa.bool_(): "boolean"}


def origin() -> Column:
    """Return where a message came from, as topic/partition/offset."""
    return F.concat_ws("/", "topic", "kafka_partition", "kafka_offset")


def raw_text() -> Column:
    """Return a message's value as text; bytes that are not UTF-8 as hex after `0x`."""
    readable = F.expr("is_valid_utf8(cast(value AS string))")
    return F.when(readable, F.col("value").cast("string")).when(F.col("value").isNotNull(), F.concat(F.lit("0x"), F.hex("value")))


def decoded(
    messages: DataFrame,
    envelope_name: str,
    default_site: str,
    machines: frozenset[tuple[str, str | None]],
    newest: Mapping[tuple[str, ...], datetime],
) -> DataFrame:
    """Return bronze messages with the envelope's columns, `early_rule` and `is_fresh` beside them.

    Args:
        messages: rows of a bronze topic table; a Spark partition holds a Kafka partition in order.
        envelope_name: kind of message, a key of `ENVELOPES`.
        default_site: site of a message that names none.
        machines: known machines, see `Decoder`.
        newest: series to the greatest event time already in silver.
    """
    envelope = ENVELOPES[envelope_name]
    arrow = schema_of(envelope)
    added = ", ".join(f"`{each.name}` {_SPARK_TYPES.get(each.type, 'timestamp')}" for each in arrow)
    kept = "topic string, kafka_partition int, kafka_offset bigint, key binary, value binary, broker_at timestamp, landed_at timestamp"
    known = dict(newest)

    def decode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        decoder = Decoder(envelope, default_site, machines, known)
        for batch in batches:
            columns = decoder.decode(batch.column("key"), batch.column("value"))
            yield pa.RecordBatch.from_arrays([*batch.columns, *columns], names=[*batch.schema.names, *arrow.names])

    return messages.select(*BRONZE_COLUMNS).mapInArrow(decode, f"{kept}, {added}")
