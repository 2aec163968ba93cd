"""What counts as told badly, and what only follows from the engine's end."""

from __future__ import annotations

import pytest

from tests.pulumi.tracebacks import failed_badly

_UNANSWERED = "grpc._channel._InactiveRpcError: <_InactiveRpcError of RPC"
_STOPPED = "pulumi.errors.RunError: Resource monitor has terminated, shutting down"
_WRITING = " te = TracebackException("
_SDK = 'File "/kitaru_iac/.venv/lib/python3.11/site-packages/pulumi/x.py", line 1\n   '
_PACKAGE = 'File "/venv/lib/python3.11/site-packages/kitaru_iac/pulumi/x.py", line 1\n   '


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("fine", False),
        ("Traceback (most recent call last):\n  File x\n    raise E\nValueError: no", True),
        (" + a create Traceback (most recent call last):\n + a create KeyboardInterrupt", False),
        ("    Traceback (most recent call last):\n      File y\n    KeyboardInterrupt", False),
        ("Traceback (x):\nValueError: no", True),
        (f"Traceback (x):\n{_PACKAGE}ValueError: no\nTraceback (x):\nKeyboardInterrupt", True),
        (f"Traceback (x):\n{_SDK}ValueError: no\nTraceback (x):\nKeyboardInterrupt", False),
        (f"Traceback (x):\n{_PACKAGE}KeyboardInterrupt", False),
        ("Exception ignored in: <f>\nTraceback (x):\nAttributeError: x", False),
        ("Exception ignored in: <f>\nfine\nTraceback (x):\nAttributeError: x", True),
        ("Traceback (most recent call last):", True),
        (f"Traceback (x):\n{_UNANSWERED}\n  details = resource monitor shut down while", False),
        (f"Traceback (x):\n{_UNANSWERED}\n  details = no such type\nTraceback (x):\nmonitor", True),
        (f"Traceback (x):\n{_SDK}{_STOPPED}", False),
        (f"Traceback (x):\n{_STOPPED}\nTraceback (x):\n{_WRITING}\nKeyboardInterrupt", False),
        (f"Traceback (x):\n{_SDK}{_STOPPED}\nTraceback (x):\n{_PACKAGE}TypeError: no", True),
        (f"Traceback (x):\n{_UNANSWERED}\nTraceback (x):\n{_SDK}{_STOPPED}", False),
    ],
)
def test_an_interrupt_of_the_engine_is_no_bad_failure(text: str, *, bad: bool) -> None:
    assert failed_badly(text) is bad
