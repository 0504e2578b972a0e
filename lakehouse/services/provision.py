"""One-shot steps of a start, each safe to repeat: topics in Kafka; buckets, users and policies in the store.

`python -m lakehouse.services.provision topics|buckets` ends with the cause's exit status and one line when it cannot.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from kafka.admin import ConfigResource, KafkaAdminClient
from kafka.errors import KafkaError
from minio import Minio, MinioAdmin
from minio.commonconfig import ENABLED
from minio.credentials import StaticProvider
from minio.error import MinioAdminException, MinioException, S3Error
from minio.versioningconfig import VersioningConfig
from urllib3.exceptions import HTTPError

from lakehouse.errors import KafkaUnreachableError, LakehouseError, SettingsError, StoreUnreachableError
from lakehouse.settings import Settings
from lakehouse.sources.topics import Topic, load_topics

HOUR_MS = 3_600_000
BUCKETS = ("landing", "lake")
ROOT, WRITER, READER = "lakehouse-root", "lakehouse-writer", "lakehouse-reader"


def topics(settings: Settings) -> str:
    """Create the declared topics and widen those with fewer partitions; return a sentence of what there is.

    Raises:
        KafkaUnreachableError: the broker does not answer or refuses.
        SettingsError: a topic exists with another kind of timestamp.
    """
    declared = load_topics()
    try:
        admin = KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap, client_id="lakehouse-provision")
        try:
            _ensure_topics(admin, declared)
        finally:
            admin.close()
    except KafkaError as error:
        raise KafkaUnreachableError(settings.kafka_bootstrap, str(error), "bin/lakehouse status") from error
    return f"topics: {', '.join(f'{topic.name} ({topic.partitions})' for topic in declared)}"


def _ensure_topics(admin: Any, declared: Sequence[Topic]) -> None:
    """Create what is absent, add partitions that are missing, refuse a topic that keeps producers' times."""
    present = set(admin.list_topics())
    absent = {topic.name: _creation(topic) for topic in declared if topic.name not in present}
    if absent:
        admin.create_topics(absent, wait_for_metadata=True)
    counts = {found["name"]: len(found["partitions"]) for found in admin.describe_topics([topic.name for topic in declared])}
    for topic in declared:
        if counts[topic.name] < topic.partitions:
            admin.create_partitions({topic.name: topic.partitions})
        (described,) = admin.describe_configs([ConfigResource("TOPIC", topic.name)]).values()
        if described[topic.name].get("message.timestamp.type", {}).get("value") != "LogAppendTime":
            raise SettingsError(f"topic {topic.name}", "message.timestamp.type is not LogAppendTime", "delete the topic; bin/lakehouse up")


def _creation(topic: Topic) -> dict[str, Any]:
    """Return what a topic is created with. Retention goes by record time, so the broker's: history keeps its event time in the payload."""
    kept = {"message.timestamp.type": "LogAppendTime", "retention.ms": str(topic.retention_hours * HOUR_MS), "cleanup.policy": "delete"}
    return {"num_partitions": topic.partitions, "replication_factor": 1, "configs": kept}


def buckets(settings: Settings) -> str:
    """Create buckets with versioning, both principals and their policies; return a sentence of what there is.

    Raises:
        StoreUnreachableError: the store does not answer or refuses.
    """
    endpoint = settings.address("minio")
    password = settings.secret("minio_root_password")
    try:
        _ensure_buckets(Minio(endpoint, ROOT, password, secure=False, region=settings.s3_region))
        _ensure_users(MinioAdmin(endpoint=endpoint, credentials=StaticProvider(ROOT, password), secure=False), settings)
    except (MinioException, S3Error, MinioAdminException, HTTPError) as error:
        raise StoreUnreachableError(settings.s3_endpoint, str(error), "bin/lakehouse status") from error
    return f"buckets: {', '.join(BUCKETS)}; principals: {WRITER} (reads and writes), {READER} (reads lake)"


def _ensure_buckets(store: Minio) -> None:
    for bucket in BUCKETS:
        if not store.bucket_exists(bucket_name=bucket):
            store.make_bucket(bucket_name=bucket)
        store.set_bucket_versioning(bucket_name=bucket, config=VersioningConfig(ENABLED))


def _ensure_users(admin: MinioAdmin, settings: Settings) -> None:
    """Set policies and users; the secrets of the stack's file win over what the store had."""
    for user, secret, policy in ((WRITER, "s3_writer_secret", writer_policy()), (READER, "s3_reader_secret", reader_policy())):
        admin.policy_add(policy_name=user, policy=policy)
        admin.user_add(access_key=user, secret_key=settings.secret(secret))
        if f'"{user}"' not in json.dumps(json.loads(admin.user_info(access_key=user)).get("policyName", "")):
            admin.attach_policy(policies=[user], user=user)


def writer_policy() -> dict[str, Any]:
    """Return the policy of everything that writes: objects of both buckets, nothing about the buckets themselves."""
    objects = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    return _policy((objects, [f"{name}/*" for name in BUCKETS]), (_LISTING, list(BUCKETS)))


def reader_policy() -> dict[str, Any]:
    """Return Trino's policy: get and list, on `lake` only."""
    return _policy((["s3:GetObject"], ["lake/*"]), (_LISTING[:2], ["lake"]))


_LISTING = ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"]


def _policy(*grants: tuple[list[str], list[str]]) -> dict[str, Any]:
    statements = [{"Effect": "Allow", "Action": actions, "Resource": [f"arn:aws:s3:::{name}" for name in names]} for actions, names in grants]
    return {"Version": "2012-10-17", "Statement": statements}


STEPS: dict[str, Callable[[Settings], str]] = {"topics": topics, "buckets": buckets}


def main(step: str) -> int:
    """Run one step; print its sentence, or the error's one line. Return the exit status."""
    try:
        sys.stdout.write(STEPS[step](Settings()) + "\n")
    except LakehouseError as error:
        sys.stderr.write(error.line() + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
