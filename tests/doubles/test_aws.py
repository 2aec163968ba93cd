"""The AWS double, seen by boto3 and by ZenML's own verification on a real server."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.loaders import JSONFileLoader

from tests.doubles import AwsLoopback, LoopbackClouds
from tests.doubles.aws import ADMINISTRATOR_ARN, principal_trust
from tests.doubles.verification import verify
from tests.servers.zenml import ZenMLServer

pytest_plugins = ["tests.servers.fixtures"]

_READ_BUCKETS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:*", "sts:*"], "Resource": "*"}],
}


@pytest.fixture
def aws(empty_clouds: LoopbackClouds) -> AwsLoopback:
    return empty_clouds.aws


def connector(aws: AwsLoopback, method: str = "secret-key", **fields: Any) -> Any:
    configuration = {
        "region": aws.region,
        "aws_access_key_id": aws.access_key_id,
        "aws_secret_access_key": aws.secret_access_key,
        **fields,
    }
    return "aws", method, configuration


def test_boto3_finds_what_was_seeded(aws: AwsLoopback, cloud_env: dict[str, str]) -> None:
    aws.bucket("artifacts")
    aws.repository("zenml")
    aws.cluster("prod", node_groups=2)
    role = aws.role("runner")

    session = boto3.session.Session()
    identity = session.client("sts").get_caller_identity()
    place = session.client("s3").get_bucket_location(Bucket="artifacts")
    cluster = session.client("eks").describe_cluster(name="prod")["cluster"]
    groups = session.client("eks").list_nodegroups(clusterName="prod")["nodegroups"]
    repositories = session.client("ecr").describe_repositories()["repositories"]

    assert identity["Account"] == aws.account_id
    assert place["LocationConstraint"] == aws.region
    assert cluster["status"] == "ACTIVE"
    assert groups == ["prod-0", "prod-1"]
    assert repositories[0]["repositoryUri"] == f"{aws.registry_host()}/zenml"
    assert session.client("iam").get_role(RoleName="runner")["Role"]["Arn"] == role


def test_reset_forgets_everything(aws: AwsLoopback) -> None:
    aws.bucket("artifacts")
    aws.require_valid_keys()
    aws.reset()
    assert aws.client("s3").list_buckets()["Buckets"] == []


@pytest.mark.parametrize(
    ("resource_type", "resource_id", "names"),
    [
        ("s3-bucket", "s3://artifacts", ["s3://artifacts"]),
        ("s3-bucket", "arn:aws:s3:::artifacts", ["s3://artifacts"]),
        ("docker-registry", "123456789012.dkr.ecr.eu-west-1.amazonaws.com", None),
        ("kubernetes-cluster", "prod", ["prod"]),
        ("aws-generic", None, ["eu-west-1"]),
    ],
)
def test_zenml_verifies_what_exists(
    aws: AwsLoopback,
    zenml_server: ZenMLServer,
    resource_type: str,
    resource_id: str | None,
    names: list[str] | None,
) -> None:
    aws.bucket("artifacts")
    aws.repository("zenml")
    aws.cluster("prod")
    verdict = verify(zenml_server, connector(aws), resource_type, resource_id)
    assert verdict.ok, verdict.error
    assert verdict.resource_ids == (names or [str(resource_id)])


@pytest.mark.parametrize(
    ("resource_type", "resource_id", "reason"),
    [
        ("s3-bucket", "s3://nowhere", "failed to fetch S3 bucket nowhere"),
        ("docker-registry", "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "any ECR repositories"),
        ("kubernetes-cluster", "nowhere", "No cluster found for name: nowhere"),
    ],
)
def test_zenml_refuses_what_is_missing(
    aws: AwsLoopback,
    zenml_server: ZenMLServer,
    resource_type: str,
    resource_id: str,
    reason: str,
) -> None:
    verdict = verify(zenml_server, connector(aws), resource_type, resource_id)
    assert reason in verdict.error


def test_zenml_takes_any_registry_host_while_one_repository_exists(
    aws: AwsLoopback, zenml_server: ZenMLServer
) -> None:
    """ZenML looks at the account's repositories, never at the host: a check of ours must."""
    aws.repository("zenml")
    other = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
    assert verify(zenml_server, connector(aws), "docker-registry", other).ok


