"""The journal of one change: the undo of each write stands there before the write is sent.

A failure runs them in reverse. Whether a write was made whose answer never came is looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
    UsageError,
)

__all__ = ["Entry", "Journal", "Theirs"]

_T = TypeVar("_T")

#: With these a store says that it wrote nothing. After any other error it may have.
_NOT_ALLOWED = (NotAllowedError, UsageError)
_REFUSED = (*_NOT_ALLOWED, AlreadyExistsError, NotFoundError)


class Theirs(Exception):
    """Somebody else has changed what was to be taken back. Says what it is.

    Attributes:
        is_new: Whether this run had created it.
        has_ours: Whether something that this run wrote stays with what somebody else did.
        users: What uses it.
    """

    def __init__(
        self,
        what: str,
        *,
        is_new: bool = False,
        has_ours: bool = False,
        users: Sequence[str] = (),
    ) -> None:
        super().__init__(what)
        self.users = tuple(users)
        self.is_new = is_new
        self.has_ours = has_ours


class Entry:
    """A write, and how to take it back.

    Attributes:
        what: What stays if that fails.
        undo: Before the write was answered: looks whether it was made, and takes it back then.
    """

    def __init__(self, what: str, undo: Callable[[], object]) -> None:
        self.what = what
        self.undo = undo


class Journal:
    """What was written so far, each write with its undo.

    Args:
        before: Called before each write that can be taken back. What it raises stops the change.
    """

    def __init__(self, before: Callable[[], object]) -> None:
        self._before = before
        self._entries: list[Entry] = []
        #: What was not taken back, since somebody else has changed it after this run.
        self.theirs: list[str] = []
        #: What was to be taken back, and was not found any more.
        self.gone: list[str] = []
        #: Of `theirs`, what this run had created, with what uses it.
        self.kept: dict[str, tuple[str, ...]] = {}

    def roll_back(self) -> list[str]:
        """Undo everything written so far, newest first.

        What somebody else has changed since is left as it is, and is in `theirs` then. Where a part
        of what this run wrote stays with it, it is in what could not be undone too.

        Returns:
            What could not be undone, one line each.
        """
        left = []
        while self._entries:
            entry = self._entries.pop()  # its undo may note more
            try:
                entry.undo()
            except NotFoundError:
                self.gone.append(entry.what)
            except Theirs as found:
                self.theirs.append(str(found))
                if found.is_new:
                    self.kept[str(found)] = found.users
                elif found.has_ours:
                    left.append(entry.what)
            except Exception as error:  # noqa: BLE001 - one failure must not stop the others
                _debug("could not undo %s: %s", entry.what, error)
                left.append(entry.what)
            except BaseException:
                self._entries.append(entry)
                raise
        return left

    def commit(self) -> None:
        """From here on nothing is taken back."""
        self._entries.clear()

    def _write(
        self,
        what: str,
        write: Callable[[], _T],
        *,
        unknown: Callable[[], object],
        undo: Callable[[_T], object] | None = None,
        is_ours: bool = True,
        may_be_done: bool = False,
    ) -> _T:
        """Write once, with the undo noted before.

        Args:
            what: What stays if the write cannot be taken back.
            write: The write.
            unknown: Takes it back where it is not known whether it was made.
            undo: Takes it back with what it gave; None is `unknown`.
            is_ours: Whether `unknown` can take nobody else's for it.
            may_be_done: Whether `unknown` is to look also where the store says that a name is
                taken, or that there is no such thing: who sends a request twice gets that too.
        """
        self._before()
        entry = Entry(what, unknown)
        self._entries.append(entry)
        try:
            result = write()
        except KitaruError as error:
            answered = not isinstance(error, NotConnectedError)
            refused = isinstance(error, _NOT_ALLOWED if may_be_done else _REFUSED)
            if refused or (answered and not is_ours):
                self._entries.remove(entry)
            raise
        if undo is not None:
            entry.undo = partial(undo, result)
        return result


def _debug(text: str, *about: object) -> None:
    import logging  # seldom needed, and slow to import

    logging.getLogger("kitaru_iac.records").debug(text, *about)
