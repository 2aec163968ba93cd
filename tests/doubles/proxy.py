"""One CONNECT proxy for all doubles: it plays the hosts it knows and refuses every other one.

So a client in a test's environment cannot reach anything outside, by mistake or otherwise.
"""

from __future__ import annotations

import socket
import socketserver
import time
from collections.abc import Callable
from selectors import EVENT_READ, DefaultSelector

from tests.doubles.tls import ThrowAwayCA
from tests.doubles.web import (
    Handler,
    LoopbackRequestHandler,
    Request,
    Response,
    ThreadedServer,
    json_response,
)

HostMatch = Callable[[str], bool]
_NO_PROXY = "127.0.0.1,localhost"


class ConnectProxy:
    """Ends the TLS of a tunnel and lets a handler answer, or passes it on to a local port."""

    def __init__(self, ca: ThrowAwayCA) -> None:
        self._ca = ca
        self._handlers: list[tuple[HostMatch, Handler]] = []
        self._tunnels: list[tuple[HostMatch, int]] = []
        self._server = ThreadedServer(self._handler_class())
        #: Seconds by which an answer comes later.
        self.delay: Callable[[Request], float] = lambda _: 0.0
        #: "POST login.microsoftonline.com/TENANT/oauth2/v2.0/token 200", in order.
        self.requests: list[str] = []
        #: Hosts asked for that no double plays.
        self.refused: list[str] = []

    @property
    def url(self) -> str:
        return self._server.url

    def play(self, matches: HostMatch, handler: Handler) -> None:
        """Answer HTTPS requests to matching hosts with a handler."""
        self._handlers.append((matches, handler))

    def tunnel(self, matches: HostMatch, port: int) -> None:
        """Pass connections to matching hosts on to a TLS server on 127.0.0.1."""
        self._tunnels.append((matches, port))

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def env(self) -> dict[str, str]:
        """Both spellings: gRPC reads the lower-case ones, some clients only the others."""
        values = {"https_proxy": self.url, "http_proxy": self.url, "no_proxy": _NO_PROXY}
        return values | {name.upper(): value for name, value in values.items()}

    def _handler_for(self, host: str) -> Handler | None:
        return next((handler for matches, handler in self._handlers if matches(host)), None)

    def _tunnel_for(self, host: str) -> int | None:
        return next((port for matches, port in self._tunnels if matches(host)), None)

    def _handler_class(self) -> type[LoopbackRequestHandler]:
        proxy = self

        class Connection(LoopbackRequestHandler):
            connected_host: str | None = None

            def do_CONNECT(self) -> None:
                host = self.path.rsplit(":", 1)[0]
                port = proxy._tunnel_for(host)
                if port is not None:
                    self._established()
                    _pump(self.connection, port)
                    self.close_connection = True
                elif proxy._handler_for(host) is not None:
                    self._established()
                    self._end_tls(host)
                else:
                    proxy.refused.append(host)
                    self.send_error(502, "No such host on this loopback")

            def _established(self) -> None:
                self.send_response_only(200, "Connection established")
                self.end_headers()
                self.wfile.flush()

            def _end_tls(self, host: str) -> None:
                self.connected_host = host
                self.connection = proxy._ca.context(host).wrap_socket(
                    self.connection, server_side=True
                )
                self.rfile = self.connection.makefile("rb", -1)
                self.wfile = socketserver._SocketWriter(self.connection)  # type: ignore[attr-defined]
                self.close_connection = False

            def finish(self) -> None:
                super().finish()
                self.connection.close()

            def request_host(self) -> str:
                return self.connected_host or ""

            def handler(self) -> Handler:
                return self._dispatch

            def _dispatch(self, request: Request) -> Response:
                handler = proxy._handler_for(request.host)
                if handler is None:  # plain HTTP through the proxy, a metadata server for instance
                    proxy.refused.append(request.target)
                    return json_response({"error": "no such host on this loopback"}, 502)
                time.sleep(proxy.delay(request))
                response = handler(request)
                proxy.requests.append(
                    f"{request.method} {request.host}{request.target} {response.status}"
                )
                return response

        return Connection


def _pump(client: socket.socket, port: int) -> None:
    """Copy bytes both ways until one side closes."""
    # Not `select.select`, which takes no descriptor above 1023: a long run of tests has more open.
    with socket.create_connection(("127.0.0.1", port)) as upstream, DefaultSelector() as ready:
        other = {client: upstream, upstream: client}
        for end in other:
            ready.register(end, EVENT_READ)
        while True:
            readable = [key.fileobj for key, _ in ready.select(300)]
            if not readable:
                return
            for source in readable:
                data = source.recv(65536)
                if not data:
                    return
                other[source].sendall(data)
