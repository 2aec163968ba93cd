"""Deployments by their own names: those of a backend, each with the stack that has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from kitaru_iac.errors import DeploymentNotFound, ProtectedStackError, UsageError
from kitaru_iac.labels import BACKEND_LABEL, PROJECT_LABEL, STACK_LABEL
from kitaru_iac.notices import KitaruWarning
from kitaru_iac.records.owner import given_options, options
from kitaru_iac.stacks.deployed import is_provisioned, plan_of
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
    from kitaru_iac.gateway.documents import StackDoc
    from kitaru_iac.infrastructure.results import Destroyed
    from kitaru_iac.plan.model import Plan
    from kitaru_iac.spec.model import StackSpec

__all__ = ["ListedDeployment", "delete_deployment", "list_deployments"]


@dataclass(frozen=True, slots=True)
class ListedDeployment:
    """A deployment, and the stack whose record names it, if there is one.

    Attributes:
        name: Its name.
        backend: Where its state is, without secrets.
        stack: The name of the stack that has it; None if no record in `store` does.
        updated: When it was last updated, in ISO 8601; None if never.
        holds: What it holds: Pulumi's type and the cloud's name.
        problem: Why what it holds is not known, or may not be all; None if it is.
        store: The store that was asked which stack has it.
        possible_stack: The name of the stack that may have it: its record names the backend
            otherwise. None where `stack` is known, or no record may mean it.
    """

    name: str
    backend: str
    stack: str | None
    updated: str | None
    holds: tuple[tuple[str, str], ...] = ()
    problem: str | None = None
    store: str = ""
    possible_stack: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Give its attributes, with ``{"kind", "name"}`` for each thing that it holds."""
        return {
            "name": self.name,
            "backend": self.backend,
            "stack": self.stack,
            "updated": self.updated,
            "holds": [{"kind": kind, "name": name} for kind, name in self.holds],
            "problem": self.problem,
            "store": self.store,
            "possible_stack": self.possible_stack,
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

    store = Store.open()
    stacks = tuple(store.gateway.stacks(Where()))
    held = []
    for found in deployments(progress=progress, consent=consent):
        stack = _stack_of(found.labels, stacks)
        is_sure = stack is not None and _names(stack, found.labels)
        held.append(
            ListedDeployment(
                found.name,
                found.labels[BACKEND_LABEL],
                stack.name if stack is not None and is_sure else None,
                found.updated,
                found.holds,
                found.problem,
                store.url,
                stack.name if stack is not None and not is_sure else None,
            )
        )
    return (*held, *_only_recorded(stacks, held, store.url))


def _only_recorded(
    stacks: Iterable[StackDoc], held: Sequence[ListedDeployment], store: str
) -> list[ListedDeployment]:
    """The deployments that records name, and the backend that is used here surely has not."""
    from kitaru_iac.infrastructure.backends import may_be_same
    from kitaru_iac.infrastructure.listing import labels_of

    seen = {one.stack for one in held if one.stack is not None}
    there = {one.name for one in held}
    made = []
    for stack in stacks:
        if not is_provisioned(stack) or stack.name in seen:
            continue
        labels = stack.labels
        name, backend = labels.get(STACK_LABEL, stack.name), labels.get(BACKEND_LABEL, "")
        here = labels_of(name)
        in_project = labels.get(PROJECT_LABEL) == here[PROJECT_LABEL]
        if in_project and may_be_same(backend, here[BACKEND_LABEL]):
            why = (
                f"whether it is the deployment {name} in {here[BACKEND_LABEL]} cannot be told"
                if name in there
                else "its state is not there: it was deleted, or the record is of another machine"
            )
        else:
            why = "its state is in another backend or project, which was not looked at"
        made.append(ListedDeployment(name, backend, stack.name, None, problem=why, store=store))
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
    """Take down a deployment that no stack in the connected store has.

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
        ProtectedStackError: A stack in the connected store has it, or may have.
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
    flags = given_options(include_protected=include_protected, delete_data=delete_data)
    asked = KitaruWarning(_asked_of(_require_no_stack(labels, flags), name))
    if confirm is None and progress is not None:
        progress(asked.text)
    credentials = destruction.credentials_of(spec) if spec is not None else None
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
            if not confirm(plan_of(name, would).extended(warnings=[asked])):
                return None
        with sole_writer(name):
            _require_no_stack(labels, flags)
            return destruction.destroy_infrastructure(
                labels,
                credentials=credentials,
                include_protected=include_protected,
                delete_data=delete_data,
                forget_foreign=forget_foreign,
                recorded=False,
                progress=progress,
                consent=consent,
            )
    except DeploymentNotFound:
        if spec is not None:
            from kitaru_iac.infrastructure.remains import require_nothing_marked

            project, backend = labels[PROJECT_LABEL], labels[BACKEND_LABEL]
            require_nothing_marked(spec, project, name, backend)
        raise


def _asked_of(store: str, name: str) -> str:
    return f"No stack in {store} has the deployment {name}: no other store was asked"


def _require_no_stack(labels: Mapping[str, str], flags: Sequence[str]) -> str:
    """Refuse to take down what a stack has. Gives the store that was asked.

    Raises:
        ProtectedStackError: A stack has it, or may have: its record names the backend otherwise,
            and perhaps means another one.
    """
    from kitaru_iac.gateway.documents import Where
    from kitaru_iac.records.stored import Store

    store = Store.open()
    stack = _stack_of(labels, store.gateway.stacks(Where()))
    if stack is None:
        return store.url
    deployment = labels[STACK_LABEL]
    both = f"kitaru stack delete {stack.id}{options(['--recursive', '--infra'], *flags)}"
    if _names(stack, labels):
        raise ProtectedStackError(
            f"Stack '{stack.name}' has the deployment {deployment}",
            why="Without it the stack could not run.",
            remedy=f"Delete both: {both}",
        )
    named, here = stack.labels.get(BACKEND_LABEL), labels[BACKEND_LABEL]
    called = f"calls the backend {named}" if named else "does not name the backend"
    elsewhere = "connect to another store: kitaru login"
    if named:
        elsewhere = (
            "give PULUMI_BACKEND_URL an address of this backend that the record cannot mean (a "
            f"whole path, or with its storage account), or {elsewhere}"
        )
    # What the record means may be another deployment, which runs: deleting both is no remedy then.
    raise ProtectedStackError(
        f"Stack '{stack.name}' may have the deployment {deployment}",
        why=f"Its record {called}; here it is {here}. If both are one, the stack could not run "
        "without it.",
        remedy=f"See what its record says: kitaru stack show {stack.id}\n"
        f"If it means this deployment, delete both: {both}\n"
        f"If it means another one, {elsewhere}",
    )


def _names(stack: StackDoc, labels: Mapping[str, str]) -> bool:
    """Whether a stack that may have a deployment surely has it: by the same spelling."""
    return stack.labels.get(BACKEND_LABEL) == labels[BACKEND_LABEL]


def _stack_of(labels: Mapping[str, str], stacks: Iterable[StackDoc]) -> StackDoc | None:
    """The stack whose record names a deployment, or may do so by another name of its backend."""
    from kitaru_iac.infrastructure.backends import may_be_same

    found = [
        stack
        for stack in stacks
        if all(stack.labels.get(key) == labels[key] for key in (PROJECT_LABEL, STACK_LABEL))
        and may_be_same(stack.labels.get(BACKEND_LABEL, ""), labels[BACKEND_LABEL])
    ]
    same = (stack for stack in found if _names(stack, labels))
    return next(same, found[0] if found else None)
