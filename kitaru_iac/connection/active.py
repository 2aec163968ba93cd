"""Change which stack is active: write one key of one configuration file, as ZenML would.

This is the one writer beside the reader. It does not import ZenML, except where the file is not as
expected, and in a process that has ZenML loaded already: there ZenML's own objects hold the file's
content and would write it back.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kitaru_iac.callbacks import require_wanted
from kitaru_iac.errors import KitaruError, NotFoundError, StackNotFound
from kitaru_iac.machine.active_scope import (
    ACTIVE_STACK_VARIABLE,
    overriding,
    repository,
    repository_config,
    unbound,
)
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.interrupts import Hold, WorkInterrupted
from kitaru_iac.machine.locks import sole_writer
from kitaru_iac.machine.settings import CONFIG_FILE, Kind, read_whole, replace, to_yaml
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.machine.whole import is_complete
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from kitaru_iac.gateway.views import Active

__all__ = ["Place", "Switch", "in_words", "set_active", "switch", "write_active"]

_KEY = "active_stack_id"
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where the active stack was written.

    Attributes:
        scope: ``repository`` inside one, else ``global``.
        source: The repository's directory, or the global configuration file.
        overridden_by: The environment variable that names another stack all the same; not the one
            that a block or a run of this process has set.
        is_active: Whether what was written there is the active stack of this environment.
    """

    scope: Literal["repository", "global"]
    source: str
    overridden_by: str | None = None
    is_active: bool = True


def set_active(stack_id: str, name: str) -> Place:
    """Make a stack the active one of this repository, or outside of one, of this user.

    The file is replaced as a whole in one step: whoever reads it meanwhile sees the old or the new
    one. Everything else in it stays.

    Args:
        stack_id: The id of a stack that exists; with hyphens.
        name: Its name.

    Raises:
        SettingsDamaged: The file is empty or cut off, or cannot be read; nothing was changed.
        FileNotWritten: It cannot be written.
        NotConnectedError: ZenML had to be asked, and no store answers.
        NotFoundError: ZenML had to be asked, and knows no such stack.
    """
    environ = os.environ
    overridden_by = overriding(stack_id, name, unbound(environ))
    is_active = overriding(stack_id, name, environ) != ACTIVE_STACK_VARIABLE
    root = repository(environ)
    if root is None:
        path = config_home() / CONFIG_FILE
        place = Place("global", str(path), overridden_by, is_active)
    else:
        path = repository_config(root, environ)
        place = Place("repository", str(root), overridden_by, is_active)
    try:
        if "zenml" in sys.modules:
            raise UnreadableError("ZenML is loaded in this process")
        if "ZENML_SERVER" in environ:
            raise UnreadableError("a ZenML server does not write its configuration")
        if root is None and not path.exists() and _is_store_in_environment(environ):
            from kitaru_iac.connection.server_settings import begin_settings

            begin_settings(stack_id)
            return place
        with sole_writer(str(path)):  # ZenML does not wait here: it is told from us by `replace`
            _write(path, stack_id, place.scope)
    except (UnreadableError, OSError) as reason:
        _set_by_zenml(stack_id, reason)
    return place


def write_active(stack_id: str, scope: str) -> None:
    """Make a stack the active one in this ``repository``, or ``global``, whatever is around here.

    Raises:
        SettingsDamaged: The file is empty or cut off, or cannot be read.
        FileNotWritten: It cannot be written.
        UnreadableError: ZenML has not chosen a store yet.
    """
    root = repository(os.environ) if scope == "repository" else None
    path = repository_config(root, os.environ) if root else config_home() / CONFIG_FILE
    with sole_writer(str(path)):
        _write(path, stack_id, "repository" if root else "global")


