"""Serving, over stdin and stdout or over HTTP on this machine, and ending as a whole.

The first SIGINT or SIGTERM, and a client that closes stdin, end the server: a write that has begun
is finished or taken back first, and none begins any more. A second signal ends the process at once.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio
from mcp.server.stdio import stdio_server

from kitaru_iac.errors import ExitCode, KitaruError
from kitaru_iac.mcp.http import guarded
from kitaru_iac.mcp.modes import Mode
from kitaru_iac.mcp.server import build
from kitaru_iac.mcp.streams import LineReader, LineWriter

__all__ = ["serve_http", "serve_stdio"]

#: Seconds that HTTP clients have to hang up.
_PATIENCE = 2


def serve_stdio(mode: Mode, reading: int, writing: int) -> int:
    """Serve one client over two descriptors until it closes them.

    Args:
        mode: What it may do.
        reading: Where its lines come from.
        writing: Where ours go.

    Returns:
        The exit code.
    """
    server = build(mode)

    async def until_stopped() -> int:
        serving = anyio.CancelScope()

        async def serve() -> None:
            lowlevel = server._lowlevel_server
            answers = LineWriter(writing)
            lines = LineReader(reading, answers)
            with serving:  # and not whoever listens for the second signal
                async with stdio_server(lines, answers) as (received, sent):  # type: ignore[arg-type]
                    await lowlevel.run(received, sent, lowlevel.create_initialization_options())

        return await _until_signal(serve, serving.cancel)

    return anyio.run(until_stopped)


def serve_http(mode: Mode, port: int, token: str) -> int:
    """Serve any number of clients at ``http://127.0.0.1:PORT/mcp`` until a signal comes.

    Args:
        mode: What they may do.
        port: Where; 0 takes one that is free.
        token: What each request has to carry.

    Returns:
        The exit code.

    Raises:
        KitaruError: The port is taken.
    """
    import uvicorn

    class Web(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Leave the signals to `_until_signal`."""
            yield

    listening = _bound(port)
    address = f"127.0.0.1:{listening.getsockname()[1]}"
    server = build(mode)
    web = Web(
        uvicorn.Config(
            guarded(server.streamable_http_app(), address, token),
            log_config=None,
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=_PATIENCE,
            lifespan="on",
        )
    )

    async def serve() -> None:
        sys.stderr.write(f"Listening on http://{address}/mcp\n")
        sys.stderr.flush()
        await web.serve([listening])
        await server.site.worker.idle()

    def stop() -> None:
        web.should_exit = True

    return anyio.run(_until_signal, serve, stop)


def _bound(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise KitaruError(
            f"The server cannot listen on port {port}",
            where="--port",
            why=getattr(error, "strerror", None) or "It is not between 0 and 65535",
            remedy="Choose another one, or 0 for any.",
        ) from None
    return listening


async def _until_signal(serve: Callable[[], Awaitable[None]], stop: Callable[[], None]) -> int:
    """Serve, and stop at the first signal; end the process at the second.

    Returns:
        The exit code.
    """
    code = int(ExitCode.DONE)

    async def listen() -> None:
        nonlocal code
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                if code:
                    os._exit(code)
                code = int(ExitCode.INTERRUPTED)
                stop()

    async with anyio.create_task_group() as beside:
        beside.start_soon(listen)
        await serve()
        beside.cancel_scope.cancel()
    return code
