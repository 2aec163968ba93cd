"""One Pulumi stack with an inline program: looked at, brought about, and taken down.

Every operation ends in a `Result` or in one of the errors of `kitaru_iac.engine.errors`; a run that
died in the middle is cleaned up after by the next one.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from pulumi.automation import (
    Deployment as State,
)
from pulumi.automation import (
    EngineEvent,
    LocalWorkspace,
    OutputMap,
    ProjectSettings,
    Stack,
    StackNotFoundError,
)

from kitaru_iac.engine.command import EngineCommand, EngineInterrupted
from kitaru_iac.engine.errors import (
    EventsIncomplete,
    StateLocked,
    UpdateCancelled,
    mapped,
)
from kitaru_iac.engine.events import Recording, ResourceChange, steps
from kitaru_iac.engine.find import FoundEngine
from kitaru_iac.engine.install import ensure_plugin
from kitaru_iac.engine.locks import is_dead, is_here
from kitaru_iac.engine.pending import Identify, settled
from kitaru_iac.engine.progress import View, as_view
from kitaru_iac.engine.workspace import Backend, default_backend, engine_environment
from kitaru_iac.plan import Step
from kitaru_iac.secret import SecretText

__all__ = ["Deployment", "Plugin", "Result"]

T = TypeVar("T")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plugin:
    """A provider plugin that the program needs, as ``aws`` ``7.51.1``."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Result:
    """What an operation did, or would do.

    Attributes:
        changes: One for each resource.
        outputs: The program's outputs; a secret one is a `SecretText`. Empty for a preview.
    """

    changes: tuple[ResourceChange, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)

    def steps(self, names: Mapping[str, str] | None = None) -> tuple[Step, ...]:
        """The changes in the cloud as steps of a plan; see `kitaru_iac.engine.events.steps`."""
        return steps(self.changes, names)


