"""URIs at the edges of their rules: what is read, what is refused, and what is said then."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.refusal import Refusal, shown
from kitaru_iac.spec.uris import (
    AcrUri,
    ArtifactRegistryUri,
    AzureBlobUri,
    EcrUri,
    GcrUri,
    GcsUri,
    LocalPath,
    OtherRegistryUri,
    RegistryUri,
    S3Uri,
    UriError,
    parse_artifact_store,
    parse_container_registry,
)

SECRET = "hunter2-SECRET"


def store_error(text: str) -> UriError:
    with pytest.raises(UriError) as caught:
        parse_artifact_store(text)
    return caught.value


def registry_error(text: str) -> UriError:
    with pytest.raises(UriError) as caught:
        parse_container_registry(text)
    return caught.value


# --- stores


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/", "/"),
        ("/a/../b", "/b"),
        (".", "{here}"),
        ("..", "{above}"),
        ("./a", "{here}/a"),
        ("../a", "{above}/a"),
        ("~", "/home/me"),
        ("~/a", "/home/me/a"),
        ("file:/a", "/a"),
        ("file:///a", "/a"),
        ("FILE:///a", "/a"),
        ("file://localhost/a", "/a"),
        ("/a b", "/a b"),
        ("/s3:x", "/s3:x"),
    ],
)
def test_a_folder_of_this_machine_is_made_absolute(
    text: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    found = path.format(here=tmp_path, above=tmp_path.parent)
    assert parse_artifact_store(text) == LocalPath(found)


@pytest.mark.parametrize(
    "text", ["file:a", "file://a", "file://host/a", "file://localhost", "file:", "file:////a"]
)
def test_a_file_uri_holds_an_absolute_path_of_this_machine(text: str) -> None:
    if text == "file:////a":
        assert parse_artifact_store(text) == LocalPath("//a")
        return
    error = store_error(text)
    assert error.what == "the file URI does not hold an absolute path of this machine"
    assert error.remedy == "Write `file:///path`, or the path alone."


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("s3://my-bucket", S3Uri("my-bucket")),
        ("s3://my-bucket/", S3Uri("my-bucket")),
        ("s3://my-bucket//", S3Uri("my-bucket")),
        ("s3://my-bucket/a/b/", S3Uri("my-bucket", "a/b")),
        ("S3://my-bucket", S3Uri("my-bucket")),
        ("s3://my-bucket/a:b=c&d@e", S3Uri("my-bucket", "a:b=c&d@e")),
        ("s3://my-bucket/.a/..b/...", S3Uri("my-bucket", ".a/..b/...")),
        ("gs://my-bucket/A b", GcsUri("my-bucket", "A b")),
        ("az://box/a", AzureBlobUri("box", "a")),
        ("abfs://box", AzureBlobUri("box", scheme="abfs")),
        (
            "abfss://box@acct.dfs.core.windows.net/a/",
            AzureBlobUri("box", "a", "acct", "abfss"),
        ),
        ("az://box@ACCT.Blob.core.windows.net", AzureBlobUri("box", "", "acct")),
    ],
)
def test_a_store_is_read(text: str, uri: object) -> None:
    assert parse_artifact_store(text) == uri


@pytest.mark.parametrize(
    ("uri", "text", "bucket", "store_path"),
    [
        (S3Uri("b"), "s3://b", "s3://b", "s3://b"),
        (S3Uri("b", "x"), "s3://b/x", "s3://b", "s3://b/x"),
        (GcsUri("b", "x"), "gs://b/x", "gs://b", "gs://b/x"),
        (AzureBlobUri("b", "x"), "az://b/x", "az://b", "az://b/x"),
        (AzureBlobUri("b", "x", scheme="abfs"), "abfs://b/x", "az://b", "abfs://b/x"),
        (AzureBlobUri("b", "x", scheme="abfss"), "abfss://b/x", "az://b", "abfs://b/x"),
        (
            AzureBlobUri("b", "x", "acct"),
            "az://b@acct.blob.core.windows.net/x",
            "az://b",
            "az://b/x",
        ),
        (
            AzureBlobUri("b", "", "acct", "abfss"),
            "abfss://b@acct.dfs.core.windows.net",
            "az://b",
            "abfs://b",
        ),
        (LocalPath("/a"), "/a", None, "/a"),
    ],
)
def test_a_store_in_its_three_forms(
    uri: S3Uri | GcsUri | AzureBlobUri | LocalPath,
    text: str,
    bucket: str | None,
    store_path: str,
) -> None:
    assert (str(uri), uri.bucket_uri, uri.store_path) == (text, bucket, store_path)


@pytest.mark.parametrize(
    ("text", "cloud"),
    [
        ("s3://my-bucket", Cloud.AWS),
        ("gs://my-bucket", Cloud.GCP),
        ("az://my-box", Cloud.AZURE),
        ("abfss://my-box", Cloud.AZURE),
        ("/data", None),
    ],
)
def test_a_store_is_in_one_cloud(text: str, cloud: Cloud | None) -> None:
    assert parse_artifact_store(text).cloud is cloud


@pytest.mark.parametrize("sign", ["x", "ß"])
@pytest.mark.parametrize(("over", "fine"), [(-1, True), (0, True), (1, False)])
def test_a_path_has_1024_bytes_at_most(sign: str, over: int, fine: bool) -> None:
    """Bytes, not letters: `ß` is two."""
    path = sign * (1024 // len(sign.encode())) + "y" * max(over, 0)
    path = path[:over] if over < 0 else path
    if fine:
        assert parse_artifact_store(f"s3://my-bucket/{path}") == S3Uri("my-bucket", path)
    else:
        what = "the path in the artifact store's URI has more than 1024 bytes"
        assert store_error(f"s3://my-bucket/{path}").what == what


@pytest.mark.parametrize("path", ["a//b", "./a", "a/.", "a/./b", "../a", "a/..", "a/../b"])
def test_every_part_of_a_path_is_a_name(path: str) -> None:
    what = "the path in the artifact store's URI has an empty part, `.` or `..`"
    for scheme in ("s3", "gs", "az"):
        error = store_error(f"{scheme}://my-bucket/{path}")
        assert (error.what, error.why) == (what, "object stores would keep it as it stands")


@pytest.mark.parametrize("sign", "?#'\"`\\*")
def test_a_sign_that_means_something_elsewhere_is_named_and_the_path_is_not(sign: str) -> None:
    error = store_error(f"s3://my-bucket/a{sign}{SECRET}")
    assert error.what == f"the path in the artifact store's URI holds `{sign}`"
    assert SECRET not in str(error)


def test_all_signs_are_named_once() -> None:
    what = "the path in the artifact store's URI holds `# ?`"
    assert store_error("s3://my-bucket/a?b#c?d").what == what


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("b", "Write `s3://b`, `gs://b`, `az://b` or `./b`."),
        ("bucket", "Write `s3://bucket`, `gs://bucket`, `az://bucket` or `./bucket`."),
        (
            "a/b.c_d-e",
            "Write `s3://a/b.c_d-e`, `gs://a/b.c_d-e`, `az://a/b.c_d-e` or `./a/b.c_d-e`.",
        ),
        (
            "x" * 60,
            f"Write `s3://{'x' * 60}`, `gs://{'x' * 60}`, `az://{'x' * 60}` or `./{'x' * 60}`.",
        ),
        ("x" * 61, None),
        ("a b", None),
        ("a,b", None),
        ("9:x", None),
        ("://x", None),
    ],
)
def test_a_bare_word_could_be_many_things(text: str, remedy: str | None) -> None:
    error = store_error(text)
    assert error.what == f"the artifact store {shown(text)} is neither a URI nor a path"
    assert error.why == "a URI has a scheme, and a path starts with `/`, `./` or `~`"
    assert error.remedy == remedy


@pytest.mark.parametrize(
    ("text", "count", "remedy"),
    [
        ("s3:my-bucket", 0, "Write `s3://my-bucket`."),
        ("gs:/my-bucket/x", 1, "Write `gs://my-bucket/x`."),
        ("S3:///my-bucket", 3, "Write `s3://my-bucket`."),
        (f"s3:AKIA:{SECRET}@my-bucket", 0, "Write `s3://…`."),
        (f"az:/AKIA:{SECRET}@my-bucket", 1, "Write `az://…`."),
    ],
)
def test_a_scheme_is_followed_by_two_slashes(text: str, count: int, remedy: str) -> None:
    error = store_error(text)
    scheme = text.partition(":")[0].lower()
    assert error.what == f"`{scheme}:` is followed by {count} slashes instead of 2"
    assert error.remedy == remedy


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("s3a://b/x", "Write `s3://b/x`."),
        ("S3N://b", "Write `s3://b`."),
        ("aws://b", "Write `s3://b`."),
        ("gcs://b", "Write `gs://b`."),
        ("gcp://b", "Write `gs://b`."),
        ("azure://b", "Write `az://b`."),
        ("adl://b", "Write `abfs://b`."),
        ("wasb://b", "Write `az://b`."),
        ("wasbs://b", "Write `az://b`."),
        ("blob://b", "Write `az://b`."),
        (f"s3a://AKIA:{SECRET}@b", None),
        ("arn:aws:s3:::b/x", "Write `s3://b/x`."),
        ("arn:aws-cn:s3:::b", "Write `s3://b`."),
        ("arn:aws:iam::123456789012:role/x", None),
        ("ftp://host/x", None),
        ("ftp://acct.blob.core.windows.net/box/x", None),
        *((f"{scheme}://x", None) for scheme in ("a", "a+b", "a.b", "a-b", "a2")),
        # what the consoles show
        (
            "https://acct.blob.core.windows.net/box/a/b/",
            "Write `abfs://box@acct.dfs.core.windows.net/a/b`.",
        ),
        ("http://ACCT.dfs.core.windows.net/box", "Write `abfs://box@acct.dfs.core.windows.net`."),
        ("https://acct.blob.core.windows.net", None),
        ("https://acct.blob.core.windows.net/", None),
        (f"https://acct.blob.core.windows.net/box?sig={SECRET}", None),
        ("https://acct.queue.core.windows.net/box", None),
        ("https://storage.googleapis.com/b/x", "Write `gs://b/x`."),
        (f"https://storage.googleapis.com/b/x?X-Goog-Signature={SECRET}", None),
        ("https://storage.cloud.example/b/x", None),
        ("https://my.b-2.s3.eu-west-1.amazonaws.com/x", "Write `s3://my.b-2`."),
        ("https://b.s3.amazonaws.com", "Write `s3://b`."),
        (f"https://b.s3.amazonaws.com/x?X-Amz-Signature={SECRET}", "Write `s3://b`."),
        ("https://b.s3.example.com/x", None),
        ("https://example.com/b.s3.amazonaws.com", None),
    ],
)
def test_another_tool_s_scheme_leads_to_ours(text: str, remedy: str | None) -> None:
    error = store_error(text)
    scheme = text.partition(":")[0].lower()
    assert error.what == f"the artifact store's scheme `{scheme}:` is none that a stack can use"
    assert error.why == "they are `s3://`, `gs://`, `az://`, `abfs://`, `abfss://` and paths"
    assert error.remedy == remedy
    assert SECRET not in str(error)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the artifact store is empty"),
        (" \t", "the artifact store is empty"),
        (" s3://b", "the artifact store ` s3://b` has blanks around it or control characters"),
        ("s3://b\n", "the artifact store `s3://b\\n` has blanks around it or control characters"),
        (
            "s3://b\x00",
            "the artifact store `s3://b\\x00` has blanks around it or control characters",
        ),
        ("s3://", "the artifact store's URI names no bucket"),
        ("gs:///x", None),
        ("s3:///x", None),
        ("gs://@b", "the artifact store's URI holds a login or `@` before the bucket"),
        ("s3://x@", "the artifact store's URI holds a login or `@` before the bucket"),
        ("~nobody-here", "the artifact store `~nobody-here` names an unknown user's home"),
    ],
)
def test_what_names_no_bucket_is_no_store(text: str, what: str | None) -> None:
    error = store_error(text)
    if what is not None:
        assert error.what == what


@pytest.mark.parametrize(
    "host",
    [
        "",
        "acct",
        "acct.blob.core.chinacloudapi.cn",
        "acct.queue.core.windows.net",
        "a.b.dfs.core.windows.net",
        "acct.dfs.core.windows.net.example.com",
        f"user:{SECRET}.example",
    ],
)
def test_the_host_of_a_container_is_a_storage_account_s(host: str) -> None:
    error = store_error(f"abfss://box@{host}/x")
    assert error.what == (
        "the host after `@` in the Azure URI is no storage account of the public cloud"
    )
    assert error.why == "ZenML's Azure connector knows only that cloud"
    assert error.remedy == (
        "Write `abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH`, or `az://CONTAINER/PATH`."
    )
    assert SECRET not in str(error)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("s3://My_bucket", "`My_bucket` cannot be an S3 bucket"),
        ("gs://Bucket", "`Bucket` cannot be a GCS bucket"),
        ("az://a", "`a` cannot be an Azure blob container"),
        ("az://", "`` cannot be an Azure blob container"),
        ("abfs://box@ab.dfs.core.windows.net", "`ab` cannot be an Azure storage account"),
    ],
)
def test_the_rule_of_the_cloud_is_that_of_the_uri(text: str, what: str) -> None:
    error = store_error(text)
    assert error.what == what
    assert error.why
    assert isinstance(error.__cause__, Refusal)


def test_where_a_login_stands_the_bucket_alone_belongs() -> None:
    error = store_error(f"gs://me:{SECRET}@my-bucket")
    assert error.remedy == "Write the bucket alone; credentials have an option of their own."
    assert SECRET not in str(error)


# --- registries


ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
GAR = "us-central1-docker.pkg.dev"


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        (ECR, EcrUri("123456789012", "eu-west-1", ECR)),
        (f"{ECR}/", EcrUri("123456789012", "eu-west-1", ECR)),
        (f"{ECR.upper()}/ab", EcrUri("123456789012", "eu-west-1", ECR, "ab")),
        (f"{ECR}/ab/c", EcrUri("123456789012", "eu-west-1", ECR, "ab/c")),
        (f"{GAR}/my-project/r", ArtifactRegistryUri("us-central1", "my-project", "r", None, GAR)),
        (
            f"{GAR}/my-project/r/i/j",
            ArtifactRegistryUri("us-central1", "my-project", "r", "i/j", GAR),
        ),
        *(
            (
                f"{place}-docker.pkg.dev/my-project/r",
                ArtifactRegistryUri(place, "my-project", "r", None, f"{place}-docker.pkg.dev"),
            )
            for place in ("us", "europe", "asia")
        ),
        *(
            (f"{host}/my-project", GcrUri(host, "my-project"))
            for host in ("gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io")
        ),
        ("gcr.io/my-project/a/b", GcrUri("gcr.io", "my-project", "a/b")),
        ("demo.azurecr.io", AcrUri("demo", "demo.azurecr.io")),
        ("Demo1.azurecr.io/a/b", AcrUri("demo1", "demo1.azurecr.io", "a/b")),
        # whatever is nearly one of these and is not
        ("africa.gcr.io/x", OtherRegistryUri("africa.gcr.io", "x")),
        ("public.ecr.aws/x", OtherRegistryUri("public.ecr.aws", "x")),
        ("docker.io", OtherRegistryUri("docker.io")),
        ("localhost", OtherRegistryUri("localhost")),
        ("localhost/a", OtherRegistryUri("localhost", "a")),
        ("localhost:5000", OtherRegistryUri("localhost:5000")),
        ("registry:5000/a", OtherRegistryUri("registry:5000", "a")),
        ("a-1.b-2:443", OtherRegistryUri("a-1.b-2:443")),
        ("https://ghcr.io/me/", OtherRegistryUri("ghcr.io", "me")),
        ("Docker://ghcr.io/me", OtherRegistryUri("ghcr.io", "me")),
    ],
)
def test_a_registry_is_read(text: str, uri: RegistryUri) -> None:
    assert parse_container_registry(text) == uri
    assert parse_container_registry(str(uri)) == uri


@pytest.mark.parametrize(
    ("text", "cloud"),
    [
        (ECR, Cloud.AWS),
        (f"{GAR}/my-project/r", Cloud.GCP),
        ("gcr.io/my-project", Cloud.GCP),
        ("demo.azurecr.io", Cloud.AZURE),
        ("ghcr.io", None),
    ],
)
def test_a_registry_is_one_cloud_s_or_none_s(text: str, cloud: Cloud | None) -> None:
    assert parse_container_registry(text).cloud is cloud


def test_the_registries_of_china_are_read_where_they_are() -> None:
    host = "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"
    assert parse_container_registry(host) == EcrUri("123456789012", "cn-north-1", host)


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        (f"{ECR}/a", False),
        ("123456789012.dkr.ecr..amazonaws.com", False),
        (".dkr.ecr.eu-west-1.amazonaws.com", False),
        ("us--docker.pkg.dev/my-project/r", False),
        ("us-central1-.pkg.dev/my-project/r", False),
        ("-docker.pkg.dev/my-project/r", False),
        ("h.example:", False),
        (f"{ECR}/ab", True),
        (f"{GAR}/my-project/{'r' * 63}", True),
        (f"{GAR}/my-project/{'r' * 64}", False),
        (f"{GAR}/my-project/r1", True),
        (f"{GAR}/my-project/1r", False),
        (f"{GAR}/my-project/r-1", True),
        (f"{'r' * 50}.azurecr.io", True),
        (f"{'r' * 51}.azurecr.io", False),
        ("r.azurecr.io", True),
        (".azurecr.io", False),
        ("h.example:1", True),
        ("h.example:0", False),
        ("h.example:65535", True),
        ("h.example:65536", False),
        ("h.example:99999", False),
        ("h.example:100000", False),
        (f"docker.io/{'p' * 255}", True),
        (f"docker.io/{'p' * 256}", False),
        (f"docker.io/{'/'.join(['pp'] * 85)}", True),
        (f"docker.io/{'/'.join(['pp'] * 86)}", False),
        ("docker.io/a.b", True),
        ("docker.io/a..b", False),
        ("docker.io/a_b", True),
        ("docker.io/a__b", True),
        ("docker.io/a___b", False),
        ("docker.io/a-b", True),
        ("docker.io/a---b", True),
        ("docker.io/a.-b", False),
        ("docker.io/a-", False),
        ("docker.io/.a", False),
        ("docker.io/a//b", False),
        ("a.b-", False),
        ("-a.b", False),
        ("a..b", False),
        ("a_b.c", False),
    ],
)
def test_both_sides_of_a_registry_s_rules(text: str, fine: bool) -> None:
    if fine:
        assert str(parse_container_registry(text)) == text
    else:
        assert registry_error(text).what


@pytest.mark.parametrize(
    ("text", "what", "why", "remedy"),
    [
        ("", "the container registry is empty", None, None),
        (" ", "the container registry is empty", None, None),
        (
            "ghcr.io/me ",
            "the container registry `ghcr.io/me ` holds blanks or control characters",
            None,
            None,
        ),
        (
            "ghcr.io/a b",
            "the container registry `ghcr.io/a b` holds blanks or control characters",
            None,
            None,
        ),
        (
            "ghcr.io/a\x00",
            "the container registry `ghcr.io/a\\x00` holds blanks or control characters",
            None,
            None,
        ),
        (f"{ECR}/a", "the ECR repository `a` has fewer than 2 characters", None, None),
        (
            "1234.dkr.ecr.eu-west-1.amazonaws.com",
            "the account `1234` in the ECR host has not 12 digits",
            None,
            "`aws sts get-caller-identity` shows it.",
        ),
        (
            "1234567890123.dkr.ecr.eu-west-1.amazonaws.com",
            "the account `1234567890123` in the ECR host has not 12 digits",
            None,
            "`aws sts get-caller-identity` shows it.",
        ),
        *(
            (
                host,
                f"`{host}` is another name of an ECR registry",
                "ZenML's AWS connector knows only the plain one",
                f"Write `{ECR}`.",
            )
            for host in (
                "123456789012.dkr.ecr-fips.eu-west-1.amazonaws.com",
                "123456789012.dkr-ecr.eu-west-1.on.aws",
                "123456789012.dkr-ecr-fips.eu-west-1.on.aws",
            )
        ),
        (
            "123456789012.dkr.ecr.eu-wst-1.amazonaws.com",
            "`eu-wst-1` is not the name of an AWS region",
            "they look like `eu-west-1`",
            "Did you mean `eu-west-1`?",
        ),
        (
            "pkg.dev/my-project/r",
            "`pkg.dev` is not a host of Artifact Registry",
            "they look like `us-central1-docker.pkg.dev`",
            None,
        ),
        (
            "us-central1-npm.pkg.dev/my-project/r",
            "`us-central1-npm.pkg.dev` holds npm packages, not images",
            None,
            "Use a repository of format docker, at `us-central1-docker.pkg.dev`.",
        ),
        (
            "africa-docker.pkg.dev/my-project/r",
            "`africa` is not the name of a GCP region",
            "they look like `us-central1`",
            None,
        ),
        (
            GAR,
            "the Artifact Registry URI lacks the project and the repository",
            "the form is LOCATION-docker.pkg.dev/PROJECT/REPOSITORY",
            f"Write `{GAR}/PROJECT/REPOSITORY`.",
        ),
        (
            f"{GAR}/my-project",
            "the Artifact Registry URI lacks the repository",
            "the form is LOCATION-docker.pkg.dev/PROJECT/REPOSITORY",
            f"Write `{GAR}/my-project/REPOSITORY`.",
        ),
        (
            f"{GAR}/my-project/r_r",
            "`r_r` cannot be a repository of Artifact Registry",
            "at most 63 lower-case letters, digits and `-`, a letter first, no `-` last",
            None,
        ),
        (f"{GAR}/proj/r", "`proj` cannot be the id of a GCP project", "6 to 30", None),
        ("eu.gcr.io", "`eu.gcr.io` lacks the project", None, "Write `eu.gcr.io/PROJECT`."),
        ("gcr.io/proj", "`proj` cannot be the id of a GCP project", "6 to 30", None),
        (
            "demo.azurecr.us",
            "`demo.azurecr.us` is a registry of a sovereign Azure cloud",
            "ZenML's Azure connector reaches only `azurecr.io`",
            None,
        ),
        (
            "demo-x.azurecr.io",
            "`demo-x` cannot be an Azure container registry",
            "ZenML's Azure connector takes no `-` in its name",
            None,
        ),
        (
            "demo_x.azurecr.io",
            "`demo_x` cannot be an Azure container registry",
            "its name has 50 letters and digits at most",
            None,
        ),
        ("h.example:65536/x", "`h.example:65536` has no valid port", "1 to 65535", None),
        # what is no host: a word, or a path of the hub's
        (
            "demo",
            "the container registry `demo` does not start with a host",
            "as `docker.io` or",
            "Write the whole host, as `demo.azurecr.io`.",
        ),
        (
            "me/app",
            "the container registry `me/app` does not start with a host",
            "as `docker.io` or",
            "Write the host too, as `docker.io/me/app`.",
        ),
        (
            "-me/app",
            "the container registry `-me/app` does not start with a host",
            "as `docker.io` or",
            None,
        ),
        (
            "-me",
            "the container registry `-me` does not start with a host",
            "as `docker.io` or",
            None,
        ),
        # schemes
        (
            f"arn:aws:ecr:eu-west-1:123456789012:repository/{SECRET}",
            "the container registry is given as an ARN",
            None,
            f"Write its URI, as `{ECR}`.",
        ),
        *(
            (
                f"{scheme.upper()}://{SECRET}",
                f"`{scheme}://` is a bucket, not a container registry",
                None,
                "Give it as the artifact store.",
            )
            for scheme in ("s3", "gs", "az", "abfs", "abfss")
        ),
        (
            "oci://ghcr.io/me",
            "the container registry has the scheme `oci://`",
            "a registry is written as HOST/PATH",
            "Write `ghcr.io/me`.",
        ),
        (
            f"http://me:{SECRET}@ghcr.io",
            "the container registry has the scheme `http://`",
            "a registry is written as HOST/PATH",
            None,
        ),
        # images
        (
            "ghcr.io/me/app:v1",
            "the container registry names an image by its tag",
            "a stack has a registry, not an image",
            "Write `ghcr.io/me/app`.",
        ),
        (
            "localhost:5000/app:v1",
            "the container registry names an image by its tag",
            "a stack has a registry, not an image",
            "Write `localhost:5000/app`.",
        ),
        (
            "ghcr.io/me/app@sha256:abcdef01",
            "the container registry names an image by its digest",
            "a stack has a registry, not an image",
            "Write `ghcr.io/me/app`.",
        ),
        (
            "ghcr.io/me/app:v1@sha256:12345678",
            "the container registry names an image by its digest",
            "a stack has a registry, not an image",
            "Write `ghcr.io/me/app`.",
        ),
        *(
            (
                text,
                "the container registry holds a login or `@`",
                None,
                "Write HOST/PATH alone; credentials have an option of their own.",
            )
            for text in (
                "ghcr.io/app@sha256:1234567",
                "ghcr.io/app@sha256:1234567g",
                "ghcr.io/app@",
                f"me:{SECRET}@ghcr.io/x",
                f"me@{SECRET}",
            )
        ),
        # paths
        (
            "ghcr.io/Me/App/",
            "the path `Me/App` cannot be in a container registry",
            "its parts have lower-case letters",
            "Write `ghcr.io/me/app`.",
        ),
        (
            "ghcr.io/a+b",
            "the path `a+b` cannot be in a container registry",
            "its parts have lower-case letters",
            None,
        ),
        (
            "ghcr.io/A/b+c",
            "the path `A/b+c` cannot be in a container registry",
            "its parts have lower-case letters",
            None,
        ),
        (
            "ghcr.io/A+b",
            "the path `A+b` cannot be in a container registry",
            "its parts have lower-case letters",
            None,
        ),
        *(
            (
                f"ghcr.io/a{sign}{SECRET}",
                "the container registry holds `?` or `#`",
                None,
                "Write HOST/PATH alone.",
            )
            for sign in "?#"
        ),
    ],
)
def test_what_is_no_registry_says_why_and_what_to_write(
    text: str, what: str, why: str | None, remedy: str | None
) -> None:
    error = registry_error(text)
    assert (error.what, error.remedy) == (what, remedy)
    assert (error.why is None) is (why is None)
    assert (why or "") in (error.why or "")
    assert SECRET not in str(error)
    assert SECRET.lower() not in str(error)


@pytest.mark.parametrize(
    ("uri", "configured", "whole"),
    [
        ("az://data/k", "kitaru1", "az://data@kitaru1.blob.core.windows.net/k"),
        ("az://data/k", "Not-One", "az://data/k"),
        ("az://data/k", "ab", "az://data/k"),
        ("az://data/k", 7, "az://data/k"),
        ("az://data/k", None, "az://data/k"),
        (
            *("abfs://data@theirs12.dfs.core.windows.net/k", "kitaru1"),
            "abfs://data@theirs12.dfs.core.windows.net/k",
        ),
        ("s3://bucket/k", "kitaru1", "s3://bucket/k"),
    ],
)
def test_a_store_is_completed_by_what_its_connector_names(
    uri: str, configured: object, whole: str
) -> None:
    store = parse_artifact_store(uri)
    assert str(store.completed({"storage_account": configured})) == whole
