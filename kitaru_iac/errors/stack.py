"""Errors of one stack: what was found, written, or left of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kitaru_iac.errors.base import ExitCode, KitaruError
from kitaru_iac.errors.store import NotFoundError

__all__ = [
    "CheckFailed",
    "DeploymentNotFound",
    "InfrastructureRemains",
    "ProtectedStackError",
    "RegistrationFailed",
    "StackChanged",
    "StackNotFound",
    "StackTakenOver",
]


class CheckFailed(KitaruError):
    """A check of the infrastructure or of a connector failed; nothing was written."""

    code = "check_failed"
    exit_code = ExitCode.CHECK_FAILED


class StackNotFound(NotFoundError):
    """No stack has this name or id."""

    code = "stack_not_found"


class DeploymentNotFound(NotFoundError):
    """No state of this deployment is in the backend."""

    code = "deployment_not_found"


class ProtectedStackError(KitaruError):
    """The stack is the active one, the default one, or somebody else's."""

    code = "stack_protected"


class StackTakenOver(ProtectedStackError):
    """A later creation of the same Pulumi resource keeps the stack now."""

    code = "stack_taken_over"


class StackChanged(KitaruError):
    """Somebody else changed the stack, or what belongs to it, while this command worked on it.

    Args:
        differs: What is otherwise than it was read or written, one line each.
        left: What this command wrote, or was to delete, and is still there.
    """

    code = "stack_changed"

    def __init__(
        self,
        what: str,
        *,
        differs: Sequence[str] = (),
        left: Sequence[str] = (),
        why: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.differs = tuple(differs)
        self.left = tuple(left)
        super().__init__(what, why=why, remedy=remedy)

    def __str__(self) -> str:
        text = super().__str__()
        if self.differs:
            text += "\nOtherwise than expected: " + ", ".join(self.differs)
        if self.left:
            text += "\nStill there: " + ", ".join(self.left)
        return text

    def to_dict(self) -> dict[str, Any]:
        """The error, with ``differs`` and ``left`` where something is in them."""
        more = {"differs": list(self.differs), "left": list(self.left)}
        return {**super().to_dict(), **{key: lines for key, lines in more.items() if lines}}


class RegistrationFailed(KitaruError):
    """Writing the records failed.

    Args:
        left: What exists now in spite of the failure, one line each; empty when all was undone.
    """

    code = "registration_failed"

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


class InfrastructureRemains(KitaruError):
    """What was provisioned for a stack would stay, or stays, and nobody has said that it may.

    Args:
        left: What stays, under the cloud's own names.
    """

    code = "infrastructure_remains"

    def __init__(
        self,
        what: str,
        *,
        left: Sequence[str] = (),
        where: str | None = None,
        why: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.left = tuple(left)
        super().__init__(what, where=where, why=why, remedy=remedy)

    def __str__(self) -> str:
        text = super().__str__()
        if self.left:
            text += "\nStays: " + ", ".join(self.left)
        return text

    def to_dict(self) -> dict[str, Any]:
        """The error with ``left``, the list of what stays."""
        return {**super().to_dict(), "left": list(self.left)}
