"""Workbooks as rows of text. Parsing happens in a child process with limits; this side survives whatever the file does to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lakehouse.settings import HOME
from lakehouse.sources.contracts import BROKEN, ContractBreachError, Difference, Profile
from lakehouse.sources.csv_text import Row, header_differences

WALL_S = 20
BLANK_ROWS_END = 1000
CHILD_MODULE = "lakehouse.sources.workbook_child"


def rows(path: Path, profile: Profile) -> list[Row]:
    """Read a workbook's sheet by its profile and return (row number from 1, cells) of every row that is not blank.

    Args:
        path: the file; its kind is told by its content, not by its name.
        profile: the layout.

    Raises:
        ContractBreachError: the file is no readable workbook, is too large, or its sheet or header differ.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        _run_child(path, profile.sheet, out.fileno())
        out.seek(0)
        return _table(_texts(out), profile)


def _run_child(path: Path, sheet: str, out: int) -> None:
    request = json.dumps({"path": str(path), "sheet": sheet})
    environment = {"PYTHONPATH": str(HOME), "PYTHONIOENCODING": "utf-8", "PATH": os.environ.get("PATH", "")}
    command = [sys.executable, "-m", CHILD_MODULE, request]
    try:
        ended = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, timeout=WALL_S, env=environment, check=False)
    except subprocess.TimeoutExpired as error:
        raise ContractBreachError([Difference("too_large", f"a workbook that is read within {WALL_S} s", "longer")]) from error
    if ended.returncode:
        raise ContractBreachError([Difference("too_large", "a workbook that is read within 512 MB and 20 s", _why(ended))])


def _why(ended: subprocess.CompletedProcess[bytes]) -> str:
    last = ended.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
    return f"the reader ended with status {ended.returncode} {' '.join(last)[:120]}".strip()


def _texts(out: Iterator[str]) -> Iterator[list[str]]:
    """Rows of the child's answer; its refusal becomes ours."""
    for line in out:
        answer = json.loads(line)
        if isinstance(answer, list):
            yield answer
        elif "refused" in answer:
            kind, expected, found = answer["refused"]
            raise ContractBreachError([Difference(kind, expected, found)])


def _table(texts: Iterator[list[str]], profile: Profile) -> list[Row]:
    found = list(texts)
    header = [name.strip() for name in (found[profile.header_row - 1] if len(found) >= profile.header_row else [])]
    while header and not header[-1]:
        header.pop()
    names = _named(header, profile)
    required = tuple(name for name in profile.columns if name not in profile.optional)
    wrong = header_differences(names, required, profile.optional)
    if wrong:
        raise ContractBreachError(wrong)
    table = [(number, _cells(names, texts)) for number, texts in enumerate(found[profile.header_row :], start=1)]
    kept = [(number, cells) for number, cells in table if cells]
    if not kept:
        raise ContractBreachError([Difference("empty", "at least one row", "a header only")])
    return kept


def _named(header: list[str], profile: Profile) -> list[str]:
    """The header in the profile's names."""
    spelled = {other: name for name, others in profile.columns.items() for other in others}
    return [spelled.get(name, name) for name in header]


def _cells(names: list[str], texts: list[str]) -> dict[str, str]:
    cells = {name: text for name, text in zip(names, texts, strict=False) if text}
    beyond = {f"#{position}": text for position, text in enumerate(texts[len(names) :], start=len(names) + 1) if text}
    return {**cells, **beyond, BROKEN: "columns"} if beyond else cells
