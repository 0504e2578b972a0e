"""What a stack reports about itself: processes, memory, topic lag, freshness, last publication, quarantine, disk.

Each part asks only what is ready; what cannot be known is a plain sentence in `notes`, never a failure of the whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from lakehouse.errors import LakehouseError, TrinoUnreachableError
from lakehouse.services.processes import resident_bytes, stack_processes
from lakehouse.services.sql import run_sql
from lakehouse.services.supervisor import ProcessState, Supervisor, declared
from lakehouse.settings import Settings
from lakehouse.sources.topics import Topic, load_topics

BLOCK = 512
ADDRESSES = {
    "kafka": "{host}:{port}",
    "minio": "http://{host}:{port}",
    "minio_console": "http://{host}:{port}",
    "nessie": "http://{host}:{port}/api/v2",
    "trino": "http://{host}:{port}",
    "airflow": "http://{host}:{port}",
    "superset": "http://{host}:{port}",
    "spark_ui": "http://{host}:{port}",
}
PROGRESS_SQL = """
select element_at(summary, 'lakehouse.progress') from lake.bronze."{table}$snapshots"
where element_at(summary, 'lakehouse.progress') is not null order by committed_at desc limit 1
"""
HEALTH_SQL = """
select site_id, silver_table, newest_event_at, newest_landed_at, kept_count, quarantined_count, promised_within_s, allowed_s, is_event, as_of
from kpi.plant.data_health order by site_id, silver_table
"""
PUBLICATION_SQL = """
select revision, published_at, as_of, publisher, machine_shift_count, reason from lake.ops.publication order by revision desc limit 1
"""


@dataclass(frozen=True)
class ProcessReport:
    """One declared process: its group, state in words, restarts, resident memory in bytes of its whole tree."""

    name: str
    group: str
    state: str
    restarts: int
    pid: int | None
    resident_bytes: int


@dataclass(frozen=True)
class TopicLag:
    """How many messages of a topic are not landed yet, of how many that it ever held."""

    topic: str
    messages: int
    landed: int

    @property
    def lag(self) -> int:
        """Messages that wait."""
        return self.messages - self.landed


@dataclass
class StackStatus:
    """Everything that `lakehouse status` shows."""

    stack: str
    processes: list[ProcessReport]
    resident_bytes: int
    addresses: dict[str, str]
    topics: list[TopicLag] = field(default_factory=list)
    freshness: list[dict[str, Any]] = field(default_factory=list)
    publication: dict[str, Any] | None = None
    open_quarantine: int | None = None
    disk_bytes: dict[str, int] = field(default_factory=dict)
    disk_free_bytes: int = 0
    notes: list[str] = field(default_factory=list)


def stack_status(settings: Settings) -> StackStatus:
    """Return the state of a stack now; works on a stopped and on a half started one too."""
    supervisor = Supervisor(settings)
    states = supervisor.states() if supervisor.alive() else {}
    processes = [_report(name, process.group, states.get(name)) for name, process in declared().items()]
    everything = resident_bytes(process.pid for process in stack_processes(settings))
    status = StackStatus(settings.stack, processes, everything, addresses(settings))
    if not states:
        status.notes.append("the stack is not running; bin/lakehouse up")
    if _is_ready(states, "trino"):
        _ask_trino(settings, status)
    if _is_ready(states, "kafka") and _is_ready(states, "trino"):
        _ask_lag(settings, status)
    _measure_disk(settings, status)
    return status


def addresses(settings: Settings) -> dict[str, str]:
    """Return where each service is, by name."""
    return {name: form.format(host=settings.host, port=settings.port(name)) for name, form in ADDRESSES.items()}


def _report(name: str, group: str, state: ProcessState | None) -> ProcessReport:
    if state is None or state.status == "Disabled":
        return ProcessReport(name, group, "not started", 0, None, 0)
    pid = state.pid if state.is_running else None
    return ProcessReport(name, group, _words(state), state.restarts, pid, resident_bytes([pid]) if pid else 0)


def _words(state: ProcessState) -> str:
    """Return one word for a process that was started: done or ready, failed, stopped, starting, or process-compose's own."""
    if state.ready:
        return "done" if state.once else "ready"
    if state.status == "Completed":
        return "failed" if state.exit_code else "stopped"
    return "starting" if state.is_running else state.status.lower()


def _is_ready(states: Mapping[str, ProcessState], name: str) -> bool:
    return name in states and states[name].ready


def _ask_trino(settings: Settings, status: StackStatus) -> None:
    health = _rows(settings, HEALTH_SQL, status, "freshness")
    if health is not None:
        status.freshness = health
        status.open_quarantine = sum(row["quarantined_count"] or 0 for row in health)
    published = _rows(settings, PUBLICATION_SQL, status, "last publication")
    if published:
        status.publication = published[0]
    elif published is not None:
        status.notes.append("nothing has been published yet")


def _rows(settings: Settings, sql: str, status: StackStatus, what: str) -> list[dict[str, Any]] | None:
    try:
        answer = run_sql(settings, sql)
    except TrinoUnreachableError as error:
        status.notes.append(f"{what} is not known: {error.cause}")
        return None
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def _ask_lag(settings: Settings, status: StackStatus) -> None:
    try:
        consumer = KafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, client_id="lakehouse-status")
        try:
            status.topics = [_lag(settings, consumer, topic, status) for topic in load_topics()]
        finally:
            consumer.close()
    except (KafkaError, LakehouseError) as error:
        status.notes.append(f"topic lag is not known: {error}")


def _lag(settings: Settings, consumer: Any, topic: Topic, status: StackStatus) -> TopicLag:
    """Compare the broker's end offsets with the newest progress that the bronze table's history holds."""
    partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    ends, first = consumer.end_offsets(partitions), consumer.beginning_offsets(partitions)
    found = _rows(settings, PROGRESS_SQL.format(table=topic.bronze), status, f"progress of {topic.name}")
    progress = json.loads(next(iter(found[0].values())))["ends"] if found else {}
    landed = sum(min(int(progress.get(str(one.partition), first[one])), ends[one]) for one in partitions)
    return TopicLag(topic.name, sum(ends.values()), landed)


def _measure_disk(settings: Settings, status: StackStatus) -> None:
    for folder in (*sorted(settings.run.glob("data/*")), settings.run / "logs"):
        if folder.is_dir():
            status.disk_bytes[folder.name] = _size(folder)
    status.disk_free_bytes = shutil.disk_usage(settings.lake_home).free


def _size(folder: Path) -> int:
    """Return the bytes that a folder's files take on disk; what is removed meanwhile counts zero."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(parent, name).lstat().st_blocks * BLOCK
    return total
