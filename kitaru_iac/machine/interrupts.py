"""Ctrl-C and SIGTERM: counted, not raised, while something is written that is all or nothing.

Outside of a `Hold` both raise `KeyboardInterrupt` where they strike, as Python does it for Ctrl-C.
Inside the first one waits until the work asks for it; a second one ends the process at once.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import Any

from kitaru_iac.machine.termination import as_interrupt

__all__ = [
    "CutShort",
    "Faces",
    "Hold",
    "Presses",
    "WorkInterrupted",
    "faces",
    "interrupt_in",
    "raise_on_termination",
]


class WorkInterrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM, and what it left behind.

    Args:
        what: How far the work has come, in a sentence without its stop.
        left: What exists in spite of the interrupt, one line each; empty when nothing does.
        remedy: The command that goes on, or removes what is left.
    """

    def __init__(self, what: str, *, left: Sequence[str] = (), remedy: str | None = None) -> None:
        self.what = what
        self.left = tuple(left)
        self.remedy = remedy
        super().__init__("\n".join(filter(None, [what, *self.left, remedy or ""])))


class CutShort(WorkInterrupted):
    """A second one: nothing is finished and nothing taken back any more."""


class Faces:
    """What whoever called may do in a signal's handler.

    Attributes:
        told: Called with the first Ctrl-C that has to wait, to say so.
        ended: Called with a second one; ends the process. Without it `CutShort` is raised.
        done: What is done by now, in words: said where an interrupt comes before the answer.
    """

    told: Callable[[], None] | None = None
    ended: Callable[[CutShort], None] | None = None
    done: str | None = None


#: The command line's; a Python program has none.
faces = Faces()


def raise_on_termination() -> None:
    """Let SIGTERM end this process as Ctrl-C does, unless somebody chose otherwise."""
    if _is_main() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, as_interrupt)


def interrupt_in(error: BaseException) -> KeyboardInterrupt | None:
    """Give the signal that Python 3.11 hides in a `RuntimeError`, where a class was being made."""
    cause: BaseException | None = error
    seen: list[BaseException] = []  # an error may be raised from itself
    while cause is not None and cause not in seen:
        if isinstance(cause, KeyboardInterrupt):
            return cause
        seen.append(cause)
        cause = cause.__cause__
    return None


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def _is_default(number: int, handler: object) -> bool:
    if number == signal.SIGINT:
        return handler is signal.default_int_handler
    return handler in (signal.SIG_DFL, as_interrupt)


class Presses:
    """Counts Ctrl-C and SIGTERM instead of raising.

    Only where they would raise, or end the process: a program's own handlers stay. Signals reach
    the main thread alone; in another one nothing is counted.
    """

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Presses:
        if _is_main():
            for number in (signal.SIGINT, signal.SIGTERM):
                handler = signal.getsignal(number)
                if _is_default(number, handler):
                    self._before[number] = handler
                    signal.signal(number, self._press)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler)

    def _press(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.count += 1
        self.pressed()

    def pressed(self) -> None:
        """What else happens, in the handler."""


class Hold(Presses):
    """Holds both back during work that is all or nothing, and ends at once with the second.

    Args:
        what: What is cut off by a second one, in a sentence without its stop.
        remedy: What to do then: a command.

    Raises:
        CutShort: That, from wherever the work is, where no face ends the process.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__()
        self._what = what
        self._remedy = remedy

    def __enter__(self) -> Hold:
        super().__enter__()
        return self

    def check(self) -> None:
        """Raise what was held back, at a place where the work can be taken back.

        Raises:
            KeyboardInterrupt: There was one.
        """
        if self.count:
            raise KeyboardInterrupt

    def pressed(self) -> None:
        """See `Presses.pressed`."""
        if self.count == 1:
            if faces.told is not None:
                faces.told()
            return
        end = CutShort(self._what, remedy=self._remedy)
        if faces.ended is not None:
            faces.ended(end)
        raise end
