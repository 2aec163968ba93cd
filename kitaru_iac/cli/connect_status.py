"""`kitaru status`."""

from __future__ import annotations

from typing import Annotated

import typer

from kitaru_iac.cli.output import current as output
from kitaru_iac.errors import ExitCode

__all__ = ["status"]


def status(
    timeout: Annotated[
        int, typer.Option(metavar="SECONDS", help="How long to wait for the server's answer.")
    ] = 5,
) -> int:
    """Show what this machine is connected to.

    The store or server, versions on both sides, user, project, and the active stack with the scope
    that chose it. Exit code 6 if the server does not answer or does not accept the login.

    Examples:
        kitaru status
        kitaru status --output json
    """
    from kitaru_iac.cli.scope import scope_words
    from kitaru_iac.cli.tables import pairs
    from kitaru_iac.connection.status import status as look

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
    out.item(found.to_dict(), pairs(out, [(name, value) for name, value in rows if value]))
    return int(ExitCode.DONE if found.error is None else ExitCode.NOT_CONNECTED)
