"""Azure's kinds of credential strings."""

from __future__ import annotations

import re

from kitaru_iac.patterns import compiled
from kitaru_iac.redaction import SecretText
from kitaru_iac.spec.clouds.forms import CredentialKind, Credentials
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.sources import CredentialsError

__all__ = ["CREDENTIALS"]

_UUID = compiled(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PRINCIPAL_FORM = "azure-service-principal:TENANT:CLIENT:SECRET"


def _service_principal(kind: CredentialKind, rest: str) -> Credentials:
    tenant, client, secret = kind.split(rest, ("TENANT", "CLIENT", "SECRET"))
    wrong = [n for n, v in (("TENANT", tenant), ("CLIENT", client)) if not _UUID.fullmatch(v)]
    if wrong:
        raise CredentialsError(
            f"{kind.name}: {' and '.join(wrong)} must be a UUID",
            "ZenML's Azure connector takes ids, not names",
            "`az ad sp list --display-name NAME --query '[].[appOwnerOrganizationId, appId]'` "
            "shows both.",
        )
    values = {"tenant_id": tenant.lower(), "client_id": client.lower()}
    return Credentials(Cloud.AZURE, kind.name, values, {"client_secret": SecretText(secret)})


def _access_token(kind: CredentialKind, rest: str) -> Credentials:
    kind.split(rest, ("TOKEN",))
    raise CredentialsError(
        f"{kind.name}: an access token cannot be used for a stack",
        "An Azure access token does not open blob storage, where an Azure stack keeps its "
        "artifacts, and it expires within the hour",
        f"Use {_PRINCIPAL_FORM} or azure-managed-identity.",
    )


def _managed_identity(kind: CredentialKind, rest: str) -> Credentials:
    kind.require_nothing(
        rest,
        "ZenML's Azure connector has no field for an identity's client id; set AZURE_CLIENT_ID in "
        "the environment of the process that owns the store to select one",
    )
    return Credentials(Cloud.AZURE, kind.name)


#: In the order in which they are offered.
CREDENTIALS = (
    CredentialKind(
        "azure-service-principal",
        _PRINCIPAL_FORM,
        _service_principal,
        tells=("tenant_id", "client_id"),
    ),
    CredentialKind(
        "azure-access-token", "azure-access-token:TOKEN", _access_token, is_offered=False
    ),
    CredentialKind("azure-managed-identity", "azure-managed-identity", _managed_identity),
)
