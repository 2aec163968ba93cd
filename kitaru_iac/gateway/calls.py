"""How ZenML is called: one call at a time, muted, its errors translated, its files guarded."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kitaru_iac import redaction
from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway.errors import translate_errors
from kitaru_iac.gateway.forgetting import renew_zenml
from kitaru_iac.gateway.guard import guard_zenml
from kitaru_iac.gateway.quiet import Heard, one_at_a_time, quiet, uncollected
from kitaru_iac.machine.settings import read_global
from kitaru_iac.machine.store_location import server_of
from kitaru_iac.machine.unreadable import UnreadableError

__all__ = ["asked_server", "zenml_call"]


@contextmanager
def zenml_call() -> Iterator[Heard]:
    """Stand around single calls of what in ZenML is one for a process: client, settings, own store.

    Its store is the one that the settings name now, whatever another process has changed in them.

    Yields:
        What ZenML said meanwhile.
    """
    with one_at_a_time, uncollected(), quiet() as heard, translate_errors(asked_server):
        guard_zenml()
        renew_zenml()
        yield heard


def asked_server() -> str | None:
    """The address of the server that ZenML's client asks, as it may be shown; None for a database.

    What ZenML holds in this process counts and, until it has opened a store, what is configured.
    """
    settings = sys.modules.get("zenml.config.global_config")
    held = getattr(getattr(settings, "GlobalConfiguration", None), "_global_config", None)
    store = getattr(held, "_zen_store", None)
    if store is not None:
        url = str(store.url)
        return redaction.url(url) if url.startswith(("http://", "https://")) else None
    with suppress(KitaruError, UnreadableError):
        server = server_of(read_global(), os.environ)
        return None if server is None else redaction.url(server.url)
    return None
