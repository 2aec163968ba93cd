"""Whose permissions count: it depends on where the stack is stored, and on its credentials."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus, run_checks
from kitaru_iac.checks.probes import Denied, Probe
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.aws.verify import checks_for
from kitaru_iac.infrastructure import verify as face
from kitaru_iac.spec import from_mapping
from tests.clouds.aws.nobody import everything_listed, everything_read

SERVER = "https://zenml.example.org"
SAGEMAKER = {
    "name": "prod",
    "type": "sagemaker",
    "artifact_store": "s3://my-bucket/kitaru",
    "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "region": "eu-west-1",
    "execution_role": "arn:aws:iam::123456789012:role/Exec",
}
LOCAL = {"name": "dev", "artifact_store": "s3://my-bucket", "region": "eu-west-1"}
KEYS = "aws-access-keys:AKIAIOSFODNN7EXAMPLE:secret"
ROLE = "aws-role:arn:aws:iam::123456789012:role/connector"


class Me(AwsAccess):
    """An administrator whom AWS answers everything about identities, and nothing else."""

    def open(self) -> None: ...

    def ask(self, service: str, operation: str, **given: Any) -> Any:  # type: ignore[override]
        if operation == "get_caller_identity":
            return {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/ME"}
        if operation == "simulate_principal_policy":
            names = given["ActionNames"]
            return {
                "EvaluationResults": [
                    {"EvalActionName": name, "EvalDecision": "allowed"} for name in names
                ]
            }
        return everything_read(operation) or {"BucketRegion": "eu-west-1"}

    def ask_all(self, service: str, operation: str, *_: Any, **given: Any) -> Any:
        return everything_listed(operation)


@pytest.mark.parametrize(
    ("given", "server", "status"),
    [
        (SAGEMAKER, None, CheckStatus.OK),
        (SAGEMAKER, SERVER, CheckStatus.UNKNOWN),
        (SAGEMAKER | {"credentials": "implicit"}, None, CheckStatus.OK),
        (SAGEMAKER | {"credentials": "implicit"}, SERVER, CheckStatus.UNKNOWN),
        (SAGEMAKER | {"credentials": "aws-profile:me"}, SERVER, CheckStatus.UNKNOWN),
        (SAGEMAKER | {"credentials": KEYS}, SERVER, CheckStatus.OK),
        (SAGEMAKER | {"credentials": ROLE}, SERVER, CheckStatus.OK),
        (SAGEMAKER | {"connector": "theirs"}, None, CheckStatus.UNKNOWN),
        # a runner on this machine without a connector uses this machine's credentials
        (LOCAL, SERVER, CheckStatus.OK),
        (LOCAL | {"credentials": "implicit"}, SERVER, CheckStatus.UNKNOWN),
    ],
)
def test_the_server_s_identity_counts_where_the_server_makes_the_session(
    given: dict[str, Any], server: str | None, status: CheckStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kitaru_iac.clouds.aws.verify.AwsAccess", Me)
    checks = checks_for(from_mapping(given), server=server)
    asked = [c for c in checks if c.info.id in {"aws.connector.permissions", "aws.role.pass"}]
    for result in run_checks(asked, 60):
        assert result.status is status, result.why
        if server is not None and status is CheckStatus.UNKNOWN:
            assert server in result.why
            assert "ME" not in result.why


@pytest.mark.parametrize(
    ("credentials", "server", "told"),
    [(ROLE, SERVER, True), (ROLE, None, False), (KEYS, SERVER, False)],
)
def test_that_the_server_may_assume_the_role_is_not_said(
    credentials: str, server: str | None, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who checks did assume it; what the server's identity is, nobody tells."""
    monkeypatch.setattr("kitaru_iac.clouds.aws.verify.AwsAccess", Me)
    checks = checks_for(from_mapping(SAGEMAKER | {"credentials": credentials}), server=server)
    asked = [check for check in checks if check.info.id == "aws.connector.permissions"]
    (result,) = run_checks(asked, 60)
    assert result.status is CheckStatus.OK
    assert (f"; whether the identity of {SERVER} may assume it" in str(result.caveat)) is told


class Stranger(Me):
    """S3 too, where somebody else has the bucket, and lets everybody look at it."""

    def ask(self, service: str, operation: str, **given: Any) -> Any:  # type: ignore[override]
        if service == "s3" and "ExpectedBucketOwner" in given:
            raise Denied("no")
        return super().ask(service, operation, **given)


@pytest.mark.parametrize(
    ("said", "is_judged"),
    [({}, True), ({"infra": "provision"}, False), (
        {"infra": "provision", "resources": {"bucket": "existing"}}, True)],
)  # fmt: skip
def test_of_a_bucket_that_may_be_a_stranger_s_now_nothing_is_judged(
    said: dict[str, Any], is_judged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kitaru_iac.clouds.aws.verify.AwsAccess", Stranger)
    checks = [c for c in checks_for(from_mapping(SAGEMAKER | said)) if ".bucket." in c.info.id]
    found = {result.id: result for result in run_checks(checks, 60)}
    assert len(found) >= 8
    if is_judged:
        assert found["aws.bucket.exists"].status is CheckStatus.OK
        assert found["aws.bucket.versioning"].status is CheckStatus.WARN
    else:
        assert {result.status for result in found.values()} == {CheckStatus.UNKNOWN}
        assert "may have been made for the stack" in found["aws.bucket.exists"].why


def test_which_store_decides_is_asked_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def checks(*_: object, server: str | None, **__: object) -> list[Probe[object]]:
        seen.append(server)
        return []

    class Found:
        def __init__(self) -> None:
            self.checks = checks

    monkeypatch.setattr(face.registry, "verification", lambda *_, **__: Found())
    monkeypatch.setattr(face, "read_global", lambda: {"store": {"type": "rest", "url": SERVER}})
    face.verify(from_mapping(SAGEMAKER))
    monkeypatch.setattr(face, "read_global", dict)
    face.verify(from_mapping(SAGEMAKER))
    monkeypatch.setenv("ZENML_STORE_URL", f"{SERVER}/")
    face.verify(from_mapping(SAGEMAKER))
    assert seen == [SERVER, None, SERVER]
