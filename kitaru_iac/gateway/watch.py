"""What a call to a server may take: its time, its bytes, and a word where it takes long.

And what all calls together may wait for a server that gives no answer.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final

__all__ = ["Silence", "TooLarge", "Watch", "Watched", "in_time"]

#: After so many seconds of a call it is said what is waited for.
_SILENT: Final = 3.0
#: What may come besides the body: http.client itself takes 100 header lines of 64 KiB at most.
_HEADS: Final = 2**20
#: Seconds of all later calls, after one without an answer: to see what it did, and to take it back.
_AFTERWARDS: Final = 5.0
#: In less than so many of them no answer is waited for.
_LEAST: Final = 0.5
#: After so many seconds in which a silent server was not asked, it is asked as any other.
_FORGOTTEN: Final = 30.0


class TooLarge(OSError):
    """An answer is larger than it may be."""


class Watch:
    """The limits of one call, with all that it takes to be answered.

    Args:
        seconds: From now until the last byte.
        limit: Bytes of the body.
        say: Says once what is waited for.
    """

    def __init__(self, seconds: float, limit: int, say: Callable[[], None] | None = None) -> None:
        now = time.monotonic()
        self.limit = limit
        self._ends = now + seconds
        self._says_at = now + _SILENT
        self._say = say
        self._bytes = limit + _HEADS

    @property
    def left(self) -> float:
        """Seconds until the end of the call; 0 after it."""
        return max(0.0, self._ends - time.monotonic())

    def until(self, patience: float) -> float:
        """When a wait that begins now has to end."""
        return min(self._ends, time.monotonic() + patience)

    def step(self, until: float) -> float:
        """Give the seconds to wait before this is asked again; says the word where it is time.

        Raises:
            TimeoutError: `until` is over.
        """
        now = time.monotonic()
        if now >= until:
            raise TimeoutError
        if self._say is None:
            return until - now
        if now >= self._says_at:
            say, self._say = self._say, None
            say()
            return max(until - now, 0.001)
        return min(until, self._says_at) - now

    def sleep(self, seconds: float) -> None:
        """Wait, if that is in time; else raises `TimeoutError` at its end."""
        wakes = time.monotonic() + seconds
        while (rest := wakes - time.monotonic()) > 0:
            time.sleep(min(rest, self.step(self._ends)))

    def took(self, count: int) -> None:
        """Count bytes that came.

        Raises:
            TooLarge: There are more than may come.
        """
        self._bytes -= count
        if self._bytes < 0:
            raise TooLarge


class Silence:
    """How long a server has given no answer, over all calls of a session and all its threads.

    Each call has its own time. After one without an answer those that follow have a few seconds
    more, all together: a command that goes on, to take back what it wrote, does not wait anew with
    each request. Any answer ends the silence, so that no work is cut that goes on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waited = 0.0
        #: Until when waits are counted: where several threads wait at once, it is one silence.
        self._counted = -_FORGOTTEN

    @property
    def waited(self) -> float:
        """Seconds since the last answer in which one was waited for."""
        return self._waited

    def left(self, seconds: float) -> float | None:
        """Give the time of a call that alone has so many seconds; None: it is not to be sent."""
        with self._lock:
            if time.monotonic() - self._counted >= _FORGOTTEN:
                self._waited = 0.0
            if not self._waited:
                return seconds
            left = min(seconds, seconds + _AFTERWARDS - self._waited)
            return left if left >= min(_LEAST, seconds) else None

    def lasts(self, began: float, most: float) -> None:
        """Count a call without an answer.

        Args:
            began: When it began, by `time.monotonic`.
            most: The most seconds that count: of a longer one it is the server that waits.
        """
        now = time.monotonic()
        with self._lock:
            self._waited += min(most, max(0.0, now - max(began, self._counted)))
            self._counted = now

    def ends(self) -> None:
        """Note that an answer came."""
        with self._lock:
            self._waited, self._counted = 0.0, time.monotonic()


class Watched(http.client.HTTPResponse):
    """An answer that is read within the limits of a watch.

    A timeout of the socket alone begins anew with every byte.

    Args:
        watch: The limits.
        patience: Seconds without a byte.
    """

    def __init__(
        self, sock: socket.socket, *more: Any, watch: Watch, patience: float, **options: Any
    ) -> None:
        super().__init__(sock, *more, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_Socket(sock, watch, patience))

    def whole(self, limit: int) -> bytes:
        """Read the body.

        Raises:
            TooLarge: It has, or says that it has, more bytes than `limit`.
            HTTPException: It is cut, or in no form of HTTP.
        """
        if self.length is not None and self.length > limit:
            raise TooLarge
        body = bytearray()
        while piece := self.read(2**16):
            body += piece
            if len(body) > limit:
                raise TooLarge
        if self.length:
            raise http.client.IncompleteRead(b"", self.length)
        return bytes(body)


class _Socket(io.RawIOBase):
    """What comes from a socket, in time and in measure."""

    def __init__(self, sock: socket.socket, watch: Watch, patience: float) -> None:
        self._sock, self._watch, self._patience = sock, watch, patience
        # As long as it is open, so is the socket, though the connection lets go of it.
        self._holds = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        until = self._watch.until(self._patience)
        while True:
            self._sock.settimeout(self._watch.step(until))
            try:
                count = self._sock.recv_into(buffer)
            except TimeoutError:
                continue  # `step` knows whether it was the last one
            self._watch.took(count)
            return count

    def close(self) -> None:
        self._holds.close()
        super().close()


def in_time(
    watch: Watch, patience: float, call: Callable[[], None], undo: Callable[[], None]
) -> None:
    """Let a call end in time that knows no time: name resolution, and TLS byte by byte.

    Args:
        watch: The limits.
        patience: Seconds for it.
        call: Runs in another thread, and goes on there where it is late.
        undo: Takes back what it did, then.

    Raises:
        TimeoutError: It is late. Else what `call` raises.
    """
    failure: list[BaseException] = []
    done, left = threading.Event(), threading.Event()

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failure.append(error)
        done.set()
        if left.is_set():
            undo()

    until = watch.until(patience)
    try:
        threading.Thread(target=run, daemon=True).start()
        while not done.wait(watch.step(until)):
            pass
    except BaseException:
        left.set()
        if done.is_set():
            undo()
        raise
    if failure:
        raise failure[0]
