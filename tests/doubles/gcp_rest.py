"""Google's REST on loopback: tokens, impersonation, projects, services, service accounts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.doubles.gcp_state import (
    PROJECT_NUMBER,
    RELEASE,
    Denied,
    GcpFault,
    GcpState,
    Unauthenticated,
    claims_of,
)
from tests.doubles.web import Request, Response, json_response

_TOKENS = "oauth2.googleapis.com"
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"


def google_error(status: int, message: str, reason: str) -> Response:
    """An error in the shape of Google's JSON APIs."""
    return json_response(
        {
            "error": {
                "code": status,
                "message": message,
                "status": reason,
                "errors": [{"message": message, "domain": "global", "reason": reason}],
            }
        },
        status,
    )


def answered(call: Callable[[Request], Response], request: Request) -> Response:
    """Run a double's call, with its exceptions as Google's status codes."""
    try:
        return call(request)
    except Unauthenticated as error:
        return google_error(401, str(error), "UNAUTHENTICATED")
    except Denied as error:
        return google_error(403, str(error), "PERMISSION_DENIED")
    except LookupError as error:
        return google_error(404, str(error.args[0]), "NOT_FOUND")
    except ValueError as error:
        return google_error(400, str(error), "INVALID_ARGUMENT")


def faulty(state: GcpState, call: str) -> Response | None:
    """Note a call, and go wrong where it is to; None where it is not."""
    state.calls.append(call)
    fault = state.faults.get(call)
    if fault is None:
        return None
    match fault.kind:
        case "denied":
            return _denied(fault)
        case "absent":
            return google_error(404, "Requested entity was not found.", "notFound")
        case "throttled":
            return google_error(429, "Quota exceeded for quota metric.", "RESOURCE_EXHAUSTED")
        case "payer":
            words = "Bucket is a requester pays bucket but no user project provided."
            return google_error(400, words, "required")
        case "down":
            return google_error(503, "The service is currently unavailable.", "UNAVAILABLE")
        case "hung":
            RELEASE.wait(30)
            return google_error(503, "The service is currently unavailable.", "UNAVAILABLE")
        case "garbage":
            return Response(200, b"<html>Sign in to this network</html>")
        case "proxy":
            return Response(403, b"<html>Blocked by policy</html>")
    return json_response({})


def _denied(fault: GcpFault) -> Response:
    message = f"Permission '{fault.permission}' denied on resource (or it may not exist)."
    error: dict[str, Any] = {"code": 403, "message": message, "status": "PERMISSION_DENIED"}
    if fault.reason:
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        error["details"] = [{"@type": kind, "reason": fault.reason, "metadata": fault.metadata}]
    else:
        error["errors"] = [{"message": message, "domain": "global", "reason": "forbidden"}]
    return json_response({"error": error}, 403)