def test_wrong_keys_are_refused(aws: AwsLoopback, zenml_server: ZenMLServer) -> None:
    aws.bucket("artifacts")
    right = connector(aws, aws_access_key_id=(keys := aws.require_valid_keys())[0])
    right[2]["aws_secret_access_key"] = keys[1]
    wrong = connector(aws, aws_secret_access_key="wrong")

    assert verify(zenml_server, right, "s3-bucket", "s3://artifacts").ok
    assert "SignatureDoesNotMatch" in verify(zenml_server, wrong, "aws-generic").error
    unknown = connector(aws, aws_access_key_id="AKIANOBODY0000000000")
    assert "InvalidClientTokenId" in verify(zenml_server, unknown, "aws-generic").error


def test_a_user_without_rights_is_denied(aws: AwsLoopback) -> None:
    aws.bucket("artifacts")
    aws.require_valid_keys()
    key, secret = aws.user("nobody")
    s3 = boto3.session.Session(key, secret).client(
        "s3", endpoint_url=aws.url, region_name=aws.region
    )
    with pytest.raises(ClientError, match="403"):
        s3.head_bucket(Bucket="artifacts")


def test_zenml_assumes_a_role(aws: AwsLoopback, zenml_server: ZenMLServer) -> None:
    aws.bucket("artifacts")
    role = aws.role("connector", principal_trust(ADMINISTRATOR_ARN), _READ_BUCKETS)
    stranger = principal_trust(ADMINISTRATOR_ARN.replace("administrator", "somebody-else"))
    closed = aws.role("closed", stranger, _READ_BUCKETS)
    aws.require_valid_keys()
    assumed = connector(aws, "iam-role", role_arn=role)
    untrusted = connector(aws, "iam-role", role_arn=closed)

    verdict = verify(zenml_server, assumed, "s3-bucket", "s3://artifacts")
    assert verdict.ok, verdict.error
    assert "Failed to assume" in verify(zenml_server, untrusted, "aws-generic").error


@pytest.mark.parametrize("method", ["session-token", "federation-token"])
def test_zenml_makes_temporary_credentials(
    aws: AwsLoopback, zenml_server: ZenMLServer, method: str
) -> None:
    aws.bucket("artifacts")
    verdict = verify(zenml_server, connector(aws, method), "s3-bucket", "s3://artifacts")
    assert verdict.ok, verdict.error


def test_zenml_takes_a_session_token(aws: AwsLoopback, zenml_server: ZenMLServer) -> None:
    aws.bucket("artifacts")
    key, secret, token = aws.session_token()
    temporary = connector(
        aws,
        "sts-token",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
    )
    verdict = verify(
        zenml_server,
        temporary,
        "s3-bucket",
        "s3://artifacts",
        expires_at="2099-01-01T00:00:00",
    )
    assert verdict.ok, verdict.error


def test_implicit_needs_the_servers_leave(
    aws: AwsLoopback, zenml_server: ZenMLServer, zenml_server_implicit: ZenMLServer
) -> None:
    aws.bucket("artifacts")
    implicit = ("aws", "implicit", {"region": aws.region})
    refused = verify(zenml_server, implicit, "s3-bucket", "s3://artifacts")
    allowed = verify(zenml_server_implicit, implicit, "s3-bucket", "s3://artifacts")
    assert "ZENML_ENABLE_IMPLICIT_AUTH_METHODS" in refused.error
    assert allowed.ok, allowed.error


def test_models_are_read_once_for_all_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half the time of the tests that ask AWS hangs on it, and nothing else would show it gone."""
    opened: list[str] = []
    read = JSONFileLoader._load_file

    def noted(self: JSONFileLoader, path: str, how: Any) -> Any:
        opened.append(path)
        return read(self, path, how)

    def client() -> Any:
        return boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b").client(
            "s3", region_name="eu-west-1"
        )

    client()
    monkeypatch.setattr(JSONFileLoader, "_load_file", noted)
    client()
    assert opened == []
