"""One write to a store, looked at where it is refused.

Something between may send a request twice: the first is carried out, and the answer to the second
says that the name is taken, or that there is no such thing. So what a server refuses is looked at
before anybody is told that it was not done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    NotAllowedError,
    NotFoundError,
    UsageError,
)
from kitaru_iac.gateway.documents import (
    ComponentChange,
    ComponentDoc,
    ConnectorChange,
    ConnectorDoc,
    Kind,
    StackChange,
    StackDoc,
    Where,
)
from kitaru_iac.gateway.gateway import Gateway
from kitaru_iac.records import lost
from kitaru_iac.records.journal import Journal, Theirs
from kitaru_iac.records.model import ComponentRecord
from kitaru_iac.records.requests import is_made

__all__ = ["SingleWrites", "Target"]

_T = TypeVar("_T")
_Change = TypeVar("_Change", StackChange, ComponentChange, ConnectorChange)


class Target(NamedTuple, Generic[_Change]):
    """What is changed, by its id.

    Attributes:
        put: Sends a change of it.
        read: Gives what is stored; None if it is gone.
    """

    put: Callable[[_Change], None]
    read: Callable[[], StackDoc | ComponentDoc | ConnectorDoc | None]


class SingleWrites(Journal):
    """What all writes of a `Writer` have in common.

    Args:
        gateway: The store.
        before: As of `Journal`.

    Attributes:
        has_twin: Whether something that was refused stands there as described, and nobody can tell
            whose it is.
    """

    def __init__(self, gateway: Gateway, before: Callable[[], object]) -> None:
        super().__init__(before)
        self._gateway = gateway
        self.has_twin = False
        #: What the store has said to be deleted: kinds and ids.
        self._deleted: list[tuple[Kind, str]] = []

    @property
    def _is_shared(self) -> bool:
        """Whether somebody else may write at the same time: not to a store of this process."""
        return self._gateway.place.kind != "local"

    # -- what is changed -------------------------------------------------------------------------

    def _connector(self, id: str) -> Target[ConnectorChange]:
        read = partial(self._gateway.connector_with_secrets, id)
        return Target(partial(self._gateway.update_connector, id), read)

    def _component(self, id: str) -> Target[ComponentChange]:
        def read() -> ComponentDoc | None:
            return next(iter(self._gateway.components(Where(ids=(id,)))), None)

        return Target(partial(self._gateway.update_component, id), read)

    def _stack(self, id: str) -> Target[StackChange]:
        def read() -> StackDoc | None:
            return next(iter(self._gateway.stacks(Where(ids=(id,)))), None)

        return Target(partial(self._gateway.update_stack, id), read)

    @staticmethod
    def _read_twice(target: Target[_Change]) -> StackDoc | ComponentDoc | ConnectorDoc | None:
        """Give what is stored; None only where two looks show nothing: one page may be empty."""
        return target.read() or target.read()

    # -- one write -------------------------------------------------------------------------------

    def _create(
        self, create: Callable[[], _T], find: Callable[[], _T | None], *, is_ours: bool = True
    ) -> _T:
        """Create something. What is refused and is there is made, if it can only be of this run.

        Args:
            create: Sends it.
            find: Finds it where it is there.
            is_ours: Whether what `find` finds can be nobody else's.
        """

        def made() -> _T | None:
            found = find()
            if found is None or is_ours:
                return found
            self.has_twin = True
            return None

        return lost.unless_made(create, made) if self._is_shared else create()

    def _change(
        self,
        what: str,
        target: Target[_Change],
        new: _Change,
        old: _Change,
        written: ComponentRecord | None = None,
    ) -> None:
        """Change something, and note how to change it back; the last three: see `taken_back`."""

        def restore() -> None:
            if not self._is_shared:
                self._put(target, old)
                return
            from kitaru_iac.records.taking_back import called, taken_back  # few runs need it

            doc = self._read_twice(target)
            found = taken_back(doc, new, old, what, written)
            if found.change is not None:
                self._put(target, found.change)
            if found.is_theirs and doc is not None:
                raise Theirs(called(doc), has_ours=found.has_ours)

        self._write(
            what,
            lambda: self._put(target, new, written),
            unknown=restore,
            may_be_done=self._is_shared,
        )

    def _put(
        self, target: Target[_Change], change: _Change, written: ComponentRecord | None = None
    ) -> None:
        """Change something. What is refused and is so is done."""

        def write() -> bool:
            target.put(change)
            return True

        shown: bool | None = None  # nobody has looked

        def made() -> bool | None:
            nonlocal shown
            doc = target.read()
            shown = doc is not None
            found = is_made(doc, change, written)
            if found is None:
                raise KitaruError("This login may not read the secrets that were to be written")
            return found or None

        if not self._is_shared:
            write()
            return
        try:
            lost.unless_made(write, made, also_lost=True)  # as asked for it is done, whoever did it
        except NotFoundError as refusal:
            if shown:
                what = f"{lost.DENIED}: {refusal.what}"
                raise KitaruError(what, where=refusal.where) from refusal
            raise
        except (AlreadyExistsError, NotAllowedError) as refusal:
            if shown is False:  # whether it is done nobody can tell then
                what = f"The ZenML server refused a change of what it does not show: {refusal.what}"
                raise KitaruError(what, where=refusal.where, why=refusal.why) from refusal
            raise

    def _delete(self, kind: Kind, id: str) -> bool:
        """Delete something. What is refused, or not answered, and is gone then is deleted."""
        try:
            is_deleted = lost.delete(self._gateway, kind, id)
        except UsageError:
            raise
        except KitaruError:
            if self._is_shared and lost.is_there(self._gateway, kind, id) is False:
                return True
            raise
        if is_deleted:
            self._deleted.append((kind, id))
        return is_deleted

    def still_there(self) -> frozenset[str]:
        """Give the ids of what a server shows of that which it has said to be deleted.

        Raises:
            KitaruError: The server could not be asked.
        """
        return lost.still_there(self._gateway, self._deleted)

    def require_others(self, users: Iterable[str]) -> None:
        """Refuse the ids of users that are deleted by this run: then they were not.

        Raises:
            KitaruError: The server shows one of them.
        """
        if not {key for _, key in self._deleted}.isdisjoint(users):
            raise self.not_deleted()

    def require_deleted(self) -> None:
        """Look once more for all that this run has deleted.

        Raises:
            KitaruError: The server shows some of it, or could not be asked.
        """
        if self.still_there():
            raise self.not_deleted()

    def not_deleted(self) -> KitaruError:
        """Give the error for a server that does not do what it says."""
        return KitaruError(lost.NOT_DELETED, where=self._gateway.place.url)
