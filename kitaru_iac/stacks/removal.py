"""The operations that remove, which `operations` offers: a stack, and what dead runs left.

Whatever is deleted of a stack is deleted under the lock of its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback, require_wanted
from kitaru_iac.machine.interrupts import WorkInterrupted
from kitaru_iac.machine.locks import sole_writer
from kitaru_iac.plan.model import Plan
from kitaru_iac.records.owner import Owner, given_options, require_not_renamed_in_part
from kitaru_iac.stacks.results import Cleaned, Deleted, Leftover, with_warnings

if TYPE_CHECKING:
    from kitaru_iac.gateway.documents import StackDoc
    from kitaru_iac.infrastructure.results import Destroyed
    from kitaru_iac.records.stored import Store
    from kitaru_iac.stacks.mending import Mending

__all__ = ["clean", "delete", "require_deletable"]


def delete(
    ref: str,
    *,
    exact: bool = False,
    owner: Owner | None = None,
    recursive: bool = False,
    force: bool = False,
    unmanaged: bool = False,
    infrastructure: bool = False,
    keep_infrastructure: bool = False,
    include_protected: bool = False,
    delete_data: bool = False,
    confirm: Callable[[Plan], bool] | None = None,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
) -> Deleted | None:
    """Delete a stack, and with `infrastructure` what was provisioned for it.

    Args:
        ref: The stack's name, id, or the beginning of its id.
        exact: Whether the beginning of an id does not count.
        owner: The Pulumi resource whose deletion it is; None is the command.
        recursive: Delete its own components and connector too, where no other stack uses them.
        force: Delete it although it is active, or, by the command, although it is Pulumi's.
        unmanaged: Delete it although Kitaru did not make it; its parts stay. What a Pulumi
            resource keeps, its program has said so of.
        infrastructure: Take its deployment down first.
        keep_infrastructure: Leave its deployment where it is.
        include_protected: Protected resources too, if they hold nothing.
        delete_data: With what buckets and repositories hold.
        confirm: Asked with the plan before infrastructure is taken down; False stops.
        progress: Gets one-line messages.
        consent: Asked before the Pulumi engine is downloaded.

    Returns:
        What went and what stayed; None if `confirm` said no.

    Raises:
        StackNotManaged: Kitaru did not make it, and `unmanaged` is not said.
        InfrastructureRemains: It has a deployment, and neither of the two is said; or more of it
            is there than its state knows. The record stays.
    """
    from kitaru_iac.records.stored import Store

    taken_down: list[Destroyed] = []
    try:
        return _delete(
            Store.open(),
            ref,
            taken_down,
            exact=exact,
            owner=owner,
            recursive=recursive,
            force=force,
            unmanaged=unmanaged or owner is not None,
            infrastructure=infrastructure,
            keep_infrastructure=keep_infrastructure,
            include_protected=include_protected,
            delete_data=delete_data,
            confirm=confirm,
            progress=progress,
            consent=consent,
        )
    except WorkInterrupted:
        raise
    except KeyboardInterrupt as pressed:
        what = f"Interrupted before stack '{ref}' was deleted"
        if infrastructure:
            if taken_down:
                data = ", with its data" if delete_data else ""
                what += f"; what was to go of its infrastructure is deleted{data}"
            remedy = "Run the same command again to go on."
            raise WorkInterrupted(what, remedy=remedy) from pressed
        raise WorkInterrupted(f"{what}; nothing was changed") from pressed


def _delete(
    store: Store,
    ref: str,
    taken_down: list[Destroyed],
    *,
    exact: bool,
    owner: Owner | None,
    recursive: bool,
    force: bool,
    unmanaged: bool,
    infrastructure: bool,
    keep_infrastructure: bool,
    include_protected: bool,
    delete_data: bool,
    confirm: Callable[[Plan], bool] | None,
    progress: ProgressCallback | None,
    consent: ConfirmCallback | None,
) -> Deleted | None:
    from kitaru_iac.stacks import delete as deletion
    from kitaru_iac.stacks import deployed

    what = {"include_protected": include_protected, "delete_data": delete_data}
    more_flags = given_options(
        infra=infrastructure,
        keep_infra=keep_infrastructure,
        unmanaged=unmanaged and owner is None,
    )
    asked = {"recursive": recursive, "force": force}
    flags = [*given_options(**asked), *more_flags, *given_options(**what)]
    agreed: StackDoc | None = None
    if infrastructure:
        agreed = store.require(ref)
        if not unmanaged:
            deletion.require_managed(agreed, force=force, flags=flags)
        deletion.require_deletable(
            agreed, force=force, owner=owner, infrastructure=True, flags=flags, store=store
        )
        if not _agreed(agreed, what, confirm, progress, consent):
            return None
    with _locked(store, agreed.id if agreed else ref, exact=exact) as (found, mending):
        if found is not None and not unmanaged:
            deletion.require_managed(found, force=force, flags=flags)
        stack = found if agreed is None else _still(found, agreed)
        if stack is None:
            return _delete_left(mending, ref, recursive=recursive, progress=progress)
        if not (infrastructure or keep_infrastructure or owner is not None):
            deployed.require_none(stack, flags)
        if mending.repair is not None:
            deletion.require_deletable(stack, force=force, owner=owner, flags=flags, store=store)
        if agreed is not None:
            taken_down.append(deployed.destroy(stack, **what, progress=progress))
        require_wanted()
        with mending.told():
            stack = _mended(mending, stack, progress)
            done = deletion.delete_stack(store, stack, **asked, owner=owner, more_flags=more_flags)
    done = deployed.with_destroyed(done, taken_down[0]) if taken_down else done
    return with_warnings(done, mending.said())


def _delete_left(
    mending: Mending, name: str, *, recursive: bool, progress: ProgressCallback | None
) -> Deleted:
    """Delete what is left of a stack that is not there, and repair what a dead run left."""
    from kitaru_iac.stacks.delete import delete_orphans, require_left

    repaired = mending.repair is not None
    require_left(mending.store, name, recursive=recursive, repaired=repaired)
    require_wanted()
    with mending.told():
        done = delete_orphans(mending.mend(progress), name, recursive=recursive, repaired=repaired)
    return with_warnings(done, mending.said())


def _mended(mending: Mending, stack: StackDoc, progress: ProgressCallback | None) -> StackDoc:
    """Repair what a dead run left of a stack, and give the stack; refuses another one."""
    if mending.repair is None:
        return stack
    return _still(mending.mend(progress).find(stack.id, exact=True), stack)


def _agreed(
    stack: StackDoc,
    what: Mapping[str, bool],
    confirm: Callable[[Plan], bool] | None,
    progress: ProgressCallback | None,
    consent: ConfirmCallback | None,
) -> bool:
    """Whether what was provisioned for a stack is to be taken down; refuses what cannot be."""
    from kitaru_iac.infrastructure.prepare import require_engine
    from kitaru_iac.stacks import deployed

    deployed.require_provisioned(stack)
    require_engine(consent, progress=progress)
    if confirm is None:
        return True
    would = deployed.preview_destroy(
        stack,
        include_protected=what["include_protected"],
        delete_data=what["delete_data"],
        progress=progress,
    )
    return confirm(deployed.plan_of(stack.name, would))


def require_deletable(id: str, *, recursive: bool) -> None:
    """Refuse what `delete` would refuse, before anybody is asked.

    Args:
        id: The stack's whole id; nothing is said of one that is gone.
        recursive: As of `delete`, for the remedies.

    Raises:
        ProtectedStackError: It is the default stack, the active one, or a Pulumi program's.
        InfrastructureRemains: Something was provisioned for it.
        NotConnectedError: No store answers.
    """
    from kitaru_iac.records.stored import Store
    from kitaru_iac.stacks import delete as deletion
    from kitaru_iac.stacks import deployed

    store = Store.open()
    stack = store.find(id, exact=True)
    if stack is not None:
        flags = given_options(recursive=recursive)
        deletion.require_deletable(stack, force=False, flags=flags, store=store)
        deployed.require_none(stack, flags)


def clean(confirm: Callable[[tuple[Leftover, ...]], bool] | None = None) -> Cleaned:
    """Remove what runs that ended in the middle left in the store, and nothing else.

    What was being replaced is put back, or finished; see `stacks.clean`.

    Args:
        confirm: Asked with what was found, if anything, before it is removed; False stops.

    Raises:
        RegistrationFailed: Something could not be removed; its `left` says what.
    """
    from kitaru_iac.records.stored import Store
    from kitaru_iac.stacks import clean as cleaning

    try:
        return cleaning.clean(Store.open(), confirm)
    except WorkInterrupted:
        raise
    except KeyboardInterrupt as pressed:
        raise WorkInterrupted("Interrupted; nothing was changed") from pressed


@contextmanager
def _locked(store: Store, ref: str, *, exact: bool) -> Iterator[tuple[StackDoc | None, Mending]]:
    """The stack that a name or an id means, with the lock of its name; None where there is none.

    It is given as it is once what a dead run left of it is repaired.
    """
    from kitaru_iac.stacks.mending import Mending

    name = ref
    while True:
        with sole_writer(name):
            mending = Mending(store, name)
            if mending.repair is not None:
                mending.store.forget()
            stack = mending.store.find(ref, exact=exact)
            if stack is None or stack.name == name:
                dead = store.dead_run
                if stack is not None and dead is not None and not dead.marks:
                    require_not_renamed_in_part(mending.store.records_of(stack), dead)
                yield stack, mending
                return
        name = stack.name


def _still(stack: StackDoc | None, agreed: StackDoc) -> StackDoc:
    """The stack whose deletion was agreed to, if it is the one that is there."""
    if stack is None:
        from kitaru_iac.stacks.deletion_errors import deleted_meanwhile

        raise deleted_meanwhile(agreed.name)
    if (stack.name, stack.labels) != (agreed.name, agreed.labels):
        from kitaru_iac.stacks.deletion_errors import changed_meanwhile

        raise changed_meanwhile(agreed.name, stack.id)
    return stack
