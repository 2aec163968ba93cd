"""Read stacks from a ZenML store without importing ZenML.

A local SQLite file is read through the standard library, a server through its REST API with the
token that is stored. Whatever is not known (another version's database, another kind of store, an
expired token) is asked of ZenML's own client, and a debug line says why. Nothing is guessed,
written or cached.
"""

from __future__ import annotations

from kitaru_iac.gateway.opening import complete, open_reader, read_stack
from kitaru_iac.gateway.views import (
    DEFAULT_STACK,
    Active,
    ComponentView,
    ConnectorView,
    Reader,
    RowPage,
    StackRow,
    StackView,
    Unread,
)

__all__ = [
    "DEFAULT_STACK",
    "Active",
    "ComponentView",
    "ConnectorView",
    "Reader",
    "RowPage",
    "StackRow",
    "StackView",
    "Unread",
    "complete",
    "open_reader",
    "read_stack",
]
