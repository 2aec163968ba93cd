"""The functions that do what the commands of their name do, and return what those print as JSON."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from kitaru_iac._sdk.arguments import (
    require_callable,
    require_planned,
    require_switches,
    require_text,
)
from kitaru_iac._sdk.confirmation import Confirm, asking, require_answer
from kitaru_iac._sdk.warned import warn
from kitaru_iac.callbacks import ProgressCallback
from kitaru_iac.machine.environment import apply_environment

if TYPE_CHECKING:
    from kitaru_iac.checks.model import CheckReport
    from kitaru_iac.gateway import StackView
    from kitaru_iac.plan.document import StackPlan
    from kitaru_iac.spec.model import StackSpec
    from kitaru_iac.stacks.export import Exported
    from kitaru_iac.stacks.health import StackHealth
    from kitaru_iac.stacks.results import Applied, Deleted
    from kitaru_iac.stacks.watch import StackDrift

__all__ = [
    "apply",
    "delete",
    "drift",
    "export",
    "health",
    "policy",
    "preview",
    "show_stack",
    "verify",
]

#: The keys of stack.yaml, or the path of such a file.
Description = Mapping[str, object] | os.PathLike[str]


def show_stack(name_or_id: str | None = None) -> StackView:
    """Show everything that is stored about a stack; secrets are masked.

    Args:
        name_or_id: Which: its name, its id, or the beginning of its id. None is the active one.

    Returns:
        The stack, with its components and connectors.

    Raises:
        StackNotFound: There is none of this name or id.
        NotConnectedError: No store answers.

    Example:
        >>> stack = kitaru.show_stack("default")
        >>> [component.role_type for component in stack.components]
        ['orchestrator', 'artifact_store', ...]
    """
    if name_or_id is not None:
        require_text(name_or_id)
    apply_environment()
    from kitaru_iac.gateway import open_reader, read_stack
    from kitaru_iac.gateway.masking import shown

    if name_or_id is not None:
        return shown(read_stack(name_or_id))
    with closing(open_reader()) as reader:
        return shown(reader.stack(reader.active().id))


def preview(description: Description, *, progress: ProgressCallback | None = None) -> StackPlan:
    """Plan what `apply` would do, and do nothing.

    Args:
        description: The keys of stack.yaml, or a `pathlib.Path` to such a file.
        progress: Gets one-line messages.

    Returns:
        The plan: its steps in ``.plan``, the document of the plan's format in ``.to_dict()``.

    Raises:
        DescriptionError: What is wrong with the description: all of it.
        AlreadyExistsError: Names are taken.
        CheckFailed: A check of the infrastructure failed (``infra: verify``).
        ProtectedStackError: The stack is another owner's, or shares a part that would be replaced.

    Example:
        >>> planned = kitaru.preview({"name": "example"})
        >>> planned.plan.has_changes
        True
        >>> [step.action.value for step in planned.plan.steps]
        ['create', 'create', 'create', 'activate']
    """
    require_callable(progress=progress)
    apply_environment()
    from kitaru_iac.stacks.planning import plan_stack

    return plan_stack(_described(description), progress=progress)


def apply(
    description: Description,
    *,
    plan: StackPlan | None = None,
    confirm: Confirm = None,
    progress: ProgressCallback | None = None,
) -> Applied:
    """Change a stack to match its description; create it if it does not exist.

    Args:
        description: The keys of stack.yaml, or a `pathlib.Path` to such a file.
        plan: What `preview` gave for it: nothing else is done. Without it the plan is whatever it
            is now.
        confirm: Whether what costs money is made, with ``infra="provision"``: True makes it, as
            ``--yes`` does. A function is asked with the plan before anything is written, whatever
            it does. Not needed otherwise, nor with `plan`, which was reviewed.
        progress: Gets one-line messages.

    Returns:
        What was done; ``.changed`` is False where there was nothing to do.

    Raises:
        DescriptionError: What is wrong with the description: all of it.
        PlanMoved: `plan` is not what would be done now; nothing was done.
        ConfirmationNeeded: Infrastructure would be made, changed or deleted, and `confirm` does not
            say yes; or it was asked and does not. Nothing was done.
        CheckFailed: A check failed; nothing was written.
        EngineError: Provisioning failed; the same call resumes it.
        ProtectedStackError: The stack is another owner's.
        RegistrationFailed: Writing failed; its `left` says what exists.

    Example:
        >>> description = {"name": "example"}
        >>> planned = kitaru.preview(description)
        >>> kitaru.apply(description, plan=planned).changed
        True
        >>> kitaru.apply(description).changed
        False
    """
    require_answer(confirm)
    require_callable(progress=progress)
    apply_environment()
    from kitaru_iac.plan.document import StackPlan, document
    from kitaru_iac.stacks import operations, planning

    require_planned(plan, StackPlan, "preview")
    spec = _described(description)
    if plan is None:
        asked = callable(confirm) or (spec.cloud is not None and spec.infra == "provision")
        done = operations.apply(spec, confirm=asking(confirm) if asked else None, progress=progress)
    else:
        reviewed = document([plan])
        (done,) = planning.apply_reviewed(
            [spec], reviewed["digest"], reviewed=reviewed, progress=progress
        )
    warn(done.warnings)
    return done


def verify(stack: str | Description) -> CheckReport:
    """Check that a stack's infrastructure meets its needs; changes nothing.

    Args:
        stack: The name or id of a stack that exists, or a description of one.

    Returns:
        One result for each check; none for a stack that is all on this machine.

    Raises:
        StackNotFound: There is none of this name or id.
        DescriptionError: What is wrong with the description: all of it.
        MissingPackages: The cloud's packages are not installed.

    Example:
        >>> kitaru.verify({"name": "example"}).failed
        False
    """
    apply_environment()
    from kitaru_iac.infrastructure.verify import verify as run

    return run(_described(stack, by_name=True, with_infra=True))


def drift(*names_or_ids: str, progress: ProgressCallback | None = None) -> tuple[StackDrift, ...]:
    """Show what differs from what was applied, in ZenML and in the cloud; changes nothing.

    Args:
        names_or_ids: Which stacks; all that Kitaru made, where none is given.
        progress: Gets one-line messages.

    Returns:
        For each stack what was found: ``.finding`` is ``none``, ``drift`` or ``unknown``, and
        ``.differences`` are changes as a plan's document has them.

    Raises:
        StackNotFound: There is none of a name or id.
        NotConnectedError: No store answers.

    Example:
        >>> _ = kitaru.apply({"name": "example"})
        >>> [(found.stack, found.finding.value) for found in kitaru.drift()]
        [('example', 'none')]
    """
    require_text(*names_or_ids)
    require_callable(progress=progress)
    apply_environment()
    from kitaru_iac.stacks.watch import look

    return look(names_or_ids, progress=progress)


def health(*names_or_ids: str, progress: ProgressCallback | None = None) -> tuple[StackHealth, ...]:
    """Look for drift of both layers, and check the infrastructure; changes nothing.

    Args:
        names_or_ids: Which stacks; all that Kitaru made, where none is given.
        progress: Gets one-line messages.

    Returns:
        For each stack the worst that was found, ``.state``: ``failed``, ``drift``, ``unknown`` or
        ``healthy``; with ``.drift``, and the checks in ``.report``.

    Raises:
        StackNotFound: There is none of a name or id.
        NotConnectedError: No store answers.

    Example:
        >>> _ = kitaru.apply({"name": "example"})
        >>> [found.state.value for found in kitaru.health("example")]
        ['healthy']
    """
    require_text(*names_or_ids)
    require_callable(progress=progress)
    apply_environment()
    from kitaru_iac.stacks.health import health as examine

    return examine(names_or_ids, progress=progress)


def export(name_or_id: str) -> Exported:
    """Describe a stack that is stored, also one that Kitaru did not make.

    Args:
        name_or_id: Which.

    Returns:
        The keys of stack.yaml that would make it in ``.keys``; what no key can say, and which
        secrets have to be given, in ``.comments``.

    Raises:
        StackNotFound: There is none of this name or id.
        KitaruError: It is of no type that a description can have.

    Example:
        >>> _ = kitaru.apply({"name": "example", "activate": False})
        >>> dict(kitaru.export("example").keys)
        {'name': 'example', 'type': 'local', 'activate': False}
    """
    require_text(name_or_id)
    apply_environment()
    from kitaru_iac.stacks.export import export as describe

    return describe(name_or_id)


def policy(stack: str | Description) -> dict[str, object]:
    """Give the cloud permissions that a stack needs, by identity. Asks no cloud.

    Args:
        stack: The name or id of a stack that exists, or a description of one.

    Returns:
        ``{"stack", "cloud", "policies": {identity: document}, "trust": {identity: document}}``.

    Raises:
        StackNotFound: There is none of this name or id.
        DescriptionError: What is wrong with the description: all of it.
        KitaruError: There is no table of permissions for this cloud yet.

    Example:
        >>> kitaru.policy({"name": "example"})["policies"]
        {}
    """
    apply_environment()
    from kitaru_iac.infrastructure.verify import policy as needed

    return needed(_described(stack, by_name=True))


def delete(
    name_or_id: str,
    *,
    recursive: bool = False,
    force: bool = False,
    unmanaged: bool = False,
    keep_infrastructure: bool = False,
    progress: ProgressCallback | None = None,
) -> Deleted:
    """Delete a stack's records, and say what went and what stayed.

    Args:
        name_or_id: Which.
        recursive: Its own components and connector too, where no other stack uses them.
        force: Although it is active (the default stack becomes active), or belongs to Pulumi.
        unmanaged: Although Kitaru did not make it; its components and connectors stay.
        keep_infrastructure: Although something was provisioned for it, which stays. To take that
            down is the command's: ``kitaru stack delete --infra``.
        progress: Gets one-line messages.

    Raises:
        StackNotFound: There is none of this name or id.
        StackNotManaged: Kitaru did not make it, and `unmanaged` is not given.
        InfrastructureRemains: Something was provisioned for it, and nobody said that it may stay.
        ProtectedStackError: It is active or Pulumi's and `force` is not given, or it is the default
            stack.

    Example:
        >>> _ = kitaru.apply({"name": "example", "activate": False})
        >>> gone = kitaru.delete("example", recursive=True)
        >>> gone.deleted_stack, gone.components_deleted
        ('example', ('example (artifact_store)', 'example (orchestrator)'))
    """
    require_text(name_or_id)
    require_switches(
        recursive=recursive,
        force=force,
        unmanaged=unmanaged,
        keep_infrastructure=keep_infrastructure,
    )
    require_callable(progress=progress)
    apply_environment()
    from kitaru_iac.stacks import operations

    done = operations.delete(
        name_or_id,
        recursive=recursive,
        force=force,
        unmanaged=unmanaged,
        keep_infrastructure=keep_infrastructure,
        progress=progress,
    )
    assert done is not None  # None is what a confirmation that is declined gives
    warn(done.warnings)
    return done


def _described(
    stack: str | Description, *, by_name: bool = False, with_infra: bool = False
) -> StackSpec:
    """The description that was given, or that of the stack with this name or id."""
    from kitaru_iac.machine.project import description_defaults
    from kitaru_iac.spec import from_given

    if isinstance(stack, str) and by_name:
        from kitaru_iac.stacks.export import described

        return described(stack, with_infra=with_infra)
    return from_given(stack, description_defaults)
