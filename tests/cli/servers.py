"""Things that listen on loopback and are not the ZenML server one hopes for."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_ANSWERS: dict[str, tuple[int, bytes]] = {
    "another site": (200, b"<html>Welcome</html>"),
    "tls": (200, b"<html>Welcome</html>"),
    "other json": (200, b'{"hello": "world"}'),
    "broken": (500, b"oops"),
    "another version": (
        200,
        json.dumps({"version": "0.42.0", "auth_scheme": "OAUTH2_PASSWORD_BEARER"}).encode(),
    ),
}


@contextmanager
def answering(case: str, certificates: Path | None = None) -> Iterator[str]:
    """The URL of something that behaves so."""
    if case == "nothing listens":
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    elif case == "no such host":
        yield "http://no-such-host.invalid"
    elif case == "silent":
        with socket.create_server(("127.0.0.1", 0)) as silent:
            yield f"http://127.0.0.1:{silent.getsockname()[1]}"
    elif case == "not http":
        with _talking(b"220 mail.example.com ESMTP\r\n") as port:
            yield f"http://127.0.0.1:{port}"
    elif case == "not tls":
        with _http("another site") as port:
            yield f"https://127.0.0.1:{port}"
    elif case == "moves":
        with _http("another version") as there, _http(case, there) as port:
            yield f"http://127.0.0.1:{port}"
    else:
        scheme = "https" if certificates else "http"
        with _http(case, certificates=certificates) as port:
            yield f"{scheme}://127.0.0.1:{port}"


@contextmanager
def _http(case: str, there: int = 0, certificates: Path | None = None) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if there:
                self.send_response(301)
                self.send_header("Location", f"http://localhost:{there}{self.path}")
                self.end_headers()
                return
            status, body = _ANSWERS[case]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificates is not None:
        import trustme

        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(certificates / "ca.pem"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _talking(words: bytes) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(words)
                connection.recv(1024)

    threading.Thread(target=talk, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
