import json
import stat

import pytest

from lakehouse.errors import SettingsError
from lakehouse.services.secret_store import KNOWN_DEFAULTS, check_secrets, ensure_secrets
from lakehouse.settings import SECRET_NAMES, Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(stack="unit", lake_home=tmp_path)


def test_secrets_are_generated_once_and_only_their_owner_reads_them(settings):
    ensure_secrets(settings)
    first = settings.secrets_file.read_text()
    ensure_secrets(settings)
    assert settings.secrets_file.read_text() == first
    assert stat.S_IMODE(settings.secrets_file.stat().st_mode) == 0o600
    found = json.loads(first)
    assert set(found) == set(SECRET_NAMES)
    assert len(set(found.values())) == len(SECRET_NAMES)


def test_a_new_name_is_added_and_the_others_stay(settings):
    ensure_secrets(settings)
    found = json.loads(settings.secrets_file.read_text())
    kept = found["s3_writer_secret"]
    del found["s3_reader_secret"]
    settings.secrets_file.write_text(json.dumps(found))
    ensure_secrets(settings)
    found = json.loads(settings.secrets_file.read_text())
    assert found["s3_writer_secret"] == kept
    assert found["s3_reader_secret"]


@pytest.mark.parametrize("default", sorted(KNOWN_DEFAULTS))
def test_a_known_default_is_refused_without_naming_it(settings, default):
    with pytest.raises(SettingsError) as caught:
        check_secrets({"minio_root_password": default.upper()})
    assert "minio_root_password" in caught.value.line()
    assert "known default" in caught.value.line()


def test_a_short_secret_is_refused(settings):
    with pytest.raises(SettingsError, match="shorter than"):
        check_secrets({"superset_secret_key": "k7Qz"})


def test_a_file_that_others_can_read_is_refused(settings):
    ensure_secrets(settings)
    settings.secrets_file.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        ensure_secrets(settings)


def test_a_damaged_file_is_one_clear_error(settings):
    ensure_secrets(settings)
    settings.secrets_file.write_text("{")
    with pytest.raises(SettingsError, match="not JSON"):
        ensure_secrets(settings)


def test_a_reset_gives_new_secrets_to_settings_that_have_read_the_old_ones(settings):
    ensure_secrets(settings)
    before = settings.secret("minio_root_password")
    settings.secrets_file.unlink()
    ensure_secrets(settings)
    assert settings.secret("minio_root_password") == json.loads(settings.secrets_file.read_text())["minio_root_password"] != before
