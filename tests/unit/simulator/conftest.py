"""One simulated history for the tests of this folder."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from lakehouse.plant import load_plant
from lakehouse.settings import HOME
from lakehouse.simulator.books import Books
from lakehouse.simulator.history import History
from lakehouse.simulator.instants import from_iso
from lakehouse.simulator.messages import Message
from lakehouse.simulator.spec import Site, site_of

UNTIL = from_iso("2026-11-20T13:17:00Z")


@dataclass(frozen=True)
class Run:
    site: Site
    past: History
    messages: list[Message]
    files: dict[str, bytes]
    folder: Path
    books: Books


def run_history(site: Site, folder: Path, *, until: int = UNTIL, days: int = 2, seed: int = 7, **changes) -> Run:
    files: dict[str, bytes] = {}
    past = History(site, seed, days, until, books=folder, keep_file=files.__setitem__, **changes)
    messages = list(past.messages())
    return Run(site, past, messages, files, folder, Books.read(folder))


@pytest.fixture(scope="session")
def site() -> Site:
    return site_of(load_plant([HOME / "conf" / "plant"]), "demo")


@pytest.fixture(scope="session")
def run(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_history(site, tmp_path_factory.mktemp("books"))
