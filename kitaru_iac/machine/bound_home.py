"""A configuration home for one process, in which another stack is active.

ZenML saves as the active stack what ``ZENML_ACTIVE_STACK_ID`` names, as soon as it opens its store.
In a process of ours the guard prevents that; a process that somebody else wrote has no guard. So
it gets a folder of its own whose `config.yaml` is a copy, and in which everything else leads to
what the machine has: logins, local stores, locks. What it saves about the active stack stays there.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from kitaru_iac.errors import FileNotWritten
from kitaru_iac.machine.active_scope import ACTIVE_STACK_VARIABLE
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.settings import (
    CONFIG_FILE,
    begin_global,
    create_logins,
    read_global,
    to_yaml,
)
from kitaru_iac.machine.store_location import default_database
from kitaru_iac.machine.whole import is_complete, to_braces

__all__ = ["bound_environment"]

#: In the machine's own home.
_RUNS: Final = Path("kitaru") / "runs"
_LOCK: Final = ".lock"
#: Seconds for which a home stays that nobody holds: a process may have closed what it inherited.
_KEPT: Final = 24 * 3600


def bound_environment(id: str, name: str) -> dict[str, str]:
    """Make a home in which a stack is active, and give the variables that lead a process to it.

    The home is held by this process and by whatever it becomes or starts, through a lock that they
    inherit. A later call removes those that nobody holds any more.

    Args:
        id: The stack's UUID.
        name: Its name.

    Raises:
        SettingsDamaged: The machine's settings are damaged, or cannot be read.
        FileNotWritten: The home cannot be made.
    """
    begin_global()
    create_logins()
    machine = config_home()
    content = {**read_global(), "active_stack_id": id}
    runs = machine / _RUNS
    home = runs / uuid4().hex
    try:
        # ZenML's and ours, made by whoever comes first: in a copy they would be another's.
        (machine / "local_stores").mkdir(exist_ok=True)
        (machine / "kitaru" / "locks").mkdir(parents=True, exist_ok=True)
        runs.mkdir(exist_ok=True)
        _remove_dead(runs)
        home.mkdir(mode=0o700)
        _hold(home)
        for entry in machine.iterdir():
            # Not the file itself, nor what is written beside it; and a run in a run has a lock.
            if CONFIG_FILE not in entry.name and entry.name != _LOCK:
                (home / entry.name).symlink_to(entry.resolve())
        handle = os.open(home / CONFIG_FILE, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            # What was written by hand may lack what tells a whole file from a part.
            file.write(to_yaml(content) if is_complete(content) else to_braces(content))
    except OSError as error:
        raise FileNotWritten(
            "The settings for the run cannot be written",
            where=str(home),
            why=error.strerror,
            remedy="See that the folder is yours and the disk has room.",
        ) from error
    return {
        **_same_store(),
        "KITARU_CONFIG_PATH": str(home),
        "ZENML_CONFIG_PATH": str(home),
        ACTIVE_STACK_VARIABLE: id,
        "KITARU_STACK": name,
    }


def _same_store() -> dict[str, str]:
    """Let artifacts and the local database be where they are for every other process."""
    return {"ZENML_LOCAL_STORES_PATH": str(default_database(os.environ).parents[1])}


def _hold(home: Path) -> None:
    """Lock a home for as long as a process lives that has this descriptor."""
    with suppress(ImportError):
        import fcntl

        handle = os.open(home / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.set_inheritable(handle, True)


def _remove_dead(runs: Path) -> None:
    for home in list(_dead(runs)):
        # Its links are removed, and never what they lead to.
        shutil.rmtree(home, ignore_errors=True)


def _dead(runs: Path) -> Iterator[Path]:
    try:
        import fcntl
    except ImportError:
        return
    for home in runs.iterdir():
        with suppress(OSError):
            if home.is_symlink() or time.time() - home.stat().st_mtime < _KEPT:
                continue
            handle = os.open(home / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield home
            finally:
                os.close(handle)
