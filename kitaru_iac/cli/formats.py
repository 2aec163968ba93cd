"""The formats of ``--output``: which there are, and how a document is written in each.

A format is a word in `Format` and, for documents, a writer in `_WRITERS`; all else reads these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal, TextIO, get_args

from kitaru_iac.redaction import UNSEEN, SecretText, visible

__all__ = [
    "EVERY",
    "FORMATS",
    "CheckFormat",
    "Format",
    "PlanFormat",
    "choice",
    "is_document",
    "written",
]

#: What every command may be asked for.
Format = Literal["text", "json", "yaml"]
#: The same, and what is for plans and reports alone.
PlanFormat = Literal[Format, "markdown"]
#: The same, and what is for reports of checks alone.
CheckFormat = Literal[PlanFormat, "sarif", "junit"]

FORMATS: tuple[str, ...] = get_args(Format)
#: Every value of ``--output`` that some command takes.
EVERY: tuple[str, ...] = get_args(CheckFormat)


def choice(formats: object = Format) -> str:
    """Give the help of ``--output`` where these may be chosen."""
    *names, last = get_args(formats)
    return f"How to write the result: {', '.join(names)} or {last}."


def is_document(format: str) -> bool:
    """Say whether a program reads this format: stdout is one document, and nothing else."""
    return format in _WRITERS


def written(document: Mapping[str, object], format: str, stream: TextIO) -> str:
    """Write a document.

    Args:
        document: Any mapping; what is secret in it is not written.
        format: One for which `is_document` holds.
        stream: Where it is going; its encoding says which letters it can take.
    """
    is_unicode = "utf" in (getattr(stream, "encoding", None) or "").lower()
    return _WRITERS[format](_plain(document), is_unicode)


def _json(document: object, is_unicode: bool) -> str:
    import json

    text = json.dumps(document, indent=2, ensure_ascii=not is_unicode)

    def escape(found: re.Match[str]) -> str:
        seen = json.dumps(found[0])[1:-1]
        return seen if seen != found[0] else f"\\u{ord(seen):04x}"

    if is_unicode:  # what is read is what was written; what a terminal shows is in its order
        text = "\n".join(re.sub(UNSEEN, escape, line) for line in text.split("\n"))
    return text + "\n"


def _yaml(document: object, is_unicode: bool) -> str:
    import yaml

    from kitaru_iac.spec.yaml_nodes import PLAIN

    class Dumper(yaml.SafeDumper):
        """Double quotes, which alone know escapes, around what holds a sign that nobody sees."""

    def represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        # PyYAML quotes what YAML 1.1 takes for something else; we read 1.2, which has other words.
        is_word = any(pattern.fullmatch(text) for _, pattern, _ in PLAIN)
        style = '"' if visible(text, keep="\n") != text else "'" if is_word else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, represent)
    text: str = yaml.dump(
        document, Dumper=Dumper, sort_keys=False, allow_unicode=is_unicode, width=1000
    )
    return visible(text, keep="\n")


_WRITERS: Mapping[str, Callable[[object, bool], str]] = {
    "json": _json,
    "yaml": _yaml,
}


def _plain(value: object) -> object:
    """The value in types that both JSON and YAML know."""
    if isinstance(value, SecretText):
        return "(secret)"
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, bool | int | float):
        return value.real
    return str.__str__(value) if isinstance(value, str) else str(value)
