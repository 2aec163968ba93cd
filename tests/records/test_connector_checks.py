"""A connector's access to each resource, by ZenML's own verification, on the clouds' doubles."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.records.apply import execute
from kitaru_iac.records.connector_checks import ConnectorCheck, verify_connector
from kitaru_iac.records.explanations import Subject, explain
from kitaru_iac.records.model import ConnectorRecord, Records
from kitaru_iac.records.preflight import IMPLICIT_AUTH
from kitaru_iac.records.stored import Store
from kitaru_iac.redaction import SecretText
from kitaru_iac.spec.model import AzuremlSpec, KubernetesSpec, StackSpec, VertexSpec
from kitaru_iac.stacks.desired import desired_records
from tests.doubles import LoopbackClouds
from tests.homes import Home

MARK = "MARKED-s3cret"


@pytest.fixture
def store(
    any_home: Home,
    empty_clouds: LoopbackClouds,
    cloud_env: dict[str, str],
) -> Iterator[Store]:
    """The local store in this process, which sees the clouds, and a server that sees them too."""
    with quiet():
        yield Store.open()


@pytest.fixture
def local(
    home: Home,
    empty_clouds: LoopbackClouds,
    cloud_env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Store]:
    monkeypatch.setenv(IMPLICIT_AUTH, "true")
    with quiet():
        yield Store.open()


def seeded(spec: StackSpec, connector: ConnectorRecord | None = None) -> Records:
    records = desired_records(spec)
    return records if connector is None else replace(records, connector=connector)


def found(checks: list[ConnectorCheck]) -> list[tuple[str, str]]:
    return [(check.resource, check.status) for check in checks]


def eks(clouds: LoopbackClouds, **changes: Any) -> KubernetesSpec:
    aws = clouds.aws
    given = {
        "name": "prod",
        "artifact_store": "s3://artifacts/kitaru",
        "container_registry": f"{aws.registry_host()}/zenml",
        "cluster": "prod-cluster",
        "region": aws.region,
        "credentials": f"aws-access-keys:{aws.access_key_id}:{aws.secret_access_key}",
        **changes,
    }
    return KubernetesSpec(**{key: value for key, value in given.items() if value is not None})


def gke(clouds: LoopbackClouds, key: Path, **changes: Any) -> KubernetesSpec:
    gcp = clouds.gcp
    given = {
        "name": "prod",
        "artifact_store": "gs://artifacts",
        "container_registry": f"{gcp.location}-docker.pkg.dev/{gcp.project}/images/app",
        "cluster": "prod-cluster",
        "region": gcp.location,
        "credentials": f"gcp-service-account:{key}",
        **changes,
    }
    return KubernetesSpec(**given)


def azureml(clouds: LoopbackClouds, secret: str = "s3cret~value", **changes: Any) -> AzuremlSpec:
    azure = clouds.azure
    client = azure.application("s3cret~value")
    given = {
        "name": "prod",
        "artifact_store": "az://artifacts",
        "container_registry": "demo1.azurecr.io/team",
        "subscription_id": azure.subscription_id,
        "resource_group": azure.resource_group,
        "workspace": "team-ml",
        "credentials": f"azure-service-principal:{azure.tenant_id}:{client}:{secret}",
        **changes,
    }
    return AzuremlSpec(**given)


def seed_aws(clouds: LoopbackClouds) -> None:
    clouds.aws.bucket("artifacts")
    clouds.aws.repository("zenml")
    clouds.aws.cluster("prod-cluster")


def seed_azure(clouds: LoopbackClouds) -> None:
    clouds.azure.storage_account("account1")
    clouds.azure.container("account1", "artifacts")
    clouds.azure.registry("demo1")


def test_aws_with_everything_there(store: Store, clouds: LoopbackClouds) -> None:
    seed_aws(clouds)
    assert found(verify_connector(store.gateway, seeded(eks(clouds)))) == [
        ("kubernetes-cluster prod-cluster", "ok"),
        ("s3-bucket s3://artifacts", "ok"),
        (f"docker-registry {clouds.aws.registry_host()}", "ok"),
    ]


def test_each_missing_resource_has_its_own_result(store: Store, clouds: LoopbackClouds) -> None:
    clouds.aws.cluster("prod-cluster")
    cluster, bucket, registry = verify_connector(store.gateway, seeded(eks(clouds)))
    assert (cluster.status, bucket.status, registry.status) == ("ok", "fail", "fail")
    assert bucket.message == (
        "the bucket s3://artifacts does not exist, or the connector may not see it"
    )
    assert bucket.remedy == f"aws s3 mb s3://artifacts --region {clouds.aws.region}"
    assert "has no repository" in registry.message
    assert "aws ecr create-repository --repository-name zenml" in str(registry.remedy)


def test_another_accounts_registry_is_noticed(store: Store, clouds: LoopbackClouds) -> None:
    """ZenML takes it for its own account's, and is content."""
    seed_aws(clouds)
    host = f"999999999999.dkr.ecr.{clouds.aws.region}.amazonaws.com"
    registry = verify_connector(store.gateway, seeded(eks(clouds, container_registry=host)))[2]
    assert registry.status == "fail"
    assert clouds.aws.registry_host() in registry.message


