"""How a call is carried out: in a thread, cancelled only where nothing is written, told in steps.

Reads run beside each other. Writes queue: ZenML's client is one for a process, and who asks for two
changes means the second one after the first. A call that is cancelled while it waits, or before its
first write, changes nothing; one that writes is finished, or taken back, as a whole.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
from mcp.server.mcpserver import Context

from kitaru_iac.callbacks import ProgressCallback, waits_told, wanted_by
from kitaru_iac.errors import Interrupted
from kitaru_iac.machine.interrupts import WorkInterrupted
from kitaru_iac.spec import StackSpec

__all__ = ["Call", "Worker"]

_Result = TypeVar("_Result")
#: So many calls are under way at once; the others wait.
_THREADS = 16


class Call:
    """What a call's thread is handed: how to tell its progress, and whether it is still wanted.

    Args:
        tell: Gets one-line messages.
    """

    def __init__(self, tell: ProgressCallback) -> None:
        self._tell = tell
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Let the call end at the next place where nothing is written yet."""
        self._cancelled.set()

    def require_wanted(self) -> None:
        """End here if the call was cancelled.

        Raises:
            KeyboardInterrupt: It was: the same as Ctrl-C at this place.
        """
        if self._cancelled.is_set():
            raise KeyboardInterrupt

    def progress(self, line: str) -> None:
        """Tell a step, and end here if the call was cancelled."""
        self.require_wanted()
        self._tell(line)

    def tell(self, line: str) -> None:
        """Tell a step of what is not to be ended in the middle."""
        self._tell(line)

    def steps_of(self, spec: StackSpec) -> ProgressCallback:
        """Give how the steps for a description are told.

        The Pulumi engine is not ended in the middle: what it made would be in no state.
        """
        return self.tell if spec.infra == "provision" else self.progress


class Worker:
    """Runs the calls of one server."""

    def __init__(self) -> None:
        self._writing = anyio.Lock()
        # Apart from the threads that pass messages on, which these must not hold up.
        self._threads = anyio.CapacityLimiter(_THREADS)

    async def read(self, context: Context, work: Callable[[Call], _Result]) -> _Result:
        """Run what only reads, beside everything else."""
        return await self._run(context, work)

    async def write(self, context: Context, work: Callable[[Call], _Result]) -> _Result:
        """Run what writes, after the writes that were asked for before it."""
        async with self._writing:
            return await self._run(context, work)

    async def idle(self) -> None:
        """Wait until nothing is written any more."""
        async with self._writing:
            return

    async def _run(self, context: Context, work: Callable[[Call], _Result]) -> _Result:
        sending, receiving = anyio.create_memory_object_stream[str](math.inf)
        token = anyio.lowlevel.current_token()

        def tell(line: str) -> None:
            try:
                anyio.from_thread.run_sync(sending.send_nowait, line, token=token)
            except (RuntimeError, anyio.ClosedResourceError, anyio.BrokenResourceError):
                return  # nobody listens any more; the work goes on

        call = Call(tell)

        async def pass_on() -> None:
            done = 0
            async with receiving:
                async for line in receiving:
                    done += 1
                    await context.report_progress(done, None, line)

        async def wait_for_cancellation() -> None:
            try:
                await anyio.sleep_forever()
            finally:
                call.cancel()

        done: list[_Result] = []
        failed: list[Exception] = []
        async with anyio.create_task_group() as beside:
            beside.start_soon(pass_on)
            beside.start_soon(wait_for_cancellation)
            try:
                # Not abandoned where the call is cancelled: the thread says when it has ended.
                done.append(
                    await anyio.to_thread.run_sync(_in_thread, call, work, limiter=self._threads)
                )
            except Exception as error:  # noqa: BLE001 - raised below, and in no group of one
                failed.append(error)
            finally:
                sending.close()
                beside.cancel_scope.cancel()
        if failed:
            raise failed[0]
        return done[0]


def _in_thread(call: Call, work: Callable[[Call], _Result]) -> _Result:
    try:
        with waits_told(call.tell), wanted_by(call.require_wanted):
            return work(call)
    except WorkInterrupted as stopped:
        raise Interrupted(stopped.what, left=stopped.left, remedy=stopped.remedy) from stopped
    except KeyboardInterrupt as stopped:
        raise Interrupted("Cancelled; nothing was changed") from stopped
