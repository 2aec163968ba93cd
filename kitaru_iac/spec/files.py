"""Several descriptions at once: from files with several documents, and from folders of files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TextIO

from kitaru_iac.errors import DescriptionError, Problem, UsageError
from kitaru_iac.spec.document import Document
from kitaru_iac.spec.loading import load
from kitaru_iac.spec.refusal import shown
from kitaru_iac.spec.shared import FILE, Shared, read_shared, sharing_file
from kitaru_iac.spec.suggest import suggest
from kitaru_iac.spec.yaml_file import read_documents
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from kitaru_iac.spec.model import StackSpec

__all__ = [
    "Described",
    "choose",
    "documents_in",
    "is_read_in_folder",
    "is_several",
    "load_all",
    "read_all",
]

_SUFFIXES = {".yaml", ".yml"}


@dataclass(frozen=True, slots=True)
class Described:
    """A description, and where it stands.

    Attributes:
        source: Its file, as it was given or found.
    """

    spec: StackSpec
    source: str


def is_several(files: Sequence[str]) -> bool:
    """Say whether these are a folder, several files, or a file with several descriptions.

    A file that cannot be read is left to whoever reads it as one, and so is a pipe, which could
    not be read again.
    """
    if len(files) != 1:
        return len(files) > 1
    path = Path(files[0])
    if path.is_dir():
        return True
    if not path.is_file():
        return False
    try:
        return len(read_documents(path)) > 1
    except DescriptionError:
        return False


def read_all(
    files: Sequence[str],
    defaults: Mapping[str, Any] | None = None,
    stdin: TextIO | None = None,
) -> list[Described]:
    """Read and check all descriptions of some files and folders.

    Args:
        files: As of `documents_in`.
        defaults: A project's own defaults; see `load`.
        stdin: What ``-`` and ``credentials: -`` read.

    Raises:
        DescriptionError: Everything that is wrong with any of them, those among it that cannot be
            read; what `load_all` says.
    """
    documents, problems = _read(files, stdin)
    try:
        found = load_all(documents, defaults, stdin)
    except DescriptionError as error:
        raise DescriptionError([*problems, *error.problems]) from None
    if problems:
        raise DescriptionError(problems)
    return found


def documents_in(files: Sequence[str], stdin: TextIO | None = None) -> list[Document]:
    """Read all descriptions of some files and folders, in the order of their names in each folder.

    Args:
        files: YAML files, each with one description or more; folders, of which every file that
            ends in ``.yaml`` or ``.yml`` and does not begin with a dot is read, but
            ``kitaru.yaml``, which holds what they share; ``-`` is standard
            input.
        stdin: What ``-`` reads; this process's own by default.

    Raises:
        DescriptionError: Everything that cannot be read.
    """
    found, problems = _read(files, stdin)
    if problems:
        raise DescriptionError(problems)
    return found


def _read(files: Sequence[str], stdin: TextIO | None) -> tuple[list[Document], list[Problem]]:
    """What can be read, and why the rest cannot."""
    found: list[Document] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    for file in files:
        try:
            paths = _files(file)
        except DescriptionError as error:
            problems += error.problems
            continue
        for path in paths:
            # One file that is named twice, or is in a folder that is named too, is read once.
            real = path if path == "-" else os.path.realpath(path)
            if real in seen:
                continue
            seen.add(real)
            if path != file and Path(real).exists() and not Path(real).is_file():
                # One in a folder would be waited for; passed over, its stack would be missing.
                problems.append(Problem("file", "it is not a file", source=path))
                continue
            try:
                found += read_documents(path, stdin)
            except DescriptionError as error:
                problems += error.problems
    return found, problems


def load_all(
    documents: Sequence[Document],
    defaults: Mapping[str, Any] | None = None,
    stdin: TextIO | None = None,
) -> list[Described]:
    """Check all descriptions.

    A stack of several is made active only where its own description says ``activate: true``.

    Args:
        documents: What was read.
        defaults: A project's own defaults; see `load`.
        stdin: What ``credentials: -`` reads.

    Raises:
        DescriptionError: Everything that is wrong with any of them; two have one name; several
            are to be the active stack.
    """
    found: list[Described] = []
    problems: list[Problem] = []
    known: dict[Path | None, Shared] = {}
    for document in documents:
        try:
            path = sharing_file(document.file)
            if path not in known:
                known[path] = Shared() if path is None else read_shared(path)
            spec = load(
                {},
                document,
                (),
                {"activate": False, **(defaults or {})},
                stdin=stdin,
                shared=known[path],
            )
        except DescriptionError as error:
            problems += [_in(document, problem) for problem in error.problems]
        else:
            found.append(Described(spec, document.file))
    problems += _named_twice(documents)
    problems += _all_active(documents)
    if problems:  # one of a file that several share is said once
        raise DescriptionError(list(dict.fromkeys(problems)))
    return found


def choose(described: Sequence[Described], names: Sequence[str]) -> list[Described]:
    """Give the described stacks of these names, in the order of the descriptions.

    Raises:
        UsageError: Some are not described; with the nearest name of each.
    """
    known = [item.spec.name for item in described]
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    if unknown:
        near = [found for name in unknown if (found := suggest(name, known))]
        meant = " and ".join(f"`{name}`" for name in near)
        raise UsageError(
            f"No file describes {' and '.join(map(shown, unknown))}",
            where="NAME",
            remedy=f"Did you mean {meant}?" if meant else f"Described are {', '.join(known)}.",
        )
    return [item for item in described if item.spec.name in names]


def is_read_in_folder(name: str) -> bool:
    """Say whether a file of this name is read where its folder is named, and not it itself."""
    return PurePath(name).suffix in _SUFFIXES and name != FILE and not name.startswith(".")


def _files(file: str) -> list[str]:
    folder = Path(file)
    if file == "-" or not folder.is_dir():
        return [file]
    try:
        names = sorted(
            entry.name
            for entry in folder.iterdir()
            if is_read_in_folder(entry.name)
            # A link that leads nowhere is told of: its stack would be missing without a word.
            and not entry.is_dir()
        )
    except OSError as error:
        what = f"the folder cannot be read: {error.strerror}"
        raise DescriptionError([Problem("file", what, source=file)]) from None
    if not names:
        what = "no file in the folder ends in .yaml or .yml"
        if (folder / FILE).exists():
            what += f", but {FILE}, which holds what descriptions share"
        raise DescriptionError([Problem("file", what, source=file)])
    return [str(folder / name) for name in names]


def _in(document: Document, problem: Problem) -> Problem:
    """The problem with the place of its description, where it has none of its own."""
    if problem.source is not None and problem.source != document.file:
        return problem
    line = min(document.lines.values(), default=1)
    source = f"{document.file}:{line}"
    return Problem(problem.field, problem.what, problem.why, problem.remedy, source)


def _named_twice(documents: Sequence[Document]) -> list[Problem]:
    first: dict[str, str] = {}
    problems = []
    for document in documents:
        name = document.data.get("name")
        if not isinstance(name, str):
            continue
        place = document.sources().get("name", document.file)
        if name in first:
            what = f"the stack is described twice, first at {first[name]}"
            problems.append(Problem("name", what, None, "Leave one of them out.", place))
        first.setdefault(name, place)
    return problems


def _all_active(documents: Sequence[Document]) -> list[Problem]:
    places = [
        document.sources().get("activate", document.file)
        for document in documents
        if document.data.get("activate") is True
    ]
    return [
        Problem(
            "activate",
            f"another stack is to be the active one, at {places[0]}",
            None,
            "Let one description say `activate: true`.",
            place,
        )
        for place in places[1:]
    ]
