"""Threads for what blocks in the plugin's calls, apart from those of Pulumi's SDK.

While components are built, the SDK's threads wait for the engine, and the engine waits for a call
that needs a thread: with one pool for both they would wait for each other for ever.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from functools import partial
from typing import ParamSpec, TypeVar

__all__ = ["NotBegun", "busy", "ended_by", "in_thread", "require_awaited", "sdk_threads"]

P = ParamSpec("P")
T = TypeVar("T")

_OURS = ThreadPoolExecutor(16, thread_name_prefix="kitaru")
#: One for each call that has not ended. Appending and popping are atomic.
_under_way: list[None] = []
#: Once one of them is set, this call begins nothing any more.
_ends: ContextVar[tuple[threading.Event, ...]] = ContextVar("ends", default=())


class NotBegun(Exception):
    """A call whose turn came after nobody waited for it any more. A signal."""


def ended_by(event: threading.Event) -> None:
    """Let this event end what this call has not begun."""
    _ends.set((event,))


def require_awaited() -> None:
    """See, before anything is begun, that somebody still waits for it.

    Raises:
        NotBegun: The engine has cancelled its run, or it is gone.
    """
    if any(event.is_set() for event in _ends.get()):
        raise NotBegun


def busy() -> bool:
    """Whether anything is still at work, be it for a call that nobody waits for any more.

    gRPC cancels the calls of an engine that is gone; what they do in their threads goes on.
    """
    return bool(_under_way)


async def in_thread(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """As `asyncio.to_thread`, in a thread that the SDK cannot take."""
    gone, context = threading.Event(), copy_context()
    context.run(_ends.set, (*_ends.get(), gone))
    _under_way.append(None)
    work = _OURS.submit(partial(context.run, call, *args, **kwargs))
    work.add_done_callback(lambda _: _under_way.pop())  # also of what never began
    try:
        return await asyncio.wrap_future(work)
    except asyncio.CancelledError:
        gone.set()
        raise


def sdk_threads() -> ThreadPoolExecutor:
    """The SDK's: one for each resource that is being made, as many as its programs have."""
    return ThreadPoolExecutor(64, thread_name_prefix="pulumi")
