"""Files of plant models to one PlantModel; every mistake of every file in one error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import ValidationError

from lakehouse.errors import PlantModelError
from lakehouse.plant.declared import Machine, SiteFile
from lakehouse.plant.model import PlantModel, Site


def load_plant(folders: Sequence[Path]) -> PlantModel:
    """Read all `*.yaml` of the folders (not of folders below them); a site in a later folder replaces an earlier one.

    Raises:
        PlantModelError: with all mistakes, each naming file and path within it.
    """
    sites: dict[str, Site] = {}
    problems: list[str] = []
    for folder in folders:
        seen: dict[str, str] = {}
        for path in sorted(folder.glob("*.yaml")):
            declared, wrong = read_site(path)
            problems += [f"{path.name}: {each}" for each in wrong]
            if declared is None:
                continue
            if declared.site_id in seen:
                problems.append(f"{path.name}: site_id: {declared.site_id} is declared in {seen[declared.site_id]} too")
            seen[declared.site_id] = path.name
            sites[declared.site_id] = Site(declared)
    if problems:
        raise PlantModelError("plant model", " || ".join(problems), "correct the files named and run the command again")
    return PlantModel(sites)


def read_site(path: Path) -> tuple[SiteFile | None, list[str]]:
    """Read one file; return the site, or None and what is wrong with it, each with its path in the file."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        declared = SiteFile.model_validate(raw)
    except yaml.YAMLError as error:
        return None, [f"not YAML: {' '.join(str(error).split())}"]
    except UnicodeDecodeError as error:
        return None, [f"not UTF-8: {error.reason} at byte {error.start}"]
    except ValidationError as error:
        return None, [f"{_path_of(each['loc'])}: {each['msg']}" for each in error.errors()]
    return declared, _wrong_defaults(declared)


def _wrong_defaults(declared: SiteFile) -> list[str]:
    if not declared.discover:
        return []
    try:
        Machine.model_validate({**declared.machine_defaults, "machine_id": "any"})
    except ValidationError as error:
        return [f"machine_defaults.{_path_of(each['loc'])}: {each['msg']}" for each in error.errors()]
    return []


def _path_of(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path or "file"
