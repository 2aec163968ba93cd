"""Keep ZenML's own lines off our stdout, and pass on the few of its warnings that mean something.

ZenML logs to stdout, prints there, and wraps `sys.stdout.write` when it is imported. Output of ours
has to be one clean document, so every call into ZenML stands inside :func:`quiet`. It mutes the
calling thread alone: other threads of a program that uses us print and log as before, and nothing
waits for anything. Never put it around a callback.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from kitaru_iac.errors import MissingPackages
from kitaru_iac.machine.packages import install_command
from kitaru_iac.machine.termination import is_own_process
from kitaru_iac.notices import (
    ActiveStackMissing,
    CredentialsExpire,
    KitaruWarning,
    VersionMismatch,
)
from kitaru_iac.patterns import compiled

__all__ = ["Heard", "one_at_a_time", "quiet", "uncollected"]

_log = logging.getLogger("kitaru_iac.zenml")

#: Held around single calls of what in ZenML is one for a process and not made for several threads:
#: its client, its settings, a store of its own. Never around a callback.
one_at_a_time = threading.RLock()


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Import ZenML without looking for garbage: hardly any of its half a million objects is any.

    The collector would look at all of them again and again, which takes a tenth of the whole time;
    in a process of ours it never looks at them. Whoever has switched it off finds it so afterwards.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_own_process():
            gc.freeze()
        if was_on:
            gc.enable()


#: ZenML's warnings that a user has to know about, in our words.
_MEANINGFUL: tuple[tuple[re.Pattern[str], KitaruWarning], ...] = (
    (
        compiled(r"active stack with id (\S+?) is no longer|active stack is not set", re.I),
        ActiveStackMissing(
            "The stack that was active does not exist any more; the default stack is active now."
        ),
    ),
    (
        compiled(r"version mismatch|client version.*server version", re.I | re.S),
        VersionMismatch(
            "The versions of ZenML here and on the server differ; use the same one on both sides."
        ),
    ),
    (
        compiled(r"authentication method.*expire|credentials.*(?:have|are) expired", re.I),
        CredentialsExpire("The connector's credentials have expired."),
    ),
)


class Heard:
    """What ZenML said meanwhile: `warnings` holds the meaningful ones, once each."""

    def __init__(self) -> None:
        self.warnings: list[KitaruWarning] = []

    def note(self, record: logging.LogRecord) -> None:
        """Note a record that means something."""
        if record.levelno < logging.WARNING or record.name == "py.warnings":
            return
        message = record.getMessage()
        for pattern, warning in _MEANINGFUL:
            if pattern.search(message) and warning not in self.warnings:
                self.warnings.append(warning)


class _Muted(threading.local):
    """The blocks that this thread is in, the innermost last; and whether we log something now."""

    def __init__(self) -> None:
        self.blocks: list[Heard] = []
        self.speaking = False


_muted = _Muted()


class _Router:
    """A stdout that swallows what muted threads write, and passes on everything else.

    ZenML keeps the `write` that it found when it was imported for as long as the process lives.
    """

    def __init__(self, behind: TextIO) -> None:
        self.behind = behind

    def write(self, text: str) -> int:
        if _muted.blocks and not _muted.speaking:
            if text.strip():
                _note("%s", text.rstrip())
            return len(text)
        # Whoever holds on to us after the block means today's stdout.
        current = sys.stdout
        return (self.behind if current is self else current).write(text)

    def writelines(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if not _muted.blocks:
            self.behind.flush()

    def isatty(self) -> bool:
        return not _muted.blocks and self.behind.isatty()

    def __getattr__(self, name: str) -> object:
        return getattr(self.behind, name)


class _Listener(logging.Handler):
    """Tells the blocks of the thread that logs what was logged."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("kitaru_iac"):
            return
        if _muted.blocks:
            _note("%s: %s", record.name, record.getMessage())
        for heard in _muted.blocks:
            heard.note(record)


def _note(message: str, *given: str) -> None:
    """Log what was swallowed. A handler of the program's may write to the stdout that is muted."""
    _muted.speaking = True
    try:
        _log.debug(message, *given)
    finally:
        _muted.speaking = False


