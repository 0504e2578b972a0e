"""What the stack's processes are told: one list of plain variables for all, and a 0600 file with secrets for each that needs some."""

from __future__ import annotations

import base64
import json
import os
import shlex
import uuid
from collections.abc import Mapping
from pathlib import Path

from lakehouse.ports import PORTS
from lakehouse.services.airflow_env import airflow_environment
from lakehouse.settings import HOME, Settings
from lakehouse.setup.jdks import find_jdk

SERVICE_OF = "LAKEHOUSE_SERVICE_OF"
INHERITED = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "USER")


def settings_environment(settings: Settings) -> dict[str, str]:
    """Return the variables from which a child process reads the same settings."""
    values = settings.model_dump(mode="json")
    return {f"LAKEHOUSE_{name.upper()}": value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def stack_variables(settings: Settings) -> dict[str, str]:
    """Return what `conf/process-compose.yaml` may name: folders, ports, Javas. No secret is among them.

    Raises:
        RequirementError: a Java runtime is missing.
    """
    lake = settings.lake_home
    ports = {f"PORT_{name.upper()}": str(settings.port(name)) for name in PORTS}
    folders = {"REPO": HOME, "LAKE": lake, "CONF": settings.run / "conf", "DATA": settings.run / "data", "LOGS": settings.run / "logs"}
    javas = {"JAVA_17": find_jdk(17, 17), "JAVA_25": find_jdk("24.0.1")}
    programs = {
        "PYTHON": settings.jobs_python,
        "SPARK_SUBMIT": settings.jobs_python.parent / "spark-submit",
        "AIRFLOW_BIN": lake / "envs" / "airflow" / "bin",
        "SUPERSET_BIN": lake / "envs" / "superset" / "bin",
        "TRINO_DIST": lake / "dist" / "trino-476",
    }
    return {
        **settings_environment(settings),
        **ports,
        **{name: str(path) for name, path in {**folders, **javas, **programs}.items()},
        "BIND": settings.bind,
        "PROJECT": project_name(settings),
        "TRINO_HOST": settings.host_of("trino"),
        "SCHEDULER_LOG": str(folders["LOGS"] / "airflow-scheduler.log"),
        "KAFKA_CLUSTER": base64.urlsafe_b64encode(uuid.uuid5(uuid.NAMESPACE_OID, settings.stack).bytes).decode().rstrip("="),
        "TRINO_ENVIRONMENT": settings.stack.replace("-", "_"),
        SERVICE_OF: str(settings.run),
    }


def project_name(settings: Settings) -> str:
    """Return the name that process-compose answers with: two checkouts may have stacks of one name on the same ports."""
    place = uuid.uuid5(uuid.NAMESPACE_URL, str(settings.run)).hex[:8]
    return f"lakehouse-{settings.stack}-{place}"


def supervisor_environment(settings: Settings) -> dict[str, str]:
    """Return the whole environment of process-compose; of the caller's own only what a login has."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    loopback = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost", "TZ": "UTC"}
    # Each arena of the C library keeps what was freed: with one for each thread a Java process holds hundreds of megabytes more.
    return {**inherited, **loopback, "MALLOC_ARENA_MAX": "2", SERVICE_OF: str(settings.run)}


def service_environments(settings: Settings) -> dict[str, dict[str, str]]:
    """Return the variables of each service that must hold a secret, by the service's name."""
    return {
        "minio": {
            "MINIO_ROOT_USER": "lakehouse-root",
            "MINIO_ROOT_PASSWORD": settings.secret("minio_root_password"),
            "MINIO_REGION": settings.s3_region,
            "MINIO_UPDATE": "off",
        },
        "spark": spark_environment(settings),
        "airflow": airflow_environment(settings),
        "superset": superset_environment(settings),
    }


def spark_environment(settings: Settings) -> dict[str, str]:
    """Return what `spark-submit` needs beside its properties file; the catalog's keys are in that file only."""
    python = settings.jobs_python
    site_packages = python.parent.parent / "lib" / "python3.11" / "site-packages"
    return {
        "JAVA_HOME": str(find_jdk(17, 17)),
        "SPARK_HOME": str(site_packages / "pyspark"),
        "SPARK_LOCAL_IP": settings.bind,
        "PYSPARK_PYTHON": str(python),
        "PYSPARK_DRIVER_PYTHON": str(python),
        "PYTHONPATH": str(HOME),
        "PATH": f"{python.parent}{os.pathsep}/usr/local/bin{os.pathsep}/usr/bin{os.pathsep}/bin",
        "LAKEHOUSE_SPARK_PROPERTIES": str(settings.spark_properties_file),
    }


def superset_environment(settings: Settings) -> dict[str, str]:
    """Return what every Superset process and command needs."""
    return {
        "SUPERSET_CONFIG_PATH": str(HOME / "conf" / "superset" / "superset_config.py"),
        "SUPERSET_SECRET_KEY": settings.secret("superset_secret_key"),
        "SUPERSET_HOME": str(settings.run / "data" / "superset"),
        "LAKEHOUSE_SUPERSET_ADMIN_PASSWORD": settings.secret("superset_admin_password"),
        "LAKEHOUSE_SUPERSET_VIEWER_PASSWORD": settings.secret("superset_viewer_password"),
        "FLASK_APP": "superset.app:create_app()",
        "PYTHONPATH": str(HOME),
        "TZ": "UTC",
    }


def shell_text(variables: Mapping[str, str]) -> str:
    """Return lines that a POSIX shell can source."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))


def dotenv_text(variables: Mapping[str, str]) -> str:
    """Return lines for process-compose's env file; single quotes keep `$` as it is."""
    return "".join(f"{name}='{value}'\n" for name, value in sorted(variables.items()))


def env_file(settings: Settings) -> Path:
    """Where process-compose reads the stack's plain variables."""
    return settings.run / "conf" / "stack.env"
