"""Java runtimes are found wherever they are, and the nearest fitting one is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.errors import RequirementError
from lakehouse.setup import jdks

NOWHERE = {"PATH": ""}


def fake_jdk(home: Path, version: str) -> Path:
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\n")
    java.chmod(0o755)
    (home / "release").write_text(f'IMPLEMENTOR="Somebody"\nJAVA_VERSION="{version}"\n')
    return home


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Only this folder is looked into, beside the variables."""
    monkeypatch.setattr(jdks, "FOLDERS", (f"{tmp_path}/jvm/*",))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("17.0.15", (17, 0, 15)), ("24.0.1", (24, 0, 1)), ("25-ea", (25,)), ("21.0.2+13", (21, 0, 2)), ("1.8.0_402", (8, 0, 402)), (17, (17,))],
)
def test_versions(text: str | int, numbers: tuple[int, ...]):
    assert jdks.version_of(text) == numbers


def test_found_by_folder_variable_and_path(folders: Path):
    by_folder = fake_jdk(folders / "jvm" / "a-17", "17.0.9")
    by_home = fake_jdk(folders / "one", "21.0.2")
    by_name = fake_jdk(folders / "two", "24.0.1")
    on_path = fake_jdk(folders / "three", "25.0.3")
    variables = {"JAVA_HOME": str(by_home), "JAVA_24_HOME": str(by_name), "PATH": str(on_path / "bin"), "JAVA_OPTS": "-Xmx1g"}
    assert [jdk.home for jdk in jdks.installed_jdks(variables)] == [by_folder, by_home, by_name, on_path]


def test_the_oldest_that_fits_is_chosen(folders: Path):
    for name, version in (("a", "17.0.9"), ("b", "21.0.2"), ("c", "25.0.3")):
        fake_jdk(folders / "jvm" / name, version)
    assert jdks.find_jdk(17, 17, NOWHERE).name == "a"
    assert jdks.find_jdk(21, environment=NOWHERE).name == "b"
    assert jdks.find_jdk("24.0.1", environment=NOWHERE).name == "c"


def test_24_0_0_is_too_old_for_trino_and_18_too_new_for_spark(folders: Path):
    fake_jdk(folders / "jvm" / "a", "24.0.0")
    with pytest.raises(RequirementError, match=r"24\.0\.1 or newer is needed; found: 24\.0\.0.*next: apt-get install"):
        jdks.find_jdk("24.0.1", environment=NOWHERE)
    with pytest.raises(RequirementError, match=r"Java 17 is needed.*next: apt-get install openjdk-17-jdk-headless"):
        jdks.find_jdk(17, 17, NOWHERE)


def test_a_folder_without_java_or_release_is_no_runtime(folders: Path):
    (folders / "jvm" / "empty").mkdir(parents=True)
    half = fake_jdk(folders / "jvm" / "half", "17.0.9")
    (half / "bin" / "java").chmod(0o644)
    assert jdks.installed_jdks(NOWHERE) == []
