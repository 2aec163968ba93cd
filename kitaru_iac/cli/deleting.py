"""What `stack delete` does; how it is called is in `stack_delete`.

Nothing here, nor what it imports, needs the parser: see `short`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitaru_iac.cli.infra import consent, foreign_stays, progress
from kitaru_iac.cli.output import current as output
from kitaru_iac.cli.plans import asking_to_delete
from kitaru_iac.errors import ExitCode, InfrastructureRemains, StackNotManaged, UsageError
from kitaru_iac.machine.interrupts import faces

if TYPE_CHECKING:
    from kitaru_iac.stacks.results import Deleted

__all__ = ["delete"]


def delete(
    stack: str,
    *,
    recursive: bool = False,
    force: bool = False,
    unmanaged: bool = False,
    infra: bool = False,
    keep_infra: bool = False,
    include_protected: bool = False,
    delete_data: bool = False,
    yes: bool = False,
) -> int | None:
    """`kitaru stack delete`."""
    from kitaru_iac.stacks import operations

    if infra and keep_infra:
        raise UsageError("--infra and --keep-infra exclude each other", remedy="Give one of them.")
    if infra:
        done = operations.delete(
            stack,
            recursive=recursive,
            force=force,
            unmanaged=unmanaged,
            infrastructure=True,
            include_protected=include_protected,
            delete_data=delete_data,
            confirm=None if yes else asking_to_delete(),
            progress=progress(),
            consent=consent(yes=yes),
        )
    elif given := [
        name
        for name, value in (
            ("--include-protected", include_protected),
            ("--delete-data", delete_data),
        )
        if value
    ]:
        raise UsageError(f"{given[0]} needs --infra", remedy="Add --infra, or leave it out.")
    else:
        done = _delete_records(
            stack, recursive=recursive, force=force, unmanaged=unmanaged, keep=keep_infra
        )
    return _tell(done)


def _tell(done: Deleted | None) -> int | None:
    """Say what was deleted and what stays, and give the exit code."""
    out = output()
    if done is None:
        out.item({"deleted_stack": None}, ["Nothing was deleted."])
        return int(ExitCode.FAILED)
    faces.done = f"stack '{done.deleted_stack}' is deleted"
    for warning in done.warnings:
        out.warn(warning)
    lines = [f"Deleted stack: {done.deleted_stack}"] if done.stack_was_there else []
    lines += [f"Deleted: {step.name} ({step.kind})" for step in done.infrastructure_deleted]
    lines += [f"Deleted component: {component}" for component in done.components_deleted]
    lines += [f"Deleted connector: {connector}" for connector in done.connectors_deleted]
    lines += [f"Was gone already: {part.name} ({part.kind})" for part in done.already_gone]
    lines += [f"Kept: {kept.name} ({kept.kind}): {kept.reason}" for kept in done.kept]
    deployment = done.deleted_stack
    stays = foreign_stays(deployment, done.infrastructure_foreign, done.infrastructure_hidden)
    if any(part not in done.infrastructure_foreign for part in done.infrastructure_kept):
        lines.append(f"Take the rest down with: kitaru infra delete {done.deleted_stack}")
    if done.new_active_stack:
        lines.append(f"Active stack: {done.deleted_stack} → {done.new_active_stack}")
    out.item(done.to_dict(), lines)
    return int(ExitCode.FAILED) if stays else None


def _delete_records(
    stack: str, *, recursive: bool, force: bool, unmanaged: bool, keep: bool
) -> Deleted | None:
    """Delete the records; ask about what needs a word, if somebody is there to answer."""
    from kitaru_iac.cli.terminal import confirm, someone_is_there
    from kitaru_iac.stacks import operations

    while True:
        try:
            return operations.delete(
                stack,
                recursive=recursive,
                force=force,
                unmanaged=unmanaged,
                keep_infrastructure=keep,
            )
        except (InfrastructureRemains, StackNotManaged) as refusal:
            if not someone_is_there():
                raise
            left = f": {', '.join(refusal.left)}" if refusal.left else ""
            for line in (f"{refusal.what}{left}", refusal.why or ""):
                output().note(line)
            stack = refusal.stack or stack  # the name may be another stack's by then
            if isinstance(refusal, StackNotManaged):
                question = "Delete it all the same?"
                option, unmanaged = "--unmanaged", True
            else:
                question = "Delete the record, and leave the infrastructure?"
                option, keep = "--keep-infra", True
            if not confirm(question, remedy=option):
                return None
