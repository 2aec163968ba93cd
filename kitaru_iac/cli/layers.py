"""The six layers that choose the stack of a run, for `stack current --explain` and `status`.

The three of a program are known to that program alone, and are shown as such.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from kitaru_iac import redaction
from kitaru_iac.cli.output import Output
from kitaru_iac.cli.output import current as output
from kitaru_iac.errors import StackNotFound
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from kitaru_iac.gateway import Active, Reader, StackRow

__all__ = ["Layers", "explain", "layers_of_status"]

_Find = Callable[[str], "StackRow"]


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer.

    Attributes:
        name: As the documentation has it.
        ref: The stack that it names, as written there; None where it names none.
        stack: That stack's name; None where there is no such stack.
        id: Its id, where it was looked up.
        in_program: Whether only a program knows.
    """

    name: str
    ref: str | None = None
    stack: str | None = None
    id: str | None = None
    in_program: bool = False

    @property
    def said(self) -> str | None:
        """The stack's name, or what is written where there is no such stack."""
        return self.stack if self.stack is not None else self.ref

    def to_dict(self, winner: _Layer) -> dict[str, Any]:
        return {
            "layer": self.name,
            "known": not self.in_program,
            "stack": self.said,
            "id": self.id,
            "exists": self.stack is not None if self.ref is not None else None,
            "wins": self is winner,
        }


@dataclass(frozen=True, slots=True)
class Layers:
    """All six, highest first."""

    every: tuple[_Layer, ...]

    @property
    def winner(self) -> _Layer:
        """The highest that names a stack, of those that are known here."""
        return next(layer for layer in self.every if layer.ref is not None)

    def to_dict(self) -> dict[str, Any]:
        """``{"stack", "id", "source", "layers"}``."""
        winner = self.winner
        return {
            "stack": winner.said,
            "id": winner.id,
            "source": winner.name,
            "layers": [layer.to_dict(winner) for layer in self.every],
        }

    def lines(self, out: Output) -> Iterator[str]:
        """A table, with the winner marked."""
        from kitaru_iac.cli.tables import table

        rows = []
        for layer in self.every:
            said = layer.said or "-"
            if layer.in_program:
                said = "(known to the program alone)"
            elif layer.ref is not None and layer.stack is None:
                said = f"{layer.ref} (does not exist)"
            rows.append(("*" if layer is self.winner else "", layer.name, said))
        marked = [layer is self.winner for layer in self.every]
        yield from table(out, ("", "LAYER", "STACK"), rows, marked=marked)


def explain() -> None:
    """Show which stack a run from here uses, and which layer says so."""
    from kitaru_iac.gateway import open_reader

    with closing(open_reader()) as reader:
        active = reader.active()
        layers = _layers(active.name, active.id, reader.find)
    out = output()
    out.item(layers.to_dict(), _explained(out, layers, active))
    winner = layers.winner
    if winner.stack is None:
        raise StackNotFound(
            f"No stack has the name or id '{redaction.value(winner.ref)}'",
            where=winner.name,
            remedy="See them all with: kitaru stack list",
        )


def layers_of_status(active: str, *, is_made: bool) -> Layers:
    """The layers, where the active stack's name is known already.

    The store is asked only if the environment or the project names a stack.

    Args:
        active: The active stack's name.
        is_made: Whether there is a store that could be asked.

    Raises:
        KitaruError: One of them says what makes no sense, or the store does not answer.
    """
    from kitaru_iac.gateway import open_reader

    readers: list[Reader] = []

    def find(ref: str) -> StackRow:
        if not is_made:
            raise StackNotFound(f"No stack has the name or id '{redaction.value(ref)}'")
        if not readers:
            readers.append(open_reader())
        return readers[0].find(ref)

    try:
        return _layers(active, None, find)
    finally:
        for reader in readers:
            reader.close()


def _layers(active: str, active_id: str | None, find: _Find) -> Layers:
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
    return Layers(
        (
            *(_Layer(name, in_program=True) for name in (RUN, FLOW, CONFIGURE)),
            *(_looked_up(name, ref, find) for name, ref in named),
            _Layer(ACTIVE, active, active, active_id),
        )
    )


def _looked_up(name: str, ref: str | None, find: _Find) -> _Layer:
    if ref is None:
        return _Layer(name)
    try:
        row = find(ref)
    except StackNotFound:
        return _Layer(name, ref)
    return _Layer(name, ref, row.name, row.id)


def _explained(out: Output, layers: Layers, active: Active) -> Iterator[str]:
    from kitaru_iac.cli.scope import scope_words

    yield from layers.lines(out)
    yield f"The active stack is chosen by {scope_words(active.scope, active.source)}."
