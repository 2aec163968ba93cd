"""YAML with line numbers, and nothing in it that is not plain data.

Plain words are read as YAML 1.2 does, which editors follow too: ``true`` and ``false`` are the only
switches, ``yes`` and ``on`` are text, ``2024-01-01`` is text. A number with a zero in front is text
as well, since it is an account and not an amount.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

import yaml

from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.spec.document import STDIN, Document
from kitaru_iac.spec.refusal import shown
from kitaru_iac.spec.suggest import suggest
from kitaru_iac.spec.yaml_nodes import (
    PLAIN,
    TAG,
    Builder,
    YamlError,
    compose,
    composed,
    line_of,
    scalar,
)

__all__ = [
    "YamlError",
    "read_document",
    "read_documents",
    "read_text",
    "read_value",
]

_LARGEST = 1_000_000


def read_document(file: Path | str, stdin: TextIO | None = None) -> Document:
    """Read a description's file.

    Args:
        file: Its path; ``-`` is standard input.
        stdin: What ``-`` reads; this process's own by default.

    Raises:
        DescriptionError: It cannot be read, is not YAML, or is not a mapping.
    """
    name = STDIN if str(file) == "-" else str(file)
    try:
        return read_text(_content(file, stdin), name)
    except YamlError as error:
        source = f"{name}:{error.line}" if error.line else name
        problem = Problem("file", error.kind, None, error.remedy, source)
        raise DescriptionError([problem]) from None


def read_documents(file: Path | str, stdin: TextIO | None = None) -> list[Document]:
    """Read a file that may hold several descriptions, with ``---`` between them.

    Args:
        file: Its path; ``-`` is standard input.
        stdin: What ``-`` reads; this process's own by default.

    Raises:
        DescriptionError: It cannot be read, is not YAML, or one of them is not a mapping.
    """
    name = STDIN if str(file) == "-" else str(file)
    try:
        nodes = composed(_content(file, stdin), several=True)
        return [_document(node, name) for node in nodes] or [_document(None, name)]
    except YamlError as error:
        source = f"{name}:{error.line}" if error.line else name
        raise DescriptionError([Problem("file", error.kind, None, error.remedy, source)]) from None


def read_text(text: str, name: str) -> Document:
    """Read a description's text.

    Args:
        text: YAML or JSON.
        name: How its file is called in problems.

    Raises:
        YamlError: It is not YAML, or is not a mapping.
    """
    return _document(compose(text), name)


def _document(node: yaml.Node | None, name: str) -> Document:
    if node is None:
        raise YamlError("the file is empty", remedy="`kitaru stack schema` shows what it may hold.")
    if not isinstance(node, yaml.MappingNode):
        kind = "a list" if isinstance(node, yaml.SequenceNode) else "text"
        raise YamlError(
            f"the file holds {kind}, not a mapping",
            line_of(node),
            "Write `KEY: VALUE` lines, as `name: dev`.",
        )
    if node.tag != f"{TAG}map":
        raise YamlError("a tag (`!…`) means nothing here", line_of(node), "Leave it out.")
    builder = Builder(name)
    data = {str(key): value for key, value in builder.mapping(node, "", ()).items()}
    return Document(
        name, data, builder.lines, tuple(builder.problems), frozenset(builder.unreadable)
    )


def read_value(text: str) -> object:
    """Read one value as a command line gives it.

    Lists and mappings in brackets, and quoted text, are read as YAML; everything else is one plain
    word, so that ``#``, ``:`` and ``*`` in it mean nothing.

    Raises:
        YamlError: The brackets or quotes are not YAML.
    """
    plain = text.strip()
    if plain[:1] not in {"[", "{", '"', "'"}:
        for name, pattern, _ in PLAIN[:4]:
            if pattern.fullmatch(plain):
                return scalar(name, plain, None)
        return plain
    node = compose(plain)
    builder = Builder("")
    value = builder.value(node, "", ()) if node else None
    if builder.problems:
        raise YamlError(builder.problems[0].what)
    return value


def _content(file: Path | str, stdin: TextIO | None) -> str:
    if str(file) == "-":
        stream = sys.stdin if stdin is None else stdin
        if stream.isatty():
            raise YamlError(
                "`-` reads the description from standard input, and that is a terminal",
                remedy="Pipe it in, as in `kitaru stack create -f - < stack.yaml`.",
            )
        binary = getattr(stream, "buffer", None)
        raw = binary.read(_LARGEST + 1) if binary else stream.read(_LARGEST + 1)
        return _decoded(raw)
    path = Path(file)
    try:
        if path.is_dir():
            raise YamlError("it is a folder, not a file", remedy=_inside(path))
        with path.open("rb") as stream_:
            return _decoded(stream_.read(_LARGEST + 1))
    except FileNotFoundError:
        raise YamlError("there is no such file", remedy=_beside(path)) from None
    except (OSError, ValueError) as error:
        if isinstance(error, YamlError):
            raise
        reason = getattr(error, "strerror", None) or "its name is not valid"
        raise YamlError(f"the file cannot be read: {reason}") from None


def _decoded(raw: bytes | str) -> str:
    if len(raw) > _LARGEST:
        raise YamlError(f"the file has more than {_LARGEST} bytes")
    if isinstance(raw, str):
        return raw
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise YamlError("the file is not UTF-8 text", line, "Save it as UTF-8.") from None
    return text


def _beside(path: Path) -> str | None:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in {".yaml", ".yml"}]
    except OSError:
        return None
    found = suggest(path.name, sorted(names))
    return f"Did you mean {shown(path.parent / found)}?" if found else None


def _inside(path: Path) -> str | None:
    try:
        names = sorted(entry.name for entry in path.iterdir() if entry.suffix in {".yaml", ".yml"})
    except OSError:
        return None
    return f"Did you mean {shown(path / names[0])}?" if names else None
