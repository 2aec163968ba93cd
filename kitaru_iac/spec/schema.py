"""The JSON Schema of a description's file, for editors and for other checkers."""

from __future__ import annotations

from typing import Any

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """Placeholder."""
    return {}
