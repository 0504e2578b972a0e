"""Trino, unpacked from its two archives: the server, and the Iceberg plugin in its plugin folder."""

from __future__ import annotations

import json
import os
import re
import tarfile
import zipfile
from pathlib import Path

from lakehouse.errors import SetupStepError
from lakehouse.setup.jars import LOCK, read_lock
from lakehouse.setup.places import Places, remove, swap_in, write_json
from lakehouse.setup.steps import Step, refuse_in_use

CONTENTS = ".contents.json"


def archives(places: Places) -> dict[str, str]:
    """Return SHA-256 by name of the archives that the lock holds for Trino."""
    return {name: artefact.sha256 for name, artefact in read_lock(places.home / LOCK)[1]["trino"].items()}


def place(places: Places) -> Path:
    """Return the folder of the unpacked server, `.lake/dist/trino-<version>`.

    Raises:
        SetupStepError: the lock holds no server archive.
    """
    for name in archives(places):
        found = re.fullmatch(r"trino-server-core-(.+)\.tar\.gz", name)
        if found:
            return places.lake / "dist" / f"trino-{found[1]}"
    raise SetupStepError("trino", f"{LOCK} holds no trino-server-core archive", "make lock-jars")


def missing(places: Places) -> str:
    """Say what the unpacked server lacks in comparison with the archives it came from; empty when nothing."""
    folder = place(places)
    contents = folder / CONTENTS
    if not contents.is_file():
        return "not unpacked yet"
    told = json.loads(contents.read_text())
    if told["archives"] != archives(places):
        return "it was unpacked from other archives"
    wrong = [name for name, size in told["files"].items() if not (folder / name).is_file() or (folder / name).stat().st_size != size]
    return f"{len(wrong)} of {len(told['files'])} files to do: {wrong[0]}" if wrong else ""


def make(places: Places) -> None:
    """Unpack both archives beside the place, note every file's size, and rename."""
    folder, source = place(places), places.lake / "jars" / "trino"
    refuse_in_use("trino", folder)
    for half in folder.parent.glob(".half.*") if folder.parent.is_dir() else ():
        remove(half)
    half = folder.parent / f".half.{os.getpid()}"
    half.mkdir(parents=True)
    version = folder.name.removeprefix("trino-")
    with tarfile.open(source / f"trino-server-core-{version}.tar.gz") as archive:
        archive.extractall(half, filter="data")
    server = half / f"trino-server-core-{version}"
    with zipfile.ZipFile(source / f"trino-iceberg-{version}.zip") as plugin:
        plugin.extractall(server / "plugin")  # noqa: S202  held to locks/jars.txt by its hash
    (server / "plugin" / f"trino-iceberg-{version}").rename(server / "plugin" / "iceberg")
    files = {str(path.relative_to(server)): path.stat().st_size for path in sorted(server.rglob("*")) if path.is_file()}
    write_json(server / CONTENTS, {"archives": archives(places), "files": files})
    swap_in(server, folder)
    remove(half)


def step(places: Places) -> Step:
    """Return the step; it follows the jars of the profile `trino`."""
    return Step("trino", "unpack the server and its Iceberg plugin", "10 s", lambda: missing(places), lambda: make(places))
