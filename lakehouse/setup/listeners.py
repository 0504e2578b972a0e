"""Who listens on which port, read from /proc: no tool has to be installed for it."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

LISTENING = "0A"


@dataclass(frozen=True)
class Listener:
    """One listening TCP socket.

    Attributes:
        address: what it is bound to.
        port: its TCP port.
        pid: the process that holds it; None when it belongs to another user and cannot be seen.
        command: that process's command line, shortened; or the owner's user id.
        ours: the process belongs to the folder that was asked for.
    """

    address: str
    port: int
    pid: int | None
    command: str
    ours: bool

    @property
    def on_loopback(self) -> bool:
        """True when only this machine can reach it."""
        address = ipaddress.ip_address(self.address)
        mapped = getattr(address, "ipv4_mapped", None)
        return (mapped or address).is_loopback


@dataclass(frozen=True)
class _Socket:
    address: str
    port: int
    uid: int
    inode: str


def address_of(text: str) -> tuple[str, int]:
    """Return address and port of a /proc/net/tcp field: hex, each 32-bit word in host order."""
    packed, port = text.split(":")
    words = (int(packed[at : at + 8], 16) for at in range(0, len(packed), 8))
    return str(ipaddress.ip_address(b"".join(struct.pack("=I", word) for word in words))), int(port, 16)


def _sockets(proc: Path) -> list[_Socket]:
    found = []
    for name in ("tcp", "tcp6"):
        table = proc / "net" / name
        for line in table.read_text().splitlines()[1:] if table.is_file() else ():
            fields = line.split()
            if fields[3] == LISTENING:
                address, port = address_of(fields[1])
                found.append(_Socket(address, port, int(fields[7]), fields[9]))
    return found


def _inodes(process: Path) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                match = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor))  # noqa: PTH115  the target is no path
                if match:
                    found.add(match[1])
    return found


def _arguments(process: Path) -> list[str]:
    try:
        return [part for part in (process / "cmdline").read_bytes().decode(errors="replace").split("\0") if part]
    except OSError:
        return []


def _belongs(process: Path, arguments: list[str], folder: Path) -> bool:
    places = list(arguments)
    for link in ("exe", "cwd"):
        with contextlib.suppress(OSError):
            places.append(os.readlink(process / link))  # noqa: PTH115
    prefix = f"{folder}{os.sep}"
    return any(prefix in f"{place}{os.sep}" for place in places)


def listeners(folder: Path, proc: Path = Path("/proc")) -> list[Listener]:
    """Return every listening TCP socket of the machine, by port.

    Args:
        folder: a process whose program, working folder or command line lies here is one of ours.
        proc: where the process file system is mounted.
    """
    sockets = {socket.inode: socket for socket in _sockets(proc)}
    held: dict[str, Listener] = {}
    for process in proc.iterdir() if sockets else ():
        if not process.name.isdigit():
            continue
        for inode in _inodes(process) & sockets.keys() - held.keys():
            socket, arguments = sockets[inode], _arguments(process)
            ours = _belongs(process, arguments, folder)
            held[inode] = Listener(socket.address, socket.port, int(process.name), " ".join(arguments)[:100], ours)
    for inode in sockets.keys() - held.keys():
        socket = sockets[inode]
        held[inode] = Listener(socket.address, socket.port, None, f"a process of user id {socket.uid}", False)
    return sorted(held.values(), key=lambda listener: (listener.port, listener.address))
