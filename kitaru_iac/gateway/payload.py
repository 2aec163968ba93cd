"""Read a ZenML store through the documents of its REST API.

`rest` gets them from a server, `fallback` from ZenML's own client; what they mean is here. A
document that lacks a field or has another form is an `UnreadableError`.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from kitaru_iac.errors import KitaruError, NotAllowedError, NotConnectedError, StackNotFound
from kitaru_iac.gateway.errors import may_not_read
from kitaru_iac.gateway.guards import MOST_LISTED, EndlessListing, read_through
from kitaru_iac.gateway.lookup import PREFIX_MATCHES, Stub, contains, has_id_prefix, id_prefix
from kitaru_iac.gateway.masking import masked
from kitaru_iac.gateway.order import role_rank
from kitaru_iac.gateway.reader import BaseReader
from kitaru_iac.gateway.views import ComponentView, ConnectorView, StackRow, StackView, Unread
from kitaru_iac.labels import APPLIED_LABEL, is_managed
from kitaru_iac.machine.active_scope import canonical_id
from kitaru_iac.machine.unreadable import UnreadableError

__all__ = ["Changed", "Kind", "PayloadReader"]

#: The listings of the API that are read here.
Kind = Literal["stacks", "components", "service_connectors"]

#: So many stacks, with all they hold, come in one document.
_PIECE = 200
#: So many names come in one.
_NAMES = 2000
#: So often a stack is read that changes while it is.
_MOST_READS = 3
#: So many ids, of 50 characters, are in one question: servers bound an address, at 8 KiB.
_IDS = 100

_T = TypeVar("_T")


class Changed(UnreadableError):
    """Parts of a stack that were read one after the other do not fit.

    Attributes:
        withheld: The error for parts that others name, and that stay away in every listing.
    """

    def __init__(self, what: str, withheld: NotAllowedError | None = None) -> None:
        super().__init__(what)
        self.withheld = withheld


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
        with self._known_form():
            return int(self._list("stacks", hydrate=False, size=1)["total"])

    @contextmanager
    def _known_form(self) -> Iterator[None]:
        """Whoever is in here meets what the store answered, and may stumble."""
        try:
            yield
        except EndlessListing as error:
            raise self._odd(f"it answered with {error}") from error
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise self._odd(f"{type(error).__name__}: {error}") from error

    def _odd(self, what: str) -> Exception:
        """The error for an answer in another form than is known here."""
        return UnreadableError(f"the store answered in another form ({what})")

    # -- what a way of reading answers -----------------------------------------------------------

    def _look_up(self, ref: str) -> Sequence[Stub]:
        prefix = id_prefix(ref)
        filters: dict[str, Any] = {"name": f"equals:{ref}"}
        if prefix:
            filters |= {"id": f"startswith:{prefix}", "logical_operator": "or"}
        with self._known_form():
            page = self._list("stacks", hydrate=True, size=PREFIX_MATCHES + 1, **filters)
            stubs = [_stub(item) for item in page["items"]]
            if page["total"] > len(stubs) and not any(stub.name == ref for stub in stubs):
                # More ids begin so than were asked for: the named stack may not be among them.
                page = self._list("stacks", hydrate=True, size=1, name=f"equals:{ref}")
                stubs += [_stub(item) for item in page["items"]]
        found = {stub.id: stub for stub in stubs}.values()
        return [stub for stub in found if stub.name == ref or has_id_prefix(stub.id, prefix)]

    def _by_id(self, id: str) -> Stub | None:
        with self._known_form():
            page = self._list("stacks", hydrate=True, size=1, id=f"equals:{id}")
            stubs = [_stub(item) for item in page["items"]]
            return next((stub for stub in stubs if stub.id == id), None)

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
        for stubs in self._every(_stub, hydrate=True, size=_PIECE, **filters):
            yield [stub for stub in stubs if not name or contains(stub.name, name)]

    def _every(self, read: Callable[[dict[str, Any]], _T], **filters: Any) -> Iterator[list[_T]]:
        """What a listing of stacks holds, page after page."""

        def page(number: int, may_be_gone: bool) -> tuple[dict[str, _T], int, int] | None:
            try:
                found = self._list("stacks", page=number, **filters)
            except (NotConnectedError, NotAllowedError):
                raise
            except KitaruError:
                if may_be_gone:
                    return None
                raise
            items = {_text(item["id"]): read(item) for item in found["items"]}
            return items, int(found["total"]), int(found["total_pages"])

        with self._known_form():
            yield from read_through(page)

    def _page(self, number: int, size: int) -> tuple[Sequence[Stub], int]:
        if size <= _PIECE:
            return self._piece(number, size)
        # A long page is cut from several answers: each stack in one takes the server its time.
        stubs, totals = self._pieces(number, size)
        for _ in range(_MOST_READS - 1):
            if totals == sorted(totals):  # else one may have moved to a piece that was read
                break
            stubs, totals = self._pieces(number, size)
        return stubs, totals[-1]

    def _pieces(self, number: int, size: int) -> tuple[Sequence[Stub], list[int]]:
        """A long page, and how many stacks there were at each of its pieces."""
        first, end = (number - 1) * size, number * size
        stubs: list[Stub] = []
        totals: list[int] = []
        piece = first // _PIECE
        while not totals or piece * _PIECE < end:
            found, total = self._piece(piece + 1, _PIECE)
            stubs += found
            totals.append(total)
            end = min(end, total)  # what comes meanwhile stands after that
            with self._known_form():
                if end - first > MOST_LISTED:
                    raise EndlessListing.of(total)
            piece += 1
        skipped = first % _PIECE
        return stubs[skipped : skipped + size], totals

    def _piece(self, number: int, size: int) -> tuple[Sequence[Stub], int]:
        """One page of the API's own listing; empty after the last one, which the API refuses."""
        try:
            with self._known_form():
                found = self._list("stacks", hydrate=True, page=number, size=size)
                return [_stub(item) for item in found["items"]], int(found["total"])
        except NotConnectedError:
            raise
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
        for names in self._every(_name, hydrate=False, size=_NAMES, **filters):
            yield [name for name in names if contains(name, test)]

    def _view(self, stub: Stub, is_active: bool) -> StackView:
        with self._known_form():
            # A component in the document of its stack lacks all that is set on it.
            full = self._all("components", stack_id=stub.id)
            links = _links(full)
            connectors = self._all("service_connectors", id=_one_of(links)) if links else []
            return _whole(stub, full, connectors, is_active)

    def stack(self, ref: str) -> StackView:
        """See `Reader.stack`. What somebody changes meanwhile is read again.

        Raises:
            NotAllowedError: The stack still names a part that the store does not give.
        """
        for _ in range(_MOST_READS - 1):
            with suppress(Changed):
                return super().stack(ref)
        try:
            return super().stack(ref)
        except Changed as error:
            raise error.withheld or self._odd(str(error)) from error

    def views(self, rows: Sequence[StackRow]) -> list[StackView | Unread]:
        """See `Reader.views`. Stacks that change meanwhile are read again, one by one."""
        with self._known_form():
            before = self._stubs(rows)
            members = {part for stub in before.values() for part in _places(stub)}
            full = self._by_ids("components", members)
            connectors = self._by_ids("service_connectors", _links(list(full.values())))
            after = self._stubs(rows)
        found: list[StackView | Unread] = []
        for row in rows:
            stub = before.get(row.id)
            if row.id not in after:
                continue  # somebody has deleted it
            try:
                found.append(self._of(row, stub, after[row.id], full, connectors))
            except StackNotFound:
                continue
            except NotAllowedError as error:
                found.append(Unread(row.id, row.name, error))
        return found

    def _of(
        self,
        row: StackRow,
        stub: Stub | None,
        after: Stub,
        full: Mapping[str, dict[str, Any]],
        connectors: Mapping[str, dict[str, Any]],
    ) -> StackView:
        """One of several stacks that were read together; alone, if it was another before."""
        if stub is not None and stub.payload == after.payload:
            with suppress(Changed), self._known_form():
                parts = [full[part] for part in _places(stub) if part in full]
                links = [connectors[link] for link in _links(parts) if link in connectors]
                return _whole(stub, parts, links, row.is_active)
        return self.stack(row.id)

    def _stubs(self, rows: Sequence[StackRow]) -> dict[str, Stub]:
        found = self._by_ids("stacks", {row.id for row in rows})
        return {stub.id: stub for stub in map(_stub, found.values())}

    def _by_ids(self, kind: Kind, ids: Set[str]) -> dict[str, dict[str, Any]]:
        """What is there of these, by their ids, in questions that each fit into an address."""
        known = sorted(ids)
        groups = [known[first : first + _IDS] for first in range(0, len(known), _IDS)]
        return {item["id"]: item for ids in groups for item in self._all(kind, id=_one_of(ids))}

    def _all(self, kind: Kind, **filters: Any) -> list[dict[str, Any]]:
        """A listing that is short by its nature.

        A server counts before it lists: where somebody writes in between, it is asked again.
        """
        total = 0
        for _ in range(_MOST_READS):
            page = self._list(kind, hydrate=True, size=1000, **filters)
            items: list[dict[str, Any]] = page["items"]
            total = page["total"]
            if total == len(items):
                return items
        raise ValueError(f"a stack with {total} {kind}")


