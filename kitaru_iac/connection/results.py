"""What connecting and disconnecting give back: plain data, with the JSON of the command line."""

from __future__ import annotations

from typing import Any

from kitaru_iac.notices import KitaruWarning
from kitaru_iac.values import dataclass, fields

__all__ = ["Initialized", "LoggedIn", "LoggedOut"]


@dataclass(frozen=True, slots=True)
class _Result:
    def to_dict(self) -> dict[str, Any]:
        """All filled fields."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        if "warnings" in found:
            found["warnings"] = [warning.to_dict() for warning in found["warnings"]]
        return {key: value for key, value in found.items() if value not in (None, [])}


@dataclass(frozen=True, slots=True)
class Initialized(_Result):
    """A directory that is a ZenML repository.

    Attributes:
        path: The directory.
        repository: The directory in it that ZenML keeps its settings in.
        created: Whether this call made it; False if it was there.
        active_stack: The stack that is active there.
    """

    path: str
    repository: str
    created: bool
    active_stack: str


@dataclass(frozen=True, slots=True)
class LoggedIn(_Result):
    """A connection that was made.

    Attributes:
        url: The server.
        server_version: The version of ZenML it runs.
        user: Who we are there.
        project: The project that is active now.
        active_stack: The stack that is active now.
        started_local_server: Whether the server was started by this call.
        warnings: What else is worth knowing.
    """

    url: str
    server_version: str
    user: str | None = None
    project: str | None = None
    active_stack: str | None = None
    started_local_server: bool = False
    warnings: tuple[KitaruWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class LoggedOut(_Result):
    """What a logout did.

    Attributes:
        was_connected: Whether there was a connection to a server.
        url: That server.
        stopped_local_server: Whether a server on this machine was stopped.
        active_stack: The stack that is active now.
    """

    was_connected: bool
    url: str | None = None
    stopped_local_server: bool = False
    active_stack: str | None = None
