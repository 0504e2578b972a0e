"""The bytes of a text file as UTF-8, taken line by line or block by block, with a bounded part of it in memory."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from lakehouse.sources.contracts import ContractBreachError, Difference

CHUNK = 4 << 20
MAX_RECORD = 64 << 20
LINE_END = re.compile(rb"\r\n|\r|\n")
UTF_8_MARK = b"\xef\xbb\xbf"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PAR1": "Parquet"}


def check_start(path: Path, encoding: str) -> None:
    """Refuse what shows in the first bytes: nothing at all, another encoding, a packed file.

    Raises:
        ContractBreachError: the file is empty, UTF-16 unasked, or packed.
    """
    with path.open("rb") as raw:
        start = raw.read(8)
    if not start:
        raise ContractBreachError([Difference("empty", "rows", "0 bytes")])
    packed = next((name for sign, name in PACKED.items() if start.startswith(sign)), "")
    if packed:
        raise ContractBreachError([Difference("compression", "plain text", packed)])
    if start.startswith(UTF_16_MARKS) and not codecs.lookup(encoding).name.startswith("utf-16"):
        raise ContractBreachError([Difference("encoding", encoding, "UTF-16")])


def utf8_chunks(path: Path, encoding: str) -> Iterator[bytes]:
    """Yield a file's bytes as UTF-8, without a byte-order mark; a file that is declared UTF-8 is passed on unchecked.

    Raises:
        ContractBreachError: bytes that the declared encoding does not have.
    """
    passed_on = codecs.lookup(encoding).name in {"utf-8", "utf-8-sig", "ascii"}
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    first, done = True, 0
    with path.open("rb") as raw:
        while chunk := raw.read(CHUNK):
            try:
                text = chunk if passed_on else decoder.decode(chunk).encode("utf-8")
            except UnicodeError as error:
                raise ContractBreachError([Difference("encoding", encoding, f"bytes near {done} that cannot be decoded")]) from error
            done += len(chunk)
            if text:
                yield text.removeprefix(UTF_8_MARK) if first else text
                first = False
    if not passed_on and decoder.getstate()[0]:
        raise ContractBreachError([Difference("encoding", encoding, f"an unfinished character at byte {done}")])


class Feed:
    """What is left of a file.

    Attributes:
        held: bytes that were read and not taken, from `at` on.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.held = b""
        self.at = 0
        self.ended = False

    @property
    def has_chunk(self) -> bool:
        """Whether a whole chunk is held."""
        return len(self.held) - self.at >= CHUNK

    def more(self) -> bool:
        """Read on; False at the end of the file.

        Raises:
            ContractBreachError: one record is longer than `MAX_RECORD`.
        """
        if len(self.held) - self.at > MAX_RECORD:
            raise ContractBreachError([Difference("too_large", f"records of at most {MAX_RECORD} bytes", "a longer one")])
        chunk = next(self._chunks, b"")
        self.ended = not chunk
        if chunk:
            self.held, self.at = self.held[self.at :] + chunk, 0
        return not self.ended

    def line(self) -> bytes:
        """Take one line with its end (LF, CRLF or CR; a CRLF may come as two ends); nothing is left when it is empty."""
        while True:
            found = LINE_END.search(self.held, self.at)
            if found is None and not self.ended and self.more():
                continue
            end = found.end() if found else len(self.held)
            taken, self.at = self.held[self.at : end], end
            return taken

    def lines(self) -> Iterator[str]:
        """Take lines as text.

        Raises:
            UnicodeDecodeError: a line is not UTF-8.
        """
        while line := self.line():
            yield line.decode("utf-8")

    def block(self) -> bytes:
        """Show, without taking it, a block of whole records: up to the last line feed outside quotes, or to the end of the file.

        Returns:
            The bytes; empty when no such end is held, or nothing is left.
        """
        while not self.has_chunk and not self.ended and self.more():
            pass
        if self.ended:
            return self.held[self.at :]
        return self.held[self.at : self._cut()]

    def _cut(self) -> int:
        quotes, upto = self.held.count(b'"', self.at), len(self.held)
        while (found := self.held.rfind(b"\n", self.at, upto)) >= 0:
            quotes -= self.held.count(b'"', found, upto)
            if quotes % 2 == 0:
                return found + 1
            upto = found
        return self.at

    def take(self, count: int) -> None:
        """Take bytes that `block` has shown."""
        self.at += count
