"""What stands between a client and a ZenML server, and spoils one request of many.

On loopback, in threads. The client is told the address of this front; what it asks is counted and
passed on to the real server, but for the request whose turn it is.
"""

from __future__ import annotations

import http.client
import os
import socket
import struct
import threading
from collections.abc import Callable
from typing import Final

from tests.doubles.web import (
    Handler,
    LoopbackRequestHandler,
    Request,
    Response,
    ThreadedServer,
    json_response,
)

__all__ = ["FAULTS", "FaultyFront"]

_HOPS: Final = {"connection", "transfer-encoding", "keep-alive", "content-length"}
#: Seconds in which a client is waited for that waits for us; it gives up before.
_LONGEST: Final = 60.0

#: What happens to a request: gets the front, the request, and what hangs up on its client.
Fault = Callable[["FaultyFront", Request, Callable[[], None]], Response]


class FaultyFront:
    """The front.

    Args:
        port: Where the real server listens, on 127.0.0.1.

    Attributes:
        asked: Each request since the last `begin`, as ``GET /api/v1/stacks``.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._server = ThreadedServer(self._handler_class())
        self._lock = threading.Lock()
        self.asked: list[str] = []
        self._fault: Fault | None = None
        self._at = -1
        #: Tokens that are not taken any more; whether no login is, and whether nothing is answered.
        self.revoked: set[str] = set()
        self.is_locked = False
        self.is_silent = False
        #: Set when nobody waits for answers any more, and who is still at work then.
        self.over = threading.Event()
        self._late: list[threading.Thread] = []

    def __enter__(self) -> FaultyFront:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._server.stop()

    @property
    def url(self) -> str:
        return self._server.url

    def begin(self, fault: str | None = None, at: int = -1) -> None:
        """Count from 0 again, and let the fault of this name befall that request."""
        self.asked.clear()
        self._fault, self._at = None if fault is None else FAULTS[fault], at
        self.over.clear()

    def end(self) -> None:
        """From here on all is well; what came too late for its client is done when this returns."""
        self._fault, self.is_locked, self.is_silent = None, False, False
        self.revoked.clear()
        self.over.set()
        while self._late:
            self._late.pop().join(_LONGEST)

    def pass_on(self, request: Request) -> Response:
        """Let the real server answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_LONGEST)
        headers = {name: text for name, text in request.headers.items() if name not in _HOPS}
        try:
            connection.request(request.method, request.target, request.body or None, headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        kept = {name: text for name, text in answer.getheaders() if name.lower() not in _HOPS}
        return Response(answer.status, body, kept)

    def later(self, request: Request) -> None:
        """Let the real server answer when the client's command has ended."""

        def work() -> None:
            self.over.wait(_LONGEST)
            self.pass_on(request)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._late.append(thread)

    def _answer(self, request: Request, hang_up: Callable[[], None]) -> Response:
        with self._lock:
            number = len(self.asked)
            self.asked.append(f"{request.method} {request.path}")
        if self._fault is not None and number == self._at:
            return self._fault(self, request, hang_up)
        if self.is_silent:
            return _never(self, request, hang_up)
        is_login = request.path.endswith("/login")
        if self.is_locked or (request.bearer in self.revoked and not is_login):
            return _unauthorized()
        return self.pass_on(request)

    def _handler_class(self) -> type[LoopbackRequestHandler]:
        front = self

        class Connection(LoopbackRequestHandler):
            def handler(self) -> Handler:
                return lambda request: front._answer(request, self._reset)

            def _reset(self) -> None:
                """Hang up so that what was sent is lost too; no answer is written then."""
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                os.close(self.connection.detach())

        return Connection


def _unauthorized() -> Response:
    return json_response({"detail": ["CredentialsNotValid", "the token has expired"]}, 401)


def _reset(_: FaultyFront, __: Request, hang_up: Callable[[], None]) -> Response:
    hang_up()
    return Response()


def _lose(front: FaultyFront, request: Request, hang_up: Callable[[], None]) -> Response:
    front.pass_on(request)
    hang_up()
    return Response()


def _fail(*_: object) -> Response:
    return json_response({"detail": ["RuntimeError", "the database is locked"]}, 500)


def _fail_afterwards(front: FaultyFront, request: Request, _: Callable[[], None]) -> Response:
    front.pass_on(request)
    return Response(502, b"<html><title>Bad Gateway</title></html>", {"Content-Type": "text/html"})


def _refuse_afterwards(status: int, kind: str, text: str) -> Fault:
    """A write is carried out and then refused, as where something between sends it twice."""

    def fault(front: FaultyFront, request: Request, _: Callable[[], None]) -> Response:
        answer = front.pass_on(request)
        if request.method == "GET":
            return answer
        return json_response({"detail": [kind, text]}, status)

    return fault


def _miss(front: FaultyFront, request: Request, _: Callable[[], None]) -> Response:
    """A write is not carried out, since there is no such thing; reads find it."""
    if request.method == "GET":
        return front.pass_on(request)
    return json_response({"detail": ["KeyError", "there is no such thing"]}, 404)


def _conflict(*_: object) -> Response:
    return json_response({"detail": ["EntityExistsError", "there is one of this name"]}, 409)


def _expire(front: FaultyFront, request: Request, _: Callable[[], None]) -> Response:
    if request.bearer is not None:
        front.revoked.add(request.bearer)
    return _unauthorized()


def _lock_out(front: FaultyFront, *_: object) -> Response:
    front.is_locked = True
    return _unauthorized()


def _fall_silent(front: FaultyFront, request: Request, hang_up: Callable[[], None]) -> Response:
    front.is_silent = True
    return _never(front, request, hang_up)


def _never(front: FaultyFront, _: Request, hang_up: Callable[[], None]) -> Response:
    front.over.wait(_LONGEST)
    hang_up()
    return Response()


def _delay(front: FaultyFront, request: Request, hang_up: Callable[[], None]) -> Response:
    front.pass_on(request)
    front.over.wait(_LONGEST)
    hang_up()
    return Response()


def _come_late(front: FaultyFront, request: Request, hang_up: Callable[[], None]) -> Response:
    front.later(request)
    front.over.wait(_LONGEST)
    hang_up()
    return Response()


#: By name.
FAULTS: Final[dict[str, Fault]] = {
    "a reset": _reset,
    "a reset after it was done": _lose,
    "500": _fail,
    "502 after it was done": _fail_afterwards,
    "409": _conflict,
    "404": _miss,
    "409 after it was done": _refuse_afterwards(409, "EntityExistsError", "there is one so called"),
    "404 after it was done": _refuse_afterwards(404, "KeyError", "there is no such thing"),
    "403 after it was done": _refuse_afterwards(403, "IllegalOperationError", "it is not allowed"),
    "401, an expired token": _expire,
    "401 from here on": _lock_out,
    "no answer in time": _delay,
    "no answer from here on": _fall_silent,
    "done when nobody waits any more": _come_late,
}
