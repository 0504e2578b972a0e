import sqlite3

import pytest

from lakehouse.errors import ServiceError
from lakehouse.services.prepare import Metadata, prepare, read_stamp
from lakehouse.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(stack="unit", lake_home=tmp_path)


@pytest.fixture
def metadata(tmp_path):
    inputs = tmp_path / "lock.txt"
    inputs.write_text("version 1")
    (tmp_path / "stack").mkdir()
    commands = (("sh", "-c", 'echo made >> "$COUNT"; : > "$TARGET/meta.db"'),)
    return Metadata(tmp_path / "stack" / "meta.db", (inputs,), commands, lambda folder: {"TARGET": str(folder), "COUNT": str(tmp_path / "count")})


def times_made(tmp_path):
    return (tmp_path / "count").read_text().count("made")


def test_it_is_made_once_a_machine_and_copied_to_each_stack(settings, metadata, tmp_path):
    prepare(settings, metadata)
    assert read_stamp(metadata.file) == metadata.stamp
    metadata.file.unlink()
    prepare(settings, metadata)
    assert times_made(tmp_path) == 1


def test_what_is_ready_is_left_alone(settings, metadata):
    prepare(settings, metadata)
    with sqlite3.connect(metadata.file) as connection:
        connection.execute("create table mine (id int)")
    connection.close()
    assert prepare(settings, metadata).endswith("is ready")
    with sqlite3.connect(metadata.file) as connection:
        connection.execute("select * from mine")
    connection.close()


def test_a_half_made_file_is_made_again(settings, metadata):
    metadata.file.write_bytes(b"half")
    prepare(settings, metadata)
    assert read_stamp(metadata.file) == metadata.stamp


def test_a_failed_command_leaves_nothing_that_looks_ready(settings, metadata, tmp_path):
    broken = Metadata(metadata.file, metadata.inputs, (("false",),), metadata.redirect)
    with pytest.raises(ServiceError, match="ended with 1"):
        prepare(settings, broken)
    assert not metadata.file.exists()
    assert list((tmp_path / "prepared").iterdir()) == []
