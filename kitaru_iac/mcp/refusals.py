"""Answers to lines that are no message: the SDK gives none, and the client would wait for ever.

An agent's text may hold half of a pair of UTF-16, which JavaScript writes and the parser refuses.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

from mcp.types import INVALID_REQUEST, jsonrpc_message_adapter
from pydantic import ValidationError

__all__ = ["refusals"]

#: Characters of a message: more is no description of a stack, and every error would be looked
#: through for secrets.
_LONGEST = 1 << 20
_log = logging.getLogger("kitaru_iac.mcp")


def refusals(line: str) -> list[str] | None:
    """Give the answers to a line that is not read: one for each request in it that has an id.

    Args:
        line: What the client has sent.

    Returns:
        None where it is a message.
    """
    why = _why_not(line)
    if why is None:
        return None
    _log.warning("A line on stdin is not read: %s", why)
    error = {"code": INVALID_REQUEST, "message": f"The message is not read: {why}"}
    return [json.dumps({"jsonrpc": "2.0", "id": its, "error": error}) for its in _ids(line)]


def _why_not(line: str) -> str | None:
    if len(line) > _LONGEST:
        return f"it has more than {_LONGEST} characters"
    try:
        jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            return first["msg"]
        return "it is no request of JSON-RPC 2.0, or several at once"
    return None


def _ids(line: str) -> Iterator[int | str]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return  # it names no request
    for request in found if isinstance(found, list) else [found]:
        its = request.get("id") if isinstance(request, dict) and "method" in request else None
        if isinstance(its, int | str) and not isinstance(its, bool):
            yield its
