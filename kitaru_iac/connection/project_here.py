"""The project that is named here, for whatever server: it may have none such."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from kitaru_iac.connection.server import Server
from kitaru_iac.errors import NotFoundError
from kitaru_iac.machine.active_scope import named_project, repository
from kitaru_iac.machine.environment import project as chosen_project
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.settings import CONFIG_FILE
from kitaru_iac.notices import NoActiveProject

__all__ = ["is_not_there", "project_here"]


def project_here(
    server: Server, config: Mapping[str, Any]
) -> tuple[str, str] | NoActiveProject | None:
    """Ask a server for the project that is named here.

    Args:
        server: The server, logged in.
        config: The global settings, where they count too.

    Returns:
        Its id and name; a warning where the server has none such that we may use; None where none
        is named.

    Raises:
        KitaruError: The server does not answer, or not well.
    """
    chosen = chosen_project(os.environ)
    ref = chosen or named_project(config, os.environ)
    if not ref:
        return None
    try:
        return server.project(ref)
    except NotFoundError:
        return is_not_there(ref, "The environment" if chosen else _file_that_names_it())


def is_not_there(ref: str, source: str = "The environment") -> NoActiveProject:
    """Give the warning for a project that is named, and that the store does not have."""
    return NoActiveProject(f"{source} names the project '{ref}', which is not there.")


def _file_that_names_it() -> str:
    if named_project({}, os.environ):
        return str(repository(os.environ))
    return str(config_home() / CONFIG_FILE)
