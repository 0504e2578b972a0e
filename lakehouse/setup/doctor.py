"""The checks of a machine. Each failed one says its cause and the command that repairs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import LakehouseError, RequirementError
from lakehouse.ports import PORTS
from lakehouse.setup.jdks import find_jdk, installed_jdks, read_jdk
from lakehouse.setup.listeners import Listener, listeners
from lakehouse.setup.places import Places

GIB = 1024**3
MEMORY_GIB = 10
DISK_GIB = 12
DISK_GIB_WHEN_SET_UP = 3
JDK_NEEDS: tuple[tuple[str, str | int, str | int | None], ...] = (
    ("Java 17 (Spark, Kafka)", 17, 17),
    ("Java 21+ (Nessie)", 21, None),
    ("Java 24.0.1+ (Trino)", "24.0.1", None),
)


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes:
        name: what was looked at.
        ok: whether it will do.
        found: what is there, or why that will not do.
        fix: the command that repairs it; empty when ok.
    """

    name: str
    ok: bool
    found: str
    fix: str = ""


def find_python() -> Path:
    """Return an interpreter of Python 3.11: this one, or the one on the PATH.

    Raises:
        RequirementError: there is none.
    """
    if sys.version_info[:2] == (3, 11):
        return Path(os.path.realpath(sys.executable))
    found = shutil.which("python3.11")
    if not found:
        version = ".".join(map(str, sys.version_info[:3]))
        cause = f"3.11 is needed; this is {version} and no python3.11 is on the PATH"
        raise RequirementError("Python", cause, "apt-get install python3.11-venv")
    return Path(found)


def check_python() -> Check:
    """Check for Python 3.11 with its venv module."""
    try:
        python = find_python()
    except RequirementError as error:
        return Check("Python 3.11", False, error.cause, error.next_command)
    question = "import ensurepip, venv, platform; print(platform.python_version())"
    answer = subprocess.run([python, "-c", question], check=False, capture_output=True, text=True)
    if answer.returncode != 0:
        return Check("Python 3.11", False, f"{python} has no venv module", "apt-get install python3.11-venv")
    return Check("Python 3.11", True, f"{answer.stdout.strip()} at {python}")


def check_jdks() -> list[Check]:
    """Check for the three Java runtimes; one may serve two needs."""
    checks = []
    for name, minimum, maximum in JDK_NEEDS:
        try:
            jdk = read_jdk(find_jdk(minimum, maximum))
            checks.append(Check(name, True, f"{jdk.text} at {jdk.home}" if jdk else ""))
        except RequirementError as error:
            checks.append(Check(name, False, error.cause, error.next_command))
    return checks


def _version_in(command: list[str], pattern: str) -> str:
    """Return what the pattern's group finds in a command's answer; empty when the command is absent or answers otherwise."""
    program = shutil.which(command[0])
    if not program:
        return ""
    jdks = installed_jdks()
    variables = {**os.environ, **({"JAVA_HOME": str(jdks[0].home)} if jdks and not os.environ.get("JAVA_HOME") else {})}
    answer = subprocess.run([program, *command[1:]], check=False, capture_output=True, text=True, env=variables)
    found = re.search(pattern, answer.stdout)
    return found[1] if found else ""


def check_maven() -> Check:
    """Check for Maven 3.6 or newer."""
    version = _version_in(["mvn", "--version"], r"Apache Maven (\d[\d.]*)")
    if not version:
        return Check("Maven 3.6+", False, "mvn is not on the PATH, or finds no Java", "apt-get install maven")
    ok = numbers(version) >= (3, 6)
    return Check("Maven 3.6+", ok, version, "" if ok else "apt-get install maven")


def check_go(places: Places) -> Check:
    """Check that Go is at least what docker/tools/go.mod asks for."""
    asked = re.search(r"^go (\S+)$", (places.home / "docker/tools/go.mod").read_text(), re.MULTILINE)
    wanted = asked[1] if asked else "1"
    name = f"Go {wanted}+"
    version = _version_in(["go", "env", "GOVERSION"], r"go(\d[\d.]*)")
    how = f"install Go {wanted} or newer (apt-get install golang-{wanted}-go where your Debian has it), and put its bin folder on the PATH"
    if not version:
        return Check(name, False, "go is not on the PATH", how)
    ok = numbers(version) >= numbers(wanted)
    return Check(name, ok, version if ok else f"{version} is too old", "" if ok else how)


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a dotted version."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def memory_bytes(root: Path = Path("/")) -> int:
    """Return the memory that this machine, or the control group around us, grants; bytes."""
    grants = [int(value) * 1024 for value in re.findall(r"^MemTotal:\s+(\d+) kB", (root / "proc/meminfo").read_text(), re.MULTILINE)]
    limit = root / "sys/fs/cgroup/memory.max"
    if limit.is_file() and limit.read_text().strip().isdigit():
        grants.append(int(limit.read_text()))
    return min(grants)


