"""The cluster that a description asks for, as the program registers it; see `programs`."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

import botocore.loaders
import pytest

from kitaru_iac.clouds.aws.provision.args import INSIDE
from kitaru_iac.clouds.aws.provision.cluster import ami_type
from kitaru_iac.clouds.aws.provision.cluster_access import former_names, name_of
from kitaru_iac.clouds.aws.provision.layout import layout
from kitaru_iac.clouds.aws.provision.names import CLUSTER_ROLES
from kitaru_iac.clouds.aws.provision.ownership import claims
from kitaru_iac.clouds.aws.provision.program import physical_names
from kitaru_iac.spec import from_mapping
from tests.clouds.aws.programs import ACCOUNT, Made, made_of, one

SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
OTHER = "210987654321"
OFFICE = "203.0.113.0/24"
CLUSTER, NODES = "eks/cluster:Cluster", "eks/nodeGroup:NodeGroup"


def made_with(
    preview: bool = False, keys: dict[str, Any] | None = None, **options: Any
) -> list[Made]:
    if "network" not in options:
        options = {"subnets": SUBNETS, **options}
    given = {
        "name": "prod", "type": "kubernetes", "region": "eu-west-1", "infra": "provision",
        "artifact_store": "s3://team-data/kitaru", "resources": {"cluster": "create"},
        "infrastructure": {"endpoint_access": [OFFICE], **options}, **(keys or {}),
    }  # fmt: skip
    planned = layout(from_mapping(given), ACCOUNT, str(given["region"]))
    return made_of(planned.args(), preview=preview)


def test_the_endpoint_is_open_to_those_who_are_named() -> None:
    network = one(made_with(), CLUSTER)["vpcConfig"]
    assert (network["endpointPublicAccess"], network["publicAccessCidrs"]) == (True, [OFFICE])
    assert network["endpointPrivateAccess"] is True
    assert network["subnetIds"] == SUBNETS


def test_nobody_named_is_nobody_let_in() -> None:
    network = one(made_with(endpoint_access=[]), CLUSTER)["vpcConfig"]
    assert network["endpointPublicAccess"] is False
    assert network["endpointPrivateAccess"] is True
    assert "publicAccessCidrs" not in network


def test_nodes_are_as_they_were_asked_for() -> None:
    group = one(made_with(), NODES)
    assert group["scalingConfig"] == {"minSize": 1, "desiredSize": 2, "maxSize": 3}
    assert (group["instanceTypes"], group["diskSize"]) == (["t3.large"], 100)
    group = one(
        made_with(instance_type="m7g.xlarge", nodes=5, min_nodes=2, max_nodes=9, node_disk=200),
        NODES,
    )
    assert group["scalingConfig"] == {"minSize": 2, "desiredSize": 5, "maxSize": 9}
    assert (group["instanceTypes"], group["diskSize"]) == (["m7g.xlarge"], 200)
    assert group["amiType"] == "AL2023_ARM_64_STANDARD"


@pytest.mark.parametrize(
    ("instance", "image"),
    [
        *((i, "AL2023_x86_64_STANDARD") for i in ("t3.large", "m7i.xlarge", "c6a.large")),
        *((i, "AL2023_ARM_64_STANDARD") for i in ("t4g.large", "c7gn.large", "a1.large")),
        *((i, "AL2023_ARM_64_STANDARD") for i in ("im4gn.large", "x2gd.large", "m8gd.large")),
        *((i, "AL2023_x86_64_NVIDIA") for i in ("g4dn.xlarge", "g6.xlarge", "p5.48xlarge")),
        *((i, "AL2023_x86_64_NVIDIA") for i in ("gr6.4xlarge", "gr6f.4xlarge", "p6-b200.48xlarge")),
        *((i, "AL2023_ARM_64_NVIDIA") for i in ("g5g.xlarge", "p6e-gb200.36xlarge")),
        ("g4ad.xlarge", "AL2023_x86_64_STANDARD"),
    ],
)
def test_nodes_get_the_image_of_their_processor(instance: str, image: str) -> None:
    assert ami_type(instance) == image


def test_every_family_with_an_nvidia_gpu_gets_an_image_with_its_driver() -> None:
    """As boto3 lists them: of the families whose names begin so, one has an AMD GPU."""
    model = botocore.loaders.Loader().load_service_model("ec2", "service-2")
    families = {name.partition(".")[0] for name in model["shapes"]["InstanceType"]["enum"]}
    with_gpu = {name for name in families if re.match(r"(g|gr|p)[0-9]", name)} - {"g4ad"}
    assert len(with_gpu) > 15
    assert {n for n in families if ami_type(f"{n}.large").endswith("_NVIDIA")} == with_gpu
    eks = botocore.loaders.Loader().load_service_model("eks", "service-2")
    images = set(eks["shapes"]["AMITypes"]["enum"])
    assert {ami_type(f"{name}.large") for name in families} <= images


def test_a_version_is_the_one_that_was_asked_for_or_the_newest() -> None:
    assert one(made_with(kubernetes_version="1.34"), CLUSTER)["version"] == "1.34"
    assert "version" not in one(made_with(), CLUSTER)


# --- what makes it usable


def every(made: list[Made], type: str) -> list[Made]:
    return [each for each in made if each.type == f"aws:{type}"]


def test_the_add_ons_are_managed_ones_in_their_order() -> None:
    made = made_with()
    assert one(made, CLUSTER)["bootstrapSelfManagedAddons"] is False
    names = {each.inputs["addonName"] for each in every(made, "eks/addon:Addon")}
    assert names == {"vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent"}
    order = [each.name for each in made]
    nodes = order.index("stack-nodes")
    assert order.index("stack-addon-vpc-cni") < nodes < order.index("stack-addon-coredns")


def test_pods_have_the_identity_that_the_table_says() -> None:
    made = made_with(keys={"namespace": "ml"})
    roles = {each.name: each.inputs for each in every(made, "iam/role:Role")}
    trust = json.loads(roles["stack-pods-role"]["assumeRolePolicy"])["Statement"][0]
    assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert trust["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    cluster = f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/kitaru-prod"
    assert trust["Condition"]["ArnEquals"] == {"aws:SourceArn": cluster}
    document = json.loads(one(made, "iam/rolePolicy:RolePolicy")["policy"])
    things = {each["Sid"]: each["Resource"] for each in document["Statement"]}
    assert things == {
        "Listing": "arn:aws:s3:::team-data",
        "Objects": "arn:aws:s3:::team-data/kitaru/*",
    }
    associations = every(made, "eks/podIdentityAssociation:PodIdentityAssociation")
    given = {(a.inputs["namespace"], a.inputs["serviceAccount"]) for a in associations}
    # The first is what ZenML makes for its orchestrator, the second what steps run as.
    assert given == {("ml", "zenml-service-account"), ("ml", "default")}
    assert {a.inputs["roleArn"] for a in associations} == {"arn:of:stack-pods-role"}


@pytest.mark.parametrize(
    ("orchestrator", "accounts"),
    [
        ({"service_account_name": "runner"}, {"runner"}),
        ({"step_pod_service_account_name": "steps"}, {"zenml-service-account", "steps"}),
        (
            {"service_account_name": "runner", "step_pod_service_account_name": "steps"},
            {"runner", "steps"},
        ),
    ],
)
def test_pods_that_run_as_others_are_known_too(
    orchestrator: dict[str, str], accounts: set[str]
) -> None:
    made = made_with(keys={"extra": {"orchestrator": orchestrator}})
    associations = every(made, "eks/podIdentityAssociation:PodIdentityAssociation")
    assert {each.inputs["serviceAccount"] for each in associations} == accounts


def test_the_connector_may_work_in_its_namespace_and_no_further() -> None:
    server = f"arn:aws:iam::{ACCOUNT}:role/team/zenml-server"
    made = made_with(cluster_access=[server], keys={"namespace": "ml"})
    assert one(made, "eks/accessEntry:AccessEntry")["principalArn"] == server
    policy = one(made, "eks/accessPolicyAssociation:AccessPolicyAssociation")
    assert policy["policyArn"].endswith("aws:cluster-access-policy/AmazonEKSAdminPolicy")
    assert policy["accessScope"] == {"type": "namespace", "namespaces": ["ml"]}
    assert every(made_with(), "eks/accessEntry:AccessEntry") == []


def test_no_two_identities_share_a_name() -> None:
    """Once `role/team/a` and `role/team-a` did, and Pulumi refused the program."""
    principals = [f"arn:aws:iam::{ACCOUNT}:{one}" for one in ("role/team/a", "role/team-a")]
    principals += [f"arn:aws:iam::{ACCOUNT}:{one}" for one in ("role/a", "user/a", "user/team/a")]
    principals += [f"arn:aws:iam::{OTHER}:{one}" for one in ("role/team/a", "role/a")]
    for given in (principals, principals[::-1], principals[1:]):
        made = made_with(cluster_access=given)
        entries = every(made, "eks/accessEntry:AccessEntry")
        assert len({each.name for each in entries}) == len(given)
        # No name depends on who else has an entry.
        names = {each.inputs["principalArn"]: each.name for each in entries}
        assert names == {each: f"stack-access-{name_of(each)}" for each in given}


@pytest.mark.parametrize(
    ("roles", "former"),
    [
        (["a"], {"a": "role-a"}),
        (["team/a"], {"team/a": "role-team-a"}),
        # One without a path kept its name when the others had got another one.
        (["team/a", "team-a"], {"team-a": "role-team-a"}),
        (["team-a", "team/a"], {"team-a": "role-team-a"}),
        # Of two with a path an older deployment holds the one that was there first.
        (["a/b-c", "a-b/c"], {"a/b-c": "role-a-b-c"}),
        (["a", "b/a"], {"a": "role-a", "b/a": "role-b-a"}),
        ([], {}),
    ],
)
def test_a_former_name_is_the_alias_of_one_alone(roles: list[str], former: dict[str, str]) -> None:
    def arn(role: str, account: str = ACCOUNT) -> str:
        return f"arn:aws:iam::{account}:role/{role}"

    def asked(several: list[str], *there: str) -> dict[str, str]:
        return former_names(several, there.__contains__)

    expected = {arn(role): name for role, name in former.items()}
    given = [arn(role) for role in roles]
    assert asked(given) == expected
    # The namesakes in another account came later.
    both = [arn(role, account) for account in (ACCOUNT, OTHER) for role in roles]
    assert asked(both) == asked(both, *both) == expected
    # Whatever the order: the one that EKS has an entry of.
    for held in given:
        name = former.get(held.partition("role/")[2]) or next(iter(former.values()))
        assert asked(both, held)[held] == asked(both[::-1], held)[held] == name


def test_eks_is_asked_only_where_several_share_a_name() -> None:
    def never(principal: str) -> bool:
        raise AssertionError(principal)

    roles = [f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("a", "team/a")]
    assert list(former_names(roles, never)) == roles


def test_logs_are_made_before_the_cluster_and_do_not_stay_for_ever() -> None:
    made = made_with()
    logs = one(made, "cloudwatch/logGroup:LogGroup")
    assert (logs["name"], logs["retentionInDays"]) == ("/aws/eks/kitaru-prod/cluster", 90)
    order = [each.name for each in made]
    assert order.index("stack-cluster-logs") < order.index("stack-cluster")
    assert one(made_with(log_retention=7), "cloudwatch/logGroup:LogGroup")["retentionInDays"] == 7


def test_support_does_not_become_the_dear_one_by_itself() -> None:
    cluster = one(made_with(), CLUSTER)
    assert cluster["upgradePolicy"] == {"supportType": "STANDARD"}
    assert cluster["deletionProtection"] is False
    assert one(made_with(deletion_protection=True), CLUSTER)["deletionProtection"] is True


def test_every_role_has_the_boundary() -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
    roles = every(made_with(permissions_boundary=boundary), "iam/role:Role")
    assert len(roles) == 3
    assert {each.inputs["permissionsBoundary"] for each in roles} == {boundary}


@pytest.mark.parametrize("region", ["us-gov-west-1", "eu-west-1"])
def test_arns_are_those_of_the_partition(region: str) -> None:
    partition = "aws-us-gov" if "gov" in region else "aws"
    server = f"arn:{partition}:iam::{ACCOUNT}:role/zenml-server"
    made = made_with(cluster_access=[server], keys={"region": region})
    texts = [json.dumps(dict(each.inputs)) for each in made]
    found = {arn for text in texts for arn in re.findall(r"arn:(aws[a-z-]*):", text)}
    assert found == {partition}


# --- a network of its own


def test_a_network_has_private_subnets_in_three_zones_and_one_way_out() -> None:
    made = made_with(network="create")
    subnets = {each.name: each.inputs for each in every(made, "ec2/subnet:Subnet")}
    private = {name: s for name, s in subnets.items() if "private" in name}
    # They are registered at the same time, in any order.
    assert sorted(s["availabilityZone"] for s in private.values()) == [
        "eu-west-1a", "eu-west-1b", "eu-west-1c",
    ]  # fmt: skip
    assert len(subnets) == 4
    assert not any(s["mapPublicIpOnLaunch"] for s in subnets.values())
    blocks = [IPv4Network(s["cidrBlock"]) for s in subnets.values()]
    assert not any(a.overlaps(b) for a, b in combinations(blocks, 2))
    assert all(b.subnet_of(IPv4Network(one(made, "ec2/vpc:Vpc")["cidrBlock"])) for b in blocks)
    assert len(every(made, "ec2/natGateway:NatGateway")) == 1
    routes = {each.name: each.inputs for each in every(made, "ec2/route:Route")}
    assert routes["stack-network-private-out"]["natGatewayId"] == "stack-network-nat-id"
    assert "gatewayId" not in routes["stack-network-private-out"]
    links = every(made, "ec2/routeTableAssociation:RouteTableAssociation")
    tables = {link.inputs["subnetId"]: link.inputs["routeTableId"] for link in links}
    assert {tables[f"{name}-id"] for name in private} == {"stack-network-private-id"}
    endpoint = one(made, "ec2/vpcEndpoint:VpcEndpoint")
    assert endpoint["serviceName"] == "com.amazonaws.eu-west-1.s3"
    assert endpoint["routeTableIds"] == ["stack-network-private-id"]
    # What forgets its security group gets one that lets nothing through.
    default = one(made, "ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert not default.get("ingress")
    assert not default.get("egress")


def test_what_is_said_to_lie_in_another_thing_is_made() -> None:
    made = made_with(network="create", cluster_access=["arn:aws:iam::123456789012:role/x"])
    assert {each.type for each in made} >= INSIDE


def test_cluster_and_nodes_are_in_the_private_subnets() -> None:
    made = made_with(network="create")
    private = [f"stack-network-private-eu-west-1{z}-subnet-id" for z in "abc"]
    assert one(made, CLUSTER)["vpcConfig"]["subnetIds"] == private
    assert one(made, NODES)["subnetIds"] == private
    order = [each.name for each in made]
    assert order.index("stack-network-private-out") < order.index("stack-nodes")


def test_everything_that_can_have_tags_has_ours() -> None:
    made = made_with(network="create", cluster_access=[f"arn:aws:iam::{ACCOUNT}:role/x"])
    without = {each.type for each in made if "kitaru-stack" not in each.inputs.get("tags", {})}
    assert without == {
        "kitaru:aws:Infrastructure",
        *("aws:iam/rolePolicy:RolePolicy", "aws:iam/rolePolicyAttachment:RolePolicyAttachment"),
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        *("aws:ec2/route:Route", "aws:ec2/routeTableAssociation:RouteTableAssociation"),
    }


def test_without_a_word_no_network_is_made() -> None:
    assert every(made_with(), "ec2/vpc:Vpc") == []


def test_every_name_that_a_cluster_takes_is_claimed_beforehand() -> None:
    """What has a name of its own in the account, and is made: nothing else may have it."""
    made = made_with(network="create")
    given = {
        "name": "prod", "type": "kubernetes", "region": "eu-west-1", "infra": "provision",
        "artifact_store": "s3://team-data/kitaru", "resources": {"cluster": "create"},
        "infrastructure": {"endpoint_access": [], "network": "create"},
    }  # fmt: skip
    claimed = {
        (claim.type, *sorted(str(value) for value in claim.inputs.values()))
        for claim in claims(layout(from_mapping(given), ACCOUNT, "eu-west-1"))
    }
    for token in (
        "ecr/repository:Repository",
        "iam/role:Role",
        CLUSTER,
        "cloudwatch/logGroup:LogGroup",
    ):
        for each in every(made, token):
            assert (f"aws:{token}", each.inputs["name"]) in claimed
    assert (f"aws:{NODES}", "kitaru", "kitaru-prod") in claimed


def test_a_network_and_roles_are_told_by_their_names_in_the_cloud() -> None:
    given = {
        "name": "prod", "type": "kubernetes", "region": "eu-west-1", "infra": "provision",
        "resources": {"cluster": "create"},
        "infrastructure": {"endpoint_access": [OFFICE], "network": "create"},
    }  # fmt: skip
    planned = layout(from_mapping(given), ACCOUNT, "eu-west-1")
    made, told = (
        {each.name: each.inputs for each in made_of(planned.args())},
        physical_names(planned),
    )
    assert told["stack-network"] == made["stack-network"]["tags"]["Name"]
    for use in CLUSTER_ROLES:
        assert told[f"stack-{use}-role"] == made[f"stack-{use}-role"]["name"]
