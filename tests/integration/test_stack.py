"""The stack itself: who may write where, who listens where, what a secret never reaches, and what survives a kill -9.

It has a stack of its own, for it kills all of it.
"""

import contextlib
import io
import ipaddress
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from minio import Minio
from minio.error import S3Error

from lakehouse.errors import TrinoUnreachableError
from lakehouse.services.environment import SERVICE_OF, settings_environment, spark_environment
from lakehouse.services.probe import ready, wait_ready
from lakehouse.services.processes import foreign_listeners, named, stack_processes
from lakehouse.services.provision import buckets, topics
from lakehouse.services.sql import run_sql
from lakehouse.services.stack import STOP_WITHIN_S, bring_up, take_down
from lakehouse.services.supervisor import Supervisor
from lakehouse.settings import HOME, SECRET_NAMES, Settings

pytestmark = pytest.mark.stack

WITHIN_S = 240
# Not 13,000: a thousand more would put process-compose where the stack under test has its store.
OTHER_OFFSET = 13_500
CORE_PORTS = ("kafka", "kafka_controller", "minio", "minio_console", "nessie", "nessie_management", "trino", "process_compose")
MESSAGES = 10


@pytest.fixture(scope="module")
def settings(java_options):
    return Settings(stack="stacktest", port_offset=12_000, java_options=java_options)


@pytest.fixture(scope="module")
def stack(settings):
    """Core, from nothing, with a table, a view, an object and some messages in it."""
    take_down(settings)
    shutil.rmtree(settings.run, ignore_errors=True)
    up(settings)
    fill(settings)
    yield settings
    take_down(settings)
    shutil.rmtree(settings.run)


def up(settings):
    return bring_up(settings, ["core"], [], WITHIN_S, lambda _: None)


def fill(settings):
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap)
    for number in range(MESSAGES):
        producer.send("machine.count", str(number).encode(), partition=0)
    producer.close()
    submit, job = settings.jobs_python.parent / "spark-submit", HOME / "tests" / "integration" / "small_table.py"
    command = [submit, "--properties-file", settings.spark_properties_file, "--driver-memory", "512m", job]
    subprocess.run(command, check=True, env={**os.environ, **settings_environment(settings), **spark_environment(settings)}, timeout=WITHIN_S)
    store(settings, "writer").put_object(bucket_name="landing", object_name="kept/file.csv", data=io.BytesIO(b"kept"), length=4)
    run_sql(settings, "create schema if not exists kpi.plant", "publisher")
    run_sql(settings, "create or replace view kpi.plant.kept security invoker as select count(*) as row_count from lake.proof.small", "publisher")


def store(settings, principal):
    secret = settings.secret(f"s3_{principal}_secret")
    return Minio(f"{settings.host}:{settings.port('minio')}", f"lakehouse-{principal}", secret, secure=False, region=settings.s3_region)


