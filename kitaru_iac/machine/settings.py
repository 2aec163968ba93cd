"""ZenML's settings files: read whole or not at all, and replaced in one step.

ZenML truncates and rewrites them several times in a command. One that is empty or cut off says
nothing about the store that is meant, and ZenML itself would take it for "the local store".
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from kitaru_iac.errors import FileNotWritten
from kitaru_iac.files import read_small, reason
from kitaru_iac.machine import plain_yaml
from kitaru_iac.machine.files import is_broken_link
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.machine.whole import (
    WHOLE,
    Kind,
    damaged,
    not_accepted,
    refuses,
    to_yaml,
    unreadable,
)
from kitaru_iac.values import dataclass

__all__ = [
    "CONFIG_FILE",
    "LOGINS_FILE",
    "Kind",
    "Written",
    "begin_global",
    "changed",
    "create_logins",
    "parse_yaml",
    "put_back",
    "read_global",
    "read_logins",
    "read_repository",
    "read_whole",
    "read_yaml",
    "remove_leftovers",
    "replace",
    "to_yaml",
    "writes_noted",
]

CONFIG_FILE: Final = "config.yaml"
LOGINS_FILE: Final = "credentials.yaml"

#: Seconds to wait for somebody who is writing the file, and between two looks at it.
_PATIENCE = 1.0
_PAUSE = 0.002
#: Bytes of a file. A login takes a thousand; a bundle of authorities in it 300,000.
_MOST_BYTES: Final = 2**20


def read_global() -> Mapping[str, Any]:
    """The global configuration file's content; empty on a machine that has none yet.

    Raises:
        SettingsDamaged: It is empty or cut off, and stays so, or it cannot be read.
    """
    return read_whole(config_home() / CONFIG_FILE, "global")


def read_repository(path: Path) -> Mapping[str, Any]:
    """The content of a repository's configuration file; empty where there is none yet.

    Raises:
        SettingsDamaged: It is empty or cut off, and stays so, or it cannot be read.
    """
    return read_whole(path, "repository")


def read_logins() -> Mapping[str, Any]:
    """The stored logins, by the address of their server; empty where there are none yet.

    Raises:
        SettingsDamaged: The file is empty or cut off, and stays so, or it cannot be read.
    """
    return read_whole(config_home() / LOGINS_FILE, "logins")


def read_whole(path: Path, kind: Kind) -> dict[str, Any]:
    """The content of one of ZenML's files; empty where there is none.

    Raises:
        SettingsDamaged: It is empty or cut off, and stays so for a second; or ZenML refuses it.
        SettingsUnreadable: It is no file, or may not be read; or its link leads to nothing.
    """
    is_whole = WHOLE[kind]
    until: float | None = None
    while True:
        try:
            text = read_small(path, _MOST_BYTES)
        except FileNotFoundError as error:
            if is_broken_link(path):
                raise unreadable(path, kind, "It is a link that leads to nothing") from error
            return {}
        except OSError as error:
            raise unreadable(path, kind, reason(error)) from error
        wrong: str | None = None
        with suppress(UnreadableError):
            content = parse_yaml(text, path)
            if is_whole(content, text):
                if wrong := refuses(content, kind):
                    raise not_accepted(path, kind, wrong)
                return content
            if text.endswith(b"\n"):  # else an id may be cut off
                wrong = refuses(content, kind, ids_alone=True)
        now = time.monotonic()
        until = now + _PATIENCE if until is None else until
        if now >= until:
            raise not_accepted(path, kind, wrong) if wrong else damaged(path, kind)
        time.sleep(_PAUSE)


def read_yaml(path: Path) -> Mapping[str, Any]:
    """A YAML mapping from a file, whole or not; empty when there is no file.

    Raises:
        UnreadableError: It cannot be read, or it is not a mapping.
    """
    try:
        text = read_small(path, _MOST_BYTES)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error}") from error
    return parse_yaml(text, path)


def parse_yaml(text: bytes, path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; empty for an empty file.

    Raises:
        UnreadableError: It is no mapping. `path` is named in its text.
    """
    plain = plain_yaml.parse(text)
    if plain is not None:
        return plain
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(text, Loader=loader)  # noqa: S506 - both are safe loaders
    # ValueError: neither UTF-8 nor a date. TypeError: a mapping as a key.
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise UnreadableError(f"{path} is not YAML") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UnreadableError(f"{path} is not a mapping")
    return content


# -- writing ---------------------------------------------------------------------------------------


def replace(path: Path, text: str, *, before: os.stat_result | None = None) -> bool:
    """Put a text in the file's place in one step: whoever reads sees the old or the new one.

    A link stays a link. Mode and owner stay; a new file of logins is its owner's alone.

    Args:
        path: The file. Its directory has to exist.
        text: The whole new content.
        before: What the file was; it is left as it is, and False returned, if it is another now.

    Raises:
        FileNotWritten: It is as it was: the disk is full, the folder is read-only.
    """
    with not_written(path):
        named, path = path, Path(os.path.realpath(path))
        found = before
        if found is None:
            with suppress(FileNotFoundError):
                found = path.stat()
        with _written_beside(path, text, found) as new, _noted(named, new):
            if before is not None and _identity(path.stat()) != _identity(before):
                return False
            new.replace(path)
        return True


