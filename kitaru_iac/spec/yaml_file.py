"""YAML with line numbers, and nothing in it that is not plain data.

Plain words are read as YAML 1.2 does, which editors follow too: ``true`` and ``false`` are the only
switches, ``yes`` and ``on`` are text, ``2024-01-01`` is text. A number with a zero in front is text
as well, since it is an account and not an amount.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import yaml

from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.spec.refusal import shown
from kitaru_iac.spec.suggest import suggest

__all__ = [
    "STDIN",
    "Document",
    "YamlError",
    "read_document",
    "read_documents",
    "read_text",
    "read_value",
]

#: How standard input is named as a file.
STDIN = "stdin"

_LARGEST = 1_000_000
_MOST_NODES = 20_000
_DEEPEST = 40
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content.

    Attributes:
        file: Its name as the user gave it, or ``stdin``.
        data: The mapping.
        lines: The line, from 1, of every key by its dotted path, and of every element of a list by
            ``[N]`` behind the list's.
        problems: Keys that stand twice, and tags; the rest of the content is usable.
        unreadable: The dotted paths of the values with tags, which are not in `data`.
    """

    file: str
    data: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    unreadable: frozenset[str] = frozenset()

    def sources(self) -> dict[str, str]:
        """``FILE:LINE`` of every key by its dotted path."""
        return {path: f"{self.file}:{line}" for path, line in self.lines.items()}


class YamlError(ValueError):
    """The text is not YAML, or not of the plain sort. The message repeats none of it.

    Attributes:
        kind: What is wrong.
        line: Where, from 1.
        remedy: What to write instead.
    """

    def __init__(self, kind: str, line: int | None = None, remedy: str | None = None) -> None:
        self.kind = kind
        self.line = line
        self.remedy = remedy
        super().__init__(kind)


