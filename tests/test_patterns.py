"""Patterns that are compiled later say what those of `re` say."""

from __future__ import annotations

import copy
import re

import pytest

from kitaru_iac.patterns import compiled


@pytest.mark.parametrize(
    ("pattern", "flags", "text"),
    [(r"(?P<a>b+)c", 0, "xbbcbc"), (r"^b", re.I | re.M, "a\nB\nb"), (r"q", re.NOFLAG, "xyz")],
)
def test_it_is_the_same_pattern(pattern: str, flags: int, text: str) -> None:
    ours, theirs = compiled(pattern, flags), re.compile(pattern, flags)
    assert (ours.pattern, ours.flags, ours.groupindex) == (
        *(theirs.pattern, theirs.flags, theirs.groupindex),
    )
    assert ours.findall(text) == theirs.findall(text)
    assert ours.sub("-", text, count=1) == theirs.sub("-", text, count=1)
    for way in ("match", "fullmatch", "search"):
        found, expected = (getattr(one, way)(text) for one in (ours, theirs))
        assert (found and found.span()) == (expected and expected.span())
    assert copy.copy(ours).findall(text) == theirs.findall(text)


def test_what_is_wrong_shows_where_it_is_used() -> None:
    with pytest.raises(re.error):
        compiled("(").match("x")
