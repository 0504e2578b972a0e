import pytest

from lakehouse.errors import SettingsError
from lakehouse.services.stack import PORTS_OF, Progress, _failed
from lakehouse.services.supervisor import ON_DEMAND, ProcessState, declared, selected


def state(name, **changes):
    values = {"status": "Running", "health": "Ready", "once": False, "restarts": 0, "exit_code": 0, "pid": 1, "is_running": True}
    return ProcessState(name=name, **{**values, **changes})


def test_groups_are_the_documented_ones():
    assert {process.group for process in declared().values()} == {"core", "spark", "airflow", "superset", "simulator"}


def test_a_service_brings_what_it_needs_first():
    chosen = selected(["trino"], [])
    assert set(chosen) == {"minio", "buckets", "nessie", "trino"}
    assert chosen.index("buckets") < chosen.index("nessie") < chosen.index("trino")


def test_everything_is_started_in_an_order_that_holds():
    chosen = selected([], [])
    assert set(chosen) == {name for name, process in declared().items() if process.group not in ON_DEMAND}
    assert "simulator" in selected(["simulator"], [])
    assert all(chosen.index(need) < chosen.index(name) for name in chosen for need in declared()[name].needs)


def test_groups_can_be_left_out():
    chosen = selected([], ["airflow", "superset"])
    assert {declared()[name].group for name in chosen} == {"core", "spark"}


def test_what_others_need_cannot_be_left_out():
    with pytest.raises(SettingsError, match="nessie"):
        selected(["trino"], ["nessie"])


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(SettingsError, match="zookeeper: unknown; groups: airflow, core"):
        selected(["zookeeper"], [])


def test_every_service_has_a_probe_or_runs_once():
    waits = {name for name, process in declared().items() if not process.once}
    assert waits == {*PORTS_OF, "live", "simulator", "airflow-scheduler", "airflow-dag-processor"}


def test_a_step_is_ready_when_it_ended_well_and_not_while_it_runs():
    assert not state("tables", once=True, health="-").ready
    assert state("tables", once=True, status="Completed", is_running=False).ready
    assert state("tables", once=True, status="Completed", is_running=False, exit_code=3).failed


def test_a_service_is_ready_when_it_answers():
    assert state("kafka").ready
    assert not state("kafka", health="Not Ready").ready


def test_the_one_that_failed_is_named_not_the_one_that_waited_for_it():
    states = {
        "trino": state("trino", status="Skipped", is_running=False, health="-"),
        "nessie": state("nessie", status="Error", is_running=False, health="-"),
    }
    assert _failed(Progress(("trino", "nessie"), states, 1.0), {}) == "nessie"


def test_restarts_count_from_the_start_only():
    states = {"live": state("live", health="-", restarts=7)}
    assert _failed(Progress(("live",), states, 1.0), {"live": 6}) == ""
    assert _failed(Progress(("live",), states, 1.0), {"live": 4}) == "live"
