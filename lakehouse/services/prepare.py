"""Metadata of Airflow and Superset: made once on a machine, copied to each new stack, and marked ready inside the file itself.

Making them takes half a minute of schema migrations and holds no secret, so a finished file is kept in `.lake/prepared` under a
hash of all that it depends on. A file that a kill left half made carries no mark and is made again.
`python -m lakehouse.services.prepare airflow|superset` runs with that service's environment.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import LakehouseError, ServiceError
from lakehouse.settings import HOME, Settings


@dataclass(frozen=True)
class Metadata:
    """One service's metadata file: where it lies, what it depends on, and the commands that make it.

    Attributes:
        file: the SQLite file of the stack.
        inputs: files whose content decides what the commands make.
        commands: run in order; the environment names the file.
        redirect: variables that make the commands write to another folder instead.
    """

    file: Path
    inputs: tuple[Path, ...]
    commands: tuple[Sequence[str | Path], ...]
    redirect: Callable[[Path], dict[str, str]]

    @property
    def stamp(self) -> str:
        """Hash of the inputs and commands' names; equal stamps mean equal content."""
        digest = hashlib.sha256()
        for path in self.inputs:
            digest.update(path.name.encode() + path.read_bytes())
        return digest.hexdigest()[:16]


def metadata_of(settings: Settings) -> dict[str, Metadata]:
    """Return what is to be prepared, by service."""
    data, envs = settings.run / "data", settings.lake_home / "envs"
    airflow, superset = envs / "airflow" / "bin" / "airflow", envs / "superset" / "bin" / "superset"
    pools = HOME / "dags" / "pools.json"
    return {
        "airflow": Metadata(
            data / "airflow" / "airflow.db",
            (HOME / "locks" / "airflow.txt", pools),
            ((airflow, "db", "migrate"), (airflow, "pools", "import", pools)),
            lambda folder: {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}"},
        ),
        "superset": Metadata(
            data / "superset" / "superset.db",
            (HOME / "locks" / "superset.txt", HOME / "conf" / "superset" / "superset_config.py"),
            ((superset, "db", "upgrade"), (superset, "init")),
            lambda folder: {"SUPERSET_HOME": str(folder)},
        ),
    }


def prepare(settings: Settings, metadata: Metadata) -> str:
    """Make a stack's metadata file ready for several processes and return a sentence of what was done.

    Raises:
        ServiceError: a command failed; its output is above in the log.
    """
    said = _ready(settings, metadata)
    with closing(sqlite3.connect(metadata.file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")  # kept in the file: readers no longer wait for a writer, nor he for them
    return said


def _ready(settings: Settings, metadata: Metadata) -> str:
    kept = read_stamp(metadata.file)
    if kept == metadata.stamp:
        return f"{metadata.file.name} is ready"
    if kept:
        _run(metadata, {})
        _write_stamp(metadata.file, metadata.stamp)
        return f"{metadata.file.name} was brought up to date"
    prepared = settings.lake_home / "prepared" / f"{metadata.file.stem}-{metadata.stamp}.db"
    if read_stamp(prepared) != metadata.stamp:
        _make(metadata, prepared)
    _copy(prepared, metadata.file)
    return f"{metadata.file.name} was copied from {prepared.name}"


def read_stamp(file: Path) -> str:
    """Return the mark of a finished metadata file, empty when it has none or is no database."""
    if not file.is_file():
        return ""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            (stamp,) = connection.execute("select stamp from lakehouse_ready").fetchone()
            return str(stamp)
    except sqlite3.DatabaseError:
        return ""


def _write_stamp(file: Path, stamp: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("create table if not exists lakehouse_ready (stamp text not null)")
        connection.execute("delete from lakehouse_ready")
        connection.execute("insert into lakehouse_ready values (?)", (stamp,))


def _make(metadata: Metadata, prepared: Path) -> None:
    """Run the commands on a file beside its place, mark it, and put it in its place in one rename."""
    folder = prepared.with_suffix(f".{os.getpid()}")
    folder.mkdir(parents=True)
    try:
        _run(metadata, metadata.redirect(folder))
        fresh = folder / metadata.file.name
        _write_stamp(fresh, metadata.stamp)
        fresh.chmod(0o600)
        fresh.replace(prepared)
    finally:
        shutil.rmtree(folder)


def _copy(prepared: Path, file: Path) -> None:
    part = file.with_suffix(".part")
    shutil.copy2(prepared, part)
    for leftover in file.parent.glob(f"{file.name}-*"):
        leftover.unlink()
    part.replace(file)


def _run(metadata: Metadata, variables: dict[str, str]) -> None:
    for command in metadata.commands:
        words = [str(word) for word in command]
        code = subprocess.run(words, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, check=False).returncode
        if code:
            raise ServiceError(f"{Path(words[0]).name} {' '.join(words[1:3])}", f"ended with {code}; its output is above", "bin/lakehouse up")


def main(service: str) -> int:
    """Prepare one service; print a sentence, or the error's one line. Return the exit status."""
    settings = Settings()
    try:
        sys.stdout.write(prepare(settings, metadata_of(settings)[service]) + "\n")
    except LakehouseError as error:
        sys.stderr.write(error.line() + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
