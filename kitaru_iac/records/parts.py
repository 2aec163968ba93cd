"""What the three clouds' records have in common. Pure data; imports no ZenML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.labels import MANAGED_LABEL, REUSED_CONNECTORS_LABEL
from kitaru_iac.notices import KitaruWarning
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.stored import runner_fields
from kitaru_iac.spec.uris import OtherRegistryUri, RegistryUri
from kitaru_iac.values import dataclass, field

__all__ = [
    "REGION_LABEL",
    "UNCHECKED",
    "Auth",
    "Part",
    "assemble",
    "existing_connector",
    "filled",
    "foreign_registry",
    "local_runner",
    "missing",
    "new_connector",
]

#: The region of a stack whose records have no other place for it (GKE, AKS, a reused connector).
REGION_LABEL = "kitaru.region"

#: `ConnectorRecord.auth_method` of an existing connector that the store has not been asked about.
UNCHECKED = ""

# ZenML 0.98 has flavors for these two; every other registry, GitLab's too, is `default`.
_FLAVORS = {
    "docker.io": "dockerhub",
    "index.docker.io": "dockerhub",
    "registry-1.docker.io": "dockerhub",
    "ghcr.io": "github",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A component before it has a name, labels and the user's own fields.

    Attributes:
        type: ZenML's component type.
        flavor: ZenML's flavor.
        configuration: The flavor's fields.
        resource_type: What the connector gives it; None where it needs no connector.
        resource_id: Which one; None where the connector's type has only one.
        filled: As of a `ComponentRecord`.
    """

    type: str
    flavor: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    resource_type: str | None = None
    resource_id: str | None = None
    filled: Mapping[str, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Auth:
    """How a connector authenticates: ZenML's method and the fields that it takes."""

    method: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[KitaruWarning, ...] = ()


def filled(**fields: Any) -> dict[str, Any]:
    """The fields that have a value."""
    return {key: value for key, value in fields.items() if value is not None}


def missing(key: str, what: str, why: str) -> DescriptionError:
    """The error for a field that the records cannot do without."""
    return DescriptionError([Problem(key, what, why, f"Give --{key.replace('_', '-')}.")])


def local_runner() -> Part:
    """The orchestrator of a local stack."""
    return Part("orchestrator", "local")


def foreign_registry(uri: RegistryUri) -> Part:
    """A registry that is not the stack's cloud's: ZenML pushes with this machine's Docker login."""
    flavor = _FLAVORS.get(uri.host, "default") if isinstance(uri, OtherRegistryUri) else "default"
    return Part("container_registry", flavor, {"uri": str(uri)})


def new_connector(
    spec: StackSpec, type: str, auth: Auth, configuration: Mapping[str, Any]
) -> ConnectorRecord:
    """The stack's own connector; it takes its name and labels in `assemble`."""
    secrets = spec.credentials.secrets if spec.credentials else {}
    return ConnectorRecord(
        name=spec.name,
        type=type,
        auth_method=auth.method,
        configuration={**configuration, **auth.configuration},
        secrets=dict(secrets),
    )


def existing_connector(spec: StackSpec, type: str) -> ConnectorRecord | None:
    """The connector that the description names; the store knows its method and fields."""
    if spec.connector is None:
        return None
    return ConnectorRecord(name=spec.connector, type=type, auth_method=UNCHECKED, existing=True)


def assemble(
    spec: StackSpec,
    parts: Iterable[Part | None],
    connector: ConnectorRecord | None = None,
    *,
    region_label: str | None = None,
    notes: Iterable[KitaruWarning] = (),
) -> Records:
    """The records of a stack from its parts.

    Names and labels are the other `kitaru`'s: everything carries the stack's name; a remote stack's
    components and connector carry the stack's labels, a purely local stack's do not. What
    ``extra`` says of a component is laid over its configuration.

    Args:
        spec: The description.
        parts: Its components; a None is skipped.
        connector: Its connector, without labels.
        region_label: The region, where no field of the records holds it.
        notes: What ZenML will not use, or what the user has to know.
    """
    labels = {MANAGED_LABEL: "true"}
    if connector is not None and connector.existing:
        labels[REUSED_CONNECTORS_LABEL] = "true"
    if region_label is not None:
        labels[REGION_LABEL] = region_label
    shared = labels if spec.type is not StackType.LOCAL or connector is not None else {}
    components = tuple(
        _component(spec, part, shared, connected=connector is not None) for part in parts if part
    )
    if connector is not None and not connector.existing:
        connector = ConnectorRecord(
            name=spec.name,
            type=connector.type,
            auth_method=connector.auth_method,
            configuration=connector.configuration,
            secrets=connector.secrets,
            labels=shared,
        )
    return Records(
        stack=spec.name,
        stack_type=spec.type.value,
        components=components,
        connector=connector,
        labels=labels,
        notes=tuple(notes),
    )


def _component(
    spec: StackSpec, part: Part, labels: Mapping[str, str], *, connected: bool
) -> ComponentRecord:
    configuration = dict(part.configuration)
    if part.type == "orchestrator":
        # What the cloud's records say of a field, they may say in a form of their own.
        for name, value in runner_fields(spec.type, spec).items():
            configuration.setdefault(name, value)
        if spec.async_:
            configuration["synchronous"] = False
    configuration.update(getattr(spec.extra, part.type, {}))
    uses = connected and part.resource_type is not None
    return ComponentRecord(
        type=part.type,
        name=spec.name,
        flavor=part.flavor,
        configuration=configuration,
        uses_connector=uses,
        resource_type=part.resource_type if uses else None,
        resource_id=part.resource_id if uses else None,
        labels=labels,
        filled=part.filled,
    )