def test_wrong_aws_keys(store: Store, clouds: LoopbackClouds) -> None:
    seed_aws(clouds)
    clouds.aws.require_valid_keys()
    try:
        for credentials, expected in (
            (f"aws-access-keys:AKIANOBODY:{MARK}", "AWS does not know the access key"),
            (
                f"aws-access-keys:{clouds.aws.access_key_id}:{MARK}",
                "the secret access key is not the access key's",
            ),
        ):
            checks = verify_connector(store.gateway, seeded(eks(clouds, credentials=credentials)))
            assert {check.message for check in checks} == {expected}
            assert MARK not in str(checks)
    finally:
        clouds.aws.accept_any_keys()


def test_gcp(store: Store, clouds: LoopbackClouds, tmp_path: Path) -> None:
    gcp = clouds.gcp
    key = gcp.service_account_file(gcp.owner, tmp_path / "key.json")
    records = seeded(gke(clouds, key))
    cluster, bucket, registry = verify_connector(store.gateway, records)
    assert {check.status for check in (cluster, bucket, registry)} == {"fail"}
    assert bucket.remedy == "gcloud storage buckets create gs://artifacts"
    assert registry.remedy == (
        f"gcloud artifacts repositories create images --project {gcp.project} "
        f"--location {gcp.location} --repository-format docker"
    )

    gcp.bucket("artifacts")
    gcp.repository("images")
    gcp.cluster("prod-cluster")
    assert {check.status for check in verify_connector(store.gateway, records)} == {"ok"}

    gcp.deny("storage.buckets.get")
    bucket = verify_connector(store.gateway, records)[1]
    assert bucket.message == (
        "the connector may not use the bucket gs://artifacts: storage.buckets.get is denied"
    )
    assert "roles/storage.objectUser" in str(bucket.remedy)


def test_a_key_that_google_does_not_know(
    store: Store, clouds: LoopbackClouds, tmp_path: Path
) -> None:
    gcp = clouds.gcp
    key = gcp.service_account_file(gcp.owner, tmp_path / "key.json", known=False)
    checks = verify_connector(store.gateway, seeded(gke(clouds, key)))
    assert {check.message for check in checks} == {"Google does not accept the credentials"}
    broken = json.loads(key.read_text()) | {"private_key": MARK}
    key.write_text(json.dumps(broken))
    checks = verify_connector(store.gateway, seeded(gke(clouds, key)))
    assert {check.message for check in checks} == {"Google does not accept the credentials"}
    assert MARK not in str(checks)