@dataclass(frozen=True, slots=True)
class Written:
    """What was done to a file.

    Attributes:
        before: Its bytes before the first write; None where there was none.
        left: What it is since the last one.
    """

    before: bytes | None
    left: tuple[int, int, int]


@contextmanager
def writes_noted() -> Iterator[Mapping[Path, Written]]:
    """Note what this context writes of ZenML's files, by the names they are locked by."""
    notes: dict[Path, Written] = {}
    token = _NOTES.set(notes)
    try:
        yield notes
    finally:
        _NOTES.reset(token)


def put_back(path: Path, written: Written) -> bool:
    """Let a file be as before; False where it cannot be, or others have written it since."""
    from kitaru_iac.machine.locks import sole_writer

    try:
        with sole_writer(str(path)):
            if _identity(path.stat()) != written.left:
                return False
            if written.before is None:
                Path(os.path.realpath(path)).unlink()
                return True
            return replace(path, written.before.decode(), before=path.stat())
    except (FileNotWritten, OSError, ValueError):
        return False


_NOTES: Final[ContextVar[dict[Path, Written] | None]] = ContextVar("notes", default=None)


@contextmanager
def _noted(path: Path, new: Path) -> Iterator[None]:
    """Note that the new file takes the place of another, if it does, and somebody asks for it."""
    notes = _NOTES.get()
    if notes is None:
        yield
        return
    ours = _identity(new.stat())
    known, before = notes.get(path), None
    with suppress(FileNotFoundError):
        before = path.read_bytes() if known is None else known.before
    try:
        yield
    finally:  # also where Ctrl-C comes right after the write
        with suppress(OSError):
            if _identity(path.stat()) == ours:
                notes[path] = Written(before, ours)


@contextmanager
def not_written(path: Path) -> Iterator[None]:
    """Turn what the system says about a file that is not written into our error.

    Raises:
        FileNotWritten: That.
    """
    try:
        yield
    except OSError as error:
        raise FileNotWritten(
            "The file cannot be written, and is as it was",
            where=str(path),
            why=reason(error),
            remedy="Make room on its disk, or make its folder writable for you.",
        ) from error


@contextmanager
def changed(path: Path, kind: Kind) -> Iterator[dict[str, Any]]:
    """Change one of ZenML's files, alone among our processes; nothing where the block fails.

    Yields:
        Its content, to be changed in place.

    Raises:
        SettingsDamaged: As `read_whole`.
        FileNotWritten: It cannot be written.
    """
    from copy import deepcopy  # both: most commands only read

    from kitaru_iac.machine.locks import sole_writer

    with sole_writer(str(path)):
        before = read_whole(path, kind)
        content = deepcopy(before)
        yield content
        if content == before:
            return
        if kind == "logins":
            for url, login in content.items():
                if isinstance(login, dict):  # in braces none needs it
                    login.setdefault("url", url)
            create_logins()
            with suppress(OSError):  # somebody else's file on a shared machine
                path.chmod(0o600)
        replace(path, to_yaml(content))


def begin_global() -> None:
    """Begin the global configuration file as ZenML would: with an id, and no store.

    Of processes that begin at the same time, one writes it; else each would have an id of its own.

    Raises:
        FileNotWritten: It cannot be written.
    """
    path = config_home() / CONFIG_FILE
    if path.exists() or "ZENML_SERVER" in os.environ:
        return
    with not_written(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        from uuid import uuid4

        _create(path, f"user_id: {uuid4()}\n")


def create_logins() -> None:
    """Make an empty file of logins that only its owner may read, if there is none."""
    path = config_home() / LOGINS_FILE
    if not path.exists():
        with not_written(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _create(path, "{}\n")


def remove_leftovers(path: Path) -> None:
    """Delete what writers of a file that were killed have left beside it: a key may be in it.

    Who writes holds a lock on what is written, which ends with the process.
    """
    import fcntl  # most commands only read

    path = Path(os.path.realpath(path))
    for found in path.parent.glob(f".{path.name}.{'[0-9a-f]' * 32}"):
        with suppress(OSError):  # another process was faster, or may delete it and this one not
            handle = os.open(found, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(handle).st_size:  # else its writer is about to lock it
                    found.unlink()
            finally:
                os.close(handle)


def _create(path: Path, text: str) -> None:
    """Write a file that is there as a whole or not at all, unless there is one."""
    with _written_beside(path, text, None) as new, _noted(path, new):
        try:
            with suppress(FileExistsError):
                os.link(new, path)
        except OSError:  # a file system without links
            if not path.exists():
                new.replace(path)


@contextmanager
def _written_beside(path: Path, text: str, like: os.stat_result | None) -> Iterator[Path]:
    """Write a file of another name, locked, that is gone after the block."""
    import fcntl

    remove_leftovers(path)
    new = path.with_name(f".{path.name}.{os.urandom(16).hex()}")
    mode = 0o600 if path.name == LOGINS_FILE else 0o666
    if like is not None:
        mode = stat.S_IMODE(like.st_mode)
    # Never more open than the file itself, not even for a moment; the umask is heeded.
    handle = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX)
            file.write(text)
            file.flush()
            os.fsync(handle)
            if like is not None:
                new.chmod(mode)
                with suppress(OSError):  # only root can; for everybody else it is the same anyway
                    os.chown(new, like.st_uid, like.st_gid)
            yield new
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def _identity(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_mtime_ns, found.st_size
