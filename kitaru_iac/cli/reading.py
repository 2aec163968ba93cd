"""What `stack list`, `current`, `show` and `use` do; how they are called is in `stack_*.py`.

Nothing here, nor what it imports, needs the parser: see `short`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING

from kitaru_iac.cli.output import current as output
from kitaru_iac.machine.interrupts import faces
from kitaru_iac.notices import ActiveStackMissing, SelectionOverridden

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitaru_iac.gateway import StackRow

__all__ = ["current", "list_", "show", "use"]

_HEADS = ("ACTIVE", "NAME", "ID", "MANAGED")
#: So many stacks make a page of `stack list`.
_PAGE = 100
#: So many rows say how wide the columns of a list are; those after them are written as they come.
_MEASURED = 1000


def list_(limit: int | None = None, page: int | None = None) -> None:
    """`kitaru stack list`: all stacks, or one page of them."""
    from kitaru_iac.gateway import open_reader

    out = output()
    for option, value in (("--limit", limit), ("--page", page)):
        if value is not None and value < 1:
            _refuse(option, value)
    with closing(open_reader()) as reader:
        if limit is None and page is None:
            if out.structured:  # a document is written whole, or not at all
                out.items([row.to_dict() for row in reader.stacks()], ())
            else:
                out.lines(_table(reader.stacks()))
            return
        number, size = page or 1, limit or _PAGE
        found = reader.page(number, size)
    shown = (number - 1) * size + len(found.rows)
    following = number + 1 if found.rows and shown < found.total else None
    more = {"total": found.total, "page": number, "next_page": following}
    out.items([row.to_dict() for row in found.rows], _table(found.rows), more)
    if not found.rows:
        out.note(f"There is no page {number}: {_stacks(found.total)} in all.")
    elif following:
        out.note(
            f"{shown - len(found.rows) + 1} to {shown} of {_stacks(found.total)}. "
            f"The next: kitaru stack list --limit {size} --page {following}"
        )


def current() -> None:
    """`kitaru stack current`."""
    from kitaru_iac.cli.scope import scope_words
    from kitaru_iac.cli.tables import pairs
    from kitaru_iac.gateway import open_reader

    out = output()
    with closing(open_reader()) as reader:
        active = reader.active()
    if active.stale:
        out.warn(
            ActiveStackMissing(
                f"{active.source} names the stack {active.stale}, which does not exist any more; "
                f"'{active.name}' is used instead."
            )
        )
    rows = [
        ("Active stack", active.name),
        ("Stack ID", active.id),
        ("Chosen by", scope_words(active.scope, active.source)),
    ]
    item = {
        "id": active.id,
        "name": active.name,
        "is_active": True,
        "scope": active.scope,
        "source": active.source,
    }
    out.item(item, pairs(out, rows))


def show(stack: str | None = None) -> None:
    """`kitaru stack show`."""
    from kitaru_iac.gateway import open_reader
    from kitaru_iac.gateway.masking import shown
    from kitaru_iac.records.owner import owner_of
    from kitaru_iac.render.stack import show_item, show_lines

    out = output()
    with closing(open_reader()) as reader:
        view = reader.stack(stack if stack is not None else reader.active().id)
    owner = owner_of(view.labels)
    item = show_item(shown(view).to_dict(), owner.to_dict() if owner else None)
    out.item(item, show_lines(item, out.style))


def use(stack: str) -> None:
    """`kitaru stack use`."""
    from kitaru_iac.cli.scope import scope_words
    from kitaru_iac.connection.active import in_words
    from kitaru_iac.stacks import operations

    out = output()
    done = operations.use(stack)
    faces.done = in_words(done.name, done.overridden_by)
    before = done.previous_active_stack
    if done.overridden_by:
        out.warn(
            SelectionOverridden(
                f"{done.overridden_by} is set and takes precedence over this choice: runs from "
                "this shell use the stack it names until you unset it."
            )
        )
    line = f"{before} → {done.name}" if before and before != done.name else done.name
    if not done.is_active:
        line = f"{done.name}, when {done.overridden_by} is unset"
    out.item(done.to_dict(), [f"Active stack: {line}"])
    if done.scope == "repository":
        out.note(f"Holds for {scope_words('repository', 'that kitaru init prepared')}.")


def _table(rows: Iterable[StackRow]) -> Iterator[str]:
    """The lines of the list, while they are read."""
    from kitaru_iac.cli.tables import table

    rest = iter(rows)
    measured = list(islice(rest, _MEASURED))
    return table(
        output(),
        _HEADS,
        [_cells(row) for row in measured],
        marked=[row.is_active for row in measured],
        more=((_cells(row), row.is_active) for row in rest),
    )


def _cells(row: StackRow) -> tuple[str, ...]:
    return "*" if row.is_active else "", row.name, row.id, "yes" if row.is_managed else "no"


def _stacks(number: int) -> str:
    return f"{number} stack" + ("" if number == 1 else "s")


def _refuse(option: str, value: object) -> None:
    from kitaru_iac.errors import UsageError

    raise UsageError(f"Invalid value for '{option}': {value} is not 1 or more.")
