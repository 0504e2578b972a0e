"""Messages to Kafka, files to the landing bucket or to a folder."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from kafka import KafkaProducer
from kafka.errors import KafkaError

from lakehouse.bronze.landing_zone import LANDING_BUCKET
from lakehouse.errors import KafkaUnreachableError, StoreUnreachableError
from lakehouse.settings import Settings
from lakehouse.simulator.messages import TOPICS, Message
from lakehouse.spark_conf import WRITER

DELIVERED_WITHIN_MS = 120_000
UNACKNOWLEDGED = 50_000


class Sender:
    """Sends messages with acknowledgement by all replicas; a context, which flushes at its end."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.kafka_bootstrap
        self._failed: list[str] = []
        try:
            self._producer: Any = KafkaProducer(
                bootstrap_servers=self._address, client_id="lakehouse-simulator", acks="all", compression_type="lz4", linger_ms=40,
                batch_size=1 << 19, max_in_flight_requests_per_connection=5, delivery_timeout_ms=DELIVERED_WITHIN_MS,
            )
        except KafkaError as error:
            raise KafkaUnreachableError(self._address, f"{type(error).__name__}: {error}", "bin/lakehouse up") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.flush()
        self._producer.close(timeout=10)

    def send(self, messages: Iterable[Message]) -> int:
        """Send messages in order and return how many; they may still be on their way."""
        number = 0
        try:
            for number, message in enumerate(messages, 1):
                self._producer.send(message.topic, value=message.value, key=message.key).add_errback(self._fail)
                if number % UNACKNOWLEDGED == 0:
                    # The client's buffer knows no bound of its own.
                    self.flush()
        except KafkaError as error:
            raise self._error(error) from error
        return number

    def flush(self) -> None:
        """Wait until all is acknowledged.

        Raises:
            KafkaUnreachableError: some messages were not.
        """
        try:
            self._producer.flush(timeout=DELIVERED_WITHIN_MS / 1000)
        except KafkaError as error:
            raise self._error(error) from error
        if self._failed:
            raise KafkaUnreachableError(self._address, f"{len(self._failed)} messages were refused, first: {self._failed[0]}", "bin/lakehouse status")

    def _fail(self, error: BaseException) -> None:
        self._failed.append(f"{type(error).__name__}: {error}")

    def _error(self, error: KafkaError) -> KafkaUnreachableError:
        return KafkaUnreachableError(self._address, f"{type(error).__name__}: {error}", "bin/lakehouse status")


class LandingBucket:
    """Puts files into the stack's landing bucket."""

    def __init__(self, settings: Settings) -> None:
        self._endpoint = settings.s3_endpoint
        self._s3: Any = boto3.client(
            "s3", endpoint_url=self._endpoint, region_name=settings.s3_region, aws_access_key_id=WRITER,
            aws_secret_access_key=settings.secret("s3_writer_secret"),
        )

    def put(self, key: str, content: bytes) -> None:
        """Put one object.

        Raises:
            StoreUnreachableError: the store does not answer or refuses.
        """
        try:
            self._s3.put_object(Bucket=LANDING_BUCKET, Key=key, Body=content)
        except (BotoCoreError, ClientError) as error:
            raise StoreUnreachableError(self._endpoint, f"{key}: {type(error).__name__}: {error}", "bin/lakehouse status") from error


class MessageFiles(AbstractContextManager["MessageFiles"]):
    """Writes messages to one file a topic, `key TAB value` a line; no value holds a line break."""

    def __init__(self, folder: Path) -> None:
        self._stack = ExitStack()
        folder.mkdir(parents=True, exist_ok=True)
        self._files = {topic: self._stack.enter_context((folder / f"{topic}.tsv").open("wb")) for topic in TOPICS}

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def send(self, messages: Iterable[Message]) -> int:
        """Write messages in order and return how many."""
        number = 0
        for number, message in enumerate(messages, 1):  # noqa: B007 - the last number is the count
            self._files[message.topic].write(message.key + b"\t" + message.value + b"\n")
        return number


class FolderKeeper:
    """Keeps files below a folder under their object keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, content: bytes) -> None:
        """Write one file."""
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
