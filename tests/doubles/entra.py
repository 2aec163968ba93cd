"""Entra ID on loopback: discovery, and tokens for applications that know their secret."""

from __future__ import annotations

import base64
import json
import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.web import Request, Response, json_response

HOST = "login.microsoftonline.com"
TENANT_ID = "00000000-0000-0000-0000-0000000000aa"
MANAGEMENT = "https://management.azure.com"
#: The application that stands for the API of every cluster of AKS.
AKS = "6dae42f8-4368-4678-94ff-3960e28e3630"
_TRACE = (
    " Trace ID: 00000000-0000-0000-0000-000000000000"
    " Correlation ID: 00000000-0000-0000-0000-000000000000"
    " Timestamp: 2024-01-01 00:00:00Z"
)


def object_id(client_id: str) -> str:
    """The object id of an application's service principal."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, client_id))


@dataclass
class Entra:
    """One tenant: applications by client id, and the tokens given out."""

    applications: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    refuse_tokens: bool = False
    #: For what nobody gets a token.
    refused_audiences: set[str] = field(default_factory=set)
    _audiences: dict[str, str] = field(default_factory=dict)

    def issue_token(self, client_id: str, audience: str = MANAGEMENT) -> str:
        claims = {
            "aud": audience,
            "oid": object_id(client_id),
            "appid": client_id,
            "tid": TENANT_ID,
            "idtyp": "app",
        }
        parts = ({"alg": "none"}, claims)
        head = ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
            for part in parts
        )
        token = f"{head}.{secrets.token_urlsafe(24)}"
        self.tokens[token] = client_id
        self._audiences[token] = audience
        return token

    def knows(self, bearer: str | None, audience: str | None = None) -> bool:
        """Whether a token was given out, and for this audience where one is named."""
        if bearer is None or bearer not in self.tokens:
            return False
        return audience is None or self._audiences[bearer] == audience

    def __call__(self, request: Request) -> Response:
        path = request.path
        if path == "/common/discovery/instance":
            return json_response(
                {
                    "tenant_discovery_endpoint": _authority()
                    + "/v2.0/.well-known/openid-configuration",
                    "metadata": [
                        {"preferred_network": HOST, "preferred_cache": HOST, "aliases": [HOST]}
                    ],
                }
            )
        match = re.match(r"/([^/]+)/", path)
        tenant = match[1] if match else ""
        if tenant.lower() not in (TENANT_ID, "organizations", "common"):
            return _oauth_error(
                400,
                "invalid_tenant",
                90002,
                f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID "
                "and are signing into the correct cloud.",
            )
        if path.endswith("/.well-known/openid-configuration"):
            return json_response(_openid_configuration())
        if path.endswith("/oauth2/v2.0/token"):
            return self._token(request)
        return json_response({"error": "not_found"}, 404)

    def _token(self, request: Request) -> Response:
        form = request.form
        client_id = form.get("client_id", "")
        if form.get("grant_type") != "client_credentials":
            return _oauth_error(
                400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."
            )
        if client_id not in self.applications:
            return _oauth_error(
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{client_id}' was not found in the directory "
                "'Loopback'.",
            )
        if self.refuse_tokens or form.get("client_secret") != self.applications[client_id]:
            return _oauth_error(
                401,
                "invalid_client",
                7000215,
                "Invalid client secret provided. Ensure the secret being sent in the request is "
                "the client secret value, not the client secret ID, for a secret added to app "
                f"'{client_id}'.",
            )
        if (audience := _audience(form)) in self.refused_audiences:
            return _oauth_error(
                400,
                "invalid_resource",
                500011,
                f"The resource principal named {audience} was not found in the tenant.",
            )
        return json_response(
            {
                "token_type": "Bearer",
                "expires_in": 3599,
                "ext_expires_in": 3599,
                "access_token": self.issue_token(client_id, audience),
            }
        )


def _audience(form: Mapping[str, str]) -> str:
    """What a token is for: the resource whose scope is asked for."""
    return form.get("scope", "").removesuffix("/.default").rstrip("/") or MANAGEMENT


def _authority() -> str:
    return f"https://{HOST}/{TENANT_ID}"


def _openid_configuration() -> dict[str, Any]:
    return {
        "token_endpoint": f"{_authority()}/oauth2/v2.0/token",
        "authorization_endpoint": f"{_authority()}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{_authority()}/oauth2/v2.0/devicecode",
        "issuer": f"{_authority()}/v2.0",
        "tenant_region_scope": "EU",
    }


def _oauth_error(status: int, error: str, code: int, text: str) -> Response:
    return json_response(
        {
            "error": error,
            "error_description": f"AADSTS{code}: {text}{_TRACE}",
            "error_codes": [code],
            "timestamp": "2024-01-01 00:00:00Z",
            "error_uri": f"https://{HOST}/error?code={code}",
        },
        status,
    )
