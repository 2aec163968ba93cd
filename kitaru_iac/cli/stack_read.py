"""`kitaru stack list` and `kitaru stack current`."""

from __future__ import annotations

from kitaru_iac.cli.output import current as output
from kitaru_iac.cli.scope import scope_words

__all__ = ["current", "list_"]


def list_() -> None:
    """List all stacks and mark the active one.

    Examples:
        kitaru stack list
        kitaru stack list --output json
    """
    from kitaru_iac.cli.tables import table
    from kitaru_iac.records.reader import open_reader

    out = output()
    reader = open_reader()
    try:
        rows = list(reader.stacks())
    finally:
        reader.close()
    cells = [
        (
            "*" if row.is_active else "",
            row.name,
            row.id,
            "yes" if row.is_managed else "no",
        )
        for row in rows
    ]
    lines = table(
        out, ("ACTIVE", "NAME", "ID", "MANAGED"), cells, marked=[row.is_active for row in rows]
    )
    out.items([row.to_dict() for row in rows], lines)


def current() -> None:
    """Show the active stack, and which scope chose it.

    The environment variable ZENML_ACTIVE_STACK_ID goes before the directory's own choice
    (kitaru init), and that before the choice of this machine's user.

    Examples:
        kitaru stack current
        kitaru stack current --output json
    """
    from kitaru_iac.cli.tables import pairs
    from kitaru_iac.records.reader import open_reader

    out = output()
    reader = open_reader()
    try:
        active = reader.active()
    finally:
        reader.close()
    if active.stale:
        out.warn(
            f"{active.source} names the stack {active.stale}, which does not exist any more; "
            f"'{active.name}' takes its place."
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
