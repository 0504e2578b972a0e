"""Where everything lies: the checkout, the folder of everything made, the caches."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Places:
    """The folders of one checkout.

    Attributes:
        home: the checkout.
        lake: the git-ignored folder of everything that the set-up makes.
        cache: downloads of uv, Maven and Go; may be shared by checkouts.
    """

    home: Path
    lake: Path
    cache: Path

    @classmethod
    def here(cls) -> Places:
        """Return the folders of this checkout; `LAKEHOUSE_LAKE_HOME` and `LAKEHOUSE_CACHE` move them."""
        lake = Path(os.environ.get("LAKEHOUSE_LAKE_HOME") or HOME / ".lake").absolute()
        return cls(HOME, lake, Path(os.environ.get("LAKEHOUSE_CACHE") or lake / "cache").absolute())

    @property
    def logs(self) -> Path:
        """Folder of the logs of the set-up's steps."""
        return self.lake / "setup" / "logs"

    @property
    def state(self) -> Path:
        """Folder of what was measured of files, to compare with; never a mere 'done'."""
        return self.lake / "setup" / "state"

    def environment(self, name: str) -> Path:
        """Folder of the Python environment `uv`, `jobs`, `airflow` or `superset`."""
        return self.lake / "envs" / name

    def lock(self, name: str) -> Path:
        """The lock file `locks/<name>.txt`."""
        return self.home / "locks" / f"{name}.txt"


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_json(path: Path, value: object) -> None:
    """Write a JSON file in one step: under another name first, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_text(json.dumps(value, indent=0, sort_keys=True))
    half.replace(path)


def swap_in(fresh: Path, place: Path) -> None:
    """Put a finished folder or file in its place in one rename; what stood there is removed afterwards."""
    place.parent.mkdir(parents=True, exist_ok=True)
    old = place.with_name(f".{place.name}.old")
    remove(old)
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    remove(old)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
