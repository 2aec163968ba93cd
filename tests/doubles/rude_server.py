"""A ZenML server with bad manners: what a proxy, a bug or an enemy may answer instead of it.

It listens on loopback, in threads. A manner is what happens to one request; the requests before it
are answered well, so that commands get as far as somebody wants them.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from kitaru_iac.gateway.wire import Json

__all__ = ["MANNERS", "RudeServer"]

STACK: Final = "00000001-0000-4000-8000-000000000001"
_TIMES: Final = {"created": "2026-01-01T00:00:00", "updated": "2026-01-01T00:00:00"}
_STACK: Final[Json] = {
    "id": STACK,
    "name": "default",
    "body": _TIMES,
    "metadata": {
        "components": {},
        "labels": {},
        "description": "",
        "environment": {},
        "secrets": [],
        "stack_spec_path": None,
    },
    "resources": {"user": None},
}
_FLAVORS: Final[Json] = [
    {"id": str(uuid4()), "name": "local", "body": {"type": kind}, "metadata": {"config_schema": {}}}
    for kind in ("orchestrator", "artifact_store")
]
_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>"

Manner = Callable[["Talk"], None]


@dataclass
class Talk:
    """One request, and the means to answer it.

    Attributes:
        connection: The socket.
        path: What was asked for, without parameters.
        over: Set when the server ends: nobody waits longer.
        other: The URL of another server, which nobody may ask.
        own: This server's.
        good: The answer that a polite server would give.
    """

    connection: socket.socket
    path: str
    over: threading.Event
    other: str
    own: str
    good: Json

    def raw(self, *parts: bytes) -> None:
        """Send bytes."""
        self.connection.sendall(b"".join(parts))

    def answer(self, status: int, body: bytes, *headers: str) -> None:
        """Send a whole answer; its length is told unless a header does."""
        told = "\r\n".join(headers).lower()
        lines = [f"HTTP/1.1 {status} X", *headers]
        if "content-length:" not in told and "transfer-encoding:" not in told:
            lines.append(f"Content-Length: {len(body)}")
        self.raw("\r\n".join(lines).encode(), b"\r\n\r\n", body)

    def json(self, document: Any, status: int = 200) -> None:
        """Send a document."""
        self.answer(status, json.dumps(document).encode(), "Content-Type: application/json")

    def drip(self, *parts: bytes, every: float = 0.05) -> None:
        """Send parts again and again, slowly, until somebody hangs up."""
        while True:
            for part in parts:
                self.raw(part)
                if self.over.wait(every):
                    return

    def flood(self, head: bytes, part: bytes) -> None:
        """Send a part again and again, as fast as it goes."""
        self.raw(head)
        while not self.over.is_set():
            self.raw(part)


def _page_of(talk: Talk, **changes: Any) -> None:
    page: dict[str, Any] = {"items": [_STACK], "total": 1, "total_pages": 1}
    good = dict(talk.good) if isinstance(talk.good, dict) else {}
    talk.json({**page, **good, **changes})


def _repeating(talk: Talk, escaped: bool = False) -> None:
    """The document that is due, with what was sent in the place of every name and version."""

    def spoilt(value: Any) -> Any:
        if isinstance(value, dict):
            names = ("name", "version", "access_token")
            return {k: "@" if k in names else spoilt(v) for k, v in value.items()}
        return [spoilt(item) for item in value] if isinstance(value, list) else value

    words = "tok-kept-on-this-machine ZENKEY_sent"
    told = "".join(f"\\u{ord(sign):04x}" for sign in words) if escaped else words
    talk.answer(200, json.dumps(spoilt(talk.good)).replace("@", told).encode())


def _of_wrong_types(talk: Talk) -> None:
    talk.json(dict.fromkeys(talk.good, 7) if isinstance(talk.good, dict) else 7)


def _with(**fields: Any) -> Manner:
    """The document that is due, with other values in the place of these fields."""

    def spoilt(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: fields.get(k, spoilt(v)) for k, v in value.items()}
        return [spoilt(item) for item in value] if isinstance(value, list) else value

    return lambda talk: talk.json(spoilt(talk.good))


def _reset(talk: Talk) -> None:
    """Begin an answer, and hang up so that what was sent is lost too."""
    talk.raw(_OK, b'Content-Length: 99\r\n\r\n{"version')
    talk.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    talk.connection.close()


def _redirect(status: int, place: str) -> Manner:
    def manner(talk: Talk) -> None:
        url = place.format(other=talk.other, own=talk.own, path=talk.path)
        talk.answer(status, b"", f"Location: {url}")

    return manner


def _status(status: int, body: bytes = b"", *headers: str) -> Manner:
    return lambda talk: talk.answer(status, body, *headers)


_CHUNKED: Final = "Transfer-Encoding: chunked"
_OK: Final = b"HTTP/1.1 200 OK\r\n"
_DETAIL: Final = b'{"detail": ["Error", "boom \\u001b[2J ZENKEY_sent"]}'

MANNERS: Final[dict[str, Manner]] = {
    # -- elsewhere
    "redirect to another port": _redirect(302, "{other}{path}"),
    "redirect that keeps the method": _redirect(307, "{other}{path}"),
    "permanent redirect": _redirect(308, "{other}{path}"),
    "redirect without a scheme": _redirect(301, "//{other}{path}"),
    "redirect in a circle": _redirect(302, "{path}"),
    "redirect to a file": _redirect(303, "file:///etc/passwd"),
    "redirect with a login": _redirect(307, "http://me:pass@127.0.0.1:9{path}"),
    "redirect to nowhere": _redirect(302, ""),
    # -- slow
    "silence": lambda talk: talk.over.wait(20) and None,
    "status byte by byte": lambda talk: talk.drip(*(bytes([b]) for b in b"HTTP/1.1 200 OK ")),
    "headers without an end": lambda talk: (talk.raw(_OK), talk.drip(b"A: b\r\n"))[0],
    "body byte by byte": lambda talk: (
        talk.raw(_OK, b"Content-Length: 100000\r\n\r\n"),
        talk.drip(b" "),
    )[0],
    "chunks byte by byte": lambda talk: (
        talk.raw(_OK, f"{_CHUNKED}\r\n\r\n".encode()),
        talk.drip(b"1\r\n \r\n"),
    )[0],
    "continue for ever": lambda talk: talk.drip(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "busy": _status(503),
    "busy for a second": _status(503, b"", "Retry-After: 1"),
    "busy for a year": _status(429, b"", "Retry-After: 31536000"),
    "busy until a date": _status(429, b"", "Retry-After: Fri, 31 Dec 2100 23:59:59 GMT"),
    "busy until nonsense": _status(503, b"", "Retry-After: 1e309"),
    # -- large
    "a length of a terabyte": _status(200, b"", "Content-Length: 1099511627776"),
    "a body without an end": lambda talk: talk.flood(_OK + b"\r\n", b" " * 65536),
    "chunks without an end": lambda talk: talk.flood(
        _OK + f"{_CHUNKED}\r\n\r\n".encode(), b"10000\r\n" + b" " * 65536 + b"\r\n"
    ),
    "a chunk of a terabyte": _status(200, b"10000000000\r\n[", _CHUNKED),
    "a chunk of less than nothing": _status(200, b"-5\r\n[]\r\n0\r\n\r\n", _CHUNKED),
    "a chunk to the end": lambda talk: talk.flood(
        _OK + f"{_CHUNKED}\r\n\r\n-1\r\n".encode(), b" " * 65536
    ),
    "trailers without an end": lambda talk: talk.flood(
        _OK + f"{_CHUNKED}\r\n\r\n0\r\n".encode(), b"A: b\r\n" * 1000
    ),
    "ten thousand headers": lambda talk: talk.raw(_OK, b"A: b\r\n" * 10_000, b"\r\n{}"),
    "a header of a megabyte": lambda talk: talk.raw(_OK, b"A: ", b"b" * 2**20, b"\r\n\r\n{}"),
    "brackets": _status(200, b"[" * 200_000),
    "brackets that end": _status(200, b'{"items":' + b"[" * 900 + b"]" * 900 + b"}"),
    "millions of values": _status(200, b"[" + b"[]," * 1_500_000 + b"1]"),
    "a number of a million digits": _status(200, b'{"total":' + b"9" * 1_000_000 + b"}"),
    "gzip that nobody wanted": _status(200, b"\x1f\x8b\x08" + b"\0" * 50, "Content-Encoding: gzip"),
    # -- no document
    "a login page": _status(200, _PAGE, "Content-Type: text/html"),
    "a page of an error": _status(502, _PAGE, "Content-Type: text/html"),
    "nothing": _status(200),
    "no content": _status(204),
    "half a document": _status(200, b'{"version": "0.98.0", "auth'),
    "half an answer": lambda talk: talk.raw(_OK, b'Content-Length: 99\r\n\r\n{"version'),
    "not a number": _status(200, b'{"version": NaN, "total": Infinity}'),
    "not UTF-8": _status(200, b'{"version": "\xff\xfe"}'),
    "half a character": _status(200, b'{"version": "\\ud800", "auth_scheme": "\\udfff"}'),
    "what was sent": _repeating,
    "what was sent, escaped": lambda talk: _repeating(talk, escaped=True),
    "a key twice": _status(200, b'{"version": "0.98.0", "items": [], "version": "0.1.0"}'),
    "null": lambda talk: talk.json(None),
    "a list": lambda talk: talk.json([talk.good]),
    "a text": lambda talk: talk.json("fine"),
    "a mapping of nothing": lambda talk: talk.json({}),
    "numbers for texts": _of_wrong_types,
    "items that are none": lambda talk: _page_of(talk, items=[None, 7, "x"]),
    "a total without a measure": lambda talk: _page_of(talk, total=1e308, total_pages=10**300),
    "fewer than were counted": lambda talk: _page_of(talk, items=[], total=5, total_pages=1),
    "ids that are none": lambda talk: _page_of(
        talk, items=[{**_STACK, "id": None}], total=1, total_pages=1
    ),
    "pages that repeat": lambda talk: _page_of(
        talk, items=[_STACK], total=10**4, total_pages=10**4
    ),
    "pages without an end": lambda talk: _page_of(
        talk, items=[{**_STACK, "id": str(uuid4())}], total=10**9, total_pages=10**9
    ),
    # -- no HTTP, or nearly
    "hanging up": lambda talk: None,
    "another protocol": lambda talk: talk.raw(b"220 mail ESMTP\r\n"),
    "random bytes": lambda talk: talk.raw(bytes(range(256)) * 40),
    "a status that is none": lambda talk: talk.raw(b"HTTP/1.1 99999 X\r\n\r\n"),
    "switching protocols": lambda talk: talk.raw(b"HTTP/1.1 101 X\r\n\r\n"),
    "early hints alone": lambda talk: talk.raw(b"HTTP/1.1 103 X\r\n\r\n"),
    "two answers": lambda talk: talk.raw(
        _OK, b"Content-Length: 2\r\n\r\n{}", _OK, b"Content-Length: 2\r\n\r\n[]"
    ),
    "a length that is none": _status(200, b"{}", "Content-Length: -7"),
    "two lengths": _status(200, b"{}", "Content-Length: 2", "Content-Length: 900"),
    "a length, and chunks": _status(200, b"2\r\n{}\r\n0\r\n\r\n", "Content-Length: 5", _CHUNKED),
    "more than its length": lambda talk: talk.raw(
        _OK, b"Content-Length: 2\r\n\r\n{}", b'{"items": []}' * 999
    ),
    "a header without an end of its line": lambda talk: talk.raw(
        _OK, b"A: b\x00\r\n folded\r\nno colon\r\n: no name\r\n\r\n{}"
    ),
    "HTTP/2": lambda talk: talk.raw(b"\0\0\x12\x04\0\0\0\0\0" + bytes(18)),
    "a reset": _reset,
    "a part": _status(206, b"{}", "Content-Range: bytes 0-1/900"),
    "not modified": _status(304),
    # -- documents of a form that is known, and what is in them
    "UTF-16": lambda talk: talk.answer(200, json.dumps(talk.good).encode("utf-16")),
    "names for a terminal": _with(name="\x1b[2J\u202e\r\n\x07"),
    "a name without an end": _with(name="n" * 300_000),
    "ids that are paths": _with(id="../../login?x=/#"),
    "times that are none": _with(created="99999-01-01T00:00:00", updated="\x1b[2J"),
    "a version without an end": _with(version="0." + "9" * 100_000),
    "a version for a terminal": _with(version="0.98.0\x1b[2J\r\n"),
    # -- refusals
    **{
        f"status {status}": _status(status, _DETAIL)
        for status in (400, 401, 402, 403, 404, 405, 409, 418, 422, 500, 501, 504, 599)
    },
}


@dataclass
class RudeServer:
    """The server.

    Attributes:
        manner: A name in `MANNERS`.
        polite: So many requests are answered well before.
        other: The URL that redirects name.
        asked: The path of each request.
        received: All bytes of all requests.
    """

    manner: str
    polite: int = 0
    other: str = "http://127.0.0.1:9"
    asked: list[str] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)

    def __enter__(self) -> RudeServer:
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while (path := self._request(connection)) is not None:
                    self.asked.append(path)
                    place = urlsplit(path).path
                    talk = Talk(
                        connection, place, self._over, self.other, self.url, _good(place, path)
                    )
                    if len(self.asked) <= self.polite:
                        talk.json(talk.good)
                        continue
                    MANNERS[self.manner](talk)
                    return
            except OSError:
                pass  # the client had enough

    def _request(self, connection: socket.socket) -> str | None:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return None
            data += piece
            self.received += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        told = [line.partition(":")[2] for line in lines if line.lower().startswith("content-len")]
        missing = int(told[0]) - len(body) if told else 0
        while missing > 0:
            piece = connection.recv(missing)
            if not piece:
                return None
            missing -= len(piece)
            self.received += piece
        return lines[0].split(" ")[1]


def _good(place: str, path: str) -> Json:
    from importlib.metadata import version

    kind = place.removeprefix("/api/v1/").partition("/")[0]
    if kind == "info":
        told = {"version": version("zenml"), "auth_scheme": "OAUTH2_PASSWORD_BEARER", "name": "x"}
        return {"id": STACK, **told}
    if kind == "login":
        return {"access_token": "given"}
    if kind == "current-user":
        return {"id": STACK, "name": "admin"}
    if kind == "stacks" and "?" in path:
        return {"items": [_STACK], "total": 1, "total_pages": 1}
    if kind == "flavors":
        return {"items": _FLAVORS, "total": len(_FLAVORS), "total_pages": 1}
    if "?" in path and kind in {"components", "service_connectors", "secrets"}:
        return {"items": [], "total": 0, "total_pages": 1}
    return _STACK
