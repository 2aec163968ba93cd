"""Who keeps a stack: the command, or a program of Pulumi's.

A stack that `pulumi up` made carries the address of its resource as a label. The command leaves
such a stack to its program and says where that is. Pure: labels in, errors out; imports no ZenML.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kitaru_iac.errors import AlreadyExistsError, ProtectedStackError, StackTakenOver
from kitaru_iac.labels import (
    ADOPTING_LABEL,
    DEPLOYMENT_LABELS,
    OWNER_LABEL,
    OWNER_RUN_LABEL,
    RENAMING_LABEL,
)
from kitaru_iac.notices import OwnedByPulumi
from kitaru_iac.records.model import Records
from kitaru_iac.records.names import replaced_by_mark
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from kitaru_iac.machine.unfinished import Unfinished

__all__ = [
    "Owner",
    "being_renamed",
    "forced_warning",
    "given_options",
    "import_command",
    "labels_for",
    "options",
    "owner_of",
    "require_changeable",
    "require_creatable",
    "require_not_renamed_in_part",
    "require_removable",
    "require_whole",
]

_TYPE = "kitaru:index:Stack"
_SCHEME = "urn:pulumi:"
#: The component that makes the infrastructure of the stack that it registers.
_PROVISIONED = "kitaru:index:ProvisionedStack"
#: The options that mean nothing where the command provisioned nothing.
_FOR_INFRA = frozenset({"--infra", "--include-protected", "--delete-data"})
#: A creation that replaces does not say that its state has the stack already.
_BEFORE_REPLACING = (
    "If the state has it here already (after an import, an alias, pulumi state rename, state "
    "move or stack rename), run pulumi up once without --replace; a tainted one first: "
    "pulumi state untaint"
)


@dataclass(frozen=True, slots=True)
class Owner:
    """A resource of a Pulumi program.

    Attributes:
        urn: Its address, as ``urn:pulumi:prod::platform::kitaru:index:Stack::prod``.
        run: A random token of the `pulumi up` that created the stack. Pulumi's state holds it too,
            which shows whose the stack is when the resource's address has changed.
        earlier: The tokens of earlier creations on this machine, for one that is to take over what
            they made. Empty for every other operation.
    """

    urn: str
    run: str = ""
    earlier: frozenset[str] = frozenset()

    @property
    def labels(self) -> dict[str, str]:
        """The labels that say so on a stack."""
        run = {OWNER_RUN_LABEL: self.run} if self.run else {}
        return {OWNER_LABEL: self.urn, **run}

    @property
    def stack(self) -> str:
        """The Pulumi stack."""
        return self._part(0)

    @property
    def project(self) -> str:
        """The Pulumi project."""
        return self._part(1)

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self._part(3)

    @property
    def provisions(self) -> bool:
        """Whether it is in a component that makes infrastructure, whose type its address has."""
        return _PROVISIONED in self._part(2).split("$")

    def is_same(self, other: Owner) -> bool:
        """Whether both are one resource, be it under an address that it had before."""
        return self.urn == other.urn or bool(self.run and self.run == other.run)

    def _part(self, index: int) -> str:
        """A part of ``urn:pulumi:STACK::PROJECT::TYPE::NAME``, where a name may hold ``::``."""
        if not self.urn.startswith(_SCHEME):
            return ""
        parts = self.urn.removeprefix(_SCHEME).split("::", 3)
        return parts[index] if len(parts) == 4 else ""

    def __str__(self) -> str:
        if not self.name:
            return self.urn
        return f"resource '{self.name}' of project '{self.project}', stack '{self.stack}'"

    def to_dict(self) -> dict[str, str]:
        """The ``owner`` of ``stack show``."""
        return {"tool": "pulumi", "project": self.project, "stack": self.stack, "urn": self.urn}


def owner_of(labels: Mapping[str, Any]) -> Owner | None:
    """Who keeps the stack with these labels; None is the command."""
    urn = labels.get(OWNER_LABEL)
    return Owner(str(urn), str(labels.get(OWNER_RUN_LABEL) or "")) if urn else None


def labels_for(owner: Owner | None, current: Records | None) -> dict[str, str]:
    """The labels that a stack of this owner should have.

    The run is that which created the stack, or took it over.
    """
    if owner is None:
        return {}
    stored = owner_of(current.labels) if current else None
    if stored is None or stored.urn != owner.urn or not stored.run or stored.run in owner.earlier:
        return owner.labels
    return stored.labels


def require_creatable(current: Records, owner: Owner | None) -> None:
    """Refuse a name that is taken, unless an earlier try of the same `pulumi up` took it.

    Raises:
        AlreadyExistsError: It is taken.
        ProtectedStackError: By another resource than the given one.
    """
    name, stored = current.stack, owner_of(current.labels)
    what = f"A stack named '{name}' already exists"
    if owner is None:
        if stored is not None:
            raise AlreadyExistsError(
                f"{what}, and belongs to Pulumi", why=_why(stored), remedy=_change(stored)
            )
        raise AlreadyExistsError(
            what,
            remedy="Change it in place with: kitaru stack apply, "
            f"see it with: kitaru stack show {name}",
        )
    if stored is not None and stored.urn != owner.urn:
        remedy = _rename(stored, owner) or "\n".join(
            (_change(stored), _take_over(name, stored, owner), _BEFORE_REPLACING)
        )
        raise _belongs(name, stored, remedy)
    if stored is not None and stored.run and stored.run in owner.earlier:
        return
    taking = import_command(owner, name, str(current.id))
    if stored is None:
        raise AlreadyExistsError(
            what,
            why="It was not made by Pulumi, which does not know it.",
            remedy=f"Take it into Pulumi's state with: {taking}\n{_BEFORE_REPLACING}",
        )
    raise AlreadyExistsError(
        what,
        why="An earlier run of this program made it: on another machine, with another home, or for "
        "another state (in another backend or organization, or of a Pulumi stack that was renamed "
        "or removed).",
        remedy=f"If no other state has it, take it in with: {taking}\n"
        "If the state of this program has another stack for the resource, that one is left where "
        f"it is by running before: pulumi state delete {shlex.quote(owner.urn)}\n"
        "If this program's state has it, and it is to be replaced, delete it first: "
        f"pulumi destroy --target {shlex.quote(owner.urn)}",
    )


def require_changeable(current: Records, owner: Owner | None) -> None:
    """Refuse to change a stack of another program, or whose adoption or renaming was cut off.

    Raises:
        ProtectedStackError: It is one.
    """
    require_whole(current.stack, current.labels, current.id)
    if ADOPTING_LABEL in current.labels:
        raise ProtectedStackError(
            f"Stack '{current.stack}' has come under management in part",
            why="Its parts are being labelled by another run, or one that did so has died.",
            remedy=f"Go on with: kitaru stack adopt {current.id or current.stack}",
        )
    stored = owner_of(current.labels)
    if stored is None or (owner is not None and stored.is_same(owner)):
        return
    remedy = _change(stored)
    if owner is not None:  # it was imported, and the state that has it is in the way
        again = _take_over(current.stack, stored, owner)
        remedy += f"\n{again}\nBefore that: pulumi state delete {shlex.quote(owner.urn)}"
    raise _belongs(current.stack, stored, remedy)


def require_whole(name: str, labels: Mapping[str, Any], id: str | None) -> None:
    """Refuse a stack whose parts a run has left under two names: set aside, or renamed in part.

    Args:
        name: The stack's name.
        labels: Its labels.
        id: Its id.

    Raises:
        ProtectedStackError: It is one.
    """
    if (replaced := replaced_by_mark(name, labels)) is not None:
        raise ProtectedStackError(
            f"Stack '{name}' is what was '{replaced}' before it was replaced",
            why="Another run is replacing it, or one that did so has died. Parts of it may have "
            "the old name still.",
            remedy="Finish it or take it back first: kitaru stack clean",
        )
    if RENAMING_LABEL in labels:
        raise being_renamed(name, str(labels[RENAMING_LABEL]), id)


def require_not_renamed_in_part(current: Records, dead: Unfinished | None) -> None:
    """Refuse a stack some of whose parts a dead run of an earlier release has renamed.

    That release put no label on the stack: its note on this machine tells.

    Args:
        current: The stack as it is stored.
        dead: The note.

    Raises:
        ProtectedStackError: It is one.
    """
    new = None if dead is None or dead.marks else dead.new_name
    if new is None:
        return
    link = current.connector
    names = {part.name for part in current.components} | {link.name if link else None}
    if new in names:
        raise being_renamed(current.stack, new, current.id)


def being_renamed(name: str, new: str, id: str | None) -> ProtectedStackError:
    """The error for a stack whose parts have their new names in part."""
    return ProtectedStackError(
        f"Stack '{name}' has been renamed to '{new}' in part",
        why="Its parts are being renamed by another run, or one that did so has died.",
        remedy=f"Go on with: kitaru stack rename {id or name} {new}",
    )


def require_removable(
    name: str,
    labels: Mapping[str, Any],
    owner: Owner | None,
    *,
    id: str,
    force: bool = False,
    infrastructure: bool = False,
    flags: Sequence[str] = (),
) -> None:
    """Refuse to delete a stack that belongs to another program; only the command can be forced.

    Args:
        name: The stack's name.
        labels: Its labels.
        owner: The resource that asks; None is the command.
        id: The stack's id.
        force: Whether the command is to delete it all the same.
        infrastructure: Whether what was provisioned for it is to go too.
        flags: The options that were given, for the remedy.

    Raises:
        ProtectedStackError: It does.
        StackTakenOver: It belongs to a later creation of the same resource.
    """
    stored = owner_of(labels)
    if stored is None:
        return
    if owner is not None and stored.is_same(owner):
        if stored.run and not owner.run:
            raise ProtectedStackError(
                f"Stack '{name}' was imported, and another state may have it",
                why=f"It was made by {stored}, in a state that may still be there.",
                remedy="If no other state has it, take it over first with: pulumi up\n"
                f"To let this state forget it, and the stack stay: "
                f"pulumi state delete {shlex.quote(owner.urn)}",
            )
        if stored.run and stored.run != owner.run:
            raise StackTakenOver(
                f"Stack '{name}' was left as it is",
                why=f"A later creation of {stored} has taken it over.",
            )
        return
    here = f" --stack {stored.stack}" if stored.stack else ""
    ours = any(key.startswith(DEPLOYMENT_LABELS) for key in labels)
    apt = flags if ours else [flag for flag in flags if flag not in _FOR_INFRA]
    forced = options(apt, "--force")
    remedy = (
        f"Delete it with: pulumi destroy{here} --target {shlex.quote(stored.urn)}\n"
        f"or take it out of the program and run: pulumi up{here}\n"
        f"If Pulumi's state of it is lost: kitaru stack delete {id}{forced}"
    )
    if owner is not None:  # it was imported
        forget = f"pulumi state delete {shlex.quote(owner.urn)}"
        remedy += f"\nTo let this program forget it, and the stack stay: {forget}"
    if infrastructure and not ours:
        raise _belongs(name, stored, remedy, "The command provisioned nothing for it.")
    if not force or owner is not None:
        raise _belongs(name, stored, remedy)


def given_options(**flags: bool) -> list[str]:
    """Give the options of the command for the flags that are set, as ``--delete-data``."""
    return [f"--{name.replace('_', '-')}" for name, is_given in flags.items() if is_given]


def options(given: Sequence[str], *more: str) -> str:
    """Give the options of a command as they follow it, each once: `` --recursive --force``."""
    return "".join(f" {flag}" for flag in dict.fromkeys((*given, *more)))


def forced_warning(labels: Mapping[str, Any], owner: Owner | None) -> tuple[OwnedByPulumi, ...]:
    """What is to be known when a stack of another program was deleted by force."""
    stored = owner_of(labels)
    if stored is None or (owner is not None and stored.is_same(owner)):
        return ()
    text = f"The stack belonged to Pulumi ({stored}). Where its state is still there, the next "
    return (OwnedByPulumi(f"{text}pulumi up --refresh makes the stack again."),)


def _belongs(name: str, stored: Owner, remedy: str, more: str = "") -> ProtectedStackError:
    why = f"{_why(stored)} {more}".rstrip()
    return ProtectedStackError(f"Stack '{name}' belongs to Pulumi", why=why, remedy=remedy)


def _why(stored: Owner) -> str:
    return f"It is {stored}."


def _rename(stored: Owner, owner: Owner) -> str | None:
    """How a resource of the same program keeps its stack under another name in the program."""
    if not owner.name or (stored.project, stored.stack) != (owner.project, owner.stack):
        return None
    here, there = shlex.quote(stored.urn), shlex.quote(owner.name)
    return (
        f"If '{owner.name}' is the new name of that resource, tell Pulumi: add an alias to it "
        f"(aliases=[pulumi.Alias(name='{stored.name}')]), or run: pulumi state rename {here} "
        f"{there}\n{_BEFORE_REPLACING}\n"
        "If two resources are to exchange their names, rename them in the state, over a third name."
        f"\nIf that one is to go, and this one to get its name, first run: pulumi destroy --target "
        f"{here}\nElse give this one another `name`."
    )


def _take_over(name: str, stored: Owner, owner: Owner) -> str:
    """How a resource gets the stack of a program that has let it go: its owner is named."""
    return (
        "If that program has let it go (retainOnDelete, pulumi state delete), take it over with: "
        + import_command(owner, name, f"{name}@{stored.urn}")
    )


def import_command(owner: Owner, name: str, ref: str) -> str:
    """Give the command that takes the stack `name` into a program's state, by its reference."""
    return f"pulumi import {_TYPE} {shlex.quote(owner.name or name)} {shlex.quote(ref)}"


def _change(stored: Owner) -> str:
    if not stored.name:
        return "Change it in its program, then run: pulumi up"
    return (
        f"Change it in its program, then, in the folder of project '{stored.project}': "
        f"pulumi up --stack {stored.stack}"
    )