def _one_of(ids: Iterable[str]) -> str:
    return f"oneof:{json.dumps(sorted(ids))}"


def _places(stub: Stub) -> dict[str, int]:
    """The ids of a stack's components, with the place of each among those of its type."""
    listed: dict[str, list[Any]] = stub.payload["metadata"]["components"]
    return {c["id"]: place for parts in listed.values() for place, c in enumerate(parts)}


def _links(full: Sequence[Mapping[str, Any]]) -> set[str]:
    return {c["metadata"]["connector"]["id"] for c in full if c["metadata"]["connector"]}


def _require_fit(
    stub: Stub,
    named: Sequence[tuple[Mapping[str, Any], str]],
    given: Sequence[Mapping[str, Any]],
    changed: str,
) -> None:
    """See that a listing has what others name, with its kind; raises `Changed`."""
    wanted, ids = {part["id"] for part, _ in named}, {part["id"] for part in given}
    if wanted == ids:
        return
    names = [f"{kind} {_text(part['name'])}" for part, kind in named if part["id"] not in ids]
    # A server leaves out of a listing, without a word, what may not be read.
    withheld = may_not_read(stub.name, names) if ids < wanted else None
    raise Changed(changed, withheld)


def _whole(
    stub: Stub,
    full: list[dict[str, Any]],
    connectors: Sequence[dict[str, Any]],
    is_active: bool,
) -> StackView:
    """A stack from its documents; raises `Changed` where they do not fit."""
    stack, order = stub.payload, _places(stub)
    listed = [
        (part, kind.replace("_", " "))
        for kind, of in stack["metadata"]["components"].items()
        for part in of
    ]
    _require_fit(stub, listed, full, "the stack changed while it was read")
    links = [(link, "service connector") for c in full if (link := c["metadata"]["connector"])]
    _require_fit(stub, links, connectors, "the stack's connectors changed while it was read")
    full = sorted(full, key=lambda c: _component_order(c, first=order[c["id"]] == 0))
    metadata = stack["metadata"]
    return StackView(
        id=stub.id,
        name=stub.name,
        description=_text(metadata["description"] or ""),
        labels=_settings(metadata["labels"]),
        is_active=is_active,
        is_managed=stub.is_managed,
        components=tuple(_component(component) for component in full),
        connectors=tuple(
            _connector(c) for c in sorted(connectors, key=lambda c: (c["name"], c["id"]))
        ),
        environment=masked(_settings(metadata.get("environment"))),
        secrets=_texts(metadata.get("secrets")),
        spec_path=_optional(metadata["stack_spec_path"], _text),
        **_history(stack),
    )


