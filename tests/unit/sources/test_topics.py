"""Topics are chosen by name; one that is not declared is refused by name."""

import pytest

from lakehouse.errors import SettingsError
from lakehouse.sources.topics import chosen, load_topics


def test_no_name_means_all_and_a_name_that_topic():
    topics = load_topics()
    assert chosen(topics, []) == list(topics)
    assert [topic.name for topic in chosen(topics, ["machine.count"])] == ["machine.count"]


def test_an_unknown_topic_is_told_with_the_known_ones():
    with pytest.raises(SettingsError, match=r"E_SETTINGS topic machine.counts: unknown; known: sensor.temperature, machine.interruption"):
        chosen(load_topics(), ["machine.count", "machine.counts"])
