"""Whether an endpoint is reached from here."""

from __future__ import annotations

import socket

__all__ = ["SERVER_TOO", "connects"]

#: What a connection from here does not tell.
SERVER_TOO = "whether the ZenML server reaches it was not looked at"
_PATIENCE = 5.0


def connects(host: str, port: int, timeout: float) -> bool:
    """Say whether a TCP connection is taken; nothing is sent.

    Args:
        host: Its name or address.
        port: Its port.
        timeout: Seconds at most; no more than a few are waited for.
    """
    try:
        with socket.create_connection((host, port), min(_PATIENCE, timeout)):
            return True
    except OSError:
        return False
