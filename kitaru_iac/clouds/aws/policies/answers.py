"""Yes, no, and "that hangs on": a logic of three values that knows what an unknown hangs on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["NO", "YES", "Answer", "doubt", "hangs_on"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question about a request.

    Attributes:
        value: True, False, or None where it cannot be told.
        keys: The condition keys that an unknown hangs on.
        doubts: Where AWS's documentation leaves it open: what, in a sentence each.
    """

    value: bool | None
    keys: frozenset[str] = frozenset()
    doubts: frozenset[str] = frozenset()

    def __invert__(self) -> Answer:
        return self if self.value is None else Answer(not self.value)

    def __and__(self, other: Answer) -> Answer:
        return _decided(False, (self, other))

    def __or__(self, other: Answer) -> Answer:
        return _decided(True, (self, other))

    @staticmethod
    def all(answers: Iterable[Answer]) -> Answer:
        """Whether all are so."""
        return _decided(False, tuple(answers))

    @staticmethod
    def any(answers: Iterable[Answer]) -> Answer:
        """Whether one is so."""
        return _decided(True, tuple(answers))

    @staticmethod
    def same(answers: Iterable[Answer], key: str) -> Answer:
        """The answer that all give; where they differ, it hangs on `key`."""
        given = tuple(answers)
        values = {answer.value for answer in given}
        if len(values) == 1:
            return given[0] if None not in values else _joined(given)
        return _joined((*(answer for answer in given if answer.value is None), hangs_on(key)))


def _decided(by: bool, answers: tuple[Answer, ...]) -> Answer:
    """`by` where one answer is that; else the unknown of those that are; else the opposite."""
    if any(answer.value is by for answer in answers):
        return YES if by else NO
    unknown = tuple(answer for answer in answers if answer.value is None)
    if unknown:
        return _joined(unknown)
    return NO if by else YES


def _joined(answers: tuple[Answer, ...]) -> Answer:
    return Answer(
        None,
        frozenset().union(*(answer.keys for answer in answers)),
        frozenset().union(*(answer.doubts for answer in answers)),
    )


YES, NO = Answer(True), Answer(False)


def hangs_on(*keys: str) -> Answer:
    """Unknown, for want of these condition keys."""
    return Answer(None, frozenset(keys))


def doubt(what: str) -> Answer:
    """Unknown, since AWS's documentation does not say."""
    return Answer(None, doubts=frozenset({what}))
