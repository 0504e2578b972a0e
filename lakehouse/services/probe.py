"""Is a service ready? Asked in its own protocol, standard library only: process-compose runs this every few seconds.

`python -I -S probe.py SERVICE PORT [SECONDS]` ends with 0 as soon as the service answers, with 1 when it did not within SECONDS.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

HOST = os.environ.get("LAKEHOUSE_PROBE_HOST", "127.0.0.1")
ANSWER_WITHIN_S = 5.0
CLIENT = b"probe"
# A catalog that could not be made fails the question when it is analysed; an empty part of it asks nothing of who stands behind it.
TRINO_QUESTION = b"""
SELECT count(*) > 0 FROM system.runtime.nodes WHERE state = 'active'
AND 0 = (SELECT count(*) FROM lake.information_schema.schemata WHERE false)
AND 0 = (SELECT count(*) FROM kpi.information_schema.schemata WHERE false)"""


def kafka(port: int) -> bool:
    """Return whether the broker answers a metadata request and names itself as a broker."""
    body = struct.pack(">hhih", 3, 4, 1, len(CLIENT)) + CLIENT + struct.pack(">i?", 0, False)
    with socket.create_connection((HOST, port), ANSWER_WITHIN_S) as connection:
        connection.settimeout(ANSWER_WITHIN_S)
        connection.sendall(struct.pack(">i", len(body)) + body)
        with connection.makefile("rb") as answer:
            head = answer.read(16)
    _, _, _, brokers = struct.unpack(">iiii", head)
    return bool(brokers > 0)


def minio(port: int) -> bool:
    """Return whether the object store reads and writes; its plain `ready` says yes before its drive has been opened."""
    return _get(port, "/minio/health/cluster") is not None


def nessie(port: int) -> bool:
    """Return whether the catalog's API serves its default branch."""
    return bool(_get(port, "/api/v2/config")["defaultBranch"] == "main")


def trino(port: int) -> bool:
    """Return whether Trino has started, has a worker that can scan tables, and made its catalogs; `SELECT 1` is answered without."""
    if _get(port, "/v1/info")["starting"]:
        return False
    page = _get(port, "/v1/statement", TRINO_QUESTION)
    rows: list[Any] = list(page.get("data", ()))
    while "nextUri" in page:
        page = _get(port, page["nextUri"].split(f":{port}", 1)[1])
        rows += page.get("data", ())
    return rows == [[True]]


def spark(port: int) -> bool:
    """Return whether a Spark application runs and serves its status."""
    return any(not attempt["completed"] for one in _get(port, "/api/v1/applications") for attempt in one["attempts"])


def airflow_api(port: int) -> bool:
    """Return whether the API server answers and reaches its database."""
    return _airflow_part(port, "metadatabase")


def airflow_scheduler(port: int) -> bool:
    """Return whether the scheduler's heartbeat is fresh."""
    return _airflow_part(port, "scheduler")


def airflow_dag_processor(port: int) -> bool:
    """Return whether the DAG processor's heartbeat is fresh."""
    return _airflow_part(port, "dag_processor")


def _airflow_part(port: int, part: str) -> bool:
    return bool(_get(port, "/api/v2/monitor/health")[part]["status"] == "healthy")


def superset(port: int) -> bool:
    """Return whether Superset's web server answers."""
    return _get(port, "/health") is not None


_ALL = (kafka, minio, nessie, trino, spark, airflow_api, airflow_scheduler, airflow_dag_processor, superset)
PROBES: dict[str, Callable[[int], bool]] = {probe.__name__: probe for probe in _ALL}


def ready(service: str, port: int) -> bool:
    """Return whether a service of `PROBES` answers as it should on a loopback port, now."""
    try:
        return PROBES[service](port)
    except (OSError, struct.error, KeyError, ValueError):
        return False


def wait_ready(service: str, port: int, within_s: float) -> bool:
    """Return True as soon as the service is ready, False when it was not within `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while not ready(service, port):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.2)
    return True


def _get(port: int, path: str, body: bytes | None = None) -> Any:
    """Return a 2xx answer's JSON, or an empty text; raises OSError for anything else."""
    request = urllib.request.Request(f"http://{HOST}:{port}{path}", body, {"X-Trino-User": "probe", "X-Trino-Source": "probe"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=ANSWER_WITHIN_S) as answer:
        content = answer.read()
        return json.loads(content) if "json" in answer.headers.get("Content-Type", "") else ""


if __name__ == "__main__":
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 1.0
    sys.exit(0 if wait_ready(sys.argv[1], int(sys.argv[2]), seconds) else 1)
