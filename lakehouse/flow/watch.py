"""The plant model, read again when its files change; the live application asks before every round."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lakehouse.plant import PlantModel, load_plant


class PlantWatch:
    """Holds the plant model of some folders and reloads it when a file was added, removed or written."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._seen = self._signature()
        self._plant = load_plant(self._folders)

    def current(self) -> PlantModel:
        """Return the plant model as its files stand now.

        Raises:
            PlantModelError: a changed file does not hold together.
        """
        seen = self._signature()
        if seen != self._seen:
            self._plant = load_plant(self._folders)
            self._seen = seen
        return self._plant

    def _signature(self) -> tuple[tuple[str, int, int], ...]:
        files = sorted(path for folder in self._folders if folder.is_dir() for path in folder.glob("*.yaml"))
        return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files)
