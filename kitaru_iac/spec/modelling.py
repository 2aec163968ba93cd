"""What the models of descriptions stand on."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

__all__ = ["FrozenModel", "Opaque"]


class FrozenModel(BaseModel):
    """A model that does not change; its validator is built when it is first used."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        arbitrary_types_allowed=True,
        defer_build=True,
    )


class Opaque:
    """Pydantic keeps the value untouched: it was checked, and a copy would lose its type."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Accept anything, as it is."""
        del source, handler
        return core_schema.any_schema()
