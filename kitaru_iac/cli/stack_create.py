"""`kitaru stack create`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kitaru_iac.cli.infra import consent, progress, show_report
from kitaru_iac.cli.options import MORE, description
from kitaru_iac.cli.output import current as output

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
            help="Download the Pulumi engine without asking, if --infra provision needs it.",
            rich_help_panel=MORE,
        ),
    ] = False,
) -> int | None:
    r"""Create a stack and make it the active one.

    A local stack needs nothing but a name. Any other says where its data, images and runs live, in
    flags, in a YAML file, or both; flags take precedence. A name that is taken is an error;
    kitaru stack apply changes a stack that exists.

    Examples:
        kitaru stack create dev
        kitaru stack create dev --no-activate
        kitaru stack create -f stack.yaml
        kitaru stack create prod-k8s --type kubernetes --artifact-store s3://my-bucket/kitaru \
            --container-registry 123456789012.dkr.ecr.eu-west-1.amazonaws.com \
            --cluster prod-cluster --region eu-west-1
    """
    from kitaru_iac.stacks import operations

    out = output()
    spec = description(ctx).load()
    if dry_run:
        from kitaru_iac.cli.stack_apply import show_plan

        show_plan(operations.preview(spec, progress=out.progress, show=show_report))
        return None
    # A local stack is made at once; there is nothing to wait for and to be told about.
    made = operations.create(
        spec,
        progress=_progress(spec),
        consent=consent(yes=yes),
        show=show_report,
    )
    for warning in made.warnings:
        out.warn(warning)
    lines = [f"Created stack: {made.name}"]
    if made.is_active:
        before = made.previous_active_stack
        lines.append(
            f"Active stack: {before} → {made.name}" if before else f"Active stack: {made.name}"
        )
    out.item(made.to_dict(), lines)
    return None


def _progress(spec: StackSpec) -> Callable[[str], None] | None:
    if spec.cloud is None:
        return None
    return progress() if spec.infra == "provision" else output().progress
