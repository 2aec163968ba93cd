"""Delete a stack's records: the stack alone, or with what came with it and nobody else uses."""

from __future__ import annotations

from collections.abc import Sequence

from kitaru_iac.connection.activation import leave, scopes_of, scopes_of_id
from kitaru_iac.errors import (
    ProtectedStackError,
    StackNotFound,
    StackNotManaged,
)
from kitaru_iac.gateway.documents import StackDoc
from kitaru_iac.gateway.views import DEFAULT_STACK
from kitaru_iac.labels import MANAGED_LABEL, is_managed
from kitaru_iac.machine.active_scope import blocks, bound_ids
from kitaru_iac.plan.model import Action, Plan, Reason, Step
from kitaru_iac.records.diff import goes_with_stack, is_own_connector
from kitaru_iac.records.model import Records, stored_id
from kitaru_iac.records.names import REPLACED
from kitaru_iac.records.owner import (
    Owner,
    forced_warning,
    options,
    require_removable,
    require_whole,
)
from kitaru_iac.records.stored import Store
from kitaru_iac.stacks.deletion_errors import Asked
from kitaru_iac.stacks.removed_parts import Leaving, Removal
from kitaru_iac.stacks.results import Deleted
from kitaru_iac.values import dataclass, replace

__all__ = [
    "Deletion",
    "delete_orphans",
    "delete_stack",
    "planned_deletion",
    "require_deletable",
    "require_left",
    "require_managed",
]


def delete_stack(
    store: Store,
    stack: StackDoc,
    *,
    recursive: bool,
    force: bool,
    owner: Owner | None = None,
    more_flags: Sequence[str] = (),
) -> Deleted:
    """Delete a stack.

    Args:
        store: The open store.
        stack: The stack, as it is there now.
        recursive: Delete its own components and connector too, where no other stack uses them.
        force: Delete it although it is active (the default stack takes its place), or Pulumi's.
        owner: Whose deletion it is; None is the command's.
        more_flags: What else the command was given, for the remedies that go on with it.

    Raises:
        ProtectedStackError: It is the default stack, or active or another's and not forced.
        RegistrationFailed: A deletion failed half-way; its `left` and `remedy` say what to do.
        StackChanged: The stack is deleted; parts of it that somebody else uses by now are left.
    """
    given = [flag for flag, on in (("--recursive", recursive), ("--force", force)) if on]
    flags = (*given, *more_flags)
    scopes = require_deletable(stack, force=force, owner=owner, flags=flags)
    asked = Asked(stack.id, flags, by_program=owner is not None)
    removal = _chosen(store, stack, asked, recursive=recursive)
    with removal.holding() as hold:
        new_active = leave(store.gateway, scopes) if scopes else None
        removal.delete(stack.id, hold, recursive=recursive, new_active=new_active)
        # Somebody may have made it active on this machine since it was looked at.
        if late := [scope for scope in scopes_of(stack) if scope != "environment"]:
            new_active = leave(store.gateway, late)
    if hold.count:
        raise removal.done_nevertheless()
    return removal.result(
        new_active_stack=new_active,
        recursive=recursive,
        warnings=forced_warning(stack.labels, owner),
    )


@dataclass(frozen=True, slots=True)
class Deletion:
    """What `delete_stack` would delete with a stack's parts.

    Attributes:
        plan: That, and what stays.
        parts: The ids of the components that would go.
        users: The ids of the other stacks for whose sake a part stays.
    """

    plan: Plan
    parts: frozenset[str]
    users: frozenset[str]


def planned_deletion(
    store: Store, stack: StackDoc, why: str, code: Reason, *, before: Leaving | None = None
) -> Deletion:
    """Say what `delete_stack` would delete with the stack's parts, and what stays. Writes nothing.

    Args:
        store: The open store.
        stack: The stack, as it is there now.
        why: The reason that the deletions have in the plan.
        code: The code of that reason.
        before: What is deleted before it.

    Raises:
        ProtectedStackError: It is the default stack, active, or another's.
    """
    require_deletable(stack, force=False, flags=["--recursive"], store=store)
    removal = _chosen(store, stack, Asked(stack.id), recursive=True, before=before)
    parts = [(part.type, part.name) for part in removal.components]
    parts += [("service_connector", link.name) for link in removal.connectors]
    steps = [
        Step(Action.DELETE, kind, name, reason=why, code=code)
        for kind, name in [("stack", stack.name), *parts]
    ]
    kept = [Step(Action.KEEP, k.kind, k.name, reason=k.reason) for k in removal.kept]
    going = frozenset(stored_id(part) for part in removal.components)
    return Deletion(Plan(stack.name, (*steps, *kept)), going, removal.users())


def _chosen(
    store: Store,
    stack: StackDoc,
    asked: Asked,
    *,
    recursive: bool,
    before: Leaving | None = None,
) -> Removal:
    """What goes with a stack, and what stays."""
    removal = Removal(store, _with_parts_beside(store, store.records_of(stack)), asked, before)
    if recursive:
        removal.choose()
    else:
        removal.keep_all()
    removal.keep_young()
    removal.keep_deployment()
    return removal


def _with_parts_beside(store: Store, records: Records) -> Records:
    """The records with what is the stack's own by its name and label, and was taken out of it."""
    beside = store.orphans(records.stack)
    parts = (*records.components, *beside.components)  # none of these is in a stack
    link = records.connector or beside.connector
    if link is not None and not is_own_connector(link, records):
        # A part of another stack brings that one's; the stack's own is where its own parts use it.
        used = {part.connector_id for part in parts if goes_with_stack(part, records)}
        named = store.connector_named(records.stack)
        if named is not None and named.id in used and is_own_connector(named, records):
            link = named
    return replace(records, components=parts, connector=link)


