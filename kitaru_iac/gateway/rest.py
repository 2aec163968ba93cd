"""Read a ZenML server through its REST API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac import redaction
from kitaru_iac.errors import NotConnectedError
from kitaru_iac.gateway.answers import page
from kitaru_iac.gateway.payload import Kind, PayloadReader
from kitaru_iac.gateway.session import Session
from kitaru_iac.machine.active_scope import Named
from kitaru_iac.machine.store_location import RestStore

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
        found = page(
            lambda: self._session.request("GET", f"/{kind}", query=query),
            filters.get("page", 1),
            filters["size"],
        )
        assert found is not None  # no answer counts as gone here
        _, items, total, pages = found
        return {"items": items, "total": total, "total_pages": pages}

    def _odd(self, what: str) -> NotConnectedError:
        return NotConnectedError(
            "The ZenML server answers in a form that is not known",
            where=self._session.shown,
            why=redaction.text(what),
            remedy="It may be of a newer version. See with: kitaru status",
        )
