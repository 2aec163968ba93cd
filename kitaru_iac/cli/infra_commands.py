"""`kitaru infra list` and `kitaru infra delete`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kitaru_iac.cli.infra import consent, foreign_stays, progress
from kitaru_iac.cli.output import current as output
from kitaru_iac.cli.plans import asking_to_delete
from kitaru_iac.errors import ExitCode

if TYPE_CHECKING:
    from kitaru_iac.infrastructure.results import Destroyed
    from kitaru_iac.stacks.deployments import ListedDeployment

__all__ = ["delete", "list_"]


def list_(
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Download the Pulumi engine without asking."),
    ] = False,
) -> None:
    """List what was provisioned, and the stack that has it.

    Looks into the Pulumi backend that is used here ($PULUMI_BACKEND_URL, else the configuration
    home), and asks no cloud. Which stack has it is asked of the store that is connected now, and
    of no other: what has no stack there was left by kitaru stack delete or by a creation that
    failed, or is another store's. Where a record names the backend otherwise, and may mean this
    one, the stack has it perhaps. A state that cannot be read is said in its own row, and so are
    what a run that was cut off may have made, and a state that a stack's record names and that is
    not there.

    Examples:
        kitaru infra list
        kitaru infra list --output json
    """
    from kitaru_iac.stacks import deployments

    out = output()
    found = deployments.list_deployments(progress=out.progress, consent=consent(yes=yes))
    lines = []
    for one in found:
        lines.append(f"{one.name}: {_whose(one)}, state in {one.backend}")
        lines += [f"  {name} ({kind})" for kind, name in one.holds]
        if one.problem:
            lines.append(f"  not known: {one.problem}")
        elif not one.holds:
            lines.append("  holds nothing")
    out.items([one.to_dict() for one in found], lines or ["Nothing is provisioned from here."])


def _whose(one: ListedDeployment) -> str:
    if one.possible_stack:
        return f"perhaps stack {one.possible_stack}, whose record names the backend otherwise"
    return f"stack {one.stack}" if one.stack else f"no stack in {one.store}"


def delete(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A deployment, as kitaru infra list names it.")
    ],
    file: Annotated[
        str | None,
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            help="A description of its stack: whose credentials are used, and where to look for "
            "what carries its tags if its state is lost.",
        ),
    ] = None,
    include_protected: Annotated[
        bool,
        typer.Option("--include-protected", help="Protected resources too, if they hold nothing."),
    ] = False,
    delete_data: Annotated[
        bool,
        typer.Option(
            "--delete-data", help="What buckets and repositories hold is deleted with them."
        ),
    ] = False,
    forget_foreign: Annotated[
        bool,
        typer.Option(
            "--forget-foreign",
            help="What the state holds and was not made for this stack is forgotten, and stays; "
            "refused where that lies in, or stands on, what would go.",
        ),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Do it without asking."),
    ] = False,
) -> int | None:
    """Take down what was provisioned and no stack has.

    Only the store that is connected now is asked which stack has it (kitaru status): where several
    keep their states in one backend, it may be another one's. Protected resources, and those that
    hold something, stay and are listed; run it again with the two options to take them down too.
    What is not the stack's own (somebody made it anew, or took its tags away) is never touched: it
    stays in the state, with exit code 1, until it is forgotten with --forget-foreign, which is
    refused where that lies in, or stands on, what would go. What a stack has goes with kitaru stack
    delete --infra. Where there is neither a state nor a stack, -f lists what still carries the
    deployment's tags.

    Examples:
        kitaru infra delete prod
        kitaru infra delete prod --include-protected --delete-data
        kitaru infra delete prod -f stack.yaml
    """
    from kitaru_iac.machine.project import description_defaults
    from kitaru_iac.spec import load
    from kitaru_iac.stacks import deployments

    out = output()
    done = deployments.delete_deployment(
        name,
        spec=load({}, Path(file), defaults=description_defaults()) if file is not None else None,
        include_protected=include_protected,
        delete_data=delete_data,
        forget_foreign=forget_foreign,
        confirm=None if yes else asking_to_delete(),
        progress=progress(),
        consent=consent(yes=yes),
    )
    if done is None:
        nothing = {"deployment": name, "deleted": [], "kept": [], "forgotten": []}
        out.item(nothing, ["Nothing was deleted."])
        return int(ExitCode.FAILED)
    return _tell(name, done)


def _tell(name: str, done: Destroyed) -> int | None:
    """Say what went and what stays, and give the exit code."""
    from kitaru_iac.plan.document import changes

    out = output()
    for warning in done.warnings:
        out.warn(warning)
    lines = [f"Deleted: {step.name} ({step.kind})" for step in done.steps]
    lines += [f"Kept: {part.name} ({part.kind}): {part.reason}" for part in done.kept]
    document = {
        "deployment": name,
        "deleted": changes(done.steps),
        "kept": [part.to_dict() for part in done.kept],
        "forgotten": [part.to_dict() for part in done.forgotten],
    }
    lines += [f"Forgotten: {part.name} ({part.kind}): {part.reason}" for part in done.forgotten]
    stays = foreign_stays(name, done.foreign, done.hidden)
    out.item(document, lines or ["There was nothing to delete."])
    return int(ExitCode.FAILED) if stays else None
