"""Read a ZenML store through the documents of its REST API.

`rest` gets them from a server, `fallback` from ZenML's own client; what they mean is here. A
document that lacks a field or has another form is an `UnreadableError`.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway.lookup import PREFIX_MATCHES, Stub, contains, has_id_prefix, id_prefix
from kitaru_iac.gateway.masking import masked
from kitaru_iac.gateway.order import role_rank
from kitaru_iac.gateway.reader import BaseReader
from kitaru_iac.gateway.views import ComponentView, ConnectorView, StackView
from kitaru_iac.labels import is_managed
from kitaru_iac.machine.active_scope import canonical_id
from kitaru_iac.machine.unreadable import UnreadableError

__all__ = ["Kind", "PayloadReader"]

#: The listings of the API that are read here.
Kind = Literal["stacks", "components", "service_connectors"]

#: So many stacks, with all they hold, come in one document.
_PIECE = 200
#: So many names come in one.
_NAMES = 2000

_T = TypeVar("_T")


class PayloadReader(BaseReader):
    """A reader over a source of API documents."""

    @abstractmethod
    def _list(self, kind: Kind, *, hydrate: bool, **filters: Any) -> dict[str, Any]:
        """One page of a listing: ``items``, ``total``, ``total_pages``."""

    def count(self, name: str | None = None) -> int:
        """See `Reader.count`."""
        if name:
            return sum(
                len(names) for names in self._name_pieces(name=f"contains:{name}", test=name)
            )
        with _known_form():
            return int(self._list("stacks", hydrate=False, size=1)["total"])

    # -- what a way of reading answers -----------------------------------------------------------

    def _look_up(self, ref: str) -> Sequence[Stub]:
        prefix = id_prefix(ref)
        filters: dict[str, Any] = {"name": f"equals:{ref}"}
        if prefix:
            filters |= {"id": f"startswith:{prefix}", "logical_operator": "or"}
        with _known_form():
            page = self._list("stacks", hydrate=True, size=PREFIX_MATCHES + 1, **filters)
            stubs = [_stub(item) for item in page["items"]]
            if page["total"] > len(stubs) and not any(stub.name == ref for stub in stubs):
                # More ids begin so than were asked for: the named stack may not be among them.
                page = self._list("stacks", hydrate=True, size=1, name=f"equals:{ref}")
                stubs += [_stub(item) for item in page["items"]]
        return [stub for stub in stubs if stub.name == ref or has_id_prefix(stub.id, prefix)]

    def _by_id(self, id: str) -> Stub | None:
        with _known_form():
            page = self._list("stacks", hydrate=True, size=1, id=f"equals:{id}")
            return next((_stub(item) for item in page["items"]), None)

    def _chunks(self, page: int | None, size: int, name: str | None) -> Iterator[Sequence[Stub]]:
        if name is not None and page is not None:
            # The store's idea of `contains` is wider than ours: pages have to be cut here.
            wanted = (stub for chunk in self._chunks(None, size, name) for stub in chunk)
            yield [s for n, s in enumerate(wanted) if (page - 1) * size <= n < page * size]
            return
        if page is not None:
            yield self._page(page, size)[0]
            return
        filters = {"name": f"contains:{name}"} if name else {}
        number, last = 1, 1
        while number <= last:
            with _known_form():
                found = self._list("stacks", hydrate=True, page=number, size=_PIECE, **filters)
                stubs = [_stub(item) for item in found["items"]]
                last = int(found["total_pages"])
            yield [stub for stub in stubs if not name or contains(stub.name, name)]
            number += 1

    def _page(self, number: int, size: int) -> tuple[Sequence[Stub], int]:
        if size <= _PIECE:
            return self._piece(number, size)
        # A long page is cut from several answers: each stack in one takes the server its time.
        first, end = (number - 1) * size, number * size
        stubs: list[Stub] = []
        piece = first // _PIECE
        while True:
            found, total = self._piece(piece + 1, _PIECE)
            stubs += found
            piece += 1
            if piece * _PIECE >= min(end, total):
                skipped = first % _PIECE
                return stubs[skipped : skipped + size], total

    def _piece(self, number: int, size: int) -> tuple[Sequence[Stub], int]:
        """One page of the API's own listing; empty after the last one, which the API refuses."""
        try:
            with _known_form():
                found = self._list("stacks", hydrate=True, page=number, size=size)
                return [_stub(item) for item in found["items"]], int(found["total"])
        except (UnreadableError, KitaruError):
            if number > 1 and (number - 1) * size >= (total := self.count()):
                return [], total
            raise

    def _names(self, prefix: str, limit: int | None) -> list[str]:
        found: list[str] = []
        filters = {"name": f"startswith:{prefix}"} if prefix else {}
        for names in self._name_pieces(**filters):
            found += [name for name in names if name.startswith(prefix)]
            if limit is not None and len(found) >= limit:
                break
        return sorted(found)[:limit]

    def _name_pieces(self, *, test: str = "", **filters: Any) -> Iterator[list[str]]:
        number, last = 1, 1
        while number <= last:
            with _known_form():
                page = self._list("stacks", hydrate=False, page=number, size=_NAMES, **filters)
                names = [str(item["name"]) for item in page["items"]]
                last = int(page["total_pages"])
            yield [name for name in names if contains(name, test)]
            number += 1

    def _view(self, stub: Stub, is_active: bool) -> StackView:
        stack = stub.payload
        with _known_form():
            # A component in the document of its stack lacks all that is set on it.
            full = self._all("components", stack_id=stub.id)
            listed: dict[str, list[Any]] = stack["metadata"]["components"]
            order = {c["id"]: place for cs in listed.values() for place, c in enumerate(cs)}
            if set(order) != {component["id"] for component in full}:
                raise UnreadableError("the stack changed while it was read")
            full.sort(key=lambda c: _component_order(c, first=order[c["id"]] == 0))
            links = {c["metadata"]["connector"]["id"] for c in full if c["metadata"]["connector"]}
            connectors: list[dict[str, Any]] = []
            if links:
                connectors = self._all(
                    "service_connectors", id=f"oneof:{json.dumps(sorted(links))}"
                )
                if links != {connector["id"] for connector in connectors}:
                    raise UnreadableError("the stack's connectors changed while it was read")
            metadata = stack["metadata"]
            return StackView(
                id=stub.id,
                name=stub.name,
                description=metadata["description"] or "",
                labels=dict(metadata["labels"] or {}),
                is_active=is_active,
                is_managed=stub.is_managed,
                components=tuple(_component(component) for component in full),
                connectors=tuple(
                    _connector(c) for c in sorted(connectors, key=lambda c: (c["name"], c["id"]))
                ),
                **_own(metadata),
                spec_path=metadata["stack_spec_path"],
                **_history(stack),
            )

    def _all(self, kind: Kind, **filters: Any) -> list[dict[str, Any]]:
        """A listing that is short by its nature."""
        page = self._list(kind, hydrate=True, size=1000, **filters)
        items: list[dict[str, Any]] = page["items"]
        if page["total"] != len(items):
            raise UnreadableError(f"a stack with {page['total']} {kind}")
        return items


