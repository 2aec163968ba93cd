"""How the command answers Ctrl-C and SIGTERM, and how it reports what they left."""

from __future__ import annotations

import contextlib
import os
import sys

from kitaru_iac.cli.output import Output, current
from kitaru_iac.errors import Interrupted
from kitaru_iac.machine.interrupts import CutShort, WorkInterrupted, faces, raise_on_termination

__all__ = ["answer_signals", "tell_interrupt"]


def answer_signals() -> None:
    """Let SIGTERM be as Ctrl-C, and a second one end this process at once. It is the command's."""
    raise_on_termination()
    faces.told = _say_that_it_waits
    faces.ended = _end_at_once


def tell_interrupt(pressed: BaseException, out: Output) -> int:
    """Report what an interrupt left, and give the exit code."""
    if isinstance(pressed, WorkInterrupted):
        stopped = Interrupted(pressed.what, left=pressed.left, remedy=pressed.remedy)
    elif faces.done is not None:
        stopped = Interrupted(f"Interrupted when all was done: {faces.done}")
    else:
        stopped = Interrupted()
    text = str(stopped)
    out.error(stopped.to_dict(), text if "\n" in text else f"{text}.")
    return int(stopped.exit_code)


def _say_that_it_waits() -> None:
    # A handler may strike inside a write to the same stream, which then refuses.
    with contextlib.suppress(RuntimeError):
        current().note(
            "Interrupted: what is under way is ended, or taken back. Once more ends at once."
        )


def _end_at_once(end: CutShort) -> None:
    code = int(Interrupted().exit_code)
    with contextlib.suppress(RuntimeError, OSError):
        code = tell_interrupt(end, current())
        sys.stdout.flush()
    os._exit(code)