def all_data(settings):
    """What was put in at the start, as read back through each service."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka_bootstrap)
    partition = TopicPartition("machine.count", 0)
    messages = consumer.end_offsets([partition])[partition]
    consumer.close()
    answer = store(settings, "writer").get_object(bucket_name="landing", object_name="kept/file.csv")
    content = answer.read()
    answer.close()
    (rows,) = run_sql(settings, "select count(*), sum(id) from lake.proof.small").rows
    (view,) = run_sql(settings, "select row_count from kpi.plant.kept", "superset").rows
    return messages, content, tuple(rows), tuple(view)


KEPT = (MESSAGES, b"kept", (2, 3), (2,))


# ------------------------------------------------------------------------------------------------- who may write where


@pytest.mark.parametrize("user", ["engineer", "superset", "publisher"])
@pytest.mark.parametrize(
    "sql",
    [
        "insert into lake.proof.small values 3",
        "delete from lake.proof.small where id = 1",
        "delete from lake.proof.small",
        "update lake.proof.small set id = 9",
        "truncate table lake.proof.small",
        "drop table lake.proof.small",
        "alter table lake.proof.small execute optimize",
        "alter table lake.proof.small add column extra int",
        "create table lake.proof.mine (id bigint)",
        "create table lake.proof.mine as select * from lake.proof.small",
        "create schema lake.mine",
        "create table kpi.plant.mine as select 1 as id",
        "drop catalog lake",
        "create catalog mine using iceberg with (\"iceberg.catalog.type\" = 'hive_metastore')",
    ],
)
def test_trino_refuses_every_write_to_the_lake(stack, user, sql):
    with pytest.raises(TrinoUnreachableError):
        run_sql(stack, sql, user)
    assert all_data(stack)[2] == (2, 3)


@pytest.mark.parametrize("user", ["engineer", "superset"])
@pytest.mark.parametrize("sql", ["create view kpi.plant.mine as select 1 as id", "drop view kpi.plant.kept", "create schema kpi.mine"])
def test_only_the_publisher_has_views(stack, user, sql):
    with pytest.raises(TrinoUnreachableError, match="Access Denied"):
        run_sql(stack, sql, user)


def test_the_store_refuses_trinos_principal_a_write(stack):
    reader = store(stack, "reader")
    for attempt in (
        lambda: reader.put_object(bucket_name="lake", object_name="warehouse/x", data=io.BytesIO(b"x"), length=1),
        lambda: next(iter(reader.list_objects(bucket_name="landing"))),
        lambda: reader.make_bucket(bucket_name="mine"),
    ):
        with pytest.raises(S3Error, match="AccessDenied"):
            attempt()
    some = next(reader.list_objects(bucket_name="lake", recursive=True))
    with pytest.raises(S3Error, match="AccessDenied"):
        reader.remove_object(bucket_name="lake", object_name=some.object_name)
    assert reader.stat_object(bucket_name="lake", object_name=some.object_name).size == some.size


def test_trino_holds_the_readers_key_only(stack):
    texts = [path.read_text() for path in (stack.run / "conf" / "trino").rglob("*") if path.is_file()]
    assert any(stack.secret("s3_reader_secret") in text for text in texts)
    assert not any(stack.secret(name) in text for text in texts for name in ("s3_writer_secret", "minio_root_password"))


def test_the_writer_cannot_change_buckets_or_users(stack):
    with pytest.raises(S3Error, match="AccessDenied"):
        store(stack, "writer").remove_bucket(bucket_name="landing")
    with pytest.raises(S3Error, match="AccessDenied"):
        store(stack, "writer").make_bucket(bucket_name="mine")


def test_the_store_refuses_a_stranger(stack):
    assert requests.get(f"{stack.s3_endpoint}/lake", timeout=10).status_code == 403


# ------------------------------------------------------------------------------------- what was provisioned, and how


def test_topics_keep_the_brokers_time_and_provisioning_twice_is_once(stack):
    assert topics(stack) == topics(stack)
    consumer = KafkaConsumer("machine.count", bootstrap_servers=stack.kafka_bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=10_000)
    assert next(consumer).timestamp_type == 1
    assert len(consumer.partitions_for_topic("sensor.temperature")) == 4
    consumer.close()


def test_buckets_are_versioned_and_provisioning_twice_is_once(stack):
    assert buckets(stack) == buckets(stack)
    root = Minio(f"{stack.host}:{stack.port('minio')}", "lakehouse-root", stack.secret("minio_root_password"), secure=False)
    assert {root.get_bucket_versioning(bucket_name=name).status for name in ("landing", "lake")} == {"Enabled"}


# ------------------------------------------------------------------------------------------- listeners and secrets


def test_nobody_listens_off_loopback(stack):
    ours = {process.pid: process.name() for process in stack_processes(stack)}
    listeners = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN and one.pid in ours]
    addresses = {one.laddr[0].removeprefix("::ffff:") for one in listeners}
    assert {one.laddr[1] for one in listeners} >= {stack.port(name) for name in CORE_PORTS}
    assert [address for address in addresses if not ipaddress.ip_address(address).is_loopback] == []


def test_no_secret_is_in_a_log_or_on_a_command_line(stack):
    secrets = {name: stack.secret(name) for name in SECRET_NAMES}
    logs = {path.name: path.read_text(errors="replace") for path in (stack.run / "logs").rglob("*.log")}
    lines = {process.pid: " ".join(process.cmdline()) for process in stack_processes(stack)}
    assert len(logs) >= 6
    assert len(lines) >= 5
    assert [(where, name) for where, text in {**logs, **lines}.items() for name, secret in secrets.items() if secret in text] == []


def test_a_process_has_no_secret_of_another(stack):
    secrets = {name: stack.secret(name) for name in SECRET_NAMES}
    allowed = {"minio": {"minio_root_password"}}
    for name, state in Supervisor(stack).states().items():
        if state.is_running:
            values = set(psutil.Process(state.pid).environ().values())
            assert {secret for secret, value in secrets.items() if value in values} <= allowed.get(name, set()), name


def test_every_jvm_has_the_stacks_java_options(stack):
    states = Supervisor(stack).states()
    lines = {name: psutil.Process(states[name].pid).cmdline() for name in ("kafka", "nessie", "trino")}
    assert stack.java_options
    assert [(name, each) for name, line in lines.items() for each in stack.java_options.split() if each not in line] == []


def test_files_with_settings_are_for_their_owner_only(stack):
    files = [path for path in (stack.run / "conf").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (*files, stack.secrets_file)} == {0o600}


# --------------------------------------------------------------------------------------------- the command line


def lakehouse(settings, *words):
    environment = {**os.environ, **settings_environment(settings)}
    environment.pop(SERVICE_OF, None)
    return subprocess.run(
        [sys.executable, "-m", "lakehouse.cli", *words], env=environment, cwd=HOME, capture_output=True, text=True, check=False, timeout=WITHIN_S
    )


def test_query_prints_json(stack):
    done = lakehouse(stack, "query", "--json", "select * from kept")
    assert json.loads(done.stdout) == [{"row_count": 2}]


def test_a_wrong_query_is_one_line_with_its_own_status(stack):
    done = lakehouse(stack, "query", "selec 1")
    assert done.returncode == 13
    assert done.stderr.startswith("E_TRINO query: ")
    assert done.stderr.count("\n") == 1


def test_status_shows_the_lag_of_what_nobody_landed(stack):
    status = json.loads(lakehouse(stack, "status", "--json").stdout)
    states = {one["name"]: one["state"] for one in status["processes"]}
    assert states["trino"] == "ready"
    assert states["topics"] == "done"
    assert states["live"] == "not started"
    assert {one["topic"]: one["lag"] for one in status["topics"]}["machine.count"] == MESSAGES
    assert status["resident_bytes"] > 500_000_000


def test_up_again_starts_nothing(stack):
    before = {name: state.pid for name, state in Supervisor(stack).states().items()}
    assert lakehouse(stack, "up", "--only", "core").returncode == 0
    assert {name: state.pid for name, state in Supervisor(stack).states().items()} == before


def test_another_stack_on_the_same_ports_is_refused(stack, tmp_path):
    other = stack.model_copy(update={"stack": "another"})
    done = lakehouse(other, "up", "--only", "core")
    assert done.returncode == 3
    assert "listens there already" in done.stderr
    shutil.rmtree(other.run, ignore_errors=True)


def test_a_known_default_secret_is_refused(settings):
    other = settings.model_copy(update={"stack": "defaults", "port_offset": OTHER_OFFSET})
    other.run.mkdir(parents=True)
    other.secrets_file.write_text(json.dumps({"minio_root_password": "minioadmin"}))
    other.secrets_file.chmod(0o600)
    try:
        done = lakehouse(other, "up", "--only", "minio")
        assert done.returncode == 2
        assert "E_SETTINGS secret minio_root_password" in done.stderr
        assert "minioadmin" not in done.stderr
        assert stack_processes(other) == []
    finally:
        shutil.rmtree(other.run)


# ---------------------------------------------------------------------------------------------- kills, down, up


def kill(processes):
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(processes, timeout=20)


def test_a_killed_broker_comes_back_by_itself(stack):
    broker = Supervisor(stack).states()["kafka"].pid
    kill([psutil.Process(broker)])
    up(stack)
    assert Supervisor(stack).states()["kafka"].pid != broker
    assert all_data(stack) == KEPT


@contextlib.contextmanager
def busy(count):
    """So many processes that only take time from the others, until the block has ended."""
    loop = f"import time\nend = time.monotonic() + {WITHIN_S}\nwhile time.monotonic() < end: pass"
    processes = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_trino_is_ready_no_sooner_than_it_can_scan_a_table(stack):
    """On a busy machine: an engine may know its catalogs for seconds before it knows that its own node serves them."""
    with busy(4):
        kill([psutil.Process(Supervisor(stack).states()["trino"].pid)])
        assert not ready("trino", stack.port("trino"))
        assert wait_ready("trino", stack.port("trino"), WITHIN_S)
        assert run_sql(stack, "select count(*), sum(id) from lake.proof.small").rows == [[2, 3]]


def test_after_kill_9_of_everything_up_has_all_data(stack):
    kill(stack_processes(stack))
    assert stack_processes(stack) == []
    up(stack)
    assert all_data(stack) == KEPT


@pytest.mark.campaign
def test_after_kill_9_of_the_supervisor_alone_its_orphans_do_not_stand_in_the_way(stack):
    kill(named(stack_processes(stack), "process-compose"))
    orphans = {process.pid for process in stack_processes(stack)}
    assert orphans
    up(stack)
    assert orphans.isdisjoint(process.pid for process in stack_processes(stack))
    assert all_data(stack) == KEPT


def test_down_leaves_no_process_and_keeps_data(stack):
    done = lakehouse(stack, "down")
    assert done.returncode == 0
    assert stack_processes(stack) == []
    assert foreign_listeners(stack, [stack.port(name) for name in CORE_PORTS]) == {}
    up(stack)
    assert all_data(stack) == KEPT


@pytest.mark.campaign
def test_down_does_not_wait_for_what_a_killed_service_has_left_behind(stack):
    environment = {**os.environ, SERVICE_OF: str(stack.run)}
    left = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], env=environment, stdin=subprocess.PIPE)
    try:
        begun = time.monotonic()
        take_down(stack)
        assert time.monotonic() - begun < STOP_WITHIN_S
        assert left.poll() is not None
    finally:
        left.kill()
        left.wait()
    up(stack)
    assert all_data(stack) == KEPT


def test_reset_asks_and_then_removes(settings):
    other = settings.model_copy(update={"stack": "removed", "port_offset": OTHER_OFFSET})
    Path(other.run / "data").mkdir(parents=True)
    assert lakehouse(other, "reset").returncode != 0
    assert other.run.is_dir()
    assert lakehouse(other, "reset", "--yes").returncode == 0
    assert not other.run.exists()