class GcpRest:
    """Handlers by host; the tokens' one also serves on plain HTTP for a key file's `token_uri`."""

    def __init__(self, state: GcpState) -> None:
        self._state = state
        self._hosts: dict[str, Callable[[Request], Response]] = {
            _TOKENS: self.token,
            "sts.googleapis.com": self._exchange,
            "iamcredentials.googleapis.com": self._impersonate,
            "cloudresourcemanager.googleapis.com": self._project,
            "serviceusage.googleapis.com": self._service,
            "iam.googleapis.com": self._iam,
            "aiplatform.googleapis.com": self._vertex,
            "cloudkms.googleapis.com": self._key,
            "compute.googleapis.com": self._compute,
        }

    def plays(self, host: str) -> bool:
        return host in self._hosts

    def __call__(self, request: Request) -> Response:
        return faulty(self._state, _name_of(request)) or answered(
            self._hosts[request.host], request
        )

    def _vertex(self, request: Request) -> Response:
        """Vertex AI's regions."""
        self._state.caller(request.bearer)
        match = re.fullmatch(r"/v1/projects/([^/]+)/locations", request.path)
        if match is None:
            raise LookupError("Requested entity was not found.")
        self._state.require("aiplatform.locations.list", match[1])
        where = f"projects/{match[1]}/locations"
        regions = self._state.vertex_regions
        return json_response(
            {"locations": [{"name": f"{where}/{one}", "locationId": one} for one in regions]}
        )

    def _compute(self, request: Request) -> Response:
        """Networks, subnetworks and routers: each by its path, and the list of networks."""
        self._state.caller(request.bearer)
        path = request.path.removeprefix("/compute/v1/")
        kind = path.split("/")[-1 if path.endswith("/networks") else -2]
        verb = "list" if path.endswith(f"/{kind}") else "get"
        self._state.require(f"compute.{kind}.{verb}", path)
        held = self._state.compute
        if verb == "list":
            items = [one for at, one in held.items() if at.startswith(f"{path}/")]
            return json_response(
                {"kind": "compute#networkList", **({"items": items} if items else {})}
            )
        if path not in held:
            raise LookupError(f"The resource '{path}' was not found")
        return json_response(held[path])

    def _key(self, request: Request) -> Response:
        """A key of Cloud KMS."""
        self._state.caller(request.bearer)
        name = request.path.removeprefix("/v1/")
        self._state.require("cloudkms.cryptoKeys.get", name)
        if name not in self._state.keys_of_kms:
            raise LookupError(f"CryptoKey {name} not found.")
        primary = {"name": f"{name}/cryptoKeyVersions/1", "state": self._state.keys_of_kms[name]}
        return json_response({"name": name, "purpose": "ENCRYPT_DECRYPT", "primary": primary})

    def _iam(self, request: Request) -> Response:
        role = request.path.removeprefix("/v1/")
        if re.fullmatch(r"(?:projects/[^/]+/)?roles/[\w.]+", role) is None:
            return self._service_account(request)
        self._state.caller(request.bearer)
        if role.startswith("projects/"):  # Google's own may be read by everybody
            self._state.require("iam.roles.get", role)
        if role not in self._state.roles:
            raise LookupError(f"The role named {role} was not found.")
        included = list(self._state.roles[role])
        return json_response({"name": role, "includedPermissions": included, "stage": "GA"})

    def token(self, request: Request) -> Response:
        """The token endpoint, for signed assertions of service accounts."""
        fault = faulty(self._state, "oauth2.token") if request.host != _TOKENS else None
        if fault is not None:
            return fault
        form = request.form
        if form.get("grant_type") != _JWT_GRANT:
            return _oauth_error("unsupported_grant_type", "Invalid grant_type")
        assertion = form.get("assertion", "")
        issuer = claims_of(assertion).get("iss", "")
        if self._state.service_accounts.get(issuer, True):
            return _oauth_error("invalid_grant", "Invalid grant: account not found")
        if self._state.refuse_tokens or self._state.signer(assertion) is None:
            return _oauth_error("invalid_grant", "Invalid JWT Signature.")
        return self._token_response(issuer)

    def _exchange(self, request: Request) -> Response:
        """Workload identity federation: somebody else's token for one of Google's."""
        form = request.form or request.json()
        if form.get("grant_type") != _EXCHANGE_GRANT:
            return _oauth_error("unsupported_grant_type", "Invalid grant_type")
        if self._state.refuse_tokens or form.get("subject_token") != self._state.subject_token:
            return _oauth_error("invalid_grant", "The subject token is invalid or expired.")
        return self._token_response("federated-principal")

    def _token_response(self, email: str) -> Response:
        return json_response(
            {
                "access_token": self._state.issue_token(email),
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
                "expires_in": 3599,
                "token_type": "Bearer",
            }
        )

    def _impersonate(self, request: Request) -> Response:
        self._state.caller(request.bearer)
        match = re.fullmatch(
            r"/v1/projects/-/serviceAccounts/([^/:]+):generateAccessToken", request.path
        )
        if match is None:
            raise LookupError("Requested entity was not found.")
        email = match[1]
        self._state.require("iam.serviceAccounts.getAccessToken", email)
        if self._state.service_accounts.get(email, True):
            raise LookupError(f"Not found; Gaia id not found for email {email}")
        seconds = int(request.json().get("lifetime", "3600s").rstrip("s"))
        expires = datetime.now(UTC) + timedelta(seconds=seconds)
        return json_response(
            {
                "accessToken": self._state.issue_token(email),
                "expireTime": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )

    def _project(self, request: Request) -> Response:
        self._state.caller(request.bearer)
        match = re.fullmatch(r"/(v1|v3)/projects/([^/:]+)(?::(\w+))?", request.path)
        if match is None:
            raise LookupError("Requested entity was not found.")
        version, project, verb = match.groups()
        where = f"projects/{project}"
        if project not in (self._state.project, PROJECT_NUMBER):
            raise Denied("resourcemanager.projects.get", where)
        if verb == "testIamPermissions":
            return json_response(self._permissions(request))
        if verb == "getIamPolicy":
            self._state.require("resourcemanager.projects.getIamPolicy", where)
            return json_response(self._state.policy(self._state.project))
        self._state.require("resourcemanager.projects.get", where)
        if version == "v1":
            return json_response(
                {
                    "projectNumber": PROJECT_NUMBER,
                    "projectId": self._state.project,
                    "lifecycleState": "ACTIVE",
                    "name": self._state.project,
                }
            )
        return json_response(
            {
                "name": f"projects/{PROJECT_NUMBER}",
                "projectId": self._state.project,
                "state": self._state.project_state,
                "displayName": self._state.project,
            }
        )

    def _service(self, request: Request) -> Response:
        self._state.caller(request.bearer)
        match = re.fullmatch(
            r"/v1/projects/([^/]+)/services(?:/([^/:]+))?(:batchGet)?", request.path
        )
        if match is None or match[1] not in (self._state.project, PROJECT_NUMBER):
            raise Denied("serviceusage.services.get", request.path)
        one = match[2] or match[3]
        permission = f"serviceusage.services.{'get' if one else 'list'}"
        self._state.require(permission, f"projects/{match[1]}")
        if match[2]:
            return json_response(self._service_state(match[2]))
        asked = [name.rsplit("/", 1)[1] for name in request.query.get("names", [])]
        names = asked or sorted(self._state.enabled_services)
        return json_response({"services": [self._service_state(name) for name in names]})

    def _service_state(self, name: str) -> dict[str, Any]:
        enabled = name in self._state.enabled_services
        return {
            "name": f"projects/{PROJECT_NUMBER}/services/{name}",
            "config": {"name": name},
            "state": "ENABLED" if enabled else "DISABLED",
            "parent": f"projects/{PROJECT_NUMBER}",
        }

    def _service_account(self, request: Request) -> Response:
        self._state.caller(request.bearer)
        if re.fullmatch(r"/v1/projects/[^/]+/serviceAccounts", request.path):
            self._state.require("iam.serviceAccounts.list", request.path)
            names = self._state.service_accounts
            return json_response({"accounts": [self._account(name) for name in names]})
        match = re.fullmatch(
            r"/v1/projects/[^/]+/serviceAccounts/([^/:]+)(?::(\w+))?", request.path
        )
        if match is None:
            raise LookupError("Requested entity was not found.")
        email, verb = match.groups()
        if verb == "testIamPermissions":
            return json_response(self._permissions(request))
        permission = "getIamPolicy" if verb == "getIamPolicy" else "get"
        self._state.require(f"iam.serviceAccounts.{permission}", email)
        if email not in self._state.service_accounts:
            raise LookupError(f"Unknown service account: {email}")
        if verb == "getIamPolicy":
            return json_response(self._state.policy(email))
        return json_response(self._account(email))

    def _account(self, email: str) -> dict[str, Any]:
        return {
            "name": f"projects/{self._state.project}/serviceAccounts/{email}",
            "projectId": self._state.project,
            "email": email,
            "uniqueId": str(int(time.time())),
            "disabled": self._state.service_accounts[email],
            "description": self._state.descriptions.get(email, ""),
        }

    def _permissions(self, request: Request) -> dict[str, list[str]]:
        granted = self._state.granted(request.json().get("permissions", []))
        return {"permissions": granted} if granted else {}


def _name_of(request: Request) -> str:
    """``service.things.verb``, as the checks call it."""
    service = request.host.partition(".")[0]
    last, _, verb = request.path.rsplit("/", 1)[-1].partition(":")
    if request.path.endswith("services:batchGet"):
        return "serviceusage.services.batchGet"
    for part in (
        # What is in a location comes before it.
        *("serviceAccounts", "services", "cryptoKeys", "locations", "roles"),
        *("networks", "subnetworks", "routers", "projects"),
    ):
        if f"/{part}" in request.path:
            plain = "list" if last == part else "get"
            return f"{service}.{part}.{verb or plain}"
    return f"{service}.{last}"


def _oauth_error(error: str, description: str) -> Response:
    return json_response({"error": error, "error_description": description}, 400)
