"""`kitaru status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kitaru_iac.cli.output import current as output
from kitaru_iac.errors import ExitCode

if TYPE_CHECKING:
    from kitaru_iac.cli.layers import Layers
    from kitaru_iac.connection.status import Status

__all__ = ["status"]


def status(
    timeout: Annotated[
        int, typer.Option(metavar="SECONDS", help="How long to wait for each answer of the server.")
    ] = 5,
) -> int:
    """Show what this machine is connected to.

    The store or server, versions on both sides, user, project, and the active stack with the scope
    that chose it; then the six layers that choose the stack of a run, and which wins. Exit code 6
    if the server does not answer or does not accept the login.

    Examples:
        kitaru status
        kitaru status --output json
    """
    from kitaru_iac.cli.numbers import LONGEST, require_within
    from kitaru_iac.cli.scope import scope_words
    from kitaru_iac.cli.tables import pairs
    from kitaru_iac.connection.status import status as look

    require_within("--timeout", timeout, 1, LONGEST)
    out = output()
    found = look(timeout=timeout)
    scope = scope_words(found.scope, found.scope_source or "") if found.scope is not None else None
    rows = [
        ("Connected to", found.url if found.kind == "server" else f"local store, {found.url}"),
        (
            "  because of",
            "nothing else: it is the default" if found.source == "default" else found.source,
        ),
        ("State", "ready" if found.error is None else found.error),
        ("Server version", found.server_version),
        ("ZenML version here", found.client_version),
        ("User", found.user),
        ("Project", found.project),
        ("Active stack", found.active_stack),
        ("  chosen by", scope),
        ("Configuration", found.config_directory),
        ("kitaru-iac version", found.version),
    ]
    if found.remedy and found.error:
        rows.insert(3, ("What to do", found.remedy))
    for warning in found.warnings:
        out.warn(warning)
    lines = list(pairs(out, [(name, value) for name, value in rows if value]))
    layers = _layers(found)
    if layers is not None:
        lines += ["", *layers.lines(out)]
    item = {**found.to_dict(), "run_stack": layers.to_dict() if layers else None}
    out.item(item, lines)
    return int(ExitCode.DONE if found.error is None else ExitCode.NOT_CONNECTED)


def _layers(found: Status) -> Layers | None:
    """What chooses the stack of a run; None where that cannot be said, which is no failure here."""
    from kitaru_iac.cli.layers import layers_of_status
    from kitaru_iac.errors import KitaruError
    from kitaru_iac.notices import StoreNotCreated

    if found.error is not None or found.active_stack is None:
        return None
    try:
        # What looks must not make a store.
        is_made = not any(isinstance(warning, StoreNotCreated) for warning in found.warnings)
        return layers_of_status(found.active_stack, is_made=is_made)
    except KitaruError as error:
        output().note(f"The stack of a run cannot be said: {error}")
        return None
