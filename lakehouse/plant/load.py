"""Files of plant models to one PlantModel; every mistake of every file in one error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from lakehouse.errors import PlantModelError
from lakehouse.plant.base import Loc, Mistake
from lakehouse.plant.checks import Listed, mistakes
from lakehouse.plant.declared import Machine, SiteFile, with_defaults
from lakehouse.plant.model import PlantModel, Site
from lakehouse.plant.source import Source

SHORT = 40


def load_plant(folders: Sequence[Path]) -> PlantModel:
    """Read all `*.yaml` of the folders (not of folders below them); a site in a later folder replaces an earlier one.

    Raises:
        PlantModelError: with all mistakes, each naming file, line and path within the file.
    """
    sites: dict[str, Site] = {}
    problems: list[str] = []
    for folder in folders:
        seen: dict[str, str] = {}
        for path in sorted(folder.glob("*.yaml")):
            declared, wrong = read_site(path)
            problems += wrong
            if declared is None:
                continue
            if declared.site_id in seen:
                line = Source.of(path.read_text(encoding="utf-8")).line(("site_id",))
                problems.append(f"{path.name}:{line}: site_id: {declared.site_id} is declared in {seen[declared.site_id]} too")
            seen[declared.site_id] = path.name
            sites[declared.site_id] = Site(declared)
    if problems:
        raise PlantModelError("plant model", " || ".join(problems), "correct the files named and run the command again")
    return PlantModel(sites)


def read_site(path: Path) -> tuple[SiteFile | None, list[str]]:
    """Read one file; return the site, or None and what is wrong with it, each as `file:line: path: what`."""
    try:
        source = Source.of(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return None, [f"{path.name}:{mark.line + 1 if mark else 1}: not YAML: {getattr(error, 'problem', None) or ' '.join(str(error).split())}"]
    except UnicodeDecodeError as error:
        return None, [f"{path.name}:1: not UTF-8: {error.reason} at byte {error.start}"]
    declared: SiteFile | None = None
    wrong = list(source.repeated)
    try:
        declared = SiteFile.model_validate(source.content)
        wrong += _wrong_defaults(declared)
    except ValidationError as error:
        wrong += [(_written(source, each["loc"]), _told(each)) for each in error.errors()]
        wrong += _between_the_sound(source.content)
    return None if wrong else declared, _lines(path.name, source, wrong)


def _between_the_sound(content: object) -> list[Mistake]:
    whole = with_defaults(content)
    return mistakes(Listed.of_the_sound(whole)) if isinstance(whole, dict) else []


def _wrong_defaults(declared: SiteFile) -> list[Mistake]:
    if not declared.discover:
        return []
    try:
        Machine.model_validate({**declared.machine_defaults, "machine_id": "any"})
    except ValidationError as error:
        return [(("machine_defaults", *each["loc"]), _told(each)) for each in error.errors()]
    return []


def _written(source: Source, loc: Loc) -> Loc:
    """Where something of a machine stands: with the machine, or among the defaults that it takes."""
    defaults = ("machine_defaults", *loc[2:])
    return defaults if loc[:1] == ("machines",) and len(loc) > 2 and not source.has(loc[:3]) and source.has(defaults[:2]) else loc


def _told(error: Any) -> str:
    """What is wrong, in words; with what stands there where that is short."""
    if error["type"] == "extra_forbidden":
        return "is no field of a plant file"
    if error["type"] == "string_type":
        return f"must be text, in quotes, not {error['input']!r}"
    what, found = str(error["msg"]).removeprefix("Value error, "), error["input"]
    if error["type"] in ("plant", "missing", "value_error") or not isinstance(found, str | int | float) or len(str(found)) > SHORT:
        return what
    return f"{what}, not {found!r}"


def _lines(name: str, source: Source, wrong: Iterable[Mistake]) -> list[str]:
    placed = dict.fromkeys((source.line(loc), _path_of(loc), what) for loc, what in wrong)
    return [f"{name}:{line}: {path}: {what}" for line, path, what in sorted(placed)]


def _path_of(location: Loc) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path or "file"
