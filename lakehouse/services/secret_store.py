"""The stack's secrets: generated once, kept in a 0600 file, refused when they are a known default."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from lakehouse.errors import SettingsError
from lakehouse.settings import SECRET_NAMES, Settings

KNOWN_DEFAULTS = frozenset(
    {
        "admin",
        "airflow",
        "changeme",
        "change_me",
        "minio",
        "minio123",
        "minioadmin",
        "password",
        "secret",
        "superset",
        "test_secret_change_me",
        "thisisasecret_1234",
        "thisismyscretkey",
        "change_me_to_a_complex_random_secret",
        "your_own_random_generated_secret_key",
        "lakesecret",
    }
)
LEAST_LENGTH = 16


def ensure_secrets(settings: Settings) -> None:
    """Generate what is missing in the stack's secrets file, then check all of it.

    Raises:
        SettingsError: the file is not ours alone, not JSON, or holds a short or known default secret.
    """
    path = settings.secrets_file
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = _read(path)
    found = {name: kept.get(name) or _generate(name) for name in SECRET_NAMES}
    check_secrets(found)
    if found != kept:
        write_private(path, json.dumps(found, indent=2) + "\n")


def check_secrets(found: Mapping[str, str]) -> None:
    """Refuse known defaults and short values.

    Raises:
        SettingsError: naming the secret, never its value.
    """
    for name, value in found.items():
        if value.lower() in KNOWN_DEFAULTS:
            raise SettingsError(f"secret {name}", "it is a known default that anybody can look up", "remove it from secrets.json; bin/lakehouse up")
        if len(value) < LEAST_LENGTH:
            raise SettingsError(f"secret {name}", f"shorter than {LEAST_LENGTH} characters", "remove it from secrets.json; bin/lakehouse up")


def write_private(path: Path, text: str) -> None:
    """Replace a file by one that only its owner can read, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"file {path.name}", "others than its owner can read it", f"chmod 600 {path}")
    try:
        found: dict[str, str] = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise SettingsError(f"file {path.name}", f"not JSON: {error}", "bin/lakehouse reset") from error
    return found


def _generate(name: str) -> str:
    """Return a fresh value; Fernet wants exactly 32 bytes, the others 256 bits as text."""
    if name == "airflow_fernet_key":
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(18 if name.endswith("_password") else 32)
