"""One kept-alive HTTP connection: what is sent on it, what comes back, and how far it got."""

from __future__ import annotations

import http.client
import selectors
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Final
from urllib.parse import SplitResult

from kitaru_iac.errors import NotConnectedError
from kitaru_iac.gateway.guards import Json, holds, parsed_json, seconds_of
from kitaru_iac.gateway.routes import Proxy, port_of
from kitaru_iac.gateway.watch import Watch, Watched, in_time
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.values import dataclass, field

__all__ = ["AnswerLost", "Json", "Request", "Response", "Timeouts", "Wire"]

#: What may follow a closed idle connection: the request was not looked at.
_CLOSED: Final = (ConnectionError, http.client.RemoteDisconnected, ssl.SSLEOFError)

#: Characters: a token or key of ZenML's has more, and what is shorter may be part of any word.
_LOGIN: Final = 8


class AnswerLost(NotConnectedError):
    """A write was sent and no answer came: the server may have done it, or not.

    `left` has what was written before, and could not be taken back.
    """

    code = "answer_lost"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long is waited, in seconds.

    Attributes:
        connect: For the connection, with proxy and TLS.
        answer: For each part of an answer.
        total: For one call from its beginning to the last byte, name resolution, redirects and
            repetitions included, whatever the network does. None: as long as `answer`.
        pause: Before a read is sent again that the server had no time for; twice that before the
            next one. The server may say another time.
    """

    connect: float = 10
    answer: float = 30
    total: float | None = None
    pause: float = 0.3

    @property
    def whole(self) -> float:
        """Seconds for one call."""
        return self.answer if self.total is None else self.total


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered.

    Attributes:
        status: The HTTP status; never a redirect.
        headers: By name in lower case.
        body: As it came.
        server: The server's URL, as it may be shown.
        asked: What was asked: ``GET /api/v1/stacks``, without parameters.
        is_write: Whether that may have changed something.
        secrets: What was sent, and must not be repeated of the answer.
        logins: Of these, tokens and keys: no document of ZenML's holds them.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    server: str = ""
    asked: str = ""
    is_write: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    logins: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is of the 200s."""
        return 200 <= self.status < 300

    def document(self) -> Json:
        """Give the JSON document of the body; None for an empty one.

        Raises:
            UnreadableError: It is not JSON, or not such as a program should take: numbers that are
                none, texts that cannot be written, a nesting or a size without a measure, a key
                twice, the login that was sent.
        """
        if not self.body.strip():
            return None
        found = parsed_json(self.body)
        logins = [login for login in self.logins if len(login) >= _LOGIN]
        may_hold = rb"\u00" in self.body or any(login.encode() in self.body for login in logins)
        if self.is_success and may_hold and holds(found, logins):
            raise UnreadableError("the login that it was sent")
        return found

    def retry_after(self) -> float | None:
        """Give the seconds that ``Retry-After`` says, as a number or a date; None for neither."""
        return seconds_of(self.headers.get("retry-after", ""))


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent.

    Attributes:
        method: ``GET``, …
        target: Path and query.
        headers: All but those that the connection sets.
        body: Its bytes, if it has some.
        is_read: Whether it changes nothing, and may be sent twice.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None
    is_read: bool


class Wire:
    """One kept-alive connection, and how far the last request on it got.

    Attributes:
        is_sent: Whether a write has left, at least in part, and its answer is not there.
        patience: How many seconds are waited for what is under way.
    """

    def __init__(
        self,
        target: SplitResult,
        proxy: Proxy | None,
        tls: ssl.SSLContext | None,
        timeouts: Timeouts,
    ) -> None:
        self._target, self._proxy, self._tls, self._timeouts = target, proxy, tls, timeouts
        self._http: http.client.HTTPConnection | None = None
        self.is_sent = False
        self.patience = timeouts.connect

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def send(self, request: Request, watch: Watch) -> Response:
        """Send a request and wait for its answer; raises what sockets, TLS and HTTP raise."""
        is_reused = self._http is not None
        try:
            return self._exchange(request, watch)
        except _CLOSED:
            # A server may close an idle connection at any time; only then is it asked again.
            self.close()
            if not (is_reused and request.is_read):
                raise
            return self._exchange(request, watch)

    def _exchange(self, request: Request, watch: Watch) -> Response:
        connection = self.connected(watch)
        self.is_sent = not request.is_read
        target, headers = request.target, dict(request.headers)
        if self._proxy is not None and self._tls is None:
            target = f"http://{self._target.netloc}{target}"  # a proxy is asked for the whole URL
            headers |= self._proxy.headers
        connection.sock.settimeout(max(watch.left, 0.001))  # of all that is sent
        connection.request(request.method, target, body=request.body, headers=headers)
        with _no_nonsense():
            answer = connection.getresponse()
            if answer.status < 200:  # its end cannot be told from the beginning of the next one
                raise http.client.BadStatusLine(str(answer.status))
            body = answer.whole(watch.limit)  # type: ignore[attr-defined]  # `Watched`, see `_new`
        self.is_sent = False
        if answer.will_close:
            self.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, found, body)

    def connected(self, watch: Watch) -> http.client.HTTPConnection:
        """Give the open connection; one that the server has closed meanwhile is opened again."""
        reads = partial(Watched, watch=watch, patience=self._timeouts.answer)
        if self._http is not None:
            if self._http.sock is not None and not _has_news(self._http.sock):
                self._http.response_class = reads  # type: ignore[assignment]  # called, no more
                return self._http
            self.close()
        connection = self._new()
        connection.response_class = reads  # type: ignore[assignment]
        self.patience = self._timeouts.connect
        in_time(watch, self.patience, connection.connect, connection.close)
        self.patience = self._timeouts.answer
        self._http = connection
        return connection

    def _new(self) -> http.client.HTTPConnection:
        host, port = str(self._target.hostname), port_of(self._target)
        proxy = self._proxy
        first = (proxy.host, proxy.port) if proxy else (host, port)
        timeout = self._timeouts.connect
        if self._tls is None:
            return http.client.HTTPConnection(*first, timeout=timeout)
        connection = http.client.HTTPSConnection(*first, timeout=timeout, context=self._tls)
        if proxy:
            connection.set_tunnel(host, port, dict(proxy.headers))
        return connection


@contextmanager
def _no_nonsense() -> Iterator[None]:
    """What http.client stumbles over, as its own error: a chunk of minus five bytes is one."""
    try:
        yield
    except (ValueError, ArithmeticError, MemoryError, AssertionError) as error:
        raise http.client.HTTPException(str(error)) from error


def _has_news(sock: socket.socket) -> bool:
    """Whether an idle connection has something to read: its end, as nothing was asked."""
    # `select` itself takes no descriptor above 1023, as a program with many files has.
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(0))
