"""Log in with a browser: the OAuth2 device flow of ZenML servers (RFC 8628)."""

from __future__ import annotations

import os
import platform
import re
import sys
import time
import webbrowser
from collections.abc import Callable

from kitaru_iac._version import __version__
from kitaru_iac.connection.server import Refused, Server, ServerInfo
from kitaru_iac.errors import KitaruError, NotAllowedError, NotConnectedError
from kitaru_iac.gateway import answers
from kitaru_iac.gateway.http import Json
from kitaru_iac.gateway.routes import parsed

__all__ = ["token_from_browser"]

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_PENDING = "authorization_pending"
#: So many answers in a row do not come before that is told: a person is at work meanwhile.
_MOST_LOST = 3


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
        NotConnectedError: It does not answer as a ZenML server, or fails to the end.
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
    address = _address(server, device)
    tell(address)
    if _has_desktop():
        webbrowser.open(address)
    form = {
        "grant_type": _GRANT,
        "client_id": client_id,
        "device_code": server.field(device, "device_code"),
    }
    interval = _seconds(device.get("interval"), 5, most=60)
    deadline = time.monotonic() + _seconds(device.get("expires_in"), 300, most=3600)
    lost = 0
    failing: KitaruError | None = None
    while time.monotonic() < deadline:
        try:
            server.begin_again()
            answer = _fields(server.post("/login", form))
        except Refused as error:
            reason = error.body.get("error")
            if reason == "slow_down":
                interval += 5
            elif reason != _PENDING and not _is_passing(error.status):
                raise NotAllowedError(
                    f"The server {server.url} refused the login",
                    why=error.said("error_description") or error.said("error") or str(error),
                ) from error
            lost, failing = 0, _failure(error)
        except NotConnectedError as error:
            lost += 1
            failing = error
            if lost == _MOST_LOST:
                raise
            interval = min(2 * interval, 60)
        else:
            server.use_token(server.field(answer, "access_token"))
            return answer
        time.sleep(max(0.0, min(interval, deadline - time.monotonic())))
    if failing is not None:  # somebody may have confirmed it
        raise failing
    raise NotAllowedError("Nobody confirmed the login in time", remedy="Run the command again.")


def _failure(error: Refused) -> KitaruError | None:
    """What is wrong with a server that answers so; None where it waits for the person."""
    if error.body.get("error") == _PENDING or not _is_passing(error.status):
        return None
    return answers.refusal(error.response)


def _is_passing(status: int) -> bool:
    """Whether nobody has decided: a server, or one in front of it, has no time now."""
    return status == 429 or status >= 500


def _fields(answer: Json) -> dict[str, Json]:
    return answer if isinstance(answer, dict) else {}


def _seconds(value: Json, default: float, *, most: float) -> float:
    """What the server says, in measure: we wait an end, and do not ask all the time."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value:
        return default
    return max(1.0, min(float(value), most))


def _address(server: Server, device: dict[str, Json]) -> str:
    """Where a person confirms: a page of the web, or of this server.

    Raises:
        NotConnectedError: It is something else, which no browser is to open.
    """
    named = device.get("verification_uri_complete") or device.get("verification_uri") or "/"
    address = str(named)
    address = server.url + address if re.match(r"/(?!/)", address) else address
    if not re.fullmatch(r"https?://[!-~]{1,2000}", address) or parsed(address) is None:
        raise NotConnectedError(
            f"The server {server.url} does not say where to confirm the login",
            why="What it names is not the address of a page",
            remedy="Give an API key with --api-key env:NAME.",
        )
    return address


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
