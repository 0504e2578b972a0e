"""The accounts `admin` and `viewer`, and what a viewer may: read the dashboards of one schema of one catalog, nothing else.

Superset's Gamma is not read-only, so the viewer's role is our own: Superset's list for anonymous reading and the few rights that a
logged-in reader's pages ask for. Rights that the role was once given and that are no longer listed are taken away.
Runs inside a Superset application context.
"""

from __future__ import annotations

import os

from lakehouse.errors import DashboardError
from lakehouse.serving.dashboards.bundle import CATALOG, DATABASE, SCHEMA, asset_uuid

ADMIN = "admin"
VIEWER = "viewer"
VIEWER_ROLE = "Plant viewer"
PASSWORDS = {ADMIN: "LAKEHOUSE_SUPERSET_ADMIN_PASSWORD", VIEWER: "LAKEHOUSE_SUPERSET_VIEWER_PASSWORD"}
_LEAST_PASSWORD = 12

# Each page of a logged-in reader reports itself to /superset/log/ (`can_log`), which answers 500 without the right.
_READER = frozenset(
    {
        ("menu_access", "Dashboards"),
        ("can_read", "Dataset"),
        ("can_log", "Superset"),
        ("can_recent_activity", "Log"),
        ("can_get_drill_info", "Dataset"),
        ("can_drill", "Dashboard"),
        ("can_view_chart_as_table", "Dashboard"),
        ("can_view_query", "Dashboard"),
    }
)
_NOT_FOR_READERS = frozenset({("can_external_metadata", "Datasource")})


def _password(name: str) -> str:
    variable = PASSWORDS[name]
    password = os.environ.get(variable, "")
    if len(password) < _LEAST_PASSWORD or name in password.lower():
        cause = f"{variable} is missing, shorter than {_LEAST_PASSWORD} characters, or holds the name"
        raise DashboardError(f"account {name}", cause, "bin/lakehouse up")
    return password


def accounts() -> None:
    """Make the two accounts, or give them the stack's passwords again.

    Raises:
        DashboardError: a password is missing or weak.
    """
    from superset import security_manager

    role = {ADMIN: security_manager.find_role("Admin"), VIEWER: security_manager.add_role(VIEWER_ROLE)}
    for name in (ADMIN, VIEWER):
        password = _password(name)
        user = security_manager.find_user(username=name)
        if not user:
            security_manager.add_user(name, name.capitalize(), "Plant", f"{name}@lakehouse.invalid", role[name], password=password)
        else:
            security_manager.reset_password(user.id, password)


def grant_viewer() -> None:
    """Give the viewer exactly its rights; call after every import, and after every `superset init`."""
    from superset import db, security_manager
    from superset.models.core import Database

    database = db.session.query(Database).filter_by(uuid=asset_uuid("databases", DATABASE)).one()
    role = security_manager.add_role(VIEWER_ROLE)
    wanted = (security_manager.PUBLIC_ROLE_PERMISSIONS | _READER) - _NOT_FOR_READERS
    rights = [security_manager.find_permission_view_menu(name, view) for name, view in sorted(wanted)]
    schema = security_manager.get_schema_perm(database.database_name, CATALOG, SCHEMA)
    rights.append(security_manager.add_permission_view_menu("schema_access", schema))
    role.permissions = [right for right in rights if right is not None]
    viewer = security_manager.find_user(username=VIEWER)
    viewer.roles = [role]
    db.session.commit()
