"""Policy variables: ``${aws:username}``, ``${aws:username, 'nobody'}``, ``${*}``.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

from kitaru_iac.clouds.aws.policies.answers import Answer, doubt, hangs_on
from kitaru_iac.clouds.aws.policies.patterns import Glob, glob
from kitaru_iac.clouds.aws.policies.requests import ABSENT, Absent, Context, Foreign, Pattern
from kitaru_iac.patterns import compiled

__all__ = ["UNRESOLVED", "Unresolved", "any_value", "resolve"]

#: "If a variable cannot be resolved, this might cause the entire statement to be invalid."
UNRESOLVED = "a variable has no value in this request"

_VARIABLE = compiled(r"\$\{([^}]*)\}")
_NAMED = compiled(r"(?P<key>[^\s,']+)(?:, '(?P<default>[^']*)')?")


class Unresolved(Exception):
    """A variable has no value.

    Args:
        answer: What an unknown hangs on; None where the request does not have the key.
    """

    def __init__(self, answer: Answer | None) -> None:
        self.answer = answer
        super().__init__()


def resolve(text: str, context: Context, *, wild: bool, variables: bool) -> Glob:
    """Read a policy's text, with its variables replaced by what the request says.

    Args:
        text: As the policy has it.
        context: The request's keys.
        wild: Whether ``*`` and ``?`` are wildcards here. What a variable stands for never is.
        variables: Whether the document has variables: before version 2012-10-17, ``${`` is text.

    Raises:
        Unresolved: A variable without default is missing, has several values, or is not known.
    """
    if not variables or "${" not in text:
        return glob(text, literal=not wild)
    made: list[Glob] = []
    end = 0
    for found in _VARIABLE.finditer(text):
        made.append(glob(text[end : found.start()], literal=not wild))
        made.append(_value(found[1], context))
        end = found.end()
    made.append(glob(text[end:], literal=not wild))
    return tuple(sign for part in made for sign in part)


def any_value(text: str) -> str:
    """A policy's text, with a ``*`` for each variable."""
    return _VARIABLE.sub("*", text)


def _value(inside: str, context: Context) -> Glob:
    if inside in {"*", "?", "$"}:
        return (inside,)
    named = _NAMED.fullmatch(inside)
    if named is None:
        raise Unresolved(doubt(f"the variable ${{{inside}}} cannot be read"))
    key, default = named["key"], named["default"]
    found = context.find(key)
    if len(found) != 1:
        raise Unresolved(hangs_on(key))
    value = found[0]
    if isinstance(value, str) and not isinstance(value, Foreign):
        return glob(value, literal=True)
    if isinstance(value, Pattern):
        return glob(value.text)
    if isinstance(value, Foreign):
        raise Unresolved(hangs_on(key))
    if isinstance(value, Absent) and default is not None:
        return glob(default, literal=True)
    # Several values are no value: such a key cannot be used as a variable.
    raise Unresolved(None if value is ABSENT else doubt(f"{key} has several values"))
