"""The official client, in this process: what a test says in it, and what was answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal

import anyio
from mcp import Client
from mcp.types import CallToolResult, ElicitResult

from kitaru_iac.mcp.modes import Mode
from kitaru_iac.mcp.server import TOOLS, KitaruServer, build

#: The eras of the protocol that a client may speak.
ERAS: tuple[Literal["auto", "legacy"], ...] = ("auto", "legacy")


def talk(
    say: Callable[[Client], Awaitable[None]],
    mode: Mode = Mode.DESTRUCTIVE,
    era: Literal["auto", "legacy"] = "auto",
    server: KitaruServer | None = None,
    **options: Any,
) -> None:
    """Have a conversation with a server of a mode."""

    async def run() -> None:
        async with Client(server or build(mode), mode=era, **options) as client:
            await say(client)

    anyio.run(run)


def answers(name: str | None) -> Callable[..., Awaitable[ElicitResult]]:
    """A user who types a name, or declines; `asked` holds the questions."""
    asked: list[str] = []

    async def reply(asked: list[str], _: object, params: Any) -> ElicitResult:
        asked.append(params.message)
        if name is None:
            return ElicitResult(action="decline")
        return ElicitResult(action="accept", content={"name": name})

    user = partial(reply, asked)
    user.asked = asked
    return user


def content(result: CallToolResult) -> dict[str, Any]:
    """What a call gave."""
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


def refusal(result: CallToolResult) -> str:
    """The code of the error that a call ended with, which its text says too."""
    assert result.is_error, result.content
    code = result.structured_content["error"]["code"]
    assert result.content[0].text.endswith(f"\nCode: {code}")
    return code


async def listed(client: Client) -> list[dict[str, Any]]:
    """The stacks that there are."""
    found: list[dict[str, Any]] = content(await client.call_tool("stack_list", {}))["items"]
    return found


async def every_tool(client: Client, user: Any) -> None:
    """Call each tool, from a description to its deletion; `user` answers dev."""
    called: set[str] = set()
    told: list[str | None] = []

    async def note(_: float, __: float | None, message: str | None) -> None:
        told.append(message)

    async def call(name: str, **arguments: Any) -> CallToolResult:
        called.add(name)
        return await client.call_tool(name, arguments, progress_callback=note)

    description = {"name": "dev"}
    plan = content(await call("stack_preview", description=description))
    assert (plan["summary"]["create"], plan["summary"]["update"]) == (3, 1)
    assert plan["needs_confirmation"] == []
    assert [row["name"] for row in content(await call("stack_list"))["items"]] == ["default"]
    arguments = {"description": description, "digest": plan["digest"]}
    told.clear()
    made = content(await call("stack_apply", **arguments))
    assert (made["changed"], made["name"], made["is_active"]) == (True, "dev", True)
    assert told == ["Registering stack dev"]
    again = await call("stack_apply", **arguments)
    assert refusal(again) == "plan_moved"
    assert "applied before" in again.content[0].text
    assert content(await call("stack_current"))["name"] == "dev"
    shown = content(await call("stack_show", stack="dev"))
    assert (shown["id"], shown["stack_type"]) == (made["id"], "local")
    assert content(await call("stack_verify", stack="dev"))["results"] == []
    assert content(await call("stack_policy", stack="dev"))["policies"] == {}
    drift = content(await call("stack_drift"))
    assert [(item["stack"], item["finding"]) for item in drift["items"]] == [("dev", "none")]
    drift = content(await call("stack_drift", stacks=["default", "dev"]))
    assert (drift["count"], drift["with_drift"], drift["unknown"]) == (2, 0, 1)
    used = content(await call("stack_use", stack="default"))
    assert (used["name"], used["previous_active_stack"]) == ("default", "dev")
    named = content(await call("stack_rename", id=made["id"], new="team"))
    assert (named["previous_name"], named["name"]) == ("dev", "team")
    assert named["renamed_parts"] == ["artifact_store", "orchestrator"]
    other = await call("stack_rename", id=made["id"], new="x", confirmed_name="dev")
    assert refusal(other) == "confirmation_needed"  # that is not its name any more
    content(await call("stack_rename", id=made["id"], new="dev", confirmed_name="team"))
    copied = content(await call("stack_copy", id=made["id"], new="test"))
    assert (copied["copied_from"], copied["name"], copied["is_active"]) == ("dev", "test", False)
    assert refusal(await call("stack_copy", id=made["id"], new="test")) == "already_exists"
    assert "'test'" in user.asked[-1]
    content(await call("stack_delete", id=copied["id"], recursive=True, confirmed_name="test"))
    asked = len(user.asked)
    gone = content(await call("stack_delete", id=made["id"], recursive=True))
    assert gone["deleted_stack"] == "dev"
    assert len(user.asked) == asked + 1
    assert made["id"] in user.asked[-1]
    assert [row["name"] for row in await listed(client)] == ["default"]
    assert called == {entry.name for entry in TOOLS}
