"""Comments on all columns of a view in one commit. Trino's own `COMMENT ON COLUMN` is a statement and a commit for each column.

Trino keeps a column's comment as the `doc` of the view's Iceberg schema, and so does this: the same view version again, on a schema
with docs, through the catalog's Iceberg REST side. Only views are ever sent there; tables are written through the native side.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import requests

from lakehouse.errors import AuditFailedError, CatalogUnreachableError

TIMEOUT_S = 30
REF_AND_WAREHOUSE = "main%7Clake"
Json = dict[str, Any]


class ViewComments:
    """Writes comments on the views of one namespace on branch main.

    Args:
        iceberg: URL of the catalog's Iceberg REST side.
        namespace: the views' namespace.
    """

    def __init__(self, iceberg: str, namespace: str) -> None:
        self._views = f"{iceberg.rstrip('/')}/v1/{REF_AND_WAREHOUSE}/namespaces/{namespace}/views"
        self._namespace = namespace

    def write(self, view: str, meanings: Mapping[str, str]) -> None:
        """Give every column of a view its meaning, in one commit.

        Args:
            view: name of a view that exists.
            meanings: column to comment; exactly the view's columns.

        Raises:
            AuditFailedError: the view has other columns than `meanings`.
            CatalogUnreachableError: the catalog does not answer, or refused.
        """
        known = self._ask("GET", view)["metadata"]
        found = commented(known, view, meanings, int(time.time() * 1000))
        self._ask("POST", view, {"identifier": {"namespace": [self._namespace], "name": view}, **found})

    def _ask(self, method: str, view: str, body: Json | None = None) -> Json:
        with requests.Session() as http:
            http.trust_env = False
            try:
                answer = http.request(method, f"{self._views}/{view}", json=body, timeout=TIMEOUT_S)
            except requests.RequestException as error:
                raise CatalogUnreachableError(f"view {view}", type(error).__name__, "bin/lakehouse status") from error
        if not answer.ok:
            raise CatalogUnreachableError(f"view {view}", f"HTTP {answer.status_code}: {answer.text[:300]}", "bin/lakehouse status")
        said: Json = answer.json()
        return said


def commented(metadata: Json, view: str, meanings: Mapping[str, str], at_ms: int) -> Json:
    """Return the requirements and updates that put a view's current version on a schema with these comments.

    A schema that was there before is used again: the catalog numbers equal schemas alike, whatever number they are sent with.

    Args:
        metadata: the view's Iceberg metadata.
        view: its name, for the error.
        meanings: column to comment.
        at_ms: milliseconds since the epoch, the new version's time.

    Raises:
        AuditFailedError: the view has other columns than `meanings`.
    """
    version = next(each for each in metadata["versions"] if each["version-id"] == metadata["current-version-id"])
    schema = next(each for each in metadata["schemas"] if each["schema-id"] == version["schema-id"])
    names = [field["name"] for field in schema["fields"]]
    if sorted(names) != sorted(meanings):
        cause = f"the view has {', '.join(names)}; its kpi.yaml has {', '.join(meanings)}"
        raise AuditFailedError(f"view {view}", cause, f"make them equal in lakehouse/serving/kpi/{view}")
    fields = [{**field, "doc": meanings[field["name"]]} for field in schema["fields"]]
    same = [each["schema-id"] for each in metadata["schemas"] if each["fields"] == fields]
    number = same[0] if same else 1 + max(each["schema-id"] for each in metadata["schemas"])
    added = {"action": "add-schema", "schema": {**schema, "schema-id": number, "fields": fields}, "last-column-id": len(fields)}
    again = {**version, "version-id": 1 + max(each["version-id"] for each in metadata["versions"]), "schema-id": number, "timestamp-ms": at_ms}
    current = {"action": "set-current-view-version", "view-version-id": -1}
    return {
        "requirements": [{"type": "assert-view-uuid", "uuid": metadata["view-uuid"]}],
        "updates": [*([] if same else [added]), {"action": "add-view-version", "view-version": again}, current],
    }
