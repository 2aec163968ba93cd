"""One comment on a request, one issue for a matter: the same on every host.

What a host does is its own; when it does it is decided here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from kitaru_iac.hosts.model import Note, Outcome, marked

__all__ = ["Conversations"]


class Conversations(ABC):
    """The comments and issues of one repository that are this identity's own."""

    def comment(self, key: str, body: str, number: int, *, is_news: bool = True) -> Outcome:
        """See `Host.comment`."""
        text = marked(key, body)
        ours = self._comments(key, number)
        if not ours:
            return self._first_comment(key, number, text) if is_news else Outcome.NONE
        if _same(ours[0].body, text):
            return Outcome.UNCHANGED
        self._edit_comment(number, ours[0].id, text)
        return Outcome.EDITED

    def issue(self, key: str, title: str, body: str, *, is_open: bool) -> Outcome:
        """See `Host.issue`."""
        text = marked(key, body)
        found = self._issues(key)
        if not found:
            if not is_open:
                return Outcome.NONE
            self._add_issue(title, text)
            return Outcome.CREATED
        # One that is open first; of several the oldest.
        ours = min(found, key=lambda note: (not note.is_open, int(note.id)))
        if not is_open and not ours.is_open:
            return Outcome.NONE
        if is_open and ours.is_open and _same(ours.body, text):
            return Outcome.UNCHANGED
        self._edit_issue(ours, title, text, is_open=is_open)
        return Outcome.EDITED if is_open else Outcome.CLOSED

    def _first_comment(self, key: str, number: int, text: str) -> Outcome:
        made = self._add_comment(number, text)
        ours = self._comments(key, number)
        if not ours or made is None or made == ours[0].id:
            return Outcome.CREATED
        # Another job was faster: its comment stays, with our text, and the one just made goes.
        self._edit_comment(number, ours[0].id, text)
        self._remove_comment(number, made)
        return Outcome.EDITED

    @abstractmethod
    def _comments(self, key: str, number: int) -> Sequence[Note]:
        """Our comments with this key, the oldest first, whoever edited them."""

    @abstractmethod
    def _add_comment(self, number: int, text: str) -> str | None:
        """Make a comment, and give its id."""

    @abstractmethod
    def _edit_comment(self, number: int, id: str, text: str) -> None: ...

    @abstractmethod
    def _remove_comment(self, number: int, id: str) -> None: ...

    @abstractmethod
    def _issues(self, key: str) -> Sequence[Note]:
        """Our issues with this key, open or closed."""

    @abstractmethod
    def _add_issue(self, title: str, text: str) -> None: ...

    @abstractmethod
    def _edit_issue(self, issue: Note, title: str, text: str, *, is_open: bool) -> None: ...


def _same(there: str, text: str) -> bool:
    return there.replace("\r\n", "\n").strip() == text.strip()
