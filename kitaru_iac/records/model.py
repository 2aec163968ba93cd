"""What ZenML stores for one stack, as plain data: components, a service connector, the stack.

Two ways lead here: from a description (`desired_records`) and from a store (`Store.read`). They are
compared by `records.diff`. Nothing here imports ZenML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kitaru_iac.notices import KitaruWarning
from kitaru_iac.redaction import SecretText
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.resources import EXTRA_TARGETS
from kitaru_iac.values import dataclass, field

__all__ = [
    "DESCRIBED",
    "REMOVED_WITH_STACK",
    "ComponentRecord",
    "ConnectorRecord",
    "Records",
    "stack_type",
    "stored_id",
]


#: The component types that a description speaks of; others in a stack are the user's own.
DESCRIBED = EXTRA_TARGETS
#: The types that go with their stack: `kitaru` 0.21 also makes a sandbox.
REMOVED_WITH_STACK = (*DESCRIBED, "sandbox")


def stack_type(orchestrator_flavor: str | None) -> str:
    """The stack type that an orchestrator of this flavor stands for; ``custom`` for any other."""
    return next((kind.value for kind in StackType if kind == orchestrator_flavor), "custom")


@dataclass(frozen=True, slots=True)
class ConnectorRecord:
    """A service connector.

    Attributes:
        name: Its name; the stack's, unless an existing one is used.
        type: ``aws``, ``gcp`` or ``azure``.
        auth_method: ZenML's name of the method, as ``secret-key``.
        configuration: Plain fields, as ``region``. Never a secret.
        secrets: Secret fields. A store does not give them back unless asked.
        labels: Its labels.
        existing: It is not this stack's: never created, changed or deleted with it.
        id: The UUID in the store, where it is stored.
        secrets_hidden: Whether this login may not read its secrets: what they are is unknown.
    """

    name: str
    type: str
    auth_method: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, SecretText] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    existing: bool = False
    id: str | None = None
    secrets_hidden: bool = False


@dataclass(frozen=True, slots=True)
class ComponentRecord:
    """A stack component.

    Attributes:
        type: ZenML's component type, as ``artifact_store``.
        name: Its name; the stack's.
        flavor: ZenML's flavor, as ``s3``.
        configuration: The flavor's fields that are set.
        uses_connector: Whether it reaches its resource through the records' connector.
        resource_type: What the connector gives it, in ZenML's words, as ``s3-bucket``.
        resource_id: The connector's resource for it, as ``s3://my-bucket``.
        labels: Its labels.
        filled: By field, what ZenML writes itself where none is described: that is no difference.
        id: The UUID in the store, where it is stored.
        connector_id: That of the connector it is linked to, where it is stored.
    """

    type: str
    name: str
    flavor: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    uses_connector: bool = False
    resource_type: str | None = None
    resource_id: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    id: str | None = None
    connector_id: str | None = None
    filled: Mapping[str, Sequence[Any]] = field(default_factory=dict, compare=False)

    def without_filled(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Give a stored configuration but for what ZenML has written into it by itself."""
        return {
            key: value
            for key, value in stored.items()
            if key in self.configuration or value not in self.filled.get(key, ())
        }


@dataclass(frozen=True, slots=True)
class Records:
    """Everything that ZenML stores for one stack."""

    stack: str
    stack_type: str
    components: tuple[ComponentRecord, ...]
    connector: ConnectorRecord | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    #: What is to be read about the stack; None: nothing is said, and what is there stays.
    description: str | None = None
    id: str | None = None
    #: By kind, fields that differ from what is stored, and are left to somebody else.
    ignored: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Things the description says that ZenML will not use, in plain words.
    notes: tuple[KitaruWarning, ...] = ()

    def component(self, type: str) -> ComponentRecord | None:
        """The first component of this type."""
        return next((c for c in self.components if c.type == type), None)


def stored_id(record: ComponentRecord | ConnectorRecord | Records) -> str:
    """The id of a record that came from a store.

    Raises:
        ValueError: It did not.
    """
    if record.id is None:
        raise ValueError(f"{record} is not stored")
    return record.id
