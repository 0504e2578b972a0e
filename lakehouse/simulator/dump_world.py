"""What the dumps of one seed speak of: items, work orders and their stages.

Each is a function of the seed and its number alone, so files of any size and of different sources fit together.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from random import Random

ITEMS, ORDERS, STAGES = 386, 432, 4
MODALITIES = ("BC", "EE", "EP", "SB", "TS")
COUNTRIES = ("US", "UK", "JP", "CH", "IN", "BR")
FIRST_DAY, DAYS = dt.date(2022, 6, 1), 9
FIRST_HOUR, HOURS = 9, 12


@dataclass(frozen=True)
class Item:
    """One item; its cost is the same wherever the ERP repeats it."""

    item_no: str
    modality: str
    category: str
    unit_cost: Decimal


@dataclass(frozen=True)
class Order:
    """One work order.

    Attributes:
        day: day from which it is planned.
        is_blocked, is_closed: its state at the time of the export; a blocked order is not closed.
    """

    order_no: str
    item: Item
    ordered: int
    day: dt.date
    is_started: bool
    is_blocked: bool
    is_closed: bool

    def stage_id(self, number: int) -> str:
        """Identity of a stage, 1 is the first."""
        return f"{self.order_no}B-{number}"

    def station(self, number: int) -> str:
        """Station of a stage."""
        return f"{self.item.modality}-{number:04}"


@dataclass(frozen=True)
class World:
    """Everything of one seed."""

    seed: int

    def item(self, number: int) -> Item:
        """Return an item; there are `ITEMS`."""
        return _item(self.seed, number % ITEMS)

    def order(self, number: int) -> Order:
        """Return a work order, from 0 without end."""
        return _order(self.seed, number)

    def chance(self, what: str) -> Random:
        """Return the source of chance of one file."""
        return Random(f"{self.seed}/{what}")


@lru_cache(maxsize=1 << 16)
def _item(seed: int, number: int) -> Item:
    chance = Random(f"{seed}/item/{number}")
    modality, country = MODALITIES[number % len(MODALITIES)], chance.choice(COUNTRIES)
    cost = Decimal(chance.randrange(5, 50_000)) / 100
    return Item(f"Items-{modality}-{chance.randrange(10**5):05}{number:03}-{country}", modality, f"{modality}_{country}", cost)


@lru_cache(maxsize=1 << 16)
def _order(seed: int, number: int) -> Order:
    chance = Random(f"{seed}/order/{number}")
    state = chance.random()
    return Order(
        order_no=f"W-{number // 1_000_000 or ''}{(100_003 + number * 7_919) % 1_000_000:06}",
        item=_item(seed, chance.randrange(ITEMS)),
        ordered=chance.randrange(160, 260),
        day=FIRST_DAY + dt.timedelta(days=number % DAYS),
        is_started=state > 0.1,
        is_blocked=0.1 < state < 0.16,
        is_closed=state > 0.7,
    )
