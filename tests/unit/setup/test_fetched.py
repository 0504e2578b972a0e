"""What is installed is compared with what the locks, the pom and go.sum ask for; whatever differs is done again."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from lakehouse.errors import SetupStepError
from lakehouse.setup import debian, dist, environments, jars, tools
from lakehouse.setup.__main__ import main
from lakehouse.setup.places import HOME, Places, sha256_of, swap_in

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><!-- {comment} --><properties><a>{version}</a></properties>
<profiles>{profiles}</profiles></project>"""
MVN = """#!/bin/sh
for word; do case $word in -DoutputDirectory=*) folder=${word#*=};; esac; done
cp "$FAKE_SOURCE"/* "$folder"
exit ${FAKE_STATUS:-0}
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(tmp_path / "home", tmp_path / "home" / ".lake", tmp_path / "cache")
    (places.home / "locks").mkdir(parents=True)
    return places


# --- Python environments


def distribution(environment: Path, name: str, version: str, text: str = "x = 1\n") -> Path:
    folder = environments.site_packages(environment)
    module = folder / f"{name.lower().replace('-', '_')}.py"
    metadata = folder / f"{name}-{version}.dist-info"
    metadata.mkdir(parents=True)
    module.write_text(text)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nVersion: 0 in its words\n")
    (metadata / "RECORD").write_text(f'{module.name},sha256=abc,{len(text)}\n"{metadata.name}/RECORD",,\n')
    return module


@pytest.fixture
def made(places: Places) -> Places:
    """An environment `jobs` that is as its lock asks."""
    environment = places.environment("jobs")
    for name, version in (("Left_Pad", "1.0"), ("right-pad", "2.0.post1")):
        distribution(environment, name, version)
    (environment / "bin").mkdir()
    (environment / "bin" / "python").symlink_to(sys.executable)
    (environment / "bin" / "activate").write_text(f"VIRTUAL_ENV='{environment}'\n")
    pins = "left-pad==1.0 \\\n    --hash=sha256:aa\n    # via right-pad\nright-pad[extra]==2.0.post1 \\\n    --hash=sha256:bb\n"
    places.lock("jobs").write_text(pins)
    path, text = environments.pointer(places, "jobs")
    path.write_text(text)
    return places


def test_an_environment_as_locked_lacks_nothing(made: Places):
    assert environments.missing(made, "jobs") == ""


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("absent", "right-pad absent"),
        ("extra", "other extra"),
        ("version", "right-pad 2.0.post1 instead of 3"),
        ("torn", "left-pad torn"),
        ("size", "left-pad torn"),
    ],
)
def test_what_differs_is_told(made: Places, name: str, what: str):
    folder = environments.site_packages(made.environment("jobs"))
    {
        "absent": lambda: shutil.rmtree(folder / "right-pad-2.0.post1.dist-info"),
        "extra": lambda: distribution(made.environment("jobs"), "other", "1"),
        "version": lambda: made.lock("jobs").write_text(made.lock("jobs").read_text().replace("==2.0.post1", "==3")),
        "torn": (folder / "left_pad.py").unlink,
        "size": lambda: (folder / "left_pad.py").write_text("x"),
    }[name]()
    assert environments.missing(made, "jobs") == f"1 of 2 distributions to do: {what}"


def test_an_environment_of_another_folder_is_made_anew(made: Places):
    elsewhere = Places(made.home, made.home / "moved", made.cache)
    shutil.copytree(made.lake, elsewhere.lake, symlinks=True)
    assert environments.missing(elsewhere, "jobs") == "no environment here yet"


def test_the_pointer_leads_to_the_checkout_wherever_it_lies(made: Places):
    path, text = environments.pointer(made, "jobs")
    assert not Path(text).is_absolute() and (path.parent / text.strip()).resolve() == made.home.resolve()
    path.unlink()
    assert environments.missing(made, "jobs") == "it cannot import lakehouse yet"


def test_torn_distributions_are_laid_out_again(made: Places, monkeypatch: pytest.MonkeyPatch):
    (environments.site_packages(made.environment("jobs")) / "left_pad.py").unlink()
    commands: list[list[str]] = []
    monkeypatch.setattr(environments, "run_command", lambda _step, command, *_: commands.append([str(part) for part in command]))
    environments.make(made, "jobs")
    assert len(commands) == 1 and {"sync", "--require-hashes", "--reinstall-package=left-pad"} <= set(commands[0])


# --- jars


def pom(places: Places, version: str = "1", comment: str = "") -> None:
    path = places.home / jars.POM
    path.parent.mkdir(parents=True, exist_ok=True)
    profiles = "".join(f"<profile><id>{name}</id></profile>" for name in jars.PROFILES)
    path.write_text(POM.format(version=version, comment=comment, profiles=profiles))


@pytest.fixture
def fetched(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A pom, its lock over two files, and a Maven that brings them."""
    pom(places)
    source = tmp_path / "source"
    source.mkdir()
    lines = [f"# asked {profile} {jars.asked(places.home / jars.POM, profile)}" for profile in jars.PROFILES]
    for name, content in (("a-1.jar", b"aaa"), ("b-1.jar", b"bbbb")):
        (source / name).write_bytes(content)
        lines.append(f"{hashlib.sha256(content).hexdigest()} {len(content):>10} spark/{name}")
    (places.home / jars.LOCK).write_text("\n".join(lines) + "\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mvn").write_text(MVN)
    (tmp_path / "bin" / "mvn").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SOURCE", str(source))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    return places


