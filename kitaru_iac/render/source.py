"""Where in a description's file stands what a check looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from kitaru_iac.checks.model import CheckInfo
from kitaru_iac.spec.document import STDIN, Document
from kitaru_iac.values import dataclass, field

__all__ = ["SourceFile", "in_repository", "source_of"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The file that a description came from.

    Attributes:
        path: From the top of its repository where it is in one, else from the working directory;
            with ``/``.
        lines: The line, from 1, of every key that the file decides, by its dotted path. What an
            option of the command line decides is not among them.
        keys: By the ids of checks, the key that says what each looks at.
    """

    path: str
    lines: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        """The path as a URI reference, relative where the path is."""
        return quote(self.path) if not self.path.startswith("/") else f"file://{quote(self.path)}"

    def line(self, check: str) -> int:
        """Give the line of what a check looked at; the stack's own where no key says it."""
        return self.lines.get(self.keys.get(check, "name")) or self.lines.get("name") or 1


def source_of(
    document: Document, catalog: Iterable[CheckInfo], decided: Collection[str] = ()
) -> SourceFile | None:
    """Say where a description stands.

    Args:
        document: What was read.
        catalog: Every check there is.
        decided: The keys that options of the command line decide.

    Returns:
        None for standard input, which is no file.
    """
    if document.file == STDIN:
        return None
    lines = {key: line for key, line in document.lines.items() if key not in decided}
    keys = {info.id: info.key for info in catalog}
    return SourceFile(in_repository(Path(document.file)), lines, keys)


def in_repository(file: Path) -> str:
    """Name a file as its repository does, which is what a code host shows lines by.

    Returns:
        Its path from the folder that holds ``.git``; outside of repositories from the working
        directory, or the whole path where it is not below that.
    """
    whole = file.resolve()
    top = next((folder for folder in whole.parents if (folder / ".git").exists()), Path.cwd())
    return whole.relative_to(top).as_posix() if whole.is_relative_to(top) else whole.as_posix()
