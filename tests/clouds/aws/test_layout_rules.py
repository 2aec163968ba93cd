"""Names at their limits, and for each resource when it is made, used or refused: pure."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import pytest

from kitaru_iac.clouds.aws.provision.layout import Layout, layout
from kitaru_iac.clouds.aws.provision.names import (
    bucket_name,
    cluster_name,
    repository_name,
    role_name,
)
from kitaru_iac.clouds.aws.provision.subnets import Subnet, one_per_zone
from kitaru_iac.clouds.aws.provision.target import told_by
from kitaru_iac.clouds.names import slug
from kitaru_iac.clouds.outputs import filled
from kitaru_iac.clouds.wanted import region_of, wants_cluster
from kitaru_iac.errors import DescriptionError, KitaruError
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.uris import EcrUri, S3Uri
from kitaru_iac.values import fields

ACCOUNT, OTHER, REGION = "123456789012", "999999999999", "eu-west-1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
OUR_BUCKET = f"kitaru-prod-{ACCOUNT}-{REGION}"
OUR_ROLE = f"arn:aws:iam::{ACCOUNT}:role/kitaru-prod-sagemaker-{REGION}"


# --- names


def digest(stack: str) -> str:
    return hashlib.sha256(stack.encode()).hexdigest()[:6]


@pytest.mark.parametrize(
    ("stack", "kept"),
    [
        # as it is, up to the limit
        ("a", None),
        ("prod", None),
        ("my-stack-2", None),
        ("a" * 26, None),
        # and altered beyond it
        ("a" * 27, "a" * 19),
        ("a" * 100, "a" * 19),
        # letters that are not lower case, and other signs
        ("Prod", "prod"),
        ("PROD", "prod"),
        ("team.prod", "team-prod"),
        ("team_prod", "team-prod"),
        ("a._b", "a-b"),
        ("A" * 26, "a" * 19),
        # a name that ends as an altered one does
        ("prod-5f5635", "prod-5f5635"),
        ("my-facade", "my-facade"),
        ("facade", "facade"),
        ("my-facades", None),
        ("a-prod-5f5635-of-mine-x", None),
        # a dash where the name is cut does not stand before the hash
        ("a" * 18 + "-" + "b" * 20, "a" * 18),
        ("a" * 18 + "." + "b" * 20, "a" * 18),
        ("a" * 19 + "-" + "b" * 20, "a" * 19),
    ],
)
def test_a_name_that_has_to_be_altered_gets_its_hash(stack: str, kept: str | None) -> None:
    found = slug(stack)
    assert found == (stack if kept is None else f"{kept}-{digest(stack)}")
    assert len(found) <= 26


def test_a_name_without_a_usable_sign_is_its_hash() -> None:
    assert slug("__") == digest("__")


@pytest.mark.parametrize(
    "stacks",
    [
        ("prod", "Prod", "PROD", "prod."),
        ("a.b", "a-b", "a_b", "A-b"),
        ("x" * 26, "x" * 27, "x" * 28),
        ("a" * 19 + "bcdefgh1", "a" * 19 + "bcdefgh2"),
    ],
)
def test_names_that_look_alike_stay_apart(stacks: tuple[str, ...]) -> None:
    assert len({slug(stack) for stack in stacks}) == len(stacks)


@pytest.mark.parametrize(("length", "slug_length"), [(25, 25), (26, 26), (27, 26)])
def test_every_name_holds_the_stack_and_where_it_is(length: int, slug_length: int) -> None:
    stack = "s" * length
    short = slug(stack)
    assert len(short) == slug_length
    region = "ap-southeast-14"
    assert bucket_name(stack, ACCOUNT, region) == f"kitaru-{short}-{ACCOUNT}-{region}"
    assert len(bucket_name(stack, ACCOUNT, region)) <= 63
    assert repository_name(stack) == f"kitaru/{short}"
    assert cluster_name(stack) == f"kitaru-{short}"
    assert role_name(stack, "sagemaker", region) == f"kitaru-{short}-sagemaker-{region}"
    assert len(role_name(stack, "sagemaker", region)) <= 64


# --- subnets


def subnets(*zones: str) -> list[Subnet]:
    return [Subnet(f"subnet-{n}-{zone[:1]}", f"z-{zone}", zone) for n, zone in enumerate(zones)]


@pytest.mark.parametrize(
    ("zones", "ids"),
    [
        (["b-az1", "a-az1"], ("subnet-1-a", "subnet-0-b")),
        (["c-az1", "a-az1", "b-az1"], ("subnet-1-a", "subnet-2-b", "subnet-0-c")),
        # one for each zone
        (["a-az1", "a-az1", "b-az1"], ("subnet-1-a", "subnet-2-b")),
        # not where EKS is not
        (["a-az1", "use1-az3", "b-az1"], ("subnet-0-a", "subnet-2-b")),
        (["a-az1", "usw1-az2", "b-az1"], ("subnet-0-a", "subnet-2-b")),
    ],
)
def test_a_cluster_gets_one_subnet_in_each_of_two_zones_at_least(
    zones: list[str], ids: tuple[str, ...]
) -> None:
    assert one_per_zone(subnets(*zones), REGION) == ids


@pytest.mark.parametrize(
    "zones",
    [
        [],
        ["a-az1"],
        ["a-az1", "a-az1"],
        ["a-az1", "use1-az3"],
        ["a-az1", "usw1-az2"],
        ["use1-az3", "usw1-az2"],
    ],
)
def test_one_zone_is_too_few(zones: list[str]) -> None:
    with pytest.raises(KitaruError) as caught:
        one_per_zone(subnets(*zones), REGION)
    assert caught.value.what == f"{REGION} has no default subnets in two zones for the cluster"
    assert caught.value.why == "EKS asks for subnets in at least two availability zones"
    assert caught.value.remedy == f"aws ec2 create-default-vpc --region {REGION}"


THERE = f"{OTHER}.dkr.ecr.{REGION}.amazonaws.com"


@pytest.mark.parametrize(
    ("type_", "record", "accounts"),
    [
        ("sagemaker", {"execution_role": OUR_ROLE}, {ACCOUNT}),
        # A registry may be shared by many accounts.
        ("sagemaker", {"execution_role": OUR_ROLE, "container_registry": THERE}, {ACCOUNT}),
        ("kubernetes", {"artifact_store": f"s3://{OUR_BUCKET}"}, {ACCOUNT}),
        ("kubernetes", {"container_registry": f"{HOST}/kitaru/prod"}, {ACCOUNT}),
        ("kubernetes", {"container_registry": f"{THERE}/kitaru/prod"}, {OTHER}),
        ("kubernetes", {"container_registry": f"{THERE}/team/images"}, set()),
        ("kubernetes", {"container_registry": "docker.io/team"}, set()),
        ("local", {"artifact_store": f"s3://{OUR_BUCKET}/x"}, {ACCOUNT}),
        ("local", {"artifact_store": "s3://mine"}, set()),
        (
            "sagemaker",
            {"execution_role": OUR_ROLE, "artifact_store": f"s3://kitaru-prod-{OTHER}-{REGION}"},
            {ACCOUNT, OTHER},
        ),
    ],
)
def test_which_account_a_record_tells(
    type_: str, record: dict[str, str], accounts: set[str]
) -> None:
    given = {"name": "prod", "type": type_, "region": REGION, "infra": "provision", **record}
    if type_ == "kubernetes":
        given |= {"cluster": "main", "artifact_store": "s3://mine"} | record
    assert told_by(from_mapping(given)) == {"account": accounts}


# --- what is made


def described(**more: Any) -> StackSpec:
    given = {"name": "prod", "type": "sagemaker", "region": REGION, "infra": "provision", **more}
    return from_mapping({key: value for key, value in given.items() if value is not None})


def laid_out(account: str = ACCOUNT, **more: Any) -> Layout:
    return layout(described(**more), account, REGION)


def refused(account: str = ACCOUNT, **more: Any) -> list[tuple[str, str, str | None]]:
    with pytest.raises(DescriptionError) as caught:
        laid_out(account, **more)
    return [(problem.field, problem.what, problem.remedy) for problem in caught.value.problems]


def test_of_a_sagemaker_stack_all_is_made_that_is_left_out() -> None:
    assert laid_out() == Layout(
        stack="prod",
        type=StackType.SAGEMAKER,
        account=ACCOUNT,
        region=REGION,
        artifact_store=f"s3://{OUR_BUCKET}",
        container_registry=f"{HOST}/kitaru/prod",
        repository="kitaru/prod",
        execution_role=OUR_ROLE,
        new_bucket=OUR_BUCKET,
        new_repository="kitaru/prod",
        new_role=f"kitaru-prod-sagemaker-{REGION}",
    )


@pytest.mark.parametrize(
    ("store", "mode", "made"),
    [
        # named as we would, with or without a path: ours, and made
        (f"s3://{OUR_BUCKET}", None, OUR_BUCKET),
        (f"s3://{OUR_BUCKET}/path", None, OUR_BUCKET),
        # named otherwise: there already
        ("s3://mine", None, None),
        (f"s3://{OUR_BUCKET}-2", None, None),
        # what is said is done
        ("s3://mine/path", "create", "mine"),
        (f"s3://{OUR_BUCKET}", "existing", None),
        (f"s3://{OUR_BUCKET}", "skip", None),
        ("s3://mine", "existing", None),
        ("s3://mine", "skip", None),
    ],
)
def test_a_bucket_is_made_where_it_is_ours_or_asked_for(
    store: str, mode: str | None, made: str | None
) -> None:
    found = laid_out(artifact_store=store, resources={"bucket": mode} if mode else None)
    assert (found.new_bucket, found.artifact_store) == (made, store)
    # and in another account our name is nobody's
    if made == OUR_BUCKET and mode is None:
        assert laid_out(OTHER, artifact_store=store).new_bucket is None


@pytest.mark.parametrize(
    ("registry", "mode", "made"),
    [
        (f"{HOST}/kitaru/prod", None, "kitaru/prod"),
        (f"{HOST}/kitaru/other", None, None),
        (HOST, None, None),
        (f"{OTHER}.dkr.ecr.{REGION}.amazonaws.com/kitaru/prod", None, None),
        (HOST, "create", "zenml"),
        (f"{HOST}/team/images", "create", "team/images"),
        (f"{HOST}/kitaru/prod", "existing", None),
        (f"{HOST}/kitaru/prod", "skip", None),
    ],
)
def test_a_repository_is_made_where_it_is_ours_or_asked_for(
    registry: str, mode: str | None, made: str | None
) -> None:
    found = laid_out(container_registry=registry, resources={"registry": mode} if mode else None)
    named = f"{HOST}/{made}" if made else registry
    assert (found.new_repository, found.container_registry) == (made, named)


def test_a_registry_of_another_account_is_used_and_cannot_be_made() -> None:
    theirs = f"{OTHER}.dkr.ecr.{REGION}.amazonaws.com"
    assert laid_out(container_registry=theirs).container_registry == theirs
    assert refused(container_registry=theirs, resources={"registry": "create"}) == [
        (
            "container_registry",
            f"the registry `{theirs}` is not that of the credentials, `{HOST}`",
            f"Write `{HOST}`, or leave it out.",
        )
    ]
    # which is the account's that the credentials belong to
    made = laid_out(OTHER, container_registry=theirs, resources={"registry": "create"})
    assert made.new_repository == "zenml"


def test_another_cloud_s_registry_is_used_as_it_is() -> None:
    found = laid_out(
        type="kubernetes",
        cluster="mine",
        artifact_store="s3://mine",
        container_registry="ghcr.io/me",
    )
    assert (found.new_repository, found.container_registry) == (None, "ghcr.io/me")
    assert not found.makes_anything


@pytest.mark.parametrize(
    ("role", "mode", "made"),
    [
        (OUR_ROLE, None, f"kitaru-prod-sagemaker-{REGION}"),
        (f"arn:aws:iam::{ACCOUNT}:role/mine", None, None),
        (f"arn:aws:iam::{OTHER}:role/kitaru-prod-sagemaker-{REGION}", None, None),
        (f"arn:aws:iam::{ACCOUNT}:role/path/kitaru-prod-sagemaker-{REGION}", None, None),
        (f"arn:aws:iam::{ACCOUNT}:role/mine", "create", "mine"),
        (OUR_ROLE, "existing", None),
        (OUR_ROLE, "skip", None),
        (f"arn:aws:iam::{OTHER}:role/path/theirs", "existing", None),
    ],
)
def test_a_role_is_made_where_it_is_ours_or_asked_for(
    role: str, mode: str | None, made: str | None
) -> None:
    found = laid_out(execution_role=role, resources={"role": mode} if mode else None)
    assert (found.new_role, found.execution_role) == (made, role)


@pytest.mark.parametrize(
    ("role", "account", "fine"),
    [
        (f"arn:aws:iam::{ACCOUNT}:role/mine", ACCOUNT, True),
        # each half refuses by itself
        (f"arn:aws:iam::{OTHER}:role/mine", ACCOUNT, False),
        (f"arn:aws:iam::{ACCOUNT}:role/path/mine", ACCOUNT, False),
        (f"arn:aws:iam::{OTHER}:role/path/mine", ACCOUNT, False),
        (f"arn:aws:iam::{OTHER}:role/mine", OTHER, True),
    ],
)
def test_a_role_is_made_in_this_account_and_without_a_path(
    role: str, account: str, fine: bool
) -> None:
    wanted = {"execution_role": role, "resources": {"role": "create"}}
    if fine:
        assert laid_out(account, **wanted).new_role == "mine"
        return
    assert refused(account, **wanted) == [
        (
            "execution_role",
            "the role cannot be made under this ARN",
            f"Leave it out, or write an ARN `arn:aws:iam::{account}:role/NAME`.",
        )
    ]


ON_EKS: dict[str, Any] = {"type": "kubernetes"}
OPEN = {"endpoint_access": ["203.0.113.7/32"]}
NOT_NAMED = (
    "cluster",
    "no cluster is named, and none is made unasked",
    "Name an existing one, or write `resources: {cluster: create}`.",
)
ROLE_ALONE = (
    "resources.role",
    "roles are made only together with a cluster",
    "Leave it out, or write `resources: {cluster: create}` too.",
)


@pytest.mark.parametrize(
    ("cluster", "modes", "made", "used"),
    [
        (None, {"cluster": "create"}, "kitaru-prod", "kitaru-prod"),
        ("mine", {"cluster": "create"}, "mine", "mine"),
        ("mine", {"cluster": "create", "role": "create"}, "mine", "mine"),
        ("mine", {"cluster": "existing"}, None, "mine"),
        ("mine", {}, None, "mine"),
        ("kitaru-prod", {}, None, "kitaru-prod"),
        ("mine", {"role": "existing"}, None, "mine"),
        ("mine", {"role": "skip"}, None, "mine"),
    ],
)
def test_a_cluster_is_made_only_where_it_is_asked_for(
    cluster: str | None, modes: dict[str, str], made: str | None, used: str | None
) -> None:
    spec = described(
        **ON_EKS, cluster=cluster, resources=modes or None, infrastructure=OPEN if made else None
    )
    assert wants_cluster(spec) is (made is not None)
    found = layout(spec, ACCOUNT, REGION)
    assert (found.new_cluster, found.cluster) == (made, used)
    assert (found.new_role, found.execution_role) == (None, None)


@pytest.mark.parametrize("role", ["existing", "skip"])
def test_a_new_cluster_makes_its_own_roles(role: str) -> None:
    modes = {"cluster": "create", "role": role}
    what = f"a new cluster makes its own roles, and role is `{role}`"
    assert refused(**ON_EKS, resources=modes, infrastructure=OPEN) == [
        ("resources.role", what, "Leave it out.")
    ]


def test_a_cluster_that_is_not_there_cannot_be_used() -> None:
    assert refused(**ON_EKS) == [NOT_NAMED]
    assert refused(**ON_EKS, resources={"role": "create"}) == [NOT_NAMED, ROLE_ALONE]
    assert refused(**ON_EKS, cluster="c", resources={"role": "create"}) == [ROLE_ALONE]


def test_every_problem_is_told_at_once() -> None:
    found = refused(
        container_registry=f"{OTHER}.dkr.ecr.{REGION}.amazonaws.com",
        execution_role=f"arn:aws:iam::{OTHER}:role/x",
        resources={"registry": "create", "role": "create"},
    )
    assert [field for field, _, _ in found] == ["container_registry", "execution_role"]


def test_only_a_kubernetes_stack_wants_a_cluster() -> None:
    assert not wants_cluster(described())


@pytest.mark.parametrize(
    ("store", "mode", "made"),
    [
        ("s3://mine", None, None),
        ("s3://mine", "create", "mine"),
        (f"s3://{OUR_BUCKET}", None, OUR_BUCKET),
    ],
)
def test_a_local_stack_has_a_bucket_and_nothing_more(
    store: str, mode: str | None, made: str | None
) -> None:
    found = laid_out(
        type="local", artifact_store=store, resources={"bucket": mode} if mode else None
    )
    assert found == Layout(
        "prod", StackType.LOCAL, ACCOUNT, REGION, artifact_store=store, new_bucket=made
    )


def test_a_local_folder_is_no_bucket() -> None:
    spec = from_mapping({"name": "prod", "artifact_store": "/data"})
    found = layout(spec, ACCOUNT, REGION)
    assert (found.artifact_store, found.new_bucket) == ("/data", None)
    assert not found.makes_anything


@pytest.mark.parametrize(
    ("region", "domain", "partition"),
    [
        ("eu-west-1", "amazonaws.com", "aws"),
        ("us-gov-west-1", "amazonaws.com", "aws-us-gov"),
        ("cn-north-1", "amazonaws.com.cn", "aws-cn"),
    ],
)
def test_hosts_and_arns_are_those_of_the_partition(
    region: str, domain: str, partition: str
) -> None:
    found = layout(described(region=region), ACCOUNT, region)
    assert found.container_registry == f"{ACCOUNT}.dkr.ecr.{region}.{domain}/kitaru/prod"
    assert found.execution_role == (
        f"arn:{partition}:iam::{ACCOUNT}:role/kitaru-prod-sagemaker-{region}"
    )


@pytest.mark.parametrize("new", ["new_bucket", "new_repository", "new_role", "new_cluster"])
def test_one_thing_is_something(new: str) -> None:
    nothing = Layout("prod", StackType.LOCAL, ACCOUNT, REGION, artifact_store="x", cluster="x")
    assert not nothing.makes_anything
    made: dict[str, Any] = {new: "x"}
    assert Layout("prod", StackType.LOCAL, ACCOUNT, REGION, **made).makes_anything


def test_a_layout_is_the_component_s_arguments() -> None:
    found = Layout("prod", StackType.KUBERNETES, ACCOUNT, REGION, subnets=("a", "b")).args()
    assert found == {
        "stack": "prod",
        "type": "kubernetes",
        "account": ACCOUNT,
        "region": REGION,
        "artifact_store": None,
        "container_registry": None,
        "repository": None,
        "execution_role": None,
        "cluster": None,
        "new_bucket": None,
        "new_repository": None,
        "new_role": None,
        "new_cluster": None,
        "subnets": ["a", "b"],
        "kms_key": None,
        "namespace": None,
        "service_accounts": [],
    }
    assert type(found["type"]) is str


def test_without_a_region_nothing_is_made() -> None:
    assert region_of(described()) == REGION
    with pytest.raises(DescriptionError) as caught:
        region_of(from_mapping({"name": "prod", "artifact_store": "s3://mine"}))
    (problem,) = caught.value.problems
    assert (problem.field, problem.what) == ("region", "the region is missing")


# --- back into the description


OUTPUTS = {
    "artifact_store": "s3://made/x",
    "container_registry": f"{HOST}/made",
    "execution_role": f"arn:aws:iam::{ACCOUNT}:role/made",
    "region": "eu-west-1",
    "cluster": "made",
}


@pytest.mark.parametrize("keys", [*itertools.combinations(OUTPUTS, 1), tuple(OUTPUTS)])
def test_what_was_made_is_filled_in_where_the_description_has_it(keys: tuple[str, ...]) -> None:
    outputs: dict[str, str | None] = {key: OUTPUTS[key] for key in keys}
    parsed: dict[str, Any] = {
        **OUTPUTS,
        "artifact_store": S3Uri("made", "x"),
        "container_registry": EcrUri(ACCOUNT, REGION, HOST, "made"),
    }
    for spec in (described(), described(**ON_EKS)):
        found = filled(spec, outputs)
        for key in (one.name for one in fields(spec)):
            expected = parsed[key] if key in keys else getattr(spec, key)
            assert getattr(found, key) == expected
    # what the description has not is left away
    on_eks = described(**ON_EKS)
    found = filled(on_eks, {"execution_role": OUR_ROLE, "workspace": "x"})
    assert found == on_eks
    assert not {"execution_role", "workspace"} & {one.name for one in fields(found)}
    # what was not made leaves what is there
    mine = described(artifact_store="s3://mine", execution_role=OUR_ROLE)
    assert filled(mine, dict.fromkeys(OUTPUTS)) == mine
