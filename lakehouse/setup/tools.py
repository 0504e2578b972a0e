"""MinIO and process-compose, built by Go from the pinned module docker/tools, and held to its go.mod and go.sum."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from lakehouse.setup.places import Places
from lakehouse.setup.steps import Step, run_command

MODULES = {"process-compose": "github.com/f1bonacc1/process-compose", "minio": "github.com/minio/minio"}
USUALLY = {"process-compose": "1 min", "minio": "4 min"}


def sums(module: Path) -> set[tuple[str, str, str]]:
    """Return (module, version, hash) of every line of go.sum that is about a module's whole content."""
    return {(fields[0], fields[1], fields[2]) for fields in map(str.split, (module / "go.sum").read_text().splitlines()) if len(fields) == 3}


def required(module: Path) -> dict[str, str]:
    """Return version by module of go.mod's requirements."""
    return dict(re.findall(r"^(?:require )?\s*([\w./~-]+\.[\w./~-]+) (v\S+)", (module / "go.mod").read_text(), re.MULTILINE))


def built_from(binary: Path) -> list[tuple[str, str, str]]:
    """Return (module, version, hash) of everything inside a Go binary, its own module first; empty when it is none."""
    answer = subprocess.run(["go", "version", "-m", binary], check=False, capture_output=True, text=True)
    return re.findall(r"^\t(?:mod|dep|=>)\t(\S+)\t(\S+)\t(\S+)$", answer.stdout, re.MULTILINE)


def missing(places: Places, tool: str) -> str:
    """Say in what a binary differs from the pinned module; empty when in nothing."""
    binary, module = places.lake / "bin" / tool, places.home / "docker" / "tools"
    if not os.access(binary, os.X_OK):
        return "not built yet"
    inside, wanted, known = built_from(binary), required(module), sums(module)
    if not inside or inside[0][0] != MODULES[tool]:
        return f"{binary.name} is not a build of {MODULES[tool]}"
    wrong = [f"{name} {version}" for name, version, digest in inside if wanted.get(name) != version or (name, version, digest) not in known]
    return f"it was built from {wrong[0]}, which go.mod does not ask for" if wrong else ""


def make(places: Places, tool: str) -> None:
    """Build a tool under another name and rename it."""
    go = places.cache / "go"
    variables = {"GOMODCACHE": str(go / "mod"), "GOCACHE": str(go / "build"), "CGO_ENABLED": "0"}
    binary = places.lake / "bin" / tool
    binary.parent.mkdir(parents=True, exist_ok=True)
    half = binary.with_name(f".{tool}.half")
    # -modcacherw: a module cache that a plain `rm -r` can remove
    command = ["go", "build", "-mod=readonly", "-modcacherw", "-trimpath", "-ldflags", "-s -w", "-o", str(half), MODULES[tool]]
    run_command(tool, command, places.logs / f"{tool}.log", variables, places.home / "docker" / "tools")
    half.replace(binary)


def lane(places: Places) -> list[Step]:
    """Return the steps of the Go lane: the small tool first."""
    return [_tool_step(places, tool) for tool in MODULES]


def _tool_step(places: Places, tool: str) -> Step:
    what = f"build {MODULES[tool]} from docker/tools"
    return Step(tool, what, USUALLY[tool], lambda: missing(places, tool), lambda: make(places, tool))
