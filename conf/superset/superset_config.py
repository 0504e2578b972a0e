"""Superset's settings for a stack on one machine. Superset itself reads this file (SUPERSET_CONFIG_PATH).

It starts only with a key of its own in SUPERSET_SECRET_KEY and a folder of its own in SUPERSET_HOME.
Everything listens on loopback without TLS, so cookies are not marked `Secure`; every other guard is on.
Python 3.11, standard library only.
"""

import os
import time
from pathlib import Path

_KNOWN_KEYS = ("change_me", "changeme", "thisismyscretkey", "test_secret", "superset", "your_own_random", "secret_key", "not_a_secret", "insecure")
_LEAST_KEY_LENGTH = 32


def _secret_key() -> str:
    """Return the session key, or end the start with the reason when it is missing, short or a published default."""
    key = os.environ.get("SUPERSET_SECRET_KEY", "")
    if len(key) < _LEAST_KEY_LENGTH or len(set(key)) < 10:
        raise SystemExit("E_SETTINGS SUPERSET_SECRET_KEY: missing, short or repetitive; at least 32 random characters | next: bin/lakehouse up")
    if any(word in key.lower() for word in _KNOWN_KEYS):
        raise SystemExit("E_SETTINGS SUPERSET_SECRET_KEY: it is a published default | next: bin/lakehouse up")
    return key


def _home() -> Path:
    """Return the stack's Superset folder."""
    if not os.environ.get("SUPERSET_HOME"):
        raise SystemExit("E_SETTINGS SUPERSET_HOME: not set; metadata and cache need a folder of their own | next: bin/lakehouse up")
    return Path(os.environ["SUPERSET_HOME"])


def _cache(folder: str, seconds: int) -> dict[str, object]:
    """Return a file cache below the home folder; `seconds` is its default age."""
    return {
        "CACHE_TYPE": "FileSystemCache",
        "CACHE_DIR": str(_home() / "cache" / folder),
        "CACHE_DEFAULT_TIMEOUT": seconds,
        "CACHE_THRESHOLD": 5000,
    }


# Trino takes its session zone from this process.
os.environ.setdefault("TZ", "UTC")
time.tzset()

SECRET_KEY = _secret_key()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_home() / 'superset.db'}?check_same_thread=false"
# Two gunicorn threads may write at once (log, cache keys): wait for the lock instead of failing.
SQLALCHEMY_ENGINE_OPTIONS = {"connect_args": {"timeout": 30}}

CACHE_CONFIG = _cache("metadata", 300)
DATA_CACHE_CONFIG = _cache("data", 30)
FILTER_STATE_CACHE_CONFIG = _cache("filter_state", 7 * 86_400)
EXPLORE_FORM_DATA_CACHE_CONFIG = _cache("explore", 7 * 86_400)
CELERY_CONFIG = None
RESULTS_BACKEND = None

WTF_CSRF_ENABLED = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = False
SESSION_COOKIE_NAME = f"lakehouse_superset_{os.environ.get('LAKEHOUSE_STACK', 'demo')}"
ENABLE_CORS = False
ENABLE_PROXY_FIX = False
SHOW_STACKTRACE = False
PREVENT_UNSAFE_DB_CONNECTIONS = True
HTML_SANITIZATION = True
AUTH_USER_REGISTRATION = False
PUBLIC_ROLE_LIKE = None
RATELIMIT_ENABLED = True
RATELIMIT_APPLICATION = "200 per second"
AUTH_RATE_LIMITED = True
AUTH_RATE_LIMIT = "10 per second"
RATELIMIT_STORAGE_URI = "memory://"

TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'"],
        "frame-ancestors": ["'self'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}

FEATURE_FLAGS = {
    "ENABLE_TEMPLATE_PROCESSING": False,
    "ENABLE_JAVASCRIPT_CONTROLS": False,
    "ALERT_REPORTS": False,
    "THUMBNAILS": False,
    "EMBEDDED_SUPERSET": False,
    "DYNAMIC_PLUGINS": False,
    "ENABLE_EXTENSIONS": False,
    "CSS_TEMPLATES": False,
    "DASHBOARD_VIRTUALIZATION": False,
}
ENABLE_UI_THEME_ADMINISTRATION = False
LANGUAGES: dict[str, dict[str, str]] = {}
SUPERSET_LOAD_EXAMPLES = False
FAB_ADD_SECURITY_PERMISSION_VIEW = False

APP_NAME = "Plant lakehouse"
SQL_MAX_ROW = 100_000
ROW_LIMIT = 10_000
SUPERSET_WEBSERVER_TIMEOUT = 120
SQLLAB_TIMEOUT = 60
SQLLAB_CTAS_NO_LIMIT = False
DEFAULT_RELATIVE_START_TIME = "today"
DEFAULT_RELATIVE_END_TIME = "today"

# The plant's colours: what a machine does always has the same one, on every chart.
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "plantMachines",
        "description": "Machines, apart from the colours of states",
        "label": "Machines",
        "isDefault": False,
        "colors": ["#1F77B4", "#E377C2", "#9467BD", "#17A2B8", "#8C564B", "#12355B", "#0B7A75", "#BC9B5A", "#6A5ACD", "#B07AA1"],
    },
]
EXTRA_SEQUENTIAL_COLOR_SCHEMES = [
    {
        "id": "plantRatio",
        "description": "Low to high OEE",
        "label": "Low to high OEE",
        "isDiverging": True,
        "isDefault": False,
        "colors": ["#D9534F", "#F2B98A", "#FBF1C7", "#B9DDB0", "#4BA56B"],
    },
]
