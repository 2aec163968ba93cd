"""The plain part of YAML, read and written without PyYAML, which takes 0.015 s to import.

ZenML's settings are mappings of ids, addresses, numbers and switches, a line each. Texts of that
form mean what PyYAML says they mean, and such mappings are written as PyYAML writes them, to the
byte (tests/machine/test_plain_yaml.py); for everything else `parse` and `dump` give None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kitaru_iac.patterns import compiled

__all__ = ["dump", "parse"]

#: One line: what it is indented by, its key, its value.
_LINE: Final = compiled(
    r"( *)([A-Za-z_](?:[A-Za-z0-9_./:-]{0,98}[A-Za-z0-9_./-])?):(?: (\S+(?: \S+)*))?"
)
_KEY: Final = compiled(r"[A-Za-z_](?:[A-Za-z0-9_./:-]{0,98}[A-Za-z0-9_./-])?")
#: Text without quotes: begun by a letter it is no number, with two dots or an id's dashes neither.
_PLAIN: Final = compiled(
    r"[A-Za-z_/](?:[A-Za-z0-9_./:+=~%@-]*[A-Za-z0-9_./+=~%@-])?"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|[0-9]+\.[0-9]+\.[0-9]+"
)
_QUOTED: Final = compiled(r"'([ -&(-~]*)'")
_NUMBER: Final = compiled(r"0|-?[1-9][0-9]{0,17}")
#: Words of YAML 1.1 that are no text, in any case.
_WORDS: Final = ("null", "true", "false", "yes", "no", "on", "off")
_CONSTANTS: Final[Mapping[str, Any]] = {"null": None, "true": True, "false": False}


def parse(text: bytes) -> dict[str, Any] | None:
    """Give the mapping that a plain text holds; None where PyYAML has to read it."""
    if not text.endswith(b"\n") or not text.isascii():
        return None
    found: dict[str, Any] = {}
    # The mappings that the next line may continue, and the key that it may be the value of.
    open_: list[dict[str, Any]] = [found]
    waiting: str | None = None
    for line in text.decode("ascii")[:-1].split("\n"):
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        indent, key, value = match.groups()
        depth = len(indent) // 2
        if waiting is not None and depth == len(open_):
            below: dict[str, Any] = {}
            open_[-1][waiting] = below
            open_.append(below)
        del open_[depth + 1 :]
        if len(indent) % 2 or depth >= len(open_) or key in open_[-1] or key.lower() in _WORDS:
            return None
        waiting = key if value is None else None
        try:
            open_[-1][key] = None if value is None else _value(value)
        except ValueError:
            return None
    return found


def _value(word: str) -> object:
    if word in _CONSTANTS:
        return _CONSTANTS[word]
    if word == "{}":
        return {}
    if _NUMBER.fullmatch(word):
        return int(word)
    if quoted := _QUOTED.fullmatch(word):
        return quoted[1]
    if _PLAIN.fullmatch(word) and word.lower() not in _WORDS:
        return word
    raise ValueError(word)


def dump(content: Mapping[str, Any]) -> str | None:
    """Write a mapping as ``yaml.safe_dump`` does; None where that has to do it."""
    lines: list[str] = []
    try:
        _write(content, "", lines)
    except ValueError:
        return None
    return "".join(lines) or None


def _write(content: Mapping[str, Any], indent: str, lines: list[str]) -> None:
    for key in content:
        if type(key) is not str or not _KEY.fullmatch(key) or key.lower() in _WORDS:
            raise ValueError(key)
    for key in sorted(content):
        value = content[key]
        if type(value) is dict and value:
            lines.append(f"{indent}{key}:\n")
            _write(value, f"{indent}  ", lines)
        else:
            lines.append(f"{indent}{key}: {_word(value)}\n")


def _word(value: object) -> str:
    if value is None:
        return "null"
    if type(value) is bool:
        return str(value).lower()
    if type(value) is int:
        return str(value)
    if type(value) is str and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    raise ValueError(value)
