"""A string that does not show itself."""

from __future__ import annotations

__all__ = ["SecretText"]


class SecretText(str):
    """A string that shows itself as ``(secret)`` in a repr; its text is a secret all the same.

    It compares and serialises as the string it is, so that ZenML's models take it unchanged.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "SecretText('(secret)')"
