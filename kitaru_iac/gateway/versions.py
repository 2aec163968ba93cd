"""Which servers of ZenML this package works with, and what an older one lacks.

The documents of the REST API have only grown since `OLDEST`: the tests run on that release, on
`NEWEST`, and on two in between (`tests/servers/releases.py`). A release line is major and minor:
patch releases, pre-releases and local builds of a line are taken for the line.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Literal, TypeAlias

from kitaru_iac.errors import NotConnectedError
from kitaru_iac.notices import KitaruWarning, VersionMismatch
from kitaru_iac.patterns import compiled

__all__ = [
    "NEWEST",
    "OLDEST",
    "Support",
    "check_server",
    "could_be_version",
    "installed_version",
    "release_line",
    "support",
]

Line: TypeAlias = tuple[int, int]
Support: TypeAlias = Literal["ok", "newer", "too_old", "unknown"]

#: The first and the last release line whose servers the tests run on.
OLDEST: Line = (0, 85)
NEWEST: Line = (0, 98)

# A version as PEP 440 writes it, without an epoch. Each part comes once, so no text takes long.
_VERSION = compiled(
    r"v?([0-9]{1,6})\.([0-9]{1,6})(?:\.[0-9]{1,9}){0,3}"
    r"(?:[-_.]?(?:alpha|beta|preview|pre|rc|a|b|c)[-_.]?[0-9]{0,9})?"
    r"(?:-[0-9]{1,9}|[-_.]?(?:post|rev|r)[-_.]?[0-9]{0,9})?"
    r"(?:[-_.]?dev[-_.]?[0-9]{0,9})?"
    r"(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?",
    re.ASCII | re.IGNORECASE,
)
#: No version is longer.
_LONGEST = 64
#: What a server may call its version, readable or not; anything else no ZenML server says.
_WORD = re.compile(r"[\w.+-]{1,40}", re.ASCII)


def installed_version() -> str | None:
    """Give the version of ZenML that is installed here; None where none is."""
    from importlib import metadata

    with suppress(metadata.PackageNotFoundError):
        return metadata.version("zenml")
    return None


def could_be_version(found: object) -> bool:
    """Say whether what a server gives as its version is one word; else it is no ZenML server."""
    return isinstance(found, str) and _WORD.fullmatch(found) is not None


def release_line(version: str) -> Line | None:
    """Read the release line off a version: ``(0, 98)`` of ``"0.98.1rc2"``; None if it is none."""
    text = version.strip()
    match = _VERSION.fullmatch(text) if len(text) <= _LONGEST else None
    return (int(match[1]), int(match[2])) if match else None


def support(version: str) -> Support:
    """Say how far a server of this version is known.

    Returns:
        ``ok``; ``newer`` than what the tests run on; ``too_old``; ``unknown`` if it is no version.
    """
    line = release_line(version)
    if line is None:
        return "unknown"
    if line < OLDEST:
        return "too_old"
    return "newer" if line > NEWEST else "ok"


def check_server(url: str, version: str) -> tuple[KitaruWarning, ...]:
    """Return what there is to know about a server of this version: nothing, or one warning.

    Args:
        url: The server, for the words.
        version: What it says of itself, as it came.

    Raises:
        NotConnectedError: It is older than `OLDEST`.
    """
    found = support(version)
    if found == "ok":
        return ()
    if found == "too_old":
        raise NotConnectedError(
            f"The server {url} runs ZenML {version.strip()}, which is too old",
            why=f"kitaru works with servers from ZenML {_text(OLDEST)} on",
            remedy="Let its administrator upgrade the server.",
        )
    if found == "newer":
        text = (
            f"The server runs ZenML {version.strip()}. kitaru is tested with servers "
            f"up to {_text(NEWEST)}; what is new there it does not know."
        )
    else:
        text = f"The server's version is none that kitaru can read: {_shown(version)}."
    return (VersionMismatch(text),)


def _text(line: Line) -> str:
    return f"{line[0]}.{line[1]}"


def _shown(version: str) -> str:
    # Whatever a server sends: no control sequence, no flood.
    return ascii(version[:40]) + ("…" if len(version) > 40 else "")
