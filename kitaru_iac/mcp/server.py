"""The server: which tools and resources it has in which mode, and how its errors reach a model."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.shared.exceptions import MCPError, UrlElicitationRequiredError
from mcp.types import CallToolResult, InputRequiredResult, TextContent, ToolAnnotations
from pydantic import ValidationError

from kitaru_iac import redaction
from kitaru_iac._version import __version__
from kitaru_iac.errors import (
    ConfirmationNeeded,
    InternalError,
    KitaruError,
    NotAllowedError,
    NotFoundError,
    UsageError,
)
from kitaru_iac.mcp import reading, resources, writing
from kitaru_iac.mcp.modes import Mode
from kitaru_iac.mcp.remedies import ways
from kitaru_iac.mcp.site import Site
from kitaru_iac.mcp.sizes import fitted
from kitaru_iac.mcp.writing import Confirm
from kitaru_iac.spec import suggest

__all__ = ["TOOLS", "KitaruServer", "build"]

#: Characters of an error's text; its document is cut as answers are.
_ERROR_TEXT = 8_000
_log = logging.getLogger("kitaru_iac.mcp")

_INSTRUCTIONS = (
    "Stacks say where Kitaru's and ZenML's flows run. Call stack_preview and show its plan to the "
    "user before stack_apply, which takes that plan's digest. Never fill in confirmed_name without "
    "the user. Pass credentials as env:NAME or file:PATH, never in the clear."
)


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """A tool.

    Attributes:
        function: What it calls; its name and docstring are the tool's.
        title: A few words, for people.
        mode: The least mode that has it.
        destructive: Whether it may take something away.
        idempotent: Whether the same call again changes nothing more.
    """

    function: Callable[..., Any]
    title: str
    mode: Mode = Mode.READ_ONLY
    destructive: bool = False
    idempotent: bool = True

    @property
    def name(self) -> str:
        """The tool's name."""
        return self.function.__name__

    def annotations(self) -> ToolAnnotations:
        """What clients may decide by. All of it reaches a store or a cloud elsewhere."""
        return ToolAnnotations(
            title=self.title,
            read_only_hint=self.mode is Mode.READ_ONLY,
            destructive_hint=self.destructive,
            idempotent_hint=self.idempotent,
            open_world_hint=True,
        )


TOOLS = (
    ToolEntry(reading.stack_list, "List stacks"),
    ToolEntry(reading.stack_show, "Show a stack"),
    ToolEntry(reading.stack_current, "Show the active stack"),
    ToolEntry(reading.stack_verify, "Check a stack's infrastructure"),
    ToolEntry(reading.stack_drift, "Show what differs from what was applied"),
    ToolEntry(reading.stack_policy, "Print the permissions a stack needs"),
    ToolEntry(reading.stack_preview, "Preview a stack"),
    ToolEntry(writing.stack_use, "Switch the active stack", Mode.STANDARD),
    ToolEntry(writing.stack_apply, "Apply a previewed plan", Mode.STANDARD, destructive=True),
    ToolEntry(writing.stack_rename, "Rename a stack", Mode.STANDARD, idempotent=False),
    ToolEntry(writing.stack_copy, "Copy a stack", Mode.STANDARD, idempotent=False),
    ToolEntry(writing.stack_delete, "Delete a stack", Mode.DESTRUCTIVE, destructive=True),
)


