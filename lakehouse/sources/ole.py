"""Streams of an OLE container (the file of an xls workbook), read from its sector chains. Knows nothing of what is in them."""

from __future__ import annotations

import struct

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
END = 0xFFFFFFFE
LAST_SECTOR = 0xFFFFFFFA
ENTRY = 128
STREAM, ROOT = 2, 5


class OleError(Exception):
    """The container's chains do not hold together."""


class Ole:
    """The directory of an OLE container.

    Attributes:
        names: names of its storages and streams.
    """

    def __init__(self, content: bytes) -> None:
        if len(content) < 512 or not content.startswith(MAGIC):
            raise OleError("no OLE header")
        self._content = content
        self._sector = 1 << struct.unpack_from("<H", content, 30)[0]
        if self._sector not in {512, 4096}:
            raise OleError(f"sectors of {self._sector} bytes")
        self._mini_limit = struct.unpack_from("<I", content, 56)[0]
        self._fat = self._table()
        self._entries: dict[str, tuple[int, int, int]] = {}
        directory = self._chain(struct.unpack_from("<I", content, 48)[0])
        for at in range(0, len(directory) - ENTRY + 1, ENTRY):
            length, kind = struct.unpack_from("<HB", directory, at + 64)
            if kind and 2 <= length <= 64:
                name = directory[at : at + length - 2].decode("utf-16-le", "replace")
                self._entries.setdefault(name, (kind, *struct.unpack_from("<II", directory, at + 116)))
        self.names = frozenset(self._entries)

    def _read(self, sector: int) -> bytes:
        at = (sector + 1) * self._sector
        if at >= len(self._content):
            raise OleError(f"sector {sector} lies behind the end of the file")
        return self._content[at : at + self._sector]

    def _table(self) -> tuple[int, ...]:
        """The allocation table: sector to the next one of its chain."""
        sectors = [each for each in struct.unpack_from("<109I", self._content, 76) if each < LAST_SECTOR]
        following, seen = struct.unpack_from("<I", self._content, 68)[0], 0
        while following < LAST_SECTOR:
            numbers = struct.unpack_from(f"<{self._sector // 4}I", self._read(following).ljust(self._sector, b"\xff"))
            sectors += [each for each in numbers[:-1] if each < LAST_SECTOR]
            following, seen = numbers[-1], seen + 1
            if seen > len(self._content) // self._sector:
                raise OleError("a chain without end")
        table = b"".join(self._read(each) for each in sectors)
        return struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])

    def _chain(self, sector: int) -> bytes:
        parts: list[bytes] = []
        while sector < LAST_SECTOR:
            if sector >= len(self._fat) or len(parts) > len(self._content) // self._sector:
                raise OleError("a chain without end")
            parts.append(self._read(sector))
            sector = self._fat[sector]
        return b"".join(parts)

    def stream(self, name: str) -> bytes:
        """Return a stream's bytes; OleError when there is none of that name or its chain is broken."""
        kind, start, size = self._entries.get(name, (0, 0, 0))
        if kind != STREAM:
            raise OleError(f"no stream {name}")
        if size >= self._mini_limit:
            return self._chain(start)[:size]
        return self._mini_stream(start, size)

    def _mini_stream(self, start: int, size: int) -> bytes:
        root = next((place for kind, place, _ in self._entries.values() if kind == ROOT), END)
        small = self._chain(root)
        table = self._chain(struct.unpack_from("<I", self._content, 60)[0])
        parts: list[bytes] = []
        while start < LAST_SECTOR and len(parts) * 64 < size:
            parts.append(small[start * 64 : start * 64 + 64])
            if start * 4 + 4 > len(table):
                raise OleError("a chain without end")
            start = struct.unpack_from("<I", table, start * 4)[0]
        return b"".join(parts)[:size]
