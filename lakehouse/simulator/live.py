"""The plant in real time: goes on from the state that a history (or an earlier live run) left, message by message."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from lakehouse.simulator.books import BooksWriter
from lakehouse.simulator.day import Day, Plan, live_day
from lakehouse.simulator.history import Keep, drop_files
from lakehouse.simulator.instants import DAY, SECOND
from lakehouse.simulator.messages import Message
from lakehouse.simulator.process import Injection
from lakehouse.simulator.spec import Site
from lakehouse.simulator.state import KEPT_DAYS, State
from lakehouse.simulator.timeline import MachineState


class Live:
    """The plant from a state onwards. The state is changed; whoever drives it saves it when its messages are acknowledged.

    Args:
        site: what is simulated.
        state: where it stands.
        temperature_every: microseconds between two temperatures of a sensor.
        books: folder of the books to go on with.
        keep_file: takes the files of each date that ends.
    """

    def __init__(self, site: Site, state: State, temperature_every: int, books: Path, keep_file: Keep | None = None) -> None:
        self.site, self.state = site, state
        self._plan = Plan(site, state.rates, state.seed, state.until, temperature_every)
        self._books = BooksWriter(books, site.site_id, state.seed, anew=False)
        self._keep_file = keep_file
        self._days: dict[dt.date, Day] = {}
        self._after: list[MachineState] = []
        self._queue: deque[Message] = deque()
        for date in sorted(state.days):
            self._run(date)
        self._line_up()

    @property
    def _newest(self) -> dt.date:
        return max(self._days)

    def _run(self, date: dt.date) -> None:
        self._days[date], self._after = live_day(self._plan, date, self.state.days[date], self.state.injections)

    def _line_up(self) -> None:
        """Put all that is still to be sent in order of arrival."""
        state = self.state
        waiting = (m for day in self._days.values() for m in day.messages if m.basis > state.until and m.arrival > state.sent_until)
        self._queue = deque(sorted(waiting))

    def due(self, now: int) -> Iterator[Message]:
        """Yield what has arrived by `now` (microseconds) and was not yielded before; dates that begin by then are run."""
        while True:
            end = self.site.day(self._newest)[1]
            upto = min(now, end - 1)
            while self._queue and self._queue[0].arrival <= upto:
                message = self._queue.popleft()
                self.state.counts[message.topic] = self.state.counts.get(message.topic, 0) + 1
                yield message
            self.state.sent_until = max(self.state.sent_until, upto)
            if now < end:
                return
            self._next_date()

    def _next_date(self) -> None:
        over = self._newest
        self.tell(self.site.day(over)[1])
        left = drop_files(self.site, self.state, self._days[over], self._keep_file)
        date = over + dt.timedelta(days=1)
        self.state.keep(date, self._after, left)
        self._run(date)
        for old in sorted(self._days)[:-KEPT_DAYS]:
            self._days.pop(old)
        self.state.injections = [each for each in self.state.injections if each.end > self.site.day(date)[0] - KEPT_DAYS * DAY]
        self._line_up()

    def tell(self, now: int) -> None:
        """Bring the books up to `now`."""
        if now > self.state.told_until:
            self._books.add((self._days[date] for date in sorted(self._days)), self.state.told_until, now)
            self.state.told_until = now
        self._books.close(self.state.since, self.state.told_until, self.state.counts, self.state.until)

    def inject(self, machine_id: str, length: int, reason_code: str) -> Injection:
        """Stop a machine a second from what was sent last, for `length` microseconds; what was sent stays true."""
        start = self.state.sent_until + SECOND
        injected = Injection(machine_id, start, start + length, reason_code)
        self.state.injections.append(injected)
        if start < self.site.day(self._newest)[1]:
            self._run(self._newest)
            self._line_up()
        return injected
