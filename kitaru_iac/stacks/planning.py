"""The plan of one or more stacks as a document, and applying nothing but what was reviewed.

The stable calls for every face: `plan_stack` plans one description, and `apply_reviewed` applies
descriptions only if a fresh plan of them has the digest of the document that was reviewed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kitaru_iac import redaction
from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
from kitaru_iac.errors import (
    AlreadyExistsError,
    CheckFailed,
    KitaruError,
    NotFoundError,
    PlanInvalid,
    PlanMoved,
)
from kitaru_iac.files import read_small, reason
from kitaru_iac.gateway.masking import masked
from kitaru_iac.infrastructure.prepare import prepare
from kitaru_iac.plan.document import StackPlan, document
from kitaru_iac.plan.model import Plan
from kitaru_iac.plan.saved import differences, failing, is_same_but_for_checks, read_plan
from kitaru_iac.records.owner import Owner
from kitaru_iac.spec import to_mapping
from kitaru_iac.stacks.reconcile import Reconciliation
from kitaru_iac.stacks.watch import drift_of_records
from kitaru_iac.values import replace

if TYPE_CHECKING:
    from kitaru_iac.checks.model import CheckReport
    from kitaru_iac.notices import KitaruWarning
    from kitaru_iac.records.stored import Store
    from kitaru_iac.spec.model import StackSpec
    from kitaru_iac.stacks.results import Applied

__all__ = [
    "apply_planned",
    "apply_reviewed",
    "failed_plan",
    "plan_stack",
    "require_digest",
    "saved_plan",
]

#: The largest file that is read as a plan, in bytes: thousands of stacks.
_LARGEST = 64_000_000
_NOT_HERE = "The digests differ, and the reviewed plan is not here to say where."

ReportCallback = Callable[["CheckReport"], None]


def plan_stack(
    spec: StackSpec,
    *,
    owner: Owner | None = None,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
    show: ReportCallback | None = None,
    take_back: bool = False,
    source: str | None = None,
    kept_source: str | None = None,
) -> StackPlan:
    """Plan what `create` or `apply` would do for one description. Writes nothing.

    Args:
        spec: The description.
        owner: The Pulumi resource that keeps the stack; None is the command.
        progress: Gets one-line messages.
        consent: Asked before the Pulumi engine is downloaded, as when the plan is to be applied.
        show: Gets the report of the infrastructure's checks.
        take_back: As in `operations.apply`.
        source: The file that describes it.
        kept_source: As `source` of `operations.apply`.

    Raises:
        AlreadyExistsError: Names are taken, or a change has not ended that may have died.
        CheckFailed: A check of the infrastructure failed (``infra: verify``).
        DescriptionError: Fields do not exist in the store, or do not take their values.
        ProtectedStackError: The stack is another owner's, or shares a part that would be replaced.
    """
    state = Reconciliation.load(spec, owner, alone=False, source=kept_source)
    ready = prepare(
        spec, dry_run=True, progress=progress, consent=consent, show=show, take_back=take_back
    )
    state = state.with_infrastructure(ready)
    plan = state.plan(ready)
    notes = _preflight(state) if plan.has_changes else ()
    plan = plan.extended(warnings=(*notes, *state.store.gateway.warnings))
    checks = [result.to_dict() for result in ready.report.results] if ready.report else ()
    found = _described(spec, plan, store=_place(state.store), source=source, checks=checks)
    drift = None if state.current is None else drift_of_records(state.current)
    return replace(found, checked=ready.checked, drift=drift)


def _preflight(state: Reconciliation) -> tuple[KitaruWarning, ...]:
    """What is to be known; a name that only a change in its middle has is said to be that one's."""
    try:
        return state.preview_preflight()
    except AlreadyExistsError as error:
        if state.mending.repair is not None or not state.has_remains:
            raise
        name = state.spec.name
        raise AlreadyExistsError(
            f"A change of stack '{name}' is under way on this machine",
            why=error.what,
            remedy="Run the same command again when it has ended.",
        ) from error


def failed_plan(spec: StackSpec, error: KitaruError, source: str | None = None) -> StackPlan:
    """Give the entry of a stack for which there is no plan, with the error and its checks."""
    checks = error.results if isinstance(error, CheckFailed) else ()
    return _described(spec, Plan(spec.name), source=source, checks=checks, error=error)


def apply_reviewed(
    specs: Sequence[StackSpec],
    digest: str,
    *,
    reviewed: Mapping[str, Any] | None = None,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
    show: ReportCallback | None = None,
    take_back: bool = False,
) -> tuple[Applied, ...]:
    """Apply the descriptions if a fresh plan of them all has the digest that was reviewed.

    Each stack's part is compared once more when its lock is held, right before it is written.

    Args:
        specs: The descriptions.
        digest: The ``digest`` of the document that was reviewed.
        reviewed: That document, to say how a fresh plan differs.
        progress: Gets one-line messages.
        consent: Asked before the Pulumi engine is downloaded.
        show: Gets the reports of the infrastructure's checks.
        take_back: As in `operations.apply`.

    Returns:
        What was done, in the order of the descriptions.

    Raises:
        PlanMoved: A fresh plan has another digest. Where the first comparison fails nothing was
            done; where a later one does, the stacks before it were applied.
        KitaruError: As `operations.apply` does.
    """
    planned = [
        plan_stack(spec, progress=progress, consent=consent, show=show, take_back=take_back)
        for spec in specs
    ]
    require_digest(document(planned), digest, reviewed)
    return tuple(
        apply_planned(spec, part, progress=progress, consent=consent, take_back=take_back)
        for spec, part in zip(specs, planned, strict=True)
    )


