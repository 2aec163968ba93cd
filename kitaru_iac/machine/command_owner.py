"""Whose a command on PATH is: two distributions may bring one of the same name."""

from __future__ import annotations

import re
import shutil
import sysconfig
from pathlib import Path

from kitaru_iac.patterns import compiled
from kitaru_iac.values import dataclass

__all__ = ["CommandOnPath", "command_on_path", "other_flows_version", "scripts_folder"]

_IMPORT = compiled(r"^\s*(?:from|import)\s+(\w+)[\w.]*(?:\s+import\b)", re.MULTILINE)
#: What a script may import to find its entry point: not what it calls.
_LOADERS = frozenset({"importlib", "importlib_metadata", "pkg_resources", "re", "sys"})
#: Characters: a script that an installer writes is much shorter.
_ENOUGH = 4096


@dataclass(frozen=True, slots=True)
class CommandOnPath:
    """A command that the shell finds.

    Attributes:
        path: Where.
        package: The import package that its script calls; None where that cannot be told.
        is_here: Whether it is of this environment.
        distribution: What brought it, as ``NAME VERSION``; None in another environment.
    """

    path: str
    package: str | None
    is_here: bool
    distribution: str | None


def command_on_path(name: str) -> CommandOnPath | None:
    """Find the command that a shell would run; None where there is none."""
    found = shutil.which(name)
    if found is None:
        return None
    package = _package_of(Path(found))
    # A link, as those of pipx and of `uv tool`, belongs to where it leads.
    is_here = Path(found).resolve().parent == scripts_folder().resolve()
    distribution = _distribution(name, package) if is_here and package else None
    return CommandOnPath(found, package, is_here, distribution)


def other_flows_version() -> str | None:
    """Give the version of the distribution `kitaru` where one with flows is installed here.

    Its later releases have none. Nothing of it is imported.
    """
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        other = distribution("kitaru")
    except PackageNotFoundError:  # a folder of that name is none
        return None
    return other.version if Path(str(other.locate_file("kitaru/flow.py"))).is_file() else None


def scripts_folder() -> Path:
    """The folder that this environment's commands are installed into."""
    return Path(sysconfig.get_path("scripts"))


def _package_of(script: Path) -> str | None:
    try:
        with script.open(encoding="utf-8") as file:
            text = file.read(_ENOUGH)
    except (OSError, UnicodeDecodeError):  # not a script, or not ours to read
        return None
    return next((name for name in _IMPORT.findall(text) if name not in _LOADERS), None)


def _distribution(name: str, package: str) -> str | None:
    from importlib.metadata import entry_points

    for entry in entry_points(group="console_scripts", name=name):
        if re.split(r"[.:]", entry.value)[0] == package and entry.dist is not None:
            return f"{entry.dist.name} {entry.dist.version}"
    return None
