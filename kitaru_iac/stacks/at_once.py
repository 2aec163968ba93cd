"""Work on several stacks at the same time, with a bound. Ctrl-C begins nothing more.

What is under way is ended, since a stack's records are written as one: signals reach the main
thread alone, which waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TypeVar

from kitaru_iac.machine.interrupts import Hold

__all__ = ["at_once"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
#: Seconds between looks for a Ctrl-C.
_LOOK = 0.1


def at_once(
    items: Sequence[_Item],
    work: Callable[[_Item], _Result],
    *,
    most: int,
    stop: threading.Event,
    hold: Hold,
    ended: Callable[[int, _Result], object],
) -> None:
    """Do the work for each item, in their order as far as places are free.

    Args:
        items: What it is done for.
        work: Has a context of its own, which is a copy of this one. Where it raises, no more is
            begun, what is under way is ended and told, and then the first of these is raised here.
        most: So many at a time.
        stop: Set by whoever wants no more begun, as by the first Ctrl-C.
        hold: Counts Ctrl-C and SIGTERM meanwhile; entered by the caller.
        ended: Called here with each item's number and result, as they come.
    """
    pool = ThreadPoolExecutor(most, "stack")
    running: dict[Future[_Result], int] = {}
    raised: list[BaseException] = []
    following = 0
    try:
        while running or (following < len(items) and not stop.is_set()):
            while len(running) < most and following < len(items) and not stop.is_set():
                begun = pool.submit(copy_context().run, work, items[following])
                running[begun] = following
                following += 1
            done, _ = wait(running, timeout=_LOOK, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=running.__getitem__):
                number, error = running.pop(future), future.exception()
                if error is None:
                    ended(number, future.result())
                else:
                    raised.append(error)
            if hold.count or raised:
                stop.set()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    if raised:
        raise raised[0]
