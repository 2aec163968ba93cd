"""What a code host can refuse; the tree is in `kitaru_iac.errors`."""

from __future__ import annotations

from kitaru_iac.errors import KitaruError

__all__ = ["HostError"]


class HostError(KitaruError):
    """A code host is away, refuses, or answers with what cannot be used."""

    code = "host_failed"
