# ruff: noqa: ARG002 - none of what is asked for changes the answer
"""Reads a local store that is not there yet: what cannot be in it is not looked for.

What ZenML makes together with a store, ZenML shows: its client is asked then, and makes the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kitaru_iac.gateway.lookup import Stub
from kitaru_iac.gateway.reader import BaseReader
from kitaru_iac.gateway.views import DEFAULT_STACK, StackView
from kitaru_iac.machine.unreadable import UnreadableError

__all__ = ["UnmadeReader"]


class UnmadeReader(BaseReader):
    """A reader that knows one stack by its name, the default one, and nothing about it."""

    def close(self) -> None:
        """See `Reader.close`."""

    def count(self, name: str | None = None) -> int:
        """See `Reader.count`."""
        raise _not_made()

    def _look_up(self, ref: str) -> Sequence[Stub]:
        if ref == DEFAULT_STACK:
            raise _not_made()
        return []

    def _by_id(self, id: str) -> Stub | None:
        raise _not_made()

    def _chunks(self, page: int | None, size: int, name: str | None) -> Iterator[Sequence[Stub]]:
        raise _not_made()

    def _page(self, number: int, size: int) -> tuple[Sequence[Stub], int]:
        raise _not_made()

    def _names(self, prefix: str, limit: int | None) -> list[str]:
        return [DEFAULT_STACK] if DEFAULT_STACK.startswith(prefix) else []

    def _view(self, stub: Stub, is_active: bool) -> StackView:
        raise _not_made()


def _not_made() -> UnreadableError:
    return UnreadableError("there is no local store yet")
