"""Whose account provisioning works in, and how the engine's plugins become the same identity."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from kitaru_iac.checks.probes import Denied
from kitaru_iac.clouds.aws.provision.account import Account
from kitaru_iac.clouds.aws.provision.marked import claim_of
from kitaru_iac.clouds.aws.provision.names import ROLE_USES, role_name
from kitaru_iac.clouds.provider import Sighting, marks
from kitaru_iac.errors import KitaruError, NotAllowedError
from kitaru_iac.spec.credentials import parse_credentials
from tests.clouds.aws.cli import understands
from tests.clouds.aws.world import World
from tests.doubles.aws import ACCOUNT_ID, REGION, AwsLoopback, principal_trust

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def test_the_callers_own_identity_needs_no_variables(aws: AwsLoopback) -> None:
    account = Account.open(None, REGION)
    assert account.number == ACCOUNT_ID
    assert account.environment() == {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}


def test_keys_go_to_the_plugin_and_the_callers_others_do_not(aws: AwsLoopback) -> None:
    account = Account.open(parse_credentials("aws-access-keys:AKIAX:hush-hush"), REGION)
    told = account.environment()
    assert [told[name] for name in KEYS] == ["AKIAX", "hush-hush", ""]
    assert told["AWS_PROFILE"] == ""
    assert "hush" not in repr(account)


def test_a_role_is_assumed_for_the_plugin(aws: AwsLoopback) -> None:
    arn = aws.role("deployer", principal_trust("*"))
    told = Account.open(parse_credentials(f"aws-role:{arn}"), REGION).environment()
    assert all(told[name] for name in KEYS)
    assert told["AWS_ACCESS_KEY_ID"] != aws.access_key_id


def test_a_profile_goes_before_keys_of_the_callers(aws: AwsLoopback) -> None:
    opened = Account.open(None, REGION)
    opened._credentials = parse_credentials("aws-profile:work")
    told = opened.environment()
    assert told["AWS_PROFILE"] == "work"
    assert [told[name] for name in KEYS] == ["", "", ""]


def test_nobody_is_told_how_to_log_in(aws: AwsLoopback, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NotAllowedError, match="account to provision in") as told:
        Account.open(None, REGION)
    assert "aws configure" in str(told.value.remedy)


def test_the_key_of_an_existing_bucket_is_looked_up(aws: AwsLoopback) -> None:
    account, kms, s3 = Account.open(None, REGION), aws.client("kms"), aws.client("s3")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/team", TargetKeyId=key["KeyId"])
    aws.bucket("mine")

    def encrypt(**default: str) -> None:
        rules = [{"ApplyServerSideEncryptionByDefault": default}]
        s3.put_bucket_encryption(Bucket="mine", ServerSideEncryptionConfiguration={"Rules": rules})

    assert account.bucket_key("mine") is None
    encrypt(SSEAlgorithm="AES256")
    assert account.bucket_key("mine") is None
    # An alias cannot be granted, nor a bare id.
    for named in (key["Arn"], key["KeyId"], "alias/team"):
        encrypt(SSEAlgorithm="aws:kms", KMSMasterKeyID=named)
        assert account.bucket_key("mine") == key["Arn"]
    assert account.bucket_key("not-there") is None


@pytest.mark.parametrize(
    ("default", "key"),
    [
        ({"SSEAlgorithm": "AES256"}, None),
        (
            {
                "SSEAlgorithm": "aws:kms",
                "KMSMasterKeyID": f"arn:aws:kms:{REGION}:999999999999:key/1",
            },
            f"arn:aws:kms:{REGION}:999999999999:key/1",
        ),
        ({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/team"}, KitaruError),
    ],
)
def test_the_key_of_another_account_s_bucket_is_only_read(
    aws: AwsLoopback, default: dict[str, str], key: Any
) -> None:
    kms = aws.client("kms")
    kms.create_alias(AliasName="alias/team", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    theirs = aws.stranger("s3")
    theirs.create_bucket(Bucket="shared", CreateBucketConfiguration={"LocationConstraint": REGION})
    rules = [{"ApplyServerSideEncryptionByDefault": default}]
    theirs.put_bucket_encryption(
        Bucket="shared", ServerSideEncryptionConfiguration={"Rules": rules}
    )
    account = Account.open(None, REGION)
    if key is KitaruError:  # ours of that name is another key
        with pytest.raises(KitaruError, match="Which key encrypts the bucket shared"):
            account.bucket_key("shared")
    else:
        assert account.bucket_key("shared") == key


def test_a_key_that_cannot_be_looked_up_stops_the_run(aws: AwsLoopback) -> None:
    aws.bucket("mine")
    rules = [{"ApplyServerSideEncryptionByDefault":
              {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/nobody"}}]  # fmt: skip
    aws.client("s3").put_bucket_encryption(
        Bucket="mine", ServerSideEncryptionConfiguration={"Rules": rules}
    )
    with pytest.raises(KitaruError, match="Which key encrypts the bucket mine") as error:
        Account.open(None, REGION).bucket_key("mine")
    assert "kms_key" in str(error.value.remedy)


def test_subnets_are_one_for_each_zone(aws: AwsLoopback) -> None:
    account = Account.open(None, REGION)
    subnets = account.default_subnets()
    assert len(subnets) == len(set(subnets)) >= 2
    ec2 = aws.client("ec2")
    for found in ec2.describe_subnets()["Subnets"][1:]:
        ec2.delete_subnet(SubnetId=found["SubnetId"])
    with pytest.raises(KitaruError, match="no default subnets in two zones"):
        account.default_subnets()


class Refusing:
    """Who asks AWS, and is always refused."""

    def ask(self, *_: object, **__: object) -> None:
        raise Denied("it is denied", permission="x:Y", resource="it")

    ask_all = ask


def test_what_is_refused_has_a_way_on() -> None:
    account = Account(Refusing(), None, REGION, ACCOUNT_ID, "me")  # type: ignore[arg-type]
    for refused in (
        account.default_subnets,
        lambda: account.empty("aws:s3/bucket:Bucket", "made"),
        lambda: account.empty("aws:ecr/repository:Repository", "made"),
        lambda: account.bucket_key("made"),
        lambda: account.sight("aws:iam/role:Role", {"name": "made"}, OWN),
    ):
        with pytest.raises(KitaruError, match=r"could not be|cannot be") as told:
            refused()
        assert "as somebody who may" in str(told.value.remedy)


class Registry:
    """A repository whose lists of platforms keep what they refer to."""

    def __init__(self, images: dict[str, str | None], *, locked: bool = False) -> None:
        self.images, self.locked, self.calls = images, locked, 0

    def ask_all(self, *_: object, **__: object) -> list[dict[str, str]]:
        return [{"imageDigest": digest} for digest in self.images]

    def ask(self, *_: object, imageIds: list[dict[str, str]], **__: object) -> dict[str, Any]:  # noqa: N803
        self.calls += 1
        held = {held for held in self.images.values() if held}
        gone, failures = [], []
        for one in imageIds:
            if one["imageDigest"] in held or self.locked:
                code = "ImageReferencedByManifestList"
                failures.append({"imageId": one, "failureCode": code, "failureReason": "held"})
            else:
                gone.append(one)
        for one in gone:
            del self.images[one["imageDigest"]]
        return {"imageIds": gone, "failures": failures}


def test_what_a_list_of_platforms_refers_to_goes_after_it() -> None:
    images = {"amd64": None, "list": "amd64", "alone": None}
    for locked in (False, True):
        registry = Registry(dict(images), locked=locked)
        account = Account(registry, None, REGION, ACCOUNT_ID, "me")  # type: ignore[arg-type]
        if not locked:
            account.empty("aws:ecr/repository:Repository", "made")
            assert (registry.images, registry.calls) == ({}, 2)
            continue
        with pytest.raises(KitaruError, match="3 images stay") as told:
            account.empty("aws:ecr/repository:Repository", "made")
        assert "amd64: ImageReferencedByManifestList: held" in str(told.value.why)


OWN = marks("kitaru", "prod")
NAMED = {
    "aws:s3/bucket:Bucket": {"bucket": "made"},
    "aws:ecr/repository:Repository": {"name": "made"},
    "aws:iam/role:Role": {"name": "made"},
    "aws:eks/cluster:Cluster": {"name": "made"},
    "aws:eks/nodeGroup:NodeGroup": {"clusterName": "made", "nodeGroupName": "made-0"},
    "aws:cloudwatch/logGroup:LogGroup": {"name": "made"},
    "aws:eks/addon:Addon": {"clusterName": "made", "addonName": "coredns"},
    "aws:eks/accessEntry:AccessEntry": {
        "clusterName": "made",
        "principalArn": f"arn:aws:iam::{ACCOUNT_ID}:role/server",
    },
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": {
        "clusterName": "made",
        "namespace": "ml",
        "serviceAccount": "default",
    },
}
IDS = [
    *("made", "made", "made", "made", "made:made-0", "made", "made:coredns"),
    f"made:arn:aws:iam::{ACCOUNT_ID}:role/server",
]


def make_all(aws: AwsLoopback, tags: dict[str, str]) -> None:
    """Make everything that is called so, with these tags."""
    aws.reset()
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    aws.bucket("made")
    if tags:
        aws.client("s3").put_bucket_tagging(Bucket="made", Tagging={"TagSet": pairs})
    aws.client("ecr").create_repository(repositoryName="made", tags=pairs)
    aws.client("iam").create_role(RoleName="made", AssumeRolePolicyDocument="{}", Tags=pairs)
    role = f"arn:aws:iam::{ACCOUNT_ID}:role/made"
    eks = aws.client("eks")
    eks.create_cluster(name="made", roleArn=role, resourcesVpcConfig={"subnetIds": []}, tags=tags)
    eks.create_nodegroup(
        clusterName="made", nodegroupName="made-0", subnets=[], nodeRole=role, tags=tags
    )
    aws.client("logs").create_log_group(logGroupName="made", tags=tags)
    aws.client("logs").create_log_group(logGroupName="made-too", tags=OWN)
    eks.create_addon(clusterName="made", addonName="coredns", tags=tags)
    server = f"arn:aws:iam::{ACCOUNT_ID}:role/server"
    eks.create_access_entry(clusterName="made", principalArn=server, tags=tags)
    eks.create_pod_identity_association(
        clusterName="made", namespace="ml", serviceAccount="default", roleArn=role, tags=tags
    )


def test_what_exists_is_ours_with_all_of_our_tags_alone(aws: AwsLoopback) -> None:
    account = Account.open(None, REGION)

    def sights() -> list[Sighting | None]:
        return [account.sight(token, inputs, OWN) for token, inputs in NAMED.items()]

    assert sights() == [None] * 9
    make_all(aws, {})
    found = [sight for sight in sights() if sight]
    assert [sight.id for sight in found[:-1]] == IDS
    assert found[-1].id.startswith("a-")  # AWS's own
    assert [sight.name for sight in found] == [
        "bucket made", "ECR repository made", "IAM role made", "EKS cluster made",
        "node group made:made-0", "log group made", "add-on made:coredns",
        f"access entry made:arn:aws:iam::{ACCOUNT_ID}:role/server",
        "identity of ml/default in cluster made",
    ]  # fmt: skip
    assert all("managed-by=kitaru-iac" in str(sight.foreign) for sight in found)

    make_all(aws, OWN | {"team": "ml"})
    assert [sight.foreign for sight in sights() if sight] == [None] * 9
    # Each of the four decides: another stack's, another project's, another deployment's.
    for key in OWN:
        for tags in (OWN | {key: "other"}, {k: v for k, v in OWN.items() if k != key}):
            pairs = [{"Key": name, "Value": value} for name, value in tags.items()]
            aws.client("s3").put_bucket_tagging(Bucket="made", Tagging={"TagSet": pairs})
            bucket = account.sight("aws:s3/bucket:Bucket", {"bucket": "made"}, OWN)
            assert bucket is not None
            assert bucket.foreign == f"it lacks the tags {key}={OWN[key]}"

    policy = account.sight("aws:iam/rolePolicy:RolePolicy", {"role": "made", "name": "x"}, OWN)
    assert policy == Sighting("made:x", "IAM role made")
    assert account.sight("aws:iam/rolePolicy:RolePolicy", {"role": "x", "name": "x"}, OWN) is None
    assert account.sight("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "made"}, OWN) is None


@pytest.mark.parametrize(("said", "locked"), [(True, "deletion_protection"), (False, None)])
def test_a_cluster_that_aws_would_not_delete_is_seen_so(said: bool, locked: str | None) -> None:
    class Eks:
        def ask(self, *_: str, **__: object) -> dict[str, object]:
            arn = f"arn:aws:eks:{REGION}:{ACCOUNT_ID}:cluster/made"
            return {"cluster": {"arn": arn, "tags": OWN, "deletionProtection": said}}

    seen = Account(Eks(), None, REGION, ACCOUNT_ID, "me").sight(
        "aws:eks/cluster:Cluster", {"name": "made"}, OWN
    )
    assert seen == Sighting("made", "EKS cluster made", locked=locked)


def test_a_bucket_of_another_account_is_not_ours_whatever_it_carries(aws: AwsLoopback) -> None:
    theirs = aws.stranger("s3")
    theirs.create_bucket(Bucket="made", CreateBucketConfiguration={"LocationConstraint": REGION})
    pairs = [{"Key": key, "Value": value} for key, value in OWN.items()]
    theirs.put_bucket_tagging(Bucket="made", Tagging={"TagSet": pairs})
    theirs.put_object(Bucket="made", Key="theirs", Body=b"1")
    # moto lets us look, as a bucket policy may.
    assert aws.client("s3").head_bucket(Bucket="made")

    account = Account.open(None, REGION)
    sight = account.sight("aws:s3/bucket:Bucket", {"bucket": "made"}, OWN)
    assert sight is not None
    assert str(sight.foreign).startswith("it is another account's, or may not be seen")
    assert account.holds("aws:s3/bucket:Bucket", "made") is not None
    with pytest.raises(KitaruError, match="could not be emptied"):
        account.empty("aws:s3/bucket:Bucket", "made")
    assert theirs.list_objects_v2(Bucket="made")["KeyCount"] == 1


def test_only_a_bucket_that_nobody_has_touched_is_said_to_be_deletable(
    world: World, loopback: AwsLoopback
) -> None:
    """One that a kill left before its tags has no setting; all of these somebody has given."""
    account, s3, kind = Account.open(None, REGION), loopback.client("s3"), "aws:s3/bucket:Bucket"
    rule = {"ID": "x", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 9}}
    cors = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::x/*"}
    touched: dict[str, Callable[[str], Any]] = {
        "plain": lambda _: None,
        "versions": lambda name: s3.put_bucket_versioning(
            Bucket=name, VersioningConfiguration={"Status": "Suspended"}
        ),
        "policy": lambda name: s3.put_bucket_policy(
            Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]})
        ),
        "rules": lambda name: s3.put_bucket_lifecycle_configuration(
            Bucket=name, LifecycleConfiguration={"Rules": [rule]}
        ),
        "cors": lambda name: s3.put_bucket_cors(
            Bucket=name, CORSConfiguration={"CORSRules": [cors]}
        ),
        "data": lambda name: s3.put_object(Bucket=name, Key="theirs", Body=b"1"),
    }
    offered = {}
    for name, touch in touched.items():
        loopback.bucket(f"unmarked-{name}")
        touch(f"unmarked-{name}")
        sight = account.sight(kind, {"bucket": f"unmarked-{name}"}, OWN)
        assert sight is not None
        assert sight.foreign
        offered[name] = sight
    assert [name for name, sight in offered.items() if sight.removal or sight.origin] == ["plain"]
    assert all(map(understands, (str(offered["plain"].removal), str(offered["plain"].origin))))
    world.faults.deny("s3:GetBucketPolicy")
    unseen = Account.open(None, REGION).sight(kind, {"bucket": "unmarked-plain"}, OWN)
    assert unseen is not None
    assert unseen.removal is None


def test_what_cannot_be_looked_at_is_not_taken_for_empty(aws: AwsLoopback) -> None:
    aws.bucket("full")
    aws.require_valid_keys()
    key, secret = aws.user("nobody")
    account = Account.open(parse_credentials(f"aws-access-keys:{key}:{secret}"), REGION)
    holding = account.holds("aws:s3/bucket:Bucket", "full")
    assert holding is not None
    assert holding.startswith("it may hold data")
    sight = account.sight("aws:s3/bucket:Bucket", {"bucket": "full"}, OWN)
    assert sight is not None
    assert "may not be seen" in str(sight.foreign)


def test_parts_of_a_network_are_found_by_our_tags_and_their_name(aws: AwsLoopback) -> None:
    account, ec2 = Account.open(None, REGION), aws.client("ec2")

    def tagged(kind: str, tags: dict[str, str]) -> list[dict[str, object]]:
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        return [{"ResourceType": kind, "Tags": pairs}]

    def make(tags: dict[str, str]) -> dict[str, str]:
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc", tags))
        network = vpc["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(
            VpcId=network, CidrBlock="10.0.0.0/24", TagSpecifications=tagged("subnet", tags)
        )["Subnet"]["SubnetId"]
        gateway = ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway", tags))
        address = ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip", tags))
        nat = ec2.create_nat_gateway(
            SubnetId=subnet,
            AllocationId=address["AllocationId"],
            TagSpecifications=tagged("natgateway", tags),
        )
        table = ec2.create_route_table(VpcId=network, TagSpecifications=tagged("route-table", tags))
        endpoint = ec2.create_vpc_endpoint(
            VpcId=network,
            ServiceName=f"com.amazonaws.{REGION}.s3",
            TagSpecifications=tagged("vpc-endpoint", tags),
        )
        return {
            "aws:ec2/vpc:Vpc": network,
            "aws:ec2/subnet:Subnet": subnet,
            "aws:ec2/internetGateway:InternetGateway": str(
                gateway["InternetGateway"]["InternetGatewayId"]
            ),
            "aws:ec2/eip:Eip": address["AllocationId"],
            "aws:ec2/natGateway:NatGateway": str(nat["NatGateway"]["NatGatewayId"]),
            "aws:ec2/routeTable:RouteTable": str(table["RouteTable"]["RouteTableId"]),
            "aws:ec2/vpcEndpoint:VpcEndpoint": str(endpoint["VpcEndpoint"]["VpcEndpointId"]),
        }

    ours = {"tags": {**OWN, "Name": "kitaru-prod-network"}}
    make({"Name": "kitaru-prod-network"})  # a colleague's, of the same name
    make({**OWN, "kitaru-stack": "other", "Name": "kitaru-prod-network"})
    other = make({**OWN, "Name": "kitaru-prod-other"})
    for token in (made := make(ours["tags"])):
        sight = account.sight(token, ours, OWN)
        assert sight is not None, token
        assert (sight.id, sight.foreign) == (made[token], None)
        assert account.sight(token, {"tags": {"Name": "kitaru-prod-more"}}, OWN) is None
        assert account.sight(token, {}, OWN) is None
        by_id = account.sight(token, {"id": made[token]}, OWN)
        assert by_id is not None
        assert by_id.id == made[token]
        assert by_id.name.endswith(f" kitaru-prod-network ({made[token]})")
        assert account.sight(token, {"id": made[token]}, {**OWN, "kitaru-stack": "more"}) is None
    ec2.delete_nat_gateway(NatGatewayId=made["aws:ec2/natGateway:NatGateway"])
    assert account.sight("aws:ec2/natGateway:NatGateway", ours, OWN) is None
    # The tagging API lists it for as long as EC2 shows it.
    left = {sight.id for sight in account.marked(OWN).found}
    assert {made["aws:ec2/vpc:Vpc"], other["aws:ec2/natGateway:NatGateway"]} <= left
    assert not any(made["aws:ec2/natGateway:NatGateway"] in one for one in left)

    # Routes and which table a subnet has carry no tags, and EC2 makes neither a second time.
    table, subnet = made["aws:ec2/routeTable:RouteTable"], made["aws:ec2/subnet:Subnet"]
    gateway = made["aws:ec2/internetGateway:InternetGateway"]

    def route() -> str:
        ec2.attach_internet_gateway(VpcId=made["aws:ec2/vpc:Vpc"], InternetGatewayId=gateway)
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        return f"r-{table}1080289494"  # as Pulumi's provider names it

    def link() -> str:
        done = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        return str(done["AssociationId"])

    for token, more, make_one in (
        ("aws:ec2/route:Route", {"destinationCidrBlock": "0.0.0.0/0"}, route),
        ("aws:ec2/routeTableAssociation:RouteTableAssociation", {"subnetId": subnet}, link),
    ):
        inputs = {"routeTableId": table, **more}
        assert account.sight(token, inputs, OWN) is None, "it is not there yet"
        name = make_one()
        sight = account.sight(token, inputs, OWN)
        assert sight is not None, token
        assert (sight.id, sight.foreign) == (name, None)
        assert account.sight(token, inputs, {**OWN, "kitaru-stack": "other"}) is None
        none = {**inputs, "routeTableId": "rtb-0123456789abcdef0"}
        assert account.sight(token, none, OWN) is None
        # What is not known yet while it is taken back.
        assert account.sight(token, {"routeTableId": table}, OWN) is None
        assert account.sight(token, more, OWN) is None


# -- what carries the marks ------------------------------------------------------------------------

OURS = marks("kitaru", "prod")


def planted(aws: AwsLoopback, tags: dict[str, str]) -> None:
    """A bucket, a repository and a role, under names that nobody would give by himself."""
    capital = [{"Key": key, "Value": value} for key, value in tags.items()]
    aws.bucket("team-data")
    aws.client("s3").put_bucket_tagging(Bucket="team-data", Tagging={"TagSet": capital})
    aws.client("ecr").create_repository(repositoryName="team/images", tags=capital)
    aws.role("team-role")
    aws.client("iam").tag_role(RoleName="team-role", Tags=capital)


def test_ours_is_found_by_its_tags_under_any_name(aws: AwsLoopback) -> None:
    """moto's tagging API has no repositories, AWS's has."""
    account = Account.open(None, REGION)
    for tags, ours in (
        ({**OURS, "team": "data"}, {"bucket team-data", "IAM role team-role"}),
        ({**OURS, "pulumi-stack": "dev"}, set()),
        ({**OURS, "managed-by": "Kitaru-IaC"}, set()),
    ):
        aws.reset()
        planted(aws, tags)
        found = account.marked(OURS)
        assert found.unseen == ()
        assert {sight.name for sight in found.found} == ours


def test_our_tags_in_another_account_or_region_are_not_ours(aws: AwsLoopback) -> None:
    """A stack of the same name, in the account and in the region beside."""
    small = [{"Key": key, "Value": value} for key, value in OURS.items()]
    elsewhere = "eu-central-1"
    aws.client("ecr", elsewhere).create_repository(repositoryName="kitaru/prod", tags=small)
    theirs = aws.stranger("s3")
    name = f"kitaru-prod-{ACCOUNT_ID}-{REGION}"
    theirs.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    theirs.put_bucket_tagging(Bucket=name, Tagging={"TagSet": small})
    account = Account.open(None, REGION)
    found = account.marked(OURS)
    assert found.found == ()
    # A bucket that may not be looked at may be ours: it is not said that nothing is there.
    assert [why.partition(":")[0] for why in found.unseen] == [f"bucket {name}"]
    assert account.sight("aws:ecr/repository:Repository", {"name": "kitaru/prod"}, OURS) is None
    (seen,) = Account.open(None, elsewhere).marked(OURS).found
    assert seen.name == "ECR repository kitaru/prod"


def test_roles_of_a_stack_of_the_same_name_in_another_region_are_not_ours(
    aws: AwsLoopback,
) -> None:
    """Roles are the account's: a deployment that another backend holds shows them too."""
    tags = [{"Key": key, "Value": value} for key, value in OURS.items()]
    for use in ROLE_USES:
        for region in (REGION, "eu-central-1", "blue"):
            aws.role(name := role_name("prod", use, region))
            aws.client("iam").tag_role(RoleName=name, Tags=tags)
    found = {sight.id for sight in Account.open(None, REGION).marked(OURS).found}
    assert found == {role_name("prod", use, end) for use in ROLE_USES for end in (REGION, "blue")}


