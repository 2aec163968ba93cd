"""What a program says that the engine interrupts, apart from what is told badly."""

from __future__ import annotations

import re

__all__ = ["failed_badly"]


def failed_badly(text: str) -> bool:
    """Whether there is a traceback, except of a program that the engine interrupts as it ends.

    A preview that fails stops the program, which then may be in the middle of its own work, of a
    call that the engine does not answer any more, or of its shutdown: Python and Pulumi's SDK say
    so, in one traceback or in several that follow from each other.
    """
    before, *tracebacks = re.split(r"(?m)^.*\bTraceback \(.*$", text)
    interrupted = any(sign in text.lower() for sign in _INTERRUPTED)
    for start, traceback in zip([before, *tracebacks], tracebacks, strict=False):
        ignored = "Exception ignored in" in start.rstrip().rpartition("\n")[2]
        if not ignored and not (interrupted and _may_follow(traceback)):
            return True
    return False


#: What Python, and Pulumi's SDK, say of a program that the engine interrupts.
_INTERRUPTED = (
    "keyboardinterrupt",
    "resource monitor shut down",
    "resource monitor has terminated",
)


def _may_follow(traceback: str) -> bool:
    """Whether a traceback of an interrupted program may follow from that.

    It is an interrupt itself, or an exception that passed through nothing of ours.
    """
    lines = traceback.splitlines()
    end = next((found[1] for line in lines if (found := _END.search(line))), "")
    ours = any(_OURS.search(line) for line in lines)
    return end == "KeyboardInterrupt" or (bool(end) and not ours)


#: The last line of a traceback, whatever the engine writes before it.
_END = re.compile(r"(?:^|\s)([\w.]*(?:Error|Exception|Interrupt|Exit))(?::\s|$)")
#: A frame in the package, wherever it is installed.
_OURS = re.compile(r'File "(?:[^"]*/)?kitaru_iac/(?![^"]*(?:site-packages|lib/python))')
