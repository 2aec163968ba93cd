"""What agents can read beside calling: the stacks, the schema of stack.yaml, the list of checks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

from kitaru_iac.errors import KitaruError, NotFoundError
from kitaru_iac.mcp.inputs import SCHEMA_URI
from kitaru_iac.mcp.reading import list_document, show_document
from kitaru_iac.mcp.sizes import fitted

if TYPE_CHECKING:
    from kitaru_iac.mcp.server import KitaruServer

__all__ = ["CHECKS_URI", "PLAN_SCHEMA_URI", "STACKS_URI", "STACK_URI", "add"]

STACKS_URI = "kitaru://stacks"
STACK_URI = "kitaru://stacks/{name}"
CHECKS_URI = "kitaru://checks"
PLAN_SCHEMA_URI = "kitaru://schemas/plan.json"
_JSON = "application/json"


def add(server: KitaruServer) -> None:
    """Give a server its resources."""

    @server.resource(STACKS_URI, name="stacks", title="The first 100 stacks", mime_type=_JSON)
    async def stacks() -> str:
        return await _text(lambda: fitted(list_document(100, 1), ("items",)))

    @server.resource(STACK_URI, name="stack", title="One stack", mime_type=_JSON)
    async def stack(name: str) -> str:
        return await _text(lambda: fitted(show_document(name), ("connectors", "components")))

    @server.resource(
        SCHEMA_URI, name="stack-schema", title="The JSON Schema of stack.yaml", mime_type=_JSON
    )
    async def schema() -> str:
        from kitaru_iac.spec import json_schema

        return await _text(json_schema)

    @server.resource(
        PLAN_SCHEMA_URI, name="plan-schema", title="The JSON Schema of a plan", mime_type=_JSON
    )
    async def plan() -> str:
        from kitaru_iac.plan.schema import plan_schema

        return await _text(plan_schema)

    @server.resource(
        CHECKS_URI, name="checks", title="Every check that stack_verify makes", mime_type=_JSON
    )
    async def checks() -> str:
        return await _text(_catalog)


def _catalog() -> dict[str, Any]:
    from kitaru_iac.infrastructure.verify import catalog

    return {"checks": [{"id": info.id, "title": info.title} for info in catalog()]}


async def _text(make: Callable[[], dict[str, Any]]) -> str:
    try:
        document = await anyio.to_thread.run_sync(make)
    except KitaruError as error:
        kind = ResourceNotFoundError if isinstance(error, NotFoundError) else ResourceError
        raise kind(f"{error}\nCode: {error.code}") from error
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str)
