"""Everything that can go wrong, as one tree.

::

    KitaruError                    exit 1    base of all; printed without a traceback
    ├── UsageError                 exit 64   the command line itself is wrong
    │   └── DescriptionError       exit 64   the description is wrong: all problems at once
    ├── CheckFailed                exit 3    a check of infrastructure or connector failed
    ├── NotFoundError              exit 4    no such stack, connector, file
    │   └── StackNotFound
    ├── AlreadyExistsError         exit 5    the name is taken
    ├── NotConnectedError          exit 6    no store answers
    ├── NotAllowedError            exit 6    the store answers and refuses
    │   └── ImplicitAuthDisabled
    ├── MissingPackages            exit 1    carries the command that brings them
    ├── ProtectedStackError        exit 1    the active, the default or a foreign stack
    │   └── StackTakenOver
    ├── StackChanged               exit 1    somebody else changed it meanwhile; nothing was done
    ├── RegistrationFailed         exit 1    writing failed; says what exists now
    ├── ConfirmationNeeded         exit 1    a question that nobody is there to answer
    └── EngineError                exit 1    Pulumi; subclasses in `kitaru_iac.engine.errors`

    KeyboardInterrupt              exit 130

Errors carry fields, not sentences to be parsed: *what* went wrong, *where* (a flag, a file and
line, a resource), *why*, and the *remedy*: a command or an edit that mends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

__all__ = [
    "AlreadyExistsError",
    "CheckFailed",
    "ConfirmationNeeded",
    "DescriptionError",
    "EngineError",
    "ExitCode",
    "ImplicitAuthDisabled",
    "KitaruError",
    "MissingPackages",
    "NotAllowedError",
    "NotConnectedError",
    "NotFoundError",
    "Problem",
    "ProtectedStackError",
    "RegistrationFailed",
    "StackChanged",
    "StackNotFound",
    "StackTakenOver",
    "UsageError",
]


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
        why: The reason, where it is not plain from `what`.
        remedy: What to do: a command or an edit.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        why: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.why = why
        self.remedy = remedy
        super().__init__(what)

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.why:
            parts.append(self.why)
        if self.remedy:
            parts.append(self.remedy)
        return "\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """The error as the JSON and YAML output carries it: ``message`` and ``type`` always."""
        fields = {"where": self.where, "why": self.why, "remedy": self.remedy}
        return {
            "message": self.what,
            "type": type(self).__name__,
            **{key: value for key, value in fields.items() if value},
        }


class UsageError(KitaruError):
    """The command line itself is wrong."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a description.

    Attributes:
        field: The key as in YAML (``artifact_store``, ``extra.orchestrator.synchronous``).
        what: What is wrong with its value.
        why: The rule or fact that it breaks.
        remedy: What to write instead.
        source: Where the value stands: ``--region``, ``stack.yaml:7``.
    """

    field: str
    what: str
    why: str | None = None
    remedy: str | None = None
    source: str | None = None

    def __str__(self) -> str:
        text = f"{self.source or self.field}: {self.what}"
        if self.why:
            text += f" ({self.why})"
        if self.remedy:
            text += f". {self.remedy}"
        return text

    def to_dict(self) -> dict[str, str]:
        """The problem's filled fields."""
        fields = {
            "field": self.field,
            "what": self.what,
            "why": self.why,
            "remedy": self.remedy,
            "source": self.source,
        }
        return {key: value for key, value in fields.items() if value}


class DescriptionError(UsageError):
    """A description of a stack is wrong. Carries every problem that was found, not the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        what = str(self.problems[0]) if count == 1 else f"The description has {count} problems"
        super().__init__(what)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return self.what
        return "\n".join([f"{self.what}:", *(f"  - {problem}" for problem in self.problems)])

    def to_dict(self) -> dict[str, Any]:
        """The error with its ``problems``, a list of :meth:`Problem.to_dict`."""
        return {**super().to_dict(), "problems": [problem.to_dict() for problem in self.problems]}


class CheckFailed(KitaruError):
    """A check of the infrastructure or of a connector failed; nothing was written."""

    exit_code = ExitCode.CHECK_FAILED


class NotFoundError(KitaruError):
    """Something that was named does not exist."""

    exit_code = ExitCode.NOT_FOUND


class StackNotFound(NotFoundError):
    """No stack has this name or id."""


class AlreadyExistsError(KitaruError):
    """A name that has to be free is taken."""

    exit_code = ExitCode.ALREADY_EXISTS


class NotConnectedError(KitaruError):
    """No store answers: never logged in, server away, token expired."""

    exit_code = ExitCode.NOT_CONNECTED


class NotAllowedError(KitaruError):
    """The store answers, and refuses."""

    exit_code = ExitCode.NOT_CONNECTED


class ImplicitAuthDisabled(NotAllowedError):
    """The process that owns the store does not let connectors use its own credentials."""


class MissingPackages(KitaruError):
    """Packages are not installed where they are needed."""


class ProtectedStackError(KitaruError):
    """The stack is the active one, the default one, or somebody else's."""


class StackTakenOver(ProtectedStackError):
    """A later creation of the same Pulumi resource keeps the stack now."""


class StackChanged(KitaruError):
    """Somebody else changed the stack between the consent and the lock; nothing was done."""


class RegistrationFailed(KitaruError):
    """Writing the records failed.

    Args:
        left: What exists now in spite of the failure, one line each; empty when all was undone.
    """

    def __init__(
        self,
        what: str,
        *,
        left: Sequence[str] = (),
        why: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.left = tuple(left)
        super().__init__(what, why=why, remedy=remedy)

    def __str__(self) -> str:
        text = super().__str__()
        if self.left:
            text += "\nStill there: " + ", ".join(self.left)
        return text

    def to_dict(self) -> dict[str, Any]:
        """The error with ``left``, the list of what exists."""
        return {**super().to_dict(), "left": list(self.left)}


class ConfirmationNeeded(KitaruError):
    """A question has to be answered and there is no terminal; ``--yes`` answers it."""


class EngineError(KitaruError):
    """The Pulumi engine failed."""
