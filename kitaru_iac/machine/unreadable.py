"""The one signal inside the fast reader: leave this to ZenML."""

from __future__ import annotations

__all__ = ["UnreadableError"]


class UnreadableError(Exception):
    """The fast way does not know this store or this answer; ZenML's own client has to be asked.

    Its text says why. It never leaves `kitaru_iac.gateway`, except from `fast_reader`.
    """
