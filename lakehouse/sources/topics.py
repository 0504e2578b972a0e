"""Which topics there are, and what each one feeds: conf/topics.yaml, read once."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from lakehouse.errors import SettingsError
from lakehouse.model import Table
from lakehouse.settings import HOME
from lakehouse.tables import BRONZE, SILVER


class Topic(BaseModel):
    """One Kafka topic and where its messages go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    partitions: int
    retention_hours: int
    bronze: str
    silver: str
    envelope: str
    default_site: str

    @property
    def bronze_table(self) -> Table:
        """The declaration of its bronze table."""
        return next(table for table in BRONZE if table.name == self.bronze)

    @property
    def silver_table(self) -> Table:
        """The declaration of its silver table."""
        return next(table for table in SILVER if table.name == self.silver)


class _Topics(BaseModel):
    model_config = ConfigDict(extra="forbid")

    topics: tuple[Topic, ...]


def load_topics(path: Path = HOME / "conf" / "topics.yaml") -> tuple[Topic, ...]:
    """Return the configured topics; SettingsError names every mistake with its place."""
    try:
        return _Topics.model_validate(yaml.safe_load(path.read_text())).topics
    except (ValidationError, yaml.YAMLError, OSError) as error:
        raise SettingsError(f"conf/{path.name}", str(error), "mend the file") from error
