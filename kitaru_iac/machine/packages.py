"""Which Python packages this environment has, and the command that brings missing ones."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = [
    "DISTRIBUTION",
    "absent",
    "forget",
    "install_command",
    "is_importable",
    "pip_install",
    "reinstall_command",
    "requirements",
    "unmet",
    "version",
]

DISTRIBUTION: Final = "kitaru-iac"


def forget() -> None:
    """Read the metadata anew from here on: packages may have come or gone."""
    _lines.cache_clear()


def unmet(distribution: str = DISTRIBUTION, extra: str | None = None) -> list[str]:
    """List what a distribution or one of its extras asks for and this environment does not have.

    Follows the extras it asks of others (`zenml[connectors-aws]`), by their own metadata.

    Returns:
        One line for each, as `boto3 (not installed)` or `kubernetes 36.0.0 (needs <36,>=33)`.
    """
    return list(dict.fromkeys(_unmet(distribution, extra, set())))


def _unmet(
    distribution: str, extra: str | None, seen: set[tuple[str, str | None]]
) -> Iterator[str]:
    key = (canonicalize_name(distribution), extra)
    if key in seen:
        return
    seen.add(key)
    for wanted in requirements(distribution, extra):
        try:
            found = version(wanted.name)
        except metadata.PackageNotFoundError:
            yield f"{wanted.name} (not installed)"
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            yield f"{wanted.name} {found} (needs {wanted.specifier})"
        for inner in sorted(wanted.extras):
            yield from _unmet(wanted.name, inner, seen)


def requirements(distribution: str, extra: str | None) -> Iterator[Requirement]:
    """Give what applies here: the base requirements, or those that only the extra adds."""
    for line in _lines(distribution):
        wanted = _parsed(line)
        marker = wanted.marker
        in_base = marker is None or marker.evaluate({"extra": ""})
        if in_base is (extra is None) and (
            marker is None or marker.evaluate({"extra": extra or ""})
        ):
            yield wanted


def absent(lines: Iterable[str]) -> list[str]:
    """List those of some requirements of which this environment has no release at all.

    A release that is out of range is not listed: ranges of others may contradict ours.
    """
    missing = []
    for line in dict.fromkeys(lines):
        wanted = _parsed(line)
        try:
            if wanted.marker is None or wanted.marker.evaluate():
                version(wanted.name)
        except metadata.PackageNotFoundError:
            missing.append(line)
    return missing


def is_importable(package: str) -> bool:
    """Say whether a package can be imported here, without importing it."""
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # as a finder may say it
        return False


@cache
def _lines(distribution: str) -> list[str]:
    """The requirements as written, until `forget`."""
    return metadata.requires(distribution) or []


def version(distribution: str) -> str:
    """Give `metadata.version`, without parsing the whole description of the package."""
    found = metadata.distribution(distribution)
    line = re.search(r"^Version: *(\S+)", found.read_text("METADATA") or "", re.MULTILINE)
    return line[1] if line else found.version


@cache
def _parsed(line: str) -> Requirement:
    return Requirement(line)


def install_command(extra: str | None = None) -> str:
    """Give the command that installs this project, with an extra, where it runs now."""
    return pip_install([f"{DISTRIBUTION}[{extra}]" if extra else DISTRIBUTION])


def pip_install(wanted: Iterable[str]) -> str:
    """Give the command that installs requirements where this project runs now."""
    python = shlex.quote(sys.executable or "python3")
    words = " ".join(shlex.quote(line) for line in wanted)
    if _only_uv():
        return f"uv pip install --python {python} {words}"
    return f"{python} -m pip install {words}"


def reinstall_command() -> str:
    """Give the command that writes this project's commands again, where it runs now."""
    python = shlex.quote(sys.executable or "python3")
    if _only_uv():
        return f"uv pip install --python {python} --reinstall --no-deps {DISTRIBUTION}"
    return f"{python} -m pip install --force-reinstall --no-deps {DISTRIBUTION}"


def _only_uv() -> bool:
    return find_spec("pip") is None and shutil.which("uv") is not None
