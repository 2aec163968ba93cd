from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitaru_iac.spec import Cloud, parse_artifact_store, parse_container_registry
from kitaru_iac.spec.uris import (
    AcrUri,
    ArtifactRegistryUri,
    AzureBlobUri,
    EcrUri,
    GcrUri,
    GcsUri,
    LocalPath,
    OtherRegistryUri,
    S3Uri,
    UriError,
)

_ALNUM = string.ascii_lowercase + string.digits
_part = st.text(_ALNUM, min_size=1, max_size=12)
_bucket = st.from_regex(r"[b-f][a-f0-9-]{2,20}[a-f0-9]", fullmatch=True).filter(
    lambda name: "--" not in name
)
_prefix = st.lists(
    st.text(_ALNUM + "-_.~ äß=+&", min_size=1, max_size=10).filter(
        lambda part: part.strip() == part and part not in {".", ".."}
    ),
    max_size=4,
).map("/".join)
_path = st.lists(_part, max_size=3).map(lambda parts: "/".join(parts) or None)
_project = st.from_regex(r"[a-z][a-z0-9-]{4,20}[a-z0-9]", fullmatch=True)
_account = st.text("0123456789", min_size=12, max_size=12)
_aws_region = st.sampled_from(["eu-west-1", "us-gov-west-1", "ap-southeast-7", "cn-north-1"])
_repository = st.one_of(
    st.none(), st.lists(_part, min_size=1, max_size=3).map(lambda parts: "/".join(["r", *parts]))
)

_stores = st.one_of(
    st.builds(S3Uri, _bucket, _prefix),
    st.builds(GcsUri, _bucket, _prefix),
    st.builds(
        AzureBlobUri,
        _bucket,
        _prefix,
        st.one_of(st.none(), st.text(_ALNUM, min_size=3, max_size=24)),
        st.sampled_from(["az", "abfs", "abfss"]),
    ),
    st.lists(_part, min_size=1, max_size=4).map(lambda parts: LocalPath("/" + "/".join(parts))),
)
_registries = st.one_of(
    st.builds(
        lambda account, region, repository: EcrUri(
            account,
            region,
            f"{account}.dkr.ecr.{region}.amazonaws.com{'.cn' if region[:2] == 'cn' else ''}",
            repository,
        ),
        _account,
        _aws_region,
        _repository,
    ),
    st.builds(
        lambda location, project, repository, image: ArtifactRegistryUri(
            location, project, repository, image, f"{location}-docker.pkg.dev"
        ),
        st.sampled_from(["us", "europe", "asia", "us-central1", "europe-west12"]),
        _project,
        st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True),
        _path,
    ),
    st.builds(GcrUri, st.sampled_from(["gcr.io", "eu.gcr.io"]), _project, _path),
    st.builds(
        lambda registry, path: AcrUri(registry, f"{registry}.azurecr.io", path),
        st.text(_ALNUM, min_size=5, max_size=50),
        _path,
    ),
    st.builds(
        OtherRegistryUri,
        st.sampled_from(["docker.io", "ghcr.io", "localhost:5000", "localhost", "h.example:443"]),
        _path,
    ),
)


@given(_stores)
def test_a_store_is_read_from_what_it_writes(uri):
    assert parse_artifact_store(str(uri)) == uri


@given(_registries)
def test_a_registry_is_read_from_what_it_writes(uri):
    assert parse_container_registry(str(uri)) == uri


@given(_stores.filter(lambda uri: not isinstance(uri, LocalPath)))
def test_the_scheme_may_be_in_upper_case(uri):
    scheme, sign, rest = str(uri).partition("://")
    assert parse_artifact_store(scheme.upper() + sign + rest) == uri


@given(_registries, st.sampled_from(["https://", "docker://", "HTTPS://"]))
def test_a_console_s_prefix_of_a_registry_is_dropped(uri, prefix):
    assert parse_container_registry(f"{prefix}{uri}/") == uri


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    for parse in (parse_artifact_store, parse_container_registry):
        try:
            uri = parse(text)
        except UriError:
            continue
        assert parse(str(uri)) == uri


@given(_stores, st.text(string.printable, max_size=30))
def test_any_end_of_a_uri_is_read_or_refused(uri, end):
    try:
        parsed = parse_artifact_store(f"{uri}{end}")
    except UriError:
        return
    assert parse_artifact_store(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("text", "cloud", "bucket", "store_path"),
    [
        ("s3://my-bucket/kitaru/", Cloud.AWS, "s3://my-bucket", "s3://my-bucket/kitaru"),
        ("gs://my_bucket", Cloud.GCP, "gs://my_bucket", "gs://my_bucket"),
        ("az://box/a/b", Cloud.AZURE, "az://box", "az://box/a/b"),
        (
            "abfss://box@acct.dfs.core.windows.net/a",
            Cloud.AZURE,
            "az://box",
            "abfs://box/a",
        ),
        ("az://box@acct.blob.core.windows.net", Cloud.AZURE, "az://box", "az://box"),
        ("/data", None, None, "/data"),
        ("file:///data/x", None, None, "/data/x"),
        ("file://localhost/data", None, None, "/data"),
    ],
)
def test_what_a_store_tells(text, cloud, bucket, store_path):
    uri = parse_artifact_store(text)
    assert (uri.cloud, uri.bucket_uri, uri.store_path) == (cloud, bucket, store_path)


def test_a_relative_folder_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert parse_artifact_store("./a/../b") == LocalPath(str(tmp_path / "b"))
    assert parse_artifact_store("~/b") == LocalPath("/home/me/b")


def test_what_a_registry_tells():
    ecr = parse_container_registry("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/agents")
    assert ecr == EcrUri(
        "123456789012",
        "eu-west-1",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "team/agents",
    )
    assert ecr.cloud is Cloud.AWS
    assert parse_container_registry("GHCR.io/me").cloud is None
    assert parse_container_registry("demo.azurecr.io/my-team/my-image").registry == "demo"
    gar = parse_container_registry("us-central1-docker.pkg.dev/my-project/my-repo/app/x")
    assert (gar.project, gar.repository, gar.image) == ("my-project", "my-repo", "app/x")


@pytest.mark.parametrize(
    "text",
    [
        "s3://KEY:SECRET@my-bucket/x",
        "s3:KEY:SECRET@my-bucket",
        "s3a://KEY:SECRET@my-bucket",
        "https://acct.blob.core.windows.net/box?sig=SECRET",
        "https://user:SECRET@acct.blob.core.windows.net/box",
        "az://box@user:SECRET.example/x",
        "http://user:SECRET@ghcr.io/me",
        "https://user:SECRET@ghcr.io/me",
        "user:SECRET@ghcr.io/me",
    ],
)
def test_a_login_in_a_uri_is_never_repeated(text):
    for parse in (parse_artifact_store, parse_container_registry):
        with pytest.raises(UriError) as caught:
            parse(text)
        assert "SECRET" not in str(caught.value)
