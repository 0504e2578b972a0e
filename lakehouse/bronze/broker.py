"""What the broker says about its topics: identity, partitions, first and next offsets."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from lakehouse.errors import DataLossError, KafkaUnreachableError

POLL_WITHIN_S = 20


@dataclass(frozen=True)
class TopicState:
    """One topic at the broker: its id, and partition to first held and next offset."""

    topic_id: str
    first: Mapping[int, int]
    following: Mapping[int, int]


@contextmanager
def _reached(bootstrap: str) -> Iterator[None]:
    try:
        yield
    except (KafkaError, OSError, ValueError) as error:
        cause = f"no answer from {bootstrap} ({type(error).__name__})"
        raise KafkaUnreachableError("Kafka", cause, "bin/lakehouse up, then bin/lakehouse status") from error


def topic_states(bootstrap: str, topics: list[str], timeout_ms: int = 10_000) -> dict[str, TopicState]:
    """Return the state of each topic; wait at most `timeout_ms` for the broker's first answer, and for each that follows.

    Raises:
        KafkaUnreachableError: the broker did not answer, or has no such topic.
    """
    with _reached(bootstrap):
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=timeout_ms, bootstrap_timeout_ms=timeout_ms)
        try:
            described: list[dict[str, Any]] = admin.describe_topics(topics)
        finally:
            admin.close()
        ids = {str(each["name"]): str(each.get("topic_id", "")) for each in described if not each.get("error_code")}
        absent = sorted(set(topics) - set(ids))
        if absent:
            raise KafkaUnreachableError(f"topic {', '.join(absent)}", "the broker has no such topic", "bin/lakehouse up")
        return _with_offsets(bootstrap, ids, {str(each["name"]): _partitions(each) for each in described})


def _partitions(described: Mapping[str, Any]) -> list[int]:
    return sorted(int(part.get("partition_index", part.get("partition"))) for part in described["partitions"])


def _with_offsets(bootstrap: str, ids: Mapping[str, str], partitions: Mapping[str, list[int]]) -> dict[str, TopicState]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    try:
        wanted = [TopicPartition(topic, p) for topic in ids for p in partitions[topic]]
        first, following = consumer.beginning_offsets(wanted), consumer.end_offsets(wanted)
    finally:
        consumer.close()
    return {
        topic: TopicState(
            ids[topic],
            {p: int(first[TopicPartition(topic, p)]) for p in partitions[topic]},
            {p: int(following[TopicPartition(topic, p)]) for p in partitions[topic]},
        )
        for topic in ids
    }


def absent_at_broker(bootstrap: str, topic: str, ranges: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return those ranges (partition, from, to) for which the broker has no committed message: markers, aborted or compacted ones.

    Raises:
        KafkaUnreachableError: the broker did not answer.
    """
    with _reached(bootstrap):
        consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, isolation_level="read_committed", max_poll_records=1)
        try:
            return [each for each in ranges if _following(consumer, TopicPartition(topic, each[0]), each[1], each[2]) >= each[2]]
        finally:
            consumer.close()


def _following(consumer: KafkaConsumer, part: TopicPartition, from_: int, to: int) -> int:
    """Return the offset of the first message at or after `from_`, or where the consumer stands once it has passed `to`."""
    consumer.assign([part])
    consumer.seek(part, from_)
    deadline = time.monotonic() + POLL_WITHIN_S
    while time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=500).values():
            return int(records[0].offset)
        if consumer.position(part) >= to:
            return to
    return from_


def check_still_held(topic: str, state: TopicState, ends: Mapping[int, int]) -> None:
    """Refuse to go on when the broker dropped offsets before they were landed.

    Raises:
        DataLossError: with the exact ranges that are gone.
    """
    lost = [f"{p}:[{end},{state.first[p]})" for p, end in sorted(ends.items()) if state.first.get(p, 0) > end]
    if lost:
        raise DataLossError(
            f"topic {topic}",
            f"retention removed offsets that were not landed: {', '.join(lost)}",
            "lengthen the topic's retention; see docs/errors.md",
        )
