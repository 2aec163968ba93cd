"""A run that was started: its state, and what it returned."""

from __future__ import annotations

import math
import time
from enum import StrEnum
from typing import TYPE_CHECKING

from kitaru_iac.errors import FlowFailed, FlowNotFinished, FlowTimeout, KitaruError, UsageError
from kitaru_iac.patterns import compiled

if TYPE_CHECKING:
    from uuid import UUID

    from zenml.models import PipelineRunResponse

__all__ = ["ExecutionStatus", "FlowHandle"]

#: Seconds between two looks while a run is waited for: short at first, for those that are done.
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0
#: The line of a traceback that names the exception.
_RAISED = compiled(r"[A-Za-z_][\w.]*(?::|$)")


class ExecutionStatus(StrEnum):
    """How far a run is."""

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_finished(self) -> bool:
        """Whether it will not change any more."""
        return self in (self.COMPLETED, self.FAILED, self.CANCELLED)


#: ZenML's words; any other one is a run that goes on.
_STATUSES = {
    "completed": ExecutionStatus.COMPLETED,
    "cached": ExecutionStatus.COMPLETED,
    "skipped": ExecutionStatus.COMPLETED,
    "failed": ExecutionStatus.FAILED,
    "retried": ExecutionStatus.FAILED,
    "stopped": ExecutionStatus.CANCELLED,
    "cancelled": ExecutionStatus.CANCELLED,
    "paused": ExecutionStatus.WAITING,
}


class FlowHandle:
    """A run of a flow.

    Args:
        run: ZenML's run.
        stack: The name of the stack that it runs on.
        stack_source: What chose that stack: one of the six layers, or ``stack()``, a block.
    """

    def __init__(self, run: PipelineRunResponse, stack: str, stack_source: str) -> None:
        self._id: UUID = run.id
        self.stack = stack
        self.stack_source = stack_source

    def __repr__(self) -> str:
        return f"FlowHandle(exec_id={self.exec_id!r}, stack={self.stack!r})"

    @property
    def exec_id(self) -> str:
        """The id of ZenML's run."""
        return str(self._id)

    @property
    def status(self) -> ExecutionStatus:
        """How far the run is now; asks the store.

        Raises:
            NotFoundError: The run was deleted.
            NotConnectedError: The store does not answer.
        """
        return _status(self._run())

    def wait(self, timeout: float | None = None) -> object:
        """Wait for the end of the run, and give what the flow returned.

        Args:
            timeout: Seconds to wait at most; the run goes on after them. None waits for ever.

        Raises:
            FlowTimeout: The time is over.
            FlowFailed: The run failed or was stopped.
            FlowNotFinished: It is paused until somebody resumes it.
            KitaruError: What it returned cannot be loaded any more.
            UsageError: `timeout` is no positive number.
        """
        end = None if timeout is None else time.monotonic() + _seconds(timeout)
        pause = _FIRST_PAUSE
        while True:
            run = self._run()
            status = _status(run)
            if status.is_finished or status is ExecutionStatus.WAITING:
                return self._result(run, status)
            left = math.inf if end is None else end - time.monotonic()
            if left <= 0:
                raise FlowTimeout(
                    f"Run {self.exec_id} is {status.value} after {timeout:g} seconds",
                    remedy="It goes on. Wait again, or look at its status.",
                )
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def get(self) -> object:
        """Give what the flow returned, without waiting.

        Raises:
            FlowNotFinished: The run goes on.
            FlowFailed: The run failed or was stopped.
            KitaruError: What it returned cannot be loaded any more.
        """
        run = self._run()
        return self._result(run, _status(run))

    def _result(self, run: PipelineRunResponse, status: ExecutionStatus) -> object:
        if not status.is_finished:
            raise FlowNotFinished(
                f"Run {self.exec_id} is {status.value}",
                remedy="Wait for it with .wait()."
                if status is ExecutionStatus.RUNNING
                else "It goes on when somebody resumes it.",
            )
        if status is not ExecutionStatus.COMPLETED:
            raise FlowFailed(f"Run {self.exec_id} of {_flow(run)} is {status.value}", why=_why(run))
        from kitaru_iac.flows.values import result_of

        try:
            return result_of(run)
        except KitaruError:
            raise
        except Exception as error:  # whatever the artifact store or a materializer raises
            raise KitaruError(
                f"What run {self.exec_id} of {_flow(run)} returned cannot be loaded",
                why=_line(f"{type(error).__name__}: {error}"),
                remedy="See that the artifact store of its stack is there, with what is in it: "
                "deleting the store deletes no data, but ZenML loads none without it.",
            ) from error

    def _run(self) -> PipelineRunResponse:
        from kitaru_iac.gateway.calls import asked_server
        from kitaru_iac.gateway.errors import translate_errors

        with translate_errors(asked_server):
            from zenml.client import Client

            # Without hydration the status may come from this process's cache.
            return Client().get_pipeline_run(self._id, allow_name_prefix_match=False, hydrate=True)


def _seconds(timeout: object) -> float:
    if (
        isinstance(timeout, bool)
        or not isinstance(timeout, int | float)
        or not math.isfinite(timeout)
        or timeout <= 0
    ):
        raise UsageError(f"The timeout {timeout!r} is not a number of seconds above 0")
    return float(timeout)


def _status(run: PipelineRunResponse) -> ExecutionStatus:
    return _STATUSES.get(str(run.status.value), ExecutionStatus.RUNNING)


def _flow(run: PipelineRunResponse) -> str:
    return f"flow {run.pipeline.name}" if run.pipeline else "the flow"


def _why(run: PipelineRunResponse) -> str | None:
    """The error that ZenML keeps with the run, without the traceback."""
    info = getattr(run, "exception_info", None)
    if info is None or not info.traceback:
        return None
    lines = info.traceback.splitlines()
    # What was raised begins at the margin, after the frames; its message may have more lines.
    heads = [line for line in lines if _RAISED.match(line)]
    last = heads[-1] if heads else lines[-1]
    return _line(last)


def _line(text: str) -> str:
    from kitaru_iac import redaction
    from kitaru_iac.machine.known_secrets import known_secrets

    return redaction.text(text.strip(), *known_secrets())
