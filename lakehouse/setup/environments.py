"""The Python environments: made by uv from the hashed locks, and held to them name by name, file by file."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping
from pathlib import Path

from lakehouse.setup.doctor import find_python
from lakehouse.setup.places import Places, remove, swap_in
from lakehouse.setup.steps import Step, run_command

NAMES = ("jobs", "airflow", "superset")
USUALLY = {"jobs": "1 to 2 min", "airflow": "30 s", "superset": "1 min"}


def normal(name: str) -> str:
    """Return a distribution's name in its one normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: Path) -> dict[str, str]:
    """Return version by distribution of a lock file."""
    pins = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", lock.read_text(), re.MULTILINE)
    return {normal(name): version for name, version in pins}


def site_packages(environment: Path) -> Path:
    """Folder of an environment's distributions."""
    return environment / "lib" / "python3.11" / "site-packages"


def installed(environment: Path) -> dict[str, tuple[str, Path]]:
    """Return version and metadata folder by distribution of an environment."""
    found = {}
    for metadata in sorted(site_packages(environment).glob("*.dist-info/METADATA")):
        head = metadata.read_text(errors="replace").split("\n\n", 1)[0]
        fields = dict(re.findall(r"^(Name|Version): *(\S+)", head, re.MULTILINE))
        if len(fields) == 2:
            found[normal(fields["Name"])] = (fields["Version"], metadata.parent)
    return found


def torn(metadata: Path) -> bool:
    """Return True when a file that the distribution's RECORD lists is absent or has another size."""
    record = metadata / "RECORD"
    if not record.is_file():
        return True
    root = str(metadata.parent)
    with record.open(newline="") as stream:
        for path, digest, size in csv.reader(stream):
            if not digest or not size:
                continue
            try:
                if os.stat(f"{root}/{path}").st_size != int(size):  # noqa: PTH116  ninety thousand of them
                    return True
            except OSError:
                return True
    return False


def differences(environment: Path, lock: Path) -> dict[str, str]:
    """Return what differs between an environment and its lock: distribution to `absent`, `extra`, `torn` or the wrong version."""
    asked, have = locked(lock), installed(environment)
    found = dict.fromkeys(asked.keys() - have.keys(), "absent")
    found.update(dict.fromkeys(have.keys() - asked.keys() - {"pip", "setuptools"}, "extra"))
    for name in asked.keys() & have.keys():
        version, metadata = have[name]
        if version != asked[name]:
            found[name] = f"{version} instead of {asked[name]}"
        elif torn(metadata):
            found[name] = "torn"
    return found


def moved(environment: Path) -> bool:
    """Return True when the environment has no working Python, or was made for another folder (its scripts name that one)."""
    activate = environment / "bin" / "activate"
    if not activate.is_file() or not os.access(environment / "bin" / "python", os.X_OK):
        return True
    return not re.search(rf"""VIRTUAL_ENV=['"]?{re.escape(str(environment))}['"]?$""", activate.read_text(), re.MULTILINE)


def pointer(places: Places, name: str) -> tuple[Path, str]:
    """Return the .pth file that makes `import lakehouse` work, and its text: the way from there to the checkout."""
    folder = site_packages(places.environment(name))
    return folder / "lakehouse.pth", os.path.relpath(places.home, folder) + "\n"


def missing(places: Places, name: str) -> str:
    """Say what an environment lacks in comparison with its lock; empty when nothing."""
    environment = places.environment(name)
    if moved(environment):
        return "no environment here yet"
    found = differences(environment, places.lock(name))
    if found:
        first = ", ".join(f"{dist} {what}" for dist, what in sorted(found.items())[:3])
        return f"{len(found)} of {len(locked(places.lock(name)))} distributions to do: {first}"
    path, text = pointer(places, name) if name != "uv" else (None, "")
    if path and (not path.is_file() or path.read_text() != text):
        return "it cannot import lakehouse yet"
    return ""


def make_uv(places: Places) -> None:
    """Make the environment of uv itself with venv and pip."""
    environment = places.environment("uv")
    log = places.logs / "uv.log"
    remove(environment)
    run_command("uv", [find_python(), "-m", "venv", environment], log, {})
    pip: list[str | Path] = [environment / "bin" / "python", "-m", "pip", "install", "--require-hashes", "--no-deps", "-r", places.lock("uv")]
    run_command("uv", pip, log, {"PIP_CACHE_DIR": str(places.cache / "pip"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"})


def _uv_variables(places: Places) -> Mapping[str, str]:
    return {"UV_CACHE_DIR": str(places.cache / "uv"), "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}


def make(places: Places, name: str) -> None:
    """Bring an environment to its lock: nothing more, nothing less; torn distributions are laid out again."""
    environment, log, variables = places.environment(name), places.logs / f"{name}.log", _uv_variables(places)
    uv = places.environment("uv") / "bin" / "uv"
    if moved(environment):
        remove(environment)
        run_command(name, [uv, "venv", "--quiet", "--python", find_python(), environment], log, variables)
    again = [f"--reinstall-package={dist}" for dist, what in differences(environment, places.lock(name)).items() if what == "torn"]
    sync: list[str | Path] = [uv, "pip", "sync", "--require-hashes", "--python", environment / "bin" / "python", *again]
    run_command(name, [*sync, places.lock(name)], log, variables)
    path, text = pointer(places, name)
    half = path.with_suffix(".half")
    half.write_text(text)
    swap_in(half, path)


def lane(places: Places) -> list[Step]:
    """Return the steps of the Python lane: uv, then the three environments, one after another in one cache."""
    uv = Step("uv", "the Python installer, from locks/uv.txt", "10 s", lambda: missing(places, "uv"), lambda: make_uv(places))
    return [uv, *(_environment_step(places, name) for name in NAMES)]


def _environment_step(places: Places, name: str) -> Step:
    count = len(locked(places.lock(name)))
    what = f"Python environment `{name}`, {count} distributions of locks/{name}.txt"
    return Step(f"env {name}", what, USUALLY[name], lambda: missing(places, name), lambda: make(places, name))
