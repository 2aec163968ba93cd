"""The two ends of the wire on stdin and stdout, which nobody else in the process can reach.

The descriptors 0 and 1 are moved away before anything else is imported: whatever ZenML, a hook, a
C library or a child process prints goes to stderr, also between our own lines and at the exit.
"""

from __future__ import annotations

import fcntl
import math
import os
import threading
from collections.abc import AsyncIterator

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from kitaru_iac.mcp.refusals import refusals

__all__ = ["LineReader", "LineWriter", "take_wire"]

_CHUNK = 1 << 16
#: A line that is longer ends the connection: nothing that a client sends is so long.
_LONGEST = 16 << 20


def take_wire() -> tuple[int, int]:
    """Move stdin and stdout away; 0 then reads nothing, and 1 is stderr.

    Returns:
        The descriptors of the wire: where a client's lines come from, and where ours go.
    """
    # Above the first three: one of those may be closed.
    reading = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3)
    writing = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3)
    for wire in (reading, writing):  # some clients hand over an end that does not wait
        os.set_blocking(wire, True)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # there is no stderr
        os.dup2(nothing, 1)
    if nothing > 2:
        os.close(nothing)
    return reading, writing


class LineReader:
    """The lines that a client sends, read by a thread that no end of the server waits for.

    Args:
        descriptor: Where they come from.
        answers: Gets the answers to what the server cannot read.
    """

    def __init__(self, descriptor: int, answers: LineWriter) -> None:
        self._descriptor = descriptor
        self._answers = answers

    async def __aiter__(self) -> AsyncIterator[str]:
        """Give each line once it is whole."""
        sending, receiving = anyio.create_memory_object_stream[bytes](math.inf)
        # Apart from anyio's own threads: a read of a pipe cannot be cancelled.
        token = anyio.lowlevel.current_token()
        threading.Thread(target=self._read, args=(sending, token), daemon=True).start()
        async with receiving:
            async for line in receiving:
                text = line.decode("utf-8", "replace")
                refused = refusals(text)
                for refusal in refused or ():
                    await self._answers.write(f"{refusal}\n")
                if refused is None:
                    yield text

    def _read(
        self, sending: MemoryObjectSendStream[bytes], token: anyio.lowlevel.EventLoopToken
    ) -> None:
        pending: list[bytes] = []
        size = 0
        try:
            while chunk := os.read(self._descriptor, _CHUNK):
                *ends, rest = chunk.split(b"\n")
                for end in ends:
                    line = b"".join((*pending, end))
                    anyio.from_thread.run_sync(sending.send_nowait, line, token=token)
                    pending, size = [], 0
                pending.append(rest)
                size += len(rest)
                if size > _LONGEST:
                    break
            anyio.from_thread.run_sync(sending.close, token=token)
        except (OSError, RuntimeError, anyio.BrokenResourceError):
            return  # the server has ended


class LineWriter:
    """The lines that the server sends, each written whole.

    Args:
        descriptor: Where they go.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._writing = anyio.Lock()

    async def write(self, text: str) -> None:
        """Write a text; waits in a thread for a client that is slow to read."""
        async with self._writing:
            await anyio.to_thread.run_sync(self._write, text.encode())

    async def flush(self) -> None:
        """Do nothing: nothing is kept back."""

    def _write(self, rest: bytes) -> None:
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except BrokenPipeError:
            return  # nobody reads any more; that stdin is closed ends the server
