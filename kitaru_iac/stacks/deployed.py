"""What was provisioned for a stack, as its record tells, when the record is to be deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kitaru_iac.errors import (
    DeploymentNotFound,
    InfrastructureRemains,
    NotFoundError,
)
from kitaru_iac.labels import BACKEND_LABEL, DEPLOYMENT_LABELS, PROJECT_LABEL, STACK_LABEL
from kitaru_iac.plan.model import Action, Kept, Layer, Plan, Step
from kitaru_iac.records.owner import options
from kitaru_iac.stacks.removed_parts import DEPLOYMENT
from kitaru_iac.values import replace

if TYPE_CHECKING:
    from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
    from kitaru_iac.gateway.documents import StackDoc
    from kitaru_iac.infrastructure.results import Destroyed
    from kitaru_iac.spec.model import StackSpec
    from kitaru_iac.stacks.results import Deleted

__all__ = [
    "destroy",
    "is_provisioned",
    "plan_of",
    "preview_creation",
    "preview_destroy",
    "require_none",
    "require_provisioned",
    "with_destroyed",
]


def preview_creation(
    spec: StackSpec,
    *,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
    take_back: bool = False,
) -> Plan:
    """Tell what creating a stack with its infrastructure would do, if it can be. Writes nothing.

    Args:
        spec: The description, with ``infra: provision``.
        progress: Gets one-line messages.
        consent: Asked before the Pulumi engine is downloaded.
        take_back: As of `operations.create`.

    Raises:
        AlreadyExistsError: A name is taken, in the store or in the cloud.
        NotAllowedError: There are no usable credentials of the cloud.
        EngineError: See `kitaru_iac.engine.errors`.
    """
    from kitaru_iac.infrastructure.prepare import prepare, require_engine
    from kitaru_iac.records.owner import require_creatable
    from kitaru_iac.stacks.reconcile import Reconciliation

    state = Reconciliation.load(spec, None, require_creatable, alone=False)
    notes = state.preflight()
    require_engine(consent, progress=progress)
    ready = prepare(spec, dry_run=True, progress=progress, take_back=take_back)
    plan = state.with_infrastructure(ready).plan(ready)
    return plan.extended(warnings=(*notes, *state.store.gateway.warnings))


def is_provisioned(stack: StackDoc) -> bool:
    """Whether a stack's record names a deployment."""
    return any(key.startswith(DEPLOYMENT_LABELS) for key in stack.labels)


def require_none(stack: StackDoc, flags: Sequence[str]) -> None:
    """Refuse to delete the record of what runs and costs money, if nothing else is said.

    The state is not asked whether it still holds anything: that needs an engine and credentials.

    Args:
        stack: The stack, as it is there now.
        flags: The options that were given, for the remedies.

    Raises:
        InfrastructureRemains: Something was provisioned for the stack.
    """
    if not is_provisioned(stack):
        return
    project, deployment = stack.labels.get(PROJECT_LABEL, ""), stack.labels.get(STACK_LABEL, "")
    # Its components would name what is gone.
    both = options(["--recursive", *flags], "--infra")
    raise InfrastructureRemains(
        f"Infrastructure was provisioned for stack '{stack.name}', and would stay without a record",
        left=[f"deployment {project}/{deployment} in {stack.labels.get(BACKEND_LABEL, '')}"],
        why="It costs money until it is taken down. Nothing was deleted.",
        remedy=f"Take it down too: kitaru stack delete {stack.id}{both}\n"
        f"or leave it where it is: kitaru stack delete {stack.id}{options(flags, '--keep-infra')}",
        stack=stack.id,
    )


def require_provisioned(stack: StackDoc) -> None:
    """Refuse to take down what was not provisioned.

    Raises:
        NotFoundError: Nothing was, as far as the record tells.
    """
    if not is_provisioned(stack):
        raise NotFoundError(
            f"Nothing was provisioned for stack '{stack.name}'",
            why="Its record names no deployment.",
            remedy="Leave --infra out. Deployments without a record: kitaru infra list",
        )


def preview_destroy(
    stack: StackDoc,
    *,
    include_protected: bool,
    delete_data: bool,
    progress: ProgressCallback | None,
) -> Destroyed:
    """Tell what `destroy` would take down; raises as it does, and writes nothing."""
    from kitaru_iac.infrastructure import destroy as destruction

    try:
        return destruction.preview_destroy(
            stack.labels,
            include_protected=include_protected,
            delete_data=delete_data,
            progress=progress,
        )
    except DeploymentNotFound:
        return _gone_already(stack)


def destroy(
    stack: StackDoc,
    *,
    include_protected: bool,
    delete_data: bool,
    progress: ProgressCallback | None,
) -> Destroyed:
    """Take down what was provisioned for a stack.

    Where the state is lost, the cloud is asked whether anything stays.

    Raises:
        InfrastructureRemains: Something stays that no state knows.
        NotAllowedError: There are no usable credentials of the cloud.
        EngineError: See `kitaru_iac.engine.errors`.
    """
    from kitaru_iac.infrastructure import destroy as destruction

    try:
        return destruction.destroy_infrastructure(
            stack.labels,
            include_protected=include_protected,
            delete_data=delete_data,
            progress=progress,
        )
    except DeploymentNotFound:
        return _gone_already(stack)


def with_destroyed(done: Deleted, gone: Destroyed) -> Deleted:
    """What went and what stayed of both layers."""
    kept = tuple(part for part in done.kept if part.kind != DEPLOYMENT)
    return replace(
        done,
        infrastructure_deleted=gone.steps,
        infrastructure_kept=gone.kept,
        infrastructure_foreign=gone.foreign,
        infrastructure_hidden=gone.hidden,
        kept=(*kept, *gone.kept),
        warnings=(*done.warnings, *gone.warnings),
    )


def _gone_already(stack: StackDoc) -> Destroyed:
    """What is to be said of a deployment without a state: nothing, if nothing of it is there."""
    from kitaru_iac.infrastructure.remains import require_nothing_remains
    from kitaru_iac.infrastructure.results import Destroyed
    from kitaru_iac.records.describe import describe
    from kitaru_iac.spec import from_mapping

    labels = stack.labels
    project, deployment = labels.get(PROJECT_LABEL, ""), labels.get(STACK_LABEL, "")
    # The stack as a description: it tells which cloud and region to look in.
    spec = from_mapping(describe(stack.id))
    require_nothing_remains(spec, project, deployment, labels.get(BACKEND_LABEL, ""))
    return Destroyed()


def plan_of(name: str, would: Destroyed) -> Plan:
    """Give what a deletion would do as a plan: what goes, what stays, and what leaves the state."""

    def stays(one: Kept, reason: str) -> Step:
        return Step(Action.KEEP, one.kind, one.name, Layer.INFRASTRUCTURE, reason=reason)

    kept = (stays(one, one.reason) for one in would.kept)
    forgotten = (stays(one, f"forgotten: {one.reason}") for one in would.forgotten)
    return Plan(name, (*would.steps, *kept, *forgotten), would.warnings)
