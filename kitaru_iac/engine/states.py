"""The state of one deployment: read whole, kept between operations, edited under the lock."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pulumi.automation import Deployment as State
from pulumi.automation import Stack
from pulumi.automation.errors import CommandError

from kitaru_iac.engine.checkpoints import Checkpoints, is_damage, whose
from kitaru_iac.engine.errors import StateDamaged, StateForeign, StateLocked
from kitaru_iac.engine.locks import is_dead
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
        project: Pulumi's project.
        stack: Pulumi's stack.
        runner: Runs the SDK's calls.
    """

    def __init__(self, backend: Backend, project: str, stack: str, runner: Runner) -> None:
        self._backend = backend
        self._project, self._stack = project, stack
        folder = backend.folder
        self._files = Checkpoints(folder, project, stack) if folder is not None else None
        self._runner = runner
        self._selected: State | None = None
        self._exported: Mapping[str, Any] | None = None
        self._version: int | None = None

    def forget(self) -> None:
        """Read it anew the next time: an operation may have changed it."""
        self._selected = self._exported = None

    def begin_with(self, selected: State | None) -> None:
        """Spare the first reading: this is what the engine gave when the stack was selected."""
        self._selected = selected

    def read(self, stack: Stack) -> Mapping[str, Any]:
        """The state. It is read once between two operations: each reading starts the engine."""
        if self._exported is None:
            exported = self._selected or self._runner.run(
                "read the state", lambda: self.read_whole(stack.export_stack)
            )
            read = exported.deployment or {}
            self._require_own(read)
            self._exported, self._version = read, exported.version
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
        would be lost, so nothing is read while another holds the lock, the state must be the same
        right before, and what was overwritten all the same is put back, and changed instead.

        Args:
            stack: Whose state.
            change: Gives the new state.
            always: Write it even if nothing changes.

        Raises:
            StateLocked: Another run holds the state.
            StateDamaged: Another run wrote it meanwhile, in a backend that is no folder.
        """

        def write() -> bool:
            while True:
                self._require_unlocked()
                self.forget()
                before = self.read(stack)
                after = change(before)
                if after == before and not always:
                    return False
                self._require_unlocked()
                kept = self._files.texts() if self._files else None
                updated = self._last_update(stack) if self._files is None else ""
                self.forget()
                if self.read(stack) != before:
                    continue
                self._write(stack, after)
                if self._files is None:
                    self._require_same_update(updated, self._last_update(stack))
                    return True
                lost = self._files.overwritten(kept)
                if lost is None:
                    return True
                self._write(stack, lost)

        return self._runner.unlocked(write)

    def _write(self, stack: Stack, deployment: Mapping[str, Any]) -> None:
        self.forget()
        made = State(self._version, deployment)
        self._runner.run("write the state", lambda: stack.import_stack(made))

    def _require_unlocked(self) -> None:
        """Where locks can be seen, a state that is being written is not worth reading."""
        locks = self._files.locks() if self._files else ()
        if locks:
            raise StateLocked(self._stack, self._backend.label, locks, self._project)

    def _last_update(self, stack: Stack) -> str:
        """When the last update began and ended; an import of a state, like our own, is none.

        Folders and object stores do not number them.
        """
        history = self._runner.run(
            "read the history", lambda: stack.history(page_size=5, show_secrets=False)
        )
        times = (f"{one.start_time} {one.end_time}" for one in history if "import" not in one.kind)
        return next(times, "")

    def _require_same_update(self, before: str, after: str) -> None:
        if after != before:
            raise StateDamaged(
                self._stack,
                self._backend.label,
                "Another run ended while this one edited the state: what it made may be missing.",
                "Take back what was made: kitaru stack apply -f stack.yaml --take-back.",
            )

    def read_whole(self, read: Callable[[], T]) -> T:
        """Read a state; again where another process is writing it, or died while it did.

        In a folder the engine writes a file's attributes in two steps, and reads "EOF" in between.

        Raises:
            StateDamaged: It stays cut off, and there is no copy that is of this deployment.
            StateLocked: It is cut off, and somebody may be writing it.
        """
        for _ in range(_READS):
            try:
                return read()
            except CommandError as error:
                if not is_damage(str(error)):
                    raise
                if self._files is None:
                    raise StateDamaged(self._stack, self._backend.label, _words(error)) from error
            time.sleep(_READ_PAUSE)
            self._files.mend_beside()
        assert self._files is not None
        if self._files.is_damaged():
            self._take_copy(self._files)
        return read()

    def _take_copy(self, files: Checkpoints) -> None:
        """Go on with the copy that Pulumi keeps of the state before, if it is of this deployment.

        It may lack what the last run made. That has our tags, so it is found before anything is
        made or said to be gone.
        """
        where = self._backend.label
        if any(not is_dead(lock) for lock in files.locks()):
            raise StateLocked(self._stack, where, files.locks(), files.project)
        copy = files.copy()
        if copy is None:
            raise StateDamaged(
                self._stack,
                where,
                f"{files.file} was cut off, and there is no whole copy of it.",
                f"Set it aside, and take back what was made: mv {shlex.quote(str(files.file))} "
                f"{shlex.quote(f'{files.file}.damaged')}, "
                "then kitaru stack apply -f stack.yaml --take-back.",
            )
        aside = files.take(copy)
        self._runner.say(
            f"The state of deployment {self._stack} was cut off: going on with Pulumi's copy of "
            f"{copy.time or 'an unknown time'} ({copy.file}); the damaged one is {aside}"
        )

    def _require_own(self, deployment: Mapping[str, Any]) -> None:
        others = whose(deployment) - {(self._project, self._stack)}
        if others:
            found = ", ".join(sorted(f"{stack} of project {project}" for project, stack in others))
            raise StateForeign(
                f"The state of deployment {self._stack} is of another one: {found}",
                where=self._backend.label,
                why=f"Its resources are not those of project {self._project}.",
                remedy="Set PULUMI_BACKEND_URL to the backend that it was made with.",
            )


def _words(error: CommandError) -> str:
    """The engine's own words in the SDK's error."""
    lines = [line for line in str(error).splitlines() if "error:" in line]
    return " ".join(lines) or "It was cut off."
