import pytest

from lakehouse.services.class_archives import keep_archives, seed_archives
from lakehouse.settings import Settings


@pytest.fixture
def stacks(tmp_path):
    return [Settings(stack=name, lake_home=tmp_path) for name in ("first", "second")]


def archive(settings):
    path = settings.run / "data" / "trino" / "trino.jsa"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_a_new_stack_begins_with_what_another_made(stacks):
    first, second = stacks
    archive(first).write_text("classes")
    keep_archives(first)
    seed_archives(second)
    assert archive(second).read_text() == "classes"


def test_a_stack_keeps_its_own_and_its_newer_one_is_kept(stacks):
    first, second = stacks
    archive(first).write_text("old")
    keep_archives(first)
    archive(second).write_text("new")
    seed_archives(second)
    assert archive(second).read_text() == "new"
    keep_archives(second)
    archive(first).unlink()
    seed_archives(first)
    assert archive(first).read_text() == "new"


def test_nothing_made_is_nothing_kept(stacks):
    keep_archives(stacks[0])
    seed_archives(stacks[0])
    assert not archive(stacks[0]).exists()
