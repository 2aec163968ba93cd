"""What stands before a server on loopback: TLS, as of an ingress, or a login with fewer rights."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@contextlib.contextmanager
def tls_front(context: ssl.SSLContext, port: int) -> Iterator[int]:
    """End TLS on a port of 127.0.0.1, and pass what comes to another one.

    Args:
        context: The server's side, with its certificate.
        port: Where the plain server listens.

    Yields:
        The port that speaks TLS.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, context, port), daemon=True).start()
        yield listener.getsockname()[1]


def _accept(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(client, context, port), daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with contextlib.suppress(OSError), client:  # a client that does not trust us hangs up
        secure = context.wrap_socket(client, server_side=True)
        with socket.create_connection(("127.0.0.1", port)) as plain, secure:
            back = threading.Thread(target=_copy, args=(plain, secure), daemon=True)
            back.start()
            _copy(secure, plain)
            back.join(5)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def without_secrets(url: str) -> Iterator[str]:
    """Pass requests on to a ZenML server as if the login had no right READ_SECRET_VALUE.

    ZenML then gives service connectors without their secrets, and says nothing.

    Args:
        url: The server's address.

    Yields:
        The address of such a server.
    """
    server_at = urlsplit(url).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.replace("expand_secrets=True", "expand_secrets=False")
            path = path.replace("expand_secrets=true", "expand_secrets=false")
            with contextlib.closing(HTTPConnection(server_at)) as server:
                server.request(self.command, path, body, dict(self.headers))
                answer = server.getresponse()
                data = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"connection", "content-length", "transfer-encoding"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = pass_on

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as front:
        threading.Thread(target=front.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{front.server_port}"
        front.shutdown()
