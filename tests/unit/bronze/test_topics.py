"""The arithmetic of offsets: every offset once, none skipped."""

from __future__ import annotations

import pytest

from lakehouse.bronze.broker import TopicState, check_still_held
from lakehouse.bronze.topics import Progress, counted
from lakehouse.errors import DataLossError, OffsetGapError, TopicRecreatedError

BEFORE = Progress("t", "id-1", {0: 10, 1: 0})


def test_a_complete_batch_advances() -> None:
    after = BEFORE.upto({0: 15, 1: 3})
    after.check_complete(BEFORE, {0: 5, 1: 3})
    assert after.ends == {0: 15, 1: 3}
    assert after.written(BEFORE)["ranges"] == {"0": [10, 15], "1": [0, 3]}


@pytest.mark.parametrize("seen", [{0: 4, 1: 3}, {0: 5}, {0: 6, 1: 3}, {}])
def test_a_batch_that_lacks_or_doubles_messages_is_refused(seen: dict[int, int]) -> None:
    with pytest.raises(OffsetGapError, match="expected"):
        BEFORE.upto({0: 15, 1: 3}).check_complete(BEFORE, seen)


def test_gaps_that_the_broker_confirms_are_listed_and_add_up() -> None:
    after = BEFORE.upto({0: 15}).with_gaps([(0, 12, 14)])
    after.check_complete(BEFORE, {0: 3})
    assert after.written(BEFORE)["gaps"] == [[0, 12, 14]]


def test_a_plan_behind_the_table_goes_nowhere() -> None:
    assert BEFORE.upto({0: 7}).expected(BEFORE) == {}


def test_a_new_partition_starts_at_zero() -> None:
    assert BEFORE.upto({2: 4}).expected(BEFORE) == {2: 4}


def test_progress_reads_what_it_wrote() -> None:
    after = BEFORE.upto({0: 15})
    assert Progress.of(after.written(BEFORE)).ends == after.ends


def test_another_topic_of_the_same_name_is_refused() -> None:
    BEFORE.check_identity("id-1")
    with pytest.raises(TopicRecreatedError, match="id-2"):
        BEFORE.check_identity("id-2")


def test_offsets_removed_before_they_were_landed_are_named() -> None:
    check_still_held("t", TopicState("id-1", {0: 10, 1: 0}, {0: 20, 1: 5}), BEFORE.ends)
    with pytest.raises(DataLossError, match=r"0:\[10,12\)"):
        check_still_held("t", TopicState("id-1", {0: 12, 1: 0}, {0: 20, 1: 5}), BEFORE.ends)


def test_messages_of_an_unplanned_partition_are_noticed() -> None:
    assert counted({"messages": 3, "partition_0": 3}, [0]) == {0: 3}
    with pytest.raises(OffsetGapError):
        counted({"messages": 4, "partition_0": 3}, [0])
