"""The little HTTP that the doubles share: a request, a response, and a server on 127.0.0.1."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """One HTTP request as a double sees it. Header names are lower case."""

    method: str
    host: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def form(self) -> dict[str, str]:
        pairs = parse_qs(self.body.decode(), keep_blank_values=True)
        return {name: values[0] for name, values in pairs.items()}

    def json(self) -> Any:
        return json.loads(self.body or b"{}")

    @property
    def bearer(self) -> str | None:
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind.lower() == "bearer" and token else None


@dataclass(frozen=True)
class Response:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Response]


def json_response(value: Any, status: int = 200, **headers: str) -> Response:
    return Response(
        status, json.dumps(value).encode(), {"Content-Type": "application/json", **headers}
    )


def xml_response(text: str, status: int = 200, **headers: str) -> Response:
    body = f'<?xml version="1.0" encoding="utf-8"?>{text}'.encode()
    return Response(status, body, {"Content-Type": "application/xml", **headers})


class LoopbackRequestHandler(BaseHTTPRequestHandler):
    """Turns the standard library's handler into calls of a `Handler`."""

    protocol_version = "HTTP/1.1"
    #: The head and the body are two writes; a client may be 40 ms late to acknowledge the first.
    disable_nagle_algorithm = True

    def handler(self) -> Handler:
        raise NotImplementedError

    def request_host(self) -> str:
        return self.headers.get("Host", "")

    def answer(self) -> None:
        request = Request(
            method=self.command,
            host=self.request_host(),
            target=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._read_body(),
        )
        try:
            response = self.handler()(request)
        except Exception as error:  # the client must see the double's own bug, not a hang
            response = json_response({"error": f"bug in the double: {error!r}"}, 599)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        has_body = response.status >= 200 and response.status not in (204, 304)
        if has_body and "Content-Length" not in response.headers:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if has_body and self.command != "HEAD":
            self.wfile.write(response.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)
        wanted = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(wanted)
        if len(body) < wanted:  # a client that was killed: what it wanted is not known
            raise ConnectionAbortedError("the body was cut off")
        return body

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the proxy keeps its own record."""


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class ThreadedServer:
    """A `ThreadingHTTPServer` on a free port of 127.0.0.1, in a thread of this process."""

    def __init__(self, handler_class: type[BaseHTTPRequestHandler]) -> None:
        self._handler_class = handler_class
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        assert self._server is not None, "not started"
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server = _QuietServer(("127.0.0.1", 0), self._handler_class)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None and self._thread is not None:
            server.shutdown()
            server.server_close()
            self._thread.join(5)


def serve(handler: Handler) -> ThreadedServer:
    """A plain-HTTP server for one handler (not started yet)."""

    class Plain(LoopbackRequestHandler):
        def handler(self) -> Handler:
            return handler

    return ThreadedServer(Plain)
