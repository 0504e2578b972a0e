"""Which topics there are, and what each one feeds: conf/topics.yaml, read once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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


def chosen(topics: Sequence[Topic], names: Collection[str]) -> list[Topic]:
    """Return the topics of these names, all when there is no name; SettingsError names what is unknown and what is known."""
    unknown = set(names) - {topic.name for topic in topics}
    if unknown:
        known = ", ".join(topic.name for topic in topics)
        raise SettingsError(f"topic {', '.join(sorted(unknown))}", f"unknown; known: {known}", "name one of these, or none for all")
    return [topic for topic in topics if not names or topic.name in names]


def load_topics(path: Path = HOME / "conf" / "topics.yaml") -> tuple[Topic, ...]:
    """Return the configured topics; SettingsError names every mistake with its place."""
    try:
        return _Topics.model_validate(yaml.safe_load(path.read_text())).topics
    except (ValidationError, yaml.YAMLError, OSError) as error:
        raise SettingsError(f"conf/{path.name}", str(error), "mend the file") from error
