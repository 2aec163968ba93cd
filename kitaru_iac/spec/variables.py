"""``${env:NAME}`` in the values of a file: what differs between machines, and is no secret.

A value that holds one shows in plans, so secrets are refused here: `credentials` has a form of its
own for them. What decides which stack is meant, or what it is, is the same on every machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from kitaru_iac import redaction
from kitaru_iac.errors import Problem
from kitaru_iac.patterns import compiled
from kitaru_iac.spec.document import Document
from kitaru_iac.spec.suggest import distance_at_most_one
from kitaru_iac.values import replace

__all__ = ["FORM", "FORM_PATTERN", "WITHOUT", "escaped", "expanded"]

#: How a variable is written.
FORM = "${env:NAME}"
#: A text with one, as a regular expression for the JSON Schema.
FORM_PATTERN = r"\$\{env:[A-Za-z_][A-Za-z0-9_]*\}"

#: ``$${env:`` is the text ``${env:`` itself.
_REFERENCE = compiled(r"\$(?P<escaped>\$)?\{(?P<scheme>[A-Za-z]{1,8}):(?P<name>[^{}]*)(?P<end>\}?)")
_NAME = compiled(r"[A-Za-z_][A-Za-z0-9_]*")
#: What variables are called that hold secrets.
_SECRET_NAME = compiled(
    r"(?:^|_)(?:\w*PASS|\w*PASSWD|PASSPHRASE|\w*PASSWORD|SECRET|\w*TOKEN|CREDENTIALS?|CREDS?|PAT"
    r"|\w+_PWD|SAS|DSN|CONNECTION_STRING|AUTH(?:ORIZATION)?_HEADER"
    r"|(?:\w+_)?(?:API|ACCESS|PRIVATE|ACCOUNT|SECRET|SHARED|STORAGE|SIGNING|ENCRYPTION)_?KEY)"
    r"(?:_ID|_BASE64|_B64|_\d+)?$",
    re.IGNORECASE,
)
#: Keys that take no variable, with the reason and what to do.
WITHOUT = {
    "name": (
        "a stack is found by its name, which is the same on every machine",
        "Write the name itself.",
    ),
    "ignore_changes": (
        "what is ignored is the same on every machine",
        "Write the path itself.",
    ),
    "type": (
        "what a stack is made of hangs on it, and is the same on every machine",
        "Write the type itself.",
    ),
    "credentials": (
        "a secret would be put into the description",
        "Write `credentials: env:NAME`, which names the place.",
    ),
}


class _Unset(Exception):
    """Why a variable cannot stand for its value."""

    def __init__(self, what: str, why: str | None = None, remedy: str | None = None) -> None:
        self.said = (what, why, remedy)
        super().__init__(what)


def expanded(document: Document, environ: Mapping[str, str] | None = None) -> Document:
    """A file's content with the values of its variables.

    Args:
        document: What was read; ``defaults`` of a file of shared defaults are looked into too.
        environ: Where the variables are; this process's own by default.

    Returns:
        The same where there are none. What is wrong with them is among its `problems`, and their
        places among what is `unreadable`.
    """
    problems: list[Problem] = []
    unreadable: set[str] = set()
    known = os.environ if environ is None else environ

    def of(value: object, path: str, key: str) -> object:
        if isinstance(value, Mapping):
            return {
                name: of(inner, f"{path}.{name}" if path else str(name), key or str(name))
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [of(inner, f"{path}[{n}]", key) for n, inner in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        try:
            return _text(value, key, known)
        except _Unset as refused:
            problems.append(Problem(path, *refused.said, source=_place(document, path)))
            unreadable.add(path)
            return None

    data = {
        str(key): of(value, str(key), "" if key == "defaults" else str(key))
        for key, value in document.data.items()
    }
    if not problems and data == document.data:
        return document
    return replace(
        document,
        data=data,
        problems=(*document.problems, *problems),
        unreadable=document.unreadable | unreadable,
    )


def escaped(value: object) -> object:
    """A value whose texts mean themselves in a file, whatever they hold."""
    if isinstance(value, Mapping):
        return {key: escaped(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [escaped(inner) for inner in value]
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: f"${found[0]}" if _is_ours(found) else found[0], value)
    return value


def _is_ours(found: re.Match[str]) -> bool:
    return found["scheme"] == "env" or distance_at_most_one(found["scheme"].lower(), "env")


def _text(text: str, key: str, environ: Mapping[str, str]) -> str:
    """A text with the values of its variables.

    Raises:
        _Unset: One cannot stand here, or has no value.
    """
    pieces: list[str] = []
    end = 0
    for found in _references(text):
        pieces.append(text[end : found.start()])
        end = found.end()
        if found["escaped"]:
            pieces.append(found[0][1:])
            continue
        if key in WITHOUT:
            raise _Unset(f"{key} takes no variable", *WITHOUT[key])
        pieces.append(_value(found, environ))
    return "".join([*pieces, text[end:]])


def _references(text: str) -> Iterator[re.Match[str]]:
    """What is written as a variable, and what was meant to be one; other schemes are plain text."""
    for found in _REFERENCE.finditer(text):
        if not _is_ours(found):
            continue
        if found["scheme"] == "env" or found["escaped"]:
            yield found
        else:
            name = found["name"] if _NAME.fullmatch(found["name"]) else "NAME"
            raise _Unset(
                f"`{found['scheme']}` is no place of a value",
                remedy=f"Did you mean `${{env:{name}}}`? For the text itself write `$${{`.",
            )


def _value(found: re.Match[str], environ: Mapping[str, str]) -> str:
    name = found["name"]
    if not found["end"] or not _NAME.fullmatch(name):
        # What stands there may be the secret itself: it is not repeated.
        raise _Unset("what follows `${env:` is no variable's name", remedy=f"Write `{FORM}`.")
    if _SECRET_NAME.search(name):
        raise _Unset(
            f"the variable {name} holds a secret, by its name",
            "what a file says is shown in plans",
            "Credentials are given as `credentials: env:NAME`; elsewhere refer to a secret of "
            "ZenML's, as {{name.key}}.",
        )
    if name not in environ:
        raise _Unset(f"the environment variable {name} is not set", None, f"Set and export {name}.")
    value = environ[name]
    if not value.strip():
        raise _Unset(
            f"the environment variable {name} is empty", None, f"Put the value into {name}."
        )
    if redaction.holds_secret(value):
        raise _Unset(
            f"the variable {name} holds what looks like a secret",
            "what a file says is shown in plans, and it is not repeated here",
            "Credentials are given as `credentials: env:NAME`.",
        )
    return value


def _place(document: Document, path: str) -> str:
    """``FILE:LINE`` of a value, else of the nearest one around it."""
    while path not in document.lines:
        cut = max(path.rfind("."), path.rfind("["))
        if cut < 0:
            return document.file
        path = path[:cut]
    return f"{document.file}:{document.lines[path]}"