def require_deletable(
    stack: StackDoc,
    *,
    force: bool,
    owner: Owner | None = None,
    infrastructure: bool = False,
    flags: Sequence[str] = (),
    store: Store | None = None,
) -> list[str]:
    """Refuse the default stack, one renamed in part, and another's or the active one unless forced.

    Args:
        stack: The stack, as it is there now.
        force: As of `delete_stack`.
        owner: As of `delete_stack`.
        infrastructure: Whether what was provisioned for it is to go too.
        flags: The options that were given, for the remedies.
        store: Where a dead run may have left what the stack has replaced; None where that is
            repaired. Where the one is active, the other is after the repair.

    Returns:
        Where it is active.
    """
    if stack.name == DEFAULT_STACK:
        raise ProtectedStackError(
            "The default stack cannot be deleted",
            why="ZenML keeps it as the stack to fall back to; --force does not change that.",
        )
    require_whole(stack.name, stack.labels, stack.id)
    require_removable(
        stack.name,
        stack.labels,
        owner,
        id=stack.id,
        force=force,
        infrastructure=infrastructure,
        flags=flags,
    )
    scopes = scopes_of(stack)
    before = None if store is None else store.stack_named(stack.name + REPLACED)
    if store is not None and before is not None and store.is_aside(before.labels, stack.name):
        scopes = list(dict.fromkeys([*scopes, *scopes_of_id(before.id)]))
    _require_inactive(stack, scopes, force=force, flags=flags)
    return scopes


def require_managed(stack: StackDoc, *, force: bool, flags: Sequence[str]) -> None:
    """Refuse a stack that Kitaru did not make, after what would refuse it anyway.

    Args:
        stack: The stack, as it is there now.
        force: As of `require_deletable`.
        flags: The options that were given, for the remedies.

    Raises:
        StackNotManaged: Kitaru did not make it, or somebody has taken the label off.
        ProtectedStackError: As `require_deletable` does.
    """
    if is_managed(stack.labels):
        return
    require_deletable(stack, force=force, flags=flags)
    again = f"kitaru stack delete {stack.id}{options(flags, '--unmanaged')}"
    raise StackNotManaged(
        f"Kitaru did not make stack '{stack.name}'; nothing was deleted",
        stack=stack.id,
        why=f"It has no label {MANAGED_LABEL}. Its components and connectors would stay.",
        remedy=f"See what it is: kitaru stack show {stack.id}\nDelete it all the same: {again}",
    )


def _require_inactive(
    stack: StackDoc, scopes: list[str], *, force: bool, flags: Sequence[str]
) -> None:
    name = stack.name
    if "environment" in scopes and stack.id in blocks:
        raise ProtectedStackError(
            f"Stack '{name}' is active in a block of this process: with kitaru.stack({name!r})",
            why="What runs in the block would have no stack.",
            remedy="Delete it after the block.",
        )
    if "environment" in scopes and stack.id in bound_ids:
        raise ProtectedStackError(
            f"A flow of this process runs on stack '{name}'",
            why="The run would have no stack.",
            remedy="Delete it when the run has ended.",
        )
    if "environment" in scopes:
        raise ProtectedStackError(
            f"Stack '{name}' is active through the environment variable ZENML_ACTIVE_STACK_ID",
            why="No command can change the environment of the shell it was started from.",
            remedy="Unset it first: unset ZENML_ACTIVE_STACK_ID",
        )
    if scopes and not force:
        raise ProtectedStackError(
            f"Stack '{name}' is the active stack",
            why="Runs that name no stack would have none."
            if "global" in scopes or len(scopes) > 1
            else "It is the active stack of this directory.",
            remedy="Switch first: kitaru stack use default\n"
            f"or delete it all the same: kitaru stack delete {stack.id}{options(flags, '--force')}",
        )


def delete_orphans(store: Store, name: str, *, recursive: bool, repaired: bool = False) -> Deleted:
    """Resume a deletion that was cut short, or clean up after one without ``--recursive``.

    Args:
        store: The open store.
        name: The name of a stack that is not there.
        recursive: Without it there is nothing to delete.
        repaired: Whether something of a dead run was found and removed already.

    Raises:
        StackNotFound: Nothing was left by a stack of this name either, or what is there may be what
            another process is registering at this moment.
        WorkInterrupted: Ctrl-C was pressed meanwhile; all of it was done nevertheless.
    """
    left = require_left(store, name, recursive=recursive, repaired=repaired)
    removal = Removal(store, replace(left, labels={MANAGED_LABEL: "true"}), Asked(None))
    removal.choose()
    with removal.holding() as hold:
        removal.delete(None, hold, recursive=True)
    if hold.count:
        raise removal.done_nevertheless()
    return removal.result(new_active_stack=None, recursive=True)


def require_left(store: Store, name: str, *, recursive: bool, repaired: bool) -> Records:
    """Refuse what `delete_orphans` refuses, and give what it would delete; its arguments."""
    left = store.orphans(name)
    if recursive and (left.components or left.connector or repaired):
        return left
    if recursive and (wait := store.wait_for(name)):
        raise StackNotFound(
            f"There is no stack '{name}' yet: another process registers it, or one that died",
            remedy=f"See in {wait} s what has become of it: kitaru stack show {name}\n"
            "What a dead process left, and how to delete it, says: kitaru stack clean",
        )
    raise store.not_found(name)
