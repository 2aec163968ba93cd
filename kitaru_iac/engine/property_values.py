"""Values of properties, as the engine tells them → what differs, without a secret.

What the program or a provider marked as a secret is ``[secret]`` there. What only looks like one,
or is called as one, is hidden here. No digest stands for what is hidden: many read a plan, and
could try all short secrets on it. So what is taken for a secret can change without another plan,
and the name of a setting that only speaks of secrets is told from a secret's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, TypeAlias

from kitaru_iac import redaction
from kitaru_iac.patterns import compiled
from kitaru_iac.plan.model import HIDDEN, Change

__all__ = [
    "Json",
    "at",
    "change_of",
    "difference",
    "holds_secret",
    "names_secret",
    "parts",
    "secret_change",
]

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

_SECRET: Final = "[secret]"  # noqa: S105 - what Pulumi writes in its place
#: A value that is not known before the update: `computedValuePlaceholder`,
#: https://github.com/pulumi/pulumi/blob/master/pkg/resource/stack/deployment.go
_COMPUTED: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
#: What names of secrets have in them.
_IN_NAMES: Final = (
    r"(?i)passw|pwd|secret|token|credential|signature|(?:api|access|account|private)[_-]?key"
)
#: The last word of a name that has that in it and is none's, as `secretName`: what is said of one.
_ABOUT_SECRETS: Final = frozenset(
    {
        *("algorithm", "arn", "aud", "audience", "audiences", "bucket", "count", "days"),
        *("duration", "enabled", "endpoint", "expiration", "expiry", "format", "hours", "interval"),
        *("issuer", "length", "lifetime", "limit", "minutes", "mode", "name", "names", "period"),
        *("policies", "policy", "provider", "ref", "refs", "required", "rotation", "schedule"),
        *("scope", "scopes", "seconds", "stage", "status", "sub", "time", "ttl", "type", "types"),
        *("units", "version", "versions"),
    }
)
#: Settings whose names end as those of secrets do, without `_` and `-`.
_NO_SECRETS: Final = frozenset({"apikeysource", "httptokens"})
#: A claim of who logs in, in a policy, behind who vouches for it: a host may be called as secrets
#: are (`token.actions.githubusercontent.com:sub`), but not its domain.
_CLAIM: Final = r"(?:[\w-]+\.)+(?P<domain>[\w-]+\.[a-z]+)(?:/[\w/-]+)?:(?P<claim>.+)"
_WORD: Final = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W_a-zA-Z]+"
_PRIVATE_KEY: Final = r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|$)"
_NOT_KNOWN_YET: Final = "(not known yet)"
#: A part of a property's path: a name, ``[0]``, ``["any text"]``.
_PART: Final = compiled(r'\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\.?([^.\[\]]+)')


def change_of(path: str, before: Json, after: Json) -> Change:
    """Give what differs at a path, as it may be shown."""
    if holds_secret(before) or holds_secret(after):
        return secret_change(path, before, after)
    return Change(path, _shown(before), _shown(after))


def difference(path: str, before: Json, after: Json, *outputs: Json) -> Change:
    """Give what differs at a path, as it may be shown: a secret too where only its name tells.

    Args:
        path: The property's.
        before: Its value until now.
        after: The one that it is given.
        outputs: What providers told of the resource, who may mark what the program gives plainly.
    """
    if any(holds_secret(at(told, path)) for told in outputs) or names_secret(path, before, after):
        return secret_change(path, before, after)
    return change_of(path, before, after)


def secret_change(path: str, before: Json, after: Json) -> Change:
    """Give what differs at a path as a secret, of which is only said whether it is there."""
    was, becomes = (None if value is None else HIDDEN for value in (before, after))
    return Change(path, was, becomes, sensitive=True)


def at(values: Json, path: str) -> Json:
    """Give the value at a path; None where there is none."""
    for part in parts(path):
        if isinstance(values, dict):
            values = values.get(part)
        elif isinstance(values, list) and part.isdigit() and int(part) < len(values):
            values = values[int(part)]
        else:
            return None
    return values


def parts(path: str) -> Iterator[str]:
    """Give the names and numbers that a path is made of."""
    for index, quoted, name in _PART.findall(path):
        yield index or name or re.sub(r"\\(.)", r"\1", quoted)


def names_secret(path: str, *values: Json) -> bool:
    """Say whether a path, or a key in what is there, is called as secrets are."""
    is_named = any(map(_is_secret_name, parts(path)))
    return any(_has_text(value, named=is_named) for value in values)


def _is_secret_name(name: str) -> bool:
    """Say whether a name is a secret's: it is, unless it plainly is that of something about one."""
    claim = re.fullmatch(_CLAIM, name)
    if claim and not re.search(_IN_NAMES, claim["domain"]):
        name = claim["claim"]
    if not re.search(_IN_NAMES, name) or re.sub("[_-]", "", name).lower() in _NO_SECRETS:
        return False
    words = re.findall(_WORD, name)
    return not (words and words[-1].lower() in _ABOUT_SECRETS)


def _has_text(value: Json, *, named: bool) -> bool:
    if isinstance(value, dict):
        return any(
            _has_text(inner, named=named or _is_secret_name(key)) for key, inner in value.items()
        )
    if isinstance(value, list):
        return any(_has_text(inner, named=named) for inner in value)
    return named and isinstance(value, str)


def holds_secret(value: Json) -> bool:
    """Say whether something in it was marked as a secret."""
    if isinstance(value, dict):
        return any(map(holds_secret, value.values()))
    if isinstance(value, list):
        return any(map(holds_secret, value))
    return value == _SECRET


def _shown(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _shown(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shown(inner) for inner in value]
    if not isinstance(value, str):
        return value
    return _NOT_KNOWN_YET if value == _COMPUTED else _shown_text(value)


def _shown_text(text: str) -> str:
    """A text without what looks like a secret; the rest stays, since it is what is reviewed."""
    if redaction.is_credentials(text):
        return redaction.value(text)
    if text.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):
            found: Json = json.loads(text)
            return json.dumps(_without_secret_keys(found), ensure_ascii=False)
    return redaction.text(re.sub(_PRIVATE_KEY, HIDDEN, text))


def _without_secret_keys(value: Json) -> Json:
    """A document in a text, as a policy or a service account's key, without its secrets."""
    if isinstance(value, dict):
        return {
            key: HIDDEN
            if _is_secret_name(key) and isinstance(inner, str)
            else _without_secret_keys(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_without_secret_keys(inner) for inner in value]
    return _shown(value)
