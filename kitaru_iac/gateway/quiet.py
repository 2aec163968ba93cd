"""Keep ZenML's own lines off our stdout, and pass on the few of its warnings that mean something.

ZenML logs to stdout, prints there, and wraps `sys.stdout.write` when it is imported. Output of ours
has to be one clean document, so every call into ZenML stands inside :func:`quiet`. The process of a
Python program that uses us is left as it was: afterwards ZenML logs there as before.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

__all__ = ["Heard", "quiet"]

_log = logging.getLogger("kitaru_iac.zenml")
_lock = threading.RLock()

#: ZenML's warnings that a user has to know about, in our words. `\1` is the pattern's first group.
_MEANINGFUL: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"active stack with id (\S+?) is no longer|active stack is not set", re.I),
        "The stack that was active does not exist any more; the default stack is active now.",
    ),
    (
        re.compile(r"version mismatch|client version.*server version", re.I | re.S),
        "The versions of ZenML here and on the server differ; use the same one on both sides.",
    ),
    (
        re.compile(r"authentication method.*expire|credentials.*(?:have|are) expired", re.I),
        "The connector's credentials have expired.",
    ),
)


class _Sink(io.TextIOBase):
    """Swallows what is written while muted, passes it on otherwise.

    ZenML keeps the `write` that it found when it was imported for as long as the process lives.
    """

    def __init__(self, behind: TextIO) -> None:
        self._behind = behind
        self.muted = True

    def write(self, text: str) -> int:
        if self.muted:
            if text.strip():
                _log.debug("%s", text.rstrip())
            return len(text)
        return self._behind.write(text)

    def flush(self) -> None:
        if not self.muted:
            self._behind.flush()

    def isatty(self) -> bool:
        return False


class Heard(logging.Handler):
    """What ZenML said meanwhile: `warnings` holds the meaningful ones, once each."""

    def __init__(self) -> None:
        super().__init__()
        self.warnings: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note a record that means something; the rest goes to our own debug log."""
        message = record.getMessage()
        if record.name.startswith("kitaru_iac"):
            return
        _log.debug("%s: %s", record.name, message)
        if record.levelno < logging.WARNING or record.name == "py.warnings":
            return
        for pattern, words in _MEANINGFUL:
            found = pattern.search(message)
            if found and (text := found.expand(words)) not in self.warnings:
                self.warnings.append(text)


@contextlib.contextmanager
def quiet() -> Iterator[Heard]:
    """Mute ZenML for a block; nests, and is safe to enter from one thread at a time.

    Yields:
        The handler that heard what was said; its `warnings` are in plain words.
    """
    root = logging.getLogger()
    heard = Heard()
    with _lock:
        outer, stdout = root.handlers[:], sys.stdout
        sink = _Sink(stdout)
        sys.stdout = sink
        if "zenml" not in sys.modules:
            _import_zenml(root)
            # What ZenML put on the root logger stays after us; what it prints goes behind the sink.
            outer = [*outer, *(handler for handler in root.handlers if handler not in outer)]
        # Handlers that belong to us (``--debug``) go on listening.
        ours = [handler for handler in outer if getattr(handler, "kitaru", False)]
        root.handlers[:] = [heard, *ours]
        try:
            with warnings.catch_warnings(), _source_root():
                warnings.simplefilter("ignore")
                yield heard
        finally:
            root.handlers[:] = outer
            sys.stdout = stdout
            sink.muted = False


@contextlib.contextmanager
def _source_root() -> Iterator[None]:
    """Let ZenML find a source root in a process whose main module is no file.

    It asks for one whenever it looks at a flavor, and would refuse to register a stack from a
    REPL, a notebook, ``python -c`` or an embedding program.
    """
    main = sys.modules.get("__main__")
    if getattr(main, "__file__", None):
        yield
        return
    from zenml.utils import source_utils

    if source_utils._CUSTOM_SOURCE_ROOT:
        yield
        return
    source_utils.set_custom_source_root(str(Path.cwd()))
    try:
        yield
    finally:
        source_utils.set_custom_source_root(None)


def _import_zenml(root: logging.Logger) -> None:
    """Import ZenML once; it sets up logging as a side effect, and may speak."""
    level = root.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import zenml  # noqa: F401

    if root.level == logging.NOTSET:  # ZENML_LOGGING_VERBOSITY=NOTSET disables logging as a whole
        root.setLevel(level)
