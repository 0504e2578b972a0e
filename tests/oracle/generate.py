"""Makes whole plants with input: a plant file (`sites`), silver rows as conform would keep them (`inputs`), and what is asked for."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.oracle.choices import Chooser, Drawn, Seeded
from tests.oracle.inputs import InputMaker
from tests.oracle.plant import instant, micros
from tests.oracle.sites import SiteMaker


@dataclass(frozen=True)
class Generated:
    """A plant with input and what is asked for."""

    plant: dict[str, Any]
    silver: dict[str, list[dict[str, Any]]]
    as_of: dt.datetime
    from_at: dt.datetime
    to_at: dt.datetime

    @property
    def site_id(self) -> str:
        return self.plant["site_id"]


def seeded(seed: int, count: int, most_days: int = 5, most_machines: int = 3, as_of: dt.datetime | None = None) -> list[Generated]:
    """`count` plants, always the same ones for a seed; each is a site of its own.

    With `as_of` all of them are asked at that instant, so that one run of a pipeline can make them: it lies within or after their days.
    """
    common = None if as_of is None else micros(as_of)
    names = [f"s{seed}-{number}" for number in range(count)]
    return [_made(Seeded(random.Random(name)), name, most_days, most_machines, common) for name in names]


def plants(most_days: int = 3, most_machines: int = 2) -> st.SearchStrategy[Generated]:
    """Strategy of one plant with input."""

    @st.composite
    def plant(draw: Callable[..., Any]) -> Generated:
        return _made(Drawn(draw), "site", most_days, most_machines)

    return plant()


def _made(chooser: Chooser, site_id: str, most_days: int, most_machines: int, common: int | None = None) -> Generated:
    site = SiteMaker(chooser, site_id, most_days, most_machines, common)
    raw = site.make()
    inputs = InputMaker(chooser, raw, site.dates, common)
    silver = inputs.make()
    from_at, to_at = inputs.asked()
    return Generated(raw, silver, instant(inputs.as_of), instant(from_at), instant(to_at))
