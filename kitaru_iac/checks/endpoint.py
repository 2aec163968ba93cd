"""Whether an endpoint is reached from here."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from kitaru_iac.checks.probes import Unavailable

__all__ = ["SERVER_TOO", "WHOLE_LIST", "connects"]

#: What a connection from here does not tell.
SERVER_TOO = "whether the ZenML server reaches it was not looked at"
#: What is said beside a command that sets whom an endpoint lets in.
WHOLE_LIST = "it replaces the whole list: put this machine's address and the ZenML server's in it"
_PATIENCE = 5.0
_HTTPS = 443


def connects(where: str, timeout: float) -> bool:
    """Say whether a TCP connection is taken; nothing is sent.

    Args:
        where: ``HOST[:PORT]``; the port of HTTPS where none is named.
        timeout: Seconds at most; no more than a few are waited for.

    Raises:
        Unavailable: That is no address.
    """
    try:
        parts = urlsplit(f"//{where}")
        host, port = parts.hostname or "", parts.port or _HTTPS
        # A name that no machine can have is an error of its encoding.
        host.encode("idna")
    except ValueError as error:
        raise Unavailable("the address that the cloud told is none") from error
    if not host:
        raise Unavailable("the address that the cloud told is none")
    try:
        with socket.create_connection((host, port), min(_PATIENCE, timeout)):
            return True
    except OSError:
        return False
