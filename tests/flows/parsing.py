"""Lets threads parse Python one after the other, as ZenML does with the source of each step.

Python 3.11 counts the depth of all threads' parsing in one place: where another thread goes on amid
it, parsing may, very rarely, end with `SystemError: AST constructor recursion
depth mismatch`. Newer versions do not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

_lock = threading.Lock()


def one_at_a_time(parse: Callable[..., Any]) -> Callable[..., Any]:
    """Return what does the same, and waits for its turn."""

    def turn(*args: Any, **options: Any) -> Any:
        with _lock:
            return parse(*args, **options)

    return turn
