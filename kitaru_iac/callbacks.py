"""What a caller may hand in to be told or asked. Defined once, for every operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = [
    "ConfirmCallback",
    "ProgressCallback",
    "require_wanted",
    "say_wait",
    "waits_told",
    "wanted_by",
]

#: Gets one-line messages; an `engine.progress.View` sees every event of the engine too.
ProgressCallback = Callable[[str], None]
#: Asked a yes-or-no question, as before something is downloaded.
ConfirmCallback = Callable[[str], bool]

_told: ContextVar[Callable[[str], None] | None] = ContextVar("waits_told", default=None)
_wanted: ContextVar[Callable[[], None] | None] = ContextVar("wanted_by", default=None)


@contextmanager
def waits_told(progress: ProgressCallback) -> Iterator[None]:
    """Let `progress` be told what is waited for long, each thing once.

    Whoever waits is too far below to be handed a callback: every command may meet a slow server.
    """
    said: set[str] = set()

    def tell(line: str) -> None:
        if line not in said:
            said.add(line)
            progress(line)

    token = _told.set(tell)
    try:
        yield
    finally:
        _told.reset(token)


def say_wait(line: str) -> None:
    """Say what is waited for, if somebody wants to know."""
    tell = _told.get()
    if tell is not None:
        tell(line)


@contextmanager
def wanted_by(check: Callable[[], None]) -> Iterator[None]:
    """Let `check` be called right before a first write: what it raises ends the work there."""
    token = _wanted.set(check)
    try:
        yield
    finally:
        _wanted.reset(token)


def require_wanted() -> None:
    """End here if what was asked for is not wanted any more; nothing may be written yet."""
    if (check := _wanted.get()) is not None:
        check()
