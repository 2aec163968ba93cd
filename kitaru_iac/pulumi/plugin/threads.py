"""Threads for what blocks in the plugin's calls, apart from those of Pulumi's SDK.

While components are built, the SDK's threads wait for the engine, and the engine waits for a call
that needs a thread: with one pool for both they would wait for each other for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

__all__ = ["busy", "in_thread", "sdk_threads"]

P = ParamSpec("P")
T = TypeVar("T")

_OURS = ThreadPoolExecutor(16, thread_name_prefix="kitaru")
#: One for each call that has not ended. Appending and popping are atomic.
_under_way: list[None] = []


def busy() -> bool:
    """Whether anything is still at work, be it for a call that nobody waits for any more.

    gRPC cancels the calls of an engine that is gone; what they do in their threads goes on.
    """
    return bool(_under_way)


async def in_thread(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """As `asyncio.to_thread`, in a thread that the SDK cannot take."""
    inside = partial(copy_context().run, call, *args, **kwargs)

    def counted() -> T:
        try:
            return inside()
        finally:
            _under_way.pop()

    _under_way.append(None)
    return await asyncio.get_running_loop().run_in_executor(_OURS, counted)


def sdk_threads() -> ThreadPoolExecutor:
    """The SDK's: one for each resource that is being made, as many as its programs have."""
    return ThreadPoolExecutor(64, thread_name_prefix="pulumi")
