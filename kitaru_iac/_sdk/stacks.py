"""The functions of the package: stacks for a Python program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from kitaru_iac._sdk.arguments import require_switches, require_text
from kitaru_iac._sdk.confirmation import Confirm, require_answer, require_confirmed
from kitaru_iac._sdk.warned import warn
from kitaru_iac.errors import UsageError
from kitaru_iac.machine.environment import apply_environment
from kitaru_iac.notices import SelectionOverridden
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from kitaru_iac.spec._keywords import StackFields
    from kitaru_iac.spec.model import StackSpec

__all__ = [
    "LeftoverInfo",
    "StackInfo",
    "clean_stacks",
    "create_stack",
    "current_stack",
    "delete_stack",
    "list_stacks",
    "use_stack",
]


@dataclass(frozen=True, slots=True)
class StackInfo:
    """A stack, as small as can be.

    Attributes:
        id: Its UUID.
        name: Its name.
        is_active: Whether it is the active one.
    """

    id: str
    name: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class LeftoverInfo:
    """What a killed run had left.

    Attributes:
        stack: The stack that it was made for.
        kind: ``stack``, ``service_connector``, ``secret``, or ZenML's component type.
        name: What it was called in the store.
    """

    stack: str
    kind: str
    name: str


def current_stack() -> StackInfo:
    """The active stack.

    Raises:
        StackNotFound: ``ZENML_ACTIVE_STACK_ID`` names one that does not exist.
        NotConnectedError: No store answers.

    Example:
        >>> kitaru.current_stack().name
        'default'
    """
    apply_environment()
    from kitaru_iac.gateway import open_reader

    reader = open_reader()
    try:
        active = reader.active()
    finally:
        reader.close()
    return StackInfo(active.id, active.name, is_active=True)


def list_stacks(*, limit: int | None = None, page: int = 1) -> list[StackInfo]:
    """All stacks, oldest first; or one page of them, which is all that the store is asked for.

    Args:
        limit: How many make a page. None gives all of them.
        page: Which page, from 1; one after the last is empty.

    Raises:
        UsageError: `limit` or `page` is no whole number from 1, or `page` stands without `limit`.
        NotConnectedError: No store answers.

    Example:
        >>> [stack.name for stack in kitaru.list_stacks()]
        ['default']
    """
    for given in (page, *([] if limit is None else [limit])):
        if type(given) is not int or given < 1:
            raise UsageError("`limit` and `page` are whole numbers from 1")
    if limit is None and page != 1:
        raise UsageError("`page` needs a `limit`")
    apply_environment()
    from kitaru_iac.gateway import open_reader

    reader = open_reader()
    try:
        rows = reader.stacks() if limit is None else reader.page(page, limit).rows
        return [StackInfo(row.id, row.name, row.is_active) for row in rows]
    finally:
        reader.close()


def create_stack(
    name: str,
    type: str = "local",
    *,
    activate: bool = True,
    extra: Mapping[str, Mapping[str, Any]] | None = None,
    confirm: Confirm = None,
    **fields: Unpack[StackFields],
) -> StackInfo:
    """Create a stack and make it the active one.

    Args:
        name: Its name.
        type: ``local``, ``kubernetes``, ``vertex``, ``sagemaker`` or ``azureml``.
        activate: Whether it becomes the active stack.
        extra: Fields of the components behind it, as ``{"orchestrator": {"synchronous": False}}``.
        confirm: Whether what costs money is made, with ``infra="provision"``: True makes it, as
            ``--yes`` does; a function is asked with the plan first. Not needed otherwise.
        **fields: The other keys of stack.yaml, as ``artifact_store="s3://bucket/path"``.

    Raises:
        ConfirmationNeeded: Infrastructure would be made, and `confirm` does not say yes; nothing
            was made.
        DescriptionError: What is wrong with the description: all of it.
        AlreadyExistsError: The name is taken.
        CheckFailed: The connector cannot use a resource; nothing was written.
        RegistrationFailed: Writing failed; its `left` says what exists.

    Example:
        >>> kitaru.create_stack("example", activate=False).is_active
        False
    """
    require_switches(activate=activate)
    require_answer(confirm)
    apply_environment()
    from kitaru_iac.spec import from_mapping
    from kitaru_iac.stacks import operations

    description = {"name": name, "type": type, "activate": activate, **fields}
    if extra is not None:
        description["extra"] = extra
    spec = from_mapping(description)
    if spec.cloud is not None and spec.infra == "provision":
        _require_confirmed(spec, confirm)
    made = operations.create(spec)
    warn(made.warnings)
    return StackInfo(made.id, made.name, made.is_active)


def _require_confirmed(spec: StackSpec, confirm: Confirm) -> None:
    """See that infrastructure is to be made; `ConfirmationNeeded` else, before anything is."""
    from kitaru_iac.plan.model import Plan
    from kitaru_iac.stacks import deployed

    if confirm is not True:
        # A plan takes a while: it is made only for who is asked with it.
        plan = deployed.preview_creation(spec) if callable(confirm) else Plan(spec.name)
        require_confirmed(plan, confirm)


def use_stack(name_or_id: str) -> StackInfo:
    """Make a stack the active one, until it is switched again.

    Raises:
        StackNotFound: There is none of this name or id.

    Example:
        >>> kitaru.use_stack("default").is_active
        True
    """
    require_text(name_or_id)
    apply_environment()
    from kitaru_iac.stacks import operations

    done = operations.use(name_or_id)
    if done.overridden_by:
        text = f"{done.overridden_by} is set and takes precedence over this choice"
        warn((SelectionOverridden(text),))
    return StackInfo(done.id, done.name, done.is_active)


def delete_stack(
    name_or_id: str,
    recursive: bool = False,
    force: bool = False,
    *,
    unmanaged: bool = False,
    keep_infrastructure: bool = False,
) -> None:
    """Delete a stack.

    Args:
        name_or_id: Which.
        recursive: Delete its components and connector too, if Kitaru made them and no other stack
            uses them.
        force: Delete it although it is active (the default stack becomes active), or belongs to
            Pulumi.
        unmanaged: Delete it although Kitaru did not make it; its components and connectors stay.
        keep_infrastructure: Delete it although something was provisioned for it, which stays.

    Raises:
        InfrastructureRemains: Something was provisioned for it, and nobody said that it may stay.
        StackNotFound: There is none of this name or id.
        StackNotManaged: Kitaru did not make it, and `unmanaged` is not given.
        ProtectedStackError: It is active or Pulumi's and `force` is not given, or it is the default
            stack.

    Example:
        >>> _ = kitaru.create_stack("example")
        >>> kitaru.delete_stack("example", recursive=True, force=True)
    """
    require_text(name_or_id)
    require_switches(
        recursive=recursive,
        force=force,
        unmanaged=unmanaged,
        keep_infrastructure=keep_infrastructure,
    )
    apply_environment()
    from kitaru_iac.stacks import operations

    done = operations.delete(
        name_or_id,
        recursive=recursive,
        force=force,
        unmanaged=unmanaged,
        keep_infrastructure=keep_infrastructure,
    )
    if done is not None:
        warn(done.warnings)


def clean_stacks() -> list[LeftoverInfo]:
    """Remove what runs that were killed in the middle left in the store, and nothing else.

    Returns:
        What was removed or put back: a stack that was being replaced has its name again, or its
        successor stays.

    Raises:
        RegistrationFailed: Something could not be removed; its `left` says what.

    Example:
        >>> kitaru.clean_stacks()
        []
    """
    apply_environment()
    from kitaru_iac.stacks import operations

    done = operations.clean()
    return [
        LeftoverInfo(item.stack, item.kind, item.name) for item in (*done.removed, *done.restored)
    ]
