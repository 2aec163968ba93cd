"""The one HTTP client: JSON over a kept-alive connection to a ZenML server.

It is the standard library's, and knows HTTP and nothing of ZenML's API: every answer is given back,
whatever its status, and every failure is one of this package's errors, in which no secret is shown.
Which proxy and which certificate authorities are used is `gateway.routes`' to say.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import inf
from typing import Final, TypeAlias, TypeVar
from urllib.parse import SplitResult, quote, urlencode, urljoin

from kitaru_iac import redaction
from kitaru_iac._version import __version__
from kitaru_iac.callbacks import say_wait
from kitaru_iac.errors import NotAllowedError, NotConnectedError
from kitaru_iac.gateway.errors import way_to
from kitaru_iac.gateway.failures import not_connected
from kitaru_iac.gateway.routes import parsed, port_of, proxy_for, tls_context
from kitaru_iac.gateway.watch import Watch
from kitaru_iac.gateway.wire import AnswerLost, Json, Request, Response, Timeouts, Wire
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.values import replace

__all__ = [
    "AnswerLost",
    "HttpClient",
    "Json",
    "Query",
    "Response",
    "Timeouts",
    "require_answer",
]

Query: TypeAlias = Mapping[str, str | int | bool | Sequence[str]]
_T = TypeVar("_T")

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_MOST_REDIRECTS: Final = 5
#: A server, or one in front of it, that may have time for the same request later.
_BUSY: Final = (429, 502, 503, 504)
_MOST_TRIES: Final = 3
_LONGEST_PAUSE: Final = 10.0
#: Bytes of an answer. The largest page of 200 stacks has about two million.
_MOST_BYTES: Final = 32 * 2**20


class HttpClient:
    """Requests to one server, one at a time; not for several threads.

    A call ends in time, whatever the network does, and takes a bounded part of the memory. A write
    is sent once and never again. A read is sent once more where the server has closed the idle
    connection meanwhile, and up to three times where the server has no time for it (429, 502, 503,
    504), when the server says. Redirects of reads are followed on the same server only, so that a
    token goes nowhere else.

    Args:
        url: The server, with or without a path.
        token: The bearer token, if any.
        verify: Whether to verify its certificate; or the path or text of a bundle of authorities.
        timeouts: How long is waited.
        environ: The environment variables, for proxies and authorities; this process's by default.
        hint: The remedy of an error where the server is away, if nothing better is known.
        limit: The most bytes of an answer.
        key: What the token is got with, which no answer may repeat.

    Raises:
        UnreadableError: Only ZenML knows the way: a login in the URL, a SOCKS proxy.
        NotConnectedError: The URL, the proxy or the bundle of authorities cannot be used.
        NotAllowedError: The token is none.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        verify: bool | str = True,
        timeouts: Timeouts | None = None,
        environ: Mapping[str, str] | None = None,
        hint: str | None = None,
        limit: int = _MOST_BYTES,
        key: str | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.shown = redaction.url(self.url)
        self._target = _target(self.url)
        self._timeouts = timeouts or Timeouts()
        self._hint = hint
        self._limit = limit
        environ = os.environ if environ is None else environ
        self._verify = verify
        self._proxy = proxy_for(self._target, environ)
        self._tls = tls_context(verify, environ) if self._target.scheme == "https" else None
        self._base = quote(self._target.path, safe="/%~!$&'()*+,;=:@")
        self._token: str | None = None
        self._key = key
        #: When the last call has to end, by `time.monotonic`; None for no such time.
        self.ends: float | None = None
        self._allowed = self._timeouts.whole
        self._wire = Wire(self._target, self._proxy, self._tls, self._timeouts)
        if token is not None:
            self.use_token(token)

    def __repr__(self) -> str:
        return f"HttpClient({self.shown!r})"

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        self._wire.close()

    def use_token(self, token: str | None) -> None:
        """Send this bearer token from now on, or none.

        Raises:
            NotAllowedError: It holds signs that no token has.
        """
        if token is not None and not re.fullmatch(r"[!-~]+", token):
            raise NotAllowedError(
                "The stored login is not a token",
                where=self.shown,
                remedy=f"Log in again: kitaru login {self.shown}",
            )
        self._token = token

    # -- requests ---------------------------------------------------------------------------------

    def get(self, path: str, query: Query | None = None) -> Response:
        """Read what is at a path below the server's URL; raises as `request` does."""
        return self.request("GET", path, query=query)

    def post(self, path: str, document: Json = None, query: Query | None = None) -> Response:
        """Send a new document; raises as `request` does."""
        return self.request("POST", path, query=query, document=document)

    def put(self, path: str, document: Json = None, query: Query | None = None) -> Response:
        """Send a changed document; raises as `request` does."""
        return self.request("PUT", path, query=query, document=document)

    def delete(self, path: str, query: Query | None = None) -> Response:
        """Delete what is at a path; raises as `request` does."""
        return self.request("DELETE", path, query=query)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        document: Json = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        is_read: bool | None = None,
    ) -> Response:
        """Send a request, and wait for the answer.

        Args:
            method: ``GET``, ``POST``, ``PUT``, ``DELETE``, …
            path: Below the server's URL, with a slash in front.
            query: Its parameters.
            document: The body, as JSON; None for none.
            form: The body, as a form.
            headers: More of them.
            is_read: Whether it changes nothing and may be sent twice; by default a GET and a HEAD.

        Returns:
            The answer, of any status but a redirect.

        Raises:
            NotConnectedError: No answer came, or one that sends its callers elsewhere.
            AnswerLost: That, where a write was sent and may have been done.
        """
        is_read = method in ("GET", "HEAD") if is_read is None else is_read
        body = _body(document, form)
        sent = self._headers(document, form) | dict(headers or {})
        target = self._base + path + _query(query)
        watch = self._watch()
        for _ in range(_MOST_REDIRECTS):
            request = Request(method, target, sent, body, is_read)
            response = self._answer(request, watch)
            if response.status not in _REDIRECTS:
                described = self._described(response, method, path, is_read=is_read)
                return described if form is None else self._as_login(described, form)
            target = self._followed(response, request, path)
        raise self._moved("They go around in a circle")

    # -- inside -----------------------------------------------------------------------------------

    def _watch(self) -> Watch:
        line = f"Waiting for the ZenML server at {self.shown}"
        self._allowed = self._seconds()
        return Watch(self._allowed, self._limit, partial(say_wait, line))

    def _seconds(self) -> float:
        """What a call that begins now has, of its own and of all together."""
        left = inf if self.ends is None else max(0.0, self.ends - time.monotonic())
        return min(self._timeouts.whole, left)

    def _within(self, call: Callable[[Wire], _T]) -> _T:
        """The call's result, and its errors as ours."""
        wire = self._wire
        wire.is_sent = False
        try:
            return call(wire)
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise self._not_connected(error) from error
        except BaseException:
            wire.close()  # what comes on it later is no answer to the next request
            raise

    def _answer(self, request: Request, watch: Watch) -> Response:
        """The answer; a read is repeated while there is hope and time."""
        pause = self._timeouts.pause
        for _ in range(_MOST_TRIES - 1):
            response = self._within(lambda wire: wire.send(request, watch))
            if response.status not in _BUSY or not request.is_read:
                return response
            wanted = response.retry_after()
            seconds = pause if wanted is None else wanted
            if seconds > min(_LONGEST_PAUSE, watch.left / 2):
                return response
            watch.sleep(seconds)
            pause *= 2
        return self._within(lambda wire: wire.send(request, watch))

    def _described(self, response: Response, method: str, path: str, *, is_read: bool) -> Response:
        return replace(
            response,
            server=self.shown,
            asked=f"{method} {path}",
            is_write=not is_read,
            secrets=self._sent,
            logins=self._sent,
        )

    def _as_login(self, response: Response, form: Mapping[str, str]) -> Response:
        """The answer to a login: it may give the same token again, and never the key."""
        given = tuple(form[name] for name in ("password", "device_code") if form.get(name))
        is_key = form.get("grant_type") == "zenml-api-key"
        if is_key:
            self._key = form["password"]
        return replace(response, secrets=(*self._sent, *given), logins=given if is_key else ())

    @property
    def _sent(self) -> tuple[str, ...]:
        return tuple(filter(None, (self._token, self._key)))

    def _headers(self, document: Json, form: Mapping[str, str] | None) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": f"kitaru-iac/{__version__}"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif document is not None:
            headers["Content-Type"] = "application/json"
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers

    def _followed(self, response: Response, request: Request, path: str) -> str:
        """The target that a read is sent on to, if it is on the same server."""
        here = f"{self._target.scheme}://{self._target.netloc}{request.target}"
        there = parsed(_joined(here, response.headers.get("location", "")))
        if there is None:
            raise self._moved("It is not an address")
        is_here = _origin(there) == _origin(self._target) and there.username is None
        if is_here and request.method in ("GET", "HEAD"):
            return (there.path or "/") + (f"?{there.query}" if there.query else "")
        address = redaction.url(there._replace(query="", fragment="").geturl())
        address = address.removesuffix(path).rstrip("/")
        raise self._moved(None, None if is_here else f"Use that one: {way_to(address)}")

    def _moved(self, why: str | None, remedy: str | None = None) -> NotConnectedError:
        what = "The ZenML server redirects to another address"
        return NotConnectedError(what, where=self.shown, why=why, remedy=remedy)

    def _not_connected(self, error: Exception) -> NotConnectedError:
        wire = self._wire
        wire.close()
        found = not_connected(
            error,
            self.shown,
            verify=self._verify,
            proxy=self._proxy,
            waited=round(min(wire.patience, self._allowed), 1),
            limit=self._limit,
            secrets=(self.url, self._token),
        )
        if not wire.is_sent:
            found.remedy = found.remedy or self._hint
            return found
        return AnswerLost(
            "The ZenML server took a request and did not answer",
            where=self.shown,
            why=f"{found.why}: it may have done what was asked",
            remedy="Look whether it did before you run the command again.",
        )


