"""What was provisioned for a stack, as its record tells, when the record is to be deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from kitaru_iac.errors import (
    DeploymentNotFound,
    InfrastructureRemains,
    NotFoundError,
    ProtectedStackError,
    UsageError,
)
from kitaru_iac.labels import BACKEND_LABEL, DEPLOYMENT_LABELS, PROJECT_LABEL, STACK_LABEL
from kitaru_iac.plan.model import Action, Layer, Plan, Step
from kitaru_iac.stacks.removed_parts import DEPLOYMENT
from kitaru_iac.values import dataclass, replace

if TYPE_CHECKING:
    from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
    from kitaru_iac.gateway.documents import StackDoc
    from kitaru_iac.infrastructure.results import Destroyed
    from kitaru_iac.spec.model import StackSpec
    from kitaru_iac.stacks.results import Deleted

__all__ = [
    "ListedDeployment",
    "delete_deployment",
    "destroy",
    "list_deployments",
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

    state = Reconciliation.load(spec, None, require_creatable, recover=False)
    notes = state.preflight()
    require_engine(consent, progress=progress)
    ready = prepare(spec, dry_run=True, progress=progress, take_back=take_back)
    plan = state.with_infrastructure(ready).plan(ready.steps)
    return plan.extended(warnings=(*notes, *state.store.gateway.warnings))


def _is_provisioned(stack: StackDoc) -> bool:
    return any(key.startswith(DEPLOYMENT_LABELS) for key in stack.labels)


def require_none(stack: StackDoc) -> None:
    """Refuse to delete the record of what runs and costs money, if nothing else is said.

    The state is not asked whether it still holds anything: that needs an engine and credentials.

    Raises:
        InfrastructureRemains: Something was provisioned for the stack.
    """
    if not _is_provisioned(stack):
        return
    project, deployment = stack.labels.get(PROJECT_LABEL, ""), stack.labels.get(STACK_LABEL, "")
    raise InfrastructureRemains(
        f"Infrastructure was provisioned for stack '{stack.name}', and would stay without a record",
        left=[f"deployment {project}/{deployment} in {stack.labels.get(BACKEND_LABEL, '')}"],
        why="It costs money until it is taken down. Nothing was deleted.",
        remedy=f"Take it down too: kitaru stack delete {stack.id} --recursive --infra\n"
        f"or leave it where it is: kitaru stack delete {stack.id} --keep-infra",
        stack=stack.id,
    )


def require_provisioned(stack: StackDoc) -> None:
    """Refuse to take down what was not provisioned.

    Raises:
        NotFoundError: Nothing was, as far as the record tells.
    """
    if not _is_provisioned(stack):
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


# -- deployments by their own names ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListedDeployment:
    """A deployment, and the stack whose record names it, if there is one.

    Attributes:
        name: Its name.
        backend: Where its state is, without secrets.
        stack: The name of the stack that has it; None if no record does.
        updated: When it was last updated, in ISO 8601; None if never.
        holds: What it holds: Pulumi's type and the cloud's name.
        problem: Why what it holds is not known; None if it is.
    """

    name: str
    backend: str
    stack: str | None
    updated: str | None
    holds: tuple[tuple[str, str], ...] = ()
    problem: str | None = None

    def to_dict(self) -> dict[str, object]:
        """``{"name", "backend", "stack", "updated", "holds": [{"kind", "name"}], "problem"}``."""
        return {
            "name": self.name,
            "backend": self.backend,
            "stack": self.stack,
            "updated": self.updated,
            "holds": [{"kind": kind, "name": name} for kind, name in self.holds],
            "problem": self.problem,
        }


def list_deployments(
    *,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
) -> tuple[ListedDeployment, ...]:
    """List the deployments of the backend that is used here, each with its stack.

    Raises:
        NotConnectedError: No store answers.
        EngineError: See `kitaru_iac.engine.errors`.
    """
    from kitaru_iac.gateway.documents import Where
    from kitaru_iac.infrastructure.listing import deployments
    from kitaru_iac.records.stored import Store

    stacks = tuple(Store.open().gateway.stacks(Where()))
    held = tuple(
        ListedDeployment(
            found.name,
            found.labels[BACKEND_LABEL],
            _name(_stack_of(found.labels, stacks)),
            found.updated,
            found.holds,
            found.problem,
        )
        for found in deployments(progress=progress, consent=consent)
    )
    return (*held, *_only_recorded(stacks, held))


def _only_recorded(
    stacks: Iterable[StackDoc], held: Iterable[ListedDeployment]
) -> list[ListedDeployment]:
    """The deployments that records name, and the backend that is used here does not have."""
    from kitaru_iac.infrastructure.listing import labels_of

    seen = {one.stack for one in held if one.stack is not None}
    made = []
    for stack in stacks:
        if not _is_provisioned(stack) or stack.name in seen:
            continue
        labels = stack.labels
        name, backend = labels.get(STACK_LABEL, stack.name), labels.get(BACKEND_LABEL, "")
        here = labels_of(name)
        if labels.get(PROJECT_LABEL) == here[PROJECT_LABEL] and backend == here[BACKEND_LABEL]:
            why = "its state is not there: it was deleted, or the record is of another machine"
        else:
            why = "its state is in another backend or project, which was not looked at"
        made.append(ListedDeployment(name, backend, stack.name, None, problem=why))
    return made


def delete_deployment(
    name: str,
    *,
    spec: StackSpec | None = None,
    include_protected: bool,
    delete_data: bool,
    forget_foreign: bool = False,
    confirm: Callable[[Plan], bool] | None,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
) -> Destroyed | None:
    """Take down a deployment that no stack has any more.

    Args:
        name: Its name, in the backend that is used here.
        spec: A description of its stack, if there is one: whose credentials are used, and where to
            look for what carries its tags if there is no state of it.
        include_protected: Protected resources too, if they hold nothing.
        delete_data: With what buckets and repositories hold.
        forget_foreign: Take out of the state what is not the deployment's own, and leave it be.
        confirm: Asked with the plan before anything is taken down; False stops.
        progress: Gets one-line messages.
        consent: Asked before the Pulumi engine is downloaded.

    Returns:
        What went and what stays; None if `confirm` said no.

    Raises:
        ProtectedStackError: A stack has it.
        DeploymentNotFound: There is none of this name.
        InfrastructureRemains: Something stays that its state did not know; or there is no state of
            it here, and something carries its tags where `spec` leads.
        UsageError: `spec` is of another stack.
        NotAllowedError: There are no usable credentials of the cloud.
        EngineError: See `kitaru_iac.engine.errors`.
    """
    from kitaru_iac.infrastructure import destroy as destruction
    from kitaru_iac.infrastructure.listing import labels_of
    from kitaru_iac.machine.locks import sole_writer

    if spec is not None and spec.name != name:
        raise UsageError(
            f"The description is of stack '{spec.name}', and the deployment is called '{name}'",
            remedy="Give the description of its stack: a deployment has its stack's name.",
        )
    labels = labels_of(name)
    _require_no_stack(labels)
    credentials = spec.credentials if spec is not None else None
    try:
        if confirm is not None:
            would = destruction.preview_destroy(
                labels,
                credentials=credentials,
                include_protected=include_protected,
                delete_data=delete_data,
                forget_foreign=forget_foreign,
                progress=progress,
                consent=consent,
            )
            if not confirm(_plan_of(name, would)):
                return None
        with sole_writer(name):
            _require_no_stack(labels)
            return destruction.destroy_infrastructure(
                labels,
                credentials=credentials,
                include_protected=include_protected,
                delete_data=delete_data,
                forget_foreign=forget_foreign,
                progress=progress,
                consent=consent,
            )
    except DeploymentNotFound:
        if spec is not None:
            from kitaru_iac.infrastructure.remains import require_nothing_marked

            project, backend = labels[PROJECT_LABEL], labels[BACKEND_LABEL]
            require_nothing_marked(spec, project, name, backend)
        raise


def _plan_of(name: str, would: Destroyed) -> Plan:
    """What goes, and what leaves the state alone."""
    forgotten = (
        Step(
            Action.KEEP, one.kind, one.name, Layer.INFRASTRUCTURE, reason=f"forgotten: {one.reason}"
        )
        for one in would.forgotten
    )
    return Plan(name, (*would.steps, *forgotten))


def _require_no_stack(labels: Mapping[str, str]) -> None:
    from kitaru_iac.gateway.documents import Where
    from kitaru_iac.records.stored import Store

    stack = _stack_of(labels, Store.open().gateway.stacks(Where()))
    if stack is not None:
        raise ProtectedStackError(
            f"Stack '{stack.name}' has the deployment {labels[STACK_LABEL]}",
            why="Without it the stack could not run.",
            remedy=f"Delete both: kitaru stack delete {stack.id} --recursive --infra",
        )


def _stack_of(labels: Mapping[str, str], stacks: Iterable[StackDoc]) -> StackDoc | None:
    """The stack whose record names a deployment."""
    wanted = labels.items()
    return next((stack for stack in stacks if wanted <= stack.labels.items()), None)


def _name(stack: StackDoc | None) -> str | None:
    return stack.name if stack is not None else None
