"""One kept-alive HTTP connection to a ZenML server, through the standard library.

Proxies and certificate authorities are chosen as `requests` chooses them for ZenML, so that what
ZenML reaches and trusts is reached and trusted here, and nothing else is.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from kitaru_iac._version import __version__
from kitaru_iac.errors import NotConnectedError
from kitaru_iac.machine.unreadable import UnreadableError

__all__ = ["Connection", "insist_on_answer"]

#: Seconds that a server has to take a connection.
_REACH = 10


def insist_on_answer(url: str, environ: Mapping[str, str]) -> None:
    """Knock at a server's door. ZenML itself would try for half a minute before it says so.

    Args:
        url: The server.
        environ: The environment variables: proxies.

    Raises:
        NotConnectedError: Nobody takes the connection.
    """
    target = urlsplit(url)
    try:
        address = _address(_proxy(target, environ) or target)
        socket.create_connection(address, timeout=_REACH).close()
    except UnreadableError:
        return  # by a way that only ZenML knows
    except (OSError, ValueError) as error:
        raise _no_answer(url, error) from error


def _no_answer(url: str, error: Exception) -> NotConnectedError:
    target = urlsplit(url)
    shown = target._replace(netloc=target.netloc.rpartition("@")[2])  # without a password
    return NotConnectedError(
        "The ZenML server does not answer",
        where=shown.geturl(),
        why=str(error) or type(error).__name__,
        remedy="See what you are connected to with: kitaru status",
    )


class Connection:
    """GET requests to one server.

    Args:
        url: The server, without a slash at the end.
        token: The bearer token, if any.
        verify: As `location.RestStore.verify`.
        timeout: Seconds to connect, and to wait for an answer.
        environ: The environment variables: proxies and CA bundles.

    Raises:
        UnreadableError: The way to it is not one that is known here (a SOCKS proxy).
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        verify: bool | str,
        timeout: int,
        environ: Mapping[str, str],
    ) -> None:
        self._url = url
        target = urlsplit(url)
        if not target.hostname or target.username:
            raise UnreadableError("the server's URL is not a plain one")
        self._prefix = target.path
        self._headers = {"Accept": "application/json", "User-Agent": f"kitaru-iac/{__version__}"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        proxy = _proxy(target, environ)
        self._http: http.client.HTTPConnection
        if target.scheme == "https":
            context = _tls(verify, environ)
            host, port = _address(proxy or target)
            self._http = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
            if proxy:
                self._http.set_tunnel(target.hostname, _port(target), _proxy_headers(proxy))
        elif proxy:
            self._http = http.client.HTTPConnection(*_address(proxy), timeout=timeout)
            self._prefix = url  # a proxy is asked for the whole URL
            self._headers |= _proxy_headers(proxy)
        else:
            self._http = http.client.HTTPConnection(*_address(target), timeout=timeout)

    def get(self, path: str) -> Any:
        """The JSON document at a path below the server's URL.

        Raises:
            NotConnectedError: The server cannot be reached.
            UnreadableError: It answers with anything but a document.
        """
        try:
            status, body = self._exchange(path)
        except http.client.HTTPException as error:
            raise UnreadableError(f"the server does not speak HTTP: {error!r}") from error
        except OSError as error:
            raise _no_answer(self._url, error) from error
        if status == 401:
            raise UnreadableError("the server requires a new login (401)")
        if status != 200:
            raise UnreadableError(f"the server answered with status {status}")
        try:
            return json.loads(body)
        except ValueError as error:
            raise UnreadableError("the server answered with something else than JSON") from error

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _exchange(self, path: str) -> tuple[int, bytes]:
        reused = self._http.sock is not None
        try:
            return self._ask(path)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # A server may close an idle connection at any time; only then is it asked again.
            self._http.close()
            if not reused:
                raise
            return self._ask(path)

    def _ask(self, path: str) -> tuple[int, bytes]:
        self._http.request("GET", self._prefix + path, headers=self._headers)
        response = self._http.getresponse()
        return response.status, response.read()


def _address(url: SplitResult) -> tuple[str, int]:
    return str(url.hostname), _port(url)


def _port(target: SplitResult) -> int:
    return target.port or (443 if target.scheme == "https" else 80)


def _tls(verify: bool | str, environ: Mapping[str, str]) -> ssl.SSLContext:
    if verify is False:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if verify is True:
        bundle = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or _certifi()
    else:
        bundle = verify
    try:
        if "-----BEGIN" in bundle:
            return ssl.create_default_context(cadata=bundle)
        if Path(bundle).is_dir():
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)
    except (OSError, ValueError) as error:
        raise UnreadableError(f"the CA bundle cannot be used: {error}") from error


def _certifi() -> str:
    """The authorities that `requests` trusts."""
    try:
        import certifi
    except ImportError as error:
        raise UnreadableError("certifi is not installed") from error
    return certifi.where()


def _proxy(target: SplitResult, environ: Mapping[str, str]) -> SplitResult | None:
    chosen = None
    for name in (f"{target.scheme}_proxy", "all_proxy"):
        chosen = environ.get(name) or environ.get(name.upper())
        if chosen:
            break
    if not chosen or _bypassed(target, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return None
    proxy = urlsplit(chosen if "://" in chosen else f"http://{chosen}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise UnreadableError(f"a proxy of the kind {proxy.scheme!r}")
    return proxy


def _bypassed(target: SplitResult, no_proxy: str) -> bool:
    host = target.hostname or ""
    entries = [entry for entry in no_proxy.lower().replace(" ", "").split(",") if entry]
    if "*" in entries:
        return True
    if any(host.endswith(entry) or f"{host}:{_port(target)}".endswith(entry) for entry in entries):
        return True
    networks = [entry for entry in entries if "/" in entry]
    if not networks:
        return False
    from ipaddress import ip_address, ip_network

    try:
        address = ip_address(host)
        return any(address in ip_network(network, strict=False) for network in networks)
    except ValueError:
        return False


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + b64encode(user.encode()).decode()}
