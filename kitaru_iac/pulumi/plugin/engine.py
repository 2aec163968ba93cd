"""The engine's log: what the user sees beside a resource."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import grpc
import grpc.aio
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

__all__ = ["EngineLog"]


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
            self._stub = engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(self._address))
        request = engine_pb2.LogRequest(severity=severity, message=text, urn=urn, ephemeral=passing)
        try:
            await self._stub.Log(request)
        except grpc.aio.AioRpcError:
            return  # a line that nobody reads is no reason to fail
