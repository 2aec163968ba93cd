"""Whether one of ZenML's settings files is whole, and what to say where it is not."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from kitaru_iac.errors import SettingsDamaged, SettingsUnreadable
from kitaru_iac.machine import plain_yaml
from kitaru_iac.patterns import compiled

__all__ = [
    "WHOLE",
    "Kind",
    "completed",
    "damaged",
    "is_complete",
    "not_accepted",
    "refuses",
    "to_braces",
    "to_yaml",
    "unreadable",
]

#: Whose file it is: this user's, a repository's, or that of the logins.
Kind = Literal["global", "repository", "logins"]


def to_yaml(content: Mapping[str, Any]) -> str:
    """Write a mapping as ZenML does, with its keys sorted."""
    plain = plain_yaml.dump(content)
    if plain is not None:
        return plain
    import yaml

    text: str = yaml.safe_dump(dict(content), sort_keys=True)
    return text


def to_braces(content: Mapping[str, Any]) -> str:
    """Write a mapping so that it counts as whole whatever it holds: what is cut off is no YAML."""
    import yaml

    text: str = yaml.safe_dump(dict(content), default_flow_style=True)
    return text


def _is_whole_global(content: Mapping[str, Any], text: bytes) -> bool:
    """ZenML sorts the keys: a store that was cut off has no `user_id` behind it.

    A cut-off `version` is a number. Before it has a store, ZenML writes the file without one.
    """
    if content and _is_closed(text):
        return True
    if not _is_id(content.get("user_id")):
        return _is_written_by_hand(content, text)
    return isinstance(content.get("version"), str) or not (content.keys() & {"store", "version"})


def _is_written_by_hand(content: Mapping[str, Any], text: bytes) -> bool:
    """Whether it names a store, and is not what ZenML writes, cut off between two lines.

    ZenML needs no more than the store. It writes `analytics_opt_in` before it, always, and dumps
    the whole in one way; nothing of a store comes after `verify_ssl`.
    """
    store = content.get("store")
    if "user_id" in content or not isinstance(store, Mapping) or not text.endswith(b"\n"):
        return False
    if store.get("type") not in ("rest", "sql") or not isinstance(store.get("url"), str):
        return False
    is_zenmls = "analytics_opt_in" in content and to_yaml(content).encode() == text
    return not is_zenmls or isinstance(store.get("verify_ssl"), bool | str)


def is_complete(content: Mapping[str, Any]) -> bool:
    """Whether global settings tell that they are whole, however they are written."""
    return _is_id(content.get("user_id")) and isinstance(content.get("version"), str)


def completed(content: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Give global settings with what `is_complete` asks for.

    Args:
        content: What somebody may have written by hand, with a store and no more.
        version: Of ZenML's settings, where none stands there.
    """
    found = dict(content)
    if not _is_id(found.get("user_id")):
        from uuid import uuid4  # only where ZenML has never written the file

        found["user_id"] = str(uuid4())
    if not isinstance(found.get("version"), str):
        found["version"] = version
    return found


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

#: As ZenML writes an id, and as its models read one.
_ID = compiled(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


def _is_closed(text: bytes) -> bool:
    """Whether it is written in braces, as JSON is: what was cut off would be no YAML."""
    return text.lstrip().startswith(b"{")


def _is_id(value: object) -> bool:
    return _ID.fullmatch(str(value)) is not None


#: As ZenML's models read an id: what they refuse, ZenML refuses to begin with.
_HYPHENS: Final = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_UUID = compiled(rf"[0-9a-fA-F]{{32}}|{_HYPHENS}|urn:uuid:{_HYPHENS}|\{{{_HYPHENS}\}}")
_IDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "global": ("active_stack_id", "active_project_id", "user_id"),
    "repository": ("active_stack_id", "active_project_id"),
    "logins": (),
}


def refuses(content: Mapping[str, Any], kind: Kind, *, ids_alone: bool = False) -> str | None:
    """Say what ZenML does not accept in one of its files; None where nothing is found.

    Args:
        content: What the file holds.
        kind: Which file it is.
        ids_alone: Whether the store may be cut off.
    """
    for name in _IDS[kind]:
        value = content.get(name)
        if name == "user_id" and not (ids_alone or _is_id(value)):
            continue  # in braces; `completed` gives another one
        if name in content and not _is_uuid(value) and (value is not None or name == "user_id"):
            return f"`{name}` is no id, which is a UUID"
    store = content.get("store")
    if kind != "global" or ids_alone or store is None:
        return None
    if not isinstance(store, Mapping):
        return "`store` has no settings below it"
    if store.get("type") not in ("rest", "sql"):
        return "`store` has no `type`, which is rest or sql"
    return None if isinstance(store.get("url"), str) else "`store` has no `url`"


def _is_uuid(value: object) -> bool:
    return isinstance(value, bytes) or (
        isinstance(value, str) and _UUID.fullmatch(value) is not None
    )


def not_accepted(path: Path, kind: Kind, what: str) -> SettingsDamaged:
    """Give the error for a file with something that ZenML does not accept; `refuses` names it."""
    from shlex import quote

    return SettingsDamaged(
        "ZenML's settings hold what ZenML does not accept",
        where=str(path),
        why=f"{what}; nothing was changed",
        remedy=f"Correct it in the file. {_without(kind, f'rm {quote(str(path))}')}",
    )


def damaged(path: Path, kind: Kind) -> SettingsDamaged:
    """Give the error for a file that is empty or cut off."""
    from shlex import quote

    why = "It is empty or was cut off while it was written; nothing was changed"
    if kind == "global":
        why += ". One written by hand has a store, with `type` and `url`, and ends its lines"
    return SettingsDamaged(
        _WHAT[kind].format("are incomplete"),
        where=str(path),
        why=why,
        remedy=f"Restore the file. {_without(kind, f'rm {quote(str(path))}')}",
    )


def unreadable(path: Path, kind: Kind, why: str) -> SettingsUnreadable:
    """Give the error for a file that is there, and says nothing."""
    from shlex import quote

    name = quote(str(path))
    # Not `Path.exists`, which raises for a name that is too long.
    above = next((folder for folder in path.parents if os.path.exists(folder)), None)  # noqa: PTH110
    if above is not None and not above.is_dir():
        return SettingsUnreadable(
            _WHAT[kind].format("cannot be read"),
            where=str(path),
            why=f"{above} is no folder; nothing was changed",
            remedy=f"Let {above} be a folder, in which {path} can be, or choose another one.",
        )
    return SettingsUnreadable(
        _WHAT[kind].format("cannot be read"),
        where=str(path),
        why=f"{why}; nothing was changed",
        remedy=f"Let it be a file that you may read. {_without(kind, f'mv {name} {name}.old')}",
    )


_WHAT: Final[Mapping[Kind, str]] = {
    "global": "ZenML's settings {}, and do not tell which store is meant",
    "repository": "The repository's settings {}, and do not tell which stack is active",
    "logins": "The stored logins {}, and none of them can be relied on",
}


def _without(kind: Kind, command: str) -> str:
    """What follows where the file is taken away."""
    if kind == "global":
        return (
            f"Or take it away, for the local store: {command}\n"
            "and for a server log in again: kitaru login URL"
        )
    if kind == "repository":
        return (
            f"Or take it away, for the default stack: {command}\n"
            "and choose another: kitaru stack use NAME"
        )
    return (
        f"Or take it away, which forgets all logins: {command}\nand log in again: kitaru login URL"
    )
