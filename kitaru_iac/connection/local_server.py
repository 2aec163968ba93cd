"""Start a ZenML server on this machine, and connect to it."""

from __future__ import annotations

import os
from importlib import metadata

from kitaru_iac.callbacks import ProgressCallback
from kitaru_iac.connection.files import files_restored_on_failure, refuse_if_fixed_by_environment
from kitaru_iac.connection.results import LoggedIn
from kitaru_iac.connection.server import Server
from kitaru_iac.errors import MissingPackages
from kitaru_iac.gateway.installation import settle, start_local_server
from kitaru_iac.machine.environment import project_for_login

__all__ = ["login_local"]

#: The extra that installs what a local server needs.
SERVER_EXTRA = "server"


def login_local(
    *,
    progress: ProgressCallback | None = None,
    project: str | None = None,
    port: int | None = None,
) -> LoggedIn:
    """Start a ZenML server on this machine, if none runs, and connect to it.

    Raises:
        MissingPackages: What it needs is not installed; the remedy is the command that installs it.
        NotConnectedError: It did not start.
    """
    from kitaru_iac.machine.packages import install_command, unmet

    refuse_if_fixed_by_environment()
    lacking = unmet(extra=SERVER_EXTRA)
    if lacking:
        raise MissingPackages(
            "A local server needs packages that are not installed",
            why=", ".join(lacking),
            remedy=f"Install them: {install_command(SERVER_EXTRA)}\n"
            "Or connect to a server that runs: kitaru login URL",
        )
    if progress is not None:
        progress("Starting a local server …")
    project = project_for_login(os.environ) if project is None else project
    with files_restored_on_failure():
        server = start_local_server(port)
        found = settle(None if project is None else Server(server.url).project(project))
    return LoggedIn(
        url=server.url,
        server_version=metadata.version("zenml"),
        user="default",
        project=found.project,
        active_stack=found.stack,
        started_local_server=server.started,
        warnings=found.warnings,
    )
