"""Find a Pulumi engine: the program `pulumi`, new enough.

Importing this module imports nothing of Pulumi's SDK.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import total_ordering
from pathlib import Path

from kitaru_iac.errors import EngineError

__all__ = [
    "MINIMUM",
    "EngineNotFound",
    "EngineTooOld",
    "EngineUnusable",
    "FoundEngine",
    "Version",
    "find_engine",
    "inspect",
]

INSTALL_PAGE = "https://www.pulumi.com/docs/install/"
CHOICE = "KITARU_PULUMI"


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """A version as `pulumi version` tells it, compared by its three numbers."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """Read `v3.181.0`, also with something behind it, as in `v3.182.0-alpha.1+dirty`."""
        found = re.match(r"v?(\d+)\.(\d+)\.(\d+)(?![\d.])", text.strip())
        return cls(*map(int, found.groups())) if found else None

    def __lt__(self, other: Version) -> bool:
        return (self.major, self.minor, self.patch) < (other.major, other.minor, other.patch)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


# Inline programs of the Automation API can refresh and destroy only from this version on: see the
# check in `pulumi.automation._stack.Stack.refresh` (`--run-program`).
MINIMUM = Version(3, 181, 0)


@dataclass(frozen=True, slots=True)
class FoundEngine:
    """A Pulumi engine on this machine.

    Attributes:
        path: The program.
        version: What `pulumi version` said.
    """

    path: Path
    version: Version


#: Starting an engine takes 0.2 s of CPU, and a run of several stacks asks for it many times.
_inspected: dict[tuple[Path, int, int, int], FoundEngine] = {}


class EngineNotFound(EngineError):
    """No program named `pulumi` is where one is looked for.

    Args:
        searched: The directories that were searched.
    """

    code = "engine_not_found"

    def __init__(self, searched: tuple[Path, ...]) -> None:
        self.searched = searched
        super().__init__(
            "No Pulumi engine was found",
            why=f"Provisioning runs the program `pulumi`, {MINIMUM} or newer.",
            remedy=f"Install it ({INSTALL_PAGE}), or set {CHOICE} to its path.",
        )


class EngineTooOld(EngineError):
    """The engine is older than this project can use.

    Args:
        found: The engine.
        minimum: The oldest version that would do.
    """

    code = "engine_too_old"

    def __init__(self, found: FoundEngine, minimum: Version = MINIMUM) -> None:
        self.found = found
        self.minimum = minimum
        super().__init__(
            f"The Pulumi engine {found.path} is {found.version}",
            why=f"The oldest supported version is {minimum}.",
            remedy=f"Install a newer one ({INSTALL_PAGE}), or set {CHOICE} to the path of one.",
        )


class EngineUnusable(EngineError):
    """A program named `pulumi` did not tell its version.

    Args:
        path: The program.
        reason: What happened instead.
    """

    code = "engine_unusable"

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"{path} is not a usable Pulumi engine",
            why=f"`pulumi version`: {reason}",
            remedy=f"Set {CHOICE} to the path of a working one, or install it ({INSTALL_PAGE}).",
        )


def inspect(path: Path, *, timeout: float = 20.0) -> FoundEngine:
    """Ask one program for its version, once in a process while it stays the same file.

    Raises:
        EngineUnusable: It cannot be started, fails, hangs, or tells no version.
    """
    try:
        file = path.stat()
    except OSError as error:
        raise EngineUnusable(path, error.strerror or type(error).__name__) from error
    key = path, file.st_ino, file.st_size, file.st_mtime_ns
    if key not in _inspected:
        _inspected[key] = _ask(path, timeout)
    return _inspected[key]


def _ask(path: Path, timeout: float) -> FoundEngine:
    quiet = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run(
            [str(path), "version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=timeout,
            env=quiet,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineUnusable(path, f"no answer in {timeout:g} seconds") from None
    except OSError as error:
        raise EngineUnusable(path, error.strerror or type(error).__name__) from error
    if answer.returncode != 0:
        raise EngineUnusable(path, f"it ended with code {answer.returncode}")
    version = Version.parse(answer.stdout)
    if version is None:
        raise EngineUnusable(path, "it printed no version")
    return FoundEngine(path, version)


def find_engine(install_dir: Path | None = None, *, timeout: float = 20.0) -> FoundEngine:
    """The engine to use.

    `$KITARU_PULUMI` decides alone if it is set. Else the first that fits is taken of: `PATH`,
    `~/.pulumi/bin` (Pulumi's installer), and the engines in `install_dir`, newest first.

    Args:
        install_dir: Where this project installs engines itself: `bin/` or `*/bin/` in it.
        timeout: How long one program may take to tell its version, in seconds.

    Raises:
        EngineNotFound: There is none.
        EngineTooOld: There is one, older than `MINIMUM`.
        EngineUnusable: There is one that does not work.
    """
    chosen = os.environ.get(CHOICE)
    if chosen:
        engine = inspect(Path(chosen).expanduser(), timeout=timeout)
        if engine.version < MINIMUM:
            raise EngineTooOld(engine)
        return engine

    first_problem: EngineTooOld | EngineUnusable | None = None
    for path in _candidates(install_dir):
        try:
            engine = inspect(path, timeout=timeout)
            if engine.version >= MINIMUM:
                return engine
            problem: EngineTooOld | EngineUnusable = EngineTooOld(engine)
        except EngineUnusable as error:
            problem = error
        first_problem = first_problem or problem
    if first_problem:
        raise first_problem
    raise EngineNotFound(_searched(install_dir))


def _searched(install_dir: Path | None) -> tuple[Path, ...]:
    on_path = [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    own = [install_dir] if install_dir else []
    return (*on_path, Path.home() / ".pulumi" / "bin", *own)


def _candidates(install_dir: Path | None) -> Iterator[Path]:
    """Every program named `pulumi` that is looked at, each once."""
    name = "pulumi.exe" if os.name == "nt" else "pulumi"
    found = shutil.which("pulumi")
    places = [Path(found)] if found else []
    places.append(Path.home() / ".pulumi" / "bin" / name)
    if install_dir:
        places.append(install_dir / "bin" / name)
        places += sorted(install_dir.glob(f"*/bin/{name}"), key=_version_in_path, reverse=True)
    seen = set()
    for place in places:
        if os.access(place, os.X_OK) and place.is_file() and place.resolve() not in seen:
            seen.add(place.resolve())
            yield place


def _version_in_path(path: Path) -> Version:
    return Version.parse(path.parent.parent.name) or Version(0, 0, 0)
