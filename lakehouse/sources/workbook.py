"""Workbooks as rows of text. Parsing happens in a child process with limits; this side survives whatever the file does to it.

The child writes its whole answer before the first row is taken from it, so a file is read completely or refused.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

import orjson
import pyarrow as pa

from lakehouse.settings import HOME
from lakehouse.sources.contracts import ContractBreachError, Difference
from lakehouse.sources.csv_text import Row
from lakehouse.sources.profiles import Profile
from lakehouse.sources.sheet_header import MAX_COLUMNS, SEARCHED_ROWS, Header, header_of
from lakehouse.sources.sheet_rows import RowMaker, Sheet, Suspects
from lakehouse.sources.sheet_tables import table

__all__ = ["MAX_COLUMNS", "SEARCHED_ROWS", "Opened", "answer", "ask", "batches", "opened", "rows", "sheet_of"]

WALL_S = 60
"""The child has 20 s of processor time; on a busy machine a good file must not be refused for waiting its turn."""
LAST_LINE = 4096
CHILD_MODULE = "lakehouse.sources.workbook_child"

Chunk = tuple[list[int], list[list[str]], Suspects]


@dataclass(frozen=True)
class Opened:
    """A workbook whose sheet and header fit the profile. Its rows can be taken once.

    Attributes:
        sheet: what is known of the sheet, its name in the file among it.
        header: where it stands, and which column each of its cells is.
    """

    sheet: Sheet
    header: Header
    _maker: RowMaker
    _chunks: Iterator[Chunk]

    def rows(self) -> Iterator[Row]:
        """Yield (row as Excel counts, cells) of every row that is not blank."""
        for numbers, texts, suspects in self._chunks:
            yield from self._maker.rows(zip(numbers, texts, strict=True), suspects)

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows as Arrow tables of `sheet_tables.SCHEMA`, some thousand rows each."""
        for numbers, texts, suspects in self._chunks:
            yield table(numbers, texts, suspects, self._maker)


def opened(path: Path, profile: Profile) -> Opened:
    """Read a workbook's sheet by its profile.

    Args:
        path: the file; its kind is told by its content, not by its name.
        profile: the layout.

    Raises:
        ContractBreachError: the file is no readable workbook, is too large, or its sheet or header differ, or it has no row.
    """
    spool = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - the rows are read from it later; `_chunks` closes it
    try:
        sheet = sheet_of(ask(spool, {"path": str(path), **_asked(profile)}))
        header = header_of(_top(spool, profile), profile, sheet.merged)
        chunks = _chunks(spool, header.first_data_row)
        first = next(chunks, None)
    except BaseException:
        spool.close()
        raise
    if first is None:
        raise ContractBreachError([Difference("empty", "at least one row", "a header only")])
    return Opened(sheet, header, RowMaker(sheet, header, profile), chain((first,), chunks))


def rows(path: Path, profile: Profile) -> list[Row]:
    """Return (row as Excel counts, cells) of every row that is not blank; as `opened`."""
    return list(opened(path, profile).rows())


def batches(path: Path, profile: Profile) -> Iterator[pa.Table]:
    """Return the rows as Arrow tables (row_no int64, cells map<string,string>); as `opened`, which raises before the first one."""
    return opened(path, profile).tables()


def _asked(profile: Profile) -> dict[str, Any]:
    text = profile.text.model_dump() if profile.text else None
    return {"sheets": list(profile.sheets), "decimal": profile.decimal, "digits": profile.significant_digits, "text": text}


def ask(spool: IO[bytes], request: Mapping[str, Any]) -> dict[str, Any]:
    """Let the child answer a request (`workbook_child.Request`) into a file, and return the head of its answer.

    Raises:
        ContractBreachError: the child refused the file, or did not stay within its limits.
    """
    environment = {"PYTHONPATH": str(HOME), "PATH": os.environ.get("PATH", "")}
    command = [sys.executable, "-m", CHILD_MODULE, json.dumps(request)]
    try:
        ended = subprocess.run(command, stdout=spool.fileno(), stderr=subprocess.PIPE, timeout=WALL_S, env=environment, check=False)
    except subprocess.TimeoutExpired as error:
        raise ContractBreachError([Difference("too_large", f"a workbook that is read within {WALL_S} s", "longer")]) from error
    if ended.returncode:
        raise ContractBreachError([_ended_badly(ended)])
    _check_end(spool)
    return answer(spool.readline())


def _ended_badly(ended: subprocess.CompletedProcess[bytes]) -> Difference:
    """A child that a signal or want of memory ended met a limit; one that gave up by itself met something unreadable."""
    said = ended.stderr.decode("utf-8", "replace").strip().splitlines()
    telling = [line for line in said if "memory" in line.lower()]
    found = f"the reader ended with status {ended.returncode} {' '.join((telling or said)[-1:])[:120]}".strip()
    if telling or ended.returncode < 0:
        return Difference("too_large", "a workbook that is read within 512 MB and 20 s", found)
    return Difference("format", "a readable workbook", found)


def _check_end(spool: IO[bytes]) -> None:
    """A refusal is the last line, however much was written before it."""
    size = spool.seek(0, os.SEEK_END)
    spool.seek(max(0, size - LAST_LINE))
    last = spool.read().splitlines()[-1]
    if last.startswith(b'{"refused"'):
        answer(last)
    spool.seek(0)


def answer(line: bytes) -> dict[str, Any]:
    """Return one line of the child's answer; its refusal becomes a ContractBreachError."""
    said: dict[str, Any] = orjson.loads(line)
    if "refused" in said:
        kind, expected, found = said["refused"]
        raise ContractBreachError([Difference(kind, expected, found)])
    return said


def sheet_of(said: Mapping[str, Any]) -> Sheet:
    """Return what the head of an answer says of the sheet."""
    merged = None if said["merged"] is None else tuple((top, left, bottom, right) for top, left, bottom, right in said["merged"])
    hidden_rows, hidden_columns = frozenset(said["hidden_rows"]), frozenset(said["hidden_columns"])
    return Sheet(said["sheet"], said["epoch"], merged, hidden_rows, hidden_columns, tuple(said["hidden_sheets"]))


def _top(spool: IO[bytes], profile: Profile) -> dict[int, list[str]]:
    """The rows among which the header is, without moving on."""
    at = spool.tell()
    found: dict[int, list[str]] = {}
    last = max(SEARCHED_ROWS, profile.header_row) + profile.header_rows
    for line in spool:
        said = answer(line)
        found |= {number: texts for number, texts in zip(said["numbers"], said["rows"], strict=True) if number <= last}
        if not said["numbers"] or said["numbers"][-1] > last:
            break
    spool.seek(at)
    return found


def _chunks(spool: IO[bytes], first: int) -> Iterator[Chunk]:
    """The rows from one on, as the child sent them."""
    with spool:
        for line in spool:
            said = answer(line)
            numbers, texts = said["numbers"], said["rows"]
            before = bisect_left(numbers, first)
            if before < len(numbers):
                yield numbers[before:], texts[before:], Suspects.of(line)
