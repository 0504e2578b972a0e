"""Workbooks made for tests: xlsx by openpyxl, changed in their XML where it writes none of what is needed, ods and xls by hand."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from lakehouse.sources import workbook
from lakehouse.sources.contracts import ContractBreachError, load_sources
from lakehouse.sources.profiles import Profile

GENERIC = load_sources().contract("confirmations").profile("demo")
HEADER = list(GENERIC.columns)


def xlsx(path: Path, rows: Iterable[Sequence[Any]], sheet: str = "Confirmations", change: Callable[[Any], None] | None = None) -> Path:
    """Save rows as a workbook; `change` gets the sheet before."""
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(list(row))
    if change:
        change(book.active)
    book.save(path)
    return path


def with_part(path: Path, name: str, content: bytes) -> Path:
    """Add a part to an archive."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path


def edited(path: Path, part: str, old: str, new: str) -> Path:
    """Replace text in one part of an archive, which must have it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old.encode() in parts[part], parts[part][:2000]
    parts[part] = parts[part].replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def profile(**given: Any) -> Profile:
    """A small layout: order, qty and note of a sheet S."""
    base = {"sheet": "S", "columns": {"order": [], "qty": [], "note": []}, "key": ["order"], "quantities": ["qty"], "codes": ["order"]}
    return Profile.model_validate({**base, **given})


def cells(path: Path, layout: Profile) -> dict[int, dict[str, str]]:
    """The rows of a workbook by their number; one row a number."""
    found = workbook.rows(path, layout)
    assert len({number for number, _ in found}) == len(found)
    return dict(found)


def refusal(path: Path, layout: Profile = GENERIC) -> str:
    """Why a workbook is refused."""
    with pytest.raises(ContractBreachError) as caught:
        workbook.rows(path, layout)
    assert caught.value.code == "E_CONTRACT"
    return caught.value.differences[0].text()


def ods(path: Path, table: str, sheet: str = "S", settings: str = "") -> Path:
    """Save an ods workbook with the given table content (XML)."""
    names = ("office", "table", "text")
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names)
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces} office:version="1.3"><office:body><office:spreadsheet>'
        f'{settings}<table:table table:name="{sheet}">{table}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    manifest = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{manifest}"><manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
            f'<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>',
        )
    return path


def ods_row(*texts: str, **attributes: str) -> str:
    """A row of text cells."""
    said = "".join(f' table:{name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    filled = (f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>' for text in texts)
    return f"<table:table-row{said}>{''.join(filled)}</table:table-row>"


def _record(number: int, content: bytes) -> bytes:
    return struct.pack("<HH", number, len(content)) + content


def biff(rows: Sequence[Sequence[Any]], *, sheet: str = "S", before: bytes = b"", extra: bytes = b"") -> bytes:
    """A BIFF8 stream of one sheet.

    Args:
        rows: texts, numbers, None, or an error as its code in bytes.
        sheet: its name.
        before: records for the workbook's own part.
        extra: records for the sheet.
    """
    strings = list(dict.fromkeys(cell for row in rows for cell in row if isinstance(cell, str)))
    packed = b"".join(struct.pack("<HB", len(text), 1) + text.encode("utf-16-le") for text in strings)
    shared = _record(0xFC, struct.pack("<II", len(strings), len(strings)) + packed)
    body = _record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            place = struct.pack("<HHH", r, c, 0)
            if isinstance(cell, str):
                body += _record(0xFD, place + struct.pack("<I", strings.index(cell)))
            elif isinstance(cell, bytes):
                body += _record(0x205, place + cell + b"\x01")
            elif cell is not None:
                body += _record(0x203, place + struct.pack("<d", cell))
    body += extra + _record(0x0A, b"")
    head = _record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) + before
    name = struct.pack("<BB", len(sheet), 1) + sheet.encode("utf-16-le")
    length = len(head) + 4 + 6 + len(name) + len(shared) + 4
    return head + _record(0x85, struct.pack("<IH", length, 0) + name) + shared + _record(0x0A, b"") + body


def ole(path: Path, **streams: bytes) -> Path:
    """Save an OLE container; each stream is padded to 4,096 bytes, so that it lies in ordinary sectors."""
    sector, sectors, entries = 512, [], []
    fat: list[int] = []

    def chain(content: bytes) -> int:
        start = len(sectors)
        pieces = [content[at : at + sector].ljust(sector, b"\0") for at in range(0, len(content), sector)]
        sectors.extend(pieces)
        fat.extend([*range(start + 1, start + len(pieces)), 0xFFFFFFFE])
        return start

    for name, content in streams.items():
        padded = content.ljust(4096, b"\0")
        entries.append((name, 2, chain(padded), len(padded)))
    root = [("Root Entry", 5, 0xFFFFFFFE, 0), *entries]
    directory = b""
    for n, (name, kind, start, size) in enumerate(root):
        wide = name.encode("utf-16-le")
        child, right = (1 if n == 0 and len(root) > 1 else 0xFFFFFFFF), (n + 1 if 0 < n < len(root) - 1 else 0xFFFFFFFF)
        links = struct.pack("<HBBIII", len(wide) + 2, kind, 1, 0xFFFFFFFF, right, child)
        directory += wide.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", start, size)
    directory_start = chain(directory.ljust(-(-len(directory) // sector) * sector, b"\0"))
    fat_start = len(sectors)
    fat.append(0xFFFFFFFD)
    assert len(fat) <= 128, "one sector of the allocation table is enough for tests"
    sectors.append(struct.pack("<128I", *fat, *[0xFFFFFFFF] * (128 - len(fat))))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, 1, directory_start, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", fat_start, *[0xFFFFFFFF] * 108)
    path.write_bytes(header + b"".join(sectors))
    return path
