"""`kitaru stack export`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kitaru_iac.cli import completion
from kitaru_iac.cli.output import current as output

if TYPE_CHECKING:
    from kitaru_iac.stacks.export import Exported

__all__ = ["export"]


def export(
    stacks: Annotated[
        list[str],
        typer.Argument(
            metavar="STACK...",
            help="Names or ids of stacks, or the beginnings of ids.",
            autocompletion=completion.stack_names,
        ),
    ],
) -> None:
    """Write the description that would make a stack that exists.

    Of stacks that Kitaru did not make, too. Secrets are references, never values; what no
    description can say stands in comments.

    Examples:
        kitaru stack export prod > stack.yaml
        kitaru stack export dev prod --output json
    """
    from kitaru_iac.stacks.export import export as described

    found = [described(ref) for ref in stacks]
    out = output()
    out.items([item.to_dict() for item in found], _lines(found))


def _lines(found: Sequence[Exported]) -> Iterator[str]:
    import sys

    from kitaru_iac.cli.formats import written
    from kitaru_iac.spec.variables import escaped

    for number, item in enumerate(found):
        if number:
            yield "---"
        keys = {key: escaped(value) for key, value in item.keys.items()}
        yield from (f"# {' '.join(comment.split())}" for comment in item.comments)
        yield from written(keys, "yaml", sys.stdout).splitlines()