def require_answer(
    url: str, environ: Mapping[str, str], *, verify: bool | str = True, timeout: float = 30
) -> str | None:
    """See that a ZenML server answers. ZenML itself would try for minutes before it says so.

    Args:
        url: The server. No login is sent.
        environ: The environment variables: proxies and authorities.
        verify: As `HttpClient` takes it.
        timeout: Seconds for the answer.

    Returns:
        The version that it says it has; None where only ZenML knows the way.

    Raises:
        NotConnectedError: Nobody takes the connection, its certificate is not trusted, or what
            answers is no ZenML server.
        KitaruError: It refuses to say what it is; see `answers.document`.
    """
    from kitaru_iac.gateway.answers import mapping, not_an_answer
    from kitaru_iac.gateway.versions import could_be_version

    hint = "See what you are connected to with: kitaru status"
    parts = parsed(url)
    if parts is not None:  # nothing is asked that needs a login
        host = parts.netloc.rpartition("@")[2]
        url = parts._replace(netloc=host, query="", fragment="").geturl()
    try:
        with HttpClient(
            url,
            verify=verify,
            timeouts=Timeouts(min(10, timeout), timeout),
            environ=environ,
            hint=hint,
        ) as client:
            response = client.get("/api/v1/info")
            version = mapping(response).get("version")
            if not could_be_version(version):
                raise not_an_answer(response, "It did not say which version it is")
            return str(version)
    except UnreadableError:
        return None