def saved_plan(file: str) -> dict[str, Any]:
    """Read a plan that `preview --out` wrote.

    Raises:
        NotFoundError: There is no such file.
        PlanInvalid: It cannot be read, or is no plan of a format that is known.
    """
    try:
        text = read_small(Path(file), _LARGEST).decode("utf-8")
    except FileNotFoundError:
        raise NotFoundError(
            "There is no such file",
            where=file,
            remedy="Write a plan with: kitaru stack preview --out FILE",
        ) from None
    except UnicodeDecodeError:
        raise PlanInvalid("The plan is not UTF-8 text", where=file) from None
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else "Its name is not valid."
        raise PlanInvalid("The plan cannot be read", where=file, why=why) from None
    return read_plan(text, file)


def require_digest(
    fresh: Mapping[str, Any],
    digest: str,
    reviewed: Mapping[str, Any] | None = None,
    *,
    remedy: str | None = None,
    prunes: bool = False,
) -> None:
    """Refuse a plan that is not the one with this digest.

    Args:
        fresh: The plan's document.
        digest: That of the reviewed one.
        reviewed: The reviewed one, to say how the fresh one differs. One that differs only in that
            a check failed then, where nothing is to be done, is no other plan; nor is what a run
            that died has left to do of it.
        remedy: What to do, where it is not to preview the described stacks.
        prunes: Whether what no file describes any more would go.

    Raises:
        PlanMoved: It is another one.
    """
    if fresh["digest"] == digest:
        return
    if reviewed is not None:
        from kitaru_iac.plan.remains import is_left_of

        is_it = reviewed["digest"] == digest and (
            is_same_but_for_checks(reviewed, fresh) or is_left_of(reviewed, fresh, prunes=prunes)
        )
        if is_it:
            return
        raise _moved(differences(reviewed, fresh), _done_already(fresh), remedy)
    known = _done_already(fresh) or "\n".join([_NOT_HERE, *failing(fresh)])
    raise _moved((), known, remedy)


def apply_planned(
    spec: StackSpec,
    planned: StackPlan,
    *,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
    show: ReportCallback | None = None,
    take_back: bool = False,
    kept_source: str | None = None,
) -> Applied:
    """Apply one description if its plan is still the one that `plan_stack` gave.

    Raises:
        PlanMoved: It is another one by now; nothing was done for this stack.
        KitaruError: As `operations.apply` does.
    """
    from kitaru_iac.stacks import operations

    def agreed(plan: Plan) -> bool:
        """Compare what is about to be done; asked under no lock, and held to it under the lock."""
        fresh = _described(spec, plan, store=planned.store, source=planned.source)
        if fresh.digest == planned.digest:
            return True
        raise _moved(differences(document([planned]), document([fresh])))

    done = operations.apply(
        spec,
        confirm=agreed,
        progress=progress,
        consent=consent,
        show=show,
        take_back=take_back,
        checked=planned.checked,
        source=kept_source,
    )
    if not done.changed and planned.plan.has_changes:
        raise _moved([f"stack {spec.name}: it is as described already"])
    return done


def _described(
    spec: StackSpec,
    plan: Plan,
    *,
    store: str | None = None,
    source: str | None = None,
    checks: Sequence[Mapping[str, Any]] = (),
    error: KitaruError | None = None,
) -> StackPlan:
    written = to_mapping(spec)
    hidden = masked(written)
    return StackPlan(
        plan,
        description=hidden,
        sensitive=tuple(_differing(written, hidden)),
        store=store,
        source=source,
        checks=tuple(checks),
        error=None if error is None else error.to_dict(),
    )


def _differing(one: Mapping[str, Any], other: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The dotted paths at which two mappings of one shape differ."""
    found = []
    for key, value in one.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found += _differing(value, other[key], f"{path}.")
        elif value != other[key]:
            found.append(path)
    return found


def _place(store: Store) -> str:
    return "local" if store.is_local else redaction.url(store.url)


def _done_already(fresh: Mapping[str, Any]) -> str | None:
    if any(entry["has_changes"] or entry["error"] for entry in fresh["stacks"]):
        return None
    return "Every stack is as described already: the plan may have been applied before."


def _moved(
    differs: Sequence[str], known: str | None = None, remedy: str | None = None
) -> PlanMoved:
    why = "\n".join([*differs, *([known] if known else [])])
    return PlanMoved(
        "What would be done now is not what was reviewed",
        differs=differs,
        why=why or _NOT_HERE,
        remedy=remedy or "See what would be done now with `kitaru stack preview`, and review that.",
    )
