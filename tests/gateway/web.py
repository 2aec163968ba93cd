"""A little server on 127.0.0.1 that answers as it is told and remembers what it was asked."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Asked:
    """One request. Connections are numbered as they come."""

    path: str
    headers: dict[str, str]
    connection: int
    method: str = "GET"
    body: bytes = b""


@dataclass
class LittleServer:
    """Answers every request with `answer(path)`: a status and a document, or text.

    Attributes:
        answer: The status 0 hangs up instead.
        tls: What it speaks TLS with, if it does.
        close_after_each: Hang up after each answer, without a word of it.
        location: Where its redirects go.
        asked: What it was asked.
    """

    answer: Callable[[str], tuple[int, Any]]
    tls: ssl.SSLContext | None = None
    close_after_each: bool = False
    location: str = "/elsewhere"
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> LittleServer:
        outer = self
        connections: list[Any] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # as in tests/doubles/web.py

            def answer(self) -> None:
                if self.connection not in connections:
                    connections.append(self.connection)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                number = connections.index(self.connection)
                outer.asked.append(Asked(self.path, dict(self.headers), number, self.command, body))
                status, content = outer.answer(self.path)
                if status == 0:
                    self.close_connection = True
                    return
                data = (content if isinstance(content, str) else json.dumps(content)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                if status in (301, 302, 303, 307, 308):
                    self.send_header("Location", outer.location)
                self.end_headers()
                self.wfile.write(data)
                # Without a word in the header, as a server does with an idle connection.
                self.close_connection = self.close_connection or outer.close_after_each

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        port: int = self._server.server_address[1]
        return port

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"