def _target(url: str) -> SplitResult:
    """The URL's parts.

    Raises:
        NotConnectedError: It is no URL of a server.
        UnreadableError: It has more than an address.
    """
    target = parsed(url)
    if target is None or target.scheme not in ("http", "https"):
        raise NotConnectedError(
            "The URL of the ZenML server is none",
            where=redaction.url(url),
            why="Its form is https://HOST or http://HOST:PORT",
            remedy="Signs in a user's name or a password have to be percent-encoded."
            if "@" in url
            else None,
        )
    if target.username is not None or target.query or target.fragment:
        raise UnreadableError("the server's URL is not a plain one")
    return target


def _joined(base: str, location: str) -> str:
    try:
        return urljoin(base, location)
    except ValueError:
        return ""


def _origin(url: SplitResult) -> tuple[str, str | None, int]:
    return url.scheme, url.hostname, port_of(url)


def _query(query: Query | None) -> str:
    if not query:
        return ""
    plain = {
        key: str(value).lower() if isinstance(value, bool) else value
        for key, value in query.items()
    }
    return "?" + urlencode(plain, doseq=True)


def _body(document: Json, form: Mapping[str, str] | None) -> bytes | None:
    if form is not None:
        return urlencode(form).encode()
    return None if document is None else json.dumps(document).encode()
