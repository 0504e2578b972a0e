"""Where generated plants take their choices from: a seeded random number generator for bulk, Hypothesis for what must shrink.

Choices are laid out so that the smallest draw is the plainest plant.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Chooser(Protocol):
    """Where choices come from."""

    def number(self, low: int, high: int) -> int:
        """A whole number of `low` to `high`; `low` is the plainest."""


@dataclass
class Seeded:
    """Choices of a random number generator."""

    source: random.Random

    def number(self, low: int, high: int) -> int:
        return low + int(self.source.random() * (high - low + 1))


@dataclass
class Drawn:
    """Choices of Hypothesis, which it can shrink."""

    draw: Callable[[st.SearchStrategy[int]], int]

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))


@dataclass
class Choices:
    """What is drawn by whoever makes plants."""

    chooser: Chooser

    def pick(self, options: Sequence[T]) -> T:
        return options[self.chooser.number(0, len(options) - 1)]

    def happens(self, percent: int) -> bool:
        return self.chooser.number(0, 99) >= 100 - percent

    def some(self, options: Sequence[T], percent: int) -> list[T]:
        return [each for each in options if self.happens(percent)]

    def several(self, most: int, percent: int) -> Iterator[int]:
        """Numbers from 0, each followed by another with a probability; laid out so that any of them can be left out."""
        for number in range(most):
            if not self.happens(percent):
                return
            yield number
