"""The engine that started this plugin: its log, which the user sees, and whether it is there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import grpc
import grpc.aio

from kitaru_iac.pulumi.plugin.protocol import engine_pb2, engine_pb2_grpc

__all__ = ["EngineLog", "until_gone"]

#: A proxy of the machine's does not lead to the machine itself.
_OPTIONS = (("grpc.enable_http_proxy", 0),)
#: Seconds that an engine is given to take a connection, or take one again.
_PATIENCE = 3.0


async def until_gone(address: str, parent: int) -> None:
    """Wait until an engine that was there takes no connection any more, as plugins in Go do.

    An engine that is killed ends nothing that it started. One that never was there, as where the
    plugin was started by hand, is waited for as long as whoever started the plugin is there.

    Args:
        address: Where the engine listens.
        parent: The process that started this one.
    """
    async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
        while not await _is_ready(channel):
            if os.getppid() != parent:
                return
        while True:
            state = channel.get_state(try_to_connect=True)
            if state is not grpc.ChannelConnectivity.TRANSIENT_FAILURE:
                await channel.wait_for_state_change(state)
            elif not await _is_ready(channel):
                return


async def _is_ready(channel: grpc.aio.Channel) -> bool:
    """Whether the engine takes a connection within its time."""
    try:
        await asyncio.wait_for(channel.channel_ready(), _PATIENCE)
    except TimeoutError:
        return False
    return True


class EngineLog:
    """Writes lines into the engine's output, beside a resource."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._stub: engine_pb2_grpc.EngineStub | None = None

    async def warning(self, text: str, urn: str = "") -> None:
        """A line that stays."""
        await self._write(engine_pb2.WARNING, text, urn)

    async def debug(self, text: str, urn: str = "") -> None:
        """A line that is shown with ``--debug`` only."""
        await self._write(engine_pb2.DEBUG, text, urn)

    def speaker(self, urn: str) -> Callable[[str], None]:
        """A function for the progress of a resource; to be called from another thread."""
        loop = asyncio.get_running_loop()

        def say(text: str) -> None:
            line = self._write(engine_pb2.INFO, text, urn, passing=True)
            asyncio.run_coroutine_threadsafe(line, loop)

        return say

    async def _write(
        self,
        severity: engine_pb2.LogSeverity.ValueType,
        text: str,
        urn: str,
        *,
        passing: bool = False,
    ) -> None:
        if self._stub is None:
            self._stub = engine_pb2_grpc.EngineStub(
                grpc.aio.insecure_channel(self._address, options=_OPTIONS)
            )
        request = engine_pb2.LogRequest(severity=severity, message=text, urn=urn, ephemeral=passing)
        try:
            await self._stub.Log(request)
        except grpc.aio.AioRpcError:
            return  # a line that nobody reads is no reason to fail
