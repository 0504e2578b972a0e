"""The Debian packages that only the tests need: a browser and a font for it."""

from __future__ import annotations

import os
import shutil
import subprocess

from lakehouse.errors import SetupStepError
from lakehouse.setup.places import Places
from lakehouse.setup.steps import Step, run_command

PACKAGES = ("chromium", "fonts-dejavu-core")


def absent() -> list[str]:
    """Return which of the packages are not installed; all of them where there is no dpkg."""
    if not shutil.which("dpkg-query"):
        return list(PACKAGES)
    command = ["dpkg-query", "--show", "--showformat=${Package} ${Status}\n", *PACKAGES]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    there = {line.split()[0] for line in answer.stdout.splitlines() if line.endswith(" install ok installed")}
    return [package for package in PACKAGES if package not in there]


def _as_root() -> list[str]:
    """Return what to put before a command to run it as root.

    Raises:
        SetupStepError: this user may not.
    """
    if os.geteuid() == 0:
        return []
    may = shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], check=False, capture_output=True).returncode == 0
    if not may:
        raise SetupStepError("debian", f"{', '.join(absent())} must be installed by root", f"sudo apt-get install {' '.join(absent())}")
    return ["sudo", "-n"]


def make(places: Places) -> None:
    """Install what is absent by apt-get.

    Raises:
        SetupStepError: no apt-get here, or no right to use it.
    """
    if not shutil.which("apt-get"):
        raise SetupStepError("debian", "there is no apt-get here", f"install {' and '.join(absent())} as your system does, then make test")
    apt = [*_as_root(), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes"]
    run_command("debian", [*apt, "update"], places.logs / "debian.log", {})
    run_command("debian", [*apt, "install", "--no-install-recommends", *absent()], places.logs / "debian.log", {})


def step(places: Places) -> Step:
    """Return the step of the tests' packages."""
    what = f"Debian packages {', '.join(PACKAGES)}, for the browser tests"
    return Step("debian", what, "1 min", lambda: ", ".join(f"{name} absent" for name in absent()), lambda: make(places))
