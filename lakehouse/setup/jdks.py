"""Find the installed Java runtimes, wherever they are, and the one that a service needs."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import RequirementError

JAVA_HOME_VARIABLE = re.compile(r"^(JAVA_HOME.*|JAVA_.*_HOME|JDK_HOME)$")
FOLDERS = ("/usr/lib/jvm/*", "/opt/java/*", "~/.sdkman/candidates/java/*", "~/.jdks/*")
HOW_TO_INSTALL = {
    17: "apt-get install openjdk-17-jdk-headless",
    25: "apt-get install openjdk-25-jdk-headless || apt-get install temurin-25-jdk",
}


@dataclass(frozen=True)
class Jdk:
    """One installed Java runtime: its home folder and its version, as numbers."""

    home: Path
    version: tuple[int, ...]

    @property
    def text(self) -> str:
        """The version as written, for instance `17.0.15`."""
        return ".".join(map(str, self.version))


def version_of(text: str | int) -> tuple[int, ...]:
    """Return the numbers of a Java version (`"17.0.15"`, `25`, `"25-ea"`, and `"1.8.0_402"` as 8.0.402)."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", str(text).split("-")[0].split("+")[0]))
    return numbers[1:] if numbers[:1] == (1,) else numbers


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    for name, value in environment.items():
        if JAVA_HOME_VARIABLE.match(name) and value:
            yield Path(value)
    for pattern in FOLDERS:
        folder = Path(pattern).expanduser().parent
        if folder.is_dir():
            yield from sorted(folder.iterdir())
    java = shutil.which("java", path=environment.get("PATH", os.defpath))
    if java:
        yield Path(java).resolve().parent.parent


def read_jdk(home: Path) -> Jdk | None:
    """Return the runtime at a home folder by its `release` file, or None when there is none."""
    release = home / "release"
    if not release.is_file() or not os.access(home / "bin" / "java", os.X_OK):
        return None
    found = re.search(r'^JAVA_VERSION="?([^"\n]+)"?', release.read_text(errors="replace"), re.MULTILINE)
    return Jdk(home, version_of(found[1])) if found else None


def installed_jdks(environment: Mapping[str, str] | None = None) -> list[Jdk]:
    """Return every installed runtime once, oldest version first.

    Args:
        environment: variables to look into; the process's own when None.
    """
    found: dict[Path, Jdk] = {}
    for home in _candidates(os.environ if environment is None else environment):
        jdk = read_jdk(home)
        if jdk:
            found.setdefault(home.resolve(), jdk)
    return sorted(found.values(), key=lambda jdk: (jdk.version, str(jdk.home)))


def _wanted(minimum: str | int, maximum: str | int | None) -> str:
    if maximum is None:
        return f"Java {minimum} or newer"
    return f"Java {minimum}" if version_of(minimum) == version_of(maximum) else f"Java {minimum} to {maximum}"


def how_to_install(minimum: str | int) -> str:
    """Return the command that brings a runtime of at least this version."""
    major = 17 if version_of(minimum)[0] <= 17 else 25
    return HOW_TO_INSTALL[major]


def find_jdk(minimum: str | int, maximum: str | int | None = None, environment: Mapping[str, str] | None = None) -> Path:
    """Return the home of the oldest installed runtime within the bounds (nearest to what was tried).

    Args:
        minimum: least version, `17` or `"24.0.1"`.
        maximum: greatest version, inclusive at its own precision: `17` admits 17.0.15.
        environment: variables to look into; the process's own when None.

    Raises:
        RequirementError: none is installed within the bounds.
    """
    jdks = installed_jdks(environment)
    least, most = version_of(minimum), version_of(maximum) if maximum is not None else None
    for jdk in jdks:
        if jdk.version >= least and (most is None or jdk.version[: len(most)] <= most):
            return jdk.home
    have = ", ".join(jdk.text for jdk in jdks) or "none"
    cause = f"{_wanted(minimum, maximum)} is needed; found: {have} (looked in JAVA_HOME and JAVA_*_HOME, /usr/lib/jvm and PATH)"
    raise RequirementError("JDK", cause, how_to_install(minimum))
