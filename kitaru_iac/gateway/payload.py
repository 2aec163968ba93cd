"""Read a ZenML store through the documents of its REST API.

`rest` gets them from a server, `fallback` from ZenML's own client; what they mean is here. A
document that lacks a field or has another form is an `UnreadableError`.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from typing import Any, Literal, TypeVar

from kitaru_iac.errors import KitaruError, NotAllowedError, NotConnectedError, StackNotFound
from kitaru_iac.gateway.guards import MOST_LISTED, EndlessListing, read_through
from kitaru_iac.gateway.lookup import PREFIX_MATCHES, Stub, contains, has_id_prefix, id_prefix
from kitaru_iac.gateway.payload_views import (
    Changed,
    links_of,
    name_of,
    places_of,
    stack_view,
    stub_of,
    text_of,
)
from kitaru_iac.gateway.reader import BaseReader
from kitaru_iac.gateway.views import StackRow, StackView, Unread
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
            stubs = [stub_of(item) for item in page["items"]]
            if page["total"] > len(stubs) and not any(stub.name == ref for stub in stubs):
                # More ids begin so than were asked for: the named stack may not be among them.
                page = self._list("stacks", hydrate=True, size=1, name=f"equals:{ref}")
                stubs += [stub_of(item) for item in page["items"]]
        found = {stub.id: stub for stub in stubs}.values()
        return [stub for stub in found if stub.name == ref or has_id_prefix(stub.id, prefix)]

    def _by_id(self, id: str) -> Stub | None:
        with self._known_form():
            page = self._list("stacks", hydrate=True, size=1, id=f"equals:{id}")
            stubs = [stub_of(item) for item in page["items"]]
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
        for stubs in self._every(stub_of, hydrate=True, size=_PIECE, **filters):
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
            items = {text_of(item["id"]): read(item) for item in found["items"]}
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
                return [stub_of(item) for item in found["items"]], int(found["total"])
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
        for names in self._every(name_of, hydrate=False, size=_NAMES, **filters):
            yield [name for name in names if contains(name, test)]

    def _view(self, stub: Stub, is_active: bool) -> StackView:
        with self._known_form():
            # A component in the document of its stack lacks all that is set on it.
            full = self._all("components", stack_id=stub.id)
            links = links_of(full)
            connectors = self._all("service_connectors", id=_one_of(links)) if links else []
            return stack_view(stub, full, connectors, is_active)

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
            members = {part for stub in before.values() for part in places_of(stub)}
            full = self._by_ids("components", members)
            connectors = self._by_ids("service_connectors", links_of(list(full.values())))
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
                parts = [full[part] for part in places_of(stub) if part in full]
                links = [connectors[link] for link in links_of(parts) if link in connectors]
                return stack_view(stub, parts, links, row.is_active)
        return self.stack(row.id)

    def _stubs(self, rows: Sequence[StackRow]) -> dict[str, Stub]:
        found = self._by_ids("stacks", {row.id for row in rows})
        return {stub.id: stub for stub in map(stub_of, found.values())}

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
