"""A GKE cluster through the real engine and the real SDK, over the stand-in."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from kitaru_iac.infrastructure import destroy as d
from kitaru_iac.infrastructure import provision as p
from kitaru_iac.plan.model import Action, Step
from tests.cli.conftest import Kitaru
from tests.clouds.gcp.killing import kill_after
from tests.clouds.gcp.test_cluster import (
    CLUSTER_ID,
    MADE,
    NAME,
    NETWORK_ID,
    NETWORK_NAME,
    NODES,
    OTHERS,
    PODS,
    REGION,
    ROUTER_ID,
    SUBNET_ID,
    THERE,
    gke,
)
from tests.clouds.gcp.world import World
from tests.doubles.gcp_state import PROJECT, PROJECT_NUMBER

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

BUCKET = f"kitaru-prod-{PROJECT_NUMBER}-{REGION}"
REPOSITORY = f"projects/{PROJECT}/locations/{REGION}/repositories/kitaru-prod"
REGISTRY = f"{REGION}-docker.pkg.dev/{PROJECT}/kitaru-prod"


def changes(steps: tuple[Step, ...]) -> list[Step]:
    return [step for step in steps if step.action is not Action.KEEP]


def members(world: World, where: str) -> dict[str, list[str]]:
    return {one["role"]: one["members"] for one in world.state.policy(where)["bindings"]}


def test_a_cluster_is_made_registered_converged_and_taken_down(
    kitaru: Kitaru, registering: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world = registering
    monkeypatch.setattr("kitaru_iac.engine.patience.PAUSES", (0, 0, 0))
    for service in ("compute", "container"):
        world.state.enabled_services.discard(f"{service}.googleapis.com")
    theirs = world.gcp.cluster("theirs", REGION, resource_labels=OTHERS)
    known = [
        *("prod", "--type", "kubernetes", "--region", REGION, "--project", PROJECT),
        *("--credentials", f"gcp-service-account:{world.gcp.credentials_file}"),
    ]
    file = tmp_path / "stack.yaml"
    file.write_text(yaml.safe_dump({**spec(), "credentials": known[-1], "namespace": "runs"}))
    prod = ["-f", str(file)]

    unasked = kitaru("stack", "create", *prod)
    assert unasked.code == 1
    plan = unasked.err.partition("has to be confirmed")[0]
    assert "create   namespace runs  (in the cluster kitaru-prod)" in plan
    words = (NAME, NETWORK_NAME, f"Cloud NAT of {NETWORK_NAME}", NODES, "container.googleapis.com")
    assert [word for word in words if word not in plan] == []
    assert list(world.state.clusters) == [theirs]
    assert world.state.compute == {}

    # What the cluster does not let its maker do is no failure of the rest, and is said.
    world.state.late[NODES] = 1
    world.state.denied.add("container.namespaces.create")
    monkeypatch.setattr("kitaru_iac.infrastructure.namespaces._PAUSES", (0,))
    made = kitaru("stack", "create", *prod, "--yes")
    assert made.code == 0, made.err
    look_at_what_was_made(world)
    assert "kubectl create namespace runs" in made.err
    assert "Uses namespace: runs" in made.out
    assert world.api.namespaces == {"ml"}
    shown = kitaru("stack", "show", "prod", "-o", "json")
    assert NAME in shown.out

    found = [
        *("--artifact-store", f"gs://{BUCKET}", "--container-registry", REGISTRY),
        *("--cluster", NAME),
    ]
    verified = kitaru("stack", "verify", *known, *found, "-o", "json")
    by_id = {check["id"]: check for check in verified.document["item"]["results"]}
    for check in ("exists", "region", "active", "workload_identity", "pod_identity", "pull"):
        assert by_id[f"gcp.cluster.{check}"]["status"] == "ok", by_id[f"gcp.cluster.{check}"]
    assert not [one for one in by_id.values() if one["status"] == "fail"]

    # Nothing else is left to do; the next run that may makes it.
    world.state.denied.discard("container.namespaces.create")
    again = kitaru("stack", "preview", *prod, "--detailed-exitcode", "-o", "json")
    assert again.code == 2, again.err
    (entry,) = again.document["item"]["stacks"]
    left = [one["address"] for one in entry["changes"] if one["actions"] != ["no-op"]]
    assert left == ["infrastructure/namespace/runs"]

    # Drift is shown: somebody opened the cluster, and took the way out away.
    networks = world.state.clusters[CLUSTER_ID].master_authorized_networks_config
    networks.cidr_blocks[0].cidr_block = "0.0.0.0/0"
    world.state.compute[ROUTER_ID]["nats"].clear()
    shown = kitaru("stack", "preview", *prod, "--detailed-exitcode", "-o", "json")
    assert shown.code == 2
    assert "masterAuthorizedNetworksConfig" in shown.out
    assert f"Cloud NAT of {NETWORK_NAME}" in shown.out
    mended = kitaru("stack", "apply", *prod, "--yes", "-o", "json")
    assert mended.code == 0, mended.err
    look_at_what_was_made(world)
    assert world.api.labels["runs"]["pulumi-stack"] == "prod"

    gone = kitaru(
        *("stack", "delete", "prod", "--recursive", "--force", "--infra", "--yes", "-o", "json")
    )
    assert gone.code == 0, gone.err
    assert list(world.state.clusters) == [theirs]
    assert world.state.compute == {}
    assert NODES not in world.state.service_accounts
    assert members(world, f"buckets/{BUCKET}") == {}, "the bucket is kept, and nobody is let in"
    assert members(world, REPOSITORY) == {}
    assert "container.googleapis.com" in world.state.enabled_services
    deleted = gone.document["item"]["infrastructure_deleted"]
    names = {one["name"].rpartition("/")[2] for one in deleted}
    assert {NAME, NODES, NETWORK_NAME} <= names, deleted
    kinds = {one["kind"] for one in deleted}
    assert "gcp:projects/service:Service" not in kinds, "APIs stay, and are not told as deleted"


def look_at_what_was_made(world: World) -> None:
    cluster = world.state.clusters[CLUSTER_ID]
    assert cluster.autopilot.enabled
    assert cluster.private_cluster_config.enable_private_nodes
    networks = cluster.master_authorized_networks_config
    assert [one.cidr_block for one in networks.cidr_blocks] == ["203.0.113.7/32"]
    assert not networks.gcp_public_cidrs_access_enabled
    assert dict(cluster.resource_labels)["pulumi-stack"] == "prod"
    assert {at.split("/")[-2] for at in world.state.compute} == {
        "networks", "subnetworks", "routers",
    }  # fmt: skip
    assert [one["name"] for one in world.state.compute[ROUTER_ID]["nats"]] == [NETWORK_NAME]
    assert members(world, f"buckets/{BUCKET}") == {
        "roles/storage.objectUser": [PODS],
        "roles/storage.legacyBucketReader": [PODS],
    }
    nodes = f"serviceAccount:{NODES}"
    assert members(world, REPOSITORY) == {"roles/artifactregistry.reader": [nodes]}
    assert members(world, PROJECT)["roles/container.defaultNodeServiceAccount"] == [nodes]


def test_a_cluster_in_somebodys_subnetwork_leaves_their_network_as_it_is(making: World) -> None:
    state = making.state
    network = f"projects/{PROJECT}/global/networks/team"
    theirs = {network: {"name": "team"}, SUBNET_ID: {"name": "team", "network": network}}
    state.compute.update(copy.deepcopy(theirs))
    planned = {step.name for step in changes(p.preview_infrastructure(gke(THERE)).steps)}
    assert NAME in planned
    assert not planned & {"team", NETWORK_NAME, f"Cloud NAT of {NETWORK_NAME}"}

    made = p.provision(gke(THERE))
    cluster = state.clusters[CLUSTER_ID]
    assert cluster.private_cluster_config.enable_private_endpoint
    assert not changes(p.preview_infrastructure(gke(THERE)).steps)

    gone = d.destroy_infrastructure(made.labels, include_protected=True)
    assert gone.kept == ()
    assert state.clusters == {}
    assert state.compute == theirs


# -- killed in the middle --------------------------------------------------------------------------


def spec() -> dict[str, Any]:
    return {
        "name": "prod",
        "type": "kubernetes",
        "region": REGION,
        "project": PROJECT,
        "infra": "provision",
        "resources": {"cluster": "create"},
        "infrastructure": MADE,
    }


def test_runs_killed_twice_are_completed_by_the_next_and_strangers_are_left_alone(
    making: World, tmp_path: Path
) -> None:
    """What was made and the state does not know of is taken over: an account, then the cluster."""
    making.gcp.repository("theirs", labels={"kitaru-stack": "prod"})
    kill_after("gcp:serviceaccount/account:Account", tmp_path, spec())
    assert NODES in making.state.service_accounts
    assert CLUSTER_ID not in making.state.clusters
    kill_after("gcp:container/cluster:Cluster", tmp_path, spec())
    assert CLUSTER_ID in making.state.clusters
    at = making.state.clusters[CLUSTER_ID]

    # Meanwhile somebody else's labels are on it: then it is not ours to take over.
    own = dict(at.resource_labels)
    at.resource_labels = {**own, "pulumi-stack": "dev"}
    with pytest.raises(Exception, match="pulumi-stack=prod"):
        p.provision(gke())
    at.resource_labels = own
    said: list[str] = []
    made = p.provision(gke(), progress=said.append)
    assert any("unlocking" in line for line in said), said
    assert any("cut off" in line for line in said)
    assert not changes(p.preview_infrastructure(gke()).steps)

    gone = d.destroy_infrastructure(made.labels, include_protected=True)
    assert gone.kept == ()
    assert BUCKET not in making.state.buckets
    assert making.state.clusters == {}
    assert making.state.compute == {}, NETWORK_ID
    theirs = f"projects/{PROJECT}/locations/{REGION}/repositories/theirs"
    assert list(making.state.repositories) == [theirs]
