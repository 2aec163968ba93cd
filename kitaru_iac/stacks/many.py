"""Several stacks with one command: planned together, and on a server applied at the same time.

One failure does not stop the others. A local store has one writer, and ZenML's client is one for a
process: what goes through it comes one after the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from kitaru_iac import redaction
from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
from kitaru_iac.errors import InternalError, KitaruError, NotConnectedError
from kitaru_iac.gateway.documents import Where
from kitaru_iac.gateway.opening import open_gateway, takes_threads
from kitaru_iac.gateway.views import DEFAULT_STACK
from kitaru_iac.machine.interrupts import Hold, interrupt_in
from kitaru_iac.machine.known_secrets import known_secrets
from kitaru_iac.plan.document import StackPlan
from kitaru_iac.records.shared_looks import shared_looks
from kitaru_iac.records.stored import Store
from kitaru_iac.records.together import asking
from kitaru_iac.spec import InfraMode
from kitaru_iac.stacks.at_once import at_once
from kitaru_iac.stacks.outcomes import Outcome, interrupted
from kitaru_iac.stacks.planning import apply_planned, failed_plan, plan_stack
from kitaru_iac.values import replace

if TYPE_CHECKING:
    from kitaru_iac.checks.model import CheckReport
    from kitaru_iac.gateway.gateway import Gateway
    from kitaru_iac.spec.files import Described
    from kitaru_iac.spec.model import StackSpec
    from kitaru_iac.stacks.prune import Pruning
    from kitaru_iac.stacks.results import Applied
    from kitaru_iac.stacks.source import Source

__all__ = ["PARALLEL", "apply_all", "plan_all", "prune_all"]

#: So many stacks at the same time, where nothing else is said.
PARALLEL = 8

ReportCallback = Callable[["CheckReport"], None]
_P = ParamSpec("_P")
_T = TypeVar("_T")

#: The engine is one at a time: its progress on a terminal and its plug-ins are a process's.
_engine = threading.Lock()


def plan_all(
    described: Sequence[Described],
    *,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
    show: ReportCallback | None = None,
    take_back: bool = False,
    parallel: int = PARALLEL,
    kept_source: str | None = None,
) -> tuple[list[StackPlan], dict[str, KitaruError]]:
    """Plan what `apply_all` would do. Writes nothing.

    Args:
        described: The descriptions.
        progress: Gets one-line messages.
        consent: As in `plan_stack`.
        show: Gets the reports of the infrastructure's checks.
        take_back: As in `operations.apply`.
        parallel: So many stacks at the same time, on a server.
        kept_source: As `source` of `operations.apply`.

    Returns:
        A plan for each description, in their order, and the errors of those that have none, by the
        stacks' names.

    Raises:
        NotConnectedError: No store answers.
    """
    progress, show = _in_turns(progress), _in_turns(show)

    def plan(item: Described) -> tuple[StackPlan, KitaruError | None]:
        try:
            with _turn(item.spec):
                found = plan_stack(
                    item.spec,
                    progress=progress,
                    consent=consent,
                    show=show,
                    take_back=take_back,
                    source=item.source,
                    kept_source=kept_source,
                )
        except KitaruError as error:
            if _is_away(error):
                raise
            return failed_plan(item.spec, error, item.source), error
        return found, None

    gateway = _for_threads(described)
    if gateway is None:
        found = [plan(item) for item in described]
    else:
        with shared_looks(gateway, *_looked_at(described)):
            found = _asked(plan, described, parallel)
    errors = {one.plan.stack: error for one, error in found if error is not None}
    return [one for one, _ in found], errors


def apply_all(
    described: Sequence[Described],
    planned: Mapping[str, StackPlan] | None = None,
    *,
    outcomes: list[Outcome],
    fail_fast: bool = False,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
    show: ReportCallback | None = None,
    take_back: bool = False,
    parallel: int = PARALLEL,
    kept_source: str | None = None,
) -> None:
    """Apply several descriptions.

    Args:
        described: The descriptions.
        planned: Plans by the stacks' names, which were agreed to: nothing else is done. A stack
            whose plan has an error is tried, and refused where it has a plan by now. None: whatever
            each stack needs.
        outcomes: Gets what became of each, also where this is interrupted.
        fail_fast: Begin no other once one has failed.
        progress: Gets one-line messages.
        consent: Asked before the Pulumi engine is downloaded.
        show: Gets the reports of the infrastructure's checks.
        take_back: As in `operations.apply`.
        parallel: So many stacks at the same time, on a server.
        kept_source: As `source` of `operations.apply`.

    Raises:
        WorkInterrupted: Ctrl-C or SIGTERM. Those under way are ended on a server, and taken back or
            ended in a local store; no other one was begun.
    """
    from kitaru_iac.stacks import operations

    more: dict[str, Any] = {
        "progress": _in_turns(progress),
        "consent": consent,
        "show": _in_turns(show),
        "take_back": take_back,
    }

    def apply(item: Described) -> Outcome:
        spec = item.spec
        try:
            with _turn(spec):
                if planned is None:
                    done = operations.apply(spec, source=kept_source, **more)
                else:
                    agreed = planned[spec.name]
                    done = apply_planned(spec, agreed, kept_source=kept_source, **more)
        except Exception as error:  # noqa: BLE001 - one that is a bug does not hide the others
            return Outcome(spec.name, item.source, error=_told(error))
        return Outcome(spec.name, item.source, done)

    def stops(outcome: Outcome) -> bool:
        return outcome.error is not None and (fail_fast or _is_away(outcome.error))

    gateway = _for_threads(described)
    if gateway is None:
        _in_a_row(described, apply, stops, outcomes)
        return
    idle = [
        item
        for item in described
        if planned is None or not planned[item.spec.name].plan.has_changes
    ]
    as_described = _as_described(gateway, idle, parallel, kept_source)

    def work(item: Described) -> Outcome:
        known = as_described.get(item.spec.name)
        return apply(item) if known is None else Outcome(item.spec.name, item.source, known)

    with shared_looks(gateway):
        _at_once(described, work, stops, outcomes, parallel)


def prune_all(
    pruning: Pruning,
    source: Source,
    outcomes: list[Outcome],
    *,
    progress: ProgressCallback | None = None,
) -> None:
    """Delete what no file describes any more, one after the other, after `apply_all`.

    Nothing is deleted unless all that is described was applied: a stack that was renamed in its
    file would be gone, and the new one not there.

    Args:
        pruning: What was planned, and agreed to.
        source: The source.
        outcomes: What became of what is described; gets what became of these too.
        progress: Gets one-line messages.
    """
    from kitaru_iac.stacks.prune import prune

    passed_over = any(outcome.status in {"failed", "skipped"} for outcome in outcomes)
    before = len(outcomes)
    try:
        for item in pruning.stacks:
            became = Outcome(item.name, "")
            if not passed_over:
                try:
                    became = replace(became, deleted=prune(item, source, progress=progress))
                except Exception as error:  # noqa: BLE001 - one that is a bug does not hide the others
                    became = replace(became, error=_told(error))
                    passed_over = became.error is not None and _is_away(became.error)
            outcomes.append(became)
    finally:
        left = pruning.stacks[len(outcomes) - before :]
        outcomes += [Outcome(item.name, "") for item in left]


def _told(error: Exception) -> KitaruError:
    """An error of one stack; what nobody foresaw is a bug, with its traceback in the log.

    Raises:
        Exception: It stands for a Ctrl-C, or nobody reads any more what is said.
    """
    if isinstance(error, KitaruError):
        return error
    if interrupt_in(error) is not None or isinstance(error, BrokenPipeError):
        raise error
    import logging  # seldom needed, and slow to import

    logging.getLogger(__name__).debug("A stack's work failed", exc_info=error)
    return InternalError(redaction.text(f"{type(error).__name__}: {error}", *known_secrets()))


def _is_away(error: KitaruError) -> bool:
    """Whether a store does not answer: it would not answer for the others either.

    A busy server leaves one question without an answer, and answers the next one: it is asked.
    """
    if not isinstance(error, NotConnectedError) or error.has_answered:
        return False
    try:
        Store.open().gateway.stacks(Where(names=(DEFAULT_STACK,), limit=1))
    except KitaruError:
        return True
    return False


def _in_a_row(
    described: Sequence[Described],
    apply: Callable[[Described], Outcome],
    stops: Callable[[Outcome], bool],
    outcomes: list[Outcome],
) -> None:
    before = len(outcomes)
    try:
        for item in described:
            outcomes.append(apply(item))
            if stops(outcomes[-1]):
                return
    finally:
        left = described[len(outcomes) - before :]
        outcomes += [Outcome(item.spec.name, item.source) for item in left]


def _at_once(
    described: Sequence[Described],
    work: Callable[[Described], Outcome],
    stops: Callable[[Outcome], bool],
    outcomes: list[Outcome],
    parallel: int,
) -> None:
    found = [Outcome(item.spec.name, item.source) for item in described]
    stop = threading.Event()

    def ended(number: int, outcome: Outcome) -> None:
        found[number] = outcome
        if stops(outcome):
            stop.set()

    hold = Hold("Interrupted again: some stacks were being written", "Run the same command again.")
    try:
        with hold:
            at_once(described, work, most=parallel, stop=stop, hold=hold, ended=ended)
    finally:
        outcomes += found
    if hold.count:
        raise interrupted(found)


def _as_described(
    gateway: Gateway, described: Sequence[Described], parallel: int, kept_source: str | None
) -> dict[str, Applied]:
    """Which stacks need nothing, as one look for all of them says; by name.

    Left out is whatever asks a cloud, what a dead run has left something of, and what fails: those
    are looked at one by one, under their locks.
    """
    from kitaru_iac.stacks import operations
    from kitaru_iac.stacks.reconcile import Reconciliation

    def look(item: Described) -> Applied | None:
        spec = item.spec
        try:
            state = Reconciliation.load(spec, None, alone=False, source=kept_source)
            plan = state.plan()
            if plan.has_changes or state.has_remains:
                return None
        except KitaruError:
            return None
        return operations.unchanged(state, plan)

    asked = [i for i in described if i.spec.cloud is None or i.spec.infra is InfraMode.NONE]
    if not asked:
        return {}
    with shared_looks(gateway, *_looked_at(asked)):
        found = _asked(look, asked, parallel)
    return {
        item.spec.name: done for item, done in zip(asked, found, strict=True) if done is not None
    }


def _looked_at(described: Sequence[Described]) -> tuple[list[str], set[str]]:
    """The names of the stacks, and the connectors that are described for them."""
    specs = [item.spec for item in described]
    return [spec.name for spec in specs], {spec.connector for spec in specs if spec.connector}


def _asked(
    question: Callable[[Described], _T], described: Sequence[Described], parallel: int
) -> list[_T]:
    """The answers for several descriptions, in their order, so many at a time."""
    with asking(min(parallel, len(described)), "stack") as pool:
        begun = [pool.submit(copy_context().run, question, item) for item in described]
        try:
            return [future.result() for future in begun]
        except BaseException:
            for future in begun:
                future.cancel()
            raise


def _for_threads(described: Sequence[Described]) -> Gateway | None:
    """A connection that several threads may use at once, if the store has one."""
    if not described:
        return None
    try:
        gateway = open_gateway()
    except KitaruError:  # told by whoever needs it
        return None
    return gateway if takes_threads(gateway) else None


def _turn(spec: StackSpec) -> AbstractContextManager[object]:
    is_provisioned = spec.cloud is not None and spec.infra is InfraMode.PROVISION
    return _engine if is_provisioned else nullcontext()


def _in_turns(call: Callable[_P, None] | None) -> Callable[_P, None] | None:
    """The same for several threads: what one says is not mixed with what another says."""
    if call is None:
        return None
    lock = threading.Lock()

    def in_turn(*args: _P.args, **kwargs: _P.kwargs) -> None:
        with lock:
            call(*args, **kwargs)

    return in_turn
