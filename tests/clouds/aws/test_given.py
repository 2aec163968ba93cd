"""What the options name is looked for in the account, all at once, before anything is made.

moto takes half a minute to begin, as for the other tests of this folder; these cost 5 s of CPU.
"""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.checks.probes import Denied, ProbeError
from kitaru_iac.clouds.aws.provision.target import account_for, target
from kitaru_iac.errors import DescriptionError
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import StackSpec
from tests.clouds.aws.world import World, as_json
from tests.doubles.aws import ACCOUNT_ID, REGION

SUBNET = "subnet-0123456789abcdef0"
NO_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def described(**options: Any) -> StackSpec:
    return from_mapping({
        "name": "prod", "type": "kubernetes", "region": REGION, "infra": "provision",
        "resources": {"cluster": "create"}, "infrastructure": {"endpoint_access": [], **options},
    })  # fmt: skip


def problems(**options: Any) -> list[tuple[str, str]]:
    """What is wrong with the options, by their names."""
    try:
        target(described(**options))
    except DescriptionError as error:
        return [(p.field.removeprefix("infrastructure."), p.what) for p in error.problems]
    return []


def policy(world: World, name: str) -> str:
    made = world.client("iam").create_policy(
        PolicyName=name,
        PolicyDocument='{"Version": "2012-10-17", "Statement": '
        '[{"Effect": "Allow", "Action": "*", "Resource": "*"}]}',
    )
    return str(made["Policy"]["Arn"])


def test_a_boundary_is_one_of_the_account_and_there(world: World) -> None:
    assert problems(permissions_boundary=policy(world, f"{world.bucket}-boundary")) == []
    field = "permissions_boundary"
    other = f"arn:aws:iam::{int(ACCOUNT_ID) + 1:012}:policy/boundary"
    ((where, what),) = problems(permissions_boundary=other)
    assert (where, ACCOUNT_ID in what, other.split(":")[4] in what) == (field, True, True)
    absent = f"arn:aws:iam::{ACCOUNT_ID}:policy/absent"
    assert problems(permissions_boundary=absent) == [(field, f"there is no policy {absent}")]
    # Who may not look is not stopped by that, nor by a cloud that is away for a moment.
    for code, status in (("AccessDenied", 403), ("InternalFailure", 500)):
        world.faults.fail("iam:GetPolicy", code, status=status)
        assert problems(permissions_boundary=absent) == []


def test_a_key_is_there_symmetric_and_enabled(world: World) -> None:
    kms = world.client("kms")
    key = kms.create_key()["KeyMetadata"]
    assert problems(kms_key=key["Arn"]) == []
    kms.disable_key(KeyId=key["KeyId"])
    assert problems(kms_key=key["Arn"]) == [("kms_key", "the key is Disabled")]
    kms.schedule_key_deletion(KeyId=key["KeyId"])
    assert problems(kms_key=key["Arn"]) == [("kms_key", "the key is PendingDeletion")]
    asymmetric = kms.create_key(KeyUsage="ENCRYPT_DECRYPT", KeySpec="RSA_2048")["KeyMetadata"]
    assert problems(kms_key=asymmetric["Arn"]) == [("kms_key", "the key is RSA_2048")]
    assert problems(kms_key=NO_KEY) == [("kms_key", f"there is no key {NO_KEY}")]


def test_subnets_are_there_in_two_zones_of_one_network(world: World) -> None:
    ec2 = world.client("ec2")

    def made(block: str, *zones: str) -> list[str]:
        vpc = ec2.create_vpc(CidrBlock=f"{block}.0.0/16")["Vpc"]["VpcId"]
        return [
            ec2.create_subnet(
                VpcId=vpc, CidrBlock=f"{block}.{n}.0/24", AvailabilityZone=f"{REGION}{zone}"
            )["Subnet"]["SubnetId"]
            for n, zone in enumerate(zones)
        ]

    a, b, also_a = made("10.1", "a", "b", "a")
    (elsewhere,) = made("10.2", "b")
    assert problems(subnets=[a, b]) == []
    assert problems(subnets=[a, b, also_a]) == []
    assert problems(subnets=[a, also_a]) == [("subnets", f"all subnets are in {REGION}a")]
    ((where, what),) = problems(subnets=[a, elsewhere])
    assert (where, "of different networks" in what) == ("subnets", True)
    gone = f"there is no subnet {SUBNET} in {REGION}"
    assert problems(subnets=[SUBNET, a]) == [("subnets[0]", gone)]
    both = [("subnets[0]", gone), ("subnets[2]", f"there is no subnet {SUBNET[:-1]}1 in {REGION}")]
    assert problems(subnets=[SUBNET, a, SUBNET[:-1] + "1"]) == both


def test_a_version_is_one_that_a_cluster_is_made_with(world: World) -> None:
    listed = [
        {"clusterVersion": version, "versionStatus": status}
        for version, status in (
            ("1.34", "STANDARD_SUPPORT"),
            ("1.33", "STANDARD_SUPPORT"),
            ("1.30", "EXTENDED_SUPPORT"),
            ("1.24", "UNSUPPORTED"),
        )
    ]
    world.faults.answer("eks:DescribeClusterVersions", as_json({"clusterVersions": listed}))
    assert problems(kubernetes_version="1.34") == problems() == []
    for version in ("1.30", "1.24", "1.99"):
        ((where, what),) = problems(kubernetes_version=version)
        assert (where, version in what) == ("kubernetes_version", True)
    # A cloud that lists none has not said no.
    world.faults.answer("eks:DescribeClusterVersions", as_json({"clusterVersions": []}))
    assert problems(kubernetes_version="1.24") == []


def test_all_is_told_at_once_with_what_cannot_be_made_as_described(world: World) -> None:
    spec = from_mapping({
        "name": "prod", "type": "sagemaker", "region": REGION, "infra": "provision",
        "execution_role": f"arn:aws:iam::{int(ACCOUNT_ID) + 1:012}:role/x",
        "resources": {"role": "create"},
        "infrastructure": {
            "permissions_boundary": f"arn:aws:iam::{ACCOUNT_ID}:policy/absent",
            "kms_key": NO_KEY,
        },
    })  # fmt: skip
    with pytest.raises(DescriptionError) as error:
        target(spec)
    assert [problem.field for problem in error.value.problems] == [
        "execution_role",
        "infrastructure.permissions_boundary",
        "infrastructure.kms_key",
    ]


def test_a_new_cluster_is_to_have_the_namespace_that_not_every_one_has(world: World) -> None:
    assert target(described()).namespace is None
    wanted = target(described().having(namespace="ml")).namespace
    assert wanted is not None
    assert (wanted.name, wanted.cluster) == ("ml", "kitaru-prod")
    assert wanted.by_hand == (
        f"aws eks update-kubeconfig --name kitaru-prod --region {REGION} && "
        "kubectl create namespace ml"
    )
    with pytest.raises(ProbeError, match="kitaru-prod"):
        wanted.api()  # it is yet to be made
    is_used = described().having(namespace="ml", cluster="team", resources={})
    assert target(is_used).namespace is None
    world.fit_cluster()
    api = account_for(described()).cluster_api(world.cluster)
    assert api.namespace("ml") == "ml"
    assert api.make_namespace("new", {}) is True
    world.faults.fail("eks:DescribeCluster", "AccessDenied", status=403)
    with pytest.raises(Denied):
        account_for(described()).cluster_api(world.cluster)
