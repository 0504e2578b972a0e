"""What the plant sends: one JSON object a message, built as text so that the bytes never depend on a library."""

from __future__ import annotations

import json
import random
from typing import NamedTuple

from lakehouse.simulator.counters import Reading
from lakehouse.simulator.instants import DAY, MINUTE, SECOND, iso
from lakehouse.simulator.rates import Rates

TEMPERATURE = "sensor.temperature"
INTERRUPTION = "machine.interruption"
COUNT = "machine.count"
TOPICS = (TEMPERATURE, INTERRUPTION, COUNT)


class Message(NamedTuple):
    """One message. Sorted by when it reaches the broker; `basis` is the event that it tells of. Microseconds."""

    arrival: int
    topic: str
    key: bytes
    value: bytes
    basis: int


class Incident(NamedTuple):
    """Something irregular that the simulator did on purpose, with the span of plant time that it concerns."""

    kind: str
    machine_id: str
    start: int
    end: int
    ref: str
    arrival: int
    note: str


def quoted(text: str | None) -> str:
    """Return text as JSON, `null` for None."""
    return "null" if text is None else json.dumps(text, ensure_ascii=False)


def count_value(site_id: str, machine_id: str, reading: Reading) -> bytes:
    """Return the message of a counter reading."""
    good, scrap, rework = reading.shown
    return (
        f'{{"schema_version":1,"event_id":"C-{site_id}-{machine_id}-{reading.at}","site_id":"{site_id}","machine_id":"{machine_id}",'
        f'"ts":"{iso(reading.at)}","state":"{reading.state}","speed_per_min":{reading.speed},"good_count":{good},"scrap_count":{scrap},'
        f'"rework_count":{rework},"part_no":"{reading.part_no}","order_no":{quoted(reading.order_no)}}}'
    ).encode()


def temperature_value(site_id: str, machine_id: str, sensor: str, at: int, celsius: float) -> bytes:
    """Return the message of a temperature in degrees Celsius."""
    return (
        f'{{"schema_version":1,"event_id":"T-{site_id}-{machine_id}-{sensor}-{at}","site_id":"{site_id}","machine_id":"{machine_id}",'
        f'"sensor":"{sensor}","ts":"{iso(at)}","temperature_c":{celsius},"unit":"C"}}'
    ).encode()


class Post:
    """Brings messages to the broker: most at once, some late, some twice. Remembers which."""

    def __init__(self, rates: Rates, chance: random.Random, machine_id: str) -> None:
        self._rates, self._chance, self._machine_id = rates, chance, machine_id
        self.messages: list[Message] = []
        self.incidents: list[Incident] = []

    def send(self, topic: str, value: bytes, basis: int, *, sent: int | None = None, late_share: float | None = None, end: int | None = None) -> None:
        """Send a message about the instant `basis` (to `end`), created at `sent`."""
        chance, arrival = self._chance, basis if sent is None else sent
        draw, late = chance.random(), self._rates.late_share if late_share is None else late_share
        if draw < late:
            created, arrival = arrival, arrival + self.delay()
            self._remember("late", (basis, end), value, arrival, f"created {iso(created)}")
        self.messages.append(Message(arrival, topic, self._machine_id.encode(), value, basis))
        if draw > 1 - self._rates.duplicate_share:
            again = arrival + chance.randint(0, 600 * SECOND)
            self._remember("duplicate", (basis, end), value, again, "the same bytes again")
            self.messages.append(Message(again, topic, self._machine_id.encode(), value, basis))

    def delay(self) -> int:
        """Return a lateness between a minute and a day, small ones more often."""
        return int(10 ** self._chance.uniform(1.8, 4.93) * SECOND) % DAY + MINUTE

    def _remember(self, kind: str, span: tuple[int, int | None], value: bytes, arrival: int, note: str) -> None:
        named = json.loads(value)
        ref = named.get("event_id") or f"{named['interruption_id']}/{named['version']}"
        self.incidents.append(Incident(kind, self._machine_id, span[0], span[0] if span[1] is None else span[1], ref, arrival, note))
