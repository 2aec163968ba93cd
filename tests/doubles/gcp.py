"""Google Cloud on loopback: one project with storage, registries, clusters and its tokens."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.doubles.gcp_engine import GcpMaker
from tests.doubles.gcp_grpc import HOSTS as GRPC_HOSTS
from tests.doubles.gcp_grpc import GcpGrpcServer
from tests.doubles.gcp_rest import GcpRest, answered
from tests.doubles.gcp_state import (
    LOCATION,
    OFFERED,
    PROJECT,
    PROJECT_NUMBER,
    VERSION,
    Cluster,
    GcpState,
    Repository,
    new_service_account_key,
)
from tests.doubles.gcs import GcsLoopback
from tests.doubles.proxy import ConnectProxy
from tests.doubles.tls import ThrowAwayCA
from tests.doubles.web import Request, Response, serve

_SERVICES = (
    "aiplatform",
    "artifactregistry",
    "cloudresourcemanager",
    "compute",
    "container",
    "iam",
    "iamcredentials",
    "serviceusage",
    "storage",
    "sts",
)
AUDIENCE = (
    f"//iam.googleapis.com/projects/{PROJECT_NUMBER}/locations/global"
    "/workloadIdentityPools/loopback/providers/loopback"
)


class GcpLoopback:
    """A project whose owner is the service account of `credentials_file`.

    `proxy` and `ca` are shared with other doubles; without them it brings its own.
    """

    project = PROJECT
    project_number = PROJECT_NUMBER
    location = LOCATION

    def __init__(
        self,
        directory: Path,
        ca: ThrowAwayCA | None = None,
        proxy: ConnectProxy | None = None,
    ) -> None:
        self._directory = directory
        self._ca = ca or ThrowAwayCA(directory)
        self._own_proxy = proxy is None
        self.proxy = proxy or ConnectProxy(self._ca)
        self.state = GcpState()
        self._rest = GcpRest(self.state)
        self._gcs = GcsLoopback(self.state, directory / "gcs")
        self._grpc = GcpGrpcServer(self.state, self._ca)
        self._tokens = serve(self._token)
        self._making = GcpMaker(self.state, self._gcs)
        self._maker = serve(self._making)
        self._running = ExitStack()
        self.owner = f"owner@{PROJECT}.iam.gserviceaccount.com"
        self.credentials_file = directory / "service-account.json"

    def __enter__(self) -> GcpLoopback:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        servers: list[Any] = [self._tokens, self._maker, self._gcs, self._grpc]
        if self._own_proxy:
            servers.append(self.proxy)
        with ExitStack() as started:
            for server in servers:
                server.start()
                started.callback(server.stop)
            self._running = started.pop_all()
        self.proxy.tunnel(lambda host: host in GRPC_HOSTS, self._grpc.port)
        self.proxy.play(self._rest.plays, self._rest)
        self.proxy.play(lambda host: host == "storage.googleapis.com", self._gcs)
        self._defaults()
        self.service_account_file(self.owner, self.credentials_file)

    def stop(self) -> None:
        self._running.close()

    def env(self, *, credentials: bool = True) -> dict[str, str]:
        """For a process whose Google Cloud is this one."""
        values = {
            "STORAGE_EMULATOR_HOST": self._gcs.url,
            "STANDIN_GCP": self._maker.url,
            "NO_GCE_CHECK": "true",
            "GCE_METADATA_HOST": "127.0.0.1:9",
            "CLOUDSDK_CONFIG": str(self._directory / "no-gcloud"),
            **self.proxy.env(),
            **self._ca.env(),
        }
        if credentials:
            values["GOOGLE_APPLICATION_CREDENTIALS"] = str(self.credentials_file)
            values["GOOGLE_CLOUD_PROJECT"] = PROJECT
        return values

    def reset(self) -> None:
        """Forget every resource, denial and refusal; keys and tokens stay good."""
        if self.state.buckets:
            self._gcs.reset()
        self.forget()

    def forget(self) -> None:
        """The same, and quicker: the names of buckets stay taken."""
        state = self.state
        for held in (state.buckets, state.clusters, state.repositories, state.policies):
            held.clear()
        state.compute.clear()
        for more in (state.descriptions, state.agents, state.late, state.strangers, state.full):
            more.clear()
        self._making.identities.clear()
        state.denied.clear()
        state.faults.clear()
        state.calls.clear()
        state.keys_of_kms.clear()
        state.unknown_permissions.clear()
        state.vertex_regions = (LOCATION, "us-central1")
        state.missing_zones = ()
        state.versions = dict(OFFERED)
        state.project_state = "ACTIVE"
        state.refuse_tokens = False
        self._defaults()

    def _defaults(self) -> None:
        self.state.service_accounts.clear()
        self.state.service_accounts[self.owner] = False
        self.state.enabled_services.clear()
        self.state.enabled_services.update(f"{name}.googleapis.com" for name in _SERVICES)

    def deny(self, *permissions: str) -> None:
        """Take permissions from everybody: calls answer 403, permission tests leave them out."""
        self.state.denied.update(permissions)

    def made_as(self) -> list[dict[str, str]]:
        """With which variables of an identity the stand-in plugin was asked, in order."""
        return self._making.identities

    def refuse_tokens(self, refuse: bool = True) -> None:
        """Let the token endpoints refuse every key."""
        self.state.refuse_tokens = refuse

    def access_token(self) -> str:
        """A good OAuth token of the owner."""
        return self.state.issue_token(self.owner)

    def service_account(self, name: str, *, disabled: bool = False) -> str:
        """Create a service account; returns its e-mail address."""
        email = f"{name}@{PROJECT}.iam.gserviceaccount.com"
        self.state.service_accounts[email] = disabled
        return email

    def service_account_file(self, email: str, path: Path, *, known: bool = True) -> Path:
        """Write a key file. A key that is not known is refused by the token endpoint."""
        key = new_service_account_key(email, PROJECT, f"{self._tokens.url}/token")
        if known:
            self.state.keys[key.key_id] = key
        path.write_text(json.dumps(key.file))
        path.chmod(0o600)
        return path

    def workload_identity_file(self, path: Path, impersonate: str | None = None) -> Path:
        """Write an external-account file whose subject token lies in a file beside it."""
        token = path.with_suffix(".token")
        token.write_text(self.state.subject_token)
        info: dict[str, Any] = {
            "type": "external_account",
            "audience": AUDIENCE,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
            "credential_source": {"file": str(token)},
        }
        if impersonate is not None:
            info["service_account_impersonation_url"] = (
                "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
                f"{impersonate}:generateAccessToken"
            )
        path.write_text(json.dumps(info))
        return path

    def bucket(self, name: str, location: str = LOCATION, **settings: Any) -> str:
        """Create a bucket; settings are fields of its JSON (`iamConfiguration`, ...)."""
        self._gcs.create_bucket(name)
        self.state.buckets[name] = {
            "location": location.upper(),
            "locationType": "region" if "-" in location else "multi-region",
            "projectNumber": PROJECT_NUMBER,
            "iamConfiguration": {
                "uniformBucketLevelAccess": {"enabled": True},
                "publicAccessPrevention": "enforced",
            },
            "versioning": {"enabled": True},
            "softDeletePolicy": {"retentionDurationSeconds": "604800"},
            **settings,
        }
        return f"gs://{name}"

    @property
    def authority(self) -> str:
        """Whom one trusts in a cluster, as GKE tells it."""
        return base64.b64encode(self._ca.bundle.read_bytes()).decode()

    def cluster(
        self, name: str, location: str = LOCATION, status: str = "RUNNING", **settings: Any
    ) -> str:
        """Create a GKE cluster, with further fields of `Cluster`; returns its full name."""
        full_name = f"projects/{PROJECT}/locations/{location}/clusters/{name}"
        fields: dict[str, Any] = {
            "endpoint": "127.0.0.1",
            "master_auth": {"cluster_ca_certificate": self.authority},
            "workload_identity_config": {"workload_pool": f"{PROJECT}.svc.id.goog"},
            "current_master_version": VERSION,
            "current_node_count": 1,
            "node_pools": [
                {
                    "name": "default-pool",
                    "status": "RUNNING",
                    "initial_node_count": 1,
                    "config": {"image_type": "COS_CONTAINERD", "machine_type": "e2-standard-4"},
                }
            ],
            **settings,
        }
        self.state.clusters[full_name] = Cluster(
            name=name,
            location=location,
            status=getattr(Cluster.Status, status),
            self_link=f"https://container.googleapis.com/v1/{full_name}",
            **fields,
        )
        return full_name

    def repository(
        self, name: str, location: str = LOCATION, format: str = "DOCKER", **settings: Any
    ) -> str:
        """Create an Artifact Registry repository; returns its image prefix."""
        full_name = f"projects/{PROJECT}/locations/{location}/repositories/{name}"
        self.state.repositories[full_name] = Repository(
            name=full_name, format_=getattr(Repository.Format, format), **settings
        )
        return f"{location}-docker.pkg.dev/{PROJECT}/{name}"

    def bind(self, resource: str, role: str, *members: str) -> None:
        """Add an IAM binding to a project's id, `buckets/NAME`, an e-mail or a repository."""
        policy = self.state.policy(resource)
        policy["bindings"].append({"role": role, "members": list(members)})

    def _token(self, request: Request) -> Response:
        return answered(self._rest.token, request)
