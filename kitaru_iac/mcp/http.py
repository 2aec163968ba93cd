"""Who may speak to the server over HTTP: a request with its token, from this machine, to this name.

A page in a browser can send requests to a port of this machine under a name of its own choice (DNS
rebinding), so the names in ``Host`` and ``Origin`` count as well as the token.
"""

from __future__ import annotations

import hmac

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["guarded"]

_SCHEME = b"bearer "


def guarded(app: ASGIApp, address: str, token: str) -> ASGIApp:
    """Put the guard before an application: no path is reached without the token.

    Args:
        app: The application.
        address: Where it listens, as ``127.0.0.1:8765``.
        token: What each request has to carry as its bearer token.
    """
    port = address.rpartition(":")[2]
    hosts = {f"{name}:{port}".encode() for name in ("127.0.0.1", "localhost")}
    origins = {b"http://" + host for host in hosts}

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        refusal = _refusal(scope, hosts, origins, token)
        if refusal is not None:
            await refusal(scope, receive, send)
        else:
            await app(scope, receive, send)

    return guard


def _refusal(
    scope: Scope, hosts: set[bytes], origins: set[bytes], token: str
) -> PlainTextResponse | None:
    headers: dict[bytes, list[bytes]] = {}
    for name, value in scope.get("headers", ()):
        headers.setdefault(name.lower(), []).append(value)
    if scope["type"] != "http":
        return PlainTextResponse("Only HTTP is served here\n", 400)
    if len(named := headers.get(b"host", [])) != 1 or named[0].lower() not in hosts:
        return PlainTextResponse("This server has another name\n", 421)
    if any(origin.lower() not in origins for origin in headers.get(b"origin", [])):
        return PlainTextResponse("Pages of other origins are not served\n", 403)
    given = headers.get(b"authorization", [])
    if len(given) != 1 or not _is(given[0], token):
        return PlainTextResponse(
            "A bearer token is needed\n", 401, headers={"WWW-Authenticate": "Bearer"}
        )
    return None


def _is(header: bytes, token: str) -> bool:
    if header[: len(_SCHEME)].lower() != _SCHEME:
        return False
    return hmac.compare_digest(header[len(_SCHEME) :].strip(), token.encode())
