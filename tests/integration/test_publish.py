"""The wall around a publication: an audit, a lease, one merge. What breaks one of them leaves the last publication as it was."""

from __future__ import annotations

import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from drops import SHEETS, book, landing_bucket, put, sheet_row
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.bronze.landing_zone import LandingZone
from lakehouse.errors import AuditFailedError, LeaseHeldError
from lakehouse.flow import publish as publishing
from lakehouse.flow.land_files import FileLanding
from lakehouse.flow.publish import Published, publish
from lakehouse.nessie import Nessie
from lakehouse.plant import load_plant
from lakehouse.settings import Settings
from lakehouse.sources.contracts import load_sources

pytestmark = pytest.mark.stack
Ask = Callable[..., list[Sequence[Any]]]
SITE = "publish-test"
PLANT = f"""
site_id: {SITE}
zone: UTC
shifts: [{{shift_id: day, start: "06:00", end: "14:00"}}]
machine_defaults: {{line_id: L, area_id: A, state_source: confirmation_only, quantity_source: confirmation}}
machines: [{{machine_id: M-a}}]
ideal_cycles: [{{part_no: P, cycle_s: 60}}]
"""
GOOD = f"SELECT sum(gq_count) FROM lake.gold.machine_shift WHERE site_id = '{SITE}'"
LAST = "SELECT max(revision) FROM lake.ops.publication"


@pytest.fixture(scope="module")
def land(core: Settings, spark: SparkSession, nessie: Nessie) -> Callable[[int], None]:
    """`land(good)` lands a workbook that says how many good pieces one shift made: its last word counts."""
    (core.run / "plant").mkdir(exist_ok=True)
    (core.run / "plant" / f"{SITE}.yaml").write_text(PLANT)
    bucket, plant = landing_bucket(core), load_plant(core.plant_folders)

    def one(good: int) -> None:
        put(bucket, SHEETS, f"{good}.xlsx", book(sheet_row("P1", 1, good, machine_id="M-a")), SITE)
        FileLanding(spark, nessie, LandingZone(core), SHEETS, load_sources().contract(SHEETS), plant).run(uuid.uuid4().hex, datetime.now(UTC))

    return one


@pytest.fixture(scope="module")
def published(core: Settings, spark: SparkSession, nessie: Nessie) -> Callable[..., Published | None]:
    """`published(wait_s)` publishes in this process."""

    def one(wait_s: float = 60) -> Published | None:
        return publish(spark, nessie, load_plant(core.plant_folders), "test", ttl_s=60, wait_s=wait_s)

    return one


@pytest.fixture
def wrong_sums(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A ledger that counts one second of production too many in each shift."""
    summarise = publishing.summarise

    def wrong(*arguments: Any) -> Any:
        made = summarise(*arguments)
        return type(made)(made.time_segment, made.machine_shift.withColumn("apt_s", F.expr("apt_s + 1").cast("decimal(18,6)")))

    with monkeypatch.context() as patched:
        patched.setattr(publishing, "summarise", wrong)
        yield


def test_a_publication_says_what_was_audited(land: Callable[[int], None], published: Callable[..., Published | None], ask: Ask) -> None:
    land(100)
    done = published()
    assert done is not None
    assert ask(GOOD) == [(100,)]
    audits = dict(ask(f"SELECT audit, violation_count FROM lake.ops.audit_result WHERE revision = {done.revision}"))
    assert {"elements_add_up", "machine_shift_key_unique", "one_revision"} <= set(audits)
    assert set(audits.values()) == {0}


def test_a_failed_audit_publishes_nothing_and_keeps_what_it_refused(
    land: Callable[[int], None], published: Callable[..., Published | None], nessie: Nessie, ask: Ask, request: pytest.FixtureRequest
) -> None:
    land(110)
    (last,) = ask(LAST)[0]
    request.getfixturevalue("wrong_sums")
    for _ in range(2):
        with pytest.raises(AuditFailedError, match=rf"E_AUDIT_FAILED publication {last + 1}: audit elements_add_up found \d+ violations, e\.g\. .+"):
            published()
    assert ask(GOOD) == [(100,)]
    assert ask(LAST) == [(last,)]
    kept = [each.name for each in nessie.names(f"failed-{last + 1}")]
    assert kept == [f"failed-{last + 1}"], "one branch for each revision, however often it fails"
    nessie.discard(kept[0])


def test_once_mended_the_same_rows_are_published(published: Callable[..., Published | None], ask: Ask) -> None:
    done = published()
    assert done is not None
    assert ask(GOOD) == [(110,)]


def test_whoever_does_not_hold_the_lease_publishes_nothing(
    land: Callable[[int], None], published: Callable[..., Published | None], nessie: Nessie, ask: Ask
) -> None:
    land(120)
    with nessie.lease("somebody else", 60, 0), pytest.raises(LeaseHeldError, match="E_LEASE_HELD gold: the lease is held by somebody else"):
        published(0)
    assert ask(GOOD) == [(110,)]
    assert published(0) is not None
    assert ask(GOOD) == [(120,)]


def test_an_expired_lease_is_taken_over_and_its_old_holder_gives_nothing_back(core: Settings, nessie: Nessie) -> None:
    now = datetime.now(UTC)
    old = nessie.try_lease("killed", 1, now - timedelta(seconds=2))
    assert old is not None
    new = nessie.try_lease("next", 60, now)
    assert new is not None
    assert nessie.try_lease("third", 60, now) is None
    nessie.release(old)
    assert nessie.try_lease("third", 60, now) is None, "the old holder has given away what is the new one's"
    nessie.release(new)
    third = nessie.try_lease("third", 60, now)
    assert third is not None
    nessie.release(third)


@pytest.mark.parametrize(("point", "is_out"), [("before_publish", False), ("after_publish", True)])
def test_killed_beside_its_merge_a_publication_is_out_whole_or_not_at_all(
    land: Callable[[int], None],
    published: Callable[..., Published | None],
    submit: Callable[..., subprocess.Popen[str]],
    ask: Ask,
    point: str,
    is_out: bool,
) -> None:
    ((before,),) = ask(GOOD)
    ((last,),) = ask(LAST)
    land(int(before) + 10)
    killed = submit("jobs/publish.py", env={"LAKEHOUSE_CRASHPOINT": f"{point}:1:kill", "LAKEHOUSE_LEASE_TTL_S": "10"})
    out, err = killed.communicate(timeout=300)
    assert killed.returncode == -signal.SIGKILL, (out + err)[-2000:]
    assert ask(GOOD) == [(before + 10 * is_out,)]
    assert ask(LAST) == [(last + is_out,)]
    published()
    assert ask(GOOD) == [(before + 10,)]
