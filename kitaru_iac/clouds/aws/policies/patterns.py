"""Texts with wildcards: of a policy, and of a request that is known only in part.

``*`` stands for any characters, ``?`` for one:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache

__all__ = ["SEGMENT", "Glob", "Wild", "covers", "glob", "overlap", "relation", "segments"]


class Wild(Enum):
    """What a sign of a pattern stands for, where not for itself."""

    ANY = "*"
    ONE = "?"
    #: Of a value alone: any characters but a slash, as the name of a file without its folder.
    SEGMENT = "\0"


#: A text as signs: what stands for itself is a string of one character.
Glob = tuple[str | Wild, ...]
#: How a value is written that has a segment: no name in AWS holds this sign.
SEGMENT = Wild.SEGMENT.value
_MANY = {Wild.ANY, Wild.SEGMENT}
_WILD = {wild.value: wild for wild in (Wild.ANY, Wild.ONE)}


def glob(text: str, *, literal: bool = False, value: bool = False) -> Glob:
    """Read ``*`` and ``?`` as wildcards, or as themselves; in a value also `SEGMENT`."""
    wild = {} if literal else _WILD | ({SEGMENT: Wild.SEGMENT} if value else {})
    return tuple(wild.get(sign, sign) for sign in text)


def relation(pattern: Glob, value: Glob) -> bool | None:
    """Whether a pattern matches a value that may be known in part only.

    Returns:
        True if it matches whatever the value's wildcards stand for, False if it never does, None
        if that depends.
    """
    if not any(isinstance(sign, Wild) for sign in value):
        return _regex(pattern).fullmatch("".join(map(str, value))) is not None
    if covers(pattern, value):
        return True
    return None if overlap(pattern, value) else False


@lru_cache(maxsize=1024)
def _regex(pattern: Glob) -> re.Pattern[str]:
    wild = {Wild.ANY: ".*", Wild.ONE: "."}
    signs = (wild[s] if isinstance(s, Wild) else re.escape(s) for s in pattern)
    return re.compile("".join(signs), re.DOTALL)


def covers(pattern: Glob, value: Glob) -> bool:
    """Whether the pattern matches everything that the value can be."""
    states = _closed({0}, pattern)
    for sign in value:
        following = set()
        for state in states:
            wanted = pattern[state] if state < len(pattern) else None
            if wanted is Wild.ANY:
                following.add(state)
            elif wanted == sign or (wanted is Wild.ONE and sign not in _MANY):
                following.add(state + 1)
        states = _closed(following, pattern)
    return len(pattern) in states


def overlap(pattern: Glob, value: Glob) -> bool:
    """Whether the pattern matches something that the value can be.

    The value's wildcards stand for no ``*`` and ``?``: names in AWS that hold one are left aside.
    """
    reached = {(0, 0)}
    waiting = [(0, 0)]
    while waiting:
        i, j = waiting.pop()
        for step in _steps(pattern, value, i, j):
            if step not in reached:
                reached.add(step)
                waiting.append(step)
    return (len(pattern), len(value)) in reached


def _steps(pattern: Glob, value: Glob, i: int, j: int) -> list[tuple[int, int]]:
    wanted = pattern[i] if i < len(pattern) else None
    given = value[j] if j < len(value) else None
    steps = []
    if wanted is Wild.ANY:
        steps.append((i + 1, j))
        if given is not None:
            steps.append((i, j + 1))
    if given in {Wild.ANY, Wild.SEGMENT}:
        steps.append((i, j + 1))
        taken = {"*", "?", "/"} if given is Wild.SEGMENT else {"*", "?"}
        if wanted is not None and wanted not in taken:
            steps.append((i + 1, j))
    if wanted is not None and given is not None and not {wanted, given} & _MANY:
        one = wanted is Wild.ONE or (given is Wild.ONE and wanted not in {"*", "?"})
        if one or wanted == given:
            steps.append((i + 1, j + 1))
    return steps


def _closed(states: set[int], pattern: Glob) -> set[int]:
    """With the states that a ``*`` which stands for nothing leads to."""
    closed: set[int] = set()
    for state in states:
        end = state
        while end < len(pattern) and pattern[end] is Wild.ANY:
            end += 1
        closed.update(range(state, end + 1))
    return closed


def segments(text: Glob, most: int = 6) -> list[Glob]:
    """The parts of an ARN: what stands between its first five colons, and the rest."""
    parts: list[Glob] = []
    rest: Sequence[str | Wild] = text
    while len(parts) < most - 1 and ":" in rest:
        at = tuple(rest).index(":")
        parts.append(tuple(rest[:at]))
        rest = rest[at + 1 :]
    return [*parts, tuple(rest)]
