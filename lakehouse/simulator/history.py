"""History: thirty days of the plant in a stream of messages, with files and books, up to a given minute."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from lakehouse.simulator.books import BooksWriter
from lakehouse.simulator.day import Day, Plan, live_day
from lakehouse.simulator.files import Row, confirmations, object_keys, production_log, workbook
from lakehouse.simulator.instants import MINUTE
from lakehouse.simulator.messages import Message
from lakehouse.simulator.process import first_states
from lakehouse.simulator.rates import Rates
from lakehouse.simulator.spec import Site
from lakehouse.simulator.state import State

Keep = Callable[[str, bytes], None]


@dataclass
class History:
    """A history of `days` production dates and what has passed of the one that `until` lies in.

    Attributes:
        until: a full minute, in microseconds.
        books: folder of the books, None for none.
        keep_file: takes each MES file and workbook by its object key.
    """

    site: Site
    seed: int
    days: int
    until: int
    rates: Rates = field(default_factory=Rates)
    temperature_every: int = MINUTE
    books: Path | None = None
    keep_file: Keep | None = None

    def __post_init__(self) -> None:
        """Begin at the first minute of the first date."""
        self.until -= self.until % MINUTE
        self.first = self.site.date_at(self.until) - dt.timedelta(days=self.days)
        since = self.site.day(self.first)[0]
        self.state = State(self.site.site_id, self.seed, since, self.until, self.until, self.until, self.rates)
        self._plan = Plan(self.site, self.rates, self.seed, self.until, self.temperature_every)

    def messages(self) -> Iterator[Message]:
        """Yield all messages in the order of arrival; when the last was taken, books, files and state are complete."""
        books = BooksWriter(self.books, self.site.site_id, self.seed, anew=True) if self.books else None
        waiting: list[Message] = []
        for day in self._dates():
            waiting += [_by(self.until, each) for each in day.messages if each.basis <= self.until]
            if books:
                books.add([day], self.state.since - 1, self.until)
            end = min(self.site.day(day.date)[1], self.until + 1)
            waiting.sort()
            passed = next((number for number, each in enumerate(waiting) if each.arrival >= end), len(waiting))
            yield from self._counted(waiting[:passed])
            waiting = waiting[passed:]
        if books:
            books.close(self.state.since, self.until, self.state.counts, self.until)

    def _counted(self, messages: list[Message]) -> Iterator[Message]:
        counts = self.state.counts
        for message in messages:
            counts[message.topic] = counts.get(message.topic, 0) + 1
            yield message

    def _dates(self) -> Iterator[Day]:
        machines = first_states(self.site, self.rates, self.seed)
        deferred: list[Row] = []
        for number in count():
            date = self.first + dt.timedelta(days=number)
            start, end = self.site.day(date)
            if start > self.until:
                return
            self.state.keep(date, machines, deferred)
            day, machines = live_day(self._plan, date, machines)
            if end <= self.until:
                is_last = self.site.day(date + dt.timedelta(days=1))[1] > self.until
                deferred = drop_files(self.site, self.state, day, self.keep_file, complete=is_last)
            yield day


def _by(until: int, message: Message) -> Message:
    return message if message.arrival <= until else message._replace(arrival=until)


def drop_files(site: Site, state: State, day: Day, keep: Keep | None, *, complete: bool = False) -> list[Row]:
    """Hand over the MES log and the workbook of a date that is over; return the confirmations left to the next date.

    Args:
        site: what is simulated.
        state: with the rates, the seed, and the confirmations that the date before left.
        day: the date.
        keep: takes the files, None for nobody.
        complete: the workbook holds the rows that it leaves to the next date too, because nobody may come to send them.
    """
    rows, later = confirmations(site, state.rates, state.seed, day, state.deferred.get(day.date, []))
    if keep is not None:
        log_key, book_key = object_keys(site.site_id, day.date)
        keep(log_key, production_log(site, day))
        keep(book_key, workbook([*rows, *later] if complete else rows))
    return later