def check_memory() -> Check:
    """Check that the whole stack fits into memory. A twentieth is forgiven: firmware keeps some of the chips to itself."""
    have = memory_bytes()
    ok = have >= MEMORY_GIB * GIB * 0.95
    name = f"memory, {MEMORY_GIB} GiB"
    return Check(name, ok, f"{have / GIB:.1f} GiB", "" if ok else f"give this machine or container {MEMORY_GIB} GiB of memory")


def check_disk(places: Places) -> Check:
    """Check the free space where `.lake` lies; less is asked once the set-up is done."""
    done = (places.lake / "jars/trino").is_dir() and (places.lake / "envs/superset").is_dir()
    wanted = DISK_GIB_WHEN_SET_UP if done else DISK_GIB
    folder = next(folder for folder in (places.lake, *places.lake.parents) if folder.exists())
    free = shutil.disk_usage(folder).free / GIB
    fix = "" if free >= wanted else f"free {wanted - free:.0f} GiB, or set LAKEHOUSE_LAKE_HOME to a folder on a larger disk"
    return Check(f"disk, {wanted} GiB free", not fix, f"{free:.0f} GiB free at {folder}", fix)


def check_ports(held: Iterable[Listener], offset: int) -> list[Check]:
    """Check that each port of the list is free or held by this checkout's own stack.

    Args:
        held: the machine's listeners.
        offset: added to every port of the list.
    """
    holders: dict[int, Listener] = {}
    for listener in held:
        if listener.port not in holders or not listener.ours:
            holders[listener.port] = listener
    asked = {port + offset: name for name, port in PORTS.items()}
    foreign = [holder for port, holder in sorted(holders.items()) if port in asked and not holder.ours]
    if foreign:
        return [_held_port(asked[holder.port], holder) for holder in foreign]
    own = len(holders.keys() & asked.keys())
    tail = f"; {own} held by this checkout's own stack" if own else ""
    return [Check("ports", True, f"{len(asked)} ports from {min(asked)} to {max(asked)}{tail}")]


def _held_port(service: str, holder: Listener) -> Check:
    who = f"pid {holder.pid}: {holder.command}" if holder.pid else holder.command
    stop = f"stop it (kill {holder.pid}), or " if holder.pid else ""
    return Check(f"port {holder.port} ({service})", False, f"held by {who}", f"{stop}choose other ports: LAKEHOUSE_PORT_OFFSET=20000 make demo")


def check_loopback(held: Iterable[Listener]) -> Check:
    """Check that nothing of ours can be reached from another machine."""
    open_ones = [listener for listener in held if listener.ours and not listener.on_loopback]
    if not open_ones:
        return Check("loopback only", True, "nothing of ours listens on another address")
    which = ", ".join(f"{one.address} port {one.port} by pid {one.pid} ({one.command[:60]})" for one in open_ones)
    how = "bin/lakehouse down && LAKEHOUSE_HOST=127.0.0.1 bin/lakehouse up"
    return Check("loopback only", False, f"reachable from outside: {which}", how)


def check_system() -> Check:
    """Check that this is Linux: the stack's processes and this doctor rely on /proc."""
    ok = sys.platform == "linux"
    return Check("Linux", ok, sys.platform, "" if ok else "run it on Linux, or by docker compose up")


def machine_checks(places: Places) -> list[Check]:
    """Return the checks of what must be installed: all that the set-up itself needs."""
    return [check_system(), check_python(), *check_jdks(), check_maven(), check_go(places), check_memory(), check_disk(places)]


def all_checks(places: Places) -> list[Check]:
    """Return every check, ports and listeners of this checkout included."""
    checks = machine_checks(places)
    held = listeners(places.lake)
    return [*checks, *check_ports(held, port_offset()), check_loopback(held)]


def port_offset() -> int:
    """Return what `LAKEHOUSE_PORT_OFFSET` adds to the ports.

    Raises:
        RequirementError: it is not a number.
    """
    text = os.environ.get("LAKEHOUSE_PORT_OFFSET") or "0"
    if not text.isdigit():
        raise RequirementError("LAKEHOUSE_PORT_OFFSET", f"{text!r} is not a number", "unset LAKEHOUSE_PORT_OFFSET")
    return int(text)


def failure_of(checks: Iterable[Check]) -> LakehouseError | None:
    """Return the one error that stands for all failed checks, or None."""
    failed = [check for check in checks if not check.ok]
    if not failed:
        return None
    names = ", ".join(check.name for check in failed)
    cause = failed[0].found if len(failed) == 1 else f"{len(failed)} checks failed; the first: {failed[0].found}"
    return RequirementError(names, cause, failed[0].fix)


def report(checks: Iterable[Check]) -> str:
    """Return the checks as lines for a person: each ✗ with cause and fixing command."""
    lines = []
    for check in checks:
        lines.append(f"  {'✓' if check.ok else '✗'} {check.name:<24} {check.found}")
        if check.fix:
            lines.append(f"      fix: {check.fix}")
    return "\n".join(lines)
