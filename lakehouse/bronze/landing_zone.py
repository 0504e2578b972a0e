"""The landing bucket: what lies there, read once and kept byte for byte under its SHA-256. Keys are data, never patterns."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lakehouse.errors import StoreUnreachableError
from lakehouse.settings import Settings
from lakehouse.sources.formats import MarkerObject
from lakehouse.spark_conf import WRITER

Complete = Literal["stable"] | MarkerObject
LANDING_BUCKET = "landing"
LAKE_BUCKET = "lake"
RAW_PREFIX = "raw/"
CHUNK = 1 << 20
MOVED_ON = frozenset({"PreconditionFailed", "NoSuchKey", "404", "412"})
TEMPORARY_STARTS = ("~$", ".", "._")
TEMPORARY_ENDS = (".tmp", ".temp", ".part", ".partial", ".crdownload")
TEMPORARY_MARK = "_COPYING_"
GIVEN_BACK = ".refused.xlsx"
"""How the key of a workbook ends that was given back with comments; it is never landed."""


@dataclass(frozen=True)
class Listed:
    """One object as the store listed it. `size` in bytes."""

    key: str
    etag: str
    size: int
    modified_at: datetime

    @property
    def site_id(self) -> str:
        """The key's second part, empty when the key has no site and file name."""
        parts = self.key.split("/")
        return parts[1] if len(parts) > 2 and parts[-1] else ""

    @property
    def is_temporary(self) -> bool:
        """True for lock files, half-written files of other programs, folder markers, and workbooks that were given back."""
        name = self.key.rsplit("/", 1)[-1]
        lower = name.lower()
        return not name or lower.startswith(TEMPORARY_STARTS) or lower.endswith((*TEMPORARY_ENDS, GIVEN_BACK)) or TEMPORARY_MARK in name


@contextmanager
def _answering(subject: str) -> Iterator[None]:
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise StoreUnreachableError(subject, f"{type(error).__name__}: {error}", "bin/lakehouse status") from error


def ready(listed: Sequence[Listed], seen: Collection[tuple[str, str]], sites: Collection[str], complete: Complete) -> list[Listed]:
    """Return the objects that a landing would take now: complete, not temporary, not landed before, of a site that the plant model has.

    An object without a site in its key is taken: landing rejects it by name.

    Args:
        listed: all objects of the source.
        seen: key and ETag of what was landed or rejected before.
        sites: the plant model's sites.
        complete: when an object is complete, as the source's contract says.
    """
    keys = {each.key for each in listed}
    new = fresh(listed, seen, complete)
    return [each for each in new if (not each.site_id or each.site_id in sites) and not missing_marker(each, keys, complete)]


def fresh(listed: Sequence[Listed], seen: Collection[tuple[str, str]], complete: Complete) -> list[Listed]:
    """Return the objects that were not landed or rejected before; temporary ones and markers are none."""
    data = [each for each in listed if not each.is_temporary]
    keys = {each.key for each in data}
    markers = {complete.key_of(key) for key in keys} & keys if isinstance(complete, MarkerObject) else set()
    return [each for each in data if each.key not in markers and (each.key, each.etag) not in seen]


def missing_marker(each: Listed, keys: Collection[str], complete: Complete) -> str:
    """Return the key of the marker object that an object waits for; empty when it waits for none."""
    wanted = complete.key_of(each.key) if isinstance(complete, MarkerObject) else ""
    return "" if wanted in keys else wanted


class LandingZone:
    """The landing bucket of one stack.

    Args:
        settings: the stack.
    """

    def __init__(self, settings: Settings) -> None:
        self._s3: Any = boto3.client(
            "s3",
            endpoint_url=settings.s3_endpoint,
            region_name=settings.s3_region,
            aws_access_key_id=WRITER,
            aws_secret_access_key=settings.secret("s3_writer_secret"),
            config=Config(
                s3={"addressing_style": "path"}, proxies={}, connect_timeout=5, read_timeout=60, retries={"max_attempts": 4, "mode": "standard"}
            ),
        )

    def listed(self, source: str) -> list[Listed]:
        """Return all complete objects of a source, in the order in which they arrived.

        An upload that is still under way is not listed by the store.

        Raises:
            StoreUnreachableError: the store does not answer or refuses.
        """
        found: list[Listed] = []
        with _answering(f"bucket {LANDING_BUCKET}"):
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=LANDING_BUCKET, Prefix=f"{source}/"):
                found += [Listed(each["Key"], each["ETag"], each["Size"], each["LastModified"]) for each in page.get("Contents", [])]
        return sorted(found, key=lambda each: (each.modified_at, each.key))

    def fetch(self, listed: Listed, folder: Path) -> tuple[Path, str] | None:
        """Copy an object, exactly as it was listed, to a local file and return (path, SHA-256).

        Returns None when the object was replaced or deleted since it was listed; the next run sees what is there then.

        Raises:
            StoreUnreachableError: the store does not answer or refuses.
        """
        path, digest = folder / "object", hashlib.sha256()
        with _answering(listed.key):
            try:
                body = self._s3.get_object(Bucket=LANDING_BUCKET, Key=listed.key, IfMatch=listed.etag)["Body"]
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in MOVED_ON:
                    return None
                raise
            with path.open("wb") as out:
                for chunk in body.iter_chunks(CHUNK):
                    digest.update(chunk)
                    out.write(chunk)
        return path, digest.hexdigest()

    def keep_raw(self, path: Path, sha256: str) -> None:
        """Keep the bytes as `raw/<sha256>` in the lake bucket, once.

        Raises:
            StoreUnreachableError: the store does not answer or refuses.
        """
        key = f"{RAW_PREFIX}{sha256}"
        with _answering(key):
            found = self._s3.list_objects_v2(Bucket=LAKE_BUCKET, Prefix=key, MaxKeys=1)
            if not any(each["Key"] == key and each["Size"] == path.stat().st_size for each in found.get("Contents", [])):
                self._s3.upload_file(str(path), LAKE_BUCKET, key)

    def upload(self, path: Path, key: str) -> None:
        """Put a local file into the landing bucket under a key.

        Raises:
            StoreUnreachableError: the store does not answer or refuses.
        """
        with _answering(key):
            self._s3.put_object(Bucket=LANDING_BUCKET, Key=key, Body=path.read_bytes())

    def give_back(self, path: Path, key: str) -> None:
        """Put a refused workbook with its comments beside the original in the landing bucket; one that is there is replaced.

        Raises:
            StoreUnreachableError: the store does not answer or refuses.
        """
        self.upload(path, f"{key}{GIVEN_BACK}")

    def take_back(self, key: str) -> None:
        """Take away what was given back for an object, when it has been mended under the same key.

        Raises:
            StoreUnreachableError: the store does not answer or refuses.
        """
        with _answering(key):
            self._s3.delete_object(Bucket=LANDING_BUCKET, Key=f"{key}{GIVEN_BACK}")

    def keep_report(self, key: str, body: bytes, content_type: str) -> None:
        """Put a report into the lake bucket under a key; one that is there is replaced.

        Raises:
            StoreUnreachableError: the store does not answer or refuses.
        """
        with _answering(key):
            self._s3.put_object(Bucket=LAKE_BUCKET, Key=key, Body=body, ContentType=content_type)
