"""Putting what exists back into a state that was lost: as the program would describe it.

Pulumi's own import refuses whatever differs in anything from the program, and what drifted since,
or cannot be read back, always differs. So each resource enters with the program's inputs and the
cloud's id, as after a kill (`engine.pending`); the refresh of the update that follows reads it, and
the update changes what is not as described.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi.automation import EngineEvent, Stack

from kitaru_iac.engine.pending import Identify
from kitaru_iac.engine.running import Runner

__all__ = ["Planned", "plan_of", "planned", "taken_back"]

#: Stands in a plan for what is not known yet: `plugin.UnknownStringValue` of Pulumi's engine.
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@dataclass(frozen=True, slots=True)
class Planned:
    """A resource that the program would create.

    Attributes:
        urn: Pulumi's name of it.
        type: Its type token.
        parent: The URN of its parent.
        provider: The reference to its provider, as ``URN::ID``; empty for none.
        inputs: What the program says of it.
        custom: False for components and the stack.
        protect: Whether it is to be protected.
    """

    urn: str
    type: str
    parent: str = ""
    provider: str = ""
    inputs: Mapping[str, Any] | None = None
    custom: bool = True
    protect: bool = False


def plan_of(stack: Stack, runner: Runner, *, refresh: bool = False) -> list[Planned]:
    """Ask the engine what the program would create, parents first.

    Args:
        stack: The deployment.
        runner: Runs the engine.
        refresh: Read first what was taken back. Without what was unknown then, as a route table
            without its network, it would count as replaced, and its id as unknown once more.

    Raises:
        EngineError: The engine cannot tell.
    """
    events: list[EngineEvent] = []

    def look(say: Callable[[EngineEvent], Any]) -> object:
        def take(event: EngineEvent) -> None:
            events.append(event)
            say(event)

        return stack.preview(on_event=take, refresh=refresh, color="never")

    runner.operate("look for what is to be taken back", look)
    return planned(events)


def planned(events: Sequence[EngineEvent]) -> list[Planned]:
    """Give what a preview would create, parents first."""
    found: dict[str, Planned] = {}
    for event in events:
        if event.resource_pre_event is None:
            continue
        step = event.resource_pre_event.metadata
        if str(getattr(step.op, "value", step.op)) != "create" or step.new is None:
            continue
        new = step.new
        found.setdefault(
            step.urn,
            Planned(
                step.urn,
                new.type,
                new.parent or "",
                new.provider or "",
                new.inputs,
                bool(new.custom),
                bool(new.protect),
            ),
        )
    return list(found.values())


def taken_back(
    state: Mapping[str, Any], plan: Sequence[Planned], identify: Identify
) -> dict[str, Any]:
    """The state with what the program would create and the cloud has already, if it is ours.

    Args:
        state: The deployment, as Pulumi exports it.
        plan: What would be created.
        identify: Tells the id of what exists and is the deployment's own.

    Returns:
        The state as it was where nothing is taken back.
    """
    resources = [dict(resource) for resource in state.get("resources") or ()]
    known = {resource["urn"]: resource for resource in resources}
    frame: list[dict[str, Any]] = []
    ours: list[dict[str, Any]] = []
    for one in plan:
        if one.urn in known:
            continue
        entry = _entry(one)
        if not one.custom or one.type.startswith("pulumi:"):
            if one.type.startswith("pulumi:providers:"):
                entry["id"] = str(uuid.uuid4())
            frame.append(entry)
            known[one.urn] = entry
            continue
        if _name_is_unknown(one):
            continue
        found = identify(one.type, entry["inputs"])
        if found is not None:
            entry["id"] = found
            ours.append(entry)
    if not ours:
        return dict(state)
    for entry in ours:
        urn = str(entry.get("provider", "")).rpartition("::")[0]
        if urn in known:
            entry["provider"] = f"{urn}::{known[urn]['id']}"
    return {**state, "resources": [*resources, *frame, *ours]}


def _entry(one: Planned) -> dict[str, Any]:
    inputs = {key: value for key, value in (one.inputs or {}).items() if not _is_unknown(value)}
    entry: dict[str, Any] = {
        "urn": one.urn,
        "custom": one.custom,
        "type": one.type,
        "inputs": inputs,
        "outputs": inputs,
    }
    more = {"parent": one.parent, "provider": one.provider, "protect": one.protect}
    return entry | {key: value for key, value in more.items() if value}


def _is_unknown(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_unknown, value.values()))
    if isinstance(value, list):
        return any(map(_is_unknown, value))
    return isinstance(value, str) and _UNKNOWN in value


def _name_is_unknown(one: Planned) -> bool:
    """Whether what would name it follows from what is not known yet: a later round has it."""
    names = ("name", "bucket", "role", "repository", "clusterName")
    return any(_is_unknown((one.inputs or {}).get(name)) for name in names)
