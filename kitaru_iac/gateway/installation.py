"""What ZenML on this machine is set up with: store, logins, repositories, the active stack.

Every call is one of ZenML's own, muted and with its errors translated. A process that has ZenML
loaded has to tell ZenML of each change: it keeps in memory what its files say.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from kitaru_iac.errors import NotConnectedError
from kitaru_iac.gateway.calls import zenml_call
from kitaru_iac.gateway.forgetting import forget_logins, forget_zenml
from kitaru_iac.gateway.guard import choosing
from kitaru_iac.gateway.quiet import one_at_a_time, quiet
from kitaru_iac.notices import KitaruWarning, NoActiveProject
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from zenml.client import Client

__all__ = [
    "LocalServer",
    "Repository",
    "Settled",
    "activate_stack",
    "forget_what_zenml_holds",
    "initialize_repository",
    "leave_stack",
    "settle",
    "start_local_server",
    "stop_local_server",
]


class Settled(NamedTuple):
    """What is active at a store.

    Attributes:
        project: Its name, where one is active.
        stack: Its name.
        warnings: What else is worth knowing.
    """

    project: str | None
    stack: str | None
    warnings: tuple[KitaruWarning, ...] = ()


class Repository(NamedTuple):
    """A directory that is a ZenML repository.

    Attributes:
        folder: The directory in it that ZenML keeps its settings in.
        created: Whether this call made it; False if it was there.
        active_stack: The stack that is active there.
    """

    folder: Path
    created: bool
    active_stack: str


@dataclass(frozen=True, slots=True)
class LocalServer:
    """ZenML's server on this machine.

    Attributes:
        url: Its address.
        started: Whether this call started it; False if it ran already.
    """

    url: str
    started: bool


@contextmanager
def _client() -> Iterator[Client]:
    with zenml_call():
        from zenml.client import Client

        yield Client()


# -- the active stack ------------------------------------------------------------------------------


def activate_stack(stack_id: str) -> str:
    """Make a stack active, and say where: in the ``repository`` around here, else ``global``."""
    with _client() as client:
        client.activate_stack(UUID(stack_id))
        return "repository" if client.root is not None else "global"


def leave_stack(scopes: list[str], for_stack: str) -> None:
    """Make another stack, by its id, the active one in these scopes."""
    with _client() as client, choosing():
        from zenml.config.global_config import GlobalConfiguration

        if "repository" in scopes:
            client.activate_stack(UUID(for_stack))
        if "global" in scopes:
            GlobalConfiguration().set_active_stack(client.get_stack(UUID(for_stack)))


# -- the store and its logins ----------------------------------------------------------------------


def settle(project: tuple[str, str] | None = None) -> Settled:
    """Set the project, and see what is active now.

    Args:
        project: Its id and name; None leaves what ZenML chose.
    """
    with zenml_call():
        from zenml.client import Client
        from zenml.config.global_config import GlobalConfiguration

        Client._reset_instance()
        client = Client()
        if project is not None:
            client.set_active_project(project[0])
        stack = client.active_stack_model.name
        if GlobalConfiguration().active_project_id is None:
            hint = NoActiveProject("No project is active there: kitaru login URL --project NAME")
            return Settled(None, stack, (hint,))
        return Settled(project[1] if project else client.active_project.name, stack)


def forget_what_zenml_holds() -> None:
    """Let ZenML read its files anew in this process, which somebody else has written."""
    # Not a `zenml_call`, which reads the settings: they may be what is damaged.
    with one_at_a_time, quiet():
        forget_zenml()
        forget_logins()


def initialize_repository(target: Path) -> Repository:
    """Make a directory a ZenML repository, as ``zenml init`` does, if it is none yet.

    Raises:
        PermissionError: It may not be written to.
        NotConnectedError: The store that this machine is connected to does not answer.
    """
    refused: PermissionError | None = None
    with zenml_call():
        from zenml.client import Client
        from zenml.constants import REPOSITORY_DIRECTORY_NAME

        folder = target / REPOSITORY_DIRECTORY_NAME
        created = not folder.is_dir()
        active = ""
        try:
            if created:
                Client.initialize(root=target)
            client = Client(root=target)
            _ = client.zen_store  # makes a new local store, with its default stack
            active = client.active_stack_model.name
        except PermissionError as error:
            refused = error  # not ZenML's refusal, as which it would be translated
        Client._reset_instance()  # the next look finds the new repository
    if refused is not None:
        raise refused
    return Repository(folder, created, active)


# -- a server of this machine ----------------------------------------------------------------------


def start_local_server(port: int | None) -> LocalServer:
    """Start ZenML's server on this machine, if none runs, and let ZenML use it.

    Args:
        port: Where it listens; None for ZenML's own choice.

    Raises:
        NotConnectedError: It did not start.
    """
    with zenml_call():
        from zenml.enums import ServerProviderType
        from zenml.utils.server_utils import get_local_server
        from zenml.zen_server.deploy.deployer import LocalServerDeployer
        from zenml.zen_server.deploy.deployment import LocalServerDeploymentConfig

        before = get_local_server()
        is_running = before is not None and before.is_running
        deployer = LocalServerDeployer()
        if not is_running:
            given = {"provider": ServerProviderType.DAEMON} | ({"port": port} if port else {})
            config = LocalServerDeploymentConfig.model_validate(given)
            try:
                deployer.deploy_server(config, restart=before is not None)
            except RuntimeError as error:
                why = str(error).strip().splitlines()[0]
                raise NotConnectedError("The local server did not start", why=why) from error
        deployer.connect_to_server()
        server = deployer.get_server()
        return LocalServer(str(server.status.url) if server.status else "", not is_running)


def stop_local_server() -> bool:
    """Stop ZenML's server on this machine, if one runs or left its traces."""
    with zenml_call():
        from zenml.utils.server_utils import get_local_server
        from zenml.zen_server.deploy.deployer import LocalServerDeployer

        if get_local_server() is None:
            return False
        LocalServerDeployer().remove_server()
        return True
