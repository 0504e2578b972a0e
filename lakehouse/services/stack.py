"""Up and down: from nothing, from a stopped stack, or from what a kill -9 left, to every chosen process ready, and back."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import RequirementError, ServiceError
from lakehouse.ports import PORTS
from lakehouse.services.class_archives import keep_archives, seed_archives
from lakehouse.services.processes import end_processes, foreign_listeners, named, stack_processes, wait_ended
from lakehouse.services.render import render
from lakehouse.services.supervisor import ProcessState, Supervisor, selected
from lakehouse.settings import Settings

POLL_S = 0.3
LAUNCH_WITHIN_S = 20
STOP_WITHIN_S = 90
LOG_LINES = 15
MOST_RESTARTS = 3
LOG_TAIL_BYTES = 16_384
PORTS_OF: dict[str, tuple[str, ...]] = {
    "kafka": ("kafka", "kafka_controller"),
    "minio": ("minio", "minio_console"),
    "nessie": ("nessie", "nessie_management"),
    "trino": ("trino",),
    "airflow-api": ("airflow",),
    "superset": ("superset",),
}


@dataclass(frozen=True)
class Progress:
    """Where a start stands: the chosen processes with their states, and how long it has taken."""

    chosen: tuple[str, ...]
    states: Mapping[str, ProcessState]
    elapsed_s: float

    @property
    def waiting(self) -> list[str]:
        """The chosen processes that are not ready yet."""
        return [name for name in self.chosen if name not in self.states or not self.states[name].ready]


Watch = Callable[[Progress], None]


def bring_up(settings: Settings, only: Collection[str], without: Collection[str], within_s: float, watch: Watch) -> Progress:
    """Start the chosen processes and return when all are ready; those that run already are left alone.

    Args:
        settings: the stack.
        only: groups or processes; empty means all.
        without: groups or processes to leave out.
        within_s: seconds after which the start counts as failed.
        watch: called with each look at the processes.

    Raises:
        ServiceError: one ended, or was not ready in time; its log is named.
        RequirementError: something of the set-up is missing, or a port is taken.
        SettingsError: a secret or a name is refused.
    """
    chosen = selected(only, without)
    _require_setup(settings)
    supervisor = Supervisor(settings)
    if supervisor.alive():
        _start_missing(supervisor, chosen)
    else:
        end_processes(settings)
        _require_ports(settings, chosen)
        render(settings)
        seed_archives(settings)
        _launch(supervisor, settings, chosen)
    return _wait_ready(supervisor, settings, tuple(chosen), within_s, watch)


def take_down(settings: Settings) -> int:
    """Stop everything of the stack and return how many processes there were; data stays.

    Raises:
        ServiceError: some processes do not end even by KILL.
    """
    found = stack_processes(settings)
    supervisor = Supervisor(settings)
    if supervisor.alive():
        supervisor.stop_all(STOP_WITHIN_S)
        # It ends after all that it has started. What a killed service left behind is nobody's, and would be waited for in vain.
        wait_ended(named(found, "process-compose"), STOP_WITHIN_S)
    end_processes(settings)
    keep_archives(settings)
    return len(found)


def last_lines(log: Path, count: int = LOG_LINES) -> list[str]:
    """Return up to `count` last lines of a log, none when there is no such file."""
    if not log.is_file():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        return file.read().decode(errors="replace").splitlines()[-count:]


def _require_setup(settings: Settings) -> None:
    lake = settings.lake_home
    for path in (lake / "bin" / "process-compose", lake / "bin" / "minio", lake / "dist" / "trino-476" / "lib", lake / "jars" / "kafka"):
        if not path.exists():
            raise RequirementError(f"{path.parent.name}/{path.name}", "not there: the set-up is not complete", "make setup")


def _require_ports(settings: Settings, chosen: Collection[str]) -> None:
    """Raise RequirementError when another program listens where a chosen process will."""
    names = {name: settings.port(name) for process in chosen for name in PORTS_OF.get(process, ())}
    names["process_compose"] = settings.port("process_compose")
    taken = foreign_listeners(settings, names.values())
    for name in (name for name in PORTS if names.get(name) in taken):
        cause = f"{taken[names[name]]} listens there already"
        raise RequirementError(f"port {names[name]} ({name})", cause, "stop it, or set LAKEHOUSE_PORT_OFFSET; bin/lakehouse up")


def _start_missing(supervisor: Supervisor, chosen: Collection[str]) -> None:
    states = supervisor.states()
    unknown = [name for name in chosen if name not in states]
    if unknown:
        raise ServiceError(unknown[0], "the running stack was started before it was declared", "bin/lakehouse down; bin/lakehouse up")
    for name in chosen:
        state = states[name]
        if not (state.ready or state.is_running or state.status in ("Pending", "Restarting")):
            supervisor.start(name)


def _launch(supervisor: Supervisor, settings: Settings, chosen: Collection[str]) -> None:
    child = supervisor.launch(chosen)
    deadline = time.monotonic() + LAUNCH_WITHIN_S
    while not supervisor.alive():
        if child.poll() is not None or time.monotonic() > deadline:
            log = settings.run / "logs" / "process-compose.log"
            raise ServiceError("process-compose", f"did not start; {' / '.join(last_lines(log, 2)) or 'no log'}", f"less {log}")
        time.sleep(POLL_S)


def _wait_ready(supervisor: Supervisor, settings: Settings, chosen: tuple[str, ...], within_s: float, watch: Watch) -> Progress:
    started = time.monotonic()
    before = {name: state.restarts for name, state in supervisor.states().items()}
    while True:
        progress = Progress(chosen, supervisor.states(), time.monotonic() - started)
        watch(progress)
        if not progress.waiting:
            return progress
        failed = _failed(progress, before)
        if failed:
            raise _failure(settings, failed, "ended instead of becoming ready")
        if not progress.states and not supervisor.alive():
            raise _failure(settings, "process-compose", "no longer answers")
        if progress.elapsed_s > within_s:
            raise _failure(settings, progress.waiting[0], f"not ready after {within_s:.0f} s (waiting: {', '.join(progress.waiting)})")
        time.sleep(POLL_S)


def _failed(progress: Progress, before: Mapping[str, int]) -> str:
    """Return what waiting will not mend: ended for good, or restarted too often since the start. A skipped one only waited for it."""
    waiting = [progress.states[name] for name in progress.waiting if name in progress.states]
    failed = [state for state in waiting if state.failed or state.restarts - before.get(state.name, 0) >= MOST_RESTARTS]
    failed.sort(key=lambda state: state.status == "Skipped")
    return failed[0].name if failed else ""


def _failure(settings: Settings, name: str, what: str) -> ServiceError:
    log = settings.run / "logs" / f"{name}.log"
    return ServiceError(name, f"{what}; its last words: {' / '.join(last_lines(log, 3)) or 'none'}", f"less {log}")
