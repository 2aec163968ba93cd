"""YAML's text as nodes, and nodes as plain data with their lines."""

from __future__ import annotations

import re
from typing import Any

import yaml

from kitaru_iac.errors import Problem
from kitaru_iac.patterns import compiled
from kitaru_iac.spec.refusal import shown

__all__ = ["PLAIN", "TAG", "Builder", "YamlError", "compose", "composed", "line_of", "scalar"]

_MOST_NODES = 20_000
_DEEPEST = 40
TAG = "tag:yaml.org,2002:"


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


PLAIN = (
    ("null", compiled(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    ("bool", compiled(r"true|True|TRUE|false|False|FALSE"), list("tTfF")),
    ("int", compiled(r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+"), list("-+0123456789")),
    (
        "float",
        compiled(
            r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
        ),
        list("-+0123456789."),
    ),
    ("merge", compiled(r"<<"), ["<"]),
)
for _name, _pattern, _first in PLAIN:
    _Loader.add_implicit_resolver(f"{TAG}{_name}", compiled(f"(?:{_pattern.pattern})\\Z"), _first)


def compose(text: str) -> yaml.Node | None:
    """Give the one document of a text; raises `YamlError` where there are others."""
    nodes = composed(text, several=False)
    return nodes[0] if nodes else None


def composed(text: str, *, several: bool) -> list[yaml.Node]:
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
    return isinstance(node, yaml.ScalarNode) and not node.value and node.tag == f"{TAG}null"


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


def line_of(node: yaml.Node) -> int:
    """Give the line of a node, from 1."""
    return int(node.start_mark.line) + 1


class Builder:
    """Makes plain data of nodes, counting them: an alias may stand for a million others."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.unreadable: set[str] = set()
        self._count = 0

    def value(self, node: yaml.Node, path: str, around: tuple[yaml.Node, ...]) -> object:
        """Give a node's value.

        Args:
            node: The node.
            path: Its dotted path.
            around: The nodes that it is in.

        Raises:
            YamlError: It is in itself, or too deep or too large.
        """
        self._count += 1
        if self._count > _MOST_NODES:
            raise YamlError(f"the file expands to more than {_MOST_NODES} values", line_of(node))
        if any(node is outer for outer in around):
            raise YamlError("an alias refers to what it stands in", line_of(node))
        if len(around) > _DEEPEST:
            raise YamlError("the file is nested too deeply", line_of(node))
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path, around) if self._tag(node, path, {"map"}) else None
        if isinstance(node, yaml.SequenceNode):
            if not self._tag(node, path, {"seq"}):
                return None
            inside = (*around, node)
            self.lines |= {f"{path}[{n}]": line_of(item) for n, item in enumerate(node.value)}
            return [self.value(item, path, inside) for item in node.value]
        name = self._tag(node, path, {"str", "null", "bool", "int", "float", "merge"})
        return scalar(name, node.value, line_of(node)) if name else None

    def mapping(
        self, node: yaml.MappingNode, path: str, around: tuple[yaml.Node, ...]
    ) -> dict[Any, Any]:
        """Give a mapping's values by their keys; takes and raises what `value` does."""
        merged: dict[Any, Any] = {}
        own: dict[Any, Any] = {}
        inside = (*around, node)
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise YamlError("a key is a list or a mapping", line_of(key_node))
            if key_node.tag == f"{TAG}merge":
                merged = {**self._merged(value_node, path, inside), **merged}
                continue
            key = self.value(key_node, path, inside)
            here = f"{path}.{key}" if path else str(key)
            if key in own:
                self._problem(
                    here,
                    f"{shown(key)} stands twice, first in line {self.lines.get(here)}",
                    line_of(key_node),
                    "Leave one of them out.",
                )
                continue
            self.lines[here] = line_of(key_node)
            own[key] = self.value(value_node, here, inside)
        return {**merged, **own}

    def _merged(self, node: yaml.Node, path: str, around: tuple[yaml.Node, ...]) -> dict[Any, Any]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found: dict[Any, Any] = {}
        for part in reversed(parts):
            value = self.value(part, path, around)
            if not isinstance(value, dict):
                raise YamlError("`<<` stands before something that is no mapping", line_of(part))
            found.update(value)
        return found

    def _tag(self, node: yaml.Node, path: str, allowed: set[str]) -> str | None:
        name = str(node.tag).removeprefix(TAG)
        if name in allowed:
            return name
        self.unreadable.add(path)
        self._problem(
            path,
            "a tag (`!…`) means nothing here",
            line_of(node),
            "Put text that starts with `!` into quotes.",
        )
        return None

    def _problem(self, path: str, what: str, line: int, remedy: str) -> None:
        self.problems.append(Problem(path, what, None, remedy, f"{self.file}:{line}"))


def scalar(name: str, text: str, line: int | None) -> object:
    """Give the value of a plain word of this kind; raises `YamlError` where it is not of it."""
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
