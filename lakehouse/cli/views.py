"""`lakehouse views`."""

from __future__ import annotations

from lakehouse.cli.console import out
from lakehouse.serving.views import publish_views
from lakehouse.settings import Settings


def command() -> None:
    """Replace the kpi views in Trino by those of lakehouse/serving/kpi. `up` does it by itself."""
    for name in publish_views(Settings()):
        out.print(name)
