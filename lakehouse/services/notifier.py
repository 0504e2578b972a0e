"""Tell people that a workflow has failed: a line in the stack's file always, and whatever the setting `notify_urls` names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime

from lakehouse.errors import ServiceError, SettingsError
from lakehouse.settings import Settings

PRIVATE = 0o600


@dataclass(frozen=True)
class Notice:
    """A failure of one task of one workflow run; `text` says code, object, cause and next command, or what else is known."""

    dag: str
    task: str
    run: str
    text: str

    @property
    def title(self) -> str:
        """What failed, in a few words."""
        return f"{self.dag}.{self.task} failed"

    def line(self, now: datetime) -> str:
        """Return it as one line of the file."""
        return " ".join(f"{now:%Y-%m-%dT%H:%M:%SZ} {self.dag} {self.task} {self.run} {self.text}".split())


def notify(settings: Settings, notice: Notice, now: datetime) -> int:
    """Write the notice into the file and send it on; return to how many addresses.

    Args:
        settings: the stack.
        notice: what failed.
        now: the present (UTC).

    Raises:
        SettingsError: a URL of `notify_urls` is none that apprise knows; the others were not sent to.
        ServiceError: an address did not take it.
    """
    _append(settings, notice.line(now))
    urls = settings.notify_urls.split()
    if not urls:
        return 0
    # Loaded where it is needed only: every command reads this module.
    import apprise

    recipients = apprise.Apprise()
    for number, url in enumerate(urls, 1):
        # An address may hold a token: the message has its number only.
        if not recipients.add(url):
            raise SettingsError("LAKEHOUSE_NOTIFY_URLS", f"address {number} of {len(urls)} is none that apprise knows", "correct the setting")
    if not recipients.notify(title=notice.title, body=f"{notice.run}\n{notice.text}"):
        raise ServiceError("notifier", f"not all of {len(urls)} addresses took the message", f"less {settings.notifications_file}")
    return len(urls)


def _append(settings: Settings, line: str) -> None:
    """Append one line, whole even when two tasks fail at once."""
    settings.notifications_file.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(settings.notifications_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE)
    try:
        os.write(file, f"{line}\n".encode())
    finally:
        os.close(file)
