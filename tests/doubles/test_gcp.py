"""The Google Cloud double, seen by Google's SDKs and by ZenML's own verification."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import google.auth
import pytest
from google.api_core.exceptions import Forbidden, NotFound, PermissionDenied
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud import artifactregistry_v1, container_v1, storage  # type: ignore[attr-defined]
from google.iam.v1 import iam_policy_pb2
from google.oauth2 import service_account

from tests.doubles import GcpLoopback, LoopbackClouds
from tests.doubles.verification import verify
from tests.servers.zenml import ZenMLServer

pytest_plugins = ["tests.servers.fixtures"]

_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
_REGISTRY = "europe-west1-docker.pkg.dev/my-project"


@pytest.fixture
def gcp(empty_clouds: LoopbackClouds) -> GcpLoopback:
    return empty_clouds.gcp


@pytest.fixture
def credentials(gcp: GcpLoopback, cloud_env: dict[str, str]) -> Any:
    found, project = google.auth.default(scopes=_SCOPES)
    assert project == gcp.project
    return found


def connector(
    gcp: GcpLoopback, method: str = "service-account", key: Path | None = None, **fields: Any
) -> Any:
    configuration = {
        "project_id": gcp.project,
        "service_account_json": (key or gcp.credentials_file).read_text(),
        **fields,
    }
    return "gcp", method, configuration


def test_storage_shows_settings_permissions_and_objects(gcp: GcpLoopback, credentials: Any) -> None:
    gcp.bucket("artifacts", versioning={"enabled": False})
    gcp.deny("storage.objects.delete")
    client = storage.Client(project=gcp.project, credentials=credentials)

    bucket = client.get_bucket("artifacts")
    bucket.blob("a/b.txt").upload_from_string("hello")

    assert bucket.location == "EUROPE-WEST1"
    assert not bucket.versioning_enabled
    assert bucket.iam_configuration.public_access_prevention == "enforced"
    assert bucket.blob("a/b.txt").download_as_bytes() == b"hello"
    assert [found.name for found in client.list_buckets()] == ["artifacts"]
    asked = ["storage.objects.create", "storage.objects.delete"]
    assert bucket.test_iam_permissions(asked) == ["storage.objects.create"]
    with pytest.raises(Forbidden, match=r"storage\.objects\.delete"):
        bucket.blob("a/b.txt").delete()
    with pytest.raises(NotFound):
        client.get_bucket("nowhere")


def test_clusters_tell_absent_from_denied(gcp: GcpLoopback, credentials: Any) -> None:
    name = gcp.cluster("prod", location="europe-west1-b", status="PROVISIONING")
    client = container_v1.ClusterManagerClient(credentials=credentials)

    assert client.get_cluster(name=name).status.name == "PROVISIONING"
    with pytest.raises(NotFound):
        client.get_cluster(name=name + "x")
    gcp.deny("container.clusters.get")
    with pytest.raises(PermissionDenied, match=r"container\.clusters\.get"):
        client.get_cluster(name=name)
    elsewhere = "projects/somebody-elses/locations/-"
    with pytest.raises(PermissionDenied):
        client.list_clusters(parent=elsewhere)


def test_registries_list_get_and_test_permissions(gcp: GcpLoopback, credentials: Any) -> None:
    gcp.repository("images")
    gcp.deny("artifactregistry.repositories.uploadArtifacts")
    client = artifactregistry_v1.ArtifactRegistryClient(credentials=credentials)
    parent = f"projects/{gcp.project}/locations/{gcp.location}"

    names = [repository.name for repository in client.list_repositories(parent=parent)]
    assert names == [f"{parent}/repositories/images"]
    assert client.get_repository(name=names[0]).format_.name == "DOCKER"
    asked = [f"artifactregistry.repositories.{verb}Artifacts" for verb in ("download", "upload")]
    answer = client.test_iam_permissions(
        iam_policy_pb2.TestIamPermissionsRequest(resource=names[0], permissions=asked)
    )
    assert list(answer.permissions) == asked[:1]
    with pytest.raises(NotFound):
        client.get_repository(name=names[0] + "x")


def test_project_services_and_accounts(gcp: GcpLoopback, credentials: Any) -> None:
    runner = gcp.service_account("runner")
    gcp.state.enabled_services.discard("aiplatform.googleapis.com")
    gcp.bind(gcp.project, "roles/aiplatform.user", f"serviceAccount:{runner}")
    session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
    projects = f"https://cloudresourcemanager.googleapis.com/v1/projects/{gcp.project}"
    services = f"https://serviceusage.googleapis.com/v1/projects/{gcp.project}/services"
    accounts = "https://iam.googleapis.com/v1/projects/-/serviceAccounts"

    assert session.get(projects).json()["projectNumber"] == gcp.project_number
    policy = session.post(f"{projects}:getIamPolicy").json()
    assert policy["bindings"][0]["role"] == "roles/aiplatform.user"
    states = [
        session.get(f"{services}/{name}.googleapis.com").json()["state"]
        for name in ("aiplatform", "storage")
    ]
    assert states == ["DISABLED", "ENABLED"]
    assert session.get(f"{accounts}/{runner}").json()["disabled"] is False
    assert session.get(f"{accounts}/nobody@example.com").status_code == 404


def test_a_key_nobody_knows_is_refused(
    gcp: GcpLoopback, cloud_env: dict[str, str], tmp_path: Path
) -> None:
    unknown = gcp.service_account_file(gcp.owner, tmp_path / "unknown.json", known=False)
    load: Any = service_account.Credentials.from_service_account_file
    found = load(str(unknown), scopes=_SCOPES)
    with pytest.raises(RefreshError, match="Invalid JWT Signature"):
        found.refresh(Request())


@pytest.mark.parametrize(
    ("resource_type", "resource_id", "names"),
    [
        ("gcs-bucket", "gs://artifacts", ["gs://artifacts"]),
        ("gcs-bucket", "artifacts", ["gs://artifacts"]),
        ("docker-registry", f"{_REGISTRY}/images", [f"{_REGISTRY}/images"]),
        ("docker-registry", "eu.gcr.io/my-project", ["eu.gcr.io/my-project"]),
        ("kubernetes-cluster", "prod", ["prod"]),
        ("gcp-generic", None, ["my-project"]),
    ],
)
def test_zenml_verifies_what_exists(
    gcp: GcpLoopback,
    zenml_server: ZenMLServer,
    resource_type: str,
    resource_id: str | None,
    names: list[str],
) -> None:
    gcp.bucket("artifacts")
    gcp.repository("images")
    gcp.cluster("prod")
    verdict = verify(zenml_server, connector(gcp), resource_type, resource_id)
    assert verdict.ok, verdict.error
    assert verdict.resource_ids == names


@pytest.mark.parametrize(
    ("resource_type", "resource_id", "reason"),
    [
        ("gcs-bucket", "gs://nowhere", "The specified bucket does not exist"),
        ("docker-registry", f"{_REGISTRY}/nowhere", "404 Requested entity was not found"),
        ("kubernetes-cluster", "nowhere", "GKE cluster 'nowhere' not found or not accessible"),
    ],
)
def test_zenml_refuses_what_is_missing(
    gcp: GcpLoopback, zenml_server: ZenMLServer, resource_type: str, resource_id: str, reason: str
) -> None:
    assert reason in verify(zenml_server, connector(gcp), resource_type, resource_id).error


def test_zenml_hears_of_denied_permissions(gcp: GcpLoopback, zenml_server: ZenMLServer) -> None:
    gcp.bucket("artifacts")
    gcp.deny("storage.buckets.get", "container.clusters.list")
    bucket = verify(zenml_server, connector(gcp), "gcs-bucket", "gs://artifacts")
    cluster = verify(zenml_server, connector(gcp), "kubernetes-cluster", "prod")
    assert "403" in bucket.error
    assert "403" in cluster.error


def test_wrong_keys_are_refused(
    gcp: GcpLoopback, zenml_server: ZenMLServer, tmp_path: Path
) -> None:
    gcp.bucket("artifacts")
    unknown = gcp.service_account_file(gcp.owner, tmp_path / "unknown.json", known=False)
    wrong = verify(zenml_server, connector(gcp, key=unknown), "gcs-bucket", "gs://artifacts")
    assert "Invalid JWT Signature" in wrong.error
    gcp.refuse_tokens()
    refused = verify(zenml_server, connector(gcp), "gcs-bucket", "gs://artifacts")
    assert "invalid_grant" in refused.error


def test_zenml_impersonates(gcp: GcpLoopback, zenml_server: ZenMLServer) -> None:
    gcp.bucket("artifacts")
    gcp.cluster("prod")
    target = gcp.service_account("runner")
    good = connector(gcp, "impersonation", target_principal=target)
    for resource in (("gcs-bucket", "gs://artifacts"), ("kubernetes-cluster", "prod")):
        verdict = verify(zenml_server, good, *resource)
        assert verdict.ok, verdict.error
    nobody = connector(gcp, "impersonation", target_principal="nobody@example.com")
    assert "Gaia id not found" in verify(zenml_server, nobody, "gcp-generic").error
    gcp.deny("iam.serviceAccounts.getAccessToken")
    assert "getAccessToken" in verify(zenml_server, good, "gcp-generic").error


def test_workload_identity_needs_the_servers_leave(
    gcp: GcpLoopback,
    zenml_server: ZenMLServer,
    zenml_server_implicit: ZenMLServer,
    tmp_path: Path,
) -> None:
    """ZenML counts an external account among the implicit methods."""
    uri = gcp.repository("images")
    gcp.bucket("artifacts")
    gcp.cluster("prod")
    file = gcp.workload_identity_file(tmp_path / "federated.json", gcp.service_account("runner"))
    federated = (
        "gcp",
        "external-account",
        {"project_id": gcp.project, "external_account_json": file.read_text()},
    )
    refused = verify(zenml_server, federated, "gcs-bucket", "gs://artifacts")
    assert "ZENML_ENABLE_IMPLICIT_AUTH_METHODS" in refused.error
    for resource in (
        ("gcs-bucket", "gs://artifacts"),
        ("docker-registry", uri),
        ("kubernetes-cluster", "prod"),
    ):
        verdict = verify(zenml_server_implicit, federated, *resource)
        assert verdict.ok, verdict.error
    info = json.loads(file.read_text())
    Path(info["credential_source"]["file"]).write_text("somebody else's token")
    wrong = verify(zenml_server_implicit, federated, "gcs-bucket", "gs://artifacts")
    assert (
        "an unexpected error occurred" in wrong.error
    )  # the reason stands in the server's log only


def test_zenml_uses_the_servers_own_credentials(
    gcp: GcpLoopback, zenml_server_implicit: ZenMLServer
) -> None:
    gcp.bucket("artifacts")
    implicit = ("gcp", "implicit", {"project_id": gcp.project})
    verdict = verify(zenml_server_implicit, implicit, "gcs-bucket", "gs://artifacts")
    assert verdict.ok, verdict.error
