"""The base of every error, and what the process ends with."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, ClassVar

__all__ = [
    "ExitCode",
    "InternalError",
    "KitaruError",
    "in_sentences",
]


def in_sentences(*texts: str | None) -> str:
    """Join texts that each stand for themselves, with a full stop between two where it lacks."""
    given = [text for text in texts if text]
    ended = (text if text.endswith((".", "!", "?", ":")) else f"{text}." for text in given[:-1])
    return " ".join([*ended, *given[-1:]])


class ExitCode(IntEnum):
    """What the process says to its caller; the documented table of docs/reference/exit-codes.md."""

    DONE = 0
    FAILED = 1
    CHANGES = 2
    CHECK_FAILED = 3
    NOT_FOUND = 4
    ALREADY_EXISTS = 5
    NOT_CONNECTED = 6
    USAGE = 64
    INTERRUPTED = 130


class KitaruError(Exception):
    """Base of every error that is the user's to read.

    Args:
        what: One sentence without a final remedy: what went wrong.
        where: The flag, file:line, key or resource it is about.
        why: The reason, where it is not clear from `what`.
        remedy: What to do: a command or an edit.
        left: What exists, or stays, in spite of it, one line each.
    """

    code: ClassVar[str] = "failed"
    exit_code: ExitCode = ExitCode.FAILED
    #: The words before what is left.
    left_title: ClassVar[str] = "Still there"
    #: Whether the JSON output has ``left`` also where nothing is.
    always_has_left: ClassVar[bool] = False

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        why: str | None = None,
        remedy: str | None = None,
        left: Sequence[str] = (),
    ) -> None:
        self.what = what
        self.where = where
        self.why = why
        self.remedy = remedy
        self.left = tuple(left)
        super().__init__(what)

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.why:
            parts.append(self.why)
        if self.remedy:
            parts.append(self.remedy)
        parts += self._more()
        if self.left:
            parts.append(f"{self.left_title}: {', '.join(self.left)}")
        return "\n".join(parts)

    def _more(self) -> list[str]:
        """The lines of further fields."""
        return []

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON and YAML carry it: ``code``, ``message`` and ``type`` always."""
        fields = {"where": self.where, "why": self.why, "remedy": self.remedy}
        left = {"left": list(self.left)} if self.left or self.always_has_left else {}
        return {
            "code": self.code,
            "message": self.what,
            "type": type(self).__name__,
            **{key: value for key, value in fields.items() if value},
            **left,
        }


class InternalError(KitaruError):
    """Something that no other error foresees: a bug in kitaru.

    Args:
        what: What was raised, without secrets: ``ValueError: the text``.
    """

    code = "internal_error"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"Unexpected {what}".rstrip(": "),
            remedy="This is a bug in kitaru. Run it again with --debug and report what it shows.",
        )
