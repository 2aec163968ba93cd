"""A ZenML server over HTTP, before ZenML is told about it: is it one, which, and does it let us in.

Every answer is waited for no longer than a given time, whatever the network does. Nothing here
imports ZenML or writes anything.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from kitaru_iac.errors import (
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
    UsageError,
)
from kitaru_iac.redaction import SecretText

__all__ = ["Refused", "Server", "ServerInfo", "plain_url", "server_url"]

T = TypeVar("T")
_API = "/api/v1"
_ANSWER_AT_MOST = 4_000_000
_UNAUTHORIZED = (401, 403)


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a ZenML server says about itself.

    Attributes:
        version: The version of ZenML it runs.
        name: Its name, if it has one.
        needs_login: Whether it wants to know who we are.
        pro_api_url: Of a ZenML Pro workspace: where its logins are made.
    """

    version: str
    name: str | None
    needs_login: bool
    pro_api_url: str | None = None


class Refused(Exception):
    """The server answered with an error.

    Attributes:
        status: The HTTP status.
        body: The answer, where it is a JSON mapping.
    """

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.body = body
        super().__init__(f"HTTP status {status}")


class _MovedError(OSError):
    """The answer came from somewhere else."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(address)


def server_url(text: str) -> str:
    """The URL of a server as ZenML keeps it, without a slash at the end.

    Raises:
        UsageError: It is not the URL of a server, or has a password in it.
    """
    url = text.strip()
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        likely = url if "://" not in url else url.partition("://")[2]
        raise UsageError(
            f"'{plain_url(url)}' is not the URL of a server",
            where="URL",
            remedy=f"Did you mean https://{plain_url(likely)}?"
            if likely
            else "Begin with https://.",
        )
    try:
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError("The URL's port is not a number", where="URL", why=str(error)) from error
    if not host:
        raise UsageError(f"'{plain_url(url)}' names no host", where="URL")
    if parts.username or parts.password:
        raise UsageError(
            "The URL holds a user or a password",
            where="URL",
            why="ZenML servers take an API key, and a URL ends up in logs",
            remedy="Leave it out and give the key with --api-key env:NAME.",
        )
    if parts.query or parts.fragment:
        raise UsageError(f"'{plain_url(url)}' has more than an address", where="URL")
    return url.rstrip("/")


def plain_url(url: str) -> str:
    """The URL without user, password and query."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    rest = rest.partition("?")[0].partition("#")[0]
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


