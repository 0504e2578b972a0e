"""The only reader of the environment: where things are, which ports, which secrets.

Every value can be set as `LAKEHOUSE_<NAME>`. A stack is a named set of services with its own folder below
`.lake/run/` and its own ports; test stacks add 10,000 to each port.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from lakehouse.errors import SettingsError
from lakehouse.ports import PORTS

__all__ = ["HOME", "PORTS", "SECRET_NAMES", "Settings", "crash_plan"]

HOME = Path(__file__).resolve().parent.parent

SECRET_NAMES: tuple[str, ...] = (
    "minio_root_password",
    "s3_writer_secret",
    "s3_reader_secret",
    "airflow_jwt_secret",
    "airflow_secret_key",
    "airflow_fernet_key",
    "airflow_admin_password",
    "airflow_viewer_password",
    "superset_secret_key",
    "superset_admin_password",
    "superset_viewer_password",
)


class Settings(BaseSettings):
    """One stack's settings. Immutable; made once by a job or command and passed on."""

    model_config = SettingsConfigDict(env_prefix="LAKEHOUSE_", frozen=True, extra="ignore")

    stack: str = Field("demo", pattern=r"^[a-z][a-z0-9-]{0,30}$", description="Name of the stack; its folder below .lake/run.")
    port_offset: int = Field(0, ge=0, le=40000, description="Added to every port of the list.")
    host: str = Field("127.0.0.1", description="Address at which people and the stack's own processes reach it.")
    bind: str = Field("127.0.0.1", description="Address that services listen on; another one than loopback only inside a container.")
    hosts: dict[str, str] = Field({}, description="Services, by name of the port list, that are reached elsewhere than at `host`.")
    lake_home: Path = Field(HOME / ".lake", description="The git-ignored folder of everything the set-up makes.")
    plant_dirs: tuple[Path, ...] = Field((), description="Folders of plant models; empty: conf/plant and the stack's own.")
    s3_region: str = "us-east-1"
    spark_master: str = "local[2]"
    spark_driver_memory: str = "1200m"
    java_options: str = Field("", description="Further options of every Java process of the stack: broker, catalog, engine, Spark.")
    live_trigger_s: int = Field(5, ge=1, description="Seconds between two micro-batches of the live application.")
    live_publish_every_s: int = Field(30, ge=1, description="Seconds from one publication by the live application to the next.")
    lease_ttl_s: int = Field(300, ge=10, description="Seconds after which a silent holder of the gold lease may be replaced.")
    checkpoints: str = Field("", description="Folder or URL of streaming checkpoints; empty: below the stack's folder. Only a cache.")
    notify_urls: str = Field("", description="Whom a failed workflow tells: apprise URLs, separated by blanks; a file has every line in any case.")
    shift_report_cron: str = Field("15 * * * *", description="When shift reports are written (cron, UTC): on shifts that ended since the one before.")
    max_offsets_per_trigger: int = Field(500_000, ge=1, description="Most messages of one micro-batch.")

    @model_validator(mode="wrap")
    @classmethod
    def _told_in_one_line(cls, values: Any, handler: ModelWrapValidatorHandler[Settings]) -> Settings:
        try:
            return handler(values)
        except ValidationError as error:
            wrong = "; ".join(f"LAKEHOUSE_{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors())
            raise SettingsError("environment", wrong, "correct or unset the variable") from error

    def port(self, service: str) -> int:
        """Return the port of a service of `PORTS` in this stack."""
        return PORTS[service] + self.port_offset

    def host_of(self, service: str) -> str:
        """Return the name at which a service of `PORTS` is reached."""
        return self.hosts.get(service, self.host)

    def address(self, service: str) -> str:
        """Return `host:port` of a service of `PORTS`."""
        return f"{self.host_of(service)}:{self.port(service)}"

    @property
    def run(self) -> Path:
        """Folder of this stack's data, logs and secrets."""
        return self.lake_home / "run" / self.stack

    @property
    def kafka_bootstrap(self) -> str:
        """`host:port` of the broker."""
        return self.address("kafka")

    @property
    def s3_endpoint(self) -> str:
        """URL of the object store."""
        return f"http://{self.address('minio')}"

    @property
    def nessie_api(self) -> str:
        """URL of Nessie's native API, version 2."""
        return f"http://{self.address('nessie')}/api/v2"

    @property
    def nessie_iceberg(self) -> str:
        """URL of Nessie's Iceberg REST side (read only by our rule)."""
        return f"http://{self.address('nessie')}/iceberg"

    @property
    def plant_folders(self) -> tuple[Path, ...]:
        """Folders whose *.yaml make up the plant model: the committed one and the stack's own."""
        return self.plant_dirs or (HOME / "conf" / "plant", self.run / "plant")

    @property
    def spark_jars(self) -> Path:
        """Folder of Spark's extra jars."""
        return self.lake_home / "jars" / "spark"

    @property
    def spark_class_archive(self) -> Path:
        """The archive of loaded classes that the set-up makes for Spark's JVMs (`lakehouse.setup.class_archive`)."""
        return self.lake_home / "prepared" / "spark.jsa"

    @property
    def jobs_python(self) -> Path:
        """Interpreter of the jobs environment."""
        return self.lake_home / "envs" / "jobs" / "bin" / "python"

    @property
    def spark_properties_file(self) -> Path:
        """The 0600 properties file that every Spark process of the stack is started with."""
        return self.run / "conf" / "spark.properties"

    @property
    def checkpoint_root(self) -> str:
        """Where streaming checkpoints lie."""
        return self.checkpoints or str(self.run / "data" / "checkpoints")

    @property
    def notifications_file(self) -> Path:
        """Where each failure of a workflow is one line."""
        return self.run / "logs" / "notifications.log"

    @property
    def secrets_file(self) -> Path:
        """The 0600 file of generated secrets."""
        return self.run / "secrets.json"

    def secret(self, name: str) -> str:
        """Return a generated secret of this stack by its name in `SECRET_NAMES`, as its file says now: a reset makes new ones."""
        if not self.secrets_file.is_file():
            raise SettingsError(f"stack {self.stack}", f"no secrets at {self.secrets_file.name}: it was never started", "bin/lakehouse up")
        found: dict[str, str] = json.loads(self.secrets_file.read_text())
        value = found.get(name, "")
        if not value:
            raise SettingsError(f"secret {name}", "it is missing or empty in the stack's secrets file", "bin/lakehouse up")
        return value


def crash_plan() -> str:
    """Return the fault plan of a test (`point:hit:action`), empty outside tests; see lakehouse/crashpoints.py."""
    return os.environ.get("LAKEHOUSE_CRASHPOINT", "")
