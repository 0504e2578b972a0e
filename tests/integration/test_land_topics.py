"""Topics to bronze and silver with a real broker and real kills: nothing lost, nothing doubled.

Each test sends messages of its own, kills or starves the process that lands them, lets another one finish, and counts
coordinates and event ids. The generator's list of what was sent is the truth.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from kafka import KafkaProducer
from messages import count, interruption, send, temperature
from pyspark.sql import SparkSession

from lakehouse.flow.land_topics import TopicLanding
from lakehouse.flow.live import TopicStream
from lakehouse.flow.watch import PlantWatch
from lakehouse.nessie import Nessie
from lakehouse.settings import Settings
from lakehouse.sources.topics import load_topics

pytestmark = pytest.mark.stack
Submit = Callable[..., subprocess.Popen[str]]
Drain = Callable[..., None]
Ask = Callable[..., list[Sequence[Any]]]


def finished(process: subprocess.Popen[str], within_s: float = 240) -> tuple[int, str]:
    out, err = process.communicate(timeout=within_s)
    return process.returncode, out + err


@pytest.fixture
def drained(spark: SparkSession, core: Settings) -> Callable[..., None]:
    """Land what the topics hold now, and conform it unless told otherwise: another writer than the processes that are killed."""

    def drain(conform: bool = True) -> None:
        watch = PlantWatch(core.plant_folders) if conform else None
        stream = TopicStream(spark, core, TopicLanding(spark, Nessie(core.nessie_api), load_topics()), watch)
        stream.finish(stream.start(drain=True))

    return drain


def batch_of(name: str, size: int, machine_id: str = "M01", first_s: float = 0.0) -> list[dict[str, Any]]:
    return [temperature(f"{name}-{i}", first_s + i, machine_id) for i in range(size)]


def assert_once(ask: Ask, name: str, sent: int) -> None:
    """Every sent event is in silver once, and every landed coordinate is in bronze once, without a hole that no commit lists."""
    silver = ask(f"SELECT count(*), count(DISTINCT event_id) FROM lake.silver.sensor_reading WHERE event_id LIKE '{name}-%'")
    assert silver == [(sent, sent)]
    holes = ask(
        "SELECT kafka_partition, count(*), count(DISTINCT kafka_offset), max(kafka_offset) - min(kafka_offset) + 1"
        " FROM lake.bronze.sensor_temperature GROUP BY 1"
    )
    listed = listed_gaps(ask)
    assert all(rows == offsets == span - listed.get(partition, 0) for partition, rows, offsets, span in holes), (holes, listed)


def listed_gaps(ask: Ask) -> Counter[int]:
    """Partition to the number of offsets that the commits list as not held by the broker."""
    written = ask(
        "SELECT element_at(summary, 'lakehouse.progress') FROM lake.bronze.\"sensor_temperature$snapshots\""
        " WHERE element_at(summary, 'lakehouse.progress') IS NOT NULL"
    )
    found: Counter[int] = Counter()
    for (text,) in written:
        for partition, from_, to in json.loads(text)["gaps"]:
            found[partition] += to - from_
    return found


@pytest.mark.parametrize("point", ["before_merge", *(pytest.param(each, marks=pytest.mark.campaign) for each in ("after_bronze", "after_merge"))])
def test_killed_in_the_middle_then_finished_by_another(core: Settings, submit: Submit, ask: Ask, point: str, drained: Drain) -> None:
    name = f"kill-{uuid.uuid4().hex[:8]}"
    sent = send(core.kafka_bootstrap, "sensor.temperature", batch_of(name, 500, "M01", 10_000))
    code, _ = finished(submit("jobs/live.py", "--drain", env={"LAKEHOUSE_CRASHPOINT": f"{point}:1:kill"}))
    assert code == -signal.SIGKILL, "the fault did not fire"
    drained()
    assert_once(ask, name, sent)


def test_a_lost_checkpoint_loses_and_doubles_nothing(core: Settings, ask: Ask, drained: Drain) -> None:
    name = f"lost-{uuid.uuid4().hex[:8]}"
    first = send(core.kafka_bootstrap, "sensor.temperature", batch_of(name, 300, "M02", 20_000))
    drained()
    checkpoints = Path(core.checkpoint_root)
    assert any(checkpoints.iterdir())
    shutil.rmtree(checkpoints)
    more = send(core.kafka_bootstrap, "sensor.temperature", [temperature(f"{name}-{i}", 20_000 + i, "M02") for i in range(first, first + 200)])
    drained()
    assert_once(ask, name, first + more)


def test_a_frozen_writer_that_wakes_up_writes_nothing_twice(
    core: Settings, submit: Submit, ask: Ask, wait_until: Callable[..., Any], drained: Drain
) -> None:
    name = f"zombie-{uuid.uuid4().hex[:8]}"
    sent = send(core.kafka_bootstrap, "sensor.temperature", batch_of(name, 400, "M03", 30_000))
    zombie = submit("jobs/live.py", "--drain", env={"LAKEHOUSE_CRASHPOINT": "before_merge:1:stop", "LAKEHOUSE_CHECKPOINTS": str(core.run / "zombie")})
    wait_until(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_STOPPED, 240, "the first writer freezes before its merge")
    drained()
    assert_once(ask, name, sent)
    zombie.send_signal(signal.SIGCONT)
    code, text = finished(zombie)
    assert code == 0, text[-2000:]
    assert "refused, redone on the new base" in text, "the fence did not refuse the first merge"
    assert_once(ask, name, sent)


def test_the_same_event_again_is_a_duplicate_and_a_changed_one_a_conflict(core: Settings, ask: Ask, drained: Drain) -> None:
    name = f"again-{uuid.uuid4().hex[:8]}"
    messages = batch_of(name, 50, "M04", 40_000)
    send(core.kafka_bootstrap, "sensor.temperature", messages)
    drained()
    before = ask("SELECT max(commit_seq) FROM lake.ops.topic_commit")[0][0]
    send(core.kafka_bootstrap, "sensor.temperature", [*messages, {**messages[7], "temperature_c": 999.0}])
    drained()
    assert_once(ask, name, 50)
    counts = ask(
        "SELECT sum(in_count), sum(kept_count), sum(quarantined_count), sum(duplicate_count) FROM lake.ops.topic_commit"
        f" WHERE commit_seq > {before} AND silver_table = 'sensor_reading'"
    )
    assert counts == [(51, 0, 1, 50)]
    assert ask(f"SELECT count(*) FROM lake.silver.sensor_reading_quarantine WHERE rule = 'conflict' AND raw LIKE '%{name}%'") == [(1,)]


def test_bad_messages_are_quarantined_by_name_and_their_neighbours_kept(core: Settings, ask: Ask, drained: Drain) -> None:
    name = f"bad-{uuid.uuid4().hex[:8]}"
    good = batch_of(name, 20, "M05", 50_000)
    bad: dict[str, Any] = {
        "malformed": b'{"event_id": "' + name.encode() + b'",',
        "trailing_data": b'{"a": 1} {"b": "' + name.encode() + b'"}',
        "missing": {k: v for k, v in temperature(f"{name}-x", 50_100).items() if k != "temperature_c"},
        "type": temperature(f"{name}-y", 50_101, temperature_c="21.5"),
        "unknown_machine": temperature(f"{name}-z", 50_102, machine_id="M99"),
        "no_zone": temperature(f"{name}-n", 50_103, ts="2026-11-01T06:00:00"),
        "physical_range": temperature(f"{name}-p", 50_104, temperature_c=-300.0),
        "sentinel": temperature(f"{name}-s", 50_105, temperature_c=9999),
        "ts_range": temperature(f"{name}-f", 50_106, ts="2036-11-01T06:00:00Z"),
    }
    mixed = [message for pair in zip(good, [*bad.values(), *good[len(bad) :]], strict=False) for message in pair]
    send(core.kafka_bootstrap, "sensor.temperature", mixed[: 2 * len(bad)] + good[len(bad) :])
    drained()
    assert_once(ask, name, 20)
    found = ask(f"SELECT rule, count(*) FROM lake.silver.sensor_reading_quarantine WHERE raw LIKE '%{name}%' GROUP BY 1")
    assert dict(found) == dict.fromkeys(bad, 1)


def test_interruptions_open_closed_corrected_cancelled(core: Settings, ask: Ask, drained: Drain) -> None:
    name = f"stop-{uuid.uuid4().hex[:8]}"
    first = [
        interruption(f"{name}-a", 1, 60_000, None, "M06"),
        interruption(f"{name}-b", 1, 60_100, None, "M06"),
        interruption(f"{name}-b", 2, 60_100, 60_400, "M06"),
        interruption(f"{name}-c", 1, 60_200, 60_100, "M06"),
        interruption(f"{name}-d", 1, 60_300, 60_360, "M06", reason_code="nobody knows"),
    ]
    send(core.kafka_bootstrap, "machine.interruption", first)
    drained()
    later = [interruption(f"{name}-a", 2, 60_000, 60_050, "M06"), interruption(f"{name}-b", 3, 60_100, 60_400, "M06", cancelled=True)]
    send(core.kafka_bootstrap, "machine.interruption", [*later, first[0]])
    drained()
    found = ask(
        f"SELECT interruption_id, version, status, reason_code FROM lake.silver.machine_interruption WHERE interruption_id LIKE '{name}-%' ORDER BY 1"
    )
    assert found == [(f"{name}-a", 2, "closed", "B01"), (f"{name}-b", 3, "cancelled", "B01"), (f"{name}-d", 1, "closed", "UNKNOWN")]
    assert ask(f"SELECT rule FROM lake.silver.machine_interruption_quarantine WHERE raw LIKE '%{name}-c%'") == [("interval",)]


def test_counts_with_negative_quantities_are_refused(core: Settings, ask: Ask, drained: Drain) -> None:
    name = f"count-{uuid.uuid4().hex[:8]}"
    send(
        core.kafka_bootstrap,
        "machine.count",
        [count(f"{name}-1", 70_000, 5, "M07"), count(f"{name}-2", 70_060, -1, "M07"), count(f"{name}-3", 70_120, 7, "M07")],
    )
    drained()
    assert ask(f"SELECT count(*) FROM lake.silver.machine_count WHERE event_id LIKE '{name}-%'") == [(2,)]
    assert ask(f"SELECT rule FROM lake.silver.machine_count_quarantine WHERE raw LIKE '%{name}-2%'") == [("quantity_range",)]


def test_what_was_landed_raw_is_conformed_from_bronze(core: Settings, ask: Ask, drained: Drain) -> None:
    name = f"raw-{uuid.uuid4().hex[:8]}"
    before = ask("SELECT count(*) FROM lake.bronze.sensor_temperature")[0][0]
    sent = send(core.kafka_bootstrap, "sensor.temperature", batch_of(name, 40, "M08", 80_000))
    for _ in range(2):
        drained(conform=False)
    assert ask("SELECT count(*) FROM lake.bronze.sensor_temperature") == [(before + sent,)]
    assert ask(f"SELECT count(*) FROM lake.silver.sensor_reading WHERE event_id LIKE '{name}-%'") == [(0,)]
    drained()
    assert_once(ask, name, sent)


def test_a_broker_that_is_down_is_told_in_one_line(core: Settings, submit: Submit) -> None:
    code, text = finished(submit("jobs/live.py", "--drain", env={"LAKEHOUSE_PORT_OFFSET": "30000", "LAKEHOUSE_STACK": core.stack}), 180)
    assert code in {10, 12}
    last = text.strip().splitlines()[-1]
    assert last.startswith(("E_KAFKA_UNREACHABLE", "E_CATALOG_UNREACHABLE")) and "next: bin/lakehouse" in last


def test_aborted_messages_and_markers_are_listed_as_gaps_not_lost(core: Settings, ask: Ask, drained: Drain) -> None:
    name, before = f"txn-{uuid.uuid4().hex[:8]}", listed_gaps(ask).total()
    producer = KafkaProducer(bootstrap_servers=core.kafka_bootstrap, transactional_id=name, acks="all")
    producer.init_transactions()
    for number, commit in enumerate((True, False, True)):
        producer.begin_transaction()
        for at in range(5):
            body = temperature(f"{name}-{number * 5 + at}", 90_000 + number * 5 + at, "M01")
            producer.send("sensor.temperature", key=b"M01", value=json.dumps(body).encode())
        producer.flush()
        if commit:
            producer.commit_transaction()
        else:
            producer.abort_transaction()
    producer.close()
    drained()
    assert ask(f"SELECT count(*), count(DISTINCT event_id) FROM lake.silver.sensor_reading WHERE event_id LIKE '{name}-%'") == [(10, 10)]
    assert listed_gaps(ask).total() - before == 5 + 3, "five aborted messages and three markers"
