"""`kitaru stack schema`."""

from __future__ import annotations

from kitaru_iac.cli.output import current as output

__all__ = ["schema"]


def schema() -> None:
    """Print the JSON Schema of stack.yaml, for editors.

    Point your editor at it with a first line in the file:
    # yaml-language-server: $schema=./stack.schema.json

    Examples:
        kitaru stack schema > stack.schema.json
    """
    import json

    from kitaru_iac.spec import json_schema

    out = output()
    document = json_schema()
    if out.structured:
        out.document(document)
    else:
        out.lines(json.dumps(document, indent=2).splitlines())
