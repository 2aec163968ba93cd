"""`kitaru stack current --explain`: the six layers that choose the stack of a run.

The three of a program are known to that program alone, and are shown as such.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kitaru_iac.cli.output import Output
from kitaru_iac.cli.output import current as output
from kitaru_iac.errors import StackNotFound

if TYPE_CHECKING:
    from kitaru_iac.gateway import Active, Reader

__all__ = ["explain"]


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer.

    Attributes:
        name: As the documentation has it.
        ref: The stack that it names, as written there; None where it names none.
        stack: That stack's name; None where there is no such stack.
        id: Its id.
        in_program: Whether only a program knows.
    """

    name: str
    ref: str | None = None
    stack: str | None = None
    id: str | None = None
    in_program: bool = False

    def to_dict(self, winner: _Layer) -> dict[str, Any]:
        return {
            "layer": self.name,
            "known": not self.in_program,
            "stack": self.stack if self.stack is not None else self.ref,
            "id": self.id,
            "exists": self.id is not None if self.ref is not None else None,
            "wins": self is winner,
        }


def explain() -> None:
    """Show which stack a run from here uses, and which layer says so."""
    from kitaru_iac.gateway import open_reader
    from kitaru_iac.machine.run_defaults import (
        ACTIVE,
        CONFIGURE,
        ENVIRONMENT,
        FLOW,
        PROJECT,
        RUN,
        environment_defaults,
        project_defaults,
    )

    named = ((ENVIRONMENT, environment_defaults().stack), (PROJECT, project_defaults().stack))
    with closing(open_reader()) as reader:
        active = reader.active()
        layers = [_Layer(name, in_program=True) for name in (RUN, FLOW, CONFIGURE)]
        layers.extend(_looked_up(name, ref, reader) for name, ref in named)
    layers.append(_Layer(ACTIVE, active.name, active.name, active.id))
    winner = next(layer for layer in layers if layer.ref is not None)
    out = output()
    item = {
        "stack": winner.stack if winner.stack is not None else winner.ref,
        "id": winner.id,
        "source": winner.name,
        "layers": [layer.to_dict(winner) for layer in layers],
    }
    out.item(item, _lines(out, layers, winner, active))
    if winner.id is None:
        raise StackNotFound(
            f"No stack has the name or id '{winner.ref}'",
            where=winner.name,
            remedy="See them all with: kitaru stack list",
        )


def _looked_up(name: str, ref: str | None, reader: Reader) -> _Layer:
    if ref is None:
        return _Layer(name)
    try:
        row = reader.find(ref)
    except StackNotFound:
        return _Layer(name, ref)
    return _Layer(name, ref, row.name, row.id)


def _lines(out: Output, layers: list[_Layer], winner: _Layer, active: Active) -> Iterator[str]:
    from kitaru_iac.cli.scope import scope_words
    from kitaru_iac.cli.tables import table

    rows = []
    for layer in layers:
        if layer.in_program:
            said = "(known to the program alone)"
        elif layer.ref is None:
            said = "-"
        else:
            said = layer.stack if layer.stack is not None else f"{layer.ref} (does not exist)"
        rows.append(("*" if layer is winner else "", layer.name, said))
    yield from table(
        out, ("", "LAYER", "STACK"), rows, marked=[layer is winner for layer in layers]
    )
    yield f"The active stack is chosen by {scope_words(active.scope, active.source)}."
