"""Nessie: branch, merge, tag, lease. The branch is the fence: of two writers of one table, the second merge is refused.

Only the native API (v2) is used; its REST (Iceberg) side would cut the tables' history.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from lakehouse.errors import CatalogUnreachableError, FencedError, LeaseHeldError

LEASE = "gold-lease"
CONFLICT = 409
MISSING = 404


@dataclass(frozen=True)
class Reference:
    """A branch or tag at one commit."""

    name: str
    hash: str
    type: str = "BRANCH"

    @property
    def body(self) -> dict[str, str]:
        """The reference as Nessie's API wants it."""
        return {"type": self.type, "name": self.name, "hash": self.hash}


@dataclass(frozen=True)
class Lease:
    """The right to publish gold, until `expires_at` (UTC)."""

    owner: str
    expires_at: datetime
    reference: Reference


def _message(response: requests.Response) -> str:
    """Return what an answer says of its failure; one that is no JSON (a proxy's, for instance) says its status line."""
    try:
        return str(response.json().get("message", response.reason))
    except (ValueError, AttributeError):
        return str(response.reason)


class Nessie:
    """A client of one Nessie server.

    Args:
        api: URL of the native API, version 2.
        timeout_s: seconds to wait for one answer.
    """

    def __init__(self, api: str, timeout_s: float = 30) -> None:
        self._api = api.rstrip("/")
        self._timeout_s = timeout_s
        self._http = requests.Session()
        self._http.trust_env = False

    def _call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        try:
            return self._http.request(method, f"{self._api}/{path}", timeout=self._timeout_s, **kwargs)
        except requests.RequestException as error:
            raise CatalogUnreachableError("Nessie", f"{type(error).__name__} at {self._api}", "bin/lakehouse status") from error

    def _ok(self, response: requests.Response, subject: str) -> dict[str, Any]:
        if response.ok:
            found: dict[str, Any] = response.json() if response.content else {}
            return found
        message = _message(response)
        if response.status_code == CONFLICT:
            raise FencedError(subject, f"the catalog refused the commit: {message[:300]}", "read the table's progress again and redo the batch")
        raise CatalogUnreachableError(subject, f"HTTP {response.status_code}: {message[:300]}", "bin/lakehouse status")

    def find(self, name: str) -> Reference | None:
        """Return the reference of that name, or None."""
        response = self._call("GET", f"trees/{name}")
        if response.status_code == MISSING:
            return None
        found = self._ok(response, f"reference {name}")["reference"]
        return Reference(found["name"], found["hash"], found["type"])

    def get(self, name: str = "main") -> Reference:
        """Return the reference of that name; it must exist."""
        found = self.find(name)
        if found is None:
            raise CatalogUnreachableError(f"reference {name}", "it does not exist in this catalog", "bin/lakehouse status")
        return found

    def names(self, prefix: str) -> list[Reference]:
        """Return all references whose name starts with `prefix`."""
        answer = self._ok(self._call("GET", "trees", params={"filter": f"ref.name.startsWith('{prefix}')", "max-records": 1000}), "references")
        return [Reference(each["name"], each["hash"], each["type"]) for each in answer["references"]]

    def create(self, name: str, source: Reference, kind: str = "BRANCH") -> Reference:
        """Create a branch or tag at `source`; FencedError when the name is taken."""
        answer = self._ok(self._call("POST", "trees", params={"name": name, "type": kind}, json=source.body), f"{kind.lower()} {name}")
        found = answer["reference"]
        return Reference(found["name"], found["hash"], found["type"])

    def delete(self, reference: Reference) -> bool:
        """Delete a reference at exactly its hash; False when it moved or has gone."""
        params = {"type": reference.type}
        response = self._call("DELETE", f"trees/{reference.name}@{reference.hash}", params=params)
        return response.status_code not in {CONFLICT, MISSING} and bool(self._ok(response, reference.name) is not None)

    def discard(self, name: str) -> None:
        """Delete a branch wherever it stands; it is not an error if it has gone."""
        found = self.find(name)
        if found is not None:
            self.delete(found)

    def merge(self, branch: str, message: str, expected_main: str | None = None) -> str:
        """Merge a branch into main in one commit and return main's new hash.

        Raises:
            FencedError: a table of the branch also changed on main since the branch was made.
        """
        target = expected_main or self.get("main").hash
        body = {"fromRefName": branch, "fromHash": self.get(branch).hash, "message": message}
        answer = self._ok(self._call("POST", f"trees/main@{target}/history/merge", json=body), f"merge of {branch}")
        return str(answer["resultantTargetHash"])

    @contextmanager
    def work_branch(self, purpose: str) -> Iterator[str]:
        """Yield the name of a new branch of main; it is deleted at the end, merged or not."""
        name = f"work-{purpose}-{uuid.uuid4().hex[:12]}"
        self.create(name, self.get("main"))
        try:
            yield name
        finally:
            self.discard(name)

    def tag(self, name: str, at: Reference) -> Reference:
        """Create a tag, moving it when it exists."""
        existing = self.find(name)
        if existing is not None:
            self.delete(existing)
        return self.create(name, at, "TAG")

    def _put_namespace(self, branch: Reference, properties: Mapping[str, str]) -> Reference:
        content = {"type": "NAMESPACE", "elements": ["lease"], "properties": dict(properties)}
        operation = {"type": "PUT", "key": {"elements": ["lease"]}, "content": content}
        body = {"commitMeta": {"message": "lease"}, "operations": [operation]}
        found = self._ok(self._call("POST", f"trees/{branch.name}@{branch.hash}/history/commit", json=body), "lease")["targetBranch"]
        return Reference(found["name"], found["hash"])

    def _lease_of(self, reference: Reference) -> Lease:
        answer = self._ok(self._call("GET", f"trees/{reference.name}@{reference.hash}/contents/lease"), "lease")
        properties = answer["content"]["properties"]
        return Lease(properties["owner"], datetime.fromisoformat(properties["expires_at"]), reference)

    def try_lease(self, owner: str, ttl_s: int, now: datetime) -> Lease | None:
        """Take the gold lease; None when someone holds an unexpired one.

        The lease is a branch made at a commit that already names owner and expiry, so it appears complete;
        an expired one is removed at exactly its hash, so only one of two takers succeeds.
        """
        held = self.find(LEASE)
        if held is not None and (self._lease_of(held).expires_at > now or not self.delete(held)):
            return None
        expires_at = now + timedelta(seconds=ttl_s)
        with self.work_branch("lease") as draft:
            written = self._put_namespace(self.get(draft), {"owner": owner, "expires_at": expires_at.isoformat()})
            try:
                taken = self.create(LEASE, written)
            except FencedError:
                return None
        return Lease(owner, expires_at, taken)

    def release(self, lease: Lease) -> None:
        """Give the lease back; nothing happens when it was taken over after its expiry."""
        self.delete(Reference(LEASE, lease.reference.hash))

    @contextmanager
    def lease(self, owner: str, ttl_s: int, wait_s: float) -> Iterator[Lease]:
        """Hold the gold lease for the block, waiting at most `wait_s` seconds for it.

        Raises:
            LeaseHeldError: somebody else held it all that time.
        """
        deadline = time.monotonic() + wait_s
        while (taken := self.try_lease(owner, ttl_s, datetime.now(UTC))) is None:
            if time.monotonic() >= deadline:
                held = self.find(LEASE)
                by = self._lease_of(held).owner if held else "another publisher"
                raise LeaseHeldError("gold", f"the lease is held by {by}", "wait for that publication, then run the command again")
            time.sleep(min(0.5, max(0.05, deadline - time.monotonic())))
        try:
            yield taken
        finally:
            self.release(taken)
