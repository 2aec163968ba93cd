"""What the refusals of Resource Manager, Blob Storage and Entra mean, by status and code."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping

from kitaru_iac.checks.commands import note
from kitaru_iac.checks.probes import (
    Denied,
    NoCredentials,
    NotFound,
    ProbeError,
    Skipped,
    Unavailable,
)
from kitaru_iac.clouds.azure.commands import az
from kitaru_iac.clouds.azure.observations import Caller, text
from kitaru_iac.patterns import compiled
from kitaru_iac.redaction import text as redacted

__all__ = ["arm_error", "blob_error", "caller", "error_of", "refused"]

#: Providers have codes of their own for what is below a resource, or not tracked as one.
_ABSENT = {
    "ContainerNotFound", "DeletedVaultNotFound", "ManagementPolicyNotFound", "NotFound",
    "ParentResourceNotFound", "ResourceGroupNotFound", "ResourceNotFound",
    "RoleAssignmentNotFound", "RoleDefinitionDoesNotExist", "ShareNotFound",
}  # fmt: skip
_ELSEWHERE = {"InvalidAuthenticationTokenTenant", "InvalidSubscriptionId", "SubscriptionNotFound"}
_NAMED_ACTION = compiled(r"perform action '([A-Za-z0-9./_-]+)'")
_NO_ANSWER = compiled(
    r"HTTP Error: (408|429|5\d\d)|timed out|HTTPSConnectionPool|Max retries"
    r"|Connection (aborted|refused)"
)
_TRACE = compiled(r"\s*(Trace ID|Correlation ID|Timestamp):.*", re.DOTALL)


def error_of(body: object) -> tuple[str, str]:
    """Give the code and message of an error; empty where it is none of Azure's."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return "", ""
    return str(error.get("code") or ""), redacted(str(error.get("message") or ""))


def arm_error(status: int, body: object, about: str, subscription: str | None = None) -> ProbeError:
    """Tell what Resource Manager's refusal is, by its status and code.

    Args:
        status: Of HTTP.
        body: Of the answer.
        about: What was asked about, in words.
        subscription: In which; None for any.
    """
    code, message = error_of(body)
    if code in _ELSEWHERE:
        return Skipped(
            "these credentials do not see the subscription: it is another tenant's, there is no "
            "such one, or they have no role in it",
            note(az("account", "list"), "what they see"),
        )
    if status == 401:
        return NoCredentials(f"Azure refuses the token ({code}): {message}", "az login")
    if status == 403 and code:
        named = _NAMED_ACTION.search(message)
        permission = named.group(1) if named else None
        return Denied(
            f"{permission or 'what is asked'} about {about} is denied ({code}), which says nothing "
            "about whether it exists",
            permission=permission,
            resource=about,
        )
    if code == "MissingSubscriptionRegistration":
        namespace = re.search(r"namespace '([A-Za-z.]+)'", message)
        return NotFound(
            f"{about}: the subscription is not registered to use "
            f"{namespace.group(1) if namespace else 'its resource provider'}",
            az(
                "provider",
                "register",
                namespace=namespace.group(1),
                wait=True,
                subscription=subscription,
            )
            if namespace
            else None,
        )
    if status == 404 and code in _ABSENT:
        return NotFound(f"{about} does not exist ({code})", resource=about)
    if status == 200 or not code:
        return Unavailable(f"what was answered about {about} ({status}) is not Azure's")
    return Unavailable(f"Azure answered {code} ({status}) about {about}: {message}")


def blob_error(error: Exception, about: str) -> ProbeError:
    """Tell it by Blob Storage's own code: a missing role is not a firewall.

    https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
    """
    found = getattr(error, "error_code", None)  # an enumeration where the SDK knows it
    code = str(getattr(found, "value", found) or "")
    status = getattr(error, "status_code", None)
    if status == 404 and code == "ContainerNotFound":
        return NotFound(f"{about} does not exist", resource=about)
    if code == "AuthorizationFailure":
        return Skipped(f"the account's firewall shows this machine nothing of {about} ({code})")
    if code in {"AuthorizationPermissionMismatch", "InsufficientAccountPermissions"}:
        return Denied(
            f"Blob Storage denies {about} ({code}): these credentials have no data role there",
            permission="Microsoft.Storage/storageAccounts/blobServices/containers/read",
            resource=about,
        )
    if status == 401 or code in {"InvalidAuthenticationInfo", "NoAuthenticationInformation"}:
        return NoCredentials(f"Blob Storage refuses the token ({code})", "az login")
    return Unavailable(f"Blob Storage answered {code or status} about {about}")


def refused(error: Exception) -> ProbeError:
    """Tell Entra's own codes, which are about the credentials, from a server that is far away.

    azure-identity has one class for both, and no status. What the endpoint of managed identities
    does on a machine that is not in Azure says nothing.
    """
    said = redacted(str(error))
    lines = [line.strip() for line in _TRACE.sub("", said).splitlines() if line.strip()]
    told = "\n".join(line for line in lines if not line.startswith("ManagedIdentityCredential"))
    if "AADSTS" not in told and _NO_ANSWER.search(told):
        return Unavailable("Entra gave no usable answer about the credentials", "Look again later.")
    why = next((line for line in lines if "AADSTS" in line), lines[0] if lines else "")
    if why.startswith("DefaultAzureCredential"):
        return NoCredentials(
            "there are no Azure credentials here: none in the environment, no managed identity, "
            "and nobody has logged in",
            note("az login", "or give --credentials azure-service-principal:TENANT:CLIENT:SECRET"),
        )
    return NoCredentials(f"Entra gives no token: {why or type(error).__name__}", "az login")


def caller(token: str) -> Caller:
    """Read who a token is for, from its claims; nothing is verified, since Azure does that."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, binascii.Error):
        claims = {}
    if not isinstance(claims, Mapping):
        claims = {}
    # A guest has no upn; whether a token without idtyp is somebody's, that one tells.
    kind, upn = text(claims, "idtyp"), text(claims, "upn")
    is_user = kind == "user" or (kind != "app" and upn is not None)
    name = upn or (text(claims, "unique_name") or text(claims, "email") if is_user else None)
    return Caller(
        object_id=text(claims, "oid"),
        tenant=text(claims, "tid"),
        name=name or text(claims, "appid"),
        kind="User" if is_user else "ServicePrincipal",
    )
