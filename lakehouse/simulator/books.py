"""The books of truth: plain files beside the simulator's output, written from its own time line, and their reader."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from lakehouse.errors import SettingsError
from lakehouse.simulator.bad_inputs import BadInput
from lakehouse.simulator.day import Day
from lakehouse.simulator.instants import from_iso, iso, seconds_text
from lakehouse.simulator.ledger import MachineShift, Segment
from lakehouse.simulator.messages import TOPICS

SEGMENT_HEADER = ("site", "machine", "shift_date", "shift_id", "start_at", "end_at", "duration_s", "category", "reason_code", "interruption_id")
SHIFT_HEADER = (
    "site", "machine", "shift_date", "shift_id", "start_at", "end_at", "pbt_s", "apt_s", "aust_s", "adet_s", "adot_s", "unknown_s",
    "planned_down_s", "pq", "gq", "rq", "sq",
)
BAD_HEADER = ("site", "machine", "topic", "sent_at", "ref", "cause", "expected_rule", "value")
INCIDENT_HEADER = ("site", "machine", "kind", "start_at", "end_at", "arrived_at", "ref", "note")
COUNT_HEADER = ("topic", "sent_count", "duplicate_count", "bad_count")
_TOPIC_OF_REF = {"T": TOPICS[0], "C": TOPICS[2]}

README = """# Books of the simulated plant

Truth, written by the simulator from its own time line; nothing here came through the pipeline. Instants are UTC, times are seconds with
six decimals. Rows are those of windows (shifts) that have ended by `until` in about.json.

- segments.csv: every microsecond of each machine's window in exactly one category.
- machine_shift.csv: the sums, and the pieces made: pq = gq + rq + sq; pbt_s = apt_s + aust_s + adet_s + adot_s + unknown_s.
- bad_inputs.csv: every unusable message, what is wrong with it, and the quarantine rule that must name it. They change no number.
- incidents.csv: everything irregular that was done on purpose: late, duplicate, corrected, cancelled, reset, silence, injected.
- messages.csv: messages sent by topic, with duplicates and unusable ones among them.

