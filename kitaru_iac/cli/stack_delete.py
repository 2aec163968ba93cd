"""`kitaru stack delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kitaru_iac.cli.infra import consent, foreign_stays, progress
from kitaru_iac.cli.options import StackRef
from kitaru_iac.cli.output import current as output
from kitaru_iac.cli.plans import asking
from kitaru_iac.errors import ExitCode, InfrastructureRemains, StackNotManaged, UsageError

if TYPE_CHECKING:
    from kitaru_iac.stacks.results import Deleted

__all__ = ["delete"]

_INFRASTRUCTURE = "Infrastructure"


def delete(
    stack: StackRef,
    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive",
            "-r",
            help="Delete its components and connector too, if Kitaru made them and no other stack "
            "uses them.",
        ),
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Delete it although it is active, and the default stack becomes active; or "
            "although it belongs to Pulumi.",
        ),
    ] = False,
    unmanaged: Annotated[
        bool,
        typer.Option(
            "--unmanaged",
            help="Delete it although Kitaru did not make it. Its components and connectors stay.",
        ),
    ] = False,
    infra: Annotated[
        bool,
        typer.Option(
            "--infra",
            help="Take down first what was provisioned for it. Protected resources, and those that "
            "hold something, stay and are listed.",
            rich_help_panel=_INFRASTRUCTURE,
        ),
    ] = False,
    keep_infra: Annotated[
        bool,
        typer.Option(
            "--keep-infra",
            help="Leave what was provisioned for it where it is; kitaru infra list shows it.",
            rich_help_panel=_INFRASTRUCTURE,
        ),
    ] = False,
    include_protected: Annotated[
        bool,
        typer.Option(
            "--include-protected",
            help="With --infra: protected resources too, if they hold nothing.",
            rich_help_panel=_INFRASTRUCTURE,
        ),
    ] = False,
    delete_data: Annotated[
        bool,
        typer.Option(
            "--delete-data",
            help="With --infra: what buckets and repositories hold is deleted with them.",
            rich_help_panel=_INFRASTRUCTURE,
        ),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="With --infra: do it without asking.",
            rich_help_panel=_INFRASTRUCTURE,
        ),
    ] = False,
) -> int | None:
    """Delete a stack.

    Without --recursive only the stack's own record goes; its components stay. What was kept is
    listed with the reason. A stack that Kitaru did not make needs --unmanaged, or a yes on a
    terminal; its parts stay. A stack that infrastructure was provisioned for needs --infra, or
    --keep-infra to leave that; on a terminal it is asked. With --infra, what is not the stack's own
    is never touched: it stays, with exit code 1.

    Examples:
        kitaru stack delete dev
        kitaru stack delete dev --recursive
        kitaru stack delete dev --recursive --force   # also if it is the active one
        kitaru stack delete prod --recursive --infra
        kitaru stack delete theirs --unmanaged
    """
    from kitaru_iac.stacks import operations

    out = output()
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
            confirm=None if yes else asking("Delete this infrastructure?"),
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
    if done is None:
        out.item({"deleted_stack": None}, ["Nothing was deleted."])
        return int(ExitCode.FAILED)
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
