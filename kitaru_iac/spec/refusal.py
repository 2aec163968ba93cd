"""Why one value is refused, before anybody knows where it was written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from kitaru_iac import redaction

__all__ = [
    "MASKED",
    "Refusal",
    "Refusals",
    "UriError",
    "each",
    "is_masked",
    "shown",
    "write_instead",
]

_LONGEST_SHOWN = 80
#: What is wrong with a value that was copied from where its secret is not shown: why, and remedy.
MASKED = (
    f"{redaction.MASK} is what `kitaru stack show` writes in a secret's place",
    "Write the value itself, or refer to a ZenML secret as {{name.key}}.",
)


class Refusal(ValueError):
    """A value breaks a rule.

    Args:
        what: What is wrong, naming the value.
        why: The rule that it breaks.
        remedy: What to write instead, as a sentence.
    """

    def __init__(self, what: str, why: str | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.why = why
        self.remedy = remedy
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.what} ({self.why})" if self.why else self.what
        return f"{text}. {self.remedy}" if self.remedy else text


class Refusals(ValueError):
    """Values in a list or mapping break rules.

    Args:
        found: Each with where it stands below the list or mapping: ``[1]``, ``.NAME``.
    """

    def __init__(self, found: Iterable[tuple[str, Refusal]]) -> None:
        self.found = tuple(found)
        super().__init__("; ".join(str(refusal) for _, refusal in self.found))


def each(given: Sequence[str], check: Callable[[str], object]) -> None:
    """Check each element of a list, also after one that is wrong; none may stand there twice.

    Args:
        given: The list.
        check: Raises `Refusal` for an element that is wrong.

    Raises:
        Refusals: For all that are wrong.
    """
    found = []
    for number, text in enumerate(given):
        try:
            if text in given[:number]:
                raise Refusal(f"{shown(text)} is named twice", remedy="Leave one of them out.")
            check(text)
        except Refusal as refusal:
            found.append((f"[{number}]", refusal))
    if found:
        raise Refusals(found)


class UriError(Refusal):
    """The text is no URI of an artifact store or of a container registry."""


def is_masked(value: object) -> bool:
    """Tell whether a value, or anything in it, was copied from where its secret is not shown."""
    if isinstance(value, Mapping):
        return any(is_masked(inner) for pair in value.items() for inner in pair)
    if isinstance(value, list | tuple):
        return any(map(is_masked, value))
    return isinstance(value, str) and redaction.MASK in value


def shown(value: object) -> str:
    """A value as a message quotes it: in backquotes, on one line, short, and without secrets."""
    text = redaction.value(value)
    if not text.isprintable():
        text = repr(text)[1:-1]
    if len(text) > _LONGEST_SHOWN:
        text = text[: _LONGEST_SHOWN - 1] + "…"
    return f"`{text}`"


def write_instead(text: object) -> str | None:
    """The remedy that names what to write; None where that would repeat what may be a secret."""
    return None if redaction.value(text) != str(text) else f"Write {shown(text)}."
