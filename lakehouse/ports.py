"""The one list of ports, by service. Standard library only: the set-up and the settings both read it."""

from __future__ import annotations

PORTS: dict[str, int] = {
    "kafka": 19092,
    "kafka_controller": 19093,
    "minio": 19000,
    "minio_console": 19001,
    "nessie": 19120,
    "nessie_management": 19121,
    "trino": 18080,
    "airflow": 18088,
    "superset": 18089,
    "spark_ui": 14040,
    "process_compose": 18000,
}
