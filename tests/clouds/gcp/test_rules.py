"""Evaluations about buckets, repositories and clusters: tables without a cloud."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus, Verdict
from kitaru_iac.checks.probes import Denied, Skipped
from kitaru_iac.clouds.gcp import verify_bucket as b
from kitaru_iac.clouds.gcp import verify_cluster as c
from kitaru_iac.clouds.gcp import verify_compute as v
from kitaru_iac.clouds.gcp import verify_endpoint as e
from kitaru_iac.clouds.gcp import verify_pods as vp
from kitaru_iac.clouds.gcp import verify_registry as g
from kitaru_iac.clouds.gcp.kubernetes_api import endpoint_of
from kitaru_iac.clouds.gcp.observations import Bucket, Clusters, Project, Tested
from kitaru_iac.clouds.gcp.probes_cluster import cluster_in, node_accounts
from kitaru_iac.clouds.gcp.resources import GcpResources, RepositoryName, project_of_account
from kitaru_iac.clouds.gcp.verify_identity import evaluate_project, evaluate_services
from kitaru_iac.clouds.gcp.verify_key import evaluate_key
from kitaru_iac.spec.kinds import StackType

OK, WARN, FAIL, UNKNOWN = CheckStatus
R = GcpResources("prod", StackType.VERTEX, "my-project", "europe-west1", bucket="data", cluster="k")
GKE = replace(R, type=StackType.KUBERNETES)
NAME = RepositoryName("my-project", "europe-west1", "images")
BUCKET = Bucket("europe-west1", (), True, "enforced", True, 604800, None, "123")
PROJECT = Project("my-project", "123", "ACTIVE")
DENIED = Denied("it is denied", permission="a.b.get")
KEY = "projects/p/locations/eu/keyRings/r/cryptoKeys/k"


@pytest.mark.parametrize(
    ("location", "regions", "region", "holds"),
    [
        ("europe-west1", (), "europe-west1", True),
        ("europe-west1", (), "europe-west10", False),
        ("eu", (), "europe-west1", True),
        ("eu", (), "europe-west2", False),
        ("eu", (), "europe-west6", False),
        ("us", (), "us-east5", True),
        ("us", (), "europe-west1", False),
        ("asia", (), "asia-south1", True),
        ("asia", (), "australia-southeast1", False),
        ("eur4", (), "europe-north1", True),
        ("eur4", (), "europe-west1", False),
        ("nam4", (), "us-central1", True),
        ("eu", ("europe-west1", "europe-west4"), "europe-west1", True),
        ("eu", ("europe-west1", "europe-west4"), "europe-north1", False),
        ("mars", (), "europe-west1", None),
    ],
)
def test_a_location_holds_regions(
    location: str, regions: tuple[str, ...], region: str, holds: bool | None
) -> None:
    assert b.location_holds(location, regions, region) is holds


def judged(*cases: tuple[Verdict, CheckStatus]) -> None:
    assert [one.status for one, _ in cases] == [status for _, status in cases], [
        one.why for one, _ in cases
    ]


def test_buckets() -> None:
    other = replace(BUCKET, project_number="9")
    inherited = replace(BUCKET, prevention="inherited")
    local = replace(R, type=StackType.LOCAL)
    away = replace(BUCKET, location="us-east1")
    public = {"etag": "x", "bindings": [{"role": "roles/a", "members": ["allUsers"]}]}
    judged(
        (b.evaluate_found(BUCKET, R), OK),
        (b.evaluate_found(Tested(("a",), frozenset({"a"})), R), OK),
        (b.evaluate_found(Tested(("a",), frozenset()), R), UNKNOWN),
        (b.evaluate_project((BUCKET, PROJECT), R), OK),
        (b.evaluate_project((other, PROJECT), R), WARN),
        (b.evaluate_project((replace(BUCKET, project_number=None), PROJECT), R), UNKNOWN),
        (b.evaluate_project((BUCKET, DENIED), R), UNKNOWN),
        (b.evaluate_region(away, R), FAIL),
        (b.evaluate_region(away, local), WARN),
        (b.evaluate_region(replace(BUCKET, location="mars"), R), UNKNOWN),
        (b.evaluate_public_access((BUCKET, DENIED), R), OK),
        (b.evaluate_public_access((inherited, DENIED), R), UNKNOWN),
        (b.evaluate_public_access((inherited, {"etag": "x"}), R), WARN),
        (b.evaluate_public_access((inherited, public), R), FAIL),
        (b.evaluate_versioning(replace(BUCKET, versioning=False), R), OK),
        (b.evaluate_versioning(replace(BUCKET, soft_delete=0), R), OK),
        (b.evaluate_versioning(replace(BUCKET, versioning=False, soft_delete=0), R), WARN),
    )


@pytest.mark.parametrize(
    ("state", "status"),
    [("ENABLED", OK), ("DISABLED", FAIL), ("DESTROY_SCHEDULED", FAIL), ("DESTROYED", FAIL),
     ("PENDING_GENERATION", UNKNOWN), (None, UNKNOWN)],
)  # fmt: skip
def test_a_key_has_a_state(state: str | None, status: CheckStatus) -> None:
    key = {"name": KEY, "purpose": "ENCRYPT_DECRYPT", "primary": {"state": state} if state else {}}
    assert evaluate_key(KEY, key, "agent").status is status
    assert evaluate_key(KEY, {**key, "purpose": "ASYMMETRIC_SIGN"}, "agent").status is FAIL
    assert evaluate_key(None, {}, "agent").status is OK


def test_repositories() -> None:
    delete = {"cleanupPolicies": {"a": {"action": "DELETE"}, "b": {"action": "KEEP"}}}
    judged(
        (g.evaluate_format({"format": "DOCKER"}, NAME), OK),
        (g.evaluate_format({"format": "DOCKER", "mode": "STANDARD_REPOSITORY"}, NAME), OK),
        (g.evaluate_format({"format": "DOCKER", "mode": "REMOTE_REPOSITORY"}, NAME), FAIL),
        (g.evaluate_format({"format": "DOCKER", "mode": "VIRTUAL_REPOSITORY"}, NAME), FAIL),
        (g.evaluate_format({"format": "DOCKER", "mode": "NEW"}, NAME), UNKNOWN),
        (g.evaluate_format({"format": "PYTHON"}, NAME), FAIL),
        (g.evaluate_tags({}, NAME), OK),
        (g.evaluate_tags({"dockerConfig": {"immutableTags": True}}, NAME), FAIL),
        (g.evaluate_cleanup({}, NAME), OK),
        (g.evaluate_cleanup(delete, NAME), WARN),
        (g.evaluate_cleanup({**delete, "cleanupPolicyDryRun": True}, NAME), OK),
        (g.evaluate_cleanup({"cleanupPolicies": {"b": {"action": "KEEP"}}}, NAME), OK),
        (g.evaluate_scanning({}, NAME), UNKNOWN),
    )


def test_remedies_of_a_repository_name_its_project_and_its_place() -> None:
    place = "images --location europe-west1 --project my-project"
    create = g.evaluate_format({"format": "PYTHON"}, NAME).remedy
    assert create == (
        "gcloud artifacts repositories create images --repository-format docker "
        "--location europe-west1 --project my-project  # under another name, for images"
    )
    describe = g.evaluate_format({"format": "DOCKER", "mode": "NEW"}, NAME).remedy
    assert describe == f"gcloud artifacts repositories describe {place}"
    assert g.evaluate_scanning({}, NAME).remedy == describe
    cleanup = g.evaluate_cleanup({"cleanupPolicies": {"a": {"action": "DELETE"}}}, NAME).remedy
    assert cleanup == f"gcloud artifacts repositories list-cleanup-policies {place}"
    tags = g.evaluate_tags({"dockerConfig": {"immutableTags": True}}, NAME).remedy
    assert tags == (
        "gcloud artifacts repositories update images --no-immutable-tags "
        "--location europe-west1 --project my-project"
    )
    off = {"vulnerabilityScanningConfig": {"enablementState": "SCANNING_DISABLED"}}
    assert g.evaluate_scanning(off, NAME).remedy == (
        "gcloud services enable containerscanning.googleapis.com --project my-project"
        "  # costs money for each image"
    )


def pool(name: str, scopes: tuple[str, ...] = ("cloud-platform",), mode: str = "GKE_METADATA"
         ) -> dict[str, Any]:  # fmt: skip
    return {
        "name": name,
        "config": {
            "oauthScopes": [f"https://www.googleapis.com/auth/{scope}" for scope in scopes],
            "workloadMetadataConfig": {"mode": mode},
            "serviceAccount": "nodes@p",
        },
    }


AUTOPILOT = {"autopilot": {"enabled": True}}


def test_clusters() -> None:
    one, two = ({"location": place, "status": "RUNNING"} for place in ("europe-west1", "us-east1"))
    workload = {"workloadIdentityConfig": {"workloadPool": "my-project.svc.id.goog"}}
    judged(
        (c.evaluate_found(Clusters((one,)), GKE), OK),
        (c.evaluate_found(Clusters((one, two)), GKE), WARN),
        (c.evaluate_found(Clusters(()), GKE), FAIL),
        (c.evaluate_found(Clusters((), ("us-east1-b",)), GKE), UNKNOWN),
        (c.evaluate_region({"location": "europe-west1-b"}, GKE), OK),
        (c.evaluate_region({"location": "europe-west10"}, GKE), WARN),
        (c.evaluate_active({"status": "RUNNING"}, GKE), OK),
        (c.evaluate_active({"status": "RUNNING", "conditions": [{"message": "m"}]}, GKE), WARN),
        (c.evaluate_active({"status": "PROVISIONING"}, GKE), WARN),
        *((c.evaluate_active({"status": s}, GKE), FAIL) for s in ("STOPPING", "ERROR", "DEGRADED")),
        (c.evaluate_active({"status": "NEW"}, GKE), UNKNOWN),
        (v.evaluate_scopes(AUTOPILOT, GKE), OK),
        (v.evaluate_scopes({}, GKE), UNKNOWN),
        (v.evaluate_scopes({"nodePools": [pool("a", ("devstorage.read_only",))]}, GKE), OK),
        (v.evaluate_scopes({"nodePools": [pool("a", ("logging.write",))]}, GKE), FAIL),
        (v.evaluate_scopes({"nodePools": [pool("a"), pool("b", ())]}, GKE), WARN),
        (vp.evaluate_workload_identity(AUTOPILOT, GKE), OK),
        (vp.evaluate_workload_identity({"nodePools": [pool("a")]}, GKE), WARN),
        (vp.evaluate_workload_identity({**workload, "nodePools": [pool("a")]}, GKE), OK),
        (vp.evaluate_workload_identity({**workload, "nodePools": [pool("a", mode="")]}, GKE), WARN),
    )


def networks(*cidrs: str) -> dict[str, Any]:
    blocks = [{"cidrBlock": cidr} for cidr in cidrs]
    return {"masterAuthorizedNetworksConfig": {"enabled": True, "cidrBlocks": blocks}}


_NAME = {"endpoint": "gke-1.europe-west1.gke.goog", "allowExternalTraffic": True}
DNS = {"controlPlaneEndpointsConfig": {"dnsEndpointConfig": _NAME}}
PRIVATE = {"privateClusterConfig": {"enablePrivateEndpoint": True}}


def beside(**by_address: Any) -> dict[str, Any]:
    both = {"dnsEndpointConfig": _NAME, "ipEndpointsConfig": by_address}
    return {"controlPlaneEndpointsConfig": both}


@pytest.mark.parametrize(
    ("cluster", "reached", "status"),
    [
        ({}, True, WARN),
        (networks("0.0.0.0/0"), True, WARN),
        (networks("0.0.0.0/1", "128.0.0.0/1"), True, WARN),
        (networks("10.0.0.0/4"), True, WARN),
        (networks("11.0.0.0/8", "20.0.0.0/8", "52.0.0.0/8"), True, WARN),
        (networks("10.0.0.0/8", "172.16.0.0/12"), True, OK),
        (networks("::/0"), True, WARN),
        (networks("nonsense"), True, UNKNOWN),
        (networks("192.0.2.0/24"), True, OK),
        (networks("192.0.2.0/24"), False, WARN),
        (networks("192.0.2.0/24"), Skipped("not asked"), UNKNOWN),
        (networks(), True, OK),
        (PRIVATE, True, OK),
        (PRIVATE, False, WARN),
        (DNS, True, OK),
        (DNS, False, WARN),
        (DNS, Skipped("not asked"), UNKNOWN),
        ({**PRIVATE, **DNS}, True, OK),
        # The name does not close the address.
        (beside(enabled=True, enablePublicEndpoint=True), True, WARN),
        (beside(enabled=True, publicEndpoint="192.0.2.1"), True, WARN),
        (beside(enablePublicEndpoint=True), Skipped("not asked"), WARN),
        ({**DNS, **networks("0.0.0.0/0")}, True, WARN),
        ({**DNS, **networks("192.0.2.0/24")}, True, OK),
        (beside(enabled=False), True, OK),
        (beside(enabled=True, enablePublicEndpoint=False), True, OK),
        (beside(enabled=True, enablePublicEndpoint=False), False, WARN),
    ],
)
def test_endpoints(cluster: Any, reached: Any, status: CheckStatus) -> None:
    assert e.evaluate_endpoint((cluster, reached), GKE).status is status


def test_the_endpoint_is_the_one_that_zenml_takes() -> None:
    closed = {"dnsEndpointConfig": {"endpoint": "gke.goog", "allowExternalTraffic": False}}
    assert endpoint_of({"endpoint": "192.0.2.1", **DNS}) == "https://gke-1.europe-west1.gke.goog"
    both = {"endpoint": "192.0.2.1", "controlPlaneEndpointsConfig": closed}
    assert endpoint_of(both) == "https://192.0.2.1"
    assert endpoint_of({}) == ""


def test_nodes_run_as_accounts() -> None:
    default = "123-compute@developer.gserviceaccount.com"
    scaling: dict[str, Any] = {"autoprovisioningNodePoolDefaults": {"serviceAccount": "auto@p"}}
    by_default = {"name": "b", "config": {"serviceAccount": "default"}}
    assert node_accounts({"nodePools": [pool("a"), pool("b")]}, "123") == ("nodes@p",)
    assert node_accounts({"nodePools": [pool("a"), by_default]}, "123") == ("nodes@p", default)
    assert node_accounts({**AUTOPILOT, "autoscaling": scaling}, "123") == ("auto@p",)
    assert node_accounts(AUTOPILOT, "123") == (default,)
    # Of the pools that auto-provisioning makes too.
    assert node_accounts({"nodePools": [pool("a")], "autoscaling": scaling}, "123") == ("nodes@p",)
    scaling["enableNodeAutoprovisioning"] = True
    both = ("nodes@p", "auto@p")
    assert node_accounts({"nodePools": [pool("a")], "autoscaling": scaling}, "123") == both
    of_default = {"enableNodeAutoprovisioning": True}
    both = ("nodes@p", default)
    assert node_accounts({"nodePools": [pool("a")], "autoscaling": of_default}, "123") == both
    assert node_accounts({}, "123") == ()


def test_of_two_clusters_the_one_in_the_region_is_looked_at() -> None:
    west, east = {"location": "us-west1"}, {"location": "us-east1-b"}
    assert cluster_in(Clusters((west, east)), "us-east1") is east
    assert cluster_in(Clusters((west, east)), "europe-west1") is east  # as ZenML does


@pytest.mark.parametrize(
    ("email", "project"),
    [
        ("a@my-project.iam.gserviceaccount.com", "my-project"),
        ("a@my-project.example.com.iam.gserviceaccount.com", "example.com:my-project"),
        ("123-compute@developer.gserviceaccount.com", "123"),
        ("my-project@appspot.gserviceaccount.com", "my-project"),
        ("me@example.com", None),
    ],
)
def test_an_account_names_its_project(email: str, project: str | None) -> None:
    assert project_of_account(email) == project


def test_projects_and_apis() -> None:
    both = ("a", "b")
    judged(
        (evaluate_project(PROJECT), OK),
        (evaluate_project(replace(PROJECT, state="DELETE_REQUESTED")), FAIL),
        (evaluate_services({"a": "ENABLED", "b": "ENABLED"}, both, R), OK),
        (evaluate_services({"a": "ENABLED", "b": "DISABLED"}, both, R), FAIL),
        (evaluate_services({"a": "ENABLED"}, both, R), UNKNOWN),
        (evaluate_services({"a": "STATE_UNSPECIFIED", "b": "ENABLED"}, both, R), UNKNOWN),
    )


def test_vertex_is_where_it_says() -> None:
    judged(
        (v.evaluate_location(("europe-west1",), R), OK),
        (v.evaluate_location(("us-central1",), R), FAIL),
    )
