"""The descriptions that a stack was applied from: whose removal takes it away, and whose does not.

A source is a place, a name and paths. The place is the repository, whatever it is checked out as;
outside of one, a folder of this machine. The paths are what ``--file`` names, as the repository
knows them. A stack belongs to a run that reads all that the run read which applied it: so a run
over some of the files, another repository, and another name never take it away.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from kitaru_iac.errors import UsageError
from kitaru_iac.labels import SOURCE_LABEL
from kitaru_iac.machine.git import origin_of, root_of
from kitaru_iac.spec.files import is_read_in_folder

__all__ = ["Source", "source_in", "source_of_files"]

_LONGEST_NAME = 100
_MOST_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class Source:
    """What several descriptions are as a whole.

    Attributes:
        place: ``HOST/PATH`` of the repository; ``folder:`` and a digest, of a folder here.
        name: What ``--source`` says; empty without it.
        paths: What was read, relative to the place, in order.
    """

    place: str
    name: str
    paths: tuple[str, ...]

    @property
    def label(self) -> str:
        """The text that stands on a stack."""
        found = {"name": self.name, "paths": list(self.paths), "place": self.place}
        return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=True)

    def __str__(self) -> str:
        where = f"{', '.join(self.paths)} in {self.place}"
        return f"{self.name} ({where})" if self.name else where

    def is_same(self, other: Source) -> bool:
        """Whether another one has this place and name, whatever of it was read."""
        return (self.place, self.name) == (other.place, other.name)

    def reads_all_of(self, other: Source) -> bool:
        """Whether all that the other one read is read here, or lies in a folder that is."""
        return all(
            any(path == own or _is_below(path, own) for own in self.paths) for path in other.paths
        )


def _is_below(path: str, folder: str) -> bool:
    # Folders are read without those in them, so that a file's own folder is the only one; and not
    # even that reads every file which is read where it is named.
    file = PurePosixPath(path)
    is_file_in = not path.endswith("/") and folder.endswith("/")
    return is_file_in and file.parent == PurePosixPath(folder) and is_read_in_folder(file.name)


def source_of_files(files: Sequence[str], name: str | None = None) -> Source:
    """Say which source some files and folders are.

    Args:
        files: As ``--file`` has them.
        name: As ``--source`` has it.

    Raises:
        UsageError: There are none, standard input is one, or they are in several repositories; the
            name is not one; or without a name they are in no repository that has an origin.
    """
    if not files:
        raise UsageError(
            "There are no files that could be a source", where="source", remedy="Give files."
        )
    if "-" in files or any(_is_no_file(file) for file in files):
        raise UsageError(
            "What is read from a pipe is no source: nobody knows what it holds next time",
            where="source",
            remedy="Give files or folders.",
        )
    _require_name(name)
    paths = [Path(os.path.realpath(file)) for file in files]
    roots = {root_of(path) for path in paths}
    if len(roots) > 1:
        raise UsageError(
            "The files are in several repositories, and a source is in one",
            where="files",
            why=", ".join(sorted("none" if root is None else str(root) for root in roots)),
        )
    (root,) = roots
    place = None if root is None else origin_of(root)
    if place is None:
        if name is None:
            raise UsageError(
                "The files are in no Git repository with a remote called origin",
                where="files",
                why="So nothing tells their stacks from those of other files with such names.",
                remedy="Name them: --source NAME on the command line, source=NAME in a program.",
            )
        root = root or Path(os.path.commonpath([_folder(path) for path in paths]))
        place = _folder_here(root)
    assert root is not None
    found = Source(place, name or "", tuple(sorted({_relative(path, root) for path in paths})))
    if len(found.label) > _MOST_CHARACTERS:
        raise UsageError(
            f"The files are too many to be kept on each stack ({len(paths)})",
            where="files",
            remedy="Put them into a folder, and give that.",
        )
    return found


def _require_name(name: str | None) -> None:
    if name is None:
        return
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise UsageError(
            "The name of a source has to have between one and "
            f"{_LONGEST_NAME} characters that can be printed",
            where="source",
        )


def _is_no_file(file: str) -> bool:
    path = Path(file)
    return path.exists() and not path.is_dir() and not path.is_file()


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _folder_here(root: Path) -> str:
    """A folder of this machine: neither its name nor the machine's has to be known elsewhere."""
    text = f"{platform.node()}\0{root}"
    return f"folder:{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _relative(path: Path, root: Path) -> str:
    """A path as its repository knows it; a folder ends in ``/``."""
    found = path.relative_to(root).as_posix()
    return f"{found}/" if path.is_dir() else found


def source_in(labels: Mapping[str, Any]) -> Source | None:
    """Read the source that stands on a stack.

    Returns:
        None where none does, or nothing that is understood.
    """
    try:
        found = json.loads(labels[SOURCE_LABEL])
        place, name, paths = found["place"], found["name"], found["paths"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    fits = isinstance(place, str) and isinstance(name, str) and isinstance(paths, list)
    if not fits or not place or not paths or not all(isinstance(path, str) for path in paths):
        return None
    return Source(place, name, tuple(paths))
