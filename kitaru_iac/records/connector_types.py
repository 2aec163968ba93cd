"""ZenML's connector types and its verification of a connector, on a local store and on a server.

On a server its API is called directly: ZenML's client would first import every cloud's packages
that are installed here, which takes seconds and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kitaru_iac.records.model import ConnectorRecord

if TYPE_CHECKING:
    from kitaru_iac.records.stored import Store

__all__ = [
    "IMPLICIT_OFF",
    "Verdict",
    "connector_types",
    "implicit_auth_allowed",
    "needs_implicit_auth",
    "verify_config",
    "verify_stored",
]

#: How ZenML's refusal of implicit methods is recognised (``service_connector.py``).
IMPLICIT_OFF = "Implicit authentication methods for service connectors are"

#: The methods that call `_check_implicit_auth_method_allowed`: the GCP connector's
#: `external-account` is among them, because its file tells the process what to read and run.
_IMPLICIT = {
    "aws": {"implicit"},
    "gcp": {"implicit", "external-account"},
    "azure": {"implicit"},
}

#: A connector that fails at once, without a network call, behind the check for implicit methods.
_PROBES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "aws": ("implicit", {"region": "us-east-1", "profile_name": "kitaru-no-such-profile"}),
    "gcp": (
        "external-account",
        {
            "project_id": "kitaru-probe",
            "external_account_json": '{"type": "external_account", "subject_token_type": "none", '
            '"token_url": "none"}',
        },
    ),
    # Azure's has no such way: it asks for a token of whoever the server is.
    "azure": ("implicit", {}),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ZenML said of one resource type and id.

    Attributes:
        resource_ids: What the connector reaches; of a wrong registry it is the right one.
        error: ZenML's own words; None where it is content.
    """

    resource_ids: tuple[str, ...] = ()
    error: str | None = None


def needs_implicit_auth(connector: ConnectorRecord) -> bool:
    """Whether ZenML treats the connector's method as implicit."""
    return connector.auth_method in _IMPLICIT.get(connector.type, ())


def connector_types(store: Store) -> set[str]:
    """The connector types whose packages are installed where the store lives."""
    if store.is_local:
        found = store.zen_store.list_service_connector_types()
        return {model.connector_type for model in found}
    from zenml.constants import SERVICE_CONNECTOR_TYPES

    body = _rest(store).get(SERVICE_CONNECTOR_TYPES)
    return {str(item["connector_type"]) for item in body}


def implicit_auth_allowed(store: Store, types: set[str]) -> bool:
    """Whether the server lets connectors use its own identity.

    Nothing in its API tells. The check stands before everything else in an implicit method, and
    is the same for all clouds: a connector that cannot work is verified, and the error tells.

    Args:
        store: A server's.
        types: Its connector types.
    """
    kind = next(kind for kind in _PROBES if kind in types)
    method, configuration = _PROBES[kind]
    probe = ConnectorRecord("kitaru-probe", kind, method, configuration)
    return IMPLICIT_OFF not in (verify_config(store, probe, None, None).error or "")


def verify_config(
    store: Store, connector: ConnectorRecord, resource_type: str | None, resource_id: str | None
) -> Verdict:
    """Let the store verify a connector that is not stored, for one resource.

    Args:
        store: Where it is verified: this process, or the server.
        connector: With its secrets.
        resource_type: ZenML's; None verifies the account only.
        resource_id: Which one; None for types that have only one.
    """
    from zenml.constants import SERVICE_CONNECTOR_VERIFY, SERVICE_CONNECTORS
    from zenml.models import ServiceConnectorRequest
    from zenml.models.v2.core.service_connector import ServiceConnectorConfiguration

    secrets = {key: str(value) for key, value in connector.secrets.items()}
    request = ServiceConnectorRequest(
        name=connector.name,
        connector_type=connector.type,
        auth_method=connector.auth_method,
        configuration=ServiceConnectorConfiguration(**connector.configuration, **secrets),
        resource_types=[resource_type] if resource_type else [],
        resource_id=resource_id,
        supports_instances=resource_type is not None and resource_id is None,
    )
    every = resource_type is not None
    try:
        if store.is_local:
            found = store.zen_store.verify_service_connector_config(request, list_resources=every)
            return _verdict(found.model_dump(include={"error", "resources"}), resource_type)
        body = _rest(store).post(
            f"{SERVICE_CONNECTORS}{SERVICE_CONNECTOR_VERIFY}",
            body=request,
            params={"list_resources": every},
            timeout=_patience(store),
        )
    except Exception as error:  # noqa: BLE001 (whatever it is, it is this resource's result)
        return Verdict(error=_text(error))
    return _verdict(body, resource_type)


def verify_stored(
    store: Store, id: str, resource_type: str | None, resource_id: str | None
) -> Verdict:
    """Let the store verify a connector that it has, for one resource."""
    from zenml.constants import SERVICE_CONNECTOR_VERIFY, SERVICE_CONNECTORS

    every = resource_type is not None
    try:
        if store.is_local:
            found = store.zen_store.verify_service_connector(
                UUID(id), resource_type, resource_id, list_resources=every
            )
            return _verdict(found.model_dump(include={"error", "resources"}), resource_type)
        params: dict[str, Any] = {"list_resources": every}
        if resource_type:
            params["resource_type"] = resource_type
        if resource_id:
            params["resource_id"] = resource_id
        body = _rest(store).put(
            f"{SERVICE_CONNECTORS}/{id}{SERVICE_CONNECTOR_VERIFY}",
            params=params,
            timeout=_patience(store),
        )
    except Exception as error:  # noqa: BLE001 (whatever it is, it is this resource's result)
        return Verdict(error=_text(error))
    return _verdict(body, resource_type)


def _verdict(body: Any, resource_type: str | None) -> Verdict:
    resources = [r for r in body.get("resources", ()) if r["resource_type"] == resource_type]
    error = body.get("error") or next((r["error"] for r in resources if r.get("error")), None)
    ids = [name for resource in resources for name in resource.get("resource_ids") or ()]
    return Verdict(tuple(ids), error)


def _text(error: Exception) -> str:
    return str(error.args[0] if error.args else "") or type(error).__name__


def _rest(store: Store) -> Any:
    """ZenML's store of a server: `get`, `post` and `put` call its API with the stored login."""
    return store.zen_store


def _patience(store: Store) -> int:
    from zenml.constants import SERVICE_CONNECTOR_VERIFY_REQUEST_TIMEOUT

    return max(int(_rest(store).config.http_timeout), SERVICE_CONNECTOR_VERIFY_REQUEST_TIMEOUT)
