"""Whether the connector of a stack is who looks: the same question on every cloud."""

from __future__ import annotations

from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.model import BaseSpec

__all__ = ["unseen"]


def unseen(spec: BaseSpec, server: str | None, whose: str | None) -> str | None:
    """Say why the connector is another identity than the one that looks, and not told.

    ZenML makes the session of an implicit connector where the store is: in a server, with that
    one's identity.

    Args:
        spec: The description.
        server: The address of the server that stores the stack; None for a local store.
        whose: What the description's credentials are in a server, as ``its own AWS identity``; None
            where they are the same everywhere.

    Returns:
        None where it is who looks.
    """
    if spec.connector is not None:
        return f"the stack uses the connector {spec.connector}, whose identity is not told here"
    runs_here = spec.type is StackType.LOCAL and spec.credentials is None
    if server is None or runs_here or whose is None:
        return None
    return (
        f"the stack is stored in {server}, where these credentials are {whose}, "
        "not what they are here"
    )
