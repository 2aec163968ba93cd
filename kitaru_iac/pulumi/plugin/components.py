"""The component resources, for programs in other languages."""

from __future__ import annotations

from typing import Any

from pulumi.provider.provider import ConstructResult

from kitaru_iac.errors import NotFoundError

__all__ = ["construct", "schema"]


def construct(name: str, resource_type: str, inputs: Any, options: Any) -> ConstructResult:
    """Build a component.

    Raises:
        NotFoundError: There is none of this type.
    """
    del inputs, options
    raise NotFoundError(f"There is no component {resource_type}", where=name)


def schema() -> dict[str, Any]:
    """The components in the package's schema: ``{"resources", "types"}``."""
    return {"resources": {}, "types": {}}
