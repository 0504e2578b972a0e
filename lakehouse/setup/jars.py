"""The Java artefacts: fetched by Maven as docker/jars/pom.xml asks, and held to locks/jars.txt file by file."""

from __future__ import annotations

import hashlib
import json
import os
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import SetupStepError
from lakehouse.setup.jdks import find_jdk
from lakehouse.setup.places import Places, remove, sha256_of, swap_in, write_json
from lakehouse.setup.steps import Step, refuse_in_use, run_command

POM = "docker/jars/pom.xml"
LOCK = "locks/jars.txt"
PROFILES = ("spark", "kafka", "nessie", "trino")
USUALLY = {"spark": "1 min", "kafka": "30 s", "nessie": "30 s", "trino": "1 to 2 min"}
HEAD = "# Size in bytes and SHA-256 of each file that docker/jars/pom.xml brings. Written by `make lock-jars`, never by hand.\n"
NAMESPACE = "{http://maven.apache.org/POM/4.0.0}"


@dataclass(frozen=True)
class Artefact:
    """One file of a profile: its size in bytes and its SHA-256."""

    size: int
    sha256: str


def asked(pom: Path, profile: str) -> str:
    """Return a hash of all that the pom says about a profile: it changes with a version, not with a comment."""
    # The pom is ours, committed beside this file: nothing hostile is parsed.
    root = ET.parse(pom).getroot()  # noqa: S314
    parts = [root.find(f"{NAMESPACE}properties"), root.find(f"{NAMESPACE}build")]
    parts += [one for one in root.iter(f"{NAMESPACE}profile") if one.findtext(f"{NAMESPACE}id") == profile]
    text = "".join(ET.canonicalize(ET.tostring(part, "unicode"), strip_text=True) for part in parts if part is not None)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_lock(lock: Path) -> tuple[dict[str, str], dict[str, dict[str, Artefact]]]:
    """Return what each profile asked for when it was locked, and its files by name."""
    text = lock.read_text() if lock.is_file() else ""
    pins: dict[str, dict[str, Artefact]] = {profile: {} for profile in PROFILES}
    for sha256, size, profile, name in re.findall(r"^([0-9a-f]{64}) +(\d+) +(\w+)/(\S+)$", text, re.MULTILINE):
        pins[profile][name] = Artefact(int(size), sha256)
    return dict(re.findall(r"^# asked (\w+) (\w+)$", text, re.MULTILINE)), pins


def measured(folder: Path, memory: Path) -> dict[str, Artefact]:
    """Return size and SHA-256 of a folder's files.

    Args:
        folder: may be absent; then nothing is there.
        memory: file that keeps each hash with size, time and inode of what was hashed, so that an untouched file is read once.
    """
    known = json.loads(memory.read_text()) if memory.is_file() else {}
    found, fresh = {}, {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        stat = path.stat()
        key = f"{path.name} {stat.st_size} {stat.st_mtime_ns} {stat.st_ino}"
        fresh[key] = known.get(key) or sha256_of(path)
        found[path.name] = Artefact(stat.st_size, fresh[key])
    if fresh != known:
        write_json(memory, fresh)
    return found


def missing(places: Places, profile: str) -> str:
    """Say what a profile's folder lacks in comparison with the lock; empty when nothing."""
    pins = _pins(places, profile)
    have = measured(places.lake / "jars" / profile, places.state / f"jars-{profile}.json")
    wrong = sorted(name for name in pins.keys() | have.keys() if pins.get(name) != have.get(name))
    return f"{len(wrong)} of {len(pins)} files to do: {', '.join(wrong[:3])}" if wrong else ""


def _pins(places: Places, profile: str) -> dict[str, Artefact]:
    asks, pins = read_lock(places.home / LOCK)
    if asks.get(profile) != asked(places.home / POM, profile):
        raise SetupStepError(f"jars {profile}", f"{POM} asks for something else than {LOCK} holds", "make lock-jars")
    return pins[profile]


def fetch(places: Places, profile: str) -> Path:
    """Let Maven copy a profile's files into a folder beside its place, and return that folder."""
    folder = places.lake / "jars" / f".{profile}.{os.getpid()}"
    for half in folder.parent.glob(f".{profile}.*") if folder.parent.is_dir() else ():
        remove(half)
    folder.mkdir(parents=True)
    command = ["mvn", "--batch-mode", "--strict-checksums", "-Dorg.slf4j.simpleLogger.log.org.apache.maven.cli.transfer=warn"]
    command += ["-f", str(places.home / POM), "-P", profile, f"-Dmaven.repo.local={places.cache / 'm2'}"]
    command += ["dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    variables = {} if os.environ.get("JAVA_HOME") else {"JAVA_HOME": str(find_jdk(17))}
    run_command(f"jars {profile}", command, places.logs / f"jars-{profile}.log", variables)
    return folder


def make(places: Places, profile: str) -> None:
    """Fetch a profile's files, hold each to the lock, and put the folder in its place in one rename.

    Raises:
        SetupStepError: a file differs from the lock, or a service runs from the folder; nothing was put in place.
    """
    refuse_in_use(f"jars {profile}", places.lake / "jars" / profile)
    fresh = fetch(places, profile)
    pins = _pins(places, profile)
    have = {path.name: Artefact(path.stat().st_size, sha256_of(path)) for path in fresh.iterdir()}
    wrong = sorted(name for name in pins.keys() | have.keys() if pins.get(name) != have.get(name))
    if wrong:
        remove(fresh)
        cause = f"what was fetched is not what {LOCK} holds: {', '.join(wrong[:5])}"
        raise SetupStepError(f"jars {profile}", cause, "find out why before you trust it; make lock-jars accepts it")
    swap_in(fresh, places.lake / "jars" / profile)


def write_lock(places: Places) -> str:
    """Fetch every profile as the pom asks now, put it in place, and return the text of the new lock file."""
    heads, lines = [], []
    for profile in PROFILES:
        refuse_in_use(f"jars {profile}", places.lake / "jars" / profile)
        fresh = fetch(places, profile)
        heads.append(f"# asked {profile} {asked(places.home / POM, profile)}")
        lines += [f"{sha256_of(path)} {path.stat().st_size:>10} {profile}/{path.name}" for path in sorted(fresh.iterdir())]
        swap_in(fresh, places.lake / "jars" / profile)
    return HEAD + "\n".join([*heads, *lines]) + "\n"


def steps(places: Places) -> list[Step]:
    """Return one step a profile; they follow one another, for Maven's local repository has no lock of its own."""
    return [_profile_step(places, profile) for profile in PROFILES]


def _profile_step(places: Places, profile: str) -> Step:
    what = f"Java artefacts of {profile}, by Maven"
    return Step(f"jars {profile}", what, USUALLY[profile], lambda: missing(places, profile), lambda: make(places, profile))
