"""Reading the policy of a role, a bucket or a repository: its statements, or what is wrong with it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kitaru_iac.clouds.aws.policies.conditions import Condition, operator_of
from kitaru_iac.patterns import compiled

__all__ = ["Document", "NamedPrincipal", "Statement", "parsed", "read_document"]

_VERSIONS = ("2008-10-17", "2012-10-17")
_ELEMENTS = {
    "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal",
    "NotPrincipal", "Condition",
}  # fmt: skip
_KINDS = ("AWS", "Service", "Federated", "CanonicalUser")
_AWS = compiled(
    r"\*|[0-9]{12}|A[0-9A-Z]{15,}"
    r"|arn:[a-z-]+:(?:iam|sts)::[0-9]{12}:(?:root|(?:user|role|assumed-role|federated-user)/[^*?]+)"
    # CloudFront's own users, in no account: https://docs.aws.amazon.com/AmazonCloudFront/latest/
    # DeveloperGuide/private-content-restricting-access-to-s3.html
    r"|arn:[a-z-]+:iam::cloudfront:user/CloudFront Origin Access Identity [0-9A-Z]+"
)


@dataclass(frozen=True, slots=True)
class NamedPrincipal:
    """One principal that a statement names. `kind` is empty for the bare ``*``."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement. None is an element that it does not have."""

    number: int
    sid: str | None
    allows: bool
    actions: tuple[str, ...]
    negated_actions: bool
    resources: tuple[str, ...] | None
    negated_resources: bool
    principals: tuple[NamedPrincipal, ...]
    negated_principals: bool
    conditions: tuple[Condition, ...]

    @property
    def title(self) -> str:
        """What it is called: by its Sid, else by its place."""
        return f"statement {self.sid or self.number}"


@dataclass(frozen=True, slots=True)
class Document:
    """A policy document. One with problems is evaluated no further.

    Attributes:
        statements: In their order.
        variables: Whether ``${...}`` is a variable: from version 2012-10-17 on.
        problems: What AWS would not have accepted, in a sentence each.
    """

    statements: tuple[Statement, ...] = ()
    variables: bool = False
    problems: tuple[str, ...] = ()


class _Malformed(Exception):
    """What is wrong with one element."""


def parsed(text: object) -> Mapping[str, Any]:
    """A policy as AWS hands it out, in JSON; empty where there is none.

    What is no JSON object becomes a document with a key that no policy has, and so with a problem.
    """
    if text is None:
        return {}
    try:
        found = json.loads(str(text))
    except ValueError:
        return {"no JSON": text}
    return found if isinstance(found, dict) else {"no object": text}


def read_document(document: object) -> Document:
    """Read a parsed document. Never raises: what is wrong with it is in its `problems`."""
    if not isinstance(document, Mapping):
        return Document(problems=("the document is no object",))
    problems: list[str] = []
    version = document.get("Version", _VERSIONS[0])
    if version not in _VERSIONS:
        problems.append(f"Version is {version!r}")
    unknown = sorted(map(str, set(document) - {"Version", "Id", "Statement"}))
    if unknown:
        problems.append(f"the document has {', '.join(unknown)}")
    raw = document.get("Statement", [])
    statements: list[Statement] = []
    for number, one in enumerate(raw if isinstance(raw, list | tuple) else [raw], 1):
        try:
            statements.append(_statement(one, number))
        except _Malformed as malformed:
            problems.append(f"statement {number}: {malformed}")
    return Document(tuple(statements), version == _VERSIONS[1], tuple(problems))


def _statement(raw: object, number: int) -> Statement:
    if not isinstance(raw, Mapping):
        raise _Malformed("it is no object")
    unknown = sorted(map(str, set(raw) - _ELEMENTS))
    if unknown:
        raise _Malformed(f"it has {', '.join(unknown)}")
    if raw.get("Effect") not in ("Allow", "Deny"):
        raise _Malformed(f"its Effect is {raw.get('Effect')!r}")
    actions, not_actions = _either(raw, "Action")
    if actions is None:
        raise _Malformed("it has no Action")
    resources, not_resources = _either(raw, "Resource")
    principals, not_principals = _principals(raw)
    sid = raw.get("Sid")
    return Statement(
        number=number,
        sid=str(sid) if sid else None,
        allows=raw["Effect"] == "Allow",
        actions=actions,
        negated_actions=not_actions,
        resources=resources,
        negated_resources=not_resources,
        principals=principals,
        negated_principals=not_principals,
        conditions=_conditions(raw.get("Condition", {})),
    )


def _either(raw: Mapping[str, object], name: str) -> tuple[tuple[str, ...] | None, bool]:
    if name in raw and f"Not{name}" in raw:
        raise _Malformed(f"it has {name} and Not{name}")
    negated = f"Not{name}" in raw
    key = f"Not{name}" if negated else name
    return (_texts(raw[key], key), negated) if key in raw else (None, False)


def _texts(value: object, what: str) -> tuple[str, ...]:
    values = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(one, str) for one in values):
        raise _Malformed(f"{what} is no text or list of texts")
    return tuple(values)


def _principals(raw: Mapping[str, object]) -> tuple[tuple[NamedPrincipal, ...], bool]:
    if "Principal" in raw and "NotPrincipal" in raw:
        raise _Malformed("it has Principal and NotPrincipal")
    key = "NotPrincipal" if "NotPrincipal" in raw else "Principal"
    if key not in raw:
        raise _Malformed("it has no Principal")
    value = raw[key]
    if value == "*":
        return (NamedPrincipal("", "*"),), key == "NotPrincipal"
    if not isinstance(value, Mapping) or set(value) - set(_KINDS):
        raise _Malformed(f"its {key} is {value!r}")
    found = [NamedPrincipal(k, name) for k in value for name in _texts(value[k], f"{key}.{k}")]
    for one in found:
        if (one.kind == "AWS" and not _AWS.fullmatch(one.name)) or (
            one.kind != "AWS" and ("*" in one.name or "?" in one.name or not one.name)
        ):
            raise _Malformed(f"its {key} has {one.kind} {one.name!r}, which names nobody")
    return tuple(found), key == "NotPrincipal"


def _conditions(raw: object) -> tuple[Condition, ...]:
    if not isinstance(raw, Mapping):
        raise _Malformed("its Condition is no object")
    found: list[Condition] = []
    for name, keys in raw.items():
        operator = operator_of(str(name))
        if operator is None:
            raise _Malformed(f"there is no condition operator {name}")
        if not isinstance(keys, Mapping):
            raise _Malformed(f"{name} has no keys")
        for key, value in keys.items():
            values = tuple(map(_scalar, value if isinstance(value, list | tuple) else [value]))
            said = f"{name} {key} = {', '.join(_shown(value))}"
            found.append(Condition(operator, str(key), values, said))
    return tuple(found)


def _shown(value: object) -> list[str]:
    return [str(one) for one in (value if isinstance(value, list | tuple) else [value])]


def _scalar(value: object) -> str:
    """A value of a condition as text: JSON's true, false and numbers are allowed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise _Malformed(f"a condition has the value {value!r}")
