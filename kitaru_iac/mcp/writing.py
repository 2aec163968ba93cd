"""The tools that change something, and the questions that come before a deletion.

What a plan does is agreed to by its digest. What is deleted or replaced, and what costs money, is
confirmed by the user: in a form of the client, or by the stack's name in `confirmed_name` where a
client cannot ask. A deletion keeps to the id of the stack that was asked about.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver import (
    AcceptedElicitation,
    Context,
    Elicit,
    ElicitationResult,
    Resolve,
)
from mcp.types import CallToolResult
from pydantic import BaseModel, Field

from kitaru_iac.errors import (
    AlreadyExistsError,
    ConfirmationNeeded,
    NotAllowedError,
    StackNotFound,
)
from kitaru_iac.mcp.answers import Applied, Copied, Deleted, Renamed, Switched, answer
from kitaru_iac.mcp.inputs import Description, StackRef, described
from kitaru_iac.mcp.modes import Mode
from kitaru_iac.mcp.plans import brief, is_destructive, risks
from kitaru_iac.mcp.site import Site, can_be_asked, site_of
from kitaru_iac.mcp.work import Call
from kitaru_iac.plan.document import StackPlan, document
from kitaru_iac.plan.model import Plan
from kitaru_iac.redaction import value

if TYPE_CHECKING:
    from kitaru_iac.gateway import StackRow
    from kitaru_iac.gateway.views import Reader

__all__ = [
    "Confirm",
    "stack_apply",
    "stack_copy",
    "stack_delete",
    "stack_rename",
    "stack_use",
]

Digest = Annotated[
    str,
    Field(pattern="^sha256:[0-9a-f]{64}$", description="The digest of stack_preview's plan."),
]
ConfirmedName = Annotated[
    str,
    Field(description="The stack's name as the user typed it to confirm; never filled in unasked."),
]
StackId = Annotated[
    str, Field(min_length=32, max_length=36, description="The stack's whole id, from stack_list.")
]
NewName = Annotated[
    str, Field(min_length=1, description="The name that it gets; no stack may have it.")
]


class Confirm(BaseModel):
    """The user's answer to a question about a stack."""

    name: str = Field(description="Type the stack's name to go on.")


async def stack_use(ctx: Context, stack: StackRef) -> Annotated[CallToolResult, Switched]:
    """Make a stack the active one, until it is switched again."""

    def switch(_: Call) -> dict[str, Any]:
        from kitaru_iac.stacks import operations

        return operations.use(stack).to_dict()

    return answer(Switched, await site_of(ctx).worker.write(ctx, switch))


# -- apply -----------------------------------------------------------------------------------------


async def confirm_plan(
    ctx: Context, description: Description, digest: Digest, confirmed_name: ConfirmedName
) -> Confirm | Elicit[Confirm]:
    """Ask where a plan deletes, replaces or costs something."""
    site = site_of(ctx)
    planned = site.plan(digest)
    if planned is None or planned.plan.stack != description.get("name"):  # not shown here

        def look(call: Call) -> StackPlan:
            from kitaru_iac.stacks.planning import plan_stack, require_digest

            spec = described(description, None)
            found = plan_stack(spec, progress=call.tell)
            require_digest(document([found]), digest)
            return found

        planned = await site.worker.read(ctx, look)
    plan = planned.plan
    lines = risks(plan)
    if not lines:
        return Confirm(name=plan.stack)
    _require_allowed(site, plan)
    return _asked(ctx, plan.stack, f"Stack '{plan.stack}': {'; '.join(lines)}.", confirmed_name)


async def stack_apply(
    ctx: Context,
    description: Description,
    digest: Digest,
    *,
    confirmed_name: ConfirmedName = "",  # noqa: ARG001 - the question takes it
    confirm: Annotated[ElicitationResult[Confirm], Resolve(confirm_plan)],
) -> Annotated[CallToolResult, Applied]:
    """Create or change a stack as stack_preview has shown it, and in no other way.

    Plans again first: a plan with another digest is refused, and nothing is changed. Show the plan
    to the user before.
    """
    site = site_of(ctx)

    def work(call: Call) -> dict[str, Any]:
        from kitaru_iac.stacks.planning import apply_planned, plan_stack, require_digest

        spec = described(description, None)
        _require_confirmed(confirm, spec.name)
        shown = site.plan(digest)
        planned = plan_stack(spec, progress=call.tell)
        require_digest(document([planned]), digest, document([shown]) if shown else None)
        _require_allowed(site, planned.plan)
        call.require_wanted()
        return apply_planned(spec, planned, progress=call.steps_of(spec)).to_dict()

    found = await site.worker.write(ctx, work)
    return answer(Applied, found | {"changes": brief(found["changes"])}, "checks", "changes")


