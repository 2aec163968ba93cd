"""Whether one of ZenML's settings files is whole, and what to say where it is not."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

from kitaru_iac.errors import SettingsDamaged

__all__ = ["WHOLE", "Kind", "damaged"]

#: Whose file it is: this user's, a repository's, or that of the logins.
Kind = Literal["global", "repository", "logins"]


def _is_whole_global(content: Mapping[str, Any], text: bytes) -> bool:
    """ZenML sorts the keys: a store that was cut off has no `user_id` behind it.

    A cut-off `version` is a number. Before it has a store, ZenML writes the file without one.
    """
    if content and _is_closed(text):
        return True
    if not _is_id(content.get("user_id")):
        return False
    return isinstance(content.get("version"), str) or not (content.keys() & {"store", "version"})


def _is_whole_repository(content: Mapping[str, Any], text: bytes) -> bool:
    """`active_stack_id` is the last key, and null where no stack was chosen."""
    if "active_stack_id" not in content:
        return False
    chosen = content["active_stack_id"]
    return _is_id(chosen) if chosen is not None else text.endswith(b"\n")


def _is_whole_logins(content: Mapping[str, Any], text: bytes) -> bool:
    """Every login has a `url`, and only keys that do not matter come after it."""
    if _is_closed(text):
        return True
    if not content:
        return False
    return all(
        isinstance(login, Mapping)
        and isinstance(login.get("url"), str)
        and (login["url"] == url or text.endswith(b"\n"))
        for url, login in content.items()
    )


WHOLE: Final[Mapping[Kind, Callable[[Mapping[str, Any], bytes], bool]]] = {
    "global": _is_whole_global,
    "repository": _is_whole_repository,
    "logins": _is_whole_logins,
}


def _is_closed(text: bytes) -> bool:
    """Whether it is written in braces, as JSON is: what was cut off would be no YAML."""
    return text.lstrip().startswith(b"{")


def _is_id(value: object) -> bool:
    try:
        UUID(str(value))
    except ValueError:
        return False
    return True


def damaged(path: Path, kind: Kind) -> SettingsDamaged:
    """Give the error for a file that is empty or cut off."""
    remove = f"rm {shlex.quote(str(path))}"
    what, remedy = {
        "global": (
            "ZenML's settings are incomplete, and do not tell which store is meant",
            (
                f"Restore the file. Or remove it, for the local store: {remove}\n"
                "and for a server log in again: kitaru login URL"
            ),
        ),
        "repository": (
            "The repository's settings are incomplete, and do not tell which stack is active",
            (
                f"Restore the file. Or remove it, for the default stack: {remove}\n"
                "and choose another: kitaru stack use NAME"
            ),
        ),
        "logins": (
            "The stored logins are incomplete, and none of them can be relied on",
            (
                f"Restore the file. Or remove it, which forgets all logins: {remove}\n"
                "and log in again: kitaru login URL"
            ),
        ),
    }[kind]
    why = "It is empty or was cut off while it was written; nothing was changed"
    return SettingsDamaged(what, where=str(path), why=why, remedy=remedy)
