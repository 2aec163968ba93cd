"""What read commands get: rows of a listing, one stack with all that is stored, the active stack.

Plain data, and the protocol that every way of reading fulfils. Nothing here imports ZenML.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from kitaru_iac.machine.active_scope import Scope
from kitaru_iac.values import dataclass, field, fields

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from kitaru_iac.errors import KitaruError

__all__ = [
    "DEFAULT_STACK",
    "Active",
    "ComponentView",
    "ConnectorView",
    "Reader",
    "RowPage",
    "StackRow",
    "StackView",
    "Unread",
]

#: The stack that ZenML makes itself and falls back to.
DEFAULT_STACK = "default"


@dataclass(frozen=True, slots=True)
class StackRow:
    """One line of a listing.

    Attributes:
        id: The stack's UUID, with hyphens.
        name: Its name.
        is_active: Whether it is the active stack of this directory and environment.
        is_managed: Whether its labels say that Kitaru made it; see `labels.is_managed`.
        is_recorded: Whether they say what was applied; that is no column of a list.
    """

    id: str
    name: str
    is_active: bool
    is_managed: bool
    is_recorded: bool = field(default=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """The row as the JSON of ``stack list`` carries it."""
        return {
            "id": self.id,
            "name": self.name,
            "is_active": self.is_active,
            "is_managed": self.is_managed,
        }


@dataclass(frozen=True, slots=True)
class RowPage:
    """A part of the listing.

    Attributes:
        rows: Its lines.
        total: How many the whole listing has.
    """

    rows: tuple[StackRow, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Active:
    """The active stack, and who says so.

    Attributes:
        id: Its UUID, with hyphens.
        name: Its name.
        scope: Which layer answered. ``default``: none names a stack that exists.
        source: The environment variable, the repository's directory, or the configuration file.
        stale: The id that `source` names although no such stack exists any more.
    """

    id: str
    name: str
    scope: Scope
    source: str
    stale: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """All filled fields."""
        return _filled(self)


@dataclass(frozen=True, slots=True)
class ConnectorView:
    """A service connector, as stored, without its secrets.

    Attributes:
        type: ``aws``, ``gcp``, ``azure``, …
        resource_types: What it gives access to, as ``s3-bucket``.
        resource_id: The one resource it is scoped to, if any.
        configuration: The fields that are not secret. Secrets live elsewhere and are never read.
        expires_at: When its credentials expire (UTC).
        expires_skew_tolerance: Seconds of tolerance for that.
        expiration_seconds: How long credentials live that it generates.
    """

    id: str
    name: str
    type: str
    auth_method: str
    resource_types: tuple[str, ...]
    resource_id: str | None
    configuration: dict[str, Any]
    labels: dict[str, Any]
    description: str
    supports_instances: bool
    expires_at: datetime | None
    expires_skew_tolerance: int | None
    expiration_seconds: int | None
    created: datetime
    updated: datetime
    user: str | None

    def to_dict(self) -> dict[str, Any]:
        """All fields, with times as ISO 8601 text."""
        return _plain(self)


@dataclass(frozen=True, slots=True)
class ComponentView:
    """A stack component, as stored.

    Attributes:
        role_type: ZenML's component type: ``orchestrator``, ``artifact_store``, …
        flavor: ZenML's flavor, as ``s3``.
        configuration: The fields that are set. The value of a secret field reads ``********``.
        environment: Variables that a run on it gets, masked in the same way.
        secrets: The ids of the ZenML secrets that a run on it gets.
        connector_id: The service connector it uses.
        connector_resource_id: That connector's resource for it, as ``s3://my-bucket``.
        user: The name of who made it.
    """

    role_type: str
    id: str
    name: str
    flavor: str
    configuration: dict[str, Any]
    labels: dict[str, Any]
    environment: dict[str, str]
    secrets: tuple[str, ...]
    connector_id: str | None
    connector_name: str | None
    connector_resource_id: str | None
    created: datetime
    updated: datetime
    user: str | None

    def to_dict(self) -> dict[str, Any]:
        """All fields, with times as ISO 8601 text."""
        return _plain(self)


@dataclass(frozen=True, slots=True)
class StackView:
    """A stack with everything that the store holds about it.

    Attributes:
        components: By type (see `order`), a type's default component first.
        connectors: Those that its components use, each once, by name.
        secrets: The ids of the ZenML secrets that a run on it gets.
        spec_path: Where an older ZenML kept its description.
    """

    id: str
    name: str
    description: str
    labels: dict[str, Any]
    is_active: bool
    is_managed: bool
    components: tuple[ComponentView, ...]
    connectors: tuple[ConnectorView, ...]
    environment: dict[str, str]
    secrets: tuple[str, ...]
    spec_path: str | None
    created: datetime
    updated: datetime
    user: str | None

    def component(self, role_type: str) -> ComponentView | None:
        """The default component of this type."""
        return next((c for c in self.components if c.role_type == role_type), None)

    def to_dict(self) -> dict[str, Any]:
        """All fields, with components and connectors as mappings and times as ISO 8601 text."""
        return _plain(self)


@dataclass(frozen=True, slots=True)
class Unread:
    """A stack that is there, and of which not all may be read.

    Attributes:
        error: What may not.
    """

    id: str
    name: str
    error: KitaruError


class Reader(Protocol):
    """Answers questions about stacks. Never writes."""

    def active(self) -> Active:
        """The active stack.

        Raises:
            StackNotFound: ``ZENML_ACTIVE_STACK_ID`` names a stack that does not exist.
        """

    def stacks(
        self, *, page: int | None = None, size: int = 100, name: str | None = None
    ) -> Iterator[StackRow]:
        """Stacks in ZenML's order: oldest first, then by id.

        Args:
            page: Only this page, from 1. None gives all of them, fetched bit by bit.
            size: How many make a page.
            name: Only those whose name contains this text, in upper or lower case.
        """

    def page(self, number: int, size: int) -> RowPage:
        """One page of `stacks`, and how many there are. Nothing but this page is asked for.

        Args:
            number: Which, from 1. One after the last has no rows.
            size: How many make a page.
        """

    def count(self, name: str | None = None) -> int:
        """How many stacks `stacks` gives for this filter."""

    def names(self, prefix: str = "") -> list[str]:
        """The names that begin with this text, sorted."""

    def find(self, ref: str) -> StackRow:
        """One stack by exact name, else by id, else by an unambiguous prefix of its id.

        Raises:
            StackNotFound: There is none; near names are in the remedy.
            UsageError: The prefix matches several.
        """

    def stack(self, ref: str) -> StackView:
        """Everything about one stack, found as `find` does.

        Raises:
            StackNotFound: There is none; near names are in the remedy.
            UsageError: The prefix matches several.
        """

    def views(self, rows: Sequence[StackRow]) -> list[StackView | Unread]:
        """Everything about stacks that were listed or found, in their order, in few questions.

        One that somebody has deleted since is left out; one of which this login may not read all
        does not take the others away.
        """

    def close(self) -> None:
        """Let go of the store."""


def _filled(view: DataclassInstance) -> dict[str, Any]:
    return {key: value for key, value in _plain(view).items() if value is not None}


def _plain(view: DataclassInstance) -> dict[str, Any]:
    return {field.name: _value(getattr(view, field.name)) for field in fields(view)}


def _value(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    return value.to_dict() if hasattr(value, "to_dict") else value
