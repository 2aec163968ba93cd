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
    environments: Annotated[
        str,
        typer.Option(
            metavar="NAME,NAME",
            help="The Pulumi stacks, in the order in which a change reaches them.",
        ),
    ] = "dev,prod",
    ci: Annotated[
        Literal["github", "gitlab", "none"],
        typer.Option(metavar="CI", help="Where its jobs run: github, gitlab or none."),
    ] = "github",
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Write into a folder that holds other files. What exists is never overwritten.",
        ),
    ] = False,
) -> None:
    """Write a repository that manages stacks with Pulumi, with jobs for CI.

    A Pulumi project with its one program, and of each environment a Pulumi stack and the file that
    describes it, local at first. The jobs preview a change on its request, apply what is merged as
    it was reviewed, and look for drift. All files are written, or none.

    Examples:
        kitaru stack new-repo ml-platform
        kitaru stack new-repo ml-platform --name ml-stacks --cloud aws
        kitaru stack new-repo ml-platform --environments dev,staging,prod --ci gitlab
    """
    import shlex

    from kitaru_iac.repository.contents import is_from_here
    from kitaru_iac.repository.write import write

    out = output()
    names = [name.strip() for name in environments.split(",")]
    done = write(directory, project=name, cloud=cloud, environments=names, ci=ci, force=force)
    lines = [f"Wrote {len(done.files)} files into {done.path}", *(f"  {n}" for n in done.files)]
    out.item(done.to_dict(), lines)
    # `cd` takes these for something else, or goes by way of a folder that is not there.
    odd = directory.startswith(("~", "-")) or ".." in directory
    folder = str(done.path) if odd else directory
    for line in (
        "Next:",
        f"  cd {shlex.quote(folder)}",
        "  uv sync",
        f"  pulumi stack init {names[0]}",
        "  pulumi up",
    ):
        out.note(line)
    if is_from_here():
        out.note(
            "kitaru-iac was installed here from a folder or file. If it is not in your package "
            "index, say where it is in [tool.uv.sources] of pyproject.toml."
        )