def _is_unmuted(record: logging.LogRecord) -> bool:
    """Filter the records of the program's handlers. They run in the thread that logs."""
    return not _muted.blocks or record.name.startswith("kitaru_iac")


def _is_elsewhere(_: logging.LogRecord) -> bool:
    """Filter the records of ZenML's handlers, which print."""
    return not _muted.blocks


#: ZenML's modules import each other in circles: two threads that begin at two ends see halves.
_importing = threading.Lock()


class _Doors:
    """Stdout, log handlers, warnings and source root while any thread is muted; as before after."""

    def __init__(self) -> None:
        # Held for moments, never while ZenML works.
        self._lock = threading.Lock()
        self._inside = 0
        self._router: _Router | None = None
        self.listener = _Listener()
        self._filtered: list[logging.Handler] = []
        self._show: Callable[..., None] | None = None
        self._root_is_ours = False
        self._imported = False

    def enter(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                stdout = sys.stdout
                while isinstance(stdout, _Router):  # put back by somebody who kept it
                    stdout = stdout.behind
                self._router = _Router(stdout)
                sys.stdout = self._router
                logging.getLogger().addHandler(self.listener)
                self._show, warnings.showwarning = warnings.showwarning, self._show_warning
            self._filter_handlers()
        with _importing:
            if not self._imported:
                _import_zenml()
                self._imported = True
        with self._lock:
            self._filter_handlers()
        self._set_source_root()

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside:
                return
            if self._router is not None and sys.stdout is self._router:
                sys.stdout = self._router.behind
            logging.getLogger().removeHandler(self.listener)
            for handler in self._filtered:
                handler.removeFilter(_is_unmuted)
                handler.removeFilter(_is_elsewhere)
            self._filtered.clear()
            if self._show is not None and warnings.showwarning == self._show_warning:
                warnings.showwarning = self._show
            if self._root_is_ours:
                from zenml.utils import source_utils

                source_utils.set_custom_source_root(None)
                self._root_is_ours = False

    def _filter_handlers(self) -> None:
        for handler in logging.getLogger().handlers:
            # Handlers that belong to us (``--debug``) go on listening.
            ours = handler is self.listener or getattr(handler, "kitaru", False)
            if not ours and handler not in self._filtered:
                theirs = type(handler).__module__.partition(".")[0] == "zenml"
                handler.addFilter(_is_elsewhere if theirs else _is_unmuted)
                self._filtered.append(handler)

    def _show_warning(self, *given: object, **named: object) -> None:
        if not _muted.blocks and self._show is not None:
            self._show(*given, **named)

    def _set_source_root(self) -> None:
        """Let ZenML find a source root in a process whose main module is no file.

        It asks for one whenever it looks at a flavor, and would refuse to register a stack from a
        REPL, a notebook, ``python -c`` or an embedding program.
        """
        if getattr(sys.modules.get("__main__"), "__file__", None):
            return
        from zenml.utils import source_utils

        with self._lock:
            if not source_utils._CUSTOM_SOURCE_ROOT:
                source_utils.set_custom_source_root(str(Path.cwd()))
                self._root_is_ours = True


_doors = _Doors()


@contextlib.contextmanager
def quiet() -> Iterator[Heard]:
    """Mute ZenML in this thread for a block. Nests; any number of threads may be inside.

    Yields:
        What was said; its `warnings` are in plain words.
    """
    heard = Heard()
    _muted.blocks.append(heard)
    try:
        try:
            _doors.enter()
            yield heard
        finally:
            _doors.leave()
    finally:
        _muted.blocks.remove(heard)


def _import_zenml() -> None:
    """Import ZenML once; it sets up logging as a side effect, and may speak."""
    root = logging.getLogger()
    level, is_set_up = root.level, any(h is not _doors.listener for h in root.handlers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import zenml.client
            import zenml.models  # noqa: F401
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != "zenml":
                raise
            raise MissingPackages(
                "The local store is ZenML's, and ZenML is not installed here",
                why="A server is reached without it",
                remedy=f"Install it: {install_command()}\nOr connect to a server: kitaru login URL",
            ) from error

    # ZENML_LOGGING_VERBOSITY=NOTSET disables logging as a whole; what a program set up is its own.
    if is_set_up or root.level == logging.NOTSET:
        root.setLevel(level)
