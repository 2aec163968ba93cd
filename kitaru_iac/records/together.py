"""Several questions to a store at the same time. Never writes: those are waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["answers", "asking"]

_A = TypeVar("_A")
_B = TypeVar("_B")
_C = TypeVar("_C")


@contextmanager
def asking(count: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Threads for questions. Ctrl-C does not wait for the answers that are still to come."""
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(count, name)
    wait = True
    try:
        yield pool
    except KeyboardInterrupt:
        wait = False
        raise
    finally:
        pool.shutdown(wait=wait, cancel_futures=not wait)


def answers(
    first: Callable[[], _A], second: Callable[[], _B], third: Callable[[], _C]
) -> tuple[_A, _B, _C]:
    """Ask three questions at the same time; raises what the earliest of them raised.

    It is what most commands ask with, so it does without `concurrent.futures`, which takes 0.01 s
    to import. The first is asked in this thread. Ctrl-C does not wait for the others.
    """
    others = _Question(second), _Question(third)
    for other in others:
        other.start()
    try:
        found = first()
    except Exception:
        for other in others:
            other.join()
        raise
    for other in others:
        other.join()
    return found, others[0].answer(), others[1].answer()


class _Question(threading.Thread):
    """A thread that asks one thing. Python's end does not wait for it."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        super().__init__(name="ask-store", daemon=True)
        self._ask = ask
        self._found: Any = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._found = self._ask()
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self._error = error

    def answer(self) -> Any:  # noqa: ANN401 - whatever was asked for
        """What was found; raises what asking raised."""
        if self._error is not None:
            raise self._error
        return self._found
