"""A GKE cluster: what is made, in which network, and whose it is; without the engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from kitaru_iac.checks.probes import Denied, NotFound
from kitaru_iac.clouds.gcp.provision import names
from kitaru_iac.clouds.gcp.provision.account import Account
from kitaru_iac.clouds.gcp.provision.args import INSIDE, OUTPUTS, InfrastructureArgs
from kitaru_iac.clouds.gcp.provision.labels import described
from kitaru_iac.clouds.gcp.provision.layout import Layout, layout
from kitaru_iac.clouds.gcp.provision.marked import claim_of
from kitaru_iac.clouds.gcp.provision.own_policy import provision_policy
from kitaru_iac.clouds.gcp.provision.ownership import CLUSTER, NAT, NETWORK, ROUTER, SUBNET, claims
from kitaru_iac.clouds.gcp.provision.program import physical_names
from kitaru_iac.clouds.gcp.provision.roles import OF_NODES
from kitaru_iac.clouds.gcp.provision.target import passing, target
from kitaru_iac.clouds.outputs import filled
from kitaru_iac.clouds.provider import marks
from kitaru_iac.errors import DescriptionError, KitaruError
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import StackSpec
from tests.clouds.gcp.programs import Made, made_of
from tests.clouds.gcp.world import World
from tests.doubles.gcp_state import PROJECT, PROJECT_NUMBER

REGION = "europe-west1"
NAME = "kitaru-prod"
NETWORK_NAME = f"kitaru-prod-{REGION}"
CLUSTER_ID = f"projects/{PROJECT}/locations/{REGION}/clusters/{NAME}"
NETWORK_ID = f"projects/{PROJECT}/global/networks/{NETWORK_NAME}"
ROUTER_ID = f"projects/{PROJECT}/regions/{REGION}/routers/{NETWORK_NAME}"
NODES = f"kitaru-prod-gke@{PROJECT}.iam.gserviceaccount.com"
SUBNET_ID = f"projects/{PROJECT}/regions/{REGION}/subnetworks/team"
PODS = (
    f"principalSet://iam.googleapis.com/projects/{PROJECT_NUMBER}/locations/global/"
    f"workloadIdentityPools/{PROJECT}.svc.id.goog/kubernetes.cluster/"
    f"https://container.googleapis.com/v1/{CLUSTER_ID}"
)
OWN = marks("kitaru", "prod")
OTHERS = {**OWN, "pulumi-stack": "dev"}
MADE: dict[str, Any] = {"network": "create", "endpoint_access": ["203.0.113.7/32"]}
THERE: dict[str, Any] = {"subnets": [SUBNET_ID], "endpoint_access": []}
#: Of the host project of a Shared VPC.
HOSTS_ID = f"projects/host-project/regions/{REGION}/subnetworks/team"
SHARED: dict[str, Any] = {**THERE, "subnets": [HOSTS_ID]}


def gke(options: Mapping[str, Any] = MADE, **more: Any) -> StackSpec:
    keys: dict[str, Any] = {
        "name": "prod",
        "type": "kubernetes",
        "region": REGION,
        "project": PROJECT,
    }
    keys |= {"infra": "provision", "resources": {"cluster": "create"}}
    return from_mapping({**keys, "infrastructure": options, **more})


def planned(spec: StackSpec) -> Layout:
    return layout(spec, PROJECT, PROJECT_NUMBER, REGION)


def only(made: list[Made], kind: str) -> Mapping[str, Any]:
    (found,) = [one.inputs for one in made if one.type == kind]
    return found


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stack", ["prod", "a", "x" * 100, "team.ml_2", "-".join(["ab"] * 30)])
def test_names_are_what_google_takes(stack: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,38}[a-z0-9]", names.cluster_name(stack))
    network = names.network_name(stack, "northamerica-northeast1")
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,61}[a-z0-9]", network)
    assert re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", names.nodes_id(stack))


def test_names_stay_as_they_are() -> None:
    assert names.cluster_name("prod") == NAME
    assert names.network_name("prod", REGION) == NETWORK_NAME
    assert names.nodes_id("prod") == "kitaru-prod-gke"
    assert names.nodes_id("prod") != names.workload_id("prod")


# -- layout ----------------------------------------------------------------------------------------


def test_a_cluster_is_made_where_it_is_asked_for() -> None:
    found = planned(gke())
    assert (found.new_cluster, found.cluster, found.nodes_email) == (NAME, NAME, NODES)
    assert found.services == (
        *("artifactregistry.googleapis.com", "compute.googleapis.com"),
        *("container.googleapis.com", "iam.googleapis.com", "storage.googleapis.com"),
    )
    assert set(found.args()) - {"tags"} <= set(InfrastructureArgs.__annotations__)
    assert planned(gke(cluster="team")).new_cluster == "team"
    existing = planned(gke({}, resources={}, cluster="team"))
    assert (existing.new_cluster, existing.cluster) == (None, "team")


def test_a_filled_description_stays_the_same_one() -> None:
    first = planned(gke())
    assert planned(filled(gke(), {key: getattr(first, key) for key in OUTPUTS})) == first


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        (gke({"endpoint_access": []}),
         {"infrastructure.network": "it is not said in which network the new cluster is"}),
        (gke({"endpoint_access": [],
              "subnets": [f"projects/{PROJECT}/regions/us-central1/subnetworks/team"]}),
         {"infrastructure.subnets[0]": f"the subnetwork is in us-central1, and the stack in "
                                       f"{REGION}"}),
        (gke(resources={"cluster": "create", "role": "skip"}),
         {"resources.role": "a new cluster makes its own service account, and role is `skip`"}),
        (gke({}, resources={}), {"cluster": "no cluster is named, and none is made unasked"}),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused(spec: StackSpec, wrong: dict[str, str]) -> None:
    with pytest.raises(DescriptionError) as error:
        planned(spec)
    assert {problem.field: problem.what for problem in error.value.problems} == wrong


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"network": "create"}, "infrastructure.endpoint_access"),
        ({**THERE, "network": "create"}, "infrastructure.network"),
        ({**THERE, "subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]},
         "infrastructure.subnets[0]"),
        ({**THERE, "subnets": [SUBNET_ID, SUBNET_ID + "2"]}, "infrastructure.subnets"),
        ({**THERE, "subnets": ["team"]}, "infrastructure.subnets[0]"),
        ({**MADE, "instance_type": "m7i.large"}, "infrastructure.instance_type"),
        ({**MADE, "max_nodes": 5}, "infrastructure.max_nodes"),
        ({**MADE, "kubernetes_version": "1.34"}, "infrastructure.kubernetes_version"),
    ],
)  # fmt: skip
def test_options_that_mean_nothing_here_are_refused(options: dict[str, Any], field: str) -> None:
    with pytest.raises(DescriptionError) as error:
        gke(options)
    assert field in {problem.field for problem in error.value.problems}


# -- the program -----------------------------------------------------------------------------------


def test_the_cluster_is_private_and_open_to_those_who_are_named() -> None:
    made, out = made_of(gke(tagged(MADE)))
    assert out["cluster"] == NAME
    cluster = only(made, CLUSTER)
    assert (cluster["name"], cluster["location"], cluster["project"]) == (NAME, REGION, PROJECT)
    assert cluster["enableAutopilot"] is True
    assert cluster["privateClusterConfig"] == {
        "enablePrivateNodes": True,
        "enablePrivateEndpoint": False,
    }
    assert cluster["masterAuthorizedNetworksConfig"] == {
        "cidrBlocks": [{"cidrBlock": "203.0.113.7/32"}],
        "gcpPublicCidrsAccessEnabled": False,
    }
    assert cluster["controlPlaneEndpointsConfig"] == {
        "dnsEndpointConfig": {"allowExternalTraffic": False}
    }
    assert cluster["releaseChannel"] == {"channel": "REGULAR"}
    assert cluster["deletionProtection"] is False
    assert cluster["resourceLabels"] == {**OWN, "team": "ml"}
    assert cluster["clusterAutoscaling"]["autoProvisioningDefaults"]["serviceAccount"] == NODES


def tagged(options: Mapping[str, Any]) -> dict[str, Any]:
    return {**options, "tags": {"team": "ml"}}


def test_nobody_named_is_nobody_let_in() -> None:
    options = {**THERE, "dns_endpoint": True, "deletion_protection": True}
    made, _ = made_of(gke(options))
    cluster = only(made, CLUSTER)
    assert cluster["privateClusterConfig"]["enablePrivateEndpoint"] is True
    assert cluster["masterAuthorizedNetworksConfig"] == {
        "cidrBlocks": [],
        "gcpPublicCidrsAccessEnabled": False,
    }
    assert cluster["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["allowExternalTraffic"]
    assert cluster["deletionProtection"] is True


def test_what_is_said_to_lie_in_another_thing_is_made() -> None:
    made, _ = made_of(gke())
    assert {one.type for one in made} >= INSIDE


def test_a_network_is_made_or_a_subnetwork_is_used() -> None:
    made, _ = made_of(gke())
    assert only(made, NETWORK)["autoCreateSubnetworks"] is False
    subnet = only(made, SUBNET)
    assert subnet["privateIpGoogleAccess"] is True
    ranges = {one["rangeName"] for one in subnet["secondaryIpRanges"]}
    wanted = only(made, CLUSTER)["ipAllocationPolicy"]
    assert set(wanted.values()) == ranges == {"pods", "services"}
    for kind in (NETWORK, SUBNET, ROUTER):
        assert only(made, kind)["description"] == described(OWN, REGION), kind
    assert only(made, NAT)["sourceSubnetworkIpRangesToNat"] == "ALL_SUBNETWORKS_ALL_IP_RANGES"

    used, _ = made_of(gke(THERE))
    cluster = only(used, CLUSTER)
    assert cluster["subnetwork"] == SUBNET_ID
    assert cluster["network"] == "projects/p/global/networks/team"
    assert "ipAllocationPolicy" not in cluster
    assert not [one for one in used if one.type.startswith("gcp:compute/")]

    shared, _ = made_of(gke(SHARED))
    cluster = only(shared, CLUSTER)
    assert cluster["subnetwork"] == HOSTS_ID
    assert cluster["ipAllocationPolicy"] == wanted, "GKE adds no ranges to what it does not own"


def test_a_program_says_in_which_network_too() -> None:
    given = planned(gke()).args()
    del given["network"]
    with pytest.raises(pulumi.RunError, match="in which network"):
        made_of(given)


def grants(made: list[Made]) -> set[tuple[str, str]]:
    return {
        (str(one.inputs["role"]), str(one.inputs["member"]))
        for one in made
        if one.type.lower().endswith("iammember")
    }


def test_pods_use_the_bucket_and_nodes_pull() -> None:
    made, _ = made_of(gke())
    nodes = f"serviceAccount:{NODES}"
    found = {
        ("roles/storage.objectUser", PODS),
        ("roles/storage.legacyBucketReader", PODS),
        ("roles/artifactregistry.reader", nodes),
        (OF_NODES, nodes),
    }
    assert grants(made) == found
    # The bucket and the repository are there: a new cluster uses them all the same.
    there = {
        "artifact_store": "gs://team/kitaru",
        "container_registry": f"{REGION}-docker.pkg.dev/{PROJECT}/team",
    }
    assert grants(made_of(gke(**there))[0]) == found
    elsewhere = {**there, "container_registry": f"eu.gcr.io/{PROJECT}/team"}
    pulls = {role for role, _ in grants(made_of(gke(**elsewhere))[0])}
    assert "roles/artifactregistry.reader" not in pulls


def test_every_part_has_the_clouds_name_in_a_plan() -> None:
    for options in (MADE, THERE):
        made, _ = made_of(gke(options))
        parts = {one.name for one in made if one.type.startswith("gcp:")}
        assert parts <= physical_names(planned(gke(options))).keys()


# -- who provisions --------------------------------------------------------------------------------


def permissions(spec: StackSpec) -> set[str]:
    return set(provision_policy(spec)["roles"]["kitaruProdProvisionProject"]["includedPermissions"])


def test_the_own_policy_speaks_of_what_is_made() -> None:
    found = permissions(gke())
    assert {"container.clusters.create", "iam.serviceAccounts.actAs",
            "compute.networks.create", "compute.routers.update"} <= found  # fmt: skip
    there = permissions(gke(THERE))
    assert "compute.networks.create" not in there
    assert "compute.subnetworks.use" in there
    without = permissions(gke({}, resources={}, cluster="team"))
    # What is there may be looked at, and nothing more.
    looks = {"container.clusters.get", "container.clusters.list"}
    assert {one for one in without if one.startswith("container.")} == looks
    # Inside the cluster it makes the namespace that not every one has, and no more.
    assert not any(".namespaces." in one or one.endswith(".connect") for one in found)
    more = {"container.namespaces.create", "container.namespaces.get"}
    assert permissions(gke(namespace="ml")) - found == more
    by_name = permissions(gke({**MADE, "dns_endpoint": True}, namespace="ml"))
    assert by_name - found == {*more, "container.clusters.connect"}
    assert not any(
        one in permissions(gke({**MADE, "dns_endpoint": True})) for one in by_name - found
    )
    assert permissions(gke({}, resources={}, cluster="team", namespace="ml")) == without
    *_, condition = [
        one["condition"] for one in provision_policy(gke())["bindings"] if "condition" in one
    ]
    assert condition["expression"].endswith(f".hasOnly(['{OF_NODES}'])")


def test_a_subnetwork_of_another_project_is_used_by_a_role_of_that_one() -> None:
    document = provision_policy(gke(SHARED))
    (binding,) = [one for one in document["bindings"] if HOSTS_ID in one["resource"]]
    assert binding["resource"] == f"//compute.googleapis.com/{HOSTS_ID}"
    of, _, role = binding["role"].rpartition("/")
    assert of == "projects/host-project/roles"
    using = ["compute.subnetworks.get", "compute.subnetworks.use"]
    assert document["roles"][role]["includedPermissions"] == using
    assert len(provision_policy(gke(THERE))["bindings"]) == len(document["bindings"]) - 1


def test_the_pool_of_a_first_cluster_is_waited_for() -> None:
    failure = f"googleapi: Error 400: Identity Pool does not exist ({PROJECT}.svc.id.goog). Please"
    assert passing(failure) == f"Google does not know the identity pool {PROJECT}.svc.id.goog yet"


# -- whose it is -----------------------------------------------------------------------------------


@pytest.fixture
def account(world: World) -> Account:
    return Account.open(None, PROJECT, REGION)


def part(world: World, path: str, whose: Mapping[str, str] = OWN, **more: Any) -> None:
    text = described(whose, REGION)
    world.state.compute[path] = {"name": path.rsplit("/", 1)[1], "description": text, **more}


def test_all_names_are_looked_up_beforehand() -> None:
    kinds = [claim.type for claim in claims(planned(gke()))]
    assert {CLUSTER, NETWORK, SUBNET, ROUTER} <= set(kinds)
    there = {claim.type for claim in claims(planned(gke(THERE)))}
    assert CLUSTER in there
    assert not {NETWORK, SUBNET, ROUTER} & there


@pytest.mark.parametrize("kind", [CLUSTER, NETWORK, SUBNET, ROUTER])
def test_a_namesake_is_not_ours(world: World, account: Account, kind: str) -> None:
    (claim,) = [one for one in claims(planned(gke())) if one.type == kind]
    assert account.sight(kind, claim.inputs, OWN) is None
    path = {
        CLUSTER: CLUSTER_ID,
        NETWORK: NETWORK_ID,
        SUBNET: ROUTER_ID.replace("routers", "subnetworks"),
        ROUTER: ROUTER_ID,
    }[kind]
    for whose, foreign in ((OTHERS, "pulumi-stack=prod"), (OWN, None)):
        world.state.clusters.clear()
        if kind == CLUSTER:
            world.gcp.cluster(NAME, REGION, resource_labels=whose)
        else:
            part(world, path, whose)
        found = account.sight(kind, claim.inputs, OWN)
        assert found is not None
        assert found.id == path
        assert (found.foreign or "").endswith(foreign or "")
        assert bool(found.foreign) is bool(foreign)


def test_a_nat_is_its_routers(world: World, account: Account) -> None:
    inputs = {"name": NETWORK_NAME, "router": NETWORK_NAME, "region": REGION, "project": PROJECT}
    assert account.sight(NAT, inputs, OWN) is None
    part(world, ROUTER_ID)
    assert account.sight(NAT, inputs, OWN) is None, "the router has none"
    part(world, ROUTER_ID, OTHERS, nats=[{"name": NETWORK_NAME}])
    found = account.sight(NAT, inputs, OWN)
    assert found is not None
    assert found.id == f"{PROJECT}/{REGION}/{NETWORK_NAME}/{NETWORK_NAME}"
    assert found.foreign == "it lacks the words in its description pulumi-stack=prod"


@pytest.mark.parametrize(
    ("kind", "permission"),
    [(CLUSTER, "container.clusters.get"), (NETWORK, "compute.networks.get")],
)
def test_what_is_denied_is_not_free(
    world: World, account: Account, kind: str, permission: str
) -> None:
    (claim,) = [one for one in claims(planned(gke())) if one.type == kind]
    world.gcp.deny(permission)
    with pytest.raises(KitaruError, match="cannot be told") as error:
        account.sight(kind, claim.inputs, OWN)
    assert permission in str(error.value.why)


def test_what_carries_the_marks_is_found(world: World, account: Account) -> None:
    world.gcp.cluster("under-another-name", REGION, resource_labels=OWN)
    world.gcp.cluster("theirs", REGION, resource_labels=OTHERS)
    part(world, NETWORK_ID)
    part(world, NETWORK_ID + "2", OTHERS)
    found = account.marked(OWN)
    assert found.unseen == ()
    assert {sight.name for sight in found.found} == {
        "GKE cluster under-another-name",
        f"network {NETWORK_NAME}",
    }
    world.gcp.deny("container.clusters.list", "compute.networks.list")
    assert len(account.marked(OWN).unseen) == 2


def test_an_id_of_a_state_means_the_claim_that_it_was_made_for() -> None:
    known = {one.type: one for one in claims(planned(gke()))}
    assert claim_of(CLUSTER_ID) == known[CLUSTER]
    assert claim_of(NETWORK_ID) == known[NETWORK]


# -- what a description names ----------------------------------------------------------------------


def test_zenml_could_take_a_namesake_elsewhere(world: World, account: Account) -> None:
    assert account.unfit(gke()) == []
    world.gcp.cluster(NAME, REGION)
    assert account.unfit(gke()) == [], "told by its labels"
    world.gcp.cluster(NAME, "us-central1")
    (problem,) = account.unfit(gke())
    assert problem.what == f"there is a cluster {NAME} in us-central1 already"


def test_a_subnetwork_has_to_be_there(world: World, account: Account) -> None:
    (problem,) = account.unfit(gke(THERE))
    assert problem.field == "infrastructure.subnets[0]"
    part(world, SUBNET_ID)
    assert account.unfit(gke(THERE)) == []
    world.state.compute.clear()
    world.gcp.deny("compute.subnetworks.get")
    assert account.unfit(gke(THERE)) == [], "who may not look is not stopped"


def test_a_subnetwork_of_another_project_has_to_have_its_ranges(
    world: World, account: Account
) -> None:
    part(world, HOSTS_ID, secondaryIpRanges=[{"rangeName": "pods"}])
    (problem,) = account.unfit(gke(SHARED))
    assert problem.field == "infrastructure.subnets[0]"
    assert problem.what == f"the subnetwork {HOSTS_ID} has no secondary range services"
    ranges = [{"rangeName": name} for name in ("services", "pods")]
    part(world, HOSTS_ID, secondaryIpRanges=ranges)
    assert account.unfit(gke(SHARED)) == []


@pytest.mark.parametrize(
    ("owner", "shared"), [(PROJECT, False), ("host-project", True), (PROJECT_NUMBER, False)]
)
def test_whose_a_subnetwork_is(owner: str, shared: bool) -> None:
    assert names.is_shared(SUBNET_ID.replace(PROJECT, owner), PROJECT) is shared


def test_what_is_the_users_to_do_is_said(world: World) -> None:
    assert target(gke()).notes == ()
    uri = f"eu.gcr.io/{PROJECT}/team"
    (note,) = target(gke(namespace="ml", container_registry=uri)).notes
    assert "repositories add-iam-policy-binding eu.gcr.io" in note
    assert NODES in note


def test_a_new_cluster_is_to_have_the_namespace_that_not_every_one_has(world: World) -> None:
    assert target(gke()).namespace is None
    assert target(gke({}, cluster="team", resources={}, namespace="ml")).namespace is None
    wanted = target(gke(namespace="ml")).namespace
    assert wanted is not None
    assert (wanted.name, wanted.cluster) == ("ml", NAME)
    assert wanted.by_hand == (
        f"gcloud container clusters get-credentials {NAME} --location {REGION} "
        f"--project {PROJECT} && kubectl create namespace ml"
    )
    with pytest.raises(NotFound):
        wanted.api()  # it is yet to be made
    world.gcp.cluster(NAME, REGION, endpoint=world.api.endpoint)
    assert wanted.api().namespace("ml") == "ml"
    world.api.namespaces = set()
    assert wanted.api().make_namespace("ml", {}) is True
    world.state.denied.add("container.clusters.get")
    with pytest.raises(Denied):
        wanted.api()


def test_the_grants_that_an_existing_cluster_goes_without_are_said(world: World) -> None:
    nodes, pods = target(gke({}, cluster="team", resources={})).notes
    for note, whose in ((nodes, "nodes"), (pods, "pods")):
        assert note.startswith(f"This grants the {whose} of team nothing")
    assert "here nobody else has" in nodes  # nobody has looked what they have been granted
    assert "ZenML reaches the bucket with the connector's credentials" in pods
    assert "repositories add-iam-policy-binding kitaru-prod" in nodes
    assert "buckets add-iam-policy-binding gs://kitaru-prod-" in pods
    for account in ("zenml-service-account", "default"):
        assert f"/{PROJECT}.svc.id.goog/subject/ns/default/sa/{account}" in pods
    there = {
        "artifact_store": "gs://team-data",
        "container_registry": f"{REGION}-docker.pkg.dev/{PROJECT}/team",
    }
    assert target(gke({}, cluster="team", resources={}, **there)).notes == ()