Rules. Windows are half-open. Precedence: not scheduled, planned down time (breaks and planned stops), set-up, unplanned stop, blocked or
starved and no order, running, unknown; of equals the one that began first. Unknown: a counter reading is also the heartbeat. Without a
stop a machine runs until its last reading plus heartbeat_s of the plant model; from then until its next reading it is unknown. Stops are
told by another source and stay stops in a silence. What was made in a silence is counted when the next reading comes; no silence, and no
step of a counter, crosses the edge of a window, because machines are read at every edge.
"""


def segment_row(site_id: str, each: Segment) -> Sequence[str]:
    """Return a row of segments.csv."""
    span = (iso(each.start), iso(each.end), seconds_text(each.end - each.start))
    return (site_id, each.machine_id, each.shift_date.isoformat(), each.shift_id, *span, each.category, each.reason_code, each.ref)


def shift_row(site_id: str, each: MachineShift) -> Sequence[str]:
    """Return a row of machine_shift.csv."""
    times = (each.pbt, each.apt, each.aust, each.adet, each.adot, each.unknown, each.planned_down)
    place = (site_id, each.machine_id, each.shift_date.isoformat(), each.shift_id, iso(each.start), iso(each.end))
    return (*place, *map(seconds_text, times), *map(str, (each.pq, each.gq, each.rq, each.sq)))


class BooksWriter:
    """Appends truth to the books of one folder, span by span."""

    def __init__(self, folder: Path, site_id: str, seed: int, *, anew: bool) -> None:
        self._folder, self._site_id, self._seed = folder, site_id, seed
        folder.mkdir(parents=True, exist_ok=True)
        if anew:
            (folder / "README.md").write_text(README, encoding="utf-8")
            for name, header in FILES.items():
                with (folder / name).open("w", encoding="utf-8", newline="") as file:
                    csv.writer(file, lineterminator="\n").writerow(header)

    def add(self, days: Iterable[Day], after: int, upto: int) -> None:
        """Write windows that end, and inputs and incidents that begin, in `(after, upto]`. Microseconds."""
        segments: list[Sequence[str]] = []
        shifts: list[Sequence[str]] = []
        bad: list[Sequence[str]] = []
        incidents: list[Sequence[str]] = []
        for day in days:
            for truth in day.machines:
                ended = {each.shift_id: each for each in truth.shifts if after < each.end <= upto}
                shifts += [shift_row(self._site_id, each) for each in ended.values()]
                segments += [segment_row(self._site_id, each) for each in truth.segments if each.shift_id in ended]
            bad += [self._bad_row(each) for each in day.bad_inputs if after < each.at <= upto]
            told = sorted(each for each in day.incidents if after < each.start <= upto)
            incidents += [(self._site_id, i.machine_id, i.kind, iso(i.start), iso(i.end), iso(i.arrival), i.ref, i.note) for i in told]
        for name, rows in zip(FILES, (segments, shifts, bad, incidents), strict=True):
            self._append(name, rows)

    def _bad_row(self, each: BadInput) -> Sequence[str]:
        text = each.value.decode("utf-8", "backslashreplace")
        return (self._site_id, each.machine_id, each.topic, iso(each.at), each.ref, each.cause, each.rule, text)

    def _append(self, name: str, rows: Iterable[Sequence[str]]) -> None:
        with (self._folder / name).open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)

    def close(self, since: int, until: int, sent: dict[str, int], flushed: int) -> None:
        """Write what the books cover, and the messages sent by topic.

        Args:
            since: start of the books. Microseconds.
            until: windows that end by then are in the books.
            sent: topic to messages sent.
            flushed: everything about the time up to here was sent, however late; later times as they arrive by `until`.
        """
        duplicates = dict.fromkeys(TOPICS, 0)
        for row in _rows(self._folder / "incidents.csv"):
            if row["kind"] == "duplicate" and (row["start_at"] <= iso(flushed) or row["arrived_at"] <= iso(until)):
                duplicates[_TOPIC_OF_REF.get(row["ref"][0], TOPICS[1])] += 1
        bad = dict.fromkeys(TOPICS, 0)
        for row in _rows(self._folder / "bad_inputs.csv"):
            bad[row["topic"]] += 1
        with (self._folder / "messages.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COUNT_HEADER)
            writer.writerows((topic, sent.get(topic, 0), duplicates[topic], bad[topic]) for topic in TOPICS)
        about = {"site": self._site_id, "seed": self._seed, "since": iso(since), "until": iso(until)}
        (self._folder / "about.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


FILES = {"segments.csv": SEGMENT_HEADER, "machine_shift.csv": SHIFT_HEADER, "bad_inputs.csv": BAD_HEADER, "incidents.csv": INCIDENT_HEADER}
ShiftKey = tuple[str, str, dt.date, str]


@dataclass(frozen=True)
class Incident:
    """A row of incidents.csv; instants in microseconds."""

    site_id: str
    machine_id: str
    kind: str
    start: int
    end: int
    arrived: int
    ref: str
    note: str


@dataclass(frozen=True)
class Books:
    """Books as read. Keys are (site, machine, shift date, shift).

    Attributes:
        until: windows that end by then are complete; microseconds.
        shifts: key to the columns of machine_shift.csv from pbt_s on, exact.
        segments: key to (start, end, category, reason code or "", interruption or "") in microseconds, in order.
        bad_inputs: rows of bad_inputs.csv.
        incidents: what was done on purpose.
        messages: topic to (sent, duplicates, unusable).
    """

    until: int
    shifts: dict[ShiftKey, dict[str, Decimal]]
    segments: dict[ShiftKey, list[tuple[int, int, str, str, str]]]
    bad_inputs: list[dict[str, str]]
    incidents: list[Incident]
    messages: dict[str, tuple[int, int, int]]

    @classmethod
    def read(cls, folder: Path) -> Books:
        """Read the books of a folder; a row that was written twice counts once.

        Raises:
            SettingsError: there are none.
        """
        if not (folder / "about.json").is_file():
            raise SettingsError(f"books in {folder.name}", "there are none", "bin/lakehouse simulate history --days 30 --send")
        shifts = {_key(row): {name: Decimal(row[name]) for name in SHIFT_HEADER[6:]} for row in _rows(folder / "machine_shift.csv")}
        segments: dict[ShiftKey, dict[int, tuple[int, int, str, str, str]]] = {}
        for row in _rows(folder / "segments.csv"):
            start = from_iso(row["start_at"])
            found = (start, from_iso(row["end_at"]), row["category"], row["reason_code"], row["interruption_id"])
            segments.setdefault(_key(row), {})[start] = found
        return cls(
            until=from_iso(json.loads((folder / "about.json").read_text(encoding="utf-8"))["until"]),
            shifts=shifts,
            segments={key: [each for _, each in sorted(found.items())] for key, found in segments.items()},
            bad_inputs=list({row["ref"]: row for row in _rows(folder / "bad_inputs.csv")}.values()),
            incidents=list(dict.fromkeys(_incident(row) for row in _rows(folder / "incidents.csv"))),
            messages={
                row["topic"]: (int(row["sent_count"]), int(row["duplicate_count"]), int(row["bad_count"])) for row in _rows(folder / "messages.csv")
            },
        )


def _rows(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _key(row: dict[str, str]) -> ShiftKey:
    return row["site"], row["machine"], dt.date.fromisoformat(row["shift_date"]), row["shift_id"]


def _incident(row: dict[str, str]) -> Incident:
    span = (from_iso(row["start_at"]), from_iso(row["end_at"]), from_iso(row["arrived_at"]))
    return Incident(row["site"], row["machine"], row["kind"], *span, row["ref"], row["note"])
