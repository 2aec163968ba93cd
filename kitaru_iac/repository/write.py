"""A platform repository: a Pulumi project whose stacks register Kitaru stacks, written from files.

The files come with this package. The project itself is the one at the root of this repository.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from kitaru_iac._version import __version__
from kitaru_iac.errors import AlreadyExistsError, KitaruError, UsageError

__all__ = ["CLOUDS", "PROJECT", "Written", "files", "write"]

#: What the project is called, unless told otherwise.
PROJECT = "kitaru-stacks"
#: The extras of this package that a repository can ask for.
CLOUDS = ("aws", "gcp", "azure", "all")

_FOLDER = Path(__file__).parent / "files"
#: Where each file comes from; a name with a dot in front would be one of this package's own.
_SOURCES = {
    "Pulumi.yaml": "Pulumi.yaml",
    "Pulumi.dev.yaml": "Pulumi.dev.yaml",
    "programs/__main__.py": "programs/__main__.py",
    "stack.yaml": "stack.yaml",
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    ".github/workflows/stacks.yml": "workflow.yml",
}
# Pulumi's rule for a project's name and Python's for a package's, together.
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_PACKAGE = "kitaru-iac"
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


def files(project: str = PROJECT, cloud: str | None = None) -> dict[str, str]:
    """The files of a repository by their path.

    Args:
        project: The Pulumi project's name.
        cloud: The extra of this package that it needs.

    Raises:
        UsageError: The name cannot be a project's, or there is no such cloud.
    """
    _check(project, cloud)
    extra = f"[{cloud}]" if cloud else ""
    needed = f'["{_PACKAGE}{extra}~={__version__}"]'
    found = {}
    for target, source in _SOURCES.items():
        text = _source(source).read_text(encoding="utf-8").replace(PROJECT, project)
        found[target] = text.replace(f'["{_PACKAGE}"]', needed)
    found["pyproject.toml"] += _origin()
    return found


def write(
    directory: Path | str,
    *,
    project: str = PROJECT,
    cloud: str | None = None,
    force: bool = False,
) -> Written:
    """Write a repository: all of its files, or none. Nothing that exists is overwritten.

    Args:
        directory: The folder; it is created if it does not exist.
        project: The Pulumi project's name.
        cloud: The extra of this package that it needs.
        force: Also into a folder that holds other files.

    Raises:
        UsageError: The name cannot be a project's, or there is no such cloud.
        AlreadyExistsError: The folder holds something, or the files that are in the way.
        KitaruError: It cannot be written.
    """
    wanted = files(project, cloud)
    path = Path(directory).expanduser().absolute()
    _insist_on_room(path, wanted, force=force)
    undo: list[Callable[[], object]] = []
    try:
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


def _check(project: str, cloud: str | None) -> None:
    if not _NAME.fullmatch(project) or re.sub(r"[-_.]+", "-", project).lower() == _PACKAGE:
        raise UsageError(
            f"'{project}' cannot be the name of a project",
            where="--name",
            why=f"It is letters, digits, '-', '_' and '.', and not {_PACKAGE} itself.",
        )
    if cloud is not None and cloud not in CLOUDS:
        raise UsageError(f"There is no cloud '{cloud}': {', '.join(CLOUDS)}", where="--cloud")


def _origin() -> str:
    """Where this package is from, for uv, if it was not installed from an index."""
    try:
        place = json.loads(metadata.distribution(_PACKAGE).read_text("direct_url.json") or "{}")
    except metadata.PackageNotFoundError:
        return ""
    url, vcs = str(place.get("url", "")), place.get("vcs_info", {})
    if vcs.get("vcs") == "git":
        source = {"git": url, "rev": vcs["commit_id"]}
    else:
        path = Path(unquote(urlsplit(url).path))
        if not url.startswith("file:") or not path.exists():
            return ""
        source = {"path": str(path)}
    fields = ", ".join(f"{key} = {json.dumps(value)}" for key, value in source.items())
    return (
        f"\n[tool.uv.sources]\n"
        f"# As it is installed here. Without this line it comes from your package index.\n"
        f"{_PACKAGE} = {{ {fields} }}\n"
    )


def _source(name: str) -> Path:
    """A file of the package; the project's own are at the root of a checkout."""
    packaged = _FOLDER / name
    return packaged if packaged.exists() else Path(__file__).parents[2] / name


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
