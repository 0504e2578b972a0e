"""How stops are told: opened, closed, sometimes corrected; and false reports that are cancelled."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lakehouse.simulator.instants import MINUTE, SECOND, iso
from lakehouse.simulator.messages import INTERRUPTION, Incident, Post, quoted
from lakehouse.simulator.rates import Rates
from lakehouse.simulator.spec import Site, Window
from lakehouse.simulator.timeline import Stop


@dataclass(frozen=True)
class Told:
    """One version of an interruption as it is told. `end` None: open."""

    stop_id: str
    machine_id: str
    version: int
    reason_code: str
    start: int
    end: int | None
    operator: str
    cancelled: bool = False

    def value(self, site: Site, sent: int) -> bytes:
        """Return the message, created at `sent`."""
        reason = site.reasons[self.reason_code]
        end = quoted(iso(self.end)) if self.end is not None else "null"
        return (
            f'{{"schema_version":1,"interruption_id":"{self.stop_id}","version":{self.version},"site_id":"{site.site_id}",'
            f'"machine_id":"{self.machine_id}","start_ts":"{iso(self.start)}","end_ts":{end},"reason_code":"{self.reason_code}",'
            f'"reason_text":{quoted(reason.text)},"category":"{reason.category}","operator":"{self.operator}",'
            f'"cancelled":{"true" if self.cancelled else "false"},"ts":"{iso(sent)}"}}'
        ).encode()


class Reporter:
    """Tells the stops of one machine-day. What is sent by `until` never carries a later time of sending."""

    def __init__(
        self, site: Site, rates: Rates, machine_id: str, windows: Sequence[Window], *, post: Post, chance: random.Random, until: int
    ) -> None:
        self.site, self.rates, self.machine_id, self.windows = site, rates, machine_id, windows
        self.post, self.chance, self.until = post, chance, until

    def tell(self, stop: Stop) -> None:
        """Tell a true stop: version 1 when it begins, 2 when it ends, 3 if one of these was wrong."""
        opened = Told(stop.stop_id, self.machine_id, 1, stop.reason_code, stop.start, None, self._operator())
        wrong = self._wrong_reason(stop)
        early = 0
        draw = self.chance.random()
        later = self.chance.randint(5 * MINUTE, 120 * MINUTE)
        corrected = draw < self.rates.corrected_share and self._in_one_window(stop) and stop.cause != "injected"
        by_reason = draw < self.rates.corrected_share / 2
        if corrected and by_reason:
            opened = replace(opened, reason_code=wrong)
        elif corrected:
            early = (stop.end - stop.start) // 3
        closed = replace(opened, version=2, end=stop.end - early)
        prompt = stop.cause == "injected"
        self._send(opened, stop.start, stop.start, stop.end, prompt=prompt)
        self._send(closed, stop.end, stop.end, stop.end, prompt=prompt)
        if corrected:
            self._send(replace(closed, version=3, reason_code=stop.reason_code, end=stop.end), stop.end, stop.end + later, stop.end)
            note = f"reason was {wrong}" if by_reason else f"end was {iso(stop.end - early)}"
            self.post.incidents.append(Incident("corrected", self.machine_id, stop.start, stop.end, stop.stop_id, stop.end + later, note))

    def tell_false_report(self) -> None:
        """Tell a stop that never was, and cancel it."""
        window = self.chance.choice(self.windows)
        start = self.chance.randint(window.start + MINUTE, window.end - 30 * MINUTE)
        end = start + self.chance.randint(2 * MINUTE, 15 * MINUTE)
        code = self.chance.choice(self.site.codes("unplanned_stop"))
        opened = Told(f"F-{self.site.site_id}-{self.machine_id}-{start}", self.machine_id, 1, code, start, None, self._operator())
        later = end + self.chance.randint(SECOND, 20 * MINUTE)
        self._send(opened, start, start, end)
        self._send(replace(opened, version=2, end=end), end, end, end)
        self._send(replace(opened, version=3, end=end, cancelled=True), end, later, end)
        self.post.incidents.append(Incident("cancelled", self.machine_id, start, end, opened.stop_id, later, "it never happened"))

    def _send(self, told: Told, basis: int, sent: int, end: int, *, prompt: bool = False) -> None:
        created = min(sent, self.until) if basis <= self.until else sent
        share = 0.0 if prompt else self.rates.late_report_share
        self.post.send(INTERRUPTION, told.value(self.site, created), basis, sent=created, late_share=share, end=end)

    def _in_one_window(self, stop: Stop) -> bool:
        return any(window.start <= stop.start and stop.end < window.end for window in self.windows)

    def _wrong_reason(self, stop: Stop) -> str:
        others = [c for c, r in self.site.reasons.items() if r.category in {"unplanned_stop", "setup", "blocked_starved"} and c != stop.reason_code]
        return self.chance.choice(others)

    def _operator(self) -> str:
        return f"OP-{self.chance.randint(1, 24):02}"
