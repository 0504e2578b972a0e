"""The archive of Spark's classes: made for these jars and no others, with the class path that the jobs have, and used by them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lakehouse import spark_conf
from lakehouse.services.secret_store import ensure_secrets
from lakehouse.settings import Settings
from lakehouse.setup import class_archive
from lakehouse.setup.places import HOME, Places, write_json


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Two jars, and an archive that was made of them."""
    places = Places(HOME, tmp_path, tmp_path / "cache")
    for folder in (tmp_path / "jars" / "spark", class_archive._spark_home(places) / "jars"):
        folder.mkdir(parents=True)
        (folder / "one.jar").write_bytes(b"1")
    class_archive.place(places).parent.mkdir()
    class_archive.place(places).write_bytes(b"archive")
    write_json(class_archive._stamp(places), {"made_of": class_archive.made_of(places), "size": 7})
    return places


def test_an_archive_of_the_same_jars_is_done(places: Places) -> None:
    assert class_archive.missing(places) == ""


@pytest.mark.parametrize("change", ["another jar", "a jar fetched again", "half an archive"])
def test_what_differs_is_made_again(places: Places, change: str) -> None:
    jars = places.lake / "jars" / "spark"
    if change == "another jar":
        (jars / "two.jar").write_bytes(b"2")
    elif change == "a jar fetched again":
        os.utime(jars / "one.jar", (1, 1))
    else:
        class_archive.place(places).write_bytes(b"arch")
    assert class_archive.missing(places) == "it was made of other jars, or for another Java"


def test_without_an_archive_there_is_none(places: Places) -> None:
    class_archive.place(places).unlink()
    assert class_archive.missing(places) == "no archive yet"


def test_the_rehearsal_has_the_class_path_and_the_options_of_the_jobs(places: Places) -> None:
    settings = Settings(stack="unit", lake_home=places.lake)
    ensure_secrets(settings)
    jobs, rehearsal = spark_conf.spark_properties(settings), class_archive._properties(places, places.lake / "half.jsa")
    same = "spark.driver.extraClassPath"
    assert rehearsal[same] == jobs[same]
    assert class_archive.place(places) == settings.spark_class_archive
    assert rehearsal["spark.driver.extraJavaOptions"].startswith(spark_conf.JAVA_OPTIONS)
    assert jobs["spark.driver.extraJavaOptions"].startswith(spark_conf.JAVA_OPTIONS)


def test_sparks_jvm_runs_on_the_archive(spark, settings: Settings) -> None:
    """The JVM maps the file that it uses, and passes over one that does not fit without a word."""
    archive = settings.spark_class_archive
    assert json.loads((settings.lake_home / "setup" / "state" / "spark-class-archive.json").read_text())["size"] == archive.stat().st_size
    pid = spark._jvm.java.lang.ProcessHandle.current().pid()
    assert str(archive) in Path(f"/proc/{pid}/maps").read_text()
