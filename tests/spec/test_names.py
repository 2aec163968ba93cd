from __future__ import annotations

import re

import pytest

from kitaru_iac.spec import Cloud, Refusal, names, regions, suggest
from kitaru_iac.spec.clouds import VOCABULARIES
from kitaru_iac.spec.clouds.aws import aws_partition
from kitaru_iac.spec.suggest import distance_at_most_one


@pytest.mark.parametrize("name", ["dev", "a", "Prod-1", "my.stack_2", "x" * 100, "123"])
def test_names_that_are_fine(name):
    assert names.stack_name(name) == name
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", name), "Pulumi's rule"


@pytest.mark.parametrize(
    ("arn", "parts"),
    [
        ("arn:aws:iam::123456789012:role/R", ("aws", "123456789012", "/", "R")),
        (
            "arn:aws-cn:iam::123456789012:role/service-role/A+=,.@-_",
            ("aws-cn", "123456789012", "/service-role/", "A+=,.@-_"),
        ),
        (
            "arn:aws-us-gov:iam::123456789012:role/a/b/R",
            ("aws-us-gov", "123456789012", "/a/b/", "R"),
        ),
        ("arn:aws-iso-b:iam::123456789012:role/R", ("aws-iso-b", "123456789012", "/", "R")),
    ],
)
def test_roles(arn, parts):
    role = names.parse_role_arn(arn)
    assert (role.partition, role.account, role.path, role.name) == parts
    assert str(role) == arn
    assert re.fullmatch(names.PATTERNS["execution_role"], arn)


def test_the_account_of_the_registry_goes_into_the_remedy():
    with pytest.raises(Refusal) as caught:
        names.parse_role_arn("R", account="999999999999")
    assert caught.value.remedy == "Write `arn:aws:iam::999999999999:role/R`."


def test_a_subscription_is_in_lower_case():
    text = "ABCDEF00-0000-0000-0000-000000000123"
    assert names.subscription_id(text) == text.lower()


@pytest.mark.parametrize("cloud", Cloud)
def test_every_known_region_has_the_shape(cloud):
    for region in VOCABULARIES[cloud].regions.known:
        assert regions.check_region(region, cloud) == region


@pytest.mark.parametrize(
    ("region", "cloud"),
    [
        ("eu-west-9", Cloud.AWS),
        ("ca-east-1", Cloud.AWS),
        ("eusc-de-east-1", Cloud.AWS),
        ("us-isob-east-1", Cloud.AWS),
        ("asia-southeast3", Cloud.GCP),
        ("antarctica-south1", Cloud.GCP),
        ("eastus9", Cloud.AZURE),
        ("atlantiscentral", Cloud.AZURE),
        ("eastus2euap", Cloud.AZURE),
    ],
)
def test_a_region_that_opens_tomorrow(region, cloud):
    assert regions.check_region(region, cloud) == region


def test_a_zone_is_a_place_for_a_cluster_only():
    assert regions.check_region("us-central1-a", Cloud.GCP, zones=True) == "us-central1-a"
    with pytest.raises(Refusal):
        regions.check_region("us-central1-a", Cloud.GCP)


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-west-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-east-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_partitions(region, partition):
    assert aws_partition(region) == partition


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("kubernets", "kubernetes"),
        ("VERTEX", "vertex"),
        ("azure-ml", "azureml"),
        ("banana", None),
        ("", None),
    ],
)
def test_suggestions(word, found):
    assert suggest(word, ["kubernetes", "vertex", "sagemaker", "azureml"]) == found


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("abc", "abc", True),
        ("abc", "ab", True),
        ("abc", "xabc", True),
        ("abc", "abd", True),
        ("abc", "bac", True),
        ("abc", "acb", True),
        ("abc", "cba", False),
        ("abc", "a", False),
        ("abcd", "abdx", False),
    ],
)
def test_distance(one, other, near):
    assert distance_at_most_one(one, other) is near
    assert distance_at_most_one(other, one) is near
