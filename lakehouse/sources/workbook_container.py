"""What a file is before any of its cells is parsed: a zip or OLE container, its size, its parts, and what must not be in it.

Imported by the child process only.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Set
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from lakehouse.sources.ole import MAGIC as OLE_MAGIC
from lakehouse.sources.ole import Ole, OleError
from lakehouse.sources.workbook_marks import Marks, SheetScan
from lakehouse.sources.workbook_ods import OdsScan
from lakehouse.sources.workbook_records import xls_marks, xlsb_marks

MAX_PACKED = 50 << 20
MAX_EXPANDED = 512 << 20
MAX_RATIO = 100
RATIO_FROM = 16 << 20
MAX_PARTS = 10_000
PIECE = 1 << 20
ZIP_MAGIC = b"PK\x03\x04"
LOCAL_HEADER = 30
ACTIVE = (
    "vbaproject.bin", "/externallinks/", "/activex/", "/macrosheets/", "/embeddings/", "/connections.", "/querytables/", "/customui",
    "/basic/", "/scripts/",
)  # fmt: skip
ARCHIVE = re.compile(r"\.(zip|7z|gz|bz2|xz|rar|jar|xls[xmb]?|ods|doc[xm]?|ppt[xm]?)$", re.IGNORECASE)
SHEET_PART = re.compile(r"xl/worksheets/[^/]+$|content\.xml$")
XML = re.compile(r"\.(xml|rels|vml)$", re.IGNORECASE)
DECLARED = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
READERS = {"xl/workbook.xml": "xlsx", "xl/workbook.bin": "xlsb", "content.xml": "ods"}

Feed = Callable[[bytes], None]


class RefusedError(Exception):
    """The workbook is not read; carries kind, expected and found."""

    def __init__(self, kind: str, expected: str, found: str) -> None:
        super().__init__(kind)
        self.line = [kind, expected, found]


class Container(Protocol):
    """A file whose container was checked.

    Attributes:
        kind: xlsx, xlsb, ods or xls.
    """

    kind: str

    def marks(self, sheet: str) -> Marks:
        """Return what the sheet says beside the values of its cells; what it holds is checked on the way."""


def container(path: Path) -> Container:
    """Look at a file's container.

    Raises:
        RefusedError: not a workbook, too large, packed suspiciously well, encrypted, or with macros or links to other files.
    """
    size = path.stat().st_size
    if size > MAX_PACKED:
        raise RefusedError("too_large", f"at most {MAX_PACKED} bytes", str(size))
    with path.open("rb") as raw:
        magic = raw.read(8)
    if magic.startswith(ZIP_MAGIC):
        return ZipFile(path, size)
    if magic == OLE_MAGIC:
        return OleFile(path)
    raise RefusedError("format", "an xlsx, xlsb, ods or xls workbook", f"a file that starts with {magic!r}")


class ZipFile:
    """An xlsx, xlsb or ods workbook."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        with self._errors(), zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            check_entries(entries, size)
            self.kind = next((kind for part, kind in READERS.items() if part in archive.namelist()), "")
            if not self.kind:
                raise RefusedError("format", "an xlsx, xlsb, ods or xls workbook", "an archive of something else")
            self._sheets = {entry.filename for entry in entries if SHEET_PART.match(entry.filename)}
            checked(archive, {entry.filename for entry in entries} - self._sheets, {})

    def marks(self, sheet: str) -> Marks:
        """See `Container.marks`; the parts of sheets are checked here, the others were before."""
        with self._errors(), zipfile.ZipFile(self._path) as archive:
            if self.kind == "xlsb":
                checked(archive, self._sheets, {})
                return xlsb_marks(archive, sheet)
            scan = OdsScan(sheet) if self.kind == "ods" else SheetScan(archive, sheet)
            checked(archive, self._sheets, scan.feeds)
            return scan.marks()

    def _errors(self) -> _ZipErrors:
        return _ZipErrors()