class Deployment:
    """A Pulumi stack of an inline program. Use it in a `with` block: its work directory ends there.

    Args:
        project: Pulumi's project.
        stack: Pulumi's stack.
        program: The inline program.
        engine: The engine to use.
        backend: Where the state is.
        environment: Further variables for the engine and its plugins: credentials go here, and so
            never into the state.
        plugins: The provider plugins that the program needs.
        identify: See `kitaru_iac.engine.pending`.
        progress: Gets one-line messages; a `View` sees every event.
        lock_wait: How long to wait for another update on this machine to end, in seconds.
    """

    def __init__(
        self,
        project: str,
        stack: str,
        program: Callable[[], Any],
        *,
        engine: FoundEngine,
        backend: Backend | None = None,
        environment: Mapping[str, str] | None = None,
        plugins: Sequence[Plugin] = (),
        identify: Identify | None = None,
        progress: Say | None = None,
        lock_wait: float = 30.0,
    ) -> None:
        self.project = project
        self.stack = stack
        self.backend = backend or default_backend()
        self._program = program
        self._plugins = tuple(plugins)
        self._identify = identify
        self._view: View = as_view(progress)
        self._lock_wait = lock_wait
        self._given = dict(environment or {})
        self._command = EngineCommand(engine, on_interrupt=self._interrupted)
        self._cleanup = ExitStack()
        self._opened: Stack | None = None
        self._looked = False
        self._exported: State | None = None

    def __enter__(self) -> Deployment:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    def equip(
        self,
        environment: Mapping[str, str],
        plugins: Sequence[Plugin],
        identify: Identify | None = None,
    ) -> None:
        """Give it what only its own state could tell: whose credentials and which plugins."""
        self._given = dict(environment)
        self._plugins = tuple(plugins)
        self._identify = identify
        if self._opened is not None:
            self._opened = Stack.select(self.stack, self._workspace())

    # -- operations --------------------------------------------------------------------------------

    def exists(self) -> bool:
        """Whether the backend knows this deployment."""
        return self._open(create=False) is not None

    def preview(self, *, refresh: bool = True) -> Result:
        """What `up` would change. Writes nothing, to the state neither.

        Args:
            refresh: Compare with what the cloud has now, not with what the state remembers.
        """
        stack = self._open(create=False) or self._scratch()
        record, _ = self._operate(
            "preview the infrastructure",
            lambda say: stack.preview(on_event=say, refresh=refresh, color="never"),
        )
        return Result(record.changes)

    def up(self, *, refresh: bool = True) -> Result:
        """Bring the program's resources about; continues where an earlier run ended.

        Args:
            refresh: Look at the cloud first, so that what drifted is brought back.
        """
        stack = self._open(create=True)
        assert stack is not None
        self._settle(stack)
        record, done = self._operate(
            "bring the infrastructure about",
            lambda say: stack.up(on_event=say, refresh=refresh, color="never", show_secrets=False),
        )
        return Result(record.changes, _outputs(done.outputs))

    def refresh_preview(self) -> Result:
        """What differs between the cloud and what the state remembers: drift. Writes nothing."""
        stack = self._open(create=False)
        if stack is None:
            return Result()
        record, _ = self._operate(
            "look at the infrastructure",
            lambda say: stack.preview_refresh(on_event=say, color="never"),
            refreshing=True,
        )
        return Result(record.changes)

    def preview_destroy(self, *, keep_protected: bool = True) -> Result:
        """What `destroy` would delete."""
        stack = self._open(create=False)
        if stack is None:
            return Result()
        record, _ = self._operate(
            "preview the end of the infrastructure",
            lambda say: stack.preview_destroy(
                on_event=say, exclude_protected=keep_protected, color="never", run_program=False
            ),
        )
        return Result(record.changes)

    def destroy(self, *, keep_protected: bool = True) -> Result:
        """Delete the resources; protected ones stay, unless told otherwise, and the state with them."""
        stack = self._open(create=False)
        if stack is None:
            return Result()
        unsettled = self._settle(stack)
        record, _ = self._operate(
            "take the infrastructure down",
            lambda say: stack.destroy(
                on_event=say,
                exclude_protected=keep_protected,
                refresh=unsettled,
                color="never",
                show_secrets=False,
                run_program=False,
            ),
        )
        if not self.resources():
            self._run("forget the deployment", lambda: stack.workspace.remove_stack(self.stack))
            self._opened = None
        return Result(record.changes)

    # -- the state ---------------------------------------------------------------------------------

    def resources(self) -> tuple[Mapping[str, Any], ...]:
        """The resources of the cloud that the state holds, as Pulumi's state has them.

        Secret properties are encrypted in them.
        """
        stack = self._open(create=False)
        if stack is None:
            return ()
        return tuple(
            resource
            for resource in self._state(stack).get("resources", ())
            if resource.get("custom") and not str(resource["type"]).startswith("pulumi:")
        )

    def providers(self) -> tuple[Mapping[str, Any], ...]:
        """The providers that the state holds."""
        stack = self._open(create=False)
        if stack is None:
            return ()
        return tuple(
            resource
            for resource in self._state(stack).get("resources", ())
            if str(resource["type"]).startswith("pulumi:providers:")
        )

    def outputs(self) -> Mapping[str, Any]:
        """The outputs of the last `up`."""
        stack = self._open(create=False)
        return _outputs(self._run("read the outputs", stack.outputs)) if stack else {}

    def set_protection(self, protected: Mapping[str, bool]) -> None:
        """Protect resources from deletion, or lift the protection and what keeps them afterwards.

        Args:
            protected: By URN.
        """
        stack = self._open(create=False)
        if stack is None:
            return
        for resource in self._state(stack).get("resources", ()):
            wanted = protected.get(resource["urn"])
            if wanted is None:
                continue
            resource["protect"] = wanted
            if not wanted:
                # Else the engine would forget the resource and leave it where it is.
                resource.pop("retainOnDelete", None)
        changed, self._exported = self._exported, None
        assert changed is not None
        self._run("write the state", lambda: stack.import_stack(changed))

    def unlock(self) -> None:
        """Let go of a lock that a dead run left."""
        stack = self._open(create=False)
        if stack is not None:
            self._run("unlock the state", stack.cancel)

    def _state(self, stack: Stack) -> Mapping[str, Any]:
        """The state. It is read once between two operations: each reading starts the engine."""
        if self._exported is None:
            self._exported = self._run("read the state", stack.export_stack)
        return self._exported.deployment or {}

    def _settle(self, stack: Stack) -> bool:
        """Find out how the operations ended that a killed run had begun; True if there were any."""
        if not self._state(stack).get("pending_operations"):
            return False
        self._view("An earlier run was cut off: looking at what it left")

        def write() -> None:
            state = State(self._exported.version if self._exported else None,
                          settled(self._state(stack), self._identify))  # fmt: skip
            self._run("find out how an earlier run ended", lambda: stack.import_stack(state))

        self._unlocked(write)
        self._exported = None
        return True

    # -- the workspace -----------------------------------------------------------------------------

    def _open(self, *, create: bool) -> Stack | None:
        """The stack, selected in the backend; None if it is not there and not to be created."""
        if self._opened is not None or (self._looked and not create):
            return self._opened
        workspace = self._workspace()

        def opened() -> Stack | None:
            try:
                return Stack.select(self.stack, workspace)
            except StackNotFoundError:
                return Stack.create(self.stack, workspace) if create else None

        self._opened = self._run("open the state", opened)
        self._looked = True
        return self._opened

    def _scratch(self) -> Stack:
        """An empty stack in a folder that is thrown away.

        With it the preview of a new deployment writes nothing to the backend.
        """
        folder = Path(self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="kitaru-")))
        passphrase = {"PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe(16)}
        workspace = self._workspace(Backend(folder.as_uri()), passphrase)
        return self._run("open an empty state", lambda: Stack.create(self.stack, workspace))

    def _workspace(
        self, backend: Backend | None = None, passphrase: Mapping[str, str] | None = None
    ) -> LocalWorkspace:
        environment = engine_environment(backend or self.backend, self._given, passphrase)
        work_dir = self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="kitaru-"))
        for plugin in self._plugins:
            ensure_plugin(
                self._command,
                plugin.name,
                plugin.version,
                environment,
                Path(work_dir),
                progress=self._view,
            )
        return _Workspace(
            work_dir=work_dir,
            program=self._program,
            env_vars=dict(environment),
            project_settings=ProjectSettings(name=self.project, runtime="python"),
            pulumi_command=self._command,
        )

    # -- running -----------------------------------------------------------------------------------

    def _operate(
        self, doing: str, call: Callable[[Callable[[EngineEvent], Any]], T], *,
        refreshing: bool = False,
    ) -> tuple[Recording, T]:  # fmt: skip
        """Run an operation with events, and make sure that all of them were seen."""

        def once() -> tuple[Recording, T]:
            with _Events(Recording(refreshing), self._view) as events:
                self._exported = None
                done = self._run(doing, lambda: call(events.put), events.recording)
            lost = events.recording.missing()
            if lost:
                raise EventsIncomplete(
                    f"Could not {doing}: not all that the engine did was seen",
                    why=f"Missing: {', '.join(lost)}",
                    remedy="Run it again; if it stays, the engine is newer than this version of "
                    "kitaru-iac knows.",
                )
            return events.recording, done

        return self._unlocked(once)

    def _unlocked(self, operate: Callable[[], T]) -> T:
        """Run it; a lock is waited for if its holder lives here, and undone if it died here."""
        give_up = time.monotonic() + self._lock_wait
        unlocked = told = False
        while True:
            try:
                return operate()
            except StateLocked as error:
                if error.locks and not unlocked and all(is_dead(lock) for lock in error.locks):
                    self._view("An earlier run died and left the state locked: unlocking it")
                    self.unlock()
                    unlocked = True
                    continue
                if not any(is_here(lock) for lock in error.locks) or time.monotonic() > give_up:
                    raise
                if not told:
                    self._view(f"Waiting for {', '.join(map(str, error.locks))} to end")
                    told = True
                time.sleep(1.0)

    def _run(self, doing: str, call: Callable[[], T], record: Recording | None = None) -> T:
        """Call the SDK; whatever it raises becomes one of our errors."""
        seen = record or Recording()
        try:
            return call()
        except EngineInterrupted as stop:
            if record is None:
                raise
            raise self._cancelled(stop, seen) from None
        except Exception as error:
            raise mapped(
                error,
                stack=self.stack,
                backend=self.backend.label,
                doing=doing,
                diagnostics=seen.diagnostics,
                failed=seen.failed,
                hide=self._secrets(),
            ) from error

    def _cancelled(self, stop: EngineInterrupted, seen: Recording) -> UpdateCancelled:
        changed = [change for change in seen.changes if change.is_of_the_cloud]
        done = len({c.urn for c in changed} & set(seen.done))
        why = f"{done} of the resources that were begun are done, and the state says which."
        if stop.at_once:
            why += " What was under way was cut off; the next run finds out how it ended."
        return UpdateCancelled(
            f"Interrupted: deployment {self.stack} is unfinished",
            where=self.backend.label,
            why=why,
            remedy="Run the same command again to go on from here.",
        )

    def _interrupted(self, presses: int) -> None:
        if presses == 1:
            self._view(
                "Stopping when the running operations have ended; Ctrl-C again to stop at once"
            )

    def _secrets(self) -> Iterable[str]:
        """What must not be shown, wherever a plugin may have put it."""
        words = ("SECRET", "TOKEN", "PASSWORD", "PASSPHRASE")
        for name, value in {**os.environ, **self._given}.items():
            if any(word in name for word in words) and len(value) >= 8:
                yield value


