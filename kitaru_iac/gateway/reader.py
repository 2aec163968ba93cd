"""What all ways of reading share: the active stack, finding by name or id, rows of a listing.

A way of reading has to answer a few questions about the store (`_look_up`, `_by_id`, `_chunks`,
`_page`, `_names`, `_view`, `count`); each is one statement or request, or a number of them that
does not depend on how many stacks there are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import suppress

from kitaru_iac.errors import StackNotFound
from kitaru_iac.gateway.lookup import Stub, choose, may_be_name, not_found
from kitaru_iac.gateway.views import DEFAULT_STACK, Active, RowPage, StackRow, StackView, Unread
from kitaru_iac.machine.active_scope import Named
from kitaru_iac.machine.unreadable import UnreadableError

__all__ = ["BaseReader"]

#: So many names are compared when a stack is not found and a near name is looked for.
_NAMES_COMPARED = 2000
#: The greatest number of a page, and of rows on one, that a store is asked for: together they fit
#: into 63 bits.
_MOST = 2**31


class BaseReader(ABC):
    """A reader whose active stack is the one that `named` names, else the default one."""

    def __init__(self, named: Named) -> None:
        self._named = named

    # -- what a way of reading answers -----------------------------------------------------------

    @abstractmethod
    def _look_up(self, ref: str) -> Sequence[Stub]:
        """The stack of this name, and those whose id begins with it (`PREFIX_MATCHES` at most)."""

    @abstractmethod
    def _by_id(self, id: str) -> Stub | None:
        """The stack with this id."""

    @abstractmethod
    def _chunks(self, page: int | None, size: int, name: str | None) -> Iterator[Sequence[Stub]]:
        """The stacks of `Reader.stacks`, some at a time."""

    @abstractmethod
    def _page(self, number: int, size: int) -> tuple[Sequence[Stub], int]:
        """The stacks of `Reader.page`, and how many there are."""

    @abstractmethod
    def _names(self, prefix: str, limit: int | None) -> list[str]:
        """Names that begin with this text, sorted."""

    @abstractmethod
    def _view(self, stub: Stub, is_active: bool) -> StackView:
        """Everything about a stack that was just found."""

    @abstractmethod
    def count(self, name: str | None = None) -> int:
        """See `Reader.count`."""

    @abstractmethod
    def close(self) -> None:
        """See `Reader.close`."""

    # -- what is made of it ----------------------------------------------------------------------

    def active(self) -> Active:
        """See `Reader.active`."""
        named = self._named
        stub = self._named_stub()
        if stub is not None:
            return Active(stub.id, stub.name, named.scope, named.source)
        stub = self._default()
        return Active(stub.id, stub.name, "default", named.source, stale=named.ref)

    def stacks(
        self, *, page: int | None = None, size: int = 100, name: str | None = None
    ) -> Iterator[StackRow]:
        """See `Reader.stacks`."""
        active: str | None = None
        for number, chunk in enumerate(self._chunks(page, size, name)):
            if not number and chunk:
                active = self._active_id(chunk)
            for stub in chunk:
                yield StackRow(
                    stub.id, stub.name, stub.id == active, stub.is_managed, stub.is_recorded
                )

    def page(self, number: int, size: int) -> RowPage:
        """See `Reader.page`."""
        size = min(size, _MOST)
        if number > _MOST:  # no store has as many, and none can count so far
            return RowPage((), self.count())
        stubs, total = self._page(number, size)
        active = self._active_id(stubs) if self._may_hold_active(stubs) else None
        rows = (StackRow(s.id, s.name, s.id == active, s.is_managed) for s in stubs)
        return RowPage(tuple(rows), total)

    def names(self, prefix: str = "") -> list[str]:
        """See `Reader.names`."""
        return self._names(prefix, None)

    def find(self, ref: str) -> StackRow:
        """See `Reader.find`."""
        stub = self._find(ref)
        return StackRow(stub.id, stub.name, self._is_active(stub), stub.is_managed)

    def stack(self, ref: str) -> StackView:
        """See `Reader.stack`."""
        stub = self._find(ref)
        return self._view(stub, self._is_active(stub))

    def views(self, rows: Sequence[StackRow]) -> list[StackView | Unread]:
        """See `Reader.views`. One after the other, where a question costs next to nothing."""
        found: list[StackView | Unread] = []
        for row in rows:
            with suppress(StackNotFound):
                found.append(self.stack(row.id))
        return found

    def _find(self, ref: str) -> Stub:
        stub = choose(ref, self._look_up(ref)) if may_be_name(ref) else None
        if stub is None:
            raise not_found(ref, self._names_to_compare)
        return stub

    def _names_to_compare(self) -> list[str]:
        return self._names("", _NAMES_COMPARED)

    # -- the active stack ------------------------------------------------------------------------

    def _named_stub(self) -> Stub | None:
        """The stack that is named as the active one; None where none is, or it is gone.

        Raises:
            StackNotFound: The environment names one that does not exist.
            UnreadableError: What is written there is not an id, and not simply a name.
        """
        named = self._named
        if not named.ref:
            return None
        if named.id:
            stub = self._by_id(named.id)
        elif named.scope == "environment":
            # ZenML takes a name here too, and even the beginning of one: that is left to it.
            stub = next((stub for stub in self._look_up(named.ref) if stub.name == named.ref), None)
            if stub is None:
                raise UnreadableError(f"{named.source} holds neither an id nor a stack's name")
        else:
            raise UnreadableError(f"the active stack in {named.source} is not an id")
        if stub is None and named.scope == "environment":
            raise not_found(named.ref, self._names_to_compare, where=named.source)
        return stub

    def _default(self) -> Stub:
        found = self._look_up(DEFAULT_STACK)
        stub = next((stub for stub in found if stub.name == DEFAULT_STACK), None)
        if stub is None:
            raise UnreadableError("the store has no default stack")
        return stub

    def _active_id(self, among: Sequence[Stub]) -> str | None:
        """The active stack's id; no question is asked where these stacks already answer it."""
        named = self._named
        if named.id and (named.scope == "environment" or any(s.id == named.id for s in among)):
            return named.id
        stub = self._named_stub()
        if stub is None:
            stub = next((s for s in among if s.name == DEFAULT_STACK), None) or self._default()
        return stub.id

    def _may_hold_active(self, stubs: Sequence[Stub]) -> bool:
        """False where no question is needed: neither the named stack is among them nor the default.

        The default one is active where the named one is gone.
        """
        named = self._named
        if not named.ref or named.id:
            return any(stub.id == named.id or stub.name == DEFAULT_STACK for stub in stubs)
        return bool(stubs)

    def _is_active(self, stub: Stub) -> bool:
        named = self._named
        if named.id and named.id != stub.id and stub.name != DEFAULT_STACK:
            return False
        return self._active_id([stub]) == stub.id
