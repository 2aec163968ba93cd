"""Single names, regions and files at their limits, on both sides of each."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import DescriptionError
from kitaru_iac.spec import names, regions, yaml_file
from kitaru_iac.spec.clouds import cloud_of, cloud_of_region, cluster_name
from kitaru_iac.spec.clouds.aws import aws_partition
from kitaru_iac.spec.kinds import Cloud, StackType
from kitaru_iac.spec.refusal import Refusal, shown
from kitaru_iac.spec.suggest import did_you_mean, distance_at_most_one, suggest
from kitaru_iac.spec.uris import parse_artifact_store, parse_container_registry
from kitaru_iac.spec.yaml_file import YamlError, read_document, read_text, read_value

AWS, GCP, AZURE = Cloud


def refusal(call: Callable[..., Any], *args: Any, **more: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        call(*args, **more)
    return caught.value


# --- names: each rule with what just fits and what just does not


RULES: list[tuple[Callable[[str], str], list[str], list[str]]] = [
    (
        names.stack_name,
        [
            "a",
            "A",
            "0",
            "a" * 100,
            "a.b",
            "a_b",
            "a-b",
            "a..b",
            "aB",
            "a9",
            "ab",
            "aXb",
            "defaults",
            "12345678-1234",
        ],
        ["a" * 101, ".a", "a.", "-a", "a-", "_a", "a_", "a/b", "a b", "ä", "", "DeFault"],
    ),
    (
        names.connector_name,
        ["c", "c" * 255, "a b/c:ä", "default"],
        ["c" * 256, "a\tb", "a\nb", "a\x00"],
    ),
    (
        names.s3_bucket,
        ["abc", "a" * 63, "0ab", "ab0", "a.b", "a-b", "1.2.3", "1.2.3.4.5", "xn-a", "a-s3alia"],
        ["ab", "a" * 64, "-ab", "ab-", ".ab", "ab.", "a_b", "Abc", "a..b", "1.2.3.4", "", "äbc"],
    ),
    (
        names.gcs_bucket,
        ["abc", "a" * 63, "a_b", "a-b", "0ab", "go0gle", "agoo", "gogle"],
        ["ab", "a" * 64, "_ab", "ab_", "-ab", "ab-", "a.b", "Abc", "googx", "agoogleb", ""],
    ),
    (
        names.azure_container,
        ["abc", "a" * 63, "a-b-c", "0ab", "a0c", "ab0"],
        ["ab", "a" * 64, "a--b", "-ab", "ab-", "a_b", "a.b", "Abc"],
    ),
    (
        names.storage_account,
        ["abc", "a" * 24, "012"],
        ["ab", "a" * 25, "a-b", "Abc", "a.b"],
    ),
    (
        names.gcp_project,
        ["abcdef", "a" * 30, "a-b-c-1", "a12345"],
        ["abcde", "a" * 31, "1bcdef", "-bcdef", "abcde-", "Abcdef", "a_cdef", "123456", "1"],
    ),
    (
        names.eks_cluster,
        ["c", "C" * 100, "0a_b-", "a-", "a9"],
        ["C" * 101, "-a", "_a", "a.b", "a b", "", "arn:aws:eks:x"],
    ),
    (
        names.gke_cluster,
        ["c", "c" * 40, "a-b", "a1"],
        ["c" * 41, "1a", "-a", "a-", "a_b", "A", ""],
    ),
    (
        names.aks_cluster,
        ["ab", "a" * 63, "A-b_c", "0a", "aBc", "a0c", "aB", "a0"],
        ["a", "a" * 64, "-a", "a-", "_a", "a_", "a.b", "g/c", ""],
    ),
    (
        names.namespace,
        ["n", "n" * 63, "a-b", "0", "ab", "default"],
        ["n" * 64, "-n", "n-", "a_b", "a.b", "N", ""],
    ),
    (
        names.resource_group,
        ["g", "G" * 90, "a.b(c)_d-", "_", "-", "(", ")", "0", "0a", "-a", "subscriptions"],
        ["G" * 91, "a.", ".", "a b", "a/b", "ä", "", "/subscriptions/x"],
    ),
    (
        names.workspace,
        ["abc", "a" * 33, "0-_", "A_b-", "aBC", "a01"],
        ["ab", "a" * 34, "-ab", "_ab", "a.b", "ab c", "/subscriptions/x"],
    ),
    (
        names.subscription_id,
        [
            "00000000-0000-0000-0000-00000000000a",
            "abcdef09-abcd-ef09-abcd-abcdef012345",
        ],
        [
            "0000000-0000-0000-0000-00000000000a",
            "00000000-0000-0000-0000-00000000000",
            "00000000-0000-0000-0000-00000000000g",
            "00000000000000000000000000000000000a",
            "",
        ],
    ),
]


@pytest.mark.parametrize(
    ("rule", "name", "fine"),
    [
        (rule, name, fine)
        for rule, good, bad in RULES
        for fine, some in ((True, good), (False, bad))
        for name in some
    ],
)
def test_both_sides_of_a_name_s_rule(rule: Callable[[str], str], name: str, fine: bool) -> None:
    if fine:
        assert rule(name) == name
    else:
        assert refusal(rule, name).what


@pytest.mark.parametrize("part", ["xn--", "sthree-", "amzn-s3-demo-"])
def test_what_aws_reserves_in_front_of_a_bucket(part: str) -> None:
    error = refusal(names.s3_bucket, f"{part}bucket")
    assert error.what == f"`{part}bucket` cannot be an S3 bucket"
    assert error.why == f"AWS reserves `{part}…`"
    assert names.s3_bucket(f"my{part}bucket") == f"my{part}bucket"


@pytest.mark.parametrize("part", ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"])
def test_what_aws_reserves_behind_a_bucket(part: str) -> None:
    error = refusal(names.s3_bucket, f"bucket{part}")
    assert error.what == f"`bucket{part}` cannot be an S3 bucket"
    assert error.why == f"AWS reserves `…{part}`"
    assert names.s3_bucket(f"bucket{part}2") == f"bucket{part}2"


@pytest.mark.parametrize(
    ("call", "name", "what", "why", "remedy"),
    [
        (names.stack_name, "DEFAULT", "the name `DEFAULT` is reserved", "ZenML's own", "`dev`."),
        (names.stack_name, "a" * 101, "the name has 101 characters", "at most 100", "shorter"),
        (names.stack_name, "-a b-", "`-a b-` cannot be the name of a stack", "", "Write `a-b`."),
        (names.stack_name, "A0.b_c-d x", "`A0.b_c-d x` cannot be the", "", "Write `A0.b_c-d-x`."),
        (names.stack_name, "_.-a-._", "`_.-a-._` cannot be the name of a stack", "", "Write `a`."),
        (names.stack_name, "é", "`é` cannot be the name of a stack", "letters, digits", None),
        (
            names.stack_name,
            "12345678-1234-1234-1234-123456789ABC",
            "the name `12345678-1234-1234-1234-123456789ABC` looks like an id",
            "by name or id",
            "Choose a name that is not a UUID.",
        ),
        (
            names.connector_name,
            "c" * 256,
            "the connector's name has 256 characters",
            "255",
            "shorter",
        ),
        (names.connector_name, "a\tb", "`a\\tb` cannot be the name of a connector", None, None),
        (
            names.s3_bucket,
            "My-Bucket",
            "`My-Bucket` cannot be an S3 bucket",
            "3 to 63",
            "`my-bucket`.",
        ),
        (names.s3_bucket, "My_Bucket", "`My_Bucket` cannot be an S3 bucket", "3 to 63", None),
        (
            names.s3_bucket,
            "a..b",
            "`a..b` cannot be an S3 bucket",
            "it holds `..` or is an IP",
            None,
        ),
        (names.s3_bucket, "10.0.0.1", "`10.0.0.1` cannot be an S3 bucket", "IP address", None),
        (
            names.gcs_bucket,
            "a.b",
            "the bucket `a.b` has a dot in its name",
            "refuses",
            "without dots",
        ),
        (
            names.gcs_bucket,
            "0a._-b.0",
            "the bucket `0a._-b.0` has a dot",
            "refuses",
            "without dots",
        ),
        (
            names.gcs_bucket,
            "a.b0-c_d9",
            "the bucket `a.b0-c_d9` has a dot",
            "refuses",
            "without dots",
        ),
        (names.gcs_bucket, ".ab", "`.ab` cannot be a GCS bucket", "3 to 63", None),
        (names.gcs_bucket, "A.b", "`A.b` cannot be a GCS bucket", "3 to 63", None),
        (names.gcs_bucket, "goog1", "`goog1` cannot be a GCS bucket", "Google reserves", None),
        (
            names.gcs_bucket,
            "xgooglex",
            "`xgooglex` cannot be a GCS bucket",
            "Google reserves",
            None,
        ),
        (
            names.gcp_project,
            "12345",
            "`12345` is a project's number, not its id",
            None,
            "Write the id",
        ),
        (
            names.gcp_project,
            "My-Project",
            "`My-Project` cannot be the id",
            "6 to 30",
            "`my-project`.",
        ),
        (
            names.eks_cluster,
            "arn:aws:eks:eu-west-1:1:cluster/prod",
            "the cluster is given as an ARN",
            None,
            "Write its name, `prod`.",
        ),
        (
            names.gke_cluster,
            "Prod",
            "`Prod` cannot be a GKE cluster",
            "at most 40",
            "Write `prod`.",
        ),
        (
            names.aks_cluster,
            "group/prod",
            "the cluster `group/prod` holds a `/`",
            None,
            "Write `prod`, and the group as resource_group.",
        ),
        (
            names.namespace,
            "My Space",
            "`My Space` cannot be a Kubernetes",
            "63",
            "Write `my-space`.",
        ),
        (names.namespace, "A0-b C", "`A0-b C` cannot be a Kubernetes", "63", "Write `a0-b-c`."),
        (names.namespace, "-A_", "`-A_` cannot be a Kubernetes", "63", "Write `a`."),
        (names.namespace, "N" * 64, None, "63", f"Write `{'n' * 63}`."),
        (names.namespace, "n" * 62 + "_x", None, "63", None),
        (names.namespace, "__", "`__` cannot be a Kubernetes namespace", "63", None),
        (
            names.subscription_id,
            "x",
            "`x` is not the id of an Azure subscription",
            "UUID",
            "`az acc",
        ),
        (
            names.resource_group,
            "/subscriptions/x",
            "the resource group is given as a resource id",
            None,
            "Write its name.",
        ),
        (
            names.workspace,
            "/subscriptions/x",
            "the workspace is given as a resource id",
            None,
            "Write its name.",
        ),
    ],
)
def test_a_name_that_is_refused_says_what_to_write(
    call: Callable[[str], str], name: str, what: str | None, why: str | None, remedy: str | None
) -> None:
    error = refusal(call, name)
    assert error.what.startswith(what or f"{shown(name)} cannot be")
    for found, part in ((error.why, why), (error.remedy, remedy)):
        if part is None:
            assert found is None
        else:
            assert part in (found or "")


@pytest.mark.parametrize(
    ("name", "clouds"),
    [
        ("c" * 100, {None, AWS}),
        ("Prod", {None, AWS, AZURE}),
        ("c", {None, AWS, GCP}),
        ("prod-", {None, AWS}),
        ("prod", {None, AWS, GCP, AZURE}),
        ("a.b", set()),
    ],
)
def test_a_cluster_s_name_is_by_the_rule_of_its_cloud(name: str, clouds: set[Cloud | None]) -> None:
    for cloud in (None, *Cloud):
        if cloud in clouds:
            assert cluster_name(name, cloud) == name
        else:
            refusal(cluster_name, name, cloud)


ROLE = "arn:aws:iam::123456789012:role/"
WITH_ITS_PATH = (
    "Write `arn:aws-cn:iam::123456789012:role/R`, with the role's path where it has one."
)


@pytest.mark.parametrize(
    ("arn", "fine"),
    [
        (f"{ROLE}{'r' * 64}", True),
        (f"{ROLE}{'r' * 65}", False),
        (f"{ROLE}{'p' * 510}/r", True),
        (f"{ROLE}{'p' * 511}/r", False),
        (f"{ROLE}r", True),
        (ROLE, False),
        (f"{ROLE}p/", False),
        (f"{ROLE}p/r", True),
        (f"{ROLE}!~/r", True),
        (f"{ROLE}/r", False),
        *((f"{ROLE}r{sign}", True) for sign in "+=,.@-_9Z"),
        (f"{ROLE}a+=,.@-_9", True),
        (f"{ROLE}a b", False),
        (f"{ROLE}ä", False),
        (f"{ROLE}a:b", False),
        ("arn:aws:iam::12345678901:role/r", False),
        ("arn:aws:iam::1234567890123:role/r", False),
        ("arn:aws-iso-b:iam::123456789012:role/r", True),
        ("arn:aws-:iam::123456789012:role/r", False),
        ("arn:awsx:iam::123456789012:role/r", False),
        ("arn:aws:iam:eu-west-1:123456789012:role/r", False),
        ("arn:aws:sts::123456789012:role/r", False),
        (f"x{ROLE}r", False),
    ],
)
def test_both_sides_of_a_role_s_rule(arn: str, fine: bool) -> None:
    if fine:
        assert str(names.parse_role_arn(arn)) == arn
    else:
        assert shown(arn) in refusal(names.parse_role_arn, arn).what
    # the schema for editors says the same
    assert bool(re.fullmatch(names.PATTERNS["execution_role"], arn, re.ASCII)) is fine


def test_a_role_in_its_parts() -> None:
    role = names.parse_role_arn("arn:aws-cn:iam::123456789012:role/a/b/r")
    assert role == names.RoleArn("aws-cn", "123456789012", "/a/b/", "r")
    assert names.parse_role_arn(f"{ROLE}r") == names.RoleArn("aws", "123456789012", "/", "r")


@pytest.mark.parametrize(
    ("text", "account", "why", "remedy"),
    [
        ("R", None, "it starts with `arn:`", f"Write `{ROLE}R`."),
        ("role/R", None, "it starts with `arn:`", f"Write `{ROLE}R`."),
        (
            "p/R",
            "999999999999",
            "it starts with `arn:`",
            "Write `arn:aws:iam::999999999999:role/p/R`.",
        ),
        *(
            (f"R{sign}", None, "it starts with `arn:`", f"Write `{ROLE}R{sign}`.")
            for sign in "+=,.@-_"
        ),
        ("", None, "it starts with `arn:`", f"Write it as `{ROLE}NAME`."),
        ("R" * 64, None, "it starts with `arn:`", f"Write `{ROLE}{'R' * 64}`."),
        ("R" * 65, None, "it starts with `arn:`", f"Write it as `{ROLE}NAME`."),
        ("my role", None, "it starts with `arn:`", f"Write it as `{ROLE}NAME`."),
        *(
            (f"arn:aws:iam::123456789012:{kind}/x", None, f"it names a {kind}", None)
            for kind in ("user", "group", "policy", "instance-profile")
        ),
        ("arn:aws:iam::123456789012:root", None, "it names a root", None),
        (
            "arn:aws:iam::123456789012:saml-provider/x",
            None,
            "the form is arn:PARTITION:iam::ACCOUNT:role/NAME, with 12 digits of account",
            None,
        ),
        (
            "arn:aws:sts::123456789012:user/x",
            None,
            "the form is arn:PARTITION:iam::ACCOUNT:role/NAME, with 12 digits of account",
            None,
        ),
        *(
            (
                f"arn:aws-cn:sts::123456789012:assumed-role/R{session}",
                None,
                None,
                WITH_ITS_PATH,
            )
            for session in ("/me", "", "/", "/me/too")
        ),
        *(
            (
                f"arn:aws:sts::123456789012:assumed-role/R{sign}/me",
                None,
                None,
                f"Write `{ROLE}R{sign}`, with the role's path where it has one.",
            )
            for sign in "+=,.@-_"
        ),
        (
            "arn:aws:sts::123456789012:assumed-role/",
            None,
            "the form is arn:PARTITION:iam::ACCOUNT:role/NAME, with 12 digits of account",
            None,
        ),
    ],
)
def test_what_is_no_role_leads_to_one(
    text: str, account: str | None, why: str | None, remedy: str | None
) -> None:
    error = refusal(names.parse_role_arn, text, account=account)
    assert (error.why, error.remedy) == (why, remedy)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x" * 80, f"`{'x' * 80}`"),
        ("x" * 81, f"`{'x' * 79}…`"),
        ("a\nb", "`a\\nb`"),
        ("ä", "`ä`"),
        (7, "`7`"),
        ("", "``"),
        ("\n" * 41, f"`{(chr(92) + 'n') * 39}{chr(92)}…`"),
    ],
)
def test_a_value_is_quoted_on_one_line_and_cut(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_refusal_in_one_sentence() -> None:
    assert str(Refusal("what")) == "what"
    assert str(Refusal("what", "why")) == "what (why)"
    assert str(Refusal("what", None, "do")) == "what. do"
    assert str(Refusal("what", "why", "do")) == "what (why). do"


# --- regions


@pytest.mark.parametrize(
    ("region", "cloud"),
    [
        ("eu-west-1", AWS),
        ("eu-west-99", AWS),
        ("us-gov-east-1", AWS),
        ("us-iso-east-1", AWS),
        ("us-isob-east-1", AWS),
        ("eusc-de-east-1", AWS),
        ("ap-northeast-1", AWS),
        ("us-central1", GCP),
        ("me-west1", GCP),
        ("europe-west12", GCP),
        ("asia-southeast99", GCP),
        ("eastus", AZURE),
        ("eastus9", AZURE),
        ("abcd", AZURE),
        ("eastus2euap", AZURE),
    ],
)
def test_a_region_by_its_shape(region: str, cloud: Cloud) -> None:
    assert regions.check_region(region, cloud) == region
    for other in set(Cloud) - {cloud}:
        refusal(regions.check_region, region, other)


@pytest.mark.parametrize(
    ("region", "cloud"),
    [
        ("eu-west-0", AWS),
        ("eu-west-100", AWS),
        ("eu-west1", AWS),
        ("eur-west-1", AWS),
        ("e-west-1", AWS),
        ("eu-gov-west-", AWS),
        ("eu-upper-1", AWS),
        ("eusc-deu-east-1", AWS),
        ("us-isobb-east-1", AWS),
        ("eu-west1", GCP),
        ("eur-west1", GCP),
        ("us-central0", GCP),
        ("us-central100", GCP),
        ("us-central", GCP),
        ("us-central-1", GCP),
        ("abc", AZURE),
        ("eastus22", AZURE),
        ("east-us", AZURE),
        ("EastUS", AZURE),
    ],
)
def test_what_has_not_the_shape_is_no_region(region: str, cloud: Cloud) -> None:
    article = {AWS: "an AWS", GCP: "a GCP", AZURE: "an Azure"}[cloud]
    what = f"{shown(region)} is not the name of {article} region"
    assert refusal(regions.check_region, region, cloud).what == what


@pytest.mark.parametrize(
    ("region", "cloud", "why", "remedy"),
    [
        ("eu-west1", AWS, "they look like `eu-west-1`", "Did you mean `eu-west-1`?"),
        ("euwest1", AWS, "they look like `eu-west-1`", "Did you mean `eu-west-1`?"),
        ("eu-wst-1", AWS, "they look like `eu-west-1`", "Did you mean `eu-west-1`?"),
        ("E U - W E S T - 1", AWS, "they look like `eu-west-1`", "Did you mean `eu-west-1`?"),
        ("EU WEST 1", AWS, "they look like `eu-west-1`", "Did you mean `eu-west-1`?"),
        ("APSOUTH2", AWS, "they look like `eu-west-1`", "Did you mean `ap-south-2`?"),
        ("EU_West_1", AWS, "they look like `eu-west-1`", "Did you mean `eu-west-1`?"),
        ("us-central1", AWS, "it is one of GCP", None),
        ("westeurope", AWS, "it is one of Azure", None),
        ("eu-west-1", GCP, "it is one of AWS", None),
        ("us-central1-a", AWS, "it is one of GCP", None),
        ("US Central 1", GCP, "they look like `us-central1`", "Did you mean `us-central1`?"),
        ("West Europe", AZURE, "they look like `westeurope`", "Did you mean `westeurope`?"),
        ("us-east-1", AZURE, "it is one of AWS", None),
        ("??", AZURE, "they look like `westeurope`", None),
    ],
)
def test_what_is_no_region_may_be_another_cloud_s(
    region: str, cloud: Cloud, why: str, remedy: str | None
) -> None:
    error = refusal(regions.check_region, region, cloud)
    assert error.why == why
    if remedy is not None:
        assert error.remedy == remedy


def test_what_is_like_nothing_has_no_remedy() -> None:
    assert refusal(regions.check_region, "??", AWS).remedy is None
    assert refusal(regions.check_region, "eu-west-1-1", AWS).why == "they look like `eu-west-1`"


@pytest.mark.parametrize(
    ("region", "cloud", "near"),
    [
        # a word that is one letter off a known one
        ("erope-west1", GCP, "europe-west1"),
        ("asai-east1", GCP, "asia-east1"),
        ("europa-west1", GCP, "europe-west1"),
        ("westeurop", AZURE, "westeurope"),
        ("eatsus2", AZURE, "eastus2"),
        # two letters off is another word, and so is a known one with another number
        ("eruope-wst1", GCP, None),
        ("antarctica-south1", GCP, "-"),
        ("europe-west99", GCP, "-"),
        ("westeuropean", AZURE, "-"),
        ("westus9", AZURE, "-"),
        # in AWS the names are no words
        ("ca-east-1", AWS, "-"),
        ("xx-west-1", AWS, "-"),
        # nor are the short ones of GCP
        ("me-north1", GCP, "-"),
    ],
)
def test_a_region_one_letter_off_is_none(region: str, cloud: Cloud, near: str | None) -> None:
    if near == "-":
        assert regions.check_region(region, cloud) == region
        return
    error = refusal(regions.check_region, region, cloud)
    if near is not None:
        assert error.what == f"region {shown(region)} is none of {cloud.label}"
        assert error.remedy == f"Did you mean `{near}`?"


@pytest.mark.parametrize(
    ("region", "cloud", "zones", "what", "remedy"),
    [
        ("us-central1-z", GCP, False, "is a zone, not a region", "Write `us-central1`."),
        ("us-central1-a", GCP, False, "is a zone, not a region", "Write `us-central1`."),
        ("eu-west-1a", AWS, False, "is an availability zone, not a region", "Write `eu-west-1`."),
        ("eu-west-1a", AWS, True, "is an availability zone, not a region", "Write `eu-west-1`."),
        # another cloud's zone is no zone here
        ("us-central1-a", AWS, True, "is not the name of an AWS region", None),
        ("us-central1-a", AZURE, True, "is not the name of an Azure region", None),
        ("eu-west-1a", GCP, True, "is not the name of a GCP region", None),
        ("eu-west-1-", AWS, False, "is not the name of an AWS region", None),
        ("eu-west-1aa", AWS, False, "is not the name of an AWS region", None),
        ("us-central1-ab", GCP, True, "is not the name of a GCP region", None),
        ("us-central1-1", GCP, True, "is not the name of a GCP region", None),
    ],
)
def test_a_zone_is_told_from_a_region(
    region: str, cloud: Cloud, zones: bool, what: str, remedy: str | None
) -> None:
    if what.startswith("is a zone"):
        assert regions.check_region(region, cloud, zones=True) == region
        with pytest.raises(Refusal):
            regions.check_region(region, cloud)
    error = refusal(regions.check_region, region, cloud, zones=zones)
    assert error.what == f"{shown(region)} {what}"
    if remedy is not None:
        assert error.remedy == remedy


@pytest.mark.parametrize(
    ("region", "cloud"),
    [
        ("eu-west-1", AWS),
        ("eu-west-99", AWS),
        ("us-central1", GCP),
        ("asia-east99", GCP),
        ("us-central1-f", GCP),
        ("westeurope", AZURE),
        # a word alone tells nothing unless it is known
        ("atlantiscentral", None),
        ("nowhere", None),
        ("eu-west-1a", None),
        ("", None),
    ],
)
def test_the_cloud_that_a_region_tells(region: str, cloud: Cloud | None) -> None:
    assert cloud_of_region(region) is cloud


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-isof-south-1", "aws-iso-f"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-iso-west-1", "aws-iso"),
        ("us-isob-west-1", "aws-iso-b"),
        ("us-gov-west-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
        ("cn-northwest-1", "aws-cn"),
        ("us-east-1", "aws"),
        ("eu-central-1", "aws"),
        ("ca-central-1", "aws"),
    ],
)
def test_more_partitions(region: str, partition: str) -> None:
    assert aws_partition(region) == partition


S3, GCS = parse_artifact_store("s3://my-bucket"), parse_artifact_store("gs://my-bucket")
FOLDER, ACR = parse_artifact_store("/data"), parse_container_registry("demo.azurecr.io")
GHCR = parse_container_registry("ghcr.io")


@pytest.mark.parametrize(
    ("type_", "store", "registry", "more", "cloud"),
    [
        # the type tells it, whatever else is said
        (StackType.VERTEX, S3, ACR, {"region": "eu-west-1"}, GCP),
        (StackType.SAGEMAKER, GCS, None, {}, AWS),
        (StackType.AZUREML, S3, None, {}, AZURE),
        # then the store, then the registry
        (StackType.KUBERNETES, S3, ACR, {"project": "my-project"}, AWS),
        (StackType.KUBERNETES, None, ACR, {"project": "my-project"}, AZURE),
        (StackType.KUBERNETES, FOLDER, ACR, {}, AZURE),
        # then what is left
        (StackType.KUBERNETES, None, GHCR, {"subscription_id": "x", "project": "y"}, AZURE),
        (StackType.KUBERNETES, None, None, {"project": "y", "region": "eu-west-1"}, GCP),
        (StackType.KUBERNETES, None, None, {"region": "eu-west-1"}, AWS),
        (StackType.KUBERNETES, None, None, {"region": "nowhere"}, None),
        (StackType.KUBERNETES, None, None, {}, None),
        # a local stack is where its store is
        (StackType.LOCAL, S3, None, {}, AWS),
        (StackType.LOCAL, FOLDER, None, {"region": "eu-west-1"}, None),
        (StackType.LOCAL, None, None, {"project": "x", "subscription_id": "y"}, None),
    ],
)
def test_what_tells_the_cloud_of_a_stack(
    type_: StackType, store: Any, registry: Any, more: dict[str, str], cloud: Cloud | None
) -> None:
    assert cloud_of(type_, store, registry, **more) is cloud


# --- suggestions


@pytest.mark.parametrize(
    ("word", "words", "found"),
    [
        ("aws", ["aws"], "aws"),
        ("A-W S", ["a_w_s"], "a_w_s"),
        (" name ", ["name"], "name"),
        ("  a  ", ["a"], "a"),
        ("a b c d", ["a_b_c_d"], "a_b_c_d"),
        ("a-b-c-d", ["a b c d"], "a b c d"),
        # the first of those that look the same
        ("a-b", ["A_B", "a-b"], "A_B"),
        ("", ["a"], None),
        (" ", ["a"], None),
        ("x", [], None),
        # a short word has a lower bar
        ("asw", ["aws"], "aws"),
        ("abcd", ["abxx"], None),
        ("abcd", ["abcxx"], "abcxx"),
        ("abcde", ["abcxx"], None),
        ("abcdefg", ["abcdexx"], "abcdexx"),
        ("abcdefg", ["abcdxxx"], None),
        ("kubernets", ["vertex", "kubernetes", "kubernete"], "kubernetes"),
    ],
)
def test_the_nearest_word(word: str, words: list[str], found: str | None) -> None:
    assert suggest(word, words) == found
    assert did_you_mean(word, words) == (f"Did you mean `{found}`?" if found else None)


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("", "", True),
        ("", "a", True),
        ("", "ab", False),
        ("abc", "abcd", True),
        ("abc", "abcde", False),
        ("abcd", "abxd", True),
        ("abcd", "axxd", False),
        ("abcd", "abdc", True),
        ("abcd", "badc", False),
        ("abcde", "acbde", True),
        ("abcde", "acbdx", False),
        ("abcde", "acbd", False),
        ("ab", "ba", True),
        ("abc", "bca", False),
        ("abcd", "acd", True),
        ("abcd", "adc", False),
    ],
)
def test_one_letter_is_near_and_two_are_not(one: str, other: str, near: bool) -> None:
    assert distance_at_most_one(one, other) is near
    assert distance_at_most_one(other, one) is near


# --- files


def yaml_error(text: str) -> YamlError:
    with pytest.raises(YamlError) as caught:
        read_text(text, "f")
    return caught.value


@pytest.mark.parametrize(("over", "fine"), [(0, True), (1, False)])
def test_a_file_is_read_up_to_its_greatest_size(
    over: int, fine: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "name: dev #ä" + "x" * over
    monkeypatch.setattr(yaml_file, "_LARGEST", len("name: dev #ä".encode()))
    path = tmp_path / "f.yaml"
    path.write_text(text, encoding="utf-8")
    for file, stdin in ((path, None), ("-", io.TextIOWrapper(io.BytesIO(text.encode())))):
        if fine:
            assert read_document(file, stdin).data == {"name": "dev"}
        else:
            with pytest.raises(DescriptionError, match="more than 13 bytes"):
                read_document(file, stdin)


def test_that_is_a_million_bytes(tmp_path: Path) -> None:
    assert len(yaml_file._decoded(b" " * 1_000_000)) == 1_000_000
    path = tmp_path / "f.yaml"
    path.write_bytes(b" " * 1_000_001)
    for file, stdin in ((path, None), ("-", io.StringIO(" " * 1_000_001))):
        with pytest.raises(DescriptionError, match="more than 1000000 bytes"):
            read_document(file, stdin)


@pytest.mark.parametrize(("items", "fine"), [(100, True), (101, False)])
def test_a_file_has_twenty_thousand_values_at_most(items: int, fine: bool) -> None:
    """An alias counts as all that it stands for: here 101 values, 196 times, and 104 around."""
    more = [*["*a"] * 196, *["1"] * items]
    text = f"a: &a [{', '.join(['1'] * 100)}]\nb: [{', '.join(more)}]\n"
    if fine:
        assert len(read_text(text, "f").data["b"]) == 196 + items
    else:
        error = yaml_error(text)
        assert (error.kind, error.line) == ("the file expands to more than 20000 values", 2)


@pytest.mark.parametrize(("depth", "fine"), [(40, True), (41, False)])
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ("{x: ", "}")])
def test_a_file_is_forty_deep_at_most(depth: int, fine: bool, left: str, right: str) -> None:
    inside = depth - 1 if left == "{x: " else depth
    text = f"a: {left * inside}{right * inside}"
    if fine:
        assert "a" in read_text(text, "f").data
    else:
        assert yaml_error(text).kind == "the file is nested too deeply"


@pytest.mark.parametrize(
    ("text", "kind", "line", "remedy"),
    [
        ("", "the file is empty", None, "`kitaru stack schema` shows what it may hold."),
        ("- a", "the file holds a list, not a mapping", 1, "Write `KEY: VALUE` lines"),
        ("\n\nwords", "the file holds text, not a mapping", 3, "Write `KEY: VALUE` lines"),
        ("!x {a: b}", "a tag (`!…`) means nothing here", 1, "Leave it out."),
        ("a: \x00", "the file holds signs that no text has", 1, "Is it the right file?"),
        (
            "a: b\nc: \x07\nd: e\n",
            "the file holds signs that no text has",
            2,
            "Is it the right file?",
        ),
        ("a:\n\tb: c", "a tab stands where YAML expects spaces", 2, "Indent with spaces."),
        ("a: b\n---\nc: d", "the file holds more than one description", 2, "Put each into"),
        ("a: *b", "an alias (`*name`) has no anchor (`&name`) before it", 1, None),
        ("a: b: c", "it is not YAML: a `:` stands where none can", 1, "Check the indentation"),
        ("a: {b", "it is not YAML: expected … or …, but got …", 1, "Check this line"),
        ("a: b\n? [c]\n: d", "a key is a list or a mapping", 2, None),
        ("a: &a {b: *a}", "an alias refers to what it stands in", 1, None),
        ("a:\n  <<: 3", "`<<` stands before something that is no mapping", 2, None),
        ("a:\n  <<: [{b: 1}, 3]", "`<<` stands before something that is no mapping", 2, None),
        ("a: !!int x", "a value is not of the kind that its tag says (int)", 1, None),
        ("a: !!float x", "a value is not of the kind that its tag says (float)", 1, None),
        ("a: !!bool yes", "a value is not of the kind that its tag says (bool)", 1, None),
    ],
)
def test_what_is_no_plain_mapping_is_named_with_its_line(
    text: str, kind: str, line: int | None, remedy: str | None
) -> None:
    error = yaml_error(text)
    assert error.kind.startswith(kind)
    assert error.line == line
    assert (error.remedy or "").startswith(remedy or "")
    assert (error.remedy is None) is (remedy is None)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("nULL", "nULL"),
        ("", None),
        ("True", True),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        ("yes", "yes"),
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("5", 5),
        ("-5", -5),
        ("00", "00"),
        ("0o", "0o"),
        ("0x", "0x"),
        ("0x19", 25),
        ("+.5", 0.5),
        ("1e+3", 1000.0),
        ("+.inf", float("inf")),
        ("+", "+"),
        ("true1", "true1"),
        ("1_000", "1_000"),
        ("0o17", 15),
        ("0o18", "0o18"),
        ("0xFf", 255),
        ("0xg", "0xg"),
        ("-0x1", "-0x1"),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.5", -0.5),
        ("01.5", "01.5"),
        ("1e3", 1000.0),
        ("1E-3", 0.001),
        ("1e", "1e"),
        ("e3", "e3"),
        (".", "."),
        (".inf", float("inf")),
        ("-.INF", float("-inf")),
        (".Inf", float("inf")),
        ("inf", "inf"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
    ],
)
def test_plain_words_in_a_file_and_on_a_command_line(written: str, value: Any) -> None:
    found = read_text(f"a: {written}", "f").data["a"]
    assert (found, type(found)) == (value, type(value))
    if written:
        told = read_value(written)
        assert (told, type(told)) == (value, type(value))


def test_not_a_number_is_one() -> None:
    assert read_text("a: .nan\nb: .NaN", "f").data["a"] != 0
    assert str(read_value(".NAN")) == "nan"
    assert read_value("-.nan") == "-.nan"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (" [1, a] ", [1, "a"]),
        ("{a: }", {"a": None}),
        ("'a b'", "a b"),
        ('"a\\n"', "a\n"),
        ("a: b", "a: b"),
        ("- a", "- a"),
        ("&x", "&x"),
    ],
)
def test_one_value_as_a_command_line_gives_it(written: str, value: Any) -> None:
    assert read_value(written) == value


@pytest.mark.parametrize("written", ["[a", "{a: b", "'a", "[!x a]", "{a: 1, a: 2}", "[a] b"])
def test_brackets_and_quotes_that_are_not_yaml(written: str) -> None:
    with pytest.raises(YamlError):
        read_value(written)


def test_merged_keys_are_overlaid_by_those_beside_them_wherever_they_stand() -> None:
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\n"
    assert read_text(text + "z: {a: 9, <<: *x}", "f").data["z"] == {"a": 9, "b": 1}
    assert read_text(text + "z: {<<: *x, a: 9}", "f").data["z"] == {"a": 9, "b": 1}
    assert read_text(text + "z: {<<: [*y, *x]}", "f").data["z"] == {"a": 1, "b": 2, "c": 2}
    assert read_text(text + "z: {<<: *x, <<: *y}", "f").data["z"] == {"a": 1, "b": 1, "c": 2}


def test_what_cannot_be_read_is_left_out_and_named_with_its_line() -> None:
    text = "a: 1\nb: !x 2\nc:\n  d: !y {e: 1}\n  a: !z [1]\na: 3\nlist: [!q 1]\n"
    document = read_text(text, "f")
    assert document.data == {
        "a": 1,
        "b": None,
        "c": {"d": None, "a": None},
        "list": [None],
    }
    assert document.unreadable == {"b", "c.d", "c.a", "list"}
    assert [(p.field, p.source) for p in document.problems] == [
        ("b", "f:2"),
        ("c.d", "f:4"),
        ("c.a", "f:5"),
        ("a", "f:6"),
        ("list", "f:7"),
    ]
    assert document.problems[3].what == "`a` stands twice, first in line 1"
    assert document.problems[3].remedy == "Leave one of them out."
    assert document.problems[0].remedy == "Put text that starts with `!` into quotes."
    assert document.sources()["c.d"] == "f:4"


def test_a_file_that_is_not_there_leads_to_one_that_is(tmp_path: Path) -> None:
    def told(file: Path) -> tuple[str, str | None, str | None]:
        with pytest.raises(DescriptionError) as caught:
            read_document(file)
        (problem,) = caught.value.problems
        return problem.what, problem.remedy, problem.source

    assert told(tmp_path / "stack.yaml")[1] is None
    assert told(tmp_path / "nowhere" / "stack.yaml")[1] is None
    (tmp_path / "stack.yaml.old").write_text("")
    assert told(tmp_path / "stack.yaml")[1] is None
    (tmp_path / "stacks.yml").write_text("")
    missing = tmp_path / "stack.yaml"
    found = f"Did you mean {shown(tmp_path / 'stacks.yml')}?"
    assert told(missing) == ("there is no such file", found, str(missing))

    assert told(tmp_path) == ("it is a folder, not a file", found, str(tmp_path))
    empty = tmp_path / "empty"
    empty.mkdir()
    assert told(empty)[1] is None
    (empty / "b.yaml").write_text("")
    (empty / "a.yaml").write_text("")
    assert told(empty)[1] == f"Did you mean {shown(empty / 'a.yaml')}?"
    assert told(tmp_path / "a\x00b")[0] == "the file cannot be read: its name is not valid"
    latin = tmp_path / "latin"
    latin.write_bytes(b"a: 1\n\nb: \xe9\n")
    assert told(latin) == ("the file is not UTF-8 text", "Save it as UTF-8.", f"{latin}:3")
    empty_file = tmp_path / "nothing"
    empty_file.write_text("")
    assert told(empty_file)[2] == str(empty_file)
