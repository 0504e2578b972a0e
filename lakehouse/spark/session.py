"""One way to get a Spark session; its settings are those of the stack's properties file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

from pyspark import SparkContext
from pyspark.sql import SparkSession

from lakehouse.errors import SettingsError
from lakehouse.settings import Settings
from lakehouse.setup.jdks import find_jdk

NONE: Mapping[str, str] = {}


def session(settings: Settings, app_name: str, extra: Mapping[str, str] = NONE) -> SparkSession:
    """Return the running session, or start one with the stack's catalog, store and jars.

    Args:
        settings: the stack.
        app_name: shown in Spark's UI and logs.
        extra: Spark properties that win over the stack's; `spark.driver.memory` where this call starts the JVM.
    """
    builder = SparkSession.builder.appName(app_name)
    if SparkContext._gateway is None and SparkContext._active_spark_context is None:
        _start_privately(settings, extra.get("spark.driver.memory", settings.spark_driver_memory))
    for key, value in extra.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _start_privately(settings: Settings, memory: str) -> None:
    """Hand the store's keys to the JVM in a 0600 file; values given to the builder would stand on its command line."""
    os.environ.setdefault("PYSPARK_PYTHON", str(settings.jobs_python))
    os.environ.setdefault("SPARK_LOCAL_IP", settings.host)
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        return
    path = settings.spark_properties_file
    if not path.is_file():
        raise SettingsError(f"stack {settings.stack}", "it has no Spark properties: it was never started", "bin/lakehouse up")
    os.environ.setdefault("JAVA_HOME", str(find_jdk(17, 17)))
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--properties-file {shlex.quote(str(path))} --driver-memory {memory} pyspark-shell"