class KitaruServer(MCPServer[Site]):
    """The server of one mode.

    Args:
        mode: What it allows.
    """

    def __init__(self, mode: Mode) -> None:
        site = Site(mode)

        @asynccontextmanager
        async def lifespan(_: MCPServer[Site]) -> AsyncIterator[Site]:
            yield site

        super().__init__(
            "kitaru",
            title="Kitaru stacks",
            version=__version__,
            instructions=_INSTRUCTIONS,
            log_level="WARNING",
            lifespan=lifespan,
        )
        self.site = site

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Site, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool; every error is an answer that a model can act on, without secrets."""
        try:
            self._require(name, arguments)
            return await super().call_tool(name, arguments, context)
        except UrlElicitationRequiredError:
            raise
        except MCPError as error:  # no tool raises one: the client could not ask the user
            _log_traceback(name, error)
            return _failed(_not_asked(error.message), self.site.mode)
        except Exception as error:  # noqa: BLE001 - the one place where every call ends
            _log_traceback(name, error)
            return _failed(_cause(error), self.site.mode)

    def _require(self, name: str, arguments: dict[str, Any]) -> None:
        """Refuse what the mode does not have, and arguments that nobody reads.

        Raises:
            NotAllowedError: The mode does not have it.
            NotFoundError: No mode has it.
            UsageError: The tool has no such argument.
        """
        tool = self._tool_manager.get_tool(name)
        if tool is None:
            if name in {entry.name for entry in TOOLS}:
                raise NotAllowedError(f"This server's mode, {self.site.mode}, does not have {name}")
            near = suggest(name, [entry.name for entry in TOOLS])
            raise NotFoundError(
                f"There is no tool '{redaction.value(name)}'",
                remedy=f"Did you mean {near}?" if near else None,
            )
        known = list(tool.parameters.get("properties", {}))
        unknown = [redaction.value(given) for given in arguments if given not in known]
        if unknown:
            raise UsageError(
                f"{name} has no argument {', '.join(map(repr, unknown))}",
                remedy=f"Its arguments are: {', '.join(known) or 'none'}.",
            )


def build(mode: Mode = Mode.READ_ONLY) -> KitaruServer:
    """Make the server of a mode, with its tools and resources.

    Args:
        mode: What it allows. A tool that the mode does not have is neither listed nor called.
    """
    server = KitaruServer(mode)
    for entry in TOOLS:
        if mode.includes(entry.mode):
            server.add_tool(
                entry.function,
                title=entry.title,
                description=_text(entry.function),
                annotations=entry.annotations(),
            )
    for tool in server._tool_manager.list_tools():
        tool.parameters["additionalProperties"] = False
    resources.add(server)
    return server


def _text(function: Callable[..., Any]) -> str:
    import inspect

    return " ".join((inspect.getdoc(function) or "").split())


# -- errors ----------------------------------------------------------------------------------------


def _cause(error: BaseException) -> KitaruError:
    """What went wrong, as an error of ours, out of what the SDK made of it."""
    seen: BaseException | None = error
    last: BaseException = error
    while seen is not None:
        if isinstance(seen, BaseExceptionGroup) and len(seen.exceptions) == 1:
            seen = seen.exceptions[0]
            continue
        if isinstance(seen, KitaruError):
            return seen
        if isinstance(seen, ValidationError):
            return _invalid(seen)
        last, seen = seen, seen.__cause__
    if "elicitation with no content" in str(last):  # the SDK has no class for it
        return _not_asked("The client said that the user agrees, and passed no answer on")
    if isinstance(last, ToolError) and not isinstance(last, UnexpectedToolError):
        return UsageError(_without_secrets(str(last)))
    _log.error("A tool failed: %s", _without_secrets(f"{type(last).__name__}: {last}"))
    return InternalError(_without_secrets(f"{type(last).__name__}: {last}"))


def _not_asked(why: str) -> ConfirmationNeeded:
    return ConfirmationNeeded(
        "The user was not asked; nothing was changed",
        why=_without_secrets(why)[:400],
        remedy="Ask them yourself. If they type the stack's name, call again with confirmed_name "
        "set to what they typed.",
    )


def _invalid(error: ValidationError) -> KitaruError:
    """What is wrong with a call's arguments, without their values: they may be secrets."""
    if error.title == Confirm.__name__:
        return ConfirmationNeeded(
            "The answer to the question holds no name of a stack; nothing was changed",
            why="The form has one field, `name`.",
            remedy="Ask again. If the client cannot fill the form in, ask the user yourself, and "
            "call again with confirmed_name set to the name that they typed.",
        )
    wrong = [
        f"{'.'.join(map(str, problem['loc'])) or 'arguments'}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    return UsageError("\n".join(wrong))


def _failed(error: KitaruError, mode: Mode) -> CallToolResult:
    """An error as the result of a call: message, reason, remedy and code."""
    document = json.loads(json.dumps(error.to_dict(), default=str))
    text = str(error)
    tools = [entry.name for entry in TOOLS if mode.includes(entry.mode)]
    found = ways(error.remedy or "", tools)
    text = "\n".join((text, *found.lines()))
    document |= {key: list(some) for key, some in asdict(found).items() if some}
    text = text if len(text) <= _ERROR_TEXT else f"{text[:_ERROR_TEXT]}…"
    return CallToolResult(
        content=[TextContent(type="text", text=f"{text}\nCode: {error.code}")],
        structured_content={"error": fitted(document, ("problems", "differs", "left"))},
        is_error=True,
    )


def _log_traceback(tool: str, error: BaseException) -> None:
    if _log.isEnabledFor(logging.DEBUG):
        import traceback

        lines = _without_secrets("".join(traceback.format_exception(error)))
        _log.debug("%s failed:\n%s", redaction.value(tool), lines)


def _without_secrets(text: str) -> str:
    from kitaru_iac.machine.debug_log import without_secrets

    return without_secrets(text)
