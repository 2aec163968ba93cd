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

__all__ = ["in_thread", "sdk_threads"]

P = ParamSpec("P")
T = TypeVar("T")

_OURS = ThreadPoolExecutor(16, thread_name_prefix="kitaru")


async def in_thread(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """As `asyncio.to_thread`, in a thread that the SDK cannot take."""
    inside = partial(copy_context().run, call, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_OURS, inside)


def sdk_threads() -> ThreadPoolExecutor:
    """The SDK's: one for each resource that is being made, as many as its programs have."""
    return ThreadPoolExecutor(64, thread_name_prefix="pulumi")
