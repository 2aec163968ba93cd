"""`kitaru stack verify` and `kitaru stack policy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kitaru_iac.cli.described import Description
from kitaru_iac.cli.formats import CheckFormat, choice
from kitaru_iac.cli.options import description
from kitaru_iac.cli.output import current
from kitaru_iac.errors import ExitCode

if TYPE_CHECKING:
    from kitaru_iac.checks.model import CheckReport
    from kitaru_iac.render.source import SourceFile
    from kitaru_iac.spec import StackSpec

__all__ = ["policy", "verify"]


def verify(
    ctx: typer.Context,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Exit with 3 too if a check ends as unknown."),
    ] = False,
    output: Annotated[  # noqa: ARG001 - `main` has read it before
        CheckFormat,
        typer.Option(
            "--output",
            "-o",
            metavar="FORMAT",
            help=choice(CheckFormat),
            rich_help_panel="Common",
        ),
    ] = "text",
) -> int:
    """Check that a stack's infrastructure meets its needs.

    Looks at the bucket, registry, cluster, role and workspace themselves, with the credentials of
    the description or your own, and changes nothing. Give the name of a stack that exists, with
    --credentials if what its connector may do is to be checked too, or a description. Exit code
    3 if a check fails; one that could not be made is unknown, not failed, unless --strict says
    that it counts too.

    Examples:
        kitaru stack verify prod-k8s
        kitaru stack verify prod-k8s --strict                          # as a gate
        kitaru stack verify prod-k8s --credentials env:PROD_KEYS       # and its connector's rights
        kitaru stack verify -f stack.yaml --output json
        kitaru stack verify -f stack.yaml --output markdown            # for a pull request
        kitaru stack verify -f stack.yaml --output sarif               # for code scanning
    """
    from kitaru_iac.infrastructure.verify import verify as run
    from kitaru_iac.render.report import text

    out = current()
    report = run(_described(ctx, with_infra=True))
    if (whole := _whole(report, out.format, description(ctx))) is not None:
        out.lines(whole.splitlines())
    else:
        out.item(report.to_dict(), text(report, out.style))
    stops = report.failed or (strict and report.undecided)
    return int(ExitCode.CHECK_FAILED if stops else ExitCode.DONE)


def _whole(report: CheckReport, format: str, given: Description) -> str | None:
    """The report in a format that is a text of its own; None for the others."""
    if format == "markdown":
        from kitaru_iac.render.report import markdown

        return markdown(report)
    if format == "sarif":
        from kitaru_iac._version import __version__
        from kitaru_iac.infrastructure.verify import catalog
        from kitaru_iac.render.sarif import sarif

        return sarif([(report, _source(given))], catalog(), __version__)
    if format == "junit":
        from kitaru_iac.render.junit import junit

        return junit([(report, _source(given))])
    return None


def _source(given: Description) -> SourceFile | None:
    """The file that says what was checked; None where options, or stdin, say all of it."""
    from kitaru_iac.infrastructure.verify import catalog
    from kitaru_iac.render.source import source_of
    from kitaru_iac.spec.yaml_file import read_document

    if given.file is None or given.file == "-":
        return None
    decided = {key for key, value in given.flags.items() if value is not None}
    return source_of(read_document(given.file), catalog(), decided)


def policy(ctx: typer.Context) -> None:
    """Print the cloud permissions that a stack needs.

    Examples:
        kitaru stack policy -f stack.yaml
        kitaru stack policy prod-k8s --output json
    """
    import json

    from kitaru_iac.infrastructure.verify import policy as needed

    out = current()
    document = needed(_described(ctx))
    out.item(document, json.dumps(document, indent=2).splitlines())


def _described(ctx: typer.Context, *, with_infra: bool = False) -> StackSpec:
    """The description that was given, or that of an existing stack if no more than its name was.

    Credentials beside the name are those of its connector, which the store does not show.
    """
    given = description(ctx)
    if given.file is None and {"--name"} <= set(given.given) <= {"--name", "--credentials"}:
        from kitaru_iac.stacks.export import described

        name, credentials = given.flags["name"], given.flags["credentials"]
        return described(name, credentials, with_infra=with_infra)
    return given.load()