class _Loader(yaml.SafeLoader):
    """PyYAML's parser with the plain words of YAML 1.2 (PyYAML itself has those of 1.1)."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own attribute)


_PLAIN = (
    ("null", re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), list("tTfF")),
    ("int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+"), list("-+0123456789")),
    (
        "float",
        re.compile(
            r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
        ),
        list("-+0123456789."),
    ),
    ("merge", re.compile(r"<<"), ["<"]),
)
for _name, _pattern, _first in _PLAIN:
    _Loader.add_implicit_resolver(
        f"{_TAG}{_name}", re.compile(f"(?:{_pattern.pattern})\\Z"), _first
    )


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
        nodes = _composed(_content(file, stdin), several=True)
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
    return _document(_compose(text), name)


def _document(node: yaml.Node | None, name: str) -> Document:
    if node is None:
        raise YamlError("the file is empty", remedy="`kitaru stack schema` shows what it may hold.")
    if not isinstance(node, yaml.MappingNode):
        kind = "a list" if isinstance(node, yaml.SequenceNode) else "text"
        raise YamlError(
            f"the file holds {kind}, not a mapping",
            _line(node),
            "Write `KEY: VALUE` lines, as `name: dev`.",
        )
    if node.tag != f"{_TAG}map":
        raise YamlError("a tag (`!…`) means nothing here", _line(node), "Leave it out.")
    builder = _Builder(name)
    data = {str(key): value for key, value in builder.mapping(node, "", ()).items()}
    return Document(
        name, data, builder.lines, tuple(builder.problems), frozenset(builder.unreadable)
    )


def read_value(text: str) -> Any:
    """Read one value as a command line gives it.

    Lists and mappings in brackets, and quoted text, are read as YAML; everything else is one plain
    word, so that ``#``, ``:`` and ``*`` in it mean nothing.

    Raises:
        YamlError: The brackets or quotes are not YAML.
    """
    plain = text.strip()
    if plain[:1] not in {"[", "{", '"', "'"}:
        for name, pattern, _ in _PLAIN[:4]:
            if pattern.fullmatch(plain):
                return _scalar(name, plain, None)
        return plain
    node = _compose(plain)
    builder = _Builder("")
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


def _compose(text: str) -> yaml.Node | None:
    nodes = _composed(text, several=False)
    return nodes[0] if nodes else None


def _composed(text: str, *, several: bool) -> list[yaml.Node]:
    """The documents of a text; nothing between two `---` is none, where there are others."""
    loader: Any = None
    nodes: list[yaml.Node] = []
    try:
        loader = _Loader(text)
        if several:
            while loader.check_node():
                nodes.append(loader.get_node())
        else:
            node = loader.get_single_node()
            nodes = [] if node is None else [node]
    except yaml.reader.ReaderError as error:
        before = text[: error.position] if isinstance(error.position, int) else ""
        raise YamlError(
            "the file holds signs that no text has", before.count("\n") + 1, "Is it the right file?"
        ) from None
    except yaml.MarkedYAMLError as error:
        raise _syntax(error) from None
    except RecursionError:
        raise YamlError("the file is nested too deeply") from None
    finally:
        if loader is not None:
            loader.dispose()
    return [node for node in nodes if not _is_nothing(node)] if len(nodes) > 1 else nodes


def _is_nothing(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.value and node.tag == f"{_TAG}null"


def _syntax(error: yaml.MarkedYAMLError) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    said = error.problem or ""
    if "'\\t'" in said:
        return YamlError("a tab stands where YAML expects spaces", line, "Indent with spaces.")
    if "another document" in said:
        return YamlError(
            "the file holds more than one description",
            line,
            "Put each into a file of its own; `preview` and `apply` take a file with several.",
        )
    if "undefined alias" in said:
        return YamlError("an alias (`*name`) has no anchor (`&name`) before it", line)
    if "mapping values are not allowed" in said:
        return YamlError(
            "it is not YAML: a `:` stands where none can",
            line,
            "Check the indentation, and put text with `: ` into quotes.",
        )
    # What is left of the parser's words may quote the text.
    plain = re.sub(r"'[^']*'|\"[^\"]*\"", "…", said) if said else "the syntax is wrong"
    return YamlError(f"it is not YAML: {plain}", line, "Check this line and the one before it.")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


class _Builder:
    """Makes plain data of nodes, counting them: an alias may stand for a million others."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.unreadable: set[str] = set()
        self._count = 0

    def value(self, node: yaml.Node, path: str, around: tuple[yaml.Node, ...]) -> Any:
        self._count += 1
        if self._count > _MOST_NODES:
            raise YamlError(f"the file expands to more than {_MOST_NODES} values", _line(node))
        if any(node is outer for outer in around):
            raise YamlError("an alias refers to what it stands in", _line(node))
        if len(around) > _DEEPEST:
            raise YamlError("the file is nested too deeply", _line(node))
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path, around) if self._tag(node, path, {"map"}) else None
        if isinstance(node, yaml.SequenceNode):
            if not self._tag(node, path, {"seq"}):
                return None
            inside = (*around, node)
            self.lines |= {f"{path}[{n}]": _line(item) for n, item in enumerate(node.value)}
            return [self.value(item, path, inside) for item in node.value]
        name = self._tag(node, path, {"str", "null", "bool", "int", "float", "merge"})
        return _scalar(name, node.value, _line(node)) if name else None

    def mapping(
        self, node: yaml.MappingNode, path: str, around: tuple[yaml.Node, ...]
    ) -> dict[Any, Any]:
        merged: dict[Any, Any] = {}
        own: dict[Any, Any] = {}
        inside = (*around, node)
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise YamlError("a key is a list or a mapping", _line(key_node))
            if key_node.tag == f"{_TAG}merge":
                merged = {**self._merged(value_node, path, inside), **merged}
                continue
            key = self.value(key_node, path, inside)
            here = f"{path}.{key}" if path else str(key)
            if key in own:
                self._problem(
                    here,
                    f"{shown(key)} stands twice, first in line {self.lines.get(here)}",
                    _line(key_node),
                    "Leave one of them out.",
                )
                continue
            self.lines[here] = _line(key_node)
            own[key] = self.value(value_node, here, inside)
        return {**merged, **own}

    def _merged(self, node: yaml.Node, path: str, around: tuple[yaml.Node, ...]) -> dict[Any, Any]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found: dict[Any, Any] = {}
        for part in reversed(parts):
            value = self.value(part, path, around)
            if not isinstance(value, dict):
                raise YamlError("`<<` stands before something that is no mapping", _line(part))
            found.update(value)
        return found

    def _tag(self, node: yaml.Node, path: str, allowed: set[str]) -> str | None:
        name = str(node.tag).removeprefix(_TAG)
        if name in allowed:
            return name
        self.unreadable.add(path)
        self._problem(
            path,
            "a tag (`!…`) means nothing here",
            _line(node),
            "Put text that starts with `!` into quotes.",
        )
        return None

    def _problem(self, path: str, what: str, line: int, remedy: str) -> None:
        self.problems.append(Problem(path, what, None, remedy, f"{self.file}:{line}"))


def _scalar(name: str, text: str, line: int | None) -> Any:
    try:
        if name == "null":
            return None
        if name == "bool":
            return {"true": True, "false": False}[text.lower()]
        if name == "int":
            return int(text, 0)
        if name == "float":
            special = re.fullmatch(r"([-+]?)\.(inf|nan)", text.lower())
            return float(special[1] + special[2]) if special else float(text)
    except (KeyError, ValueError):
        raise YamlError(f"a value is not of the kind that its tag says ({name})", line) from None
    return text
