"""`kitaru stack schema`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from kitaru_iac.cli.options import MORE
from kitaru_iac.cli.output import current as output

__all__ = ["schema"]


def schema(
    of: Annotated[
        Literal["stack", "shared", "plan"],
        typer.Option(
            "--of",
            metavar="WHAT",
            help="Of what: stack (stack.yaml), shared (kitaru.yaml) or plan (what preview --out "
            "writes).",
            rich_help_panel=MORE,
        ),
    ] = "stack",
) -> None:
    """Print the JSON Schema of stack.yaml, for editors.

    Point your editor at it with a first line in the file:
    # yaml-language-server: $schema=./stack.schema.json

    Examples:
        kitaru stack schema > stack.schema.json
        kitaru stack schema --of shared > kitaru.schema.json
        kitaru stack schema --of plan
    """
    import json

    out = output()
    if of == "plan":
        from kitaru_iac.plan.schema import plan_schema

        document = plan_schema()
    elif of == "shared":
        from kitaru_iac.spec.shared import shared_schema

        document = shared_schema()
    else:
        from kitaru_iac.spec import json_schema

        document = json_schema()
    if out.structured:
        out.document(document)
    else:
        out.lines(json.dumps(document, indent=2).splitlines())