def test_jars_are_fetched_once_and_repaired(fetched: Places):
    folder = fetched.lake / "jars" / "spark"
    assert jars.missing(fetched, "spark") == "2 of 2 files to do: a-1.jar, b-1.jar"
    jars.make(fetched, "spark")
    assert jars.missing(fetched, "spark") == ""
    (folder / "a-1.jar").write_bytes(b"AAA")
    assert jars.missing(fetched, "spark") == "1 of 2 files to do: a-1.jar"
    (folder / "stray.jar").touch()
    jars.make(fetched, "spark")
    assert jars.missing(fetched, "spark") == "" and not (folder / "stray.jar").exists()


def test_a_failed_maven_leaves_nothing_in_place_and_the_next_run_cleans_up(fetched: Places, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FAKE_STATUS", "1")
    with pytest.raises(SetupStepError, match="mvn ended with 1"):
        jars.make(fetched, "spark")
    assert not (fetched.lake / "jars" / "spark").exists()
    (fetched.lake / "jars" / ".spark.77").mkdir()
    monkeypatch.setenv("FAKE_STATUS", "0")
    jars.make(fetched, "spark")
    assert [path.name for path in (fetched.lake / "jars").iterdir()] == ["spark"]


def test_a_file_that_is_not_the_locked_one_is_refused(fetched: Places, tmp_path: Path):
    jars.make(fetched, "spark")
    (tmp_path / "source" / "a-1.jar").write_bytes(b"bad")
    (fetched.lake / "jars" / "spark" / "b-1.jar").unlink()
    with pytest.raises(SetupStepError, match=r"not what locks/jars\.txt holds: a-1\.jar"):
        jars.make(fetched, "spark")
    assert (fetched.lake / "jars" / "spark" / "a-1.jar").read_bytes() == b"aaa"


def test_a_comment_in_the_pom_changes_nothing_and_a_version_asks_for_a_new_lock(fetched: Places):
    jars.make(fetched, "spark")
    pom(fetched, comment="other words")
    assert jars.missing(fetched, "spark") == ""
    pom(fetched, version="2")
    with pytest.raises(SetupStepError, match="next: make lock-jars"):
        jars.missing(fetched, "spark")
    (fetched.home / jars.LOCK).write_text(jars.write_lock(fetched))
    assert jars.missing(fetched, "spark") == ""


def test_a_folder_in_use_is_not_replaced(fetched: Places):
    jars.make(fetched, "spark")
    folder = fetched.lake / "jars" / "spark"
    (folder / "a-1.jar").unlink()
    code = "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(flush=True); sys.stdin.read()"
    service = subprocess.Popen([sys.executable, "-c", code, f"{folder}/b-1.jar"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert service.stdout
    service.stdout.readline()
    with pytest.raises(SetupStepError, match=f"pid {service.pid} runs from .* next: bin/lakehouse down"):
        jars.make(fetched, "spark")
    service.communicate(b"")


# --- Trino


@pytest.fixture
def trino(places: Places) -> Places:
    """A lock with the two archives of version 9, and the archives."""
    source = places.lake / "jars" / "trino"
    source.mkdir(parents=True)
    with tarfile.open(source / "trino-server-core-9.tar.gz", "w:gz") as archive:
        for name in ("lib/one.jar", "plugin/other/two.jar"):
            member = tarfile.TarInfo(f"trino-server-core-9/{name}")
            member.size = 3
            archive.addfile(member, io.BytesIO(b"abc"))
    with zipfile.ZipFile(source / "trino-iceberg-9.zip", "w") as plugin:
        plugin.writestr("trino-iceberg-9/three.jar", "abc")
    lines = [f"{sha256_of(path)} {path.stat().st_size} trino/{path.name}" for path in source.iterdir()]
    (places.home / jars.LOCK).write_text("\n".join(lines) + "\n")
    return places


def test_trino_is_unpacked_with_its_plugin_and_repaired(trino: Places):
    assert dist.missing(trino) == "not unpacked yet"
    (trino.lake / "dist" / ".half.1").mkdir(parents=True)
    dist.make(trino)
    folder = trino.lake / "dist" / "trino-9"
    assert dist.missing(trino) == "" and [path.name for path in folder.parent.iterdir()] == ["trino-9"]
    assert {"lib/one.jar", "plugin/other/two.jar", "plugin/iceberg/three.jar"} <= {str(path.relative_to(folder)) for path in folder.rglob("*.jar")}
    (folder / "lib/one.jar").write_text("ab")
    assert dist.missing(trino) == "1 of 3 files to do: lib/one.jar"
    dist.make(trino)
    assert dist.missing(trino) == ""


def test_trino_of_other_archives_is_unpacked_again(trino: Places):
    dist.make(trino)
    lock = trino.home / jars.LOCK
    lock.write_text(lock.read_text().replace(sha256_of(trino.lake / "jars/trino/trino-iceberg-9.zip"), "0" * 64))
    assert dist.missing(trino) == "it was unpacked from other archives"


# --- tools of Go

INSIDE = "{binary}: go1.26\n\tpath\t{main}\n\tmod\t{main}\tv1.0.0\th1:main=\n\tdep\texample.org/dep\t{dep}\th1:dep=\n\tbuild\t-trimpath=true\n"


@pytest.fixture
def built(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A module that pins minio and one dependency, a binary, and a Go that says what is inside."""
    module, main_module = places.home / "docker" / "tools", tools.MODULES["minio"]
    module.mkdir(parents=True)
    (module / "go.mod").write_text(f"module x\n\ngo 1.26\n\nrequire {main_module} v1.0.0\n\nrequire (\n\texample.org/dep v1.2.0 // indirect\n)\n")
    (module / "go.sum").write_text(f"{main_module} v1.0.0 h1:main=\nexample.org/dep v1.2.0 h1:dep=\nexample.org/dep v1.2.0/go.mod h1:other=\n")
    (tmp_path / "go").write_text('#!/bin/sh\ncat "$FAKE_INSIDE"\n')
    (tmp_path / "go").chmod(0o755)
    (places.lake / "bin").mkdir(parents=True)
    (places.lake / "bin" / "minio").write_text("")
    (places.lake / "bin" / "minio").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_INSIDE", str(tmp_path / "inside"))
    (tmp_path / "inside").write_text(INSIDE.format(binary="minio", main=main_module, dep="v1.2.0"))
    return places


def test_a_binary_is_held_to_go_sum(built: Places, tmp_path: Path):
    assert tools.missing(built, "minio") == ""
    (tmp_path / "inside").write_text(INSIDE.format(binary="minio", main=tools.MODULES["minio"], dep="v1.1.0"))
    assert "example.org/dep v1.1.0, which go.mod does not ask for" in tools.missing(built, "minio")
    (tmp_path / "inside").write_text("minio: not a Go executable\n")
    assert "is not a build of" in tools.missing(built, "minio")
    assert tools.missing(built, "process-compose") == "not built yet"


def test_the_real_module_pins_both_tools():
    module = HOME / "docker" / "tools"
    known = {(name, version) for name, version, _ in tools.sums(module)}
    assert all((name, tools.required(module)[name]) in known for name in tools.MODULES.values())


# --- the rest


def test_swapping_in_keeps_no_old_one(tmp_path: Path):
    for content in ("one", "two"):
        fresh = tmp_path / "fresh"
        fresh.mkdir()
        (fresh / "x").write_text(content)
        swap_in(fresh, tmp_path / "sub" / "place")
    assert (tmp_path / "sub/place/x").read_text() == "two"
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["place"]


def test_without_root_the_command_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, places: Places):
    (tmp_path / "apt-get").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SetupStepError, match=r"must be installed by root .*sudo apt-get install chromium fonts-dejavu-core"):
        debian.make(places)
    (tmp_path / "apt-get").unlink()
    with pytest.raises(SetupStepError, match="no apt-get here"):
        debian.make(places)


def test_two_set_ups_of_one_checkout_do_not_meet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("LAKEHOUSE_LAKE_HOME", str(tmp_path))
    (tmp_path / "setup").mkdir()
    with (tmp_path / "setup" / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert main(["lock-jars"]) == 3
    assert "another set-up of this checkout is under way" in capsys.readouterr().err
