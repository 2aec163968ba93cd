"""A local store that is thrown away."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kitaru_iac.gateway.forgetting import forget_zenml
from kitaru_iac.machine.run_defaults import nothing_configured

__all__ = ["LocalStore", "local_store"]

#: Variables that say where a store is, or which stack is used. A test does not see them.
_FOREIGN: Final = ("ZENML_", "KITARU_")


@dataclass(frozen=True, slots=True)
class LocalStore:
    """A store that is thrown away.

    Attributes:
        path: Its configuration home. What is in there goes with it.
    """

    path: Path

    def environment(self) -> dict[str, str]:
        """Give the variables with which a child process works on this store too."""
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)},
            "KITARU_CONFIG_PATH": str(self.path),
            "ZENML_CONFIG_PATH": str(self.path),
            "ZENML_ANALYTICS_OPT_IN": "false",
        }


@contextmanager
def local_store(path: str | os.PathLike[str] | None = None) -> Iterator[LocalStore]:
    """Let this process work on an empty local store, in which nothing of yours is seen.

    The functions of `kitaru_iac`, ZenML's client and the command in a child process use it. No
    variable that begins with ``ZENML_`` or ``KITARU_`` is seen inside, nor what `configure` set;
    all are back afterwards. A ``.zen`` folder above the current directory would choose the active
    stack, so the block runs in the store's own directory: write paths of files as absolute ones.
    One at a time in a process; one that is killed leaves its directory.

    Args:
        path: A directory for it, which stays. Without it one is made, and removed afterwards.

    Yields:
        The store.

    Example:
        >>> from kitaru_iac.testing import local_store
        >>> with local_store():
        ...     _ = kitaru.create_stack("example")
        ...     [stack.name for stack in kitaru.list_stacks()]
        ['default', 'example']
    """
    made = None if path is not None else tempfile.mkdtemp(prefix="kitaru-test-")
    home = Path(path if made is None else made).resolve()  # type: ignore[arg-type]
    home.mkdir(parents=True, exist_ok=True)
    before, place = dict(os.environ), Path.cwd()
    store = LocalStore(home)
    forget_zenml()
    try:
        _set(store.environment())
        os.chdir(home)
        with nothing_configured():
            yield store
    finally:
        forget_zenml()
        os.chdir(place)
        _set(before)
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)


def _set(variables: dict[str, str]) -> None:
    for name in set(os.environ) - set(variables):
        if name.startswith(_FOREIGN):
            del os.environ[name]
    for name, value in variables.items():
        if name.startswith(_FOREIGN):
            os.environ[name] = value
