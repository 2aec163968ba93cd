"""Write a platform repository: all of its files, or none, and over nothing that exists."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kitaru_iac.errors import AlreadyExistsError, KitaruError
from kitaru_iac.repository.contents import ENVIRONMENTS, PROJECT, files

__all__ = ["Written", "write"]

#: What a folder may hold and still count as empty.
_OF_GIT = {".git"}


@dataclass(frozen=True, slots=True)
class Written:
    """A repository that was written.

    Attributes:
        path: Its folder.
        project: The Pulumi project's name.
        files: The files, below the folder.
    """

    path: Path
    project: str
    files: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The ``item`` of ``stack.new-repo``."""
        return {"path": str(self.path), "project": self.project, "files": list(self.files)}


def write(
    directory: Path | str,
    *,
    project: str = PROJECT,
    cloud: str | None = None,
    environments: Sequence[str] = ENVIRONMENTS,
    ci: str = "github",
    force: bool = False,
) -> Written:
    """Write a repository: all of its files, or none. Nothing that exists is overwritten.

    Args:
        directory: The folder; it is created if it does not exist.
        project: The Pulumi project's name.
        cloud: The extra of this package that it needs.
        environments: The Pulumi stacks, in the order in which a change reaches them.
        ci: Where its jobs run: ``github``, ``gitlab`` or ``none``.
        force: Also into a folder that holds other files.

    Raises:
        UsageError: A name cannot be one, or there is no such cloud or CI.
        AlreadyExistsError: The folder holds something, or the files that are in the way.
        KitaruError: It cannot be written.
    """
    wanted = files(project, cloud, environments, ci)
    path = Path(directory).expanduser().absolute()
    if ".." in path.parts:
        path = path.resolve()
    undo: list[Callable[[], object]] = []
    try:
        _insist_on_room(path, wanted, force=force)
        if path.exists():
            _fill(path, wanted, undo)
        else:
            _make(path.parent, undo)
            # Beside it, then under its name at once: a process that is killed leaves no half of it.
            aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            undo.append(lambda: shutil.rmtree(aside, ignore_errors=True))
            aside.mkdir()
            _fill(aside, wanted, [])
            aside.rename(path)
    except BaseException as error:
        for step in reversed(undo):
            with suppress(OSError):
                step()
        if isinstance(error, FileExistsError):
            raise _in_the_way(path, [str(error.filename)]) from error
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise KitaruError(
                f"The repository cannot be written: {reason}",
                where=str(error.filename or path),
                remedy="Choose another folder.",
            ) from error
        raise
    return Written(path, project, tuple(wanted))


def _insist_on_room(path: Path, wanted: Mapping[str, str], *, force: bool) -> None:
    if not path.exists() and not path.is_symlink():
        return
    if not path.is_dir():
        raise AlreadyExistsError(f"{path} is there, and no folder", remedy="Choose another name.")
    taken = [name for name in wanted if (path / name).exists() or (path / name).is_symlink()]
    # A folder's place may be taken by a file.
    taken += [
        str(folder)
        for folder in {parent for name in wanted for parent in Path(name).parents}
        if (path / folder).exists() and not (path / folder).is_dir()
    ]
    if taken:
        raise _in_the_way(path, sorted(taken))
    there = sorted(entry.name for entry in path.iterdir() if entry.name not in _OF_GIT)
    if there and not force:
        shown = ", ".join(there[:5]) + (f" and {len(there) - 5} more" if len(there) > 5 else "")
        raise AlreadyExistsError(
            f"{path} is not empty",
            why=f"It holds {shown}.",
            remedy="Choose a new folder, or write beside what is there with --force.",
        )


def _in_the_way(path: Path, names: list[str]) -> AlreadyExistsError:
    return AlreadyExistsError(
        f"Files of {path} are in the way: {', '.join(names)}",
        why="What exists is never overwritten.",
        remedy="Move them away, or choose a new folder.",
    )


def _make(folder: Path, undo: list[Callable[[], object]]) -> None:
    """Make a folder and those around it."""
    for missing in reversed([p for p in (folder, *folder.parents) if not p.exists()]):
        missing.mkdir()
        undo.append(missing.rmdir)


def _fill(path: Path, wanted: Mapping[str, str], undo: list[Callable[[], object]]) -> None:
    for name, text in wanted.items():
        target = path / name
        _make(target.parent, undo)
        with target.open("x", encoding="utf-8") as file:
            undo.append(target.unlink)
            file.write(text)
