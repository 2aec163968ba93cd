"""Google Cloud and Azure for `benchmarks.bench_verify`: clouds, stacks and bare scripts.

A bare script is told the calls that a run of `verify` was seen to make, and makes them all at once,
on clients as somebody would make them by hand: without waiting for one answer before the next
question, and without judging any. The doubles answer in another process.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

__all__ = ["AZURE", "GCP", "Cloud", "Seen", "seen", "serve"]

_WORKERS = 32
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class Seen:
    """The requests of one run: method, URL, body and type."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, Any, str | None]] = []


@contextmanager
def seen() -> Iterator[Seen]:
    """Note what `requests` sends, whoever uses it."""
    found = Seen()
    send = requests.Session.send

    def noting(self: requests.Session, request: Any, **how: Any) -> Any:
        content = request.headers.get("Content-Type")
        found.requests.append((request.method, request.url, request.body, content))
        return send(self, request, **how)

    requests.Session.send = noting  # type: ignore[method-assign]
    try:
        yield found
    finally:
        requests.Session.send = send  # type: ignore[method-assign]


class Cloud:
    """One of the clouds: how it is served, and the bare script for its stack."""

    name = ""
    stack = ""
    #: The end of the path that answers later in the second part.
    slow = ""

    def serve(self, folder: Path) -> tuple[Any, Mapping[str, str], Mapping[str, Any]]:
        """Start it; returns its proxy, its environment, and the description."""
        raise NotImplementedError

    def bare(self, described: Mapping[str, Any], calls: Seen) -> None:
        """Make the calls at once."""
        raise NotImplementedError


class _Gcp(Cloud):
    name, stack, slow = "gcp", "vertex", "/iam"

    def serve(self, folder: Path) -> tuple[Any, Mapping[str, str], Mapping[str, Any]]:
        from tests.clouds.gcp.world import World
        from tests.doubles.gcp import GcpLoopback
        from tests.doubles.kubernetes import KubernetesLoopback

        gcp = GcpLoopback(folder)
        gcp.start()
        world = World(gcp, KubernetesLoopback(gcp._ca, lambda _: True))
        world.fit_bucket()
        world.fit_repository()
        world.fit_workload()
        env = {k: v for k, v in gcp.env().items() if k != "STORAGE_EMULATOR_HOST"}
        described = {
            "name": "bench", "type": "vertex", "artifact_store": f"gs://{world.bucket}/prefix",
            "container_registry":
                f"{gcp.location}-docker.pkg.dev/{gcp.project}/{world.repository}",
            "region": gcp.location, "credentials": f"gcp-service-account:{gcp.credentials_file}",
            "extra": {"orchestrator": {"workload_service_account": world.workload}},
        }  # fmt: skip
        return gcp.proxy, env, described

    def bare(self, described: Mapping[str, Any], calls: Seen) -> None:
        from google.auth.transport.requests import AuthorizedSession, Request
        from google.cloud import artifactregistry_v1
        from google.oauth2 import service_account

        load: Any = service_account.Credentials.from_service_account_file
        credentials = load(described["credentials"].partition(":")[2], scopes=[_SCOPE])
        credentials.refresh(Request())
        make: Any = AuthorizedSession
        session = make(credentials)
        session.mount("https://", HTTPAdapter(pool_maxsize=_WORKERS))
        registry: Any = artifactregistry_v1.ArtifactRegistryClient(credentials=credentials)
        host, project, repository = described["container_registry"].split("/")
        location = host.removesuffix("-docker.pkg.dev")
        name = f"projects/{project}/locations/{location}/repositories/{repository}"
        permissions = [f"artifactregistry.repositories.{right}Artifacts"
                       for right in ("upload", "download")]  # fmt: skip
        asked = {"resource": name}
        jobs: list[Callable[[], Any]] = [
            lambda: registry.get_repository(name=name),
            lambda: registry.get_iam_policy(request=asked),
            lambda: registry.test_iam_permissions(request={**asked, "permissions": permissions}),
        ]
        jobs += [_again(session, one) for one in calls.requests if one[1].startswith("https://")]
        _at_once(jobs)
        session.close()
        registry.transport.close()


class _Azure(Cloud):
    name, stack, slow = "azure", "azureml", "/blobservices/default"

    def serve(self, folder: Path) -> tuple[Any, Mapping[str, str], Mapping[str, Any]]:
        from tests.clouds.azure.world import World
        from tests.doubles.azure import AzureLoopback
        from tests.doubles.kubernetes import KubernetesLoopback

        azure = AzureLoopback(folder)
        azure.start()
        world = World(azure, KubernetesLoopback(azure._ca, lambda _: True))
        world.fit_workspace()
        described = {
            "name": "bench", "type": "azureml", "region": azure.location,
            "artifact_store": "abfs://artifacts@teamdata.dfs.core.windows.net",
            "container_registry": "team.azurecr.io", "resource_group": "ml-platform",
            "workspace": "team-ml", "subscription_id": azure.subscription_id,
            "credentials": f"azure-service-principal:{azure.tenant_id}:{azure.client_id}:"
            f"{azure.client_secret}",
        }  # fmt: skip
        return azure.proxy, azure.env(), described

    def bare(self, described: Mapping[str, Any], calls: Seen) -> None:
        from azure.identity import ClientSecretCredential
        from azure.storage.blob import ContainerClient

        credential = ClientSecretCredential(*described["credentials"].split(":")[1:])
        token = credential.get_token("https://management.azure.com/.default").token
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {token}"
        session.mount("https://", HTTPAdapter(pool_maxsize=_WORKERS))
        blobs = ContainerClient(
            "https://teamdata.blob.core.windows.net", "artifacts", credential=credential
        )
        jobs: list[Callable[[], Any]] = [blobs.get_container_properties]
        jobs += [
            _again(session, one)
            for one in calls.requests
            if urlsplit(one[1]).hostname == "management.azure.com"
        ]
        _at_once(jobs)
        for opened in (session, blobs, credential):
            opened.close()


def _again(session: Any, one: tuple[str, str, Any, str | None]) -> Callable[[], Any]:
    method, url, body, content = one
    headers = {"Content-Type": content} if content else {}
    return lambda: session.request(method, url, data=body, headers=headers, timeout=60).json()


def _at_once(jobs: list[Callable[[], Any]]) -> None:
    with ThreadPoolExecutor(_WORKERS) as pool:
        for job in [pool.submit(one) for one in jobs]:
            job.result()


def serve(cloud: Cloud, latency: float, slow: float, say: Callable[[Any], None]) -> None:
    """Be the cloud until standard input closes."""
    with tempfile.TemporaryDirectory() as folder:
        proxy, env, described = cloud.serve(Path(folder))

        def delay(request: Any) -> float:
            late = slow if request.path.lower().endswith(cloud.slow) else 0.0
            return latency + late

        proxy.delay = delay
        say({"env": dict(env), "described": dict(described)})
        sys.stdin.read()


GCP, AZURE = _Gcp(), _Azure()