class _ZipErrors:
    """Damage that the archive's reader finds becomes a refusal."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError, KeyError)):
            raise RefusedError("zip", "an intact archive", str(error)[:160]) from error
        if isinstance(error, RuntimeError) and "password" in str(error):
            raise RefusedError("zip", "no password", "encrypted entries") from error


def check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Look at an archive's directory; RefusedError for what no workbook has."""
    names = [entry.filename for entry in entries]
    if len(names) > MAX_PARTS:
        raise RefusedError("zip", f"at most {MAX_PARTS} entries", str(len(names)))
    if len({name.casefold() for name in names}) != len(names):
        raise RefusedError("zip", "each entry once", "entries of the same name")
    if any(entry.flag_bits & 1 for entry in entries):
        raise RefusedError("zip", "no password", "encrypted entries")
    outside = next((name for name in names if name.startswith(("/", "\\")) or ":" in name or ".." in name.replace("\\", "/").split("/")), "")
    if outside:
        raise RefusedError("zip_path", "paths inside the archive", outside[:80])
    expanded = sum(entry.file_size for entry in entries)
    if expanded > MAX_EXPANDED or (expanded > RATIO_FROM and expanded > MAX_RATIO * size):
        raise RefusedError("ratio", f"at most {MAX_EXPANDED} bytes and {MAX_RATIO} times its size", f"{expanded} bytes expanded from {size}")
    active = next((name for name in names if any(mark in f"/{name.lower()}" for mark in ACTIVE)), "")
    if active:
        raise RefusedError("active_content", "no macros, no embedded files and no links to other files", active)
    nested = next((name for name in names if ARCHIVE.search(name)), "")
    if nested:
        raise RefusedError("zip", "no archive in the archive", nested[:80])
    _check_overlaps(entries)


def _check_overlaps(entries: list[zipfile.ZipInfo]) -> None:
    """Two entries must not share bytes: that is how a small archive unpacks into a huge one."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    for entry, following in pairwise(ordered):
        if entry.header_offset + LOCAL_HEADER + len(entry.filename.encode()) + entry.compress_size > following.header_offset:
            raise RefusedError("zip", "entries that do not overlap", f"{entry.filename[:60]} reaches into {following.filename[:60]}")


def checked(archive: zipfile.ZipFile, parts: Set[str], feeds: dict[str, Feed]) -> None:
    """Unpack parts once: their length and check sum must be right, none an archive, no XML with a declaration of its own.

    Args:
        archive: the workbook.
        parts: names of the parts.
        feeds: takes the pieces of a part.

    Raises:
        RefusedError: a part breaks one of these.
        zipfile.BadZipFile: a part is damaged.
    """
    for entry in archive.infolist():
        if entry.filename not in parts:
            continue
        is_xml, before, feed = XML.search(entry.filename) is not None, b"", feeds.get(entry.filename)
        for nth, piece in enumerate(_pieces(archive, entry)):
            if nth == 0 and piece.startswith(ZIP_MAGIC):
                raise RefusedError("zip", "no archive in the archive", entry.filename[:80])
            if is_xml:
                _check_xml(entry.filename, before + piece, first=nth == 0)
                before = piece[-16:]
            if feed:
                feed(piece)


def _pieces(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(entry) as part:
        while piece := part.read(PIECE):
            yield piece


def _check_xml(name: str, text: bytes, *, first: bool) -> None:
    if first and (text.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in text[:64]):
        raise RefusedError("xml", "UTF-8", f"{name[:60]} in another encoding")
    if DECLARED.search(text):
        raise RefusedError("xml", "no document type and no entities", name[:80])


class OleFile:
    """An xls workbook."""

    kind = "xls"

    def __init__(self, path: Path) -> None:
        try:
            self._ole = Ole(path.read_bytes())
        except OleError as error:
            raise RefusedError("format", "a readable workbook", str(error)) from error
        names = self._ole.names
        if "EncryptedPackage" in names:
            raise RefusedError("format", "a workbook without a password", "a password")
        if "_VBA_PROJECT_CUR" in names or "Macros" in names:
            raise RefusedError("active_content", "no macros, no embedded files and no links to other files", "a macro project")
        if not {"Workbook", "Book"} & names:
            raise RefusedError("format", "an xlsx, xlsb, ods or xls workbook", f"an OLE file with {', '.join(sorted(names))[:80]}")

    def marks(self, sheet: str) -> Marks:
        """See `Container.marks`."""
        try:
            marks = xls_marks(self._ole.stream("Workbook" if "Workbook" in self._ole.names else "Book"), sheet)
        except OleError as error:
            raise RefusedError("format", "a readable workbook", str(error)) from error
        if marks.has_password:
            raise RefusedError("format", "a workbook without a password", "a password")
        if marks.has_links:
            raise RefusedError("active_content", "no macros, no embedded files and no links to other files", "a link to another file")
        return marks
