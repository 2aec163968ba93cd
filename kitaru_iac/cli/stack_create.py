"""`kitaru stack create`."""

from __future__ import annotations

from typing import Annotated

import typer

from kitaru_iac.cli import creating
from kitaru_iac.cli.options import MORE, TakeBack, description

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
    return creating.create(description(ctx), dry_run=dry_run, yes=yes, take_back=take_back)
