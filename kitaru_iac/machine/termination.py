"""SIGTERM as Ctrl-C from a process's first line on, and neither of them after its last one.

Apart from `interrupts`, which takes longer to import than a read command may wait for.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
from types import FrameType
from typing import Final

__all__ = ["as_interrupt", "end_with", "is_own_process", "listen"]

_BOTH: Final = (signal.SIGINT, signal.SIGTERM)
#: The numbers whose handlers are ours to exchange. One that is ignored, as in a shell's background
#: job, stays ignored.
_ours: set[int] = set()
#: The process that listens, by its id; a fork of it is another one.
_listening: set[int] = set()


def as_interrupt(number: int, frame: FrameType | None) -> None:
    """Raise what Ctrl-C raises: a handler."""
    del number, frame
    raise KeyboardInterrupt


def listen() -> None:
    """Let SIGTERM end this process as Ctrl-C does, unless somebody chose otherwise.

    Called first in a process that is ours alone, from its main thread.
    """
    _listening.add(os.getpid())
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        _ours.add(signal.SIGINT)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        _ours.add(signal.SIGTERM)
        signal.signal(signal.SIGTERM, as_interrupt)
    # A command makes little garbage, and Python would look for it sixty times.
    gc.set_threshold(100_000, 20, 100)
    # The first that is registered is called last: what others do at the end can be interrupted.
    atexit.register(_ignore)


def is_own_process() -> bool:
    """Whether this process is ours alone, and short: it runs one command."""
    return os.getpid() in _listening


def end_with(code: int) -> None:
    """From now on let a signal end this process at once, with this code: all is done and said.

    Nor does Python look for garbage while it ends, as it would twice: beside an imported ZenML that
    takes a second, and the memory is the system's in a moment.
    """
    gc.disable()
    gc.freeze()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        os._exit(code)

    for number in _BOTH:
        if number in _ours:
            signal.signal(number, end)


def _ignore() -> None:
    """Python gives the signals their defaults back while it ends, and would die of one."""
    for number in _BOTH:
        if number in _ours:
            signal.signal(number, signal.SIG_IGN)
