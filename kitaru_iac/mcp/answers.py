"""What the tools return: the documents of ``--output json``, typed, and what agents need."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from mcp.types import CallToolResult, TextContent
from pydantic import BaseModel, ConfigDict, Field

from kitaru_iac.mcp.sizes import fitted

__all__ = [
    "ActiveStack",
    "Answer",
    "Applied",
    "Copied",
    "Deleted",
    "DriftAnswer",
    "PlanAnswer",
    "Policies",
    "Renamed",
    "Report",
    "StackDetails",
    "StackList",
    "Switched",
    "answer",
]

Truncated = Annotated[
    bool, Field(description="Whether texts or lists were cut; the counts are those of the whole.")
]
StatusWord = Literal["ok", "warn", "fail", "unknown"]
FindingWord = Literal["none", "drift", "unknown"]


class Answer(BaseModel):
    """An answer. Fields that a later version adds are passed on."""

    model_config = ConfigDict(extra="allow")


class Notice(Answer):
    """A warning: its stable code, and what it says."""

    code: str
    message: str


class StackItem(Answer):
    """A stack in the list."""

    id: str
    name: str
    is_active: bool
    is_managed: bool = Field(description="Whether Kitaru made it.")


class StackList(Answer):
    """A page of the stacks, oldest first."""

    items: list[StackItem]
    count: int = Field(description="How many stacks are on this page.")
    total: int
    page: int
    next_page: int | None
    truncated: Truncated = False


class ActiveStack(Answer):
    """The active stack, and what chose it."""

    id: str
    name: str
    is_active: Literal[True] = True
    scope: Literal["environment", "repository", "global", "default"]
    source: str


class Component(Answer):
    """A component of a stack. Secrets are masked."""

    role: str
    name: str
    backend: str
    id: str
    type: str
    configuration: dict[str, Any]


class StackDetails(Answer):
    """Everything that is stored about a stack. Secrets are masked."""

    id: str
    name: str
    is_active: bool
    is_managed: bool
    stack_type: str
    components: list[Component]
    truncated: Truncated = False


class CheckItem(Answer):
    """How one check ended."""

    id: str
    status: StatusWord
    subject: str
    why: str
    remedy: str | None = None


class Report(Answer):
    """What the checks found, worst first. Unknown means that nobody could look."""

    stack: str
    worst: StatusWord | None
    summary: dict[StatusWord, int] = Field(description="How many checks ended in each way.")
    results: list[CheckItem]
    truncated: Truncated = False


class PlannedChange(Answer):
    """What would be done to one thing."""

    layer: Literal["infrastructure", "records", "machine"]
    address: str
    kind: str
    name: str
    actions: list[str] = Field(
        description="In order: no-op, create, update, delete; create and delete replace."
    )
    changed: list[dict[str, Any]]
    used_by: list[str] = Field(description="What else in the store uses it.")


class Look(Answer):
    """What was seen of one layer of a stack."""

    layer: Literal["infrastructure", "records"]
    finding: FindingWord
    why: str | None = Field(default=None, description="Why it is unknown, and what to do.")


class DriftItem(Answer):
    """What differs of one stack from what was applied."""

    stack: str
    finding: FindingWord
    looks: list[Look]
    drift: list[PlannedChange] = Field(
        description="From what was applied (before) to what is there (after)."
    )


class DriftAnswer(Answer):
    """What differs from what was applied, by stack. Unknown means that nobody can tell."""

    items: list[DriftItem]
    count: int
    with_drift: int
    unknown: int
    truncated: Truncated = False


class Policies(Answer):
    """The exact permissions that a stack needs, by identity."""

    stack: str
    cloud: str | None
    policies: dict[str, Any]
    trust: dict[str, Any]
    omitted: list[str] = Field(
        default_factory=list,
        description="Documents left out because the answer was too long: ask for them one by one.",
    )
    truncated: Truncated = False


class PlannedStack(Answer):
    """What would be done for the stack."""

    stack: str
    has_changes: bool
    complete: bool
    applyable: bool
    description: dict[str, Any]
    changes: list[PlannedChange]
    checks: list[CheckItem]
    warnings: list[Notice]


class PlanAnswer(Answer):
    """A plan's document, with the digest that stack_apply wants. Show it to the user."""

    format_version: str
    store: str | None
    stacks: list[PlannedStack] = Field(description="One.")
    digest: str = Field(description="Give this to stack_apply; another plan is refused.")
    complete: bool
    applyable: bool
    summary: dict[str, int] = Field(description="How many changes there are of each kind.")
    needs_confirmation: list[str] = Field(
        description="What the user has to confirm: what is deleted, replaced, or costs money."
    )
    truncated: Truncated = False


class Applied(Answer):
    """A description that was applied as it was previewed."""

    id: str | None
    name: str
    is_active: bool
    previous_active_stack: str | None
    changed: bool
    changes: list[PlannedChange]
    warnings: list[Notice]
    truncated: Truncated = False


class Renamed(Answer):
    """A stack that has another name, and which of its parts were renamed with it."""

    id: str
    name: str
    previous_name: str
    renamed_parts: list[str]


class Copied(Answer):
    """A stack that was made like another one, and what it shares with that."""

    id: str
    name: str
    is_active: bool
    copied_from: str
    components_created: list[str]
    notes: list[str]
    truncated: Truncated = False


class KeptPart(Answer):
    """What stays, and why."""

    kind: str
    name: str
    reason: str


class Deleted(Answer):
    """A stack that was deleted, with what went and what stayed."""

    deleted_stack: str | None
    components_deleted: list[str]
    service_connectors_deleted: list[str]
    kept: list[KeptPart]
    new_active_stack: str | None
    recursive: bool
    truncated: Truncated = False


class Switched(Answer):
    """Another active stack."""

    id: str
    name: str
    is_active: bool
    scope: str
    previous_active_stack: str | None
    overridden_by: str | None = Field(
        default=None, description="An environment variable that takes precedence over the choice."
    )


def answer(kind: type[Answer], document: dict[str, Any], *lists: str) -> CallToolResult:
    """Make a tool's result: the document for programs, and the same as text for models.

    Args:
        kind: What it is.
        document: Its fields.
        lists: Those that may be cut, see `sizes.fitted`.
    """
    made = kind.model_validate(fitted(document, lists))
    text = made.model_dump_json()
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structured_content=made.model_dump(mode="json"),
    )