def _require_allowed(site: Site, plan: Plan) -> None:
    if is_destructive(plan) and not site.mode.includes(Mode.DESTRUCTIVE):
        raise NotAllowedError(
            f"The plan for stack '{plan.stack}' deletes or replaces something; nothing was changed",
            why=f"This server's mode is {site.mode}: {'; '.join(risks(plan))}",
            remedy="The user can do it: kitaru stack apply -f FILE",
        )


# -- delete ----------------------------------------------------------------------------------------


async def confirm_deletion(
    ctx: Context, id: StackId, recursive: bool, confirmed_name: ConfirmedName
) -> Confirm | Elicit[Confirm]:
    """Ask about a stack's deletion, where it can be deleted."""

    def look(_: Call) -> StackRow:
        from kitaru_iac.stacks.removal import require_deletable

        row = _row_of(id)
        require_deletable(row.id, recursive=recursive)
        return row

    row = await site_of(ctx).worker.read(ctx, look)
    name = row.name
    what = f"Delete the stack '{value(name)}' ({id})"
    if not row.is_managed:
        what += ", which Kitaru did not make, and leave its components and connectors"
    elif recursive:
        what += ", with its components and connector that no other stack uses"
    return _asked(ctx, name, f"{what}?", confirmed_name)


async def stack_delete(
    ctx: Context,
    id: StackId,
    recursive: Annotated[
        bool,
        Field(description="With its components and connector, where no other stack uses them."),
    ] = False,
    *,
    confirmed_name: ConfirmedName = "",  # noqa: ARG001 - the question takes it
    confirm: Annotated[ElicitationResult[Confirm], Resolve(confirm_deletion)],
) -> Annotated[CallToolResult, Deleted]:
    """Delete a stack's records. The user is asked first, or has typed its name.

    The active stack, one that belongs to a Pulumi program, and one that infrastructure was
    provisioned for are refused. Of a stack that Kitaru did not make the parts stay, and the
    question says so.
    """

    def work(call: Call) -> dict[str, Any]:
        from kitaru_iac.stacks import operations

        _require_confirmed(confirm, _row_of(id).name)
        call.require_wanted()
        done = operations.delete(
            id,
            exact=True,
            recursive=recursive,
            unmanaged=True,  # the question said whether it is
            progress=call.progress,
        )
        assert done is not None  # nobody is asked there
        return done.to_dict()

    found = await site_of(ctx).worker.write(ctx, work)
    return answer(Deleted, found, "already_gone", "kept", "components_deleted")


# -- rename and copy -------------------------------------------------------------------------------


async def confirm_rename(
    ctx: Context, id: StackId, new: NewName, confirmed_name: ConfirmedName
) -> Confirm | Elicit[Confirm]:
    """Ask about another name: colleagues, files and flows may know the stack by the old one."""

    def look(_: Call) -> str:
        from kitaru_iac.stacks.rename import require_renamable

        name = _name_beside(id, new, may_be_its_own=True)
        require_renamable(id, new)
        return name

    name = await site_of(ctx).worker.read(ctx, look)
    what = f"Rename the stack '{value(name)}' ({id}) to '{value(new)}', with its own parts?"
    return _asked(ctx, name, what, confirmed_name)


async def stack_rename(
    ctx: Context,
    id: StackId,
    new: NewName,
    *,
    confirmed_name: ConfirmedName = "",  # noqa: ARG001 - the question takes it
    confirm: Annotated[ElicitationResult[Confirm], Resolve(confirm_rename)],
) -> Annotated[CallToolResult, Renamed]:
    """Give a stack another name, with its own components and connector; all keep their ids.

    The user is asked first, or has typed its name. The default stack, one that belongs to a Pulumi
    program, one that Kitaru did not make and one that infrastructure was provisioned for are
    refused. Its description needs the new name too.
    """

    def work(call: Call) -> dict[str, Any]:
        from kitaru_iac.stacks.rename import rename

        _require_confirmed(confirm, _row_of(id).name)
        call.require_wanted()
        return rename(id, new).to_dict()

    return answer(Renamed, await site_of(ctx).worker.write(ctx, work))