def _write(path: Path, stack_id: str, kind: Kind) -> None:
    for _ in range(_ATTEMPTS):
        before = path.stat()
        content = read_whole(path, kind)
        is_chosen = "store" in content or _is_store_in_environment(os.environ)
        if kind == "global" and not is_chosen:
            raise UnreadableError("ZenML has not chosen a store yet")
        if content.get(_KEY) == stack_id:
            return
        if kind == "global":
            _complete(content)
        if replace(path, to_yaml({**content, _KEY: stack_id}), before=before):
            return
    raise UnreadableError(f"others write {path} all the time")


def _complete(content: dict[str, Any]) -> None:
    """Add what a file by hand lacks: what is written without it would be taken for a part."""
    if not is_complete(content):
        from kitaru_iac.connection.server_settings import complete

        complete(content)


def _is_store_in_environment(environ: Mapping[str, str]) -> bool:
    """Whether a machine without settings knows its store all the same, as a CI job does."""
    return bool(environ.get("ZENML_STORE_URL"))


def _set_by_zenml(stack_id: str, reason: Exception) -> None:
    import logging

    logging.getLogger("kitaru_iac").debug("Switching through ZenML's client: %s", reason)
    from kitaru_iac.gateway.in_process import InProcess
    from kitaru_iac.gateway.installation import activate_stack

    InProcess.open()  # says what is wrong with the store, if anything
    try:
        activate_stack(stack_id)
    except NotFoundError as error:  # deleted since it was looked up
        raise StackNotFound(
            f"No stack has the id '{stack_id}' any more",
            remedy="See which stacks there are: kitaru stack list",
        ) from error


@dataclass(frozen=True, slots=True)
class Switch:
    """What a switch did.

    Attributes:
        id: The id of the stack that was made active.
        name: Its name.
        previous: The name of the stack whose place it took; None where it was active already, or
            what was named does not exist, or is the active one all the same.
        place: Where it was written.
    """

    id: str
    name: str
    previous: str | None
    place: Place


def in_words(name: str, overridden_by: str | None) -> str:
    """Say that a stack was made active, and what takes precedence over it."""
    if overridden_by == ACTIVE_STACK_VARIABLE:
        return f"stack '{name}' is chosen, and will be active when {overridden_by} is unset"
    if overridden_by:
        return f"stack '{name}' is active, but runs use the one that {overridden_by} names"
    return f"stack '{name}' is active"


def switch(ref: str) -> Switch:
    """Find a stack by name, id or the beginning of its id, and make it the active one.

    Raises:
        StackNotFound: There is none; near names are in the remedy.
        UsageError: The beginning fits several ids.
        NotConnectedError: No store answers, or it is another ZenML's.
    """
    from kitaru_iac.gateway import open_reader
    from kitaru_iac.gateway.opening import require_own_database

    require_own_database()  # what is chosen there could not be used
    reader = open_reader()
    try:
        row = reader.find(ref)
        before: Active | None = None
        with suppress(NotFoundError):  # what the environment names may be gone
            before = reader.active()
        require_wanted()
        again = f"kitaru stack use {row.name}"
        with Hold(f"Interrupted again while stack '{row.name}' was made active", again) as hold:
            place = set_active(row.id, row.name)
            try:
                # A deletion looks whether the stack is active, before it and after it; so that none
                # of both is missed, whether it is still there is looked at after the switch.
                reader.find(row.id)
            except NotFoundError:
                if before is not None and before.id != row.id:
                    set_active(before.id, before.name)
                raise
            except KitaruError as error:
                done = in_words(row.name, place.overridden_by)
                unknown = f"{done}; whether it is still there could not be looked at"
                error.why = ". ".join(filter(None, [error.why, unknown[:1].upper() + unknown[1:]]))
                raise
    finally:
        reader.close()
    if hold.count:
        done = in_words(row.name, place.overridden_by)
        raise WorkInterrupted(f"Interrupted when all was done: {done}")
    previous = None
    if before is not None and before.id != row.id and place.is_active:
        previous = before.name
    return Switch(row.id, row.name, previous, place)
