"""What a user has to know although nothing failed: the warnings, each with a stable code.

The tree stands in `kitaru_iac.errors`. Results carry warnings as these objects; the command line
shows them, its JSON has their codes, and the Python interface issues them.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "ActiveReplaced",
    "ActiveStackMissing",
    "AddressShortened",
    "CredentialsExpire",
    "CredentialsWarning",
    "FieldIgnored",
    "KitaruWarning",
    "LeftRepaired",
    "LeftToDo",
    "LocalCredentials",
    "NamespaceNotMade",
    "NoActiveProject",
    "NotPruned",
    "NotReadyYet",
    "NotVerified",
    "OwnedByPulumi",
    "PartShared",
    "RemainsUnknown",
    "SecretsNotCompared",
    "SelectionOverridden",
    "StoreIsLocal",
    "StoreNotCreated",
    "VariableIgnored",
    "VersionMismatch",
]


class KitaruWarning(UserWarning):
    """Base of every warning. Two of one class and text are equal.

    Args:
        text: What the user has to know, with what to do about it.
    """

    code: ClassVar[str] = "warning"

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(text)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and str(other) == self.text

    def __hash__(self) -> int:
        return hash((type(self), self.text))

    def to_dict(self) -> dict[str, str]:
        """The warning as JSON and YAML carry it: ``{"code", "message"}``."""
        return {"code": self.code, "message": self.text}


class ActiveReplaced(KitaruWarning):
    """The active stack is replaced by another one, which has a new id."""

    code = "active_replaced"


class ActiveStackMissing(KitaruWarning):
    """The stack that was chosen does not exist any more, or cannot be found."""

    code = "active_stack_missing"


class AddressShortened(KitaruWarning):
    """What was given as a server's address holds more than that, which is not used."""

    code = "address_shortened"


class CredentialsExpire(KitaruWarning):
    """A connector's credentials have expired, or soon will."""

    code = "credentials_expire"


class CredentialsWarning(KitaruWarning):
    """A credential is usable, and kept in a way that others can read."""

    code = "credentials_readable"


class FieldIgnored(KitaruWarning):
    """The description says something that ZenML will not use."""

    code = "field_ignored"


class LeftRepaired(KitaruWarning):
    """What a run that died had left of a stack was repaired before the stack was changed."""

    code = "left_repaired"


class LeftToDo(KitaruWarning):
    """What was made needs something that is not made or granted with it, or has to be known."""

    code = "left_to_do"


class LocalCredentials(KitaruWarning):
    """The stack uses the credentials of whichever machine runs it; none are stored with it."""

    code = "local_credentials"


class NamespaceNotMade(KitaruWarning):
    """The namespace of a stack's pods may be missing in the cluster that was made for it."""

    code = "namespace_not_made"


class NoActiveProject(KitaruWarning):
    """The server has no project that is active here."""

    code = "no_active_project"


class NotPruned(KitaruWarning):
    """No file describes a stack, and it is not certain that it came from these files: it stays."""

    code = "not_pruned"


class NotReadyYet(KitaruWarning):
    """The cloud needs longer for what was made than was waited."""

    code = "not_ready_yet"


class NotVerified(KitaruWarning):
    """The connector's access was not verified, as asked."""

    code = "not_verified"


class OwnedByPulumi(KitaruWarning):
    """What was deleted by force belongs to a Pulumi program, which may make it again."""

    code = "owned_by_pulumi"


class PartKept(KitaruWarning):
    """A part that was replaced is used by others by now, and was not deleted."""

    code = "part_kept"


class PartShared(KitaruWarning):
    """A part that a change writes is used by other stacks too."""

    code = "part_shared"


class RemainsUnknown(KitaruWarning):
    """Whether more stays in the cloud after a deletion could not be looked at in full."""

    code = "remains_unknown"


class SecretsNotCompared(KitaruWarning):
    """A service connector's secrets may not be read, so that nobody can say whether they differ."""

    code = "secrets_not_compared"


class SelectionOverridden(KitaruWarning):
    """An environment variable takes precedence over the choice of the active stack."""

    code = "selection_overridden"


class StoreIsLocal(KitaruWarning):
    """A stack that runs elsewhere is registered in a store that only this machine reaches."""

    code = "store_is_local"


class StoreNotCreated(KitaruWarning):
    """The local store does not exist yet."""

    code = "store_not_created"


class VariableIgnored(KitaruWarning):
    """An environment variable says something else than one that takes precedence over it."""

    code = "variable_ignored"


class VersionMismatch(KitaruWarning):
    """ZenML here and on the server are of different versions."""

    code = "version_mismatch"
