"""What a description on AWS becomes, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.errors import DescriptionError
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records
from kitaru_iac.spec.model import KubernetesSpec, LocalSpec, SagemakerSpec
from kitaru_iac.stacks.desired import desired_records

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ROLE = "arn:aws:iam::123456789012:role/SageMakerExecutionRole"
MANAGED = {"kitaru.managed": "true"}
OWN = {"labels": MANAGED, "uses_connector": True}

KUBERNETES = {
    "name": "prod-k8s",
    "artifact_store": "s3://my-bucket/kitaru",
    "container_registry": HOST,
    "cluster": "prod-cluster",
    "region": "eu-west-1",
}
SAGEMAKER = {
    "name": "prod-sagemaker",
    "artifact_store": "s3://my-bucket/kitaru",
    "container_registry": HOST,
    "region": "eu-west-1",
    "execution_role": ROLE,
}


def kubernetes(**changes: Any) -> Records:
    return desired_records(KubernetesSpec(**{**KUBERNETES, **changes}))


def test_kubernetes() -> None:
    name = "prod-k8s"
    assert kubernetes() == Records(
        stack=name,
        stack_type="kubernetes",
        labels=MANAGED,
        components=(
            ComponentRecord(
                "orchestrator",
                name,
                "kubernetes",
                {"kubernetes_namespace": "default"},
                resource_type="kubernetes-cluster",
                resource_id="prod-cluster",
                **OWN,
            ),
            ComponentRecord(
                "artifact_store",
                name,
                "s3",
                {"path": "s3://my-bucket/kitaru"},
                resource_type="s3-bucket",
                resource_id="s3://my-bucket",
                **OWN,
            ),
            ComponentRecord(
                "container_registry",
                name,
                "aws",
                {"uri": HOST},
                resource_type="docker-registry",
                resource_id=HOST,
                **OWN,
            ),
        ),
        connector=ConnectorRecord(name, "aws", "implicit", {"region": "eu-west-1"}, labels=MANAGED),
    )


def test_sagemaker_keeps_its_region_and_bucket() -> None:
    records = desired_records(SagemakerSpec(**SAGEMAKER))
    runner = records.components[0]
    assert (runner.flavor, runner.resource_type, runner.resource_id) == (
        "sagemaker",
        "aws-generic",
        None,
    )
    assert runner.configuration == {
        "execution_role": ROLE,
        "region": "eu-west-1",
        "bucket": "my-bucket",
    }
    assert [(c.flavor, c.resource_id) for c in records.components[1:]] == [
        ("s3", "s3://my-bucket"),
        ("aws", HOST),
    ]
    assert records.labels == MANAGED
    assert records.connector is not None
    assert records.connector.configuration == {"region": "eu-west-1"}


def test_an_ecr_repository_becomes_the_default_repository() -> None:
    registry = kubernetes(container_registry=f"{HOST}/team/images").component("container_registry")
    assert registry is not None
    assert registry.configuration == {"uri": HOST, "default_repository": "team/images"}
    assert registry.resource_id == HOST


@pytest.mark.parametrize(
    ("credentials", "method", "configuration", "secrets"),
    [
        ("implicit", "implicit", {}, {}),
        ("aws-profile:prod", "implicit", {"profile_name": "prod"}, {}),
        (f"aws-role:{ROLE}", "implicit", {"role_arn": ROLE}, {}),
        (
            "aws-access-keys:AKIA1:secret",
            "secret-key",
            {},
            {"aws_access_key_id": "AKIA1", "aws_secret_access_key": "secret"},
        ),
        (
            "aws-session-token:ASIA1:secret:token",
            "sts-token",
            {},
            {
                "aws_access_key_id": "ASIA1",
                "aws_secret_access_key": "secret",
                "aws_session_token": "token",
            },
        ),
    ],
)
def test_credentials(
    credentials: str, method: str, configuration: dict[str, str], secrets: dict[str, str]
) -> None:
    records = kubernetes(credentials=credentials)
    connector = records.connector
    assert connector is not None
    assert connector.auth_method == method
    assert connector.configuration == {"region": "eu-west-1", **configuration}
    assert connector.secrets == secrets
    assert bool(records.notes) == credentials.startswith("aws-session-token")


def test_an_existing_connector_is_taken_as_it_is() -> None:
    records = kubernetes(connector="shared")
    assert records.connector == ConnectorRecord("shared", "aws", "", existing=True)
    assert records.labels == {
        **MANAGED,
        "kitaru.reused_service_connectors": "true",
        "kitaru.region": "eu-west-1",
    }
    assert all(c.uses_connector and c.labels == records.labels for c in records.components)


@pytest.mark.parametrize(
    ("uri", "flavor"),
    [
        ("docker.io/team", "dockerhub"),
        ("ghcr.io/team", "github"),
        ("registry.gitlab.com/team/images", "default"),
        ("registry.example.com:5000", "default"),
    ],
)
def test_other_registries_need_no_connector(uri: str, flavor: str) -> None:
    registry = kubernetes(container_registry=uri).component("container_registry")
    assert registry is not None
    assert (registry.flavor, registry.configuration) == (flavor, {"uri": uri})
    assert (registry.uses_connector, registry.resource_type, registry.resource_id) == (
        False,
        None,
        None,
    )


def test_extra_fields_win_over_everything() -> None:
    extra = {
        "orchestrator": {"synchronous": True, "timeout": 60},
        "container_registry": {"default_repository": "agents"},
    }
    runner, _, registry = kubernetes(**{"async": True, "extra": extra}).components
    assert runner.configuration == {
        "kubernetes_namespace": "default",
        "synchronous": True,
        "timeout": 60,
    }
    assert registry.configuration == {"uri": HOST, "default_repository": "agents"}
    runner = kubernetes(**{"async": True}).components[0]
    assert runner.configuration == {"kubernetes_namespace": "default", "synchronous": False}


def test_a_local_runner_with_a_bucket_and_credentials_has_a_connector() -> None:
    records = desired_records(
        LocalSpec(
            name="dev",
            artifact_store="s3://my-bucket/dev",
            region="eu-west-1",
            credentials="aws-profile:dev",
        )
    )
    runner, store = records.components
    assert (runner.flavor, runner.configuration, runner.uses_connector) == ("local", {}, False)
    assert (store.flavor, store.configuration) == ("s3", {"path": "s3://my-bucket/dev"})
    assert store.uses_connector
    assert records.connector is not None
    assert records.connector.labels == MANAGED
    assert records.stack_type == "local"


def test_a_local_runner_with_a_bucket_alone_uses_this_machines_credentials() -> None:
    records = desired_records(
        LocalSpec(name="dev", artifact_store="s3://my-bucket", region="eu-west-1")
    )
    assert records.connector is None
    assert not any(c.uses_connector or c.labels for c in records.components)
    assert "this machine's own AWS credentials" in str(records.notes[0])


def test_what_is_to_be_provisioned_has_no_name_yet() -> None:
    records = desired_records(SagemakerSpec(name="prod", region="eu-west-1", infra="provision"))
    assert [(c.flavor, c.configuration, c.resource_id) for c in records.components[:2]] == [
        ("sagemaker", {"region": "eu-west-1"}, None),
        ("s3", {}, None),
    ]


def test_credentials_of_another_cloud_are_refused() -> None:
    with pytest.raises(DescriptionError, match="Azure"):
        kubernetes(credentials="azure-managed-identity")


def test_a_purely_local_stack() -> None:
    records = desired_records(LocalSpec(name="dev"))
    assert records == Records(
        stack="dev",
        stack_type="local",
        labels=MANAGED,
        components=(
            ComponentRecord("orchestrator", "dev", "local"),
            ComponentRecord("artifact_store", "dev", "local"),
        ),
    )


def test_a_local_folder_is_kept(tmp_path: Any) -> None:
    store = desired_records(LocalSpec(name="dev", artifact_store=str(tmp_path))).components[1]
    assert (store.flavor, store.configuration) == ("local", {"path": str(tmp_path)})