async def confirm_copy(
    ctx: Context, id: StackId, new: NewName, confirmed_name: ConfirmedName
) -> Confirm | Elicit[Confirm]:
    """Ask about another stack with the same connector and infrastructure."""
    name = await site_of(ctx).worker.read(
        ctx, lambda _: _name_beside(id, new, may_be_its_own=False)
    )
    what = (
        f"Make the stack '{value(new)}' like '{value(name)}' ({id}), with its connector and "
        "infrastructure?"
    )
    return _asked(ctx, name, what, confirmed_name)


async def stack_copy(
    ctx: Context,
    id: StackId,
    new: NewName,
    *,
    confirmed_name: ConfirmedName = "",  # noqa: ARG001 - the question takes it
    confirm: Annotated[ElicitationResult[Confirm], Resolve(confirm_copy)],
) -> Annotated[CallToolResult, Copied]:
    """Make a stack with the configuration of another one; nothing is made in a cloud.

    The user is asked first, or has typed the other one's name. It is not made active. To make a
    stack that differs in anything, use stack_preview and stack_apply.
    """

    def work(call: Call) -> dict[str, Any]:
        from kitaru_iac.stacks.copy import copy

        _require_confirmed(confirm, _row_of(id).name)
        call.require_wanted()
        return copy(id, new, progress=call.progress).to_dict()

    return answer(Copied, await site_of(ctx).worker.write(ctx, work), "notes")


def _name_beside(id: str, new: str, *, may_be_its_own: bool) -> str:
    """Give the name of the stack with this id, where a new one can stand beside it.

    Raises:
        UsageError: No stack can have the new name.
        AlreadyExistsError: One has it.
        StackNotFound: There is no stack with the id.
    """
    from kitaru_iac.gateway import open_reader
    from kitaru_iac.stacks.names import require_new_name

    require_new_name(new)
    with closing(open_reader()) as reader:
        row = _row_in(reader, id)
        others = [one for one in reader.stacks() if not may_be_its_own or one.id != row.id]
    if any(one.name == new for one in others):
        raise AlreadyExistsError(
            f"A stack with the name {value(new)} is there already", remedy="Choose another name."
        )
    return row.name


def _row_of(id: str) -> StackRow:
    """The stack with this id, whole.

    Raises:
        StackNotFound: There is none; a name or the beginning of an id does not count.
    """
    from kitaru_iac.gateway import open_reader

    with closing(open_reader()) as reader:
        return _row_in(reader, id)


def _row_in(reader: Reader, id: str) -> StackRow:
    row = reader.find(id)
    if row.id.replace("-", "") != id.replace("-", "").lower():
        raise StackNotFound(
            f"No stack has the id '{value(id)}'", remedy="See the ids with stack_list."
        )
    return row


# -- questions -------------------------------------------------------------------------------------


def _asked(
    ctx: Context, name: str, question: str, confirmed_name: str
) -> Confirm | Elicit[Confirm]:
    """The answer that was given with the call, or the question.

    Raises:
        ConfirmationNeeded: The client cannot ask, or another name was given.
    """
    if confirmed_name == name:
        return Confirm(name=name)
    if confirmed_name:
        raise ConfirmationNeeded(
            f"'{value(confirmed_name)}' is not the stack's name; nothing was changed",
            why=question,
            remedy="Ask the user which stack is meant.",
        )
    if can_be_asked(ctx.client_capabilities):
        return Elicit(f"{question} Type the stack's name to go on.", Confirm)
    raise ConfirmationNeeded(
        "This has to be confirmed by the user; nothing was changed",
        why=question,
        remedy="Show it to the user. If they type the stack's name, call again with "
        "confirmed_name set to what they typed.",
    )


def _require_confirmed(confirm: ElicitationResult[Confirm], name: str) -> None:
    if not isinstance(confirm, AcceptedElicitation):
        raise ConfirmationNeeded("The user did not confirm; nothing was changed")
    if confirm.data.name != name:
        raise ConfirmationNeeded(
            f"'{value(confirm.data.name)}' is not the stack's name; nothing was changed",
            why=f"It is called '{value(name)}'.",
            remedy="Ask the user which stack is meant.",
        )
