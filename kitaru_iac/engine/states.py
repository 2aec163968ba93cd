"""The state of one deployment: read whole, kept between operations, edited under the lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pulumi.automation import Deployment as State
from pulumi.automation import Stack
from pulumi.automation.errors import CommandError

from kitaru_iac.engine.pending import Identify, settled
from kitaru_iac.engine.running import Runner
from kitaru_iac.engine.workspace import Backend

__all__ = ["States"]

T = TypeVar("T")

#: How often a state is read that is not whole, and the seconds between.
_READS, _READ_PAUSE = 12, 0.6


class States:
    """Reads and edits the state of a deployment.

    Args:
        backend: Where it is.
        runner: Runs the SDK's calls.
    """

    def __init__(self, backend: Backend, runner: Runner) -> None:
        self._backend = backend
        self._runner = runner
        self._exported: Mapping[str, Any] | None = None
        self._version: int | None = None

    def forget(self) -> None:
        """Read it anew the next time: an operation may have changed it."""
        self._exported = None

    def read(self, stack: Stack) -> Mapping[str, Any]:
        """The state. It is read once between two operations: each reading starts the engine."""
        if self._exported is None:
            exported = self._runner.run(
                "read the state", lambda: self.read_whole(stack.export_stack)
            )
            self._exported, self._version = exported.deployment or {}, exported.version
        return self._exported

    def settle(self, stack: Stack, identify: Identify | None) -> bool:
        """Find out how the operations ended that a killed run had begun; True if there were any.

        A run that is still under way has such operations too, but it holds the lock.
        """
        if not self.read(stack).get("pending_operations"):
            return False
        self._runner.say("An earlier run was cut off, or is still running: inspecting what it left")
        return self.edit(
            stack,
            lambda state: settled(state, identify) if state.get("pending_operations") else state,
        )

    def edit(
        self,
        stack: Stack,
        change: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        *,
        always: bool = False,
    ) -> bool:
        """Replace the state by a changed one; False if nothing changes, and it is not written.

        The engine refuses it under a lock. What another run wrote between reading and replacing
        would be lost, so it is read once more right before, and must be the same.

        Args:
            stack: Whose state.
            change: Gives the new state.
            always: Write it even if nothing changes.
        """

        def write() -> bool:
            while True:
                self.forget()
                before = self.read(stack)
                after = change(before)
                if after == before and not always:
                    return False
                self.forget()
                if self.read(stack) == before:
                    break
            made = State(self._version, after)
            self.forget()
            self._runner.run("write the state", lambda: stack.import_stack(made))
            return True

        return self._runner.unlocked(write)

    def read_whole(self, read: Callable[[], T]) -> T:
        """Read a state; again where another process is writing it, or died while it did.

        In a folder the engine writes a file's attributes in two steps, and reads "EOF" in between.
        """
        for _ in range(_READS - 1):
            try:
                return read()
            except CommandError as error:
                if "failed to load checkpoint: EOF" not in str(error):
                    raise
                time.sleep(_READ_PAUSE)
                self._backend.prepare()  # takes away what a dead process left
        return read()
