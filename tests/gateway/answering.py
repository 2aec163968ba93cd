"""Answers of a server, as the wire hands them over."""

from __future__ import annotations

import json
from typing import Any

from kitaru_iac.gateway.wire import Response

URL = "https://zenml.example"
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>"


def response(
    status: int,
    body: Any = b"",
    asked: str | None = None,
    *,
    write: bool = False,
    server: str = URL,
    secrets: tuple[str, ...] = (),
    **headers: str,
) -> Response:
    """An answer to a request for stacks; what is no bytes comes as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if asked is None:
        asked = "POST /api/v1/stacks" if write else "GET /api/v1/stacks"
    return Response(status, named, data, server, asked, write, secrets)
