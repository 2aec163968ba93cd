"""``kitaru.yaml``: what the descriptions beside and below it have in common."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.spec.document import STDIN, Document
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import Cloud, StackType
from kitaru_iac.spec.refusal import shown
from kitaru_iac.spec.resources import RESOURCES, resources_on
from kitaru_iac.spec.rules import key_suggestion
from kitaru_iac.spec.suggest import did_you_mean
from kitaru_iac.spec.variables import expanded
from kitaru_iac.spec.yaml_file import read_document
from kitaru_iac.values import dataclass, field

__all__ = [
    "FILE",
    "KEYS",
    "NOT_SHARED",
    "Shared",
    "read_shared",
    "shared_schema",
    "shared_with",
    "sharing_file",
]

#: The file's name.
FILE = "kitaru.yaml"
#: What it holds.
KEYS: Mapping[str, str] = {
    "defaults": "Keys of stack.yaml that hold for every description beside and below this file, "
    "unless it says otherwise.",
}
#: Keys of a description that no two of them share.
NOT_SHARED = ("name", "activate")


@dataclass(frozen=True, slots=True)
class Shared:
    """What a file of shared defaults says.

    Attributes:
        document: What was read; None: there is no such file.
        defaults: Its defaults.
    """

    document: Document | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def place(self, path: str) -> str:
        """``FILE:LINE`` of a default by its dotted path."""
        document = self.document
        assert document is not None
        line = document.lines.get(f"defaults.{path}")
        return document.file if line is None else f"{document.file}:{line}"

    def paths(self) -> Iterator[tuple[str, str]]:
        """Every default's dotted path and ``FILE:LINE``."""
        if self.document is not None:
            for path in self.document.lines:
                if path.startswith("defaults."):
                    below = path.removeprefix("defaults.")
                    yield below, self.place(below)

    def fitting(self, type_: str, key: str, cloud: Cloud | None) -> object:
        """A default as far as a type of stack has it: without resources of others, or elsewhere."""
        value = self.defaults[key]
        if key == "resources" and isinstance(value, Mapping) and type_ in tuple(StackType):
            every = {name for names in RESOURCES.values() for name in names}
            others = every - set(resources_on(StackType(type_), cloud))
            return {name: mode for name, mode in value.items() if name not in others} or None
        return value


def sharing_file(file: str) -> Path | None:
    """The nearest file of shared defaults beside a description's file or above it, if any.

    It is looked for up to the root of the repository, which is where `.git` is, and no further;
    outside of one, not in folders above that everybody may write to, as ``/tmp``. Standard input is
    beside nothing.
    """
    if file in {"-", STDIN}:
        return None
    path = Path(file).absolute().resolve()
    for folder in _folders(path):
        found = folder / FILE
        # A link that leads nowhere is told of: its defaults would be missing without a word.
        if os.path.lexists(found) and found != path:
            return found
    return None


def _folders(path: Path) -> Sequence[Path]:
    """The folders in which a file of shared defaults may stand, the nearest first."""
    above = list(path.parents)
    roots = [number for number, folder in enumerate(above) if (folder / ".git").exists()]
    if roots:
        return above[: roots[0] + 1]
    for number, folder in enumerate(above[1:], start=1):
        if folder.stat().st_mode & stat.S_IWOTH:
            return above[:number]
    return above


def shared_with(file: str) -> Shared:
    """Read what a description's file shares with others; nothing where there is no such file.

    Raises:
        DescriptionError: As `read_shared` does.
    """
    path = sharing_file(file)
    return Shared() if path is None else read_shared(path)


def read_shared(path: Path) -> Shared:
    """Read a file of shared defaults.

    Raises:
        DescriptionError: It cannot be read, or is otherwise wrong; with every problem.
    """
    shown_as = _relative(path)
    if path.exists() and not path.is_dir() and not path.is_file():  # a pipe would be waited for
        raise DescriptionError([Problem("file", "it is not a file", None, None, shown_as)])
    document = expanded(read_document(shown_as))
    problems = [*document.problems, *_wrong(document)]
    if problems:
        raise DescriptionError(problems)
    return Shared(document, document.data.get("defaults") or {})


def shared_schema() -> dict[str, Any]:
    """The JSON Schema of the file, draft 7, as plain data."""
    from kitaru_iac.spec.schema import json_schema

    whole = json_schema()
    properties = {k: v for k, v in whole["properties"].items() if k not in NOT_SHARED}
    return {
        "$schema": whole["$schema"],
        "title": "Shared defaults of Kitaru stacks",
        "description": f"{FILE}: what the descriptions beside and below it have in common.",
        "type": "object",
        "properties": {
            "defaults": {
                "description": KEYS["defaults"],
                "type": "object",
                "properties": properties,
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
    }


def _relative(path: Path) -> str:
    """A path as messages show it: from here, where that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _wrong(document: Document) -> Iterator[Problem]:
    sources = document.sources()
    for key in document.data:
        if key not in KEYS:
            yield _unknown(document, key)
    defaults = document.data.get("defaults")
    if defaults is None:
        return
    if not isinstance(defaults, Mapping):
        remedy = "Write `KEY: VALUE` lines below it."
        what = "defaults has to be a mapping"
        yield Problem("defaults", what, None, remedy, sources.get("defaults"))
        return
    for key in defaults:
        place = sources.get(f"defaults.{key}")
        if key in NOT_SHARED:
            why = "it is each description's own"
            yield Problem(f"defaults.{key}", f"{key} has no default", why, "Leave it out.", place)
        elif key not in FIELDS:
            found = key_suggestion(str(key))
            nearest = f"Did you mean `{found}`?" if found else None
            what = f"{shown(key)} is not a key of a stack's description"
            yield Problem(f"defaults.{shown(key).strip('`')}", what, None, nearest, place)


def _unknown(document: Document, key: str) -> Problem:
    place = document.sources().get(key)
    what, why = f"{shown(key)} is not a key of {FILE}", f"its only key is {', '.join(KEYS)}"
    remedy = did_you_mean(key, KEYS)
    if remedy is None and key in FIELDS:
        remedy = f"Write it below `defaults:`; a stack's own description is not called {FILE}."
    return Problem(shown(key).strip("`"), what, why, remedy, place)