@contextmanager
def _known_form() -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise UnreadableError(f"the store answered in another form ({what})") from error


def _stub(item: dict[str, Any]) -> Stub:
    uuid, labels = canonical_id(item["id"]), item["metadata"]["labels"] or {}
    if uuid is None:
        raise UnreadableError(f"{item['id']!r} is not an id")
    return Stub(uuid, str(item["name"]), is_managed(labels), item)


def _component_order(component: Mapping[str, Any], *, first: bool) -> tuple[Any, ...]:
    return (*role_rank(component["body"]["type"]), not first, component["name"], component["id"])


def _time(value: str) -> datetime:
    time = datetime.fromisoformat(value)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _optional(value: Any, read: Callable[[Any], _T]) -> _T | None:
    return None if value is None else read(value)


def _history(item: Mapping[str, Any]) -> dict[str, Any]:
    user = item["resources"]["user"]
    return {
        "created": _time(item["body"]["created"]),
        "updated": _time(item["body"]["updated"]),
        "user": str(user["name"]) if user else None,
    }


def _own(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What a stack or component gives to its runs. ZenML before 0.90 knows neither of the two."""
    if "environment" not in metadata and "secrets" not in metadata:
        return {"environment": {}, "secrets": ()}
    return {
        "environment": masked(metadata["environment"] or {}),
        "secrets": tuple(metadata["secrets"]),
    }


def _component(item: Mapping[str, Any]) -> ComponentView:
    body, metadata = item["body"], item["metadata"]
    connector = metadata["connector"]
    return ComponentView(
        role_type=body["type"],
        id=item["id"],
        name=item["name"],
        flavor=body["flavor_name"],
        configuration=masked(metadata["configuration"]),
        labels=dict(metadata["labels"] or {}),
        **_own(metadata),
        connector_id=connector["id"] if connector else None,
        connector_name=connector["name"] if connector else None,
        connector_resource_id=metadata["connector_resource_id"],
        **_history(item),
    )


def _connector(item: Mapping[str, Any]) -> ConnectorView:
    body, metadata = item["body"], item["metadata"]
    kind = body["connector_type"]
    return ConnectorView(
        id=item["id"],
        name=item["name"],
        # A server that knows the type sends a description of it instead of its name.
        type=kind if isinstance(kind, str) else kind["connector_type"],
        auth_method=body["auth_method"],
        resource_types=tuple(body["resource_types"]),
        resource_id=body["resource_id"],
        configuration=masked(metadata["configuration"]),
        labels=dict(metadata["labels"] or {}),
        description=body["description"],
        supports_instances=body["supports_instances"],
        expires_at=_optional(body["expires_at"], _time),
        expires_skew_tolerance=body["expires_skew_tolerance"],
        expiration_seconds=metadata["expiration_seconds"],
        **_history(item),
    )
