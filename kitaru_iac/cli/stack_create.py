"""`kitaru stack create`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kitaru_iac.cli.infra import consent, progress, resource_lines, show_report
from kitaru_iac.cli.options import MORE, TakeBack, description
from kitaru_iac.cli.output import current as output
from kitaru_iac.cli.plans import asking
from kitaru_iac.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitaru_iac.spec import StackSpec

__all__ = ["create"]


def create(
    ctx: typer.Context,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show what would be done, and do nothing; the same as kitaru stack preview.",
            rich_help_panel=MORE,
        ),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="With --infra provision: do it without asking, the engine's download too.",
            rich_help_panel=MORE,
        ),
    ] = False,
    take_back: TakeBack = False,
) -> int | None:
    r"""Create a stack and make it the active one.

    A local stack needs nothing but a name. Any other says where its data, images and runs live, in
    flags, in a YAML file, or both; flags take precedence. A name that is taken is an error;
    kitaru stack apply changes a stack that exists. With --infra provision the plan is shown first,
    and asked about on a terminal; elsewhere it needs --yes.

    Examples:
        kitaru stack create dev
        kitaru stack create dev --no-activate
        kitaru stack create -f stack.yaml
        kitaru stack create prod-k8s --type kubernetes --artifact-store s3://my-bucket/kitaru \
            --container-registry 123456789012.dkr.ecr.eu-west-1.amazonaws.com \
            --cluster prod-cluster --region eu-west-1
    """
    out = output()
    spec = description(ctx).load()
    # After the description: a wrong one is told without what reaches a store.
    from kitaru_iac.stacks import deployed, operations

    if dry_run:
        from kitaru_iac.cli.stack_apply import show_plan
        from kitaru_iac.stacks.planning import plan_stack

        show_plan(plan_stack(spec, progress=out.progress, show=show_report, take_back=take_back))
        return None
    if spec.cloud is not None and spec.infra == "provision" and not yes:
        plan = deployed.preview_creation(
            spec, progress=progress(), consent=consent(yes=False), take_back=take_back
        )
        if not asking("Make this?")(plan):
            out.item({"name": spec.name, "id": None}, ["Nothing was made."])
            return int(ExitCode.FAILED)
    # A local stack is made at once; there is nothing to wait for and to be told about.
    made = operations.create(
        spec,
        progress=_progress(spec),
        consent=consent(yes=yes),
        show=show_report,
        take_back=take_back,
    )
    for warning in made.warnings:
        out.warn(warning)
    lines = [f"Created stack: {made.name}"]
    if made.is_active:
        before = made.previous_active_stack
        lines.append(
            f"Active stack: {before} → {made.name}" if before else f"Active stack: {made.name}"
        )
    if made.state is not None:
        lines += resource_lines(made)
    out.item(made.to_dict(), lines)
    return None


def _progress(spec: StackSpec) -> Callable[[str], None] | None:
    if spec.cloud is None:
        return None
    return progress() if spec.infra == "provision" else output().progress
