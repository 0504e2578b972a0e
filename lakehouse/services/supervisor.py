"""process-compose: its list of processes, its HTTP interface, and starting it."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import requests
import yaml

from lakehouse.errors import ServiceError, SettingsError
from lakehouse.services.environment import env_file, project_name, supervisor_environment
from lakehouse.settings import HOME, Settings

FILE = HOME / "conf" / "process-compose.yaml"
ANSWER_WITHIN_S = 5
STOP_WITHIN_S = 60
ON_DEMAND = frozenset({"simulator"})


@dataclass(frozen=True)
class Declared:
    """One process of `conf/process-compose.yaml`: its group, what it needs first, whether it runs once."""

    name: str
    group: str
    needs: tuple[str, ...]
    once: bool
    description: str


@dataclass(frozen=True)
class ProcessState:
    """One process as process-compose sees it."""

    name: str
    status: str
    health: str
    once: bool
    restarts: int
    exit_code: int
    pid: int
    is_running: bool

    @property
    def ready(self) -> bool:
        """Whether it runs and answers, or ran once and ended well."""
        if self.once:
            return self.status == "Completed" and self.exit_code == 0
        return self.is_running and self.health == "Ready"

    @property
    def failed(self) -> bool:
        """Whether it will not become ready by waiting."""
        return self.status in ("Error", "Skipped") or (self.status == "Completed" and self.exit_code != 0)


@cache
def declared() -> dict[str, Declared]:
    """Return the declared processes by name, in the file's order."""
    processes = yaml.safe_load(FILE.read_text())["processes"]
    return {
        name: Declared(
            name,
            body["namespace"],
            tuple(body.get("depends_on", {})),
            body["availability"]["restart"] == "on_failure",
            body["description"],
        )
        for name, body in processes.items()
    }


def selected(only: Collection[str], without: Collection[str]) -> list[str]:
    """Return the processes to start, each after what it needs.

    Args:
        only: groups or processes; empty means all but those on demand.
        without: groups or processes to leave out.

    Raises:
        SettingsError: a name is neither a group nor a process, or what is left out is needed.
    """
    known = declared()
    left_out = _members(known, without)
    asked = _members(known, only) if only else {name for name, process in known.items() if process.group not in ON_DEMAND}
    wanted = [name for name in known if name in asked and name not in left_out]
    chosen: list[str] = []
    for name in wanted:
        _add(known, name, chosen)
    needed = [name for name in chosen if name in left_out]
    if needed:
        raise SettingsError(f"--without {', '.join(needed)}", "other selected processes need it", "bin/lakehouse up --help")
    return chosen


def _members(known: dict[str, Declared], names: Iterable[str]) -> set[str]:
    groups = {process.group for process in known.values()}
    unknown = [name for name in names if name not in known and name not in groups]
    if unknown:
        raise SettingsError(f"service {unknown[0]}", f"unknown; groups: {', '.join(sorted(groups))}; services: {', '.join(known)}")
    return {name for name, process in known.items() if name in names or process.group in names}


def _add(known: dict[str, Declared], name: str, chosen: list[str]) -> None:
    for need in known[name].needs:
        _add(known, need, chosen)
    if name not in chosen:
        chosen.append(name)


class Supervisor:
    """The process-compose of one stack, over its HTTP interface on loopback."""

    def __init__(self, settings: Settings) -> None:
        """Keep the address; nothing is asked yet."""
        self._settings = settings
        self._base = f"http://{settings.host}:{settings.port('process_compose')}"
        self._http = requests.Session()
        self._http.trust_env = False

    def alive(self) -> bool:
        """Return whether it answers and is this stack's."""
        try:
            return bool(self._get("/project/name")["projectName"].endswith(f"/{project_name(self._settings)}"))
        except (requests.RequestException, KeyError):
            return False

    def states(self) -> dict[str, ProcessState]:
        """Return every declared process by name; empty when process-compose does not answer."""
        try:
            found = self._get("/processes")["data"]
        except requests.RequestException:
            return {}
        once = {name for name, process in declared().items() if process.once}
        return {one["name"]: _state(one, one["name"] in once) for one in found}

    def start(self, name: str) -> None:
        """Start one process that does not run.

        Raises:
            ServiceError: process-compose refused, or does not answer.
        """
        answer = self._told(name, "POST", f"/process/start/{name}", ANSWER_WITHIN_S)
        if not answer.ok and "already running" not in answer.text:
            raise ServiceError(name, f"process-compose refused to start it: {answer.text.strip()[:200]}", "bin/lakehouse down")

    def stop(self, name: str) -> None:
        """Stop one process; it is not started again until asked.

        Raises:
            ServiceError: process-compose refused, or does not answer.
        """
        answer = self._told(name, "PATCH", f"/process/stop/{name}", STOP_WITHIN_S)
        if not answer.ok and "not running" not in answer.text:
            raise ServiceError(name, f"process-compose refused to stop it: {answer.text.strip()[:200]}", "bin/lakehouse status")

    def stop_all(self, within_s: float) -> None:
        """Ask it to end every process and itself; it answers when they have gone, or `within_s` seconds pass."""
        try:
            self._http.post(f"{self._base}/project/stop", timeout=within_s)
        except requests.RequestException:
            return

    def launch(self, names: Collection[str]) -> subprocess.Popen[bytes]:
        """Start process-compose, detached in a session of its own, with these processes."""
        settings = self._settings
        log = settings.run / "logs" / "process-compose.log"
        command = [
            *(str(settings.lake_home / "bin" / "process-compose"), "up", *names),
            *("-f", str(FILE), "-e", str(env_file(settings)), "-L", str(log)),
            *("--address", settings.host, "-p", str(settings.port("process_compose"))),
            *("-t=false", "--keep-project"),
        ]
        with Path("/dev/null").open("r+b") as null:
            return subprocess.Popen(
                command, cwd=HOME, env=supervisor_environment(settings), stdin=null, stdout=null, stderr=null, start_new_session=True
            )

    def _told(self, name: str, method: str, path: str, within_s: float) -> requests.Response:
        try:
            return self._http.request(method, self._base + path, timeout=within_s)
        except requests.RequestException as error:
            raise ServiceError(name, f"process-compose does not answer: {type(error).__name__}", "bin/lakehouse status") from error

    def _get(self, path: str) -> Any:
        answer = self._http.get(self._base + path, timeout=ANSWER_WITHIN_S)
        answer.raise_for_status()
        return answer.json()


def _state(one: dict[str, Any], once: bool) -> ProcessState:
    return ProcessState(
        name=one["name"],
        status=one["status"],
        health=one["is_ready"],
        once=once,
        restarts=one["restarts"],
        exit_code=one["exit_code"],
        pid=one["pid"],
        is_running=one["is_running"],
    )
