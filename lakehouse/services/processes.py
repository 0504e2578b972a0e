"""This stack's processes on the machine, found by a mark in their environment and ended by id, never by name.

Every process that `up` starts carries `LAKEHOUSE_SERVICE_OF=<folder of the stack>`; so do its children. What a kill -9 of
process-compose leaves behind is found that way too, also when no list of ids was written.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from lakehouse.errors import ServiceError
from lakehouse.services.environment import SERVICE_OF
from lakehouse.settings import Settings

POLL_S = 0.1


def stack_processes(settings: Settings) -> list[psutil.Process]:
    """Return the live processes of a stack that this user may see, without the caller and its parents."""
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in psutil.process_iter() if process.pid not in ours and _belongs(process, settings.run)]


def named(processes: Iterable[psutil.Process], name: str) -> list[psutil.Process]:
    """Return those of the processes that still run under a name, the program's file."""
    found = []
    for process in processes:
        try:
            if process.name() == name:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def _belongs(process: psutil.Process, run: Path) -> bool:
    """Tell by the mark in its environment, or, where it wrote its title over that (Airflow does), by the folder it works in."""
    try:
        if not _runs(process):
            return False
        environment = process.environ()
        if SERVICE_OF in environment or "PATH" in environment:
            return environment.get(SERVICE_OF) == str(run)
        return Path(process.cwd()).is_relative_to(run)
    except (psutil.Error, OSError):
        return False


def end_processes(settings: Settings, term_s: float = 10, kill_s: float = 10) -> int:
    """End what runs of the stack: TERM to each process group, KILL after `term_s` seconds; return how many there were.

    Raises:
        ServiceError: some are still there `kill_s` seconds after KILL.
    """
    found = stack_processes(settings)
    for process in found:
        _signal(process, signal.SIGTERM)
    alive = wait_ended(found, term_s)
    for process in {*alive, *stack_processes(settings)}:
        _signal(process, signal.SIGKILL)
    alive = wait_ended({*alive, *stack_processes(settings)}, kill_s)
    if alive:
        raise ServiceError(f"stack {settings.stack}", f"processes {sorted(one.pid for one in alive)} do not end", "bin/lakehouse down")
    return len(found)


def wait_ended(processes: Iterable[psutil.Process], within_s: float) -> list[psutil.Process]:
    """Wait until the processes have ended, at most `within_s` seconds; return those that still run.

    One that has ended and that its parent has not asked about yet counts as ended: the parent may be anyone, and may never ask.
    """
    deadline = time.monotonic() + within_s
    while True:
        processes = [process for process in processes if _runs(process)]
        if not processes or time.monotonic() >= deadline:
            return processes
        time.sleep(POLL_S)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    """Signal one process by id; psutil refuses when the id has been given to another since."""
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def resident_bytes(pids: Iterable[int]) -> int:
    """Return the summed resident memory of process trees in bytes; a process that has ended counts zero."""
    seen: dict[int, int] = {}
    for pid in pids:
        try:
            root = psutil.Process(pid)
            for process in (root, *root.children(recursive=True)):
                seen[process.pid] = process.memory_info().rss
        except psutil.Error:
            continue
    return sum(seen.values())


def foreign_listeners(settings: Settings, ports: Iterable[int]) -> dict[int, str]:
    """Return those of the ports that a process outside this stack listens on, with its id and name where visible."""
    wanted = set(ports)
    ours = {process.pid for process in stack_processes(settings)}
    taken: dict[int, str] = {}
    for connection in psutil.net_connections("tcp"):
        port = connection.laddr[1] if connection.laddr else None
        if connection.status == psutil.CONN_LISTEN and port in wanted and connection.pid not in ours:
            taken[port] = _describe(connection.pid)
    return taken


def _describe(pid: int | None) -> str:
    if pid is None:
        return "a process of another user"
    try:
        return f"process {pid} ({psutil.Process(pid).name()})"
    except psutil.Error:
        return f"process {pid}"
