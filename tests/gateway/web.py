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


@dataclass
class LittleServer:
    """Answers every GET with `answer(path)`: a status and a document, or text."""

    answer: Callable[[str], tuple[int, Any]]
    tls: ssl.SSLContext | None = None
    close_after_each: bool = False
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> LittleServer:
        outer = self
        connections: list[Any] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.connection not in connections:
                    connections.append(self.connection)
                outer.asked.append(
                    Asked(self.path, dict(self.headers), connections.index(self.connection))
                )
                status, content = outer.answer(self.path)
                body = content if isinstance(content, str) else json.dumps(content)
                data = body.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                if status in (301, 302, 307):
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(data)
                # Without a word in the header, as a server does with an idle connection.
                self.close_connection = self.close_connection or outer.close_after_each

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
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
