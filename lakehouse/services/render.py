"""Templates of `conf/` to the stack's own files, all 0600: some hold keys, and one rule is easier to check than two."""

from __future__ import annotations

import sys
from pathlib import Path
from string import Template

from lakehouse.errors import LakehouseError, SettingsError
from lakehouse.ports import PORTS
from lakehouse.services import environment
from lakehouse.services.airflow_env import airflow_passwords
from lakehouse.services.secret_store import ensure_secrets, write_private
from lakehouse.settings import HOME, SECRET_NAMES, Settings
from lakehouse.spark_conf import properties_text, spark_properties

TEMPLATE_FOLDERS = ("kafka", "nessie", "trino")
DATA_FOLDERS = ("kafka", "minio", "nessie", "trino", "spark/local", "spark/warehouse", "airflow", "superset")


def render(settings: Settings) -> None:
    """Write everything that the processes of a stack read: what `render_files` writes, and the variables for process-compose.

    Raises:
        SettingsError: a template names an unknown placeholder, or a secret is refused.
        RequirementError: a Java runtime is missing.
    """
    render_files(settings)
    write_private(environment.env_file(settings), environment.dotenv_text(environment.stack_variables(settings)))


def render_files(settings: Settings) -> None:
    """Write the secrets, settings files, services' environments and folders of a stack; containers need no more than these.

    Raises:
        SettingsError: a template names an unknown placeholder, or a secret is refused.
        RequirementError: Java 17 is missing.
    """
    ensure_secrets(settings)
    for name in (*(f"data/{folder}" for folder in DATA_FOLDERS), "logs", "conf", "plant", "sim"):
        (settings.run / name).mkdir(parents=True, exist_ok=True)
    conf = settings.run / "conf"
    values = placeholders(settings)
    for folder in TEMPLATE_FOLDERS:
        for template in sorted(path for path in (HOME / "conf" / folder).rglob("*") if path.is_file()):
            write_private(conf / template.relative_to(HOME / "conf"), fill(template, values))
    write_private(settings.spark_properties_file, properties_text(spark_properties(settings)))
    write_private(conf / "airflow-passwords.json", airflow_passwords(settings))
    for service, variables in environment.service_environments(settings).items():
        write_private(conf / f"{service}.env", environment.shell_text(variables))


def placeholders(settings: Settings) -> dict[str, str]:
    """Return every name that a template may use, with its value; the secrets are among them."""
    return {
        "bind": settings.bind,
        "region": settings.s3_region,
        "run": str(settings.run),
        "conf": str(settings.run / "conf"),
        "data": str(settings.run / "data"),
        "s3_endpoint": settings.s3_endpoint,
        "nessie_api": settings.nessie_api,
        "nessie_iceberg": settings.nessie_iceberg,
        **{f"port_{name}": str(settings.port(name)) for name in PORTS},
        **{f"host_{name}": settings.host_of(name) for name in PORTS},
        **{f"address_{name}": settings.address(name) for name in PORTS},
        **{name: settings.secret(name) for name in SECRET_NAMES},
    }


def fill(template: Path, values: dict[str, str]) -> str:
    """Return a template's text with its placeholders filled.

    Raises:
        SettingsError: a placeholder is unknown or malformed.
    """
    try:
        return Template(template.read_text()).substitute(values)
    except (KeyError, ValueError) as error:
        raise SettingsError(f"template {template.relative_to(HOME)}", f"unknown or malformed placeholder: {error}") from error


def main() -> int:
    """Write a containers' stack (the first service of docker-compose.yml); print a sentence, or the error's one line."""
    settings = Settings()
    try:
        render_files(settings)
    except LakehouseError as error:
        sys.stderr.write(error.line() + "\n")
        return error.exit_code
    sys.stdout.write(f"settings: stack {settings.stack} is written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