def test_gcp_keyless(local: Store, clouds: LoopbackClouds, tmp_path: Path) -> None:
    gcp = clouds.gcp
    gcp.bucket("artifacts")
    uri = gcp.repository("images")
    runner = gcp.service_account("runner")
    federated = gcp.workload_identity_file(tmp_path / "wif.json", runner)
    spec = VertexSpec(
        name="prod",
        region=gcp.location,
        artifact_store="gs://artifacts",
        container_registry=uri,
        credentials=f"gcp-workload-identity:{federated}",
    )
    assert {check.status for check in verify_connector(local.gateway, seeded(spec))} == {"ok"}


def test_azure(store: Store, clouds: LoopbackClouds) -> None:
    clouds.azure.storage_account("account1")
    account, container, registry = verify_connector(store.gateway, seeded(azureml(clouds)))
    assert account.resource == "azure-generic"
    assert (account.status, container.status, registry.status) == ("ok", "fail", "fail")
    assert "does not exist" in container.message

    seed_azure(clouds)
    checks = verify_connector(store.gateway, seeded(azureml(clouds)))
    assert {check.status for check in checks} == {"ok"}

    clouds.azure.deny("Microsoft.ContainerRegistry/registries/read")
    registry = verify_connector(store.gateway, seeded(azureml(clouds)))[2]
    assert "registries/read is denied" in registry.message


def test_wrong_azure_secrets(store: Store, clouds: LoopbackClouds) -> None:
    seed_azure(clouds)
    checks = verify_connector(store.gateway, seeded(azureml(clouds, secret=MARK)))
    assert {check.message for check in checks} == {"the client secret is wrong or has expired"}
    assert MARK not in str(checks)


def test_aks(store: Store, clouds: LoopbackClouds) -> None:
    azure = clouds.azure
    seed_azure(clouds)
    azure.cluster("prod-cluster")
    ml = azureml(clouds)
    spec = KubernetesSpec(
        name="prod",
        artifact_store=ml.artifact_store,
        container_registry=ml.container_registry,
        cluster="prod-cluster",
        subscription_id=ml.subscription_id,
        resource_group=ml.resource_group,
        credentials=ml.credentials,
    )
    assert found(verify_connector(store.gateway, seeded(spec)))[0] == (
        f"kubernetes-cluster {azure.resource_group}/prod-cluster",
        "ok",
    )


def test_an_unknown_subscription(store: Store, clouds: LoopbackClouds) -> None:
    seed_azure(clouds)
    spec = azureml(clouds, subscription_id="00000000-0000-0000-0000-000000000999")
    checks = verify_connector(store.gateway, seeded(spec))
    assert all("does not see the subscription" in check.message for check in checks)


def test_an_existing_connector_is_verified_as_it_is_stored(
    store: Store, clouds: LoopbackClouds
) -> None:
    seed_aws(clouds)
    records = seeded(eks(clouds, name="shared"))
    execute(store, records, None, Records("shared", "custom", ()))
    spec = eks(
        clouds,
        name="other",
        connector="shared",
        credentials=None,
        artifact_store="s3://nowhere",
    )
    used = store.resolved(desired_records(spec))
    cluster, bucket, registry = verify_connector(store.gateway, used)
    assert (cluster.status, bucket.status, registry.status) == ("ok", "fail", "ok")
    assert "s3://nowhere does not exist" in bucket.message


