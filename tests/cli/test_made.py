"""The end of `create --infra provision`: what was made, what is used, where the state is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from kitaru_iac.cli.infra import resource_lines
from kitaru_iac.clouds import registry
from kitaru_iac.infrastructure.results import new_beside, new_ones
from kitaru_iac.plan.model import Action, Layer, Step
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.stacks.results import Created

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ROLE = "arn:aws:iam::123456789012:role/kitaru-prod-sagemaker"
RESOURCES = {
    "provider": "aws",
    "artifact_store": "s3://kitaru-prod-1",
    "container_registry": f"{HOST}/kitaru/prod",
    "execution_role": ROLE,
    "cluster": "kitaru-prod",
}


TYPES = {
    "bucket": "aws:s3/bucket:Bucket",
    "repository": "aws:ecr/repository:Repository",
    "role": "aws:iam/role:Role",
    "cluster": "aws:eks/cluster:Cluster",
    "policy": "aws:s3/bucketPolicy:BucketPolicy",
}


def made(*things: tuple[str, str], action: Action = Action.CREATE, **resources: str) -> list[str]:
    """The keys that are said to be made."""
    steps = tuple(Step(action, TYPES[kind], name, Layer.INFRASTRUCTURE) for kind, name in things)
    named = RESOURCES | resources
    stack = Created(
        *("1", "prod", True, None, "sagemaker", ()),
        resources=named,
        infrastructure=steps,
        state="file:///state",
        made=new_ones(SimpleNamespace(**named), registry.provisioning(Cloud.AWS).named, steps),
    )
    *lines, state = resource_lines(stack)
    assert state == "State of its infrastructure: file:///state"
    assert [line.partition(" ")[2] for line in lines] == [
        f"{key}: {value}" for key, value in stack.resources.items()
    ]
    assert {line.partition(" ")[0] for line in lines} <= {"Made", "Uses"}
    return [line.split()[1].rstrip(":") for line in lines if line.startswith("Made ")]


ALL = (
    ("bucket", "kitaru-prod-1"),
    ("repository", "kitaru/prod"),
    ("role", "kitaru-prod-sagemaker"),
    ("cluster", "kitaru-prod"),
)


def test_what_was_made_is_told_from_what_is_used() -> None:
    assert made() == []
    assert made(*ALL) == ["artifact_store", "container_registry", "execution_role", "cluster"]
    store = "s3://kitaru-prod-1/deep/path"
    assert made(("bucket", "kitaru-prod-1"), artifact_store=store) == ["artifact_store"]
    assert made(("repository", "kitaru/prod"), ("role", "other")) == ["container_registry"]


def test_a_thing_of_another_kind_with_the_same_name_is_not_that_one() -> None:
    named = {"artifact_store": "s3://prod", "container_registry": f"{HOST}/team/prod"}
    assert made(("cluster", "prod"), cluster="prod", **named) == ["cluster"]
    assert made(("policy", "prod"), **named) == []


@pytest.mark.parametrize("action", [action for action in Action if action is not Action.CREATE])
def test_what_an_earlier_run_made_is_used(action: Action) -> None:
    assert made(*ALL, action=action) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data", "s3://team-data/k"),
        ("team", "s3://team-data"),
        ("a.b", "s3://a-b"),
        ("team-data", "s3://team-data-2"),
    ],
)
def test_a_name_within_another_is_not_that_one(name: str, value: str) -> None:
    assert made(("bucket", name), artifact_store=value) == []


ELSEWHERE = [
    (Cloud.GCP, "gcp:storage/bucket:Bucket", "prod-1", "artifact_store", "gs://prod-1/k"),
    (
        *(Cloud.GCP, "gcp:artifactregistry/repository:Repository", "prod"),
        *("container_registry", "europe-west1-docker.pkg.dev/my-project/prod"),
    ),
    (
        *(Cloud.GCP, "gcp:container/cluster:Cluster"),
        *("projects/p/locations/europe-west1/clusters/prod", "cluster", "prod"),
    ),
    (
        *(Cloud.AZURE, "azure-native:storage:BlobContainer", "prod"),
        *("artifact_store", "abfs://prod@account.dfs.core.windows.net"),
    ),
    (
        *(Cloud.AZURE, "azure-native:containerregistry:Registry", "prod"),
        *("container_registry", "prod.azurecr.io"),
    ),
    (
        *(Cloud.AZURE, "azure-native:machinelearningservices:Workspace"),
        *("/subscriptions/1/resourceGroups/g/providers/x/workspaces/prod", "workspace", "prod"),
    ),
    (Cloud.AZURE, "azure-native:resources:ResourceGroup", "prod", "resource_group", "prod"),
    (Cloud.AZURE, "azure-native:containerservice:ManagedCluster", "prod", "cluster", "prod"),
]


@pytest.mark.parametrize(("cloud", "kind", "name", "key", "value"), ELSEWHERE)
def test_what_other_clouds_made_is_told_too(
    cloud: Cloud, kind: str, name: str, key: str, value: str
) -> None:
    types = registry.provisioning(cloud).named
    new = Step(Action.CREATE, kind, name, Layer.INFRASTRUCTURE)
    assert new_ones(SimpleNamespace(**{key: value}, region="prod"), types, [new]) == {key}
    other = Step(Action.CREATE, kind, f"{name}-2", Layer.INFRASTRUCTURE)
    assert new_ones(SimpleNamespace(**{key: value}), types, [other]) == set()


@pytest.mark.parametrize("cloud", list(Cloud))
def test_each_output_is_one_that_is_told(cloud: Cloud) -> None:
    made_by = registry.provisioning(cloud)
    assert all(FIELDS[key].names_resource for key in made_by.named)
    unnamed = {"region", "workload_service_account"}
    assert set(made_by.component.outputs) - set(made_by.named) <= unnamed


OTHERS = [
    (Cloud.AWS, "aws:iam/role:Role", "kitaru-prod-pods", "role: kitaru-prod-pods"),
    (Cloud.AWS, "aws:ec2/vpc:Vpc", "vpc-1", "network: vpc-1"),
    (
        *(Cloud.GCP, "gcp:serviceaccount/account:Account"),
        *("projects/p/serviceAccounts/n@p.iam", "service account: n@p.iam"),
    ),
    (Cloud.GCP, "gcp:compute/network:Network", "projects/p/global/networks/n", "network: n"),
    (
        *(Cloud.AZURE, "azure-native:managedidentity:UserAssignedIdentity"),
        *("/subscriptions/1/resourceGroups/g/providers/x/userAssignedIdentities/i", "identity: i"),
    ),
    (Cloud.AZURE, "azure-native:storage:StorageAccount", "acc", "storage account: acc"),
]


@pytest.mark.parametrize(("cloud", "kind", "name", "line"), OTHERS)
def test_what_no_key_of_a_description_names_is_told_when_it_is_made(
    cloud: Cloud, kind: str, name: str, line: str
) -> None:
    kinds = registry.provisioning(cloud)
    assert {one.split(":")[0] for *_, one in OTHERS} >= set(kinds.beside.values())

    def told(action: Action, **named: str) -> tuple[str, ...]:
        steps = [Step(action, kind, name, Layer.INFRASTRUCTURE)]
        return new_beside(kinds.beside, kinds.named, SimpleNamespace(**named), steps)

    assert told(Action.CREATE) == (line,)
    assert {told(one) for one in Action if one is not Action.CREATE} == {()}
    stack = Created(*("1", "prod", True, None, "x", ()), state="s", beside=told(Action.CREATE))
    assert f"Made {line}" in resource_lines(stack)


def test_a_role_that_the_description_names_is_told_once() -> None:
    kinds = registry.provisioning(Cloud.AWS)
    steps = [Step(Action.CREATE, TYPES["role"], ROLE.rpartition("/")[2], Layer.INFRASTRUCTURE)]
    assert new_ones(SimpleNamespace(**RESOURCES), kinds.named, steps) == {"execution_role"}
    assert new_beside(kinds.beside, kinds.named, SimpleNamespace(**RESOURCES), steps) == ()
