"""Read a ZenML server through its REST API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from kitaru_iac.gateway.http import Connection
from kitaru_iac.gateway.payload import Kind, PayloadReader
from kitaru_iac.machine.active_scope import Named
from kitaru_iac.machine.store_location import RestStore
from kitaru_iac.machine.unreadable import UnreadableError

__all__ = ["RestReader"]


class RestReader(PayloadReader):
    """Reads a server with a token that is there already.

    Raises:
        UnreadableError: The way to the server is not one that is known here.
    """

    def __init__(self, store: RestStore, named: Named, environ: Mapping[str, str]) -> None:
        super().__init__(named)
        self._connection = Connection(
            store.url, store.token, verify=store.verify, timeout=store.timeout, environ=environ
        )

    def close(self) -> None:
        """See `Reader.close`."""
        self._connection.close()

    def _list(self, kind: Kind, *, hydrate: bool, **filters: Any) -> dict[str, Any]:
        query = {"hydrate": "true" if hydrate else "false", **filters}
        if kind == "service_connectors":
            query["expand_secrets"] = "false"
        page = self._connection.get(f"/api/v1/{kind}?{urlencode(query)}")
        if not isinstance(page, dict):
            raise UnreadableError("the server's listing is not a mapping")
        return page