class _Workspace(LocalWorkspace):
    """A workspace that leaves nothing behind.

    Pulumi would keep a note of the selected stack for each work directory, for ever; and the SDK
    exports states with their secrets in the clear, and forgets them in `/tmp` where it fails.
    """

    def select_stack(self, stack_name: str) -> None:
        """Make sure that it is there."""
        self._run_pulumi_cmd_sync(["stack", "--stack", stack_name, "--show-name"])

    def create_stack(self, stack_name: str) -> None:
        """Make it, without selecting it."""
        self._run_pulumi_cmd_sync(["stack", "init", stack_name, "--no-select"])

    def export_stack(self, stack_name: str) -> State:
        """The state, with its secrets encrypted."""
        done = self._run_pulumi_cmd_sync(["stack", "export", "--stack", stack_name])
        exported = json.loads(done.stdout)
        return State(exported.get("version"), exported.get("deployment"))

    def import_stack(self, stack_name: str, state: State) -> None:
        """Replace the state."""
        file = Path(self.work_dir, "state.json")
        text = json.dumps({"version": state.version, "deployment": state.deployment})
        file.write_text(text, encoding="utf-8")
        self._run_pulumi_cmd_sync(["stack", "import", "--file", str(file), "--stack", stack_name])


class _Events:
    """Takes the events off the SDK's thread, which swallows what goes wrong on it."""

    def __init__(self, recording: Recording, view: View) -> None:
        self.recording = recording
        self._view = view
        self._queue: queue.SimpleQueue[EngineEvent | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._consume, daemon=True)
        self.put = self._queue.put
        self._broken: Exception | None = None

    def __enter__(self) -> _Events:
        # When the engine ends early, the program that it runs here fails to reach it, and gRPC logs
        # tracebacks of that. What happened is told by the engine.
        logging.getLogger("grpc._server").addFilter(_nothing)
        self._view.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._queue.put(None)
        self._thread.join()
        self._view.__exit__(kind, error, trace)
        logging.getLogger("grpc._server").removeFilter(_nothing)
        if self._broken is not None and error is None:
            raise self._broken

    def _consume(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                self.recording.take(event)
                self._view.take(event)
            except Exception as error:  # noqa: BLE001 - raised in the caller's thread
                self._broken = self._broken or error


def _nothing(_: logging.LogRecord) -> bool:
    """A filter that lets nothing through."""
    return False


def _outputs(outputs: OutputMap) -> dict[str, Any]:
    return {
        name: SecretText(output.value) if output.secret else output.value
        for name, output in outputs.items()
    }
