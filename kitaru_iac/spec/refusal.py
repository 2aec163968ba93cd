"""Why one value is refused, before anybody knows where it was written."""

from __future__ import annotations

from kitaru_iac import redaction

__all__ = ["Refusal", "UriError", "shown", "write_instead"]

_LONGEST_SHOWN = 80


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


class UriError(Refusal):
    """The text is no URI of an artifact store or of a container registry."""


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
