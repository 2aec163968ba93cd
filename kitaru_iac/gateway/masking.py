"""Hide the values of secret fields in what is shown.

ZenML lets a component's configuration hold a password or token as plain text. The name of the field
tells: what its flavors mark as sensitive is covered, except for identifiers (`client_id`,
`tenant_id`, `tracking_username`, …), which ZenML marks so that they may refer to a secret. A text
may hold such fields too, as JSON, YAML, variables, options or an address (`_in_text`).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kitaru_iac import redaction
from kitaru_iac.gateway.views import StackView
from kitaru_iac.patterns import compiled
from kitaru_iac.values import replace

__all__ = ["MASK", "masked", "masked_text", "shown"]

MASK = redaction.MASK

_SECRET_NAME = compiled(
    r"""password$ | ^key$ | ^pat$ | (?:^|[_.-])(?:
        pass | passwd | passphrase | pwd | secret | token | credentials? | connection_?string
        | authorization | cookie | access_key_id | sas_url
        | (?:api|access|private|account|application|auth|secret|shared|storage|signing|encryption)
          [_-]?key
    )(?:_?(?:b64|base64))?$""",
    re.IGNORECASE | re.VERBOSE,
)
#: Those whose value is one even where it is a number: YAML reads a password of digits as such.
_NUMBER_NAME = compiled(r"(?:pass(?:word|wd|phrase)?|pwd)$", re.IGNORECASE)
_HUMP = compiled(r"(?<=[a-z0-9])(?=[A-Z])")
#: These hold the name of a ZenML secret, not a secret.
_NAMES_OF_SECRETS = frozenset({"authentication_secret", "registry_auth_secret"})
#: ZenML's way to refer to a secret: `{{name.key}}`.
_REFERENCE = compiled(r"\{\{\s*\S+?\.\S+\s*\}\}")
#: An option of a command, as it stands in a list of words.
_OPTION = compiled(r"--?(?P<name>[A-Za-z][\w-]*)")

#: An address with a login, with a scheme or without one. What stands before the `@` of Azure's
#: addresses is a container, and of an image's digest a name and a tag. Inside a text, a login
#: without a scheme ends where a word does.
_LOGIN = compiled(
    r"""(?P<scheme>https?://)\S*@\S*
    | (?P<start>[a-z][a-z0-9+.-]*://|^)[^/@:\s]*:(?!//)\S*@(?!sha\d+:)\S*
    | (?<=[\s'"(<=,;])[^/@:\s'"(),;<>=]+:(?!//)[^\s'"(),;<>]+@(?!sha\d+:)[\w.\[-][^\s'"(),;<>]*""",
    re.IGNORECASE | re.VERBOSE,
)

#: What a text has somewhere that may hold a secret; a text without it is not looked into.
_MAY_HOLD = compiled(r"[@:=<\s]|[A-Za-z0-9_.~+/-]{16}")
#: A name and what stands between it and its value, with the quotes of JSON, YAML, Python or a
#: shell, escaped or not.
_PAIR = compiled(
    r"""(?:(?<![\w.:/-])|(?<=--))
    (?P<name>[A-Za-z_][\w.-]{0,99}) (?:\\*["'])?\ *(?::(?!//)|=>?)\s*""",
    re.VERBOSE,
)
_VALUE = compiled(
    r"""(?P<value>
        [bBuUrR]{0,2}"(?:\\.|[^"\\])*"\w*
        | [bBuUrR]{0,2}'(?:''|\\.|[^'\\])*'\w*
        | \\+["'].*?\\+["'](?=\s*(?:[,}\]]|$))
        | ["'][^\n]*
        | [^\s&;"'\\][^\s&;]*
    )""",
    re.VERBOSE | re.DOTALL,
)
#: The same at the beginning of a line, where an unquoted value goes on to the line's end; in YAML
#: it may begin in the next one, and goes on over lines that stand farther in.
_LINE = compiled(
    r"""^(?P<indent>[ \t]*)(?:(?:export|set|ENV|ARG)[ \t]+|-[ \t]+)?
    (?P<name>["']?[A-Za-z_][\w.-]{0,99}["']?) [ \t]*(?::(?=\s)|=)[ \t]*""",
    re.VERBOSE | re.MULTILINE,
)
_LINE_VALUE = r"""(?:\n{indent}[ \t-]+)?(?P<value>
    [|>][^\n]*(?:\n(?:{indent}[ \t]+[^\n]*|[ \t]*(?=\n)))*
    | [^\s"'{{\[][^\n]*(?:\n{indent}[ \t-]+(?![\w.-]+:\s)[^\n]+)*
)"""
#: Values of a header go on to its end, as of `Authorization: token x`.
_HEADER = compiled(r"(?P<value>[^\"'\n]+)")
_HEADER_NAME = compiled(r"(?:^|-)(?:authorization|cookie)$", re.IGNORECASE)
_ELEMENT = compiled(r"<(?P<name>[A-Za-z_][\w.-]{0,99})(?:\s[^<>]*)?>")
_CONTENT = compiled(r"(?P<value>[^<]+)(?=</)")
#: A line of ~/.netrc.
_NETRC = compiled(r"(?<!\S)login[ \t]+\S+\s+(?P<name>password)[ \t]+")
_OPTION_IN_TEXT = compiled(r"(?<!\S)--?(?P<name>[A-Za-z][\w-]*)[ \t]+")
_WORD = compiled(r"(?P<value>[^\s-]\S*)")
_TRIES = 5
#: What stands in a secret's place and is none.
_NO_SECRETS = frozenset({"", MASK, "true", "false", "null", "None"})


def masked(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with every secret text replaced by `MASK`; references to secrets stay as they are.

    The login of an address is one, the value of an environment variable with such a name, and all
    that a text holds in a form that `_in_text` knows.
    """
    told = configuration.get("name")
    named = isinstance(told, str) and "value" in configuration and _is_secret(told)
    is_manifest = configuration.get("kind") == "Secret"  # Kubernetes's, of which all values are
    beside_id = any(redaction.is_key_id(value) for value in configuration.values())

    def one(key: str, value: object) -> object:
        if is_manifest and key in {"data", "stringData"}:
            return _all_masked(value)
        if beside_id and redaction.is_key_text(value):
            return MASK
        if key == "key" and _selects(configuration):
            return masked_text(value) if isinstance(value, str) else value
        return _masked_value(str(told) if named and key == "value" else key, value)

    return {key: one(str(key), value) for key, value in configuration.items()}


def _selects(fields: Mapping[str, Any]) -> bool:
    """Whether it is one of Kubernetes's ways to name a label, a taint or an entry of a secret."""
    of_secret = "name" in fields and set(fields) <= {"key", "name", "optional"}
    return of_secret or bool({"operator", "effect"} & set(fields))


def masked_text(text: str) -> str:
    """Give a text of no name, as a description, without the secrets in it.

    What it gives is given again: drift compares what was masked once with what was masked twice.
    """
    if not _MAY_HOLD.search(text):
        return text
    for _ in range(_TRIES):
        again = _in_text(text)
        if again == text:
            return text
        text = again
    return MASK


def shown(view: StackView) -> StackView:
    """Give a stack as it may be shown: also without what labels and texts hold of secrets.

    A reader's view has those as they are stored, since they are compared.
    """
    return replace(
        view,
        labels=masked(view.labels),
        description=masked_text(view.description),
        components=tuple(
            replace(
                part,
                labels=masked(part.labels),
                connector_resource_id=_shown_text(part.connector_resource_id),
            )
            for part in view.components
        ),
        connectors=tuple(
            replace(
                link,
                labels=masked(link.labels),
                description=masked_text(link.description),
                resource_id=_shown_text(link.resource_id),
            )
            for link in view.connectors
        ),
        spec_path=_shown_text(view.spec_path),
    )


def _shown_text(text: str | None) -> str | None:
    return None if text is None else masked_text(text)


def _masked_value(key: str, value: object) -> object:
    if isinstance(value, Mapping):
        return _all_masked(value) if _is_secret(key) and key != "key" else masked(value)
    if isinstance(value, list | tuple):
        return _masked_items(key, value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return MASK if _NUMBER_NAME.search(key) else value
    if not isinstance(value, str) or not value:
        return value
    if _is_secret(key):
        return value if _REFERENCE.fullmatch(value) else MASK
    if key == "auth" and _is_basic(value):  # of Docker's configuration
        return MASK
    return masked_text(value)


def _masked_items(key: str, items: Sequence[Any]) -> list[Any]:
    """A list, in which an option's word may say what the next one is."""
    found: list[Any] = []
    beside_id = any(redaction.is_key_id(item) for item in items)
    for item, before in zip(items, [None, *items], strict=False):
        option = _OPTION.fullmatch(before) if isinstance(before, str) else None
        if beside_id and redaction.is_key_text(item):
            found.append(MASK)
        else:
            found.append(_masked_value(option["name"] if option else key, item))
    return found


def _all_masked(value: object) -> object:
    """A value of which every text is a secret, but for references."""
    if isinstance(value, Mapping):
        return {key: _all_masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_all_masked(inner) for inner in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    return value if isinstance(value, str) and _REFERENCE.fullmatch(value) else MASK


# -- texts -----------------------------------------------------------------------------------------


def _in_text(text: str) -> str:
    """A text without the secrets in it.

    JSON is masked as what it stands for. In any other text these are found: pairs of a secret's
    name and a value, as in YAML, variables, Python and connection strings; options of commands;
    logins; and what shows by itself that it is a secret (`redaction.tokens`).
    """
    if text.lstrip().startswith(("{", "[")) and (hidden := _in_json(text)) is not None:
        return hidden
    if "@" in text:
        text = _LOGIN.sub(_without_login, text)
    text = _without_values(text, _LINE, _line_value)
    text = _without_values(text, _PAIR, _pair_value)
    text = _without_values(text, _ELEMENT, lambda _: _CONTENT)
    for words in (_OPTION_IN_TEXT, _NETRC):
        text = _without_values(text, words, lambda _: _WORD)
    return redaction.tokens(text, MASK)


def _in_json(text: str) -> str | None:
    """JSON without the secrets in it; None where it is none, or says a key twice."""
    try:
        found = json.loads(text, object_pairs_hook=_each_once)
        hidden = _masked_value("", found)
    except (ValueError, RecursionError):
        return None
    return text if hidden == found else json.dumps(hidden, ensure_ascii=False)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _pair_value(found: re.Match[str]) -> re.Pattern[str]:
    return _HEADER if _HEADER_NAME.search(found["name"]) else _VALUE


def _line_value(found: re.Match[str]) -> re.Pattern[str]:
    indent = re.escape(found["indent"])
    return re.compile(_LINE_VALUE.format(indent=indent), re.VERBOSE)


def _without_values(
    text: str, names: re.Pattern[str], values: Callable[[re.Match[str]], re.Pattern[str]]
) -> str:
    """A text without the values that follow names of secrets.

    Args:
        text: What may hold them.
        names: Finds a name, and ends where its value begins.
        values: Gives what finds the value after a name.
    """
    done: list[str] = []
    copied = at = 0
    while (found := names.search(text, at)) is not None:
        at = found.end("name")
        name = found["name"].strip("\"'")
        may_be = _may_be_secret(name) and not (name == "key" and "=" not in found[0])
        value = values(found).match(text, found.end()) if may_be else None
        if value is None or not _is_secret_value(name, value["value"].strip("\\\"'")):
            continue
        quote = re.match(r"\\*[\"']", value["value"])
        around = quote[0] if quote and len(value["value"]) > len(quote[0]) else ""
        done += [text[copied : value.start("value")], around, MASK, around]
        copied = at = value.end()
    return "".join([*done, text[copied:]])


def _may_be_secret(name: str) -> bool:
    return name == "auth" or _is_secret(name)


def _is_secret_value(name: str, plain: str) -> bool:
    if plain in _NO_SECRETS or _REFERENCE.fullmatch(plain):
        return False
    return name != "auth" or _is_basic(plain)


def _is_basic(value: str) -> bool:
    """Whether a text is a login as HTTP's basic authorization writes it."""
    try:
        return b":" in base64.b64decode(value, validate=True)
    except ValueError:
        return False


def _without_login(found: re.Match[str]) -> str:
    start = found["scheme"] or found["start"] or ""
    # A password may hold an `@` or a `/`: what is left of the address is `redaction`'s to say.
    return f"{start}{MASK}@{redaction.url(found[0]).removeprefix(start.lower())}"


def _is_secret(key: str) -> bool:
    if key in _NAMES_OF_SECRETS:
        return False
    return _SECRET_NAME.search(_HUMP.sub("_", key)) is not None
