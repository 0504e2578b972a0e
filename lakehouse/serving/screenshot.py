"""A picture of a dashboard as a viewer sees it, taken by a headless browser that reports everything that went wrong on the way.

Usage: `.lake/envs/jobs/bin/python -m lakehouse.serving.screenshot --output docs/plant_overview.png`
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.errors import DashboardError, LakehouseError, RequirementError
from lakehouse.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

CHROMIUM = Path("/usr/bin/chromium")
_FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-dev-shm-usage"]
_HOLDERS = ".dashboard-component-chart-holder"
_DRAWN = """() => {
  const holders = [...document.querySelectorAll('.dashboard-component-chart-holder .slice_container')];
  const busy = document.querySelectorAll('[data-test="loading-indicator"], .slice_container .loading, .ant-skeleton').length;
  return holders.length > 0 && busy === 0 && holders.every(h => h.querySelector('canvas, table, .header-line, .ant-empty, .ant-alert'));
}"""
# ECharts moves marks into place: a picture taken while two looks differ would show half-drawn lines.
_STILL = """async () => {
  const look = () => [...document.querySelectorAll('.slice_container canvas')].map(c => c.toDataURL()).join();
  const before = look();
  for (let times = 0; times < 3; times++) {
    await new Promise(done => setTimeout(done, 500));
    if (before !== look()) return false;
  }
  return true;
}"""
_BOTTOM = """() => 16 + Math.max(...[...document.querySelectorAll('.dashboard-component')].map(e => e.getBoundingClientRect().bottom))"""
_ERRORS = """() => [...document.querySelectorAll('.ant-alert-error, [data-test="error"], [role="alert"]')]
  .map(box => box.innerText.trim()).filter(Boolean)"""
_EMPTY = """() => [...document.querySelectorAll('.dashboard-component-chart-holder')]
  .filter(holder => holder.querySelector('.ant-empty'))
  .map(holder => holder.querySelector('[data-test="slice-header"]')?.innerText.trim() ?? '?')"""


@dataclass(frozen=True)
class Sight:
    """What the browser saw.

    Attributes:
        title: title of the page.
        text: all text of the page.
        chart_count: charts on the page.
        empty: headings of charts that say they have nothing to show.
        errors: error boxes, HTTP answers of 400 or more with their address, and errors of the page's own scripts.
    """

    title: str
    text: str
    chart_count: int
    empty: tuple[str, ...]
    errors: tuple[str, ...]


@contextmanager
def browser(zone: str, width: int, height: int, executable: Path) -> Iterator[BrowserContext]:
    """A headless browser of its own profile for the block; RequirementError when there is none."""
    from playwright.sync_api import sync_playwright

    if not executable.is_file():
        raise RequirementError(f"browser {executable}", "not installed", "apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(executable), args=_FLAGS)
        try:
            yield browser.new_context(viewport={"width": width, "height": height}, timezone_id=zone, locale="en-GB")
        finally:
            browser.close()


def listen(page: Page) -> list[str]:
    """Return a list that fills with HTTP answers of 400 or more and with errors of the page's scripts."""
    errors: list[str] = []
    page.on("response", lambda answer: errors.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    page.on("pageerror", lambda error: errors.append(f"page error: {error}"))
    return errors


def _log_in(context: BrowserContext, address: str, user: str, password: str) -> None:
    """Get the session cookie by the login form alone: scripts of a login page that is still loading can overwrite it."""
    form = context.request.get(f"{address}/login/")
    token = re.search(r'csrf_token[^>]*?value="([^"]+)"|csrf_token(?:&#34;|"):\s*(?:&#34;|")([^"&]+)', form.text())
    if not token:
        raise DashboardError(f"{address}/login/", f"no login form, status {form.status}", "bin/lakehouse status")
    fields = {"username": user, "password": password, "csrf_token": token.group(1) or token.group(2)}
    answer = context.request.post(f"{address}/login/", form=fields, headers={"Referer": f"{address}/login/"})
    if not answer.ok or "/login" in answer.url:
        raise DashboardError(f"account {user}", f"login refused, status {answer.status}", "bin/lakehouse status")


def take(
    address: str,
    user: str,
    password: str,
    output: Path,
    *,
    dashboard: str = "plant-overview",
    zone: str = "Europe/Berlin",
    size: tuple[int, int] = (1600, 1580),
    executable: Path = CHROMIUM,
) -> Sight:
    """Log in, open a dashboard, wait until every chart is drawn and still, and write a PNG.

    Args:
        address: root of Superset, e.g. http://127.0.0.1:18089.
        user: account to log in with.
        password: its password.
        output: the PNG; its folder is made.
        dashboard: slug.
        zone: the browser's time zone (IANA); the page must look the same in every one.
        size: width and height of the window in pixels.
        executable: the browser.

    Returns:
        What the browser saw; its `errors` are empty when all is well.

    Raises:
        DashboardError: the page did not come to rest within 90 s.
        RequirementError: there is no browser.
    """
    from playwright.sync_api import Error

    with browser(zone, *size, executable) as context:
        _log_in(context, address, user, password)
        page = context.new_page()
        errors = listen(page)
        try:
            page.goto(f"{address}/superset/dashboard/{dashboard}/", wait_until="domcontentloaded")
            page.wait_for_selector(_HOLDERS, timeout=60_000)
            page.wait_for_function(_DRAWN, timeout=90_000)
            page.wait_for_function(_STILL, timeout=30_000, polling=500)
        except Error as error:
            page.screenshot(path=output)
            raise DashboardError(f"dashboard {dashboard}", f"not drawn: {error.message} {errors}", "bin/lakehouse status") from error
        output.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=output, clip={"x": 0, "y": 0, "width": size[0], "height": min(size[1], page.evaluate(_BOTTOM))})
        return Sight(
            title=page.title(),
            text=page.inner_text("body"),
            chart_count=page.locator(f"{_HOLDERS} .slice_container").count(),
            empty=tuple(page.evaluate(_EMPTY)),
            errors=(*errors, *page.evaluate(_ERRORS)),
        )


def main() -> int:
    """Take the picture of a running stack's dashboard from the command line."""
    arguments = argparse.ArgumentParser(prog="screenshot", description="Picture of a dashboard of the running stack.")
    arguments.add_argument("--output", type=Path, required=True)
    arguments.add_argument("--dashboard", default="plant-overview")
    given = arguments.parse_args()
    settings = Settings()
    try:
        sight = take(
            f"http://{settings.host}:{settings.port('superset')}",
            "viewer",
            settings.secret("superset_viewer_password"),
            given.output,
            dashboard=given.dashboard,
        )
    except LakehouseError as error:
        sys.stderr.write(f"{error.line()}\n")
        return error.exit_code
    sys.stdout.write(f"{given.output}: {sight.chart_count} charts, {len(sight.errors)} errors, {len(sight.empty)} empty\n")
    sys.stdout.writelines(f"{error}\n" for error in sight.errors)
    return 1 if sight.errors else 0


if __name__ == "__main__":
    raise SystemExit(main())
