"""Letting ZenML, in this process, read its settings and open its store anew.

ZenML keeps what it has read of its settings for as long as the process lives, and writes all of it
back with each change. Where another process has logged in or out meanwhile, it would work on the
former store and undo that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from kitaru_iac.gateway.quiet import one_at_a_time
from kitaru_iac.machine.active_scope import bound_ids, canonical_id
from kitaru_iac.machine.server_address import server_address
from kitaru_iac.machine.settings import read_global
from kitaru_iac.machine.store_choice import chosen_url
from kitaru_iac.machine.store_location import default_database, is_of_the_host

if TYPE_CHECKING:
    from zenml.config.global_config import GlobalConfiguration

__all__ = ["forget_logins", "forget_zenml", "look_anew_at_stack", "renew_zenml"]

_ACTIVE: Final = ("active_stack_id", "active_project_id")
_SQLITE: Final = "sqlite:///"
_LOGINS: Final = "zenml.login.credentials_store"


def forget_zenml() -> None:
    """Drop what ZenML keeps of its settings, client and store; nothing where it is not imported."""
    if "zenml.client" not in sys.modules:
        return
    from zenml.client import Client
    from zenml.config.global_config import GlobalConfiguration

    configuration = GlobalConfiguration._global_config
    engine = getattr(getattr(configuration, "_zen_store", None), "_engine", None)
    if engine is not None:
        engine.dispose()
    GlobalConfiguration._reset_instance()
    Client._reset_instance()


def forget_logins() -> None:
    """Drop what ZenML keeps of its logins; nothing where it has read none."""
    if _LOGINS in sys.modules:
        # Not `reset_instance`, which deletes the file of what is held in memory.
        sys.modules[_LOGINS].CredentialsStore._clear()


def renew_zenml() -> None:
    """Forget what ZenML holds, where its settings say something else by now.

    Not while a stack is bound here: what runs on it goes on in its store.

    Raises:
        SettingsDamaged: The settings are empty or cut off, or cannot be read.
    """
    if bound_ids or "zenml.client" not in sys.modules or "ZENML_SERVER" in os.environ:
        return
    from zenml.config.global_config import GlobalConfiguration

    with one_at_a_time:
        held = GlobalConfiguration._global_config
        if held is not None and _differs(held, read_global(), os.environ):
            forget_zenml()
            forget_logins()


def look_anew_at_stack(id: str) -> None:
    """Let ZenML read a stack anew: once it is named by the variable, it is read a single time.

    Args:
        id: The stack's id. Nothing may be running on it here.
    """
    if "zenml.client" not in sys.modules:
        return
    import zenml.stack.stack as stacks
    from zenml.client import Client

    client = Client.get_instance()
    if client is not None:
        client._active_stack = None
    for key in list(stacks._STACK_CACHE):  # by id and time: its components have times of their own
        if str(key[0]) == id:
            stacks._STACK_CACHE.pop(key, None)


def _differs(
    held: GlobalConfiguration, written: Mapping[str, Any], environ: Mapping[str, str]
) -> bool:
    """Whether the store, or what is active there, is another one than ZenML holds."""
    fields = vars(held)  # as they are: read as attributes, variables would take precedence
    now = chosen_url(written, environ)
    if held._zen_store is not None:
        then: str | None = held._zen_store.config.url
    else:
        kept = fields.get("store")
        then = chosen_url({"store": {"url": kept.url}} if kept is not None else {}, environ)
    if _place(now, environ) != _place(then, environ) and not is_of_the_host(now or "", environ):
        return True
    return any(
        canonical_id(str(written.get(key) or "")) != canonical_id(str(fields.get(key) or ""))
        for key in _ACTIVE
    )


def _place(url: str | None, environ: Mapping[str, str]) -> str:
    """Which store an address means, in one spelling and without a login in it."""
    url = url or f"{_SQLITE}{default_database(environ)}"
    if url.startswith(_SQLITE):
        return os.path.realpath(url.removeprefix(_SQLITE))
    if url.startswith(("http://", "https://")):
        return server_address(url)
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