def _stub(item: dict[str, Any]) -> Stub:
    uuid, labels = canonical_id(item["id"]), item["metadata"]["labels"] or {}
    if uuid is None:
        raise ValueError("an id that is none")
    return Stub(uuid, _text(item["name"]), is_managed(labels), item, APPLIED_LABEL in labels)


def _name(item: dict[str, Any]) -> str:
    return _text(item["name"])


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} in place of a text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{type(value).__name__} in place of a number")
    return value


def _texts(value: object) -> tuple[str, ...]:
    """The texts of a list; none where a server does not know the field yet."""
    if not isinstance(value, list | None):
        raise TypeError(f"{type(value).__name__} in place of a list")
    return tuple(_text(item) for item in value or ())


def _settings(value: object) -> dict[str, Any]:
    """A mapping with texts as keys; empty where there is none."""
    if not isinstance(value, dict | None):
        raise TypeError(f"{type(value).__name__} in place of a mapping")
    return dict(value or {})


def _component_order(component: Mapping[str, Any], *, first: bool) -> tuple[Any, ...]:
    return (*role_rank(component["body"]["type"]), not first, component["name"], component["id"])


def _time(value: str) -> datetime:
    time = datetime.fromisoformat(value)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _optional(value: object, read: Callable[[Any], _T]) -> _T | None:
    return None if value is None else read(value)


def _history(item: Mapping[str, Any]) -> dict[str, Any]:
    user = item["resources"]["user"]
    return {
        "created": _time(item["body"]["created"]),
        "updated": _time(item["body"]["updated"]),
        "user": _text(user["name"]) if user else None,
    }


def _component(item: Mapping[str, Any]) -> ComponentView:
    body, metadata = item["body"], item["metadata"]
    connector = metadata["connector"]
    return ComponentView(
        role_type=_text(body["type"]),
        id=_text(item["id"]),
        name=_text(item["name"]),
        flavor=_text(body["flavor_name"]),
        configuration=masked(_settings(metadata["configuration"])),
        labels=_settings(metadata["labels"]),
        environment=masked(_settings(metadata.get("environment"))),
        secrets=_texts(metadata.get("secrets")),
        connector_id=_text(connector["id"]) if connector else None,
        connector_name=_text(connector["name"]) if connector else None,
        connector_resource_id=_optional(metadata["connector_resource_id"], _text),
        **_history(item),
    )


def _connector(item: Mapping[str, Any]) -> ConnectorView:
    body, metadata = item["body"], item["metadata"]
    kind = body["connector_type"]
    return ConnectorView(
        id=_text(item["id"]),
        name=_text(item["name"]),
        # A server that knows the type sends a description of it instead of its name.
        type=_text(kind if isinstance(kind, str) else kind["connector_type"]),
        auth_method=_text(body["auth_method"]),
        resource_types=_texts(body["resource_types"]),
        resource_id=_optional(body["resource_id"], _text),
        configuration=masked(_settings(metadata["configuration"])),
        labels=_settings(metadata["labels"]),
        description=_text(body["description"] or ""),
        supports_instances=bool(body["supports_instances"]),
        expires_at=_optional(body["expires_at"], _time),
        expires_skew_tolerance=_optional(body["expires_skew_tolerance"], _number),
        expiration_seconds=_optional(metadata["expiration_seconds"], _number),
        **_history(item),
    )
