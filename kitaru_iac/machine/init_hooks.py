"""What other distributions do when ZenML is imported, done before anything is looked up.

ZenML first runs the entry points of the group ``zenml.init_hooks``. That of `kitaru` 0.21 moves the
configuration directory: without it, what reads without ZenML would look into another store than
the one that ZenML writes. The metadata is read from its files, since `importlib.metadata` takes
longer to import than a command may take, and the known hook is not imported but followed: it
imports click.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Final

from kitaru_iac.machine.home import application_directory
from kitaru_iac.patterns import compiled
from kitaru_iac.values import dataclass

__all__ = ["Hook", "installed_hooks", "mover", "run_hooks"]

_GROUP: Final = "zenml.init_hooks"
_CONFIG: Final = "ZENML_CONFIG_PATH"
_ENTRY: Final = compiled(r"^\s*([^#=\s][^=]*?)\s*=\s*(\S.*?)\s*$")

_Stamp = tuple[tuple[str, int], ...]
#: What was found on which path. Installing a package changes its folder's time.
_found: dict[_Stamp, tuple[Hook, ...]] = {}
#: Hooks that this process has run. ZenML, too, runs each once.
_ran: set[Hook] = set()
#: The one that moved the configuration directory.
_moved: list[Hook] = []


@dataclass(frozen=True, slots=True)
class Hook:
    """An entry point that ZenML runs when it is imported.

    Attributes:
        distribution: The normalized name of the distribution that brought it.
        version: That distribution's, as its folder is named.
        value: What is called, as ``module:function``.
    """

    distribution: str
    version: str
    value: str

    @property
    def is_known(self) -> bool:
        """Whether it is the one of `kitaru` 0.21, whose effect is known."""
        return (
            self.distribution == "kitaru"
            and f"{self.version}.".startswith("0.21.")
            and self.value == "kitaru_init_hook:init"
        )


def installed_hooks(path: Sequence[str] | None = None) -> tuple[Hook, ...]:
    """Find the hooks that ZenML will run in this process.

    Args:
        path: Where to look; `sys.path` by default.
    """
    stamp = tuple(_stamps(sys.path if path is None else path))
    if stamp not in _found:
        _found.clear()
        _found[stamp] = tuple(_search([place for place, _ in stamp]))
    return _found[stamp]


def run_hooks(environ: MutableMapping[str, str]) -> None:
    """Do what the hooks do to the environment. May be called any number of times.

    A hook other than the known one is called, as ZenML would call it in a moment. One that fails is
    left to ZenML, whose import then fails with its error.

    Args:
        environ: The environment of this process.
    """
    for hook in installed_hooks():
        before = environ.get(_CONFIG)
        if hook.is_known:
            _follow_known(environ)
        elif hook not in _ran and "zenml" not in sys.modules:
            _ran.add(hook)
            _call(hook)
        if environ.get(_CONFIG) != before:
            _moved[:] = [hook]


def mover() -> Hook | None:
    """Give the hook that moved the configuration directory in this process, if one did."""
    return _moved[0] if _moved else None


def _follow_known(environ: MutableMapping[str, str]) -> None:
    """What `kitaru_init_hook.init` of 0.21 does, beyond the variables that hold here always."""
    if not environ.get(_CONFIG):
        environ[_CONFIG] = str(application_directory("kitaru"))
    environ.setdefault("ZENML_REPOSITORY_DIRECTORY_NAME", ".kitaru")


def _call(hook: Hook) -> None:
    from importlib.metadata import EntryPoint

    try:
        with _stdout_is_stderr():
            EntryPoint(hook.distribution, hook.value, _GROUP).load()()
    except Exception as error:  # noqa: BLE001 - a stranger's code
        import logging

        logging.getLogger("kitaru_iac").debug(
            "The hook %s of %s fails: %s", hook.value, hook.distribution, type(error).__name__
        )


@contextmanager
def _stdout_is_stderr() -> Iterator[None]:
    """Let what a stranger prints go to stderr: our stdout is a document, a port, or a wire.

    The descriptor too: C libraries and children write there.
    """
    kept = None
    with suppress(OSError, ValueError, AttributeError):
        _flush()
        kept = os.dup(1)
        os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        if kept is not None:
            _flush()  # what was printed through another name of stdout
            os.dup2(kept, 1)
            os.close(kept)


def _flush() -> None:
    for stream in (sys.__stdout__, sys.stdout):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()


# -- the metadata ----------------------------------------------------------------------------------


def _stamps(path: Sequence[str]) -> Iterator[tuple[str, int]]:
    for place in dict.fromkeys(path):
        with suppress(OSError, ValueError):  # not there, or no folder's name at all
            yield place, Path(place or ".").stat().st_mtime_ns


def _search(path: Sequence[str]) -> Iterator[Hook]:
    seen: set[str] = set()
    for place in path:
        try:
            with os.scandir(place or ".") as entries:
                found = [(entry.name, entry.path) for entry in entries]
        except OSError:  # an archive, which holds no installed distributions
            continue
        for name, folder in found:
            stem, _, kind = name.rpartition(".")
            if kind not in ("dist-info", "egg-info"):
                continue
            project, _, version = stem.partition("-")
            if not project.isalpha():
                project = re.sub(r"[-_.]+", "-", project)
            project = project.lower()
            if project in seen:  # hidden by an earlier one, as for the importer
                continue
            seen.add(project)
            text = _read(f"{folder}/entry_points.txt")
            if _GROUP in text:
                yield from (Hook(project, version, value) for value in _values(text))


def _read(file: str) -> str:
    try:
        with open(file, "rb") as stream:  # noqa: PTH123 - a hundred of them, in each command
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _values(text: str) -> Iterator[str]:
    inside = False
    for line in text.splitlines():
        if line.strip().startswith("["):
            inside = line.strip() == f"[{_GROUP}]"
        elif inside and (entry := _ENTRY.match(line)):
            yield entry[2]