class Server:
    """One server.

    Args:
        url: As `server_url` gives it.
        verify_ssl: False, True, or the path or text of a bundle of certificates.
        timeout: Seconds for each answer, from the first attempt to its last byte.
    """

    def __init__(self, url: str, *, verify_ssl: bool | str = True, timeout: float = 15) -> None:
        self.url = url
        self._timeout = timeout
        handlers: list[Any] = [urllib.request.HTTPSHandler(context=_context(verify_ssl))]
        self._opener = urllib.request.build_opener(*handlers)
        self._token: str | None = None

    def __repr__(self) -> str:
        return f"Server({self.url!r})"

    def info(self) -> ServerInfo:
        """What it is.

        Raises:
            NotConnectedError: It does not answer, or is no ZenML server.
        """
        try:
            answer = self.get("/info")
        except Refused as error:
            why = f"{self.url}{_API}/info answered with the HTTP status {error.status}"
            raise self._not_zenml(why) from error
        if not isinstance(answer, dict) or "version" not in answer or "auth_scheme" not in answer:
            raise self._not_zenml(f"{self.url}{_API}/info does not answer as one")
        return ServerInfo(
            version=str(answer["version"]),
            name=answer.get("name"),
            needs_login=answer["auth_scheme"] != "NO_AUTH",
            pro_api_url=answer.get("pro_api_url"),
        )

    def login(self, api_key: str) -> SecretText:
        """Get a token for an API key, and use it from now on.

        Raises:
            NotAllowedError: The server does not accept the key.
        """
        try:
            answer = self.post("/login", {"grant_type": "zenml-api-key", "password": api_key})
        except Refused as error:
            if error.status in (*_UNAUTHORIZED, 400, 422):
                raise NotAllowedError(
                    f"The server {self.url} does not accept the API key",
                    remedy="Check that the key is complete, active and for this server.",
                ) from error
            raise self._failed(error) from error
        return self.use_token(str(answer["access_token"]))

    def use_token(self, token: str) -> SecretText:
        """Send this token from now on."""
        self._token = SecretText(token)
        return self._token

    def user(self) -> str:
        """The name of who we are there.

        Raises:
            NotAllowedError: It does not know us.
        """
        try:
            return str(self.get("/current-user")["name"])
        except Refused as error:
            raise self._failed(error) from error

    def project(self, ref: str) -> tuple[str, str]:
        """The id and name of a project, by either.

        Raises:
            NotFoundError: There is none that we may see.
        """
        try:
            found = self.get(f"/projects/{quote(ref, safe='')}")
        except Refused as error:
            if error.status in (404, 403, 422):
                raise NotFoundError(
                    f"The server has no project '{ref}' that you may use",
                    remedy=self._projects_words(),
                ) from error
            raise self._failed(error) from error
        return str(found["id"]), str(found["name"])

    def _projects_words(self) -> str | None:
        try:
            names = [str(item["name"]) for item in self.get("/projects")["items"]]
        except (Refused, KitaruError, KeyError, TypeError):
            return None
        return f"There are: {', '.join(sorted(names)[:20])}" if names else None

    def stack_name(self, id: str) -> str | None:
        """The name of the stack with this id, None if there is none."""
        try:
            return str(self.get(f"/stacks/{quote(id, safe='')}")["name"])
        except Refused as error:
            if error.status in (404, 422):
                return None
            raise self._failed(error) from error

    # -- HTTP -------------------------------------------------------------------------------------

    def get(self, path: str) -> Any:
        """The JSON answer to a GET of the API.

        Raises:
            Refused: The server answered with an error.
            NotConnectedError: It did not answer.
        """
        return self._call(path, None, {})

    def post(
        self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Any:
        """The JSON answer to a POST of a form; raises as `get` does."""
        return self._call(path, urlencode(form).encode(), dict(headers or {}))

    def _call(self, path: str, data: bytes | None, headers: dict[str, str]) -> Any:
        headers = {"Accept": "application/json", **headers}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self.url + _API + path, data, headers)  # noqa: S310 - http(s)
        try:
            body = _within(self._timeout + 1, lambda: self._read(request))
        except urllib.error.HTTPError as error:
            raise Refused(error.code, _mapping(error)) from None
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from error
        try:
            return json.loads(body)
        except ValueError as error:
            raise self._not_zenml(f"{self.url}{_API}{path} does not answer with JSON") from error

    def _read(self, request: urllib.request.Request) -> bytes:
        with self._opener.open(request, timeout=self._timeout) as answer:
            if not answer.geturl().startswith(self.url + "/"):  # a key must not follow it there
                raise _MovedError(answer.geturl().partition(_API)[0])
            return bytes(answer.read(_ANSWER_AT_MOST))

    # -- errors -----------------------------------------------------------------------------------

    def _unreachable(self, error: Exception) -> NotConnectedError:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        what = f"The server {self.url} does not answer"
        if isinstance(error, _MovedError):
            address = plain_url(error.address)
            return NotConnectedError(
                f"{self.url} redirects to another address",
                remedy=f"Use that one: kitaru login {address}",
            )
        if isinstance(reason, ssl.SSLCertVerificationError):
            return NotConnectedError(
                f"The certificate of {self.url} is not trusted",
                why=reason.verify_message,
                remedy="Give its authority's certificates with --ca-cert FILE.",
            )
        if isinstance(reason, ssl.SSLError):
            return NotConnectedError(
                what, why="It does not speak TLS", remedy="Does its URL begin with http://?"
            )
        if isinstance(reason, socket.gaierror):
            host = urlsplit(self.url).hostname
            return NotConnectedError(what, why=f"There is no host named {host}")
        if isinstance(reason, ConnectionRefusedError):
            return NotConnectedError(what, why="Nothing listens there")
        if isinstance(reason, TimeoutError):
            return NotConnectedError(what, why=f"No answer within {self._timeout:g} seconds")
        if isinstance(reason, HTTPException | ConnectionError):
            return NotConnectedError(what, why="What listens there does not speak HTTP")
        return NotConnectedError(what, why=str(reason))

    def _not_zenml(self, why: str) -> NotConnectedError:
        return NotConnectedError(
            f"What answers at {self.url} is not a ZenML server", why=why, remedy="Check the URL."
        )

    def _failed(self, error: Refused) -> KitaruError:
        if error.status in _UNAUTHORIZED:
            return NotAllowedError(
                f"The server {self.url} does not accept the login",
                remedy=f"Log in again: kitaru login {self.url}",
            )
        return NotConnectedError(
            f"The server {self.url} cannot answer now", why=f"HTTP status {error.status}"
        )


def _context(verify_ssl: bool | str) -> ssl.SSLContext:
    if verify_ssl is False:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if verify_ssl is True:
        return ssl.create_default_context()
    try:
        if "-----BEGIN" in verify_ssl:
            return ssl.create_default_context(cadata=verify_ssl)
        return ssl.create_default_context(cafile=verify_ssl)
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no file {verify_ssl}", where="--ca-cert") from error
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{verify_ssl} does not hold certificates (PEM)", where="--ca-cert", why=str(error)
        ) from error


def _mapping(error: urllib.error.HTTPError) -> Mapping[str, Any]:
    try:
        body = json.loads(error.read(_ANSWER_AT_MOST))
    except (ValueError, OSError, HTTPException):
        return {}
    return body if isinstance(body, dict) else {}


def _within(seconds: float, call: Callable[[], T]) -> T:
    """The call's result, if it comes in time. Name resolution and slow answers know no timeout."""
    answer: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not answer:
        raise TimeoutError
    return answer[0]
