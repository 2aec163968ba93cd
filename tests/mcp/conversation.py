"""The official client, in this process: what a test says in it, and what was answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal

import anyio
from mcp import Client
from mcp.types import CallToolResult, ElicitResult

from kitaru_iac.mcp.modes import Mode
from kitaru_iac.mcp.server import KitaruServer, build

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
