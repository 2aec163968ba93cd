"""`kitaru stack new-repo`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from kitaru_iac.cli.output import current as output

__all__ = ["new_repo"]


def new_repo(
    directory: Annotated[
        str, typer.Argument(metavar="DIR", help="The folder; it is created if it does not exist.")
    ],
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="The Pulumi project's name.")
    ] = "kitaru-stacks",
    cloud: Annotated[
        Literal["aws", "gcp", "azure", "all"] | None,
        typer.Option(
            metavar="CLOUD",
            help="Whose packages its stacks need: aws, gcp, azure or all. Local ones need none.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Write into a folder that holds other files. What exists is never overwritten.",
        ),
    ] = False,
) -> None:
    """Write a repository that manages stacks with Pulumi, with a workflow for CI.

    A Pulumi project, its one program, a stack file that is local at first, and a GitHub workflow:
    preview for pull requests, up for what is merged. All files are written, or none.

    Examples:
        kitaru stack new-repo ml-platform
        kitaru stack new-repo ml-platform --name ml-stacks --cloud aws
    """
    import shlex

    from kitaru_iac.repository.write import write

    out = output()
    done = write(directory, project=name, cloud=cloud, force=force)
    lines = [f"Wrote {len(done.files)} files into {done.path}", *(f"  {n}" for n in done.files)]
    out.item(done.to_dict(), lines)
    for line in (
        "Next:",
        f"  cd {shlex.quote(directory)}",
        "  uv sync",
        "  pulumi stack init dev",
        "  pulumi up",
    ):
        out.note(line)