@pytest.mark.parametrize(
    ("arn", "claim"),
    [
        ("arn:aws:s3:::team-data", ("aws:s3/bucket:Bucket", {"bucket": "team-data"})),
        (
            "arn:aws-cn:ecr:cn-north-1:123456789012:repository/a/b",
            ("aws:ecr/repository:Repository", {"name": "a/b"}),
        ),
        ("arn:aws:iam::123456789012:role/path/r", ("aws:iam/role:Role", {"name": "r"})),
        ("arn:aws:eks:r:123456789012:cluster/c", ("aws:eks/cluster:Cluster", {"name": "c"})),
        (
            "arn:aws:eks:r:123456789012:nodegroup/c/g/11",
            ("aws:eks/nodeGroup:NodeGroup", {"clusterName": "c", "nodeGroupName": "g"}),
        ),
        ("arn:aws:ec2:r:123456789012:vpc/vpc-1", ("aws:ec2/vpc:Vpc", {"id": "vpc-1"})),
        (
            "arn:aws:ec2:r:123456789012:natgateway/nat-1",
            ("aws:ec2/natGateway:NatGateway", {"id": "nat-1"}),
        ),
        ("arn:aws:ec2:r:123456789012:instance/i-1", None),
        ("arn:aws:logs:r:123456789012:log-group:/aws/eks/c", None),
        ("arn:aws:s3:::team-data/key", None),
    ],
)
def test_an_arn_is_looked_up_by_itself_where_its_kind_is_known(
    arn: str, claim: tuple[str, dict[str, str]] | None
) -> None:
    found = claim_of(arn)
    assert (found and (found.type, dict(found.inputs))) == claim
