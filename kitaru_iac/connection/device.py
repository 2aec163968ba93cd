"""Log in with a browser: the OAuth2 device flow of ZenML servers (RFC 8628)."""

from __future__ import annotations

import os
import platform
import sys
import time
import webbrowser
from collections.abc import Callable

from kitaru_iac._version import __version__
from kitaru_iac.connection.server import Refused, Server, ServerInfo
from kitaru_iac.errors import NotAllowedError
from kitaru_iac.gateway.http import Json

__all__ = ["token_from_browser"]

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def token_from_browser(
    server: Server, info: ServerInfo, client_id: str, tell: Callable[[str], None]
) -> dict[str, Json]:
    """Let a person confirm the login, and get the token.

    Args:
        server: Where to log in. It uses the token from now on.
        info: What it says about itself.
        client_id: This installation's id.
        tell: Is told the address to open.

    Returns:
        The server's answer with ``access_token``, as ZenML's `OAuthTokenResponse` takes it.

    Raises:
        NotAllowedError: It was refused, or nobody confirmed it in time.
    """
    if info.pro_api_url:
        raise NotAllowedError(
            f"{server.url} is a ZenML Pro workspace: its logins are made by ZenML itself",
            remedy=f"Run: zenml login {server.url}\nOr give an API key with --api-key env:NAME.",
        )
    try:
        device = _fields(
            server.post("/device_authorization", {"client_id": client_id}, _user_agent())
        )
    except Refused as error:
        raise NotAllowedError(
            f"The server {server.url} has no login through a browser",
            why=f"HTTP status {error.status}",
            remedy="Give an API key with --api-key env:NAME.",
        ) from error
    address = str(device.get("verification_uri_complete") or device.get("verification_uri") or "/")
    address = server.url + address if address.startswith("/") else address
    tell(address)
    if _has_desktop():
        webbrowser.open(address)
    form = {
        "grant_type": _GRANT,
        "client_id": client_id,
        "device_code": str(device.get("device_code")),
    }
    interval = _seconds(device.get("interval"), 5)
    deadline = time.monotonic() + _seconds(device.get("expires_in"), 300)
    while time.monotonic() < deadline:
        try:
            answer = _fields(server.post("/login", form))
        except Refused as error:
            reason = error.body.get("error")
            if reason == "slow_down":
                interval += 5
            elif reason != "authorization_pending":
                raise NotAllowedError(
                    f"The server {server.url} refused the login",
                    why=str(error.body.get("error_description") or reason or error),
                ) from error
            time.sleep(interval)
        else:
            server.use_token(str(answer.get("access_token")))
            return answer
    raise NotAllowedError("Nobody confirmed the login in time", remedy="Run the command again.")


def _fields(answer: Json) -> dict[str, Json]:
    return answer if isinstance(answer, dict) else {}


def _seconds(value: Json, default: float) -> float:
    return float(value) if isinstance(value, int | float) and value else default


def _user_agent() -> dict[str, str]:
    """What the server shows a person who is to confirm: which machine asks."""
    words = {
        "Host": platform.node(),
        "kitaru-iac": __version__,
        "Python": platform.python_version(),
        "OS": platform.system(),
    }
    return {"User-Agent": " ".join(f"{name}/{value}" for name, value in words.items())}


def _has_desktop() -> bool:
    """Whether a browser would open in a window; one in this terminal would spoil the output."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
