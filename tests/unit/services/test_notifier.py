from datetime import UTC, datetime

import apprise
import pytest

from lakehouse.errors import ServiceError, SettingsError
from lakehouse.services.notifier import Notice, notify
from lakehouse.settings import Settings

NOW = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
NOTICE = Notice("gold_kpis", "gold_machine_shift", "manual__1", "E_LEASE_HELD gold: held | next: wait\nand more")


def lines(settings):
    return settings.notifications_file.read_text().splitlines()


def test_a_failure_is_one_line_of_the_stacks_private_file(tmp_path):
    settings = Settings(lake_home=tmp_path)
    assert notify(settings, NOTICE, NOW) == 0
    notify(settings, NOTICE, NOW)
    line = "2026-11-20T05:00:00Z gold_kpis gold_machine_shift manual__1 E_LEASE_HELD gold: held | next: wait and more"
    assert lines(settings) == [line, line]
    assert settings.notifications_file.stat().st_mode & 0o077 == 0


@pytest.fixture
def sent(monkeypatch):
    found = []

    class Fake:
        def add(self, url):
            return not url.startswith("nonsense")

        def notify(self, title, body):
            found.append((title, body))
            return "refused" not in body

    monkeypatch.setattr(apprise, "Apprise", Fake)
    return found


def test_it_goes_to_every_address_and_into_the_file(tmp_path, sent):
    settings = Settings(lake_home=tmp_path, notify_urls="json://a  json://b")
    assert notify(settings, NOTICE, NOW) == 2
    assert sent == [("gold_kpis.gold_machine_shift failed", f"manual__1\n{NOTICE.text}")]
    assert len(lines(settings)) == 1


def test_a_bad_address_is_named_by_its_number_never_by_its_text(tmp_path, sent):
    settings = Settings(lake_home=tmp_path, notify_urls="json://a nonsense://token")
    with pytest.raises(SettingsError, match="address 2 of 2") as caught:
        notify(settings, NOTICE, NOW)
    assert "token" not in caught.value.line()
    assert sent == []
    assert len(lines(settings)) == 1


def test_an_address_that_refuses_is_an_error(tmp_path, sent):
    settings = Settings(lake_home=tmp_path, notify_urls="json://a")
    with pytest.raises(ServiceError, match="not all of 1"):
        notify(settings, Notice("d", "t", "r", "refused"), NOW)
    assert len(sent) == len(lines(settings)) == 1


def test_apprise_knows_a_plain_address_and_refuses_nonsense():
    assert apprise.Apprise().add("json://127.0.0.1")
    assert not apprise.Apprise().add("nonsense-of-ours")
