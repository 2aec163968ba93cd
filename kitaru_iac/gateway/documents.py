"""What a ZenML store holds and what is asked of it, as frozen documents without ZenML's types.

Ids are UUIDs with hyphens, in lower case. Times are in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Literal

from kitaru_iac.redaction import SecretText
from kitaru_iac.values import dataclass, field

__all__ = [
    "UNSET",
    "ComponentChange",
    "ComponentDoc",
    "ConnectorChange",
    "ConnectorDoc",
    "ConnectorVerdict",
    "FieldError",
    "FlavorDoc",
    "Kind",
    "Member",
    "NewComponent",
    "NewConnector",
    "NewStack",
    "OrphanedSecret",
    "ResourceRef",
    "StackChange",
    "StackDoc",
    "StorePlace",
    "Unset",
    "Where",
]

Kind = Literal["stack", "component", "connector", "secret"]


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


#: In a change: leave the field as it is. None clears it.
UNSET = Unset.UNSET


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where a store is.

    Attributes:
        kind: ``local``: this very process owns it. ``server``: a ZenML server does.
        url: Its address, without a password.
        is_on_this_machine: Whether it is local, or a server that `zenml login --local` started.
        id: Of a server, its UUID: another one may answer at its address later. None of a file.
    """

    kind: Literal["local", "server"]
    url: str
    is_on_this_machine: bool
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Where:
    """Which documents are asked for: those that fit everything that is given.

    Attributes:
        names: Of exactly these names, upper and lower case told apart.
        ids: With these ids.
        id_prefix: Whose id begins so: hexadecimal digits in lower case, without hyphens.
        in_stack: Components of the stack with this id.
        uses_component: Stacks that contain the component with this id.
        uses_connector: Components that are linked to the connector with this id.
        limit: At most so many.
    """

    names: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    id_prefix: str | None = None
    in_stack: str | None = None
    uses_component: str | None = None
    uses_connector: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A component as far as its stack knows it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class StackDoc:
    """A stack.

    Attributes:
        members: Its components by component type, the default one of a type first.
        updated: When it was last written.
        description: What its users wrote about it; empty where they wrote nothing.
    """

    id: str
    name: str
    labels: Mapping[str, str]
    members: Mapping[str, tuple[Member, ...]]
    updated: datetime
    description: str = ""

    def holds(self, component_id: str) -> bool:
        """Whether a component is in it."""
        return any(member.id == component_id for of in self.members.values() for member in of)


@dataclass(frozen=True, slots=True)
class ComponentDoc:
    """A stack component.

    Attributes:
        type: ZenML's component type, as ``artifact_store``.
        flavor: ZenML's flavor, as ``s3``.
        configuration: The flavor's fields that are set. May hold secrets that a user wrote there.
        connector_id: The service connector that it is linked to.
        connector_resource_id: That connector's resource for it, as ``s3://my-bucket``.
        updated: When it was last written.
    """

    id: str
    type: str
    name: str
    flavor: str
    configuration: Mapping[str, Any] = field(repr=False)
    labels: Mapping[str, str]
    connector_id: str | None
    connector_resource_id: str | None
    updated: datetime


@dataclass(frozen=True, slots=True)
class ConnectorDoc:
    """A service connector.

    Attributes:
        type: ``aws``, ``gcp``, ``azure``, …
        auth_method: ZenML's name of the method, as ``secret-key``.
        configuration: Its fields that are not secret.
        secrets: Its secret fields; empty unless they were asked for.
        updated: When it was last written.
        secrets_hidden: Whether they were asked for, and the store did not give them to this login.
    """

    id: str
    name: str
    type: str
    auth_method: str
    configuration: Mapping[str, Any]
    secrets: Mapping[str, SecretText]
    labels: Mapping[str, str]
    updated: datetime
    secrets_hidden: bool = False


@dataclass(frozen=True, slots=True)
class OrphanedSecret:
    """A service connector's secret that no connector refers to.

    Attributes:
        name: As ZenML calls it: ``connector-CONNECTOR-abcd``, in lower case.
        connector: The connector's name, as far as the secret's tells it: in lower case, with ``-``
            for everything but letters and digits.
    """

    id: str
    name: str
    connector: str


@dataclass(frozen=True, slots=True)
class FlavorDoc:
    """A flavor of a component type.

    Attributes:
        fields: The names of the fields that its configuration may have.
    """

    type: str
    name: str
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class FieldError:
    """A field of a component's configuration that does not take its value.

    Attributes:
        field: Its name, with what is inside it after dots; empty for the configuration as a whole.
        message: The flavor's own words.
        is_absent: Whether the field is required and not there.
        is_secret: Whether its value must not be shown.
    """

    field: str
    message: str
    is_absent: bool = False
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class NewComponent:
    """A component to be created. In a `NewStack` it gets the stack's name, labels and connector.

    Attributes:
        connector_id: The service connector to link, if any.
    """

    type: str
    name: str
    flavor: str
    configuration: Mapping[str, Any] = field(default_factory=dict, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    connector_id: str | None = None
    connector_resource_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewConnector:
    """A service connector to be created, or to be verified without being stored."""

    name: str
    type: str
    auth_method: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, SecretText] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewStack:
    """A stack to be created, in one call with those of its components that do not exist yet.

    Attributes:
        members: By component type: ids of components that exist, and components to come. ZenML
            gives those the stack's labels, and a random suffix to a name that is taken.
        description: What is to be read about it.
    """

    name: str
    labels: Mapping[str, str]
    members: Mapping[str, tuple[str | NewComponent, ...]]
    description: str = ""


@dataclass(frozen=True, slots=True)
class StackChange:
    """What becomes other on a stack. `labels` and `members` are given whole."""

    name: str | Unset = UNSET
    labels: Mapping[str, str] | Unset = UNSET
    members: Mapping[str, tuple[str, ...]] | Unset = UNSET
    description: str | Unset = UNSET


@dataclass(frozen=True, slots=True)
class ComponentChange:
    """What becomes other on a component. Mappings are given whole.

    Attributes:
        connector_id: None unlinks it.
    """

    name: str | Unset = UNSET
    configuration: Mapping[str, Any] | Unset = field(default=UNSET, repr=False)
    labels: Mapping[str, str] | Unset = UNSET
    connector_id: str | Unset | None = UNSET
    connector_resource_id: str | Unset | None = UNSET


@dataclass(frozen=True, slots=True)
class ConnectorChange:
    """What becomes other on a service connector. Mappings are given whole.

    Attributes:
        configuration: The fields that are not secret; given together with `secrets`.
    """

    name: str | Unset = UNSET
    auth_method: str | Unset = UNSET
    configuration: Mapping[str, Any] | Unset = UNSET
    secrets: Mapping[str, SecretText] | Unset = UNSET
    labels: Mapping[str, str] | Unset = UNSET


@dataclass(frozen=True, slots=True)
class ResourceRef:
    """A resource that a connector is asked for.

    Attributes:
        type: ZenML's resource type, as ``s3-bucket``; None asks for the account only.
        id: Which one; None for types that have only one.
    """

    type: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectorVerdict:
    """What ZenML said of a connector and a resource.

    Attributes:
        resource_ids: What the connector reaches; of a wrong registry it is the right one.
        error: ZenML's own words; None where it is content.
    """

    resource_ids: tuple[str, ...] = ()
    error: str | None = None
