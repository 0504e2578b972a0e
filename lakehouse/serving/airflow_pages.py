"""Pictures of Airflow's pages as its admin sees them: the list of DAGs, the asset graph, and the actions that wait for a person.

Usage: `.lake/envs/jobs/bin/python -m lakehouse.serving.airflow_pages --folder docs`
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from lakehouse.errors import DashboardError, LakehouseError
from lakehouse.serving.screenshot import CHROMIUM, browser, listen
from lakehouse.settings import Settings

PAGES: Mapping[str, tuple[str, str]] = {
    "airflow-dags": ("/dags", "bronze_confirmations"),
    "airflow-assets": ("/assets/{asset}", "silver_confirmation"),
    "airflow-required-actions": ("/required_actions", "take_or_wait"),
}
"""Name of the picture to the page's path, and a text that it must show."""
ASSET = "silver_confirmation"
SETTLED_MS = 1_500


def take(address: str, user: str, password: str, folder: Path, *, size: tuple[int, int] = (1500, 900), executable: Path = CHROMIUM) -> list[Path]:
    """Log in, open each page, wait until it shows what it must, and write a PNG each; return them.

    Args:
        address: root of Airflow, e.g. http://127.0.0.1:18088.
        user: account to log in with.
        password: its password.
        folder: where the pictures go.
        size: width and height of the window in pixels.
        executable: the browser.

    Raises:
        DashboardError: the login was refused, or a page did not show what it must within 60 s.
        RequirementError: there is no browser.
    """
    from playwright.sync_api import Error

    with browser("Europe/Berlin", *size, executable) as context:
        page = context.new_page()
        errors = listen(page)
        made = []
        try:
            page.goto(f"{address}/auth/login/", wait_until="domcontentloaded")
            page.locator("input[name='username']").fill(user)
            page.locator("input[name='password']").fill(password)
            page.locator("button[type='submit']").click()
            page.wait_for_url(lambda url: "/auth/login" not in url, timeout=30_000)
            assets = context.request.get(f"{address}/api/v2/assets?limit=200").json()["assets"]
            asset = next(each["id"] for each in assets if each["name"] == ASSET)
            for name, (path, shown) in PAGES.items():
                page.goto(f"{address}{path.format(asset=asset)}", wait_until="domcontentloaded")
                page.get_by_text(shown).first.wait_for(timeout=60_000)
                page.wait_for_load_state("networkidle", timeout=30_000)
                page.wait_for_timeout(SETTLED_MS)  # the graph is laid out and zoomed to by a script that announces nothing
                folder.mkdir(parents=True, exist_ok=True)
                page.screenshot(path=folder / f"{name}.png")
                made.append(folder / f"{name}.png")
        except Error as error:
            cause = f"{page.url} did not show what it must: {error.message.splitlines()[0]} {errors}"
            raise DashboardError("Airflow", cause, "bin/lakehouse status") from error
    return made


def main() -> int:
    """Take the pictures of a running stack."""
    arguments = argparse.ArgumentParser(prog="airflow_pages", description="Pictures of the running stack's Airflow.")
    arguments.add_argument("--folder", type=Path, required=True)
    given, settings = arguments.parse_args(), Settings()
    try:
        made = take(f"http://{settings.host}:{settings.port('airflow')}", "admin", settings.secret("airflow_admin_password"), given.folder)
    except LakehouseError as error:
        sys.stderr.write(f"{error.line()}\n")
        return error.exit_code
    sys.stdout.writelines(f"{path}\n" for path in made)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
