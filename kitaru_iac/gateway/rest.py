"""Read a ZenML server through its REST API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.gateway.payload import Kind, PayloadReader
from kitaru_iac.gateway.session import Session
from kitaru_iac.machine.active_scope import Named
from kitaru_iac.machine.store_location import RestStore
from kitaru_iac.machine.unreadable import UnreadableError

__all__ = ["RestReader"]


class RestReader(PayloadReader):
    """Reads a server with the login that is stored for it.

    Raises:
        UnreadableError: The way to the server is not one that is known here.
    """

    def __init__(self, store: RestStore, named: Named, environ: Mapping[str, str]) -> None:
        super().__init__(named)
        self._session = Session(store, environ)

    def close(self) -> None:
        """See `Reader.close`."""
        self._session.close()

    def _list(self, kind: Kind, *, hydrate: bool, **filters: Any) -> dict[str, Any]:
        query = {"hydrate": "true" if hydrate else "false", **filters}
        if kind == "service_connectors":
            query["expand_secrets"] = "false"
        response = self._session.request("GET", f"/{kind}", query=query)
        if response.status == 401:
            raise UnreadableError("the server requires a new login (401)")
        if response.status != 200:
            raise UnreadableError(f"the server answered with status {response.status}")
        page = response.document()
        if not isinstance(page, dict):
            raise UnreadableError("the server's listing is not a mapping")
        return page
