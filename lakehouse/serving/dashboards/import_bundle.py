"""Put the dashboards into Superset: accounts, assets, take away what was dropped, the viewer's rights.

    .lake/envs/superset/bin/python -m lakehouse.serving.dashboards.import_bundle --trino-port 18080

Runs in Superset's environment with Superset's own variables (SUPERSET_CONFIG_PATH, SUPERSET_HOME, SUPERSET_SECRET_KEY, TZ) and
LAKEHOUSE_SUPERSET_ADMIN_PASSWORD and LAKEHOUSE_SUPERSET_VIEWER_PASSWORD; after `superset db upgrade` and `superset init`, with Trino up.
No web server is needed. Twice is once: objects keep their ids.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path

import yaml

from lakehouse.errors import DashboardError, LakehouseError
from lakehouse.serving.dashboards.bundle import BUNDLE, KPI_VIEWS, build, read_sources
from lakehouse.serving.dashboards.roles import ADMIN, accounts, grant_viewer


def cause_chain(error: BaseException) -> str:
    """Return an exception and everything behind it in one line; Superset's own message hides the cause."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        told = getattr(current, "normalized_messages", None)
        parts.append(f"{type(current).__name__}: {told() if callable(told) else current}")
        current = current.__cause__ or current.__context__
    return " <- ".join(parts).replace("\n", " ")


def _import(contents: Mapping[str, str]) -> None:
    from superset import security_manager
    from superset.commands.exceptions import CommandException
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.utils.core import override_user

    with override_user(security_manager.find_user(username=ADMIN)):
        try:
            ImportAssetsCommand(dict(contents)).run()
        except CommandException as error:
            raise DashboardError("dashboards bundle", cause_chain(error), "bin/lakehouse status") from error


def _prune(contents: Mapping[str, str]) -> Iterator[str]:
    """Delete what an earlier import made and the bundle no longer holds; what people made themselves stays."""
    from superset import db
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    kept = {yaml.safe_load(text).get("uuid") for text in contents.values()}
    for model in (Dashboard, Slice, SqlaTable, Database):
        for found in db.session.query(model).filter_by(is_managed_externally=True):
            if str(found.uuid) not in kept:
                yield f"{model.__name__} {found}"
                db.session.delete(found)
        db.session.flush()
    db.session.commit()


def run(trino_host: str, trino_port: int, folder: Path = BUNDLE, kpi_folder: Path = KPI_VIEWS) -> list[str]:
    """Import the bundle into the Superset whose settings the environment names.

    Args:
        trino_host: address of Trino as Superset sees it.
        trino_port: its port.
        folder: the bundle.
        kpi_folder: folder of the KPI views' declarations.

    Returns:
        One line for each thing that was done.

    Raises:
        DashboardError: the bundle contradicts itself, or Superset refused it (nothing was imported then).
    """
    contents = build(read_sources(folder, kpi_folder), trino_host, trino_port)
    with redirect_stdout(sys.stderr):
        from superset.app import create_app

        app = create_app()
    with app.app_context():
        accounts()
        _import(contents)
        dropped = [f"dropped {name}" for name in _prune(contents)]
        grant_viewer()
    return [f"imported {len(contents) - 1} assets", *dropped]


def main() -> int:
    """Run from the command line; the exit status is that of the error."""
    arguments = argparse.ArgumentParser(prog="import_bundle", description="Import the dashboards into Superset.")
    arguments.add_argument("--trino-host", default="127.0.0.1")
    arguments.add_argument("--trino-port", type=int, required=True)
    arguments.add_argument("--bundle", type=Path, default=BUNDLE)
    arguments.add_argument("--kpi-views", type=Path, default=KPI_VIEWS)
    given = arguments.parse_args()
    try:
        done = run(given.trino_host, given.trino_port, given.bundle, given.kpi_views)
    except LakehouseError as error:
        sys.stderr.write(f"{error.line()}\n")
        return error.exit_code
    sys.stdout.write("\n".join(done) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
