"""The archive of loaded classes that all of Spark's JVMs share: a job's start costs about half the time with it.

Java 17 makes one when a process ends; `jobs/rehearse.py` is that process. The JVM does without an archive whose jars or version are not
its own, so nothing rests on it but time. Trino's and Nessie's archives are made by themselves (`lakehouse.services.class_archives`).
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from lakehouse.setup.environments import site_packages
from lakehouse.setup.jdks import find_jdk
from lakehouse.setup.places import HOME, Places, remove, write_json
from lakehouse.setup.steps import Step, run_command

REHEARSED = ("jobs/rehearse.py", "lakehouse/flow/rehearse.py")
JAVA_OPTIONS = "-Duser.timezone=UTC -Djava.net.preferIPv4Stack=true"


def place(places: Places) -> Path:
    """Return the archive's place, `.lake/prepared/spark.jsa`."""
    return places.lake / "prepared" / "spark.jsa"


def _stamp(places: Places) -> Path:
    return places.state / "spark-class-archive.json"


def made_of(places: Places) -> str:
    """Return a hash of all that decides whether an archive fits: Java, each jar's place, size and time, and what is rehearsed."""
    digest = hashlib.sha256((find_jdk(17, 17) / "release").read_bytes())
    for folder in (places.lake / "jars" / "spark", _spark_home(places) / "jars"):
        for jar in sorted(folder.glob("*.jar")):
            digest.update(f"{jar} {jar.stat().st_size} {jar.stat().st_mtime_ns}\n".encode())
    for name in REHEARSED:
        digest.update((HOME / name).read_bytes())
    return digest.hexdigest()[:16]


def missing(places: Places) -> str:
    """Say why there is no archive that fits; empty when there is one."""
    archive, stamp = place(places), _stamp(places)
    if not archive.is_file() or not stamp.is_file():
        return "no archive yet"
    told = json.loads(stamp.read_text())
    if told != {"made_of": made_of(places), "size": archive.stat().st_size}:
        return "it was made of other jars, or for another Java"
    return ""


def make(places: Places) -> None:
    """Rehearse, let the JVM write the archive beside its place, and rename it."""
    folder = places.lake / "prepared" / f".rehearsal.{os.getpid()}"
    for old in folder.parent.glob(".rehearsal.*"):
        remove(old)
    folder.mkdir(parents=True)
    archive, environment = folder / "spark.jsa", places.environment("jobs")
    properties = folder / "spark.properties"
    properties.write_text("".join(f"{name}={value}\n" for name, value in _properties(places, archive).items()))
    variables = {
        "JAVA_HOME": str(find_jdk(17, 17)),
        "SPARK_HOME": str(_spark_home(places)),
        "PYSPARK_PYTHON": str(environment / "bin" / "python"),
        "PYSPARK_DRIVER_PYTHON": str(environment / "bin" / "python"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYTHONPATH": str(HOME),
    }
    submit: list[str | Path] = [environment / "bin" / "spark-submit", "--properties-file", properties, HOME / "jobs" / "rehearse.py", folder]
    run_command("spark archive", submit, places.logs / "spark-archive.log", variables)
    size = archive.stat().st_size
    archive.replace(place(places))
    write_json(_stamp(places), {"made_of": made_of(places), "size": size})
    remove(folder)


def _properties(places: Places, archive: Path) -> dict[str, str]:
    """The class path of `lakehouse.spark_conf`, which this bare Python cannot import; its test holds both equal."""
    return {
        "spark.master": "local[2]",
        "spark.driver.memory": "1g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraClassPath": ":".join(str(jar) for jar in sorted((places.lake / "jars" / "spark").glob("*.jar"))),
        "spark.driver.extraJavaOptions": f'{JAVA_OPTIONS} "-XX:ArchiveClassesAtExit={archive}" -Xlog:cds=off -Xlog:cds+dynamic=off',
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",
        "spark.local.dir": str(archive.parent / "local"),
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
    }


def _spark_home(places: Places) -> Path:
    return site_packages(places.environment("jobs")) / "pyspark"


def step(places: Places) -> Step:
    """Return the step; it follows the environment `jobs` and the jars of the profile `spark`."""
    what = "rehearse the jobs once, so that Spark's JVMs start from an archive of classes"
    return Step("spark archive", what, "1 min", lambda: missing(places), lambda: make(places), needed=False)
