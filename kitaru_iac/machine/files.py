"""Where this process stands, and links that lead to nothing."""

from __future__ import annotations

from pathlib import Path

from kitaru_iac.errors import UsageError

__all__ = ["here", "is_broken_link"]


def here() -> Path:
    """Give the current directory.

    Raises:
        UsageError: It was removed.
    """
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise UsageError(
            "The directory that this command runs in does not exist any more",
            remedy="Go to another one: cd",
        ) from error


def is_broken_link(path: Path) -> bool:
    """Say whether it, or a folder on the way to it, is a link that leads to nothing."""
    return any(place.is_symlink() and not place.exists() for place in (path, *path.parents))
