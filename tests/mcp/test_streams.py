"""The ends of the wire on stdin and stdout, over pipes: what is read, and what is refused."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import Any

import anyio
import pytest

from kitaru_iac.mcp.streams import LineReader, LineWriter

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'


def _through(sent: bytes) -> tuple[list[str], list[dict[str, Any]]]:
    """What the server gets of what a client sends, and what the client is answered at once."""
    (there, sending), (receiving, back) = os.pipe(), os.pipe()

    def send() -> None:
        with os.fdopen(sending, "wb") as client:
            client.write(sent)

    async def read() -> list[str]:
        return [line async for line in LineReader(there, LineWriter(back))]

    client = threading.Thread(target=send)
    client.start()
    lines = anyio.run(read)
    client.join()
    os.close(there)
    os.close(back)
    with os.fdopen(receiving) as answers:
        return lines, [json.loads(line) for line in answers]


@pytest.mark.parametrize(
    ("line", "ids", "why"),
    [
        (
            rb'{"jsonrpc":"2.0","id":"a","method":"m","params":{"x":"\ud83d"}}',
            ["a"],
            "Invalid JSON",
        ),
        (b'{"jsonrpc":"2.0","id":7,"method":"m","params":[1]}', [7], "no request"),
        (b'{"jsonrpc":"1.0","id":7,"method":"m"}', [7], "no request"),
        (b'{"id":7,"method":"m"}', [7], "no request"),
        (
            b'[{"jsonrpc":"2.0","id":7,"method":"m"},{"method":"n"},{"id":8,"method":""}]',
            [7, 8],
            "",
        ),
        (b'{"jsonrpc":"2.0","id":7,"method":"%s"}' % (b"x" * (1 << 20)), [7], "1048576"),
        (b'{"id":true,"method":"m"}', [], ""),
        (b'{"id":1.5,"method":"m"}', [], ""),
        (b'{"jsonrpc":"2.0","id":7,"params":"x"}', [], ""),
        (b'{"jsonrpc":"2.0","id":7,"error":5}', [], ""),
        (b"no JSON", [], ""),
        (b"\xff\x00", [], ""),
        (b"[" * 100_000, [], ""),
    ],
)
def test_what_cannot_be_read_is_refused_and_no_end_of_the_wire(
    line: bytes, ids: list[object], why: str
) -> None:
    lines, answers = _through(b"%s\n%s\n" % (line, PING))
    assert lines == [PING.decode()]
    assert [(answer["id"], answer["error"]["code"]) for answer in answers] == [
        (each, -32600) for each in ids
    ]
    assert all(why in answer["error"]["message"] for answer in answers)


def test_a_long_line_is_read_once() -> None:
    before = time.thread_time()
    long = b'{"jsonrpc":"2.0","id":2,"method":"%s"}' % (b"x" * (15 << 20))
    lines, answers = _through(b"%s\n%s\n" % (long, PING))
    assert (len(lines), len(answers)) == (1, 1)
    assert time.thread_time() - before < 2
