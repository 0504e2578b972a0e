"""`lakehouse doctor`."""

from __future__ import annotations

import subprocess
import sys

import typer


def command() -> None:
    """Check what this machine needs: Python, Javas, Maven, Go, memory, disk, ports."""
    raise typer.Exit(subprocess.run([sys.executable, "-m", "lakehouse.setup", "doctor"], check=False).returncode)
