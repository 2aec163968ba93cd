"""Errors of one stack: what was found, written, or left of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kitaru_iac.errors.base import ExitCode, KitaruError
from kitaru_iac.errors.store import NotFoundError

__all__ = [
    "CheckFailed",
    "DeploymentNotFound",
    "InfrastructureRemains",
    "PlanMoved",
    "ProtectedStackError",
    "PruneRefused",
    "RegistrationFailed",
    "StackChanged",
    "StackNotFound",
    "StackTakenOver",
]


class CheckFailed(KitaruError):
    """A check of the infrastructure or of a connector failed; nothing was written.

    Args:
        results: What every check of the infrastructure found, as `CheckResult.to_dict` gives it.
    """

    code = "check_failed"
    exit_code = ExitCode.CHECK_FAILED

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        why: str | None = None,
        remedy: str | None = None,
        results: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.results = tuple(results)
        super().__init__(what, where=where, why=why, remedy=remedy)


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


class StackNotManaged(ProtectedStackError):
    """Kitaru did not make the stack, and nobody has said that it may go all the same.

    Args:
        stack: The id of the stack.
    """

    code = "stack_not_managed"

    def __init__(self, what: str, *, stack: str, why: str, remedy: str) -> None:
        self.stack = stack
        super().__init__(what, why=why, remedy=remedy)


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
        super().__init__(what, why=why, remedy=remedy, left=left)

    def _more(self) -> list[str]:
        return [f"Otherwise than expected: {', '.join(self.differs)}"] if self.differs else []

    def to_dict(self) -> dict[str, Any]:
        """The error, with ``differs`` where something does."""
        return {**super().to_dict(), **({"differs": list(self.differs)} if self.differs else {})}


class PlanMoved(KitaruError):
    """What would be done now is not what was reviewed; nothing was done, unless `why` says what.

    Args:
        differs: How the fresh plan differs, one line each.
    """

    code = "plan_moved"

    def __init__(
        self,
        what: str,
        *,
        differs: Sequence[str] = (),
        why: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.differs = tuple(differs)
        super().__init__(what, why=why, remedy=remedy)

    def to_dict(self) -> dict[str, Any]:
        """The error with ``differs``, the list of what is otherwise."""
        return {**super().to_dict(), "differs": list(self.differs)}


class PruneRefused(KitaruError):
    """Nothing is pruned: something that is described has no plan, or nothing is described."""

    code = "prune_refused"


class RegistrationFailed(KitaruError):
    """Writing the records failed; `left` is empty when all was undone."""

    code = "registration_failed"
    always_has_left = True


class InfrastructureRemains(KitaruError):
    """What was provisioned for a stack would stay, or stays, and nobody has said that it may.

    Args:
        left: What it is, under the cloud's own names.
        stack: The id of the stack, where its record is to be deleted.
    """

    code = "infrastructure_remains"
    left_title = "Stays"
    always_has_left = True

    def __init__(
        self,
        what: str,
        *,
        left: Sequence[str] = (),
        where: str | None = None,
        why: str | None = None,
        remedy: str | None = None,
        stack: str | None = None,
    ) -> None:
        self.stack = stack
        super().__init__(what, where=where, why=why, remedy=remedy, left=left)
