"""The doctor sees real sockets and real limits, and says what repairs what it finds."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.errors import RequirementError
from lakehouse.ports import PORTS
from lakehouse.setup import doctor
from lakehouse.setup.__main__ import main
from lakehouse.setup.listeners import Listener, address_of, listeners
from lakehouse.setup.places import HOME, Places

HOLD = "import socket, sys; s = socket.create_server((sys.argv[1], 0)); print(s.getsockname()[1], flush=True); sys.stdin.read()"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(HOME, tmp_path / "lake", tmp_path / "cache")


def holder(address: str, folder: Path) -> subprocess.Popen[str]:
    """A process that listens on a free port and works in a folder."""
    return subprocess.Popen([sys.executable, "-c", HOLD, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[int, int]]:
    process = holder("127.0.0.1", tmp_path)
    assert process.stdout
    yield int(process.stdout.readline()), process.pid
    process.communicate("")


def only(found: list[Listener], port: int) -> Listener:
    return next(listener for listener in found if listener.port == port)


def test_a_held_port_is_told_with_pid_and_command(held: tuple[int, int], tmp_path: Path):
    port, pid = held
    found = listeners(tmp_path / "elsewhere")
    listener = only(found, port)
    assert (listener.pid, listener.address, listener.on_loopback, listener.ours) == (pid, "127.0.0.1", True, False)
    checks = doctor.check_ports([listener], port - PORTS["trino"])
    assert [check.ok for check in checks] == [False]
    assert f"port {port} (trino)" == checks[0].name
    assert f"pid {pid}" in checks[0].found and "socket" in checks[0].found
    assert f"kill {pid}" in checks[0].fix and "LAKEHOUSE_PORT_OFFSET" in checks[0].fix


def test_a_port_held_by_the_own_stack_is_fine(held: tuple[int, int], tmp_path: Path):
    port, _ = held
    checks = doctor.check_ports([only(listeners(tmp_path), port)], port - PORTS["kafka"])
    assert [check.ok for check in checks] == [True]
    assert "1 held by this checkout's own stack" in checks[0].found


def test_an_own_listener_for_all_the_world_is_found(tmp_path: Path):
    process = holder("0.0.0.0", tmp_path)  # noqa: S104  that is what the doctor must see
    assert process.stdout
    port = int(process.stdout.readline())
    check = doctor.check_loopback(listeners(tmp_path))
    process.communicate("")
    assert not check.ok and f"0.0.0.0 port {port}" in check.found and check.fix
    assert doctor.check_loopback(listeners(tmp_path)).ok


def test_a_neighbour_whose_folder_begins_alike_is_not_ours(held: tuple[int, int], tmp_path: Path):
    assert not only(listeners(tmp_path.with_name(tmp_path.name[:-1])), held[0]).ours


@pytest.mark.parametrize(
    ("field", "address", "loopback"),
    [
        ("0100007F:4A38", "127.0.0.1", True),
        ("00000000:4A38", "0.0.0.0", False),  # noqa: S104
        ("0000000000000000FFFF00000100007F:4A38", "::ffff:127.0.0.1", True),
        ("00000000000000000000000001000000:4A38", "::1", True),
        ("00000000000000000000000000000000:4A38", "::", False),
    ],
)
@pytest.mark.skipif(sys.byteorder != "little", reason="the fields are written in host order")
def test_addresses_of_the_kernel_s_table(field: str, address: str, loopback: bool):
    read, port = address_of(field)
    assert (socket.inet_pton(socket.AF_INET6 if ":" in read else socket.AF_INET, read), port) == (
        socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address),
        19000,
    )
    assert Listener(read, port, 1, "x", True).on_loopback is loopback


def test_the_control_group_s_memory_counts(tmp_path: Path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal:       16384 kB\nMemFree: 1 kB\n")
    assert doctor.memory_bytes(tmp_path) == 16384 * 1024
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/memory.max").write_text("4096\n")
    assert doctor.memory_bytes(tmp_path) == 4096
    (tmp_path / "sys/fs/cgroup/memory.max").write_text("max\n")
    assert doctor.memory_bytes(tmp_path) == 16384 * 1024


def test_too_little_memory_and_disk(places: Places, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "memory_bytes", lambda: 4 * doctor.GIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 5 * doctor.GIB))  # type: ignore[attr-defined]
    memory, disk = doctor.check_memory(), doctor.check_disk(places)
    assert not memory.ok and "4.0 GiB" in memory.found and memory.fix
    assert not disk.ok and "free 7 GiB" in disk.fix and "12 GiB" in disk.name


def program(folder: Path, name: str, answer: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)


def test_absent_and_old_programs(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.check_maven() == doctor.Check("Maven 3.6+", False, "mvn is not on the PATH, or finds no Java", "apt-get install maven")
    assert "not on the PATH" in doctor.check_go(places).found
    program(tmp_path, "go", "go1.19.8")
    program(tmp_path, "mvn", "Apache Maven 3.8.7")
    go = doctor.check_go(places)
    assert not go.ok and "1.19.8 is too old" in go.found and "or newer" in go.fix
    assert doctor.check_maven().ok


def test_another_python_without_3_11_beside_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(sys, "version_info", (3, 13, 1))
    monkeypatch.setenv("PATH", str(tmp_path))
    check = doctor.check_python()
    assert not check.ok and "3.13.1" in check.found and check.fix == "apt-get install python3.11-venv"
    program(tmp_path, "python3.11", "3.11.9")
    assert doctor.check_python().found.startswith("3.11.9 at ")


def test_no_two_failures_without_a_fix_and_one_exit_status(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["doctor", "--json"]) == RequirementError.exit_code
    told = json.loads(capsys.readouterr().out)
    failed = [check for check in told["checks"] if not check["ok"]]
    assert not told["ok"] and {"Maven 3.6+"} <= {check["name"] for check in failed}
    assert all(check["fix"] and check["found"] for check in failed)
    assert main(["doctor"]) == RequirementError.exit_code
    text = capsys.readouterr().out
    assert text.count("✗") == text.count("fix: ") == len(failed)
    assert text.splitlines()[-1].startswith("E_REQUIREMENT ")


def test_a_port_offset_that_is_no_number(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("LAKEHOUSE_PORT_OFFSET", "many")
    assert main(["doctor"]) == RequirementError.exit_code
    assert "E_REQUIREMENT LAKEHOUSE_PORT_OFFSET: 'many' is not a number" in capsys.readouterr().err


def test_the_wrapper_reaches_the_doctor_and_refuses_the_rest_before_the_set_up(tmp_path: Path):
    bare = {**os.environ, "LAKEHOUSE_LAKE_HOME": str(tmp_path), "LAKEHOUSE_PORT_OFFSET": "31000"}
    refused = subprocess.run([HOME / "bin/lakehouse", "status"], check=False, capture_output=True, text=True, env=bare, cwd=tmp_path)
    assert refused.returncode == 3 and "next: make setup" in refused.stderr
    told = subprocess.run([HOME / "bin/lakehouse", "doctor", "--json"], check=False, capture_output=True, text=True, env=bare, cwd=tmp_path)
    assert {"Python 3.11", "ports"} <= {check["name"] for check in json.loads(told.stdout)["checks"]}
