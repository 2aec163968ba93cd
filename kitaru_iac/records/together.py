"""Several questions to a store at the same time. Never writes: those are waited for."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

__all__ = ["asking"]


@contextmanager
def asking(count: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Threads for questions. Ctrl-C does not wait for the answers that are still to come."""
    pool = ThreadPoolExecutor(count, name)
    wait = True
    try:
        yield pool
    except KeyboardInterrupt:
        wait = False
        raise
    finally:
        pool.shutdown(wait=wait, cancel_futures=not wait)
