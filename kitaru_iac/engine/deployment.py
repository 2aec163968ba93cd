"""One Pulumi stack with an inline program: previewed, updated, refreshed and destroyed.

Every operation ends in a `Result` or in one of the errors of `kitaru_iac.engine.errors`; a run that
died in the middle is cleaned up after by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from pulumi.automation import EngineEvent, Stack, StackNotFoundError
from pulumi.automation._stack import StackInitMode

from kitaru_iac.callbacks import ProgressCallback
from kitaru_iac.engine.command import EngineCommand
from kitaru_iac.engine.events import Recording
from kitaru_iac.engine.find import FoundEngine
from kitaru_iac.engine.needed import staying
from kitaru_iac.engine.patience import Passing, patiently
from kitaru_iac.engine.pending import Identify, begun, settled, with_protection, without
from kitaru_iac.engine.progress import View, as_view
from kitaru_iac.engine.results import Plugin, Result, outputs_of
from kitaru_iac.engine.running import Runner
from kitaru_iac.engine.states import States
from kitaru_iac.engine.taking_back import plan_of, taken_back
from kitaru_iac.engine.work_directories import WorkDirectories
from kitaru_iac.engine.workspace import Backend, QuietStack, default_backend

__all__ = ["Deployment"]

T = TypeVar("T")

#: A cluster, what is named after it, and what is named after that.
_ROUNDS = 3


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
        progress: ProgressCallback | None = None,
        lock_wait: float = 30.0,
    ) -> None:
        self.project = project
        self.stack = stack
        self.backend = backend or default_backend()
        self._identify = identify
        view: View = as_view(progress)
        self._runner = Runner(stack, self.backend.label, view, self.unlock, lock_wait, project)
        self._runner.environment = dict(environment or {})
        self._states = States(self.backend, project, stack, self._runner)
        self._work = WorkDirectories(
            project,
            program,
            command=EngineCommand(engine, on_interrupt=self._runner.interrupted),
            backend=self.backend,
            runner=self._runner,
            view=view,
            plugins=plugins,
        )
        self._opened: Stack | None = None
        self._looked = False
        self._taken_over = False  # then a refresh has to find out what it really is

    def __enter__(self) -> Deployment:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._work.close()

    def configure(
        self,
        environment: Mapping[str, str],
        plugins: Sequence[Plugin],
        identify: Identify | None = None,
        log_in: str | None = None,
    ) -> None:
        """Give it what only its own state could tell: whose credentials and which plugins.

        Args:
            environment: Replaces the variables of before.
            plugins: The provider plugins that are needed.
            identify: See `kitaru_iac.engine.pending`.
            log_in: The command that logs in to its cloud: the remedy where that refuses them.
        """
        self._runner.environment = dict(environment)
        self._runner.log_in = log_in
        self._work.plugins = tuple(plugins)
        self._identify = identify
        if self._opened is not None:
            self._opened.workspace = self._work.workspace()

    # -- operations --------------------------------------------------------------------------------

    def exists(self) -> bool:
        """Whether the backend knows this deployment."""
        return self._open(create=False) is not None

    def preview(self, *, refresh: bool = True, take_back: bool = False) -> Result:
        """What `up` would change. Writes nothing, to the state neither.

        Args:
            refresh: Compare with what the cloud has now, not with what the state remembers.
            take_back: As of `up`.
        """
        stack = self._open(create=False)
        known, held = _urns(self._held()), frozenset[str]()
        if stack is None:
            stack = self._work.scratch(self.stack)
        elif take_back or (self.begun() and not self.backend.is_service):
            # What a killed run has made would be shown as new, and be replaced by `up`.
            state = settled(self._states.read(stack), self._identify)
            held = _urns(state.get("resources", ()))
            stack = self._work.scratch(self.stack, state)
        if take_back:
            self._take_back(stack)
            held = _urns(self._states.read(stack).get("resources", ()))
            self._states.forget()
        record, _ = self._operate(
            "preview the infrastructure",
            lambda say: stack.preview(on_event=say, refresh=refresh, color="never"),
        )
        # What comes into the state is a change of that, also where it is as it should be.
        return Result(tuple(change.taken_over(held - known) for change in record.changes))

    def up(
        self, *, refresh: bool = True, take_back: bool = False, passing: Passing | None = None
    ) -> Result:
        """Create or change the program's resources; resumes where an earlier run ended.

        Args:
            refresh: Read the cloud first, so that what drifted is changed back.
            take_back: Put what is the deployment's own and not in the state into it first.
            passing: Which failures pass by themselves; see `kitaru_iac.engine.patience`.
        """
        stack = self._open(create=True)
        assert stack is not None
        self._states.settle(stack, self._identify)
        if take_back:
            self._take_back(stack)
        changes, done = patiently(
            lambda: self._operate(
                "create the infrastructure",
                lambda say: stack.up(
                    on_event=say, refresh=refresh, color="never", show_secrets=False
                ),
                writes=True,
            ),
            passing,
            self._runner.say,
        )
        return Result(changes, outputs_of(done.outputs))

    def refresh_preview(self) -> Result:
        """What differs between the cloud and what the state remembers: drift. Writes nothing."""
        stack = self._open(create=False)
        if stack is None:
            return Result()
        record, _ = self._operate(
            "refresh the infrastructure",
            lambda say: stack.preview_refresh(on_event=say, color="never"),
            refreshing=True,
        )
        return Result(record.changes)

    def preview_destroy(self, *, keep_protected: bool = True) -> Result:
        """What `destroy` would delete."""
        stack = self._open(create=False)
        if stack is None or (keep_protected and self._all_stays()):
            return Result()
        record, _ = self._operate(
            "preview the deletion of the infrastructure",
            lambda say: stack.preview_destroy(
                on_event=say, exclude_protected=keep_protected, color="never", run_program=False
            ),
        )
        return Result(record.changes)

    def destroy(self, *, keep_protected: bool = True) -> Result:
        """Delete the resources; what is protected stays, unless told otherwise."""
        stack = self._open(create=False)
        if stack is None:
            return Result()
        self.settle()
        if keep_protected and self._all_stays():
            return Result()
        record, _ = self._operate(
            "take the infrastructure down",
            lambda say: stack.destroy(
                on_event=say,
                exclude_protected=keep_protected,
                refresh=self._taken_over,
                color="never",
                show_secrets=False,
                run_program=False,
            ),
            writes=True,
        )
        if not self.resources():
            self._runner.run(
                "forget the deployment", lambda: stack.workspace.remove_stack(self.stack)
            )
            self._opened = None
        return Result(record.changes)

    def _all_stays(self) -> bool:
        """Whether all is protected, or needed by what is: the engine would end without a word."""
        stays = staying(self._held())
        held = self.resources()
        return bool(held) and all(resource["urn"] in stays for resource in held)

    def _take_back(self, stack: Stack) -> None:
        """Put what exists and is ours into the state; see `engine.taking_back`.

        Names that follow from what is taken back are known in the next round.
        """
        identify = self._identify
        if identify is None:
            return
        for done in range(_ROUNDS):
            plan = plan_of(stack, self._runner, refresh=done > 0)
            change = partial(taken_back, plan=plan, identify=identify)
            if not self._states.edit(stack, change):
                break
            self._runner.say("Taking back what this deployment has made")
        self._states.forget()

    # -- the state ---------------------------------------------------------------------------------

    def resources(self) -> tuple[Mapping[str, Any], ...]:
        """The resources of the cloud that the state holds, as Pulumi's state has them.

        Secret properties are encrypted in them.
        """
        return tuple(
            resource
            for resource in self._held()
            if resource.get("custom") and not str(resource["type"]).startswith("pulumi:")
        )

    def begun(self) -> tuple[Mapping[str, Any], ...]:
        """The resources that a run which was cut off may have made; see `engine.pending`."""
        stack = self._open(create=False)
        return begun(self._states.read(stack)) if stack is not None else ()

    def providers(self) -> tuple[Mapping[str, Any], ...]:
        """The providers that the state holds."""
        held = self._held()
        return tuple(r for r in held if str(r["type"]).startswith("pulumi:providers:"))

    def _held(self) -> tuple[Mapping[str, Any], ...]:
        stack = self._open(create=False)
        return tuple(self._states.read(stack).get("resources", ())) if stack is not None else ()

    def outputs(self) -> Mapping[str, Any]:
        """The outputs of the last `up`."""
        stack = self._open(create=False)
        return outputs_of(self._runner.run("read the outputs", stack.outputs)) if stack else {}

    def look_again(self) -> None:
        """Forget what was read of the state: another run may have written it meanwhile."""
        self._states.forget()
        if self._opened is None:
            self._looked = False

    def settle(self) -> None:
        """Take over what a run that was cut off has made; see `engine.pending`."""
        stack = self._open(create=False)
        if stack is not None and self._states.settle(stack, self._identify):
            self._taken_over = True

    def set_protection(self, protected: Mapping[str, bool]) -> None:
        """Protect resources from deletion, or lift the protection and what keeps them afterwards.

        The state is written in any case, which the engine refuses while another run holds it.

        Args:
            protected: By URN.

        Raises:
            StateLocked: Another run holds the state.
        """
        self._edit(lambda state: with_protection(state, protected), always=True)

    def forget(self, urns: Collection[str]) -> None:
        """Take resources out of the state; in the cloud they stay. Raises as `set_protection`."""
        self._edit(lambda state: without(state, urns), always=False)

    def _edit(
        self, change: Callable[[Mapping[str, Any]], Mapping[str, Any]], *, always: bool
    ) -> None:
        stack = self._open(create=False)
        if stack is not None:
            identify = self._identify
            self._states.edit(stack, lambda state: change(settled(state, identify)), always=always)

    def unlock(self) -> None:
        """Release a lock that a dead run left."""
        stack = self._open(create=False)
        if stack is not None:
            self._runner.run("unlock the state", stack.cancel)

    def _operate(
        self,
        doing: str,
        call: Callable[[Callable[[EngineEvent], Any]], T],
        *,
        refreshing: bool = False,
        writes: bool = False,
    ) -> tuple[Recording, T]:
        self._states.forget()
        return self._runner.operate(doing, call, refreshing=refreshing, writes=writes)

    # -- the workspace -----------------------------------------------------------------------------

    def _open(self, *, create: bool) -> Stack | None:
        """The stack, selected in the backend; None if it is not there and not to be created."""
        if self._opened is not None or (self._looked and not create):
            return self._opened
        workspace = self._work.workspace()

        def opened() -> Stack | None:
            try:
                return QuietStack(self.stack, workspace, StackInitMode.SELECT)
            except StackNotFoundError:
                return QuietStack(self.stack, workspace, StackInitMode.CREATE) if create else None

        self._opened = self._runner.run("open the state", lambda: self._states.read_whole(opened))
        self._states.begin_with(workspace.selected)
        self._looked = True
        return self._opened


def _urns(resources: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(str(resource["urn"]) for resource in resources)
