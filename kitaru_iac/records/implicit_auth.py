"""Connectors that use the identity of the process that owns the store, which ZenML may forbid."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from kitaru_iac.gateway.documents import NewConnector, ResourceRef
from kitaru_iac.gateway.gateway import Gateway
from kitaru_iac.records.model import ConnectorRecord

__all__ = ["IMPLICIT_OFF", "implicit_auth_allowed", "needs_implicit_auth"]

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
_PROBES: Mapping[str, tuple[str, Mapping[str, str]]] = {
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


def needs_implicit_auth(connector: ConnectorRecord) -> bool:
    """Whether ZenML treats the connector's method as implicit."""
    return connector.auth_method in _IMPLICIT.get(connector.type, ())


def implicit_auth_allowed(gateway: Gateway, types: Collection[str]) -> bool:
    """Whether the server lets connectors use its own identity.

    Nothing in its API tells. The check stands before everything else in an implicit method, and
    is the same for all clouds: a connector that cannot work is verified, and the error tells.

    Args:
        gateway: A server's.
        types: Its connector types.
    """
    kind = next(kind for kind in _PROBES if kind in types)
    method, configuration = _PROBES[kind]
    probe = NewConnector("kitaru-probe", kind, method, configuration)
    return IMPLICIT_OFF not in (gateway.verify_connector(probe, ResourceRef()).error or "")
