"""The tools of every mode: they look, and change nothing."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from kitaru_iac.mcp.answers import (
    ActiveStack,
    DriftAnswer,
    PlanAnswer,
    Policies,
    Report,
    StackDetails,
    StackList,
    answer,
)
from kitaru_iac.mcp.inputs import Description, OptionalDescription, OptionalStack, described
from kitaru_iac.mcp.plans import brief, risks
from kitaru_iac.mcp.site import site_of
from kitaru_iac.mcp.sizes import LIMIT, size
from kitaru_iac.mcp.work import Call
from kitaru_iac.plan.document import StackPlan, document
from kitaru_iac.redaction import value

__all__ = [
    "list_document",
    "show_document",
    "stack_current",
    "stack_drift",
    "stack_list",
    "stack_policy",
    "stack_preview",
    "stack_show",
    "stack_verify",
]

_WORST_FIRST = ("fail", "unknown", "warn", "ok")


async def stack_list(
    ctx: Context,
    limit: Annotated[int, Field(ge=1, le=200, description="How many make a page.")] = 100,
    page: Annotated[int, Field(ge=1, le=1_000_000, description="Which page, from 1.")] = 1,
) -> Annotated[CallToolResult, StackList]:
    """List the stacks and mark the active one, oldest first."""
    found = await site_of(ctx).worker.read(ctx, lambda _: list_document(limit, page))
    return answer(StackList, found, "items")


async def stack_show(
    ctx: Context, stack: OptionalStack = None
) -> Annotated[CallToolResult, StackDetails]:
    """Show everything that is stored about a stack; without a name, about the active one."""
    found = await site_of(ctx).worker.read(ctx, lambda _: show_document(stack))
    return answer(StackDetails, found, "connectors", "components")


async def stack_current(ctx: Context) -> Annotated[CallToolResult, ActiveStack]:
    """Show the active stack, and which scope chose it."""

    def look(_: Call) -> dict[str, Any]:
        from kitaru_iac.gateway import open_reader

        with closing(open_reader()) as reader:
            return {**reader.active().to_dict(), "is_active": True}

    return answer(ActiveStack, await site_of(ctx).worker.read(ctx, look))


async def stack_verify(
    ctx: Context, stack: OptionalStack = None, description: OptionalDescription = None
) -> Annotated[CallToolResult, Report]:
    """Check that a stack's infrastructure meets its needs, with this machine's cloud login.

    Reads from the cloud alone. Give the stack that exists, or a description.
    """

    def look(call: Call) -> dict[str, Any]:
        from kitaru_iac.infrastructure.verify import verify

        spec = described(description, stack, with_infra=True)
        call.progress(f"Checking the infrastructure of {spec.name}")
        found: dict[str, Any] = verify(spec).to_dict()
        found["results"].sort(key=lambda result: _WORST_FIRST.index(result["status"]))
        return found

    return answer(Report, await site_of(ctx).worker.read(ctx, look), "results")


async def stack_drift(
    ctx: Context,
    stacks: Annotated[
        list[Annotated[str, Field(min_length=1)]],
        Field(description="Names or ids; all stacks that Kitaru made, where there is none."),
    ] = [],  # noqa: B006 - the SDK copies it, and shows it to models
) -> Annotated[CallToolResult, DriftAnswer]:
    """Show what differs from what was applied, in the store and in the cloud. Changes nothing.

    stack_preview and stack_apply with the stack's description put it back.
    """

    def look(call: Call) -> dict[str, Any]:
        from kitaru_iac.stacks.watch import Finding
        from kitaru_iac.stacks.watch import look as drift

        # The engine is not ended in the middle: told, not asked whether the call is still wanted.
        found = drift(stacks, progress=call.tell)
        findings = [item.finding for item in found]
        return {
            "items": [item.to_dict() for item in found],
            "count": len(found),
            "with_drift": findings.count(Finding.DRIFT),
            "unknown": findings.count(Finding.UNKNOWN),
        }

    return answer(DriftAnswer, await site_of(ctx).worker.read(ctx, look), "items")


async def stack_policy(
    ctx: Context,
    stack: OptionalStack = None,
    description: OptionalDescription = None,
    identity: Annotated[
        str | None, Field(description="Only this identity's documents, as 'connector'.")
    ] = None,
) -> Annotated[CallToolResult, Policies]:
    """Print the cloud permissions that a stack needs, by identity. Asks no cloud."""

    def look(_: Call) -> dict[str, Any]:
        from kitaru_iac.infrastructure.verify import policy

        found: dict[str, Any] = policy(described(description, stack))
        return _policies(found, identity)

    return answer(Policies, await site_of(ctx).worker.read(ctx, look))


async def stack_preview(
    ctx: Context, description: Description
) -> Annotated[CallToolResult, PlanAnswer]:
    """Show what applying a description would do, and do nothing.

    A stack of any of the five types is created or changed by stack_apply, with this plan's digest.
    """
    site = site_of(ctx)

    def look(call: Call) -> StackPlan:
        from kitaru_iac.stacks.planning import plan_stack

        spec = described(description, None)
        return plan_stack(spec, progress=call.steps_of(spec))

    planned = await site.worker.read(ctx, look)
    found = document([planned])
    site.remember(found["digest"], planned)
    for stack in found["stacks"]:
        stack["changes"] = brief(stack["changes"])
    found["needs_confirmation"] = risks(planned.plan)
    return answer(PlanAnswer, found, "stacks.0.checks", "stacks.0.changes")


# -- the documents ---------------------------------------------------------------------------------


def list_document(limit: int, page: int) -> dict[str, Any]:
    """One page of the stacks, as ``stack list --limit --page`` has it."""
    from kitaru_iac.gateway import open_reader

    with closing(open_reader()) as reader:
        found = reader.page(page, limit)
    seen = (page - 1) * limit + len(found.rows)
    return {
        "items": [row.to_dict() for row in found.rows],
        "count": len(found.rows),
        "total": found.total,
        "page": page,
        "next_page": page + 1 if found.rows and seen < found.total else None,
    }


def show_document(stack: str | None) -> dict[str, Any]:
    """A stack as ``stack show`` has it; the active one where none is named."""
    from kitaru_iac.gateway import open_reader
    from kitaru_iac.gateway.masking import shown
    from kitaru_iac.records.owner import owner_of
    from kitaru_iac.render.stack import show_item

    with closing(open_reader()) as reader:
        view = reader.stack(stack if stack is not None else reader.active().id)
    owner = owner_of(view.labels)
    return show_item(shown(view).to_dict(), owner.to_dict() if owner else None)


def _policies(found: dict[str, Any], identity: str | None) -> dict[str, Any]:
    """The documents of one identity, or as many whole ones as an answer holds: none is cut."""
    from kitaru_iac.errors import NotFoundError

    every = [(part, name) for part in ("policies", "trust") for name in found[part]]
    if identity is not None and identity not in {name for _, name in every}:
        known = ", ".join(dict.fromkeys(name for _, name in every)) or "none"
        raise NotFoundError(
            f"The stack needs nothing for '{value(identity)}'",
            remedy=f"The identities are: {known}.",
        )
    kept: dict[str, Any] = {**found, "policies": {}, "trust": {}}
    omitted: list[str] = []
    for part, name in every:
        if identity not in (None, name):
            continue
        kept[part][name] = found[part][name]
        # Room for the names of what is left out.
        if identity is None and size(kept) > LIMIT - 1000:
            del kept[part][name]
            omitted.append(f"{part}.{name}")
    return {**kept, "omitted": omitted, "truncated": bool(omitted)}
