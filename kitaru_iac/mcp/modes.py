"""What a server lets agents do: three modes, each with what the one before it has."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Mode"]


class Mode(StrEnum):
    """How much a server allows. The order is that of the members."""

    READ_ONLY = "read-only"
    STANDARD = "standard"
    DESTRUCTIVE = "destructive"

    def includes(self, other: Mode) -> bool:
        """Whether this mode has what another one has."""
        order = list(Mode)
        return order.index(self) >= order.index(other)
