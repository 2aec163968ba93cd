"""Which store this is: the id that a ZenML server has, wherever its database is served from.

ZenML makes it with the database (`server_settings`), so that it stays with the stacks that are in
there, when the address changes and when the database moves. No login is sent.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from kitaru_iac.gateway.answers import mapping
from kitaru_iac.gateway.http import HttpClient
from kitaru_iac.machine.active_scope import canonical_id
from kitaru_iac.machine.store_location import RestStore, SqliteStore, StoreLocation
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.values import dataclass

__all__ = ["StoreIdentity", "identity_of"]

#: Seconds to wait for a writer.
_BUSY_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """Which store, and where it is.

    Attributes:
        id: Its UUID; None where only ZenML knows the way to it, or there is none yet.
        shown: Its address without secrets, or its file.
        is_made: Whether there is one. A local store comes with the first stack.
    """

    id: str | None
    shown: str
    is_made: bool = True

    def differs_from(self, id: object) -> bool:
        """Whether this is another store than that of this id; what is not known is no other."""
        if not self.is_made:
            return bool(id)
        return self.id is not None and bool(id) and self.id != id


def identity_of(store: StoreLocation, environ: Mapping[str, str]) -> StoreIdentity:
    """Ask a store which one it is.

    Args:
        store: Where it is.
        environ: The environment variables: proxies and authorities.

    Raises:
        NotConnectedError: The server does not answer, or what answers is no ZenML server.
    """
    if isinstance(store, SqliteStore):
        return StoreIdentity(_of_database(store.path), str(store.path))
    return _of_server(store, environ)


def _of_server(store: RestStore, environ: Mapping[str, str]) -> StoreIdentity:
    from kitaru_iac import redaction

    shown = redaction.url(store.url)
    try:
        with HttpClient(
            store.url,
            verify=store.verify,
            environ=environ,
            hint="See what you are connected to with: kitaru status",
        ) as client:
            found = mapping(client.get("/api/v1/info")).get("id")
    except UnreadableError:
        return StoreIdentity(None, shown)
    return StoreIdentity(canonical_id(str(found)), shown)


def _of_database(path: Path) -> str | None:
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=_BUSY_TIMEOUT)) as database:
            row = database.execute("SELECT id FROM server_settings").fetchone()
    except sqlite3.Error:  # whoever reads stacks from it says what is wrong
        return None
    return canonical_id(str(row[0])) if row else None
