import os
import socket
import subprocess
import sys

import psutil
import pytest

from lakehouse.services.environment import SERVICE_OF
from lakehouse.services.processes import end_processes, foreign_listeners, stack_processes
from lakehouse.settings import Settings

IGNORES_TERM = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(600)"


@pytest.fixture
def settings(tmp_path):
    return Settings(stack="unit", lake_home=tmp_path)


@pytest.fixture
def start(settings):
    started = []

    def begin(script, run=None):
        environment = {**os.environ, SERVICE_OF: str(run or settings.run)}
        child = subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, start_new_session=True)
        child.stdout.readline()
        started.append(child)
        return child

    yield begin
    for child in started:
        child.kill()
        child.wait()
        child.stdout.close()


def test_only_this_stacks_processes_are_found(settings, start, tmp_path):
    ours = start(IGNORES_TERM)
    start(IGNORES_TERM, tmp_path / "run" / "another")
    assert [process.pid for process in stack_processes(settings)] == [ours.pid]


def test_what_ignores_term_is_killed_and_others_live(settings, start, tmp_path):
    ours, other = start(IGNORES_TERM), start(IGNORES_TERM, tmp_path / "run" / "another")
    assert end_processes(settings, term_s=0.3) == 1
    assert not psutil.pid_exists(ours.pid) or psutil.Process(ours.pid).status() == psutil.STATUS_ZOMBIE
    assert other.poll() is None


def test_nothing_running_is_nothing_to_end(settings):
    assert end_processes(settings) == 0


def test_a_port_that_another_program_holds_is_told_with_its_id(settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert foreign_listeners(settings, [port, 1]) == {port: f"process {os.getpid()} ({psutil.Process().name()})"}


@pytest.mark.parametrize(("environment", "found"), [({}, True), ({"PATH": "/usr/bin"}, False)])
def test_one_that_lost_its_environment_is_told_by_its_folder_and_a_persons_shell_is_not(settings, environment, found):
    folder = settings.run / "data" / "airflow"
    folder.mkdir(parents=True)
    child = subprocess.Popen(["/bin/sleep", "600"], env=environment, cwd=folder, start_new_session=True)
    try:
        assert (child.pid in {process.pid for process in stack_processes(settings)}) is found
    finally:
        child.kill()
        child.wait()
