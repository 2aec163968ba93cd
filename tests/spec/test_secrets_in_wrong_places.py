"""A secret in a place that is not for it is not repeated in what is said about it."""

from __future__ import annotations

import pytest

from kitaru_iac.errors import DescriptionError
from kitaru_iac.spec.refusal import UriError
from kitaru_iac.spec.rules import check
from kitaru_iac.spec.uris import parse_artifact_store, parse_container_registry

S = "hunt3rW0RD"

STORES = [
    f" s3://AKIA:{S}@b",
    f"s3://AKIA:{S}@b ",
    f"s3://AKIA:{S}/x@b",
    f"s3:/AKIA:{S}@b",
    f"s3:/b?X-Amz-Signature={S}",
    f"s3://b?X-Amz-Signature={S}",
    f"s3://b/x?X-Amz-Signature={S}",
    f"s3://b#{S}",
    f"gs://{S}@b",
    f"s3a://b?sig={S}",
    f"s3a://b#{S}",
    f"wasbs://box/x?sig={S}",
    f"wasbs://box?sig={S}",
    f"wasbs://box#{S}",
    f"wasbs://k:{S}@acct.blob.core.windows.net/x",
    f"abfs://c@acct.dfs.core.windows.net?sig={S}",
    f"https://acct.blob.core.windows.net/c/x?sig={S}",
    f"https://acct.blob.core.windows.net/c/x#{S}",
    f"https://storage.googleapis.com/b#{S}",
    f"https://storage.googleapis.com/b?X-Goog-Signature={S}",
    f"https://me:{S}@storage.googleapis.com/b",
    f"arn:aws:s3:::b?token={S}",
    f"b?sig={S}",
    f"me:{S}@b",
    f"s3://A%3A{S}%40b",
    f"abfss://c:{S}@acct.dfs.core.windows.net/p",
    f"aws_access_keys:AKIA:{S}",
    f"'aws-access-keys:AKIA:{S}'",
    f"ghcr.io/me:{S}@x",
    f"aws-access-keys:AKIA1234:{S}",
    f"azure-service-principal:t:c:{S}",
]

REGISTRIES = [
    f"me:{S}@ghcr.io ",
    f" https://me:{S}@ghcr.io",
    f"https://me:{S}@ghcr.io",
    f"me:{S}/x@ghcr.io",
    f"AWS-ACCESS-KEYS : AKIA:{S}",
    f"ghcr.io/me:{S}@x",
    f"ghcr.io/x?token={S}",
    f"ghcr.io/x?sig={S}",
    f"ghcr.io/x?sig={S}:1",
    f"ghcr.io/x/y:1?sig={S}",
    f"ghcr.io?token={S}",
    f"ghcr.io?{S}",
    f"ghcr.io#{S}",
    f"ghcr.io/x#{S}",
    f"http://ghcr.io/x?token={S}",
    f"ftp://ghcr.io/x?sig={S}",
    f"http://me:{S}@ghcr.io/x",
    f"me:{S}/x@sha256:0123456789abcdef",
    f"acct.azurecr.us?sig={S}",
    f"us-docker.pkg.dev?sig={S}",
    f"1.dkr.ecr.eu-west-1.amazonaws.com/x?sig={S}",
    f"aws-access-keys:AKIA1234:{S}",
]


def assert_hidden(text: str) -> None:
    assert S.lower() not in text.lower(), text


@pytest.mark.parametrize("uri", STORES)
def test_an_artifact_store(uri: str) -> None:
    given = {"name": "dev", "type": "kubernetes", "artifact_store": uri}
    with pytest.raises(DescriptionError) as caught:
        check(given)
    assert_hidden(f"{caught.value} {caught.value.to_dict()}")
    with pytest.raises(UriError) as alone:
        parse_artifact_store(uri)
    assert_hidden(f"{alone.value} {alone.value.remedy}")


@pytest.mark.parametrize("uri", REGISTRIES)
def test_a_container_registry(uri: str) -> None:
    given = {"name": "dev", "type": "kubernetes", "container_registry": uri}
    with pytest.raises(DescriptionError) as caught:
        check(given)
    assert_hidden(f"{caught.value} {caught.value.to_dict()}")
    with pytest.raises(UriError) as alone:
        parse_container_registry(uri)
    assert_hidden(f"{alone.value} {alone.value.remedy}")


KEYS = (
    *("name", "type", "infra", "cluster", "region", "namespace", "project", "resource_group"),
    *("workspace", "subscription_id", "execution_role", "connector", "artifact_store"),
    *("container_registry", "resources", "extra", "verify"),
)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "credentials",
    [
        f"aws-access-keys:AKIA1234:{S}",
        f"azure-service-principal:t:c:{S}",
        f" aws-session-token:ASIA1234:{S}:{S}",
        f"https://me:{S}@host",
        f'{{"private_key": "{S}"}}',
    ],
)
def test_credentials_under_another_key(key: str, credentials: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        check({"name": "dev", "type": "kubernetes", key: credentials})
    assert_hidden(f"{caught.value} {caught.value.to_dict()}")


@pytest.mark.parametrize(
    "given",
    [
        {f"aws-access-keys:AKIA1234:{S}": "x"},
        {"resources": {f"aws-access-keys:AKIA1234:{S}": "create"}},
        {"resources": {f"aws-access-keys:AKIA1234:{S}": 1}},
        {"resources": {"bucket": f"aws-access-keys:AKIA1234:{S}"}},
    ],
)
def test_credentials_as_a_key_or_a_mode(given: dict[str, object]) -> None:
    with pytest.raises(DescriptionError) as caught:
        check({"name": "dev", "type": "kubernetes", "infra": "provision", **given})
    assert_hidden(f"{caught.value} {caught.value.to_dict()}")
