"""A ZenML server on this machine: start it and connect to it, stop it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from typing import Any

from kitaru_iac.connection.files import (
    files_restored_on_failure,
    refuse_if_fixed_by_environment,
    settled,
)
from kitaru_iac.connection.results import LoggedIn
from kitaru_iac.connection.server import Server
from kitaru_iac.errors import MissingPackages, NotConnectedError
from kitaru_iac.gateway.errors import translate_errors
from kitaru_iac.gateway.quiet import quiet

__all__ = ["login_local", "stop_local_server"]

#: The extra that installs what a local server needs.
SERVER_EXTRA = "server"


def login_local(
    *,
    progress: Callable[[str], None] | None = None,
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
    with files_restored_on_failure(), quiet(), translate_errors():
        from zenml.enums import ServerProviderType
        from zenml.utils.server_utils import get_local_server
        from zenml.zen_server.deploy.deployer import LocalServerDeployer
        from zenml.zen_server.deploy.deployment import LocalServerDeploymentConfig

        before = get_local_server()
        running = before is not None and before.is_running
        fields: dict[str, Any] = {"provider": ServerProviderType.DAEMON}
        if port is not None:
            fields["port"] = port
        deployer = LocalServerDeployer()
        if before is None or not before.is_running:
            try:
                deployer.deploy_server(
                    LocalServerDeploymentConfig(**fields), restart=before is not None
                )
            except RuntimeError as error:
                raise NotConnectedError(
                    "The local server did not start", why=str(error).strip().splitlines()[0]
                ) from error
        deployer.connect_to_server()
        server = deployer.get_server()
        url = str(server.status.url) if server.status else ""
        found = settled(None if project is None else Server(url).project(project))
        version = metadata.version("zenml")
    return LoggedIn(
        url=url,
        server_version=version,
        user="default",
        project=found.project,
        active_stack=found.stack,
        started_local_server=not running,
        warnings=found.warnings,
    )


def stop_local_server() -> bool:
    """Stop ZenML's server on this machine, if one runs or left its traces."""
    from zenml.utils.server_utils import get_local_server
    from zenml.zen_server.deploy.deployer import LocalServerDeployer

    if get_local_server() is None:
        return False
    LocalServerDeployer().remove_server()
    return True
