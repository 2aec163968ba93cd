"""What a loopback Google Cloud holds, and who may see it."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.cloud import artifactregistry_v1, container_v1

PROJECT = "my-project"
PROJECT_NUMBER = "123456789012"
LOCATION = "europe-west1"
#: Of the control plane of a cluster.
VERSION = "1.34.1-gke.1829001"

OFFERED = {
    "": (VERSION, "1.33.5-gke.1080000", "1.32.9-gke.1010000"),
    "REGULAR": (VERSION, "1.33.5-gke.1080000"),
    "EXTENDED": (VERSION, "1.33.5-gke.1080000", "1.30.14-gke.1150000"),
}

Cluster = container_v1.Cluster
Repository = artifactregistry_v1.Repository


class Denied(Exception):
    """The caller lacks a permission."""

    def __init__(self, permission: str, resource: str) -> None:
        super().__init__(
            f"Permission '{permission}' denied on resource '{resource}' (or it may not exist)."
        )


class Unauthenticated(Exception):
    """The request carries no token, or one that nobody here issued."""

    def __init__(self) -> None:
        super().__init__(
            "Request had invalid authentication credentials. Expected OAuth 2 access token, "
            "login cookie or other valid authentication credential."
        )


@dataclass(frozen=True)
class ServiceAccountKey:
    """One key of a service account, and the JSON file that its owner holds."""

    email: str
    key_id: str
    public_key: str
    file: dict[str, str]


def new_service_account_key(email: str, project: str, token_uri: str) -> ServiceAccountKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private_pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public_pem = (
        private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    key_id = secrets.token_hex(20)
    return ServiceAccountKey(
        email,
        key_id,
        public_pem,
        {
            "type": "service_account",
            "project_id": project,
            "private_key_id": key_id,
            "private_key": private_pem,
            "client_email": email,
            "client_id": "100000000000000000001",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": token_uri,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{email}",
        },
    )


@dataclass(frozen=True)
class GcpFault:
    """How a call goes wrong.

    Attributes:
        kind: ``denied``, ``absent``, ``throttled``, ``payer`` (the requester pays, and named no
            project), ``down``, ``hung``, ``garbage`` (no JSON, no message), ``proxy`` (somebody
            else's page, with 403), or ``empty`` (no field is set).
        permission: The missing one, for ``denied``.
        reason: Of ErrorInfo, for ``denied``.
        metadata: Of ErrorInfo.
    """

    kind: str
    permission: str = "some.thing.get"
    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


#: Lets go of calls that hang.
RELEASE = threading.Event()


@dataclass
class GcpState:
    """Shared by the REST and gRPC doubles; everything in it may be changed while they run."""

    project: str = PROJECT
    clusters: dict[str, Cluster] = field(default_factory=dict)
    #: Where clusters that are made have their API, and whom one trusts there, in base64.
    endpoint: str = "127.0.0.1"
    authority: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    #: Bucket name → fields laid over what the GCS server says (location, iamConfiguration, ...).
    buckets: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: E-mail → disabled.
    service_accounts: dict[str, bool] = field(default_factory=dict)
    #: E-mail → description, of those that have one.
    descriptions: dict[str, str] = field(default_factory=dict)
    #: Google's own agents that exist: members of policies, and accounts of no project of ours.
    agents: set[str] = field(default_factory=set)
    #: E-mail → how often a policy still refuses it: an account of a moment ago.
    late: dict[str, int] = field(default_factory=dict)
    #: Buckets of other projects, which nobody here may see.
    strangers: set[str] = field(default_factory=set)
    #: Repositories that hold images.
    full: set[str] = field(default_factory=set)
    enabled_services: set[str] = field(default_factory=set)
    #: Path in Compute Engine's API → what it says of a network, a subnetwork or a router.
    compute: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Resource name → IAM policy; the project's own is under its id.
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    #: Call, as ``storage.buckets.get`` → how it goes wrong instead of being answered.
    faults: dict[str, GcpFault] = field(default_factory=dict)
    #: The calls that were made, in order.
    calls: list[str] = field(default_factory=list)
    #: Role → what it includes, for `iam.roles.get`.
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: Key of Cloud KMS → the state of its primary version.
    keys_of_kms: dict[str, str] = field(default_factory=dict)
    project_state: str = "ACTIVE"
    #: Regions that Vertex AI is in.
    vertex_regions: tuple[str, ...] = (LOCATION, "us-central1")
    #: Release channel → the versions that GKE offers there; under an empty name without one.
    versions: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(OFFERED))
    #: Zones that GKE cannot list.
    missing_zones: tuple[str, ...] = ()
    #: Permissions that a test of permissions does not know.
    unknown_permissions: set[str] = field(default_factory=set)
    refuse_tokens: bool = False
    subject_token: str = "loopback-subject-token"
    keys: dict[str, ServiceAccountKey] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def issue_token(self, email: str) -> str:
        token = f"ya29.loopback-{secrets.token_urlsafe(24)}"
        self.tokens[token] = email
        return token

    def caller(self, bearer: str | None) -> str:
        """The service account behind a token: one issued here, or a JWT signed by a known key."""
        if bearer in self.tokens:
            return self.tokens[bearer]
        if bearer is not None and bearer.count(".") == 2:
            email = self.signer(bearer)
            if email is not None:
                return email
        raise Unauthenticated

    def signer(self, assertion: str) -> str | None:
        """Who signed a JWT, if it was a known key and the JWT has not expired."""
        try:
            key = self.keys[jwt.get_unverified_header(assertion)["kid"]]
            claims = jwt.decode(
                assertion,
                key.public_key,
                algorithms=["RS256"],
                issuer=key.email,
                options={"verify_aud": False, "verify_iat": False, "require": ["exp", "iss"]},
            )
        except (KeyError, jwt.InvalidTokenError):
            return None
        return str(claims["iss"])

    def require(self, permission: str, resource: str) -> None:
        if permission in self.denied:
            raise Denied(permission, resource)

    def granted(self, permissions: list[str]) -> list[str]:
        unknown = self.unknown_permissions.intersection(permissions)
        if unknown:
            raise ValueError(f"Permission {unknown.pop()} is not valid for this resource.")
        return [permission for permission in permissions if permission not in self.denied]

    def policy(self, resource: str) -> dict[str, Any]:
        return self.policies.setdefault(resource, {"version": 1, "etag": "BwX=", "bindings": []})


def claims_of(assertion: str) -> dict[str, Any]:
    """The claims of a JWT, unverified."""
    try:
        return jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return {}