def test_implicit_methods_that_are_off_are_said(
    local: Store, clouds: LoopbackClouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(IMPLICIT_AUTH, "")
    checks = verify_connector(local.gateway, seeded(eks(clouds, credentials="implicit")))
    assert {check.message for check in checks} == {
        "this process does not let connectors use its own identity"
    }


def test_a_role_is_assumed_only_where_a_region_is_set(
    local: Store, clouds: LoopbackClouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed_aws(clouds)
    spec = eks(clouds, credentials=f"aws-role:{clouds.aws.role('runner')}")
    assert {check.status for check in verify_connector(local.gateway, seeded(spec))} == {"ok"}
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    check = verify_connector(local.gateway, seeded(spec))[0]
    assert check.status == "fail"
    assert f"AWS_DEFAULT_REGION={clouds.aws.region}" in str(check.remedy)


def test_what_zenml_hides_in_its_log_is_said(local: Store, clouds: LoopbackClouds) -> None:
    checks = verify_connector(local.gateway, seeded(eks(clouds, credentials="aws-profile:nobody")))
    assert {check.message for check in checks} == {"ZenML cannot use the AWS profile nobody"}
    assert "~/.aws/config" in str(checks[0].remedy)


def test_what_has_no_name_yet_is_left_out(local: Store, clouds: LoopbackClouds) -> None:
    spec = KubernetesSpec(
        name="prod",
        region=clouds.aws.region,
        infra="provision",
        artifact_store="s3://artifacts",
        credentials="implicit",
    )
    clouds.aws.bucket("artifacts")
    assert found(verify_connector(local.gateway, seeded(spec))) == [
        ("s3-bucket s3://artifacts", "ok")
    ]


def test_without_a_connector_there_is_nothing_to_verify(local: Store) -> None:
    assert verify_connector(local.gateway, Records("dev", "local", ())) == []


# --- words --------------------------------------------------------------------------------------


def subject(secret: str = MARK) -> Subject:
    connector = ConnectorRecord(
        "prod", "aws", "secret-key", {"region": "eu-west-1"}, {"key": SecretText(secret)}
    )
    return Subject(connector, "s3-bucket", "s3://artifacts", is_local=True)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("An error occurred (403) when calling the HeadBucket operation: Forbidden", "may not use"),
        ("An error occurred (ExpiredToken) when calling GetCallerIdentity", "have expired"),
        ("failed: Unable to locate credentials", "no credentials where"),
        (
            "Failed to assume IAM role arn:aws:iam::1:role/x using the implicit AWS credentials",
            "the role arn:aws:iam::1:role/x cannot be assumed",
        ),
        ('Could not connect to the endpoint URL: "https://s3"', "the cloud does not answer"),
        ("an unexpected error occurred while verifying the connector.", "does not say why"),
        ("3 validation errors\nregion\n  Field required [type=missing", "lacks region"),
        ("connector 'prod' authorization failure: something new", "something new"),
    ],
)
def test_known_texts_have_plain_words(error: str, expected: str) -> None:
    assert expected in explain(error, subject())[0]


@pytest.mark.parametrize(
    "spelled",
    [
        "a/b+c=d e",
        "a%2Fb%2Bc%3Dd%20e",
        "a%2fb%2bc%3dd%20e",
        "a/b%2Bc%3Dd%20e",
        "a%2Fb%2Bc%3Dd+e",
    ],
)
def test_a_secret_is_hidden_however_it_is_spelled(spelled: str) -> None:
    message, _ = explain(f"cannot sign with {spelled} here", subject("a/b+c=d e"))
    assert message == "cannot sign with (secret) here"


def test_what_is_secret_in_a_key_file_is_hidden() -> None:
    key = json.dumps({"private_key": "line-one\nline-two", "client_email": "a@b.example"})
    message, _ = explain("line-one, 'line-one\\nline-two' of a@b.example", subject(key))
    assert "line-" not in message


@given(
    words=st.lists(st.text(min_size=1, max_size=40), max_size=30),
    wrap=st.sampled_from([str, repr, lambda text: f"connector 'x' authorization failure: {text}"]),
)
def test_a_text_becomes_one_short_line_without_secrets(
    words: list[str], wrap: Callable[[str], str]
) -> None:
    message, _ = explain(wrap("\n".join([*words, MARK, *words])), subject())
    assert MARK not in message
    assert len(message) <= 300
    assert len(message.splitlines()) <= 1
