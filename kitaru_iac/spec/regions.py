"""The shapes of the clouds' regions.

A region is accepted by its shape: clouds open regions faster than programs are released. The lists
here only help with a near miss.
"""

from __future__ import annotations

import re

from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.refusal import Refusal, shown
from kitaru_iac.spec.suggest import distance_at_most_one, suggest

__all__ = ["EXAMPLE_REGIONS", "aws_partition", "check_region", "cloud_of_region"]

#: One region of each cloud, for messages.
EXAMPLE_REGIONS = {
    Cloud.AWS: "eu-west-1",
    Cloud.GCP: "us-central1",
    Cloud.AZURE: "westeurope",
}

_DIRECTION = "(?:north|south|east|west|central|northeast|northwest|southeast|southwest)"
# https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html;
# `eusc-de-east-1` is the European Sovereign Cloud, `us-iso*` and `eu-isoe` are the secret ones.
_AWS = re.compile(rf"(?:eusc-[a-z]{{2}}|[a-z]{{2}}(?:-gov|-iso[a-z]?)?)-{_DIRECTION}-[1-9][0-9]?")
# https://cloud.google.com/compute/docs/regions-zones; a zone is a region and a letter.
# Continents are spelled out, but for `us` and `me`: `eu-west1` is neither cloud's.
_GCP = re.compile(rf"(?:us|me|[a-z]{{4,}})-{_DIRECTION}[1-9][0-9]?")
_GCP_ZONE = re.compile(rf"(?P<region>{_GCP.pattern})-[a-z]")
# https://learn.microsoft.com/azure/reliability/regions-list, the column "Programmatic name".
_AZURE = re.compile(r"[a-z]{4,}[0-9]?[a-z]*")
_SHAPES = {Cloud.AWS: _AWS, Cloud.GCP: _GCP, Cloud.AZURE: _AZURE}

_NAMES = {
    Cloud.AWS: (
        "us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 ca-west-1 mx-central-1 sa-east-1 "
        "eu-west-1 eu-west-2 eu-west-3 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 "
        "ap-south-1 ap-south-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-southeast-1 "
        "ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-7 ap-east-1 "
        "ap-east-2 me-south-1 me-central-1 il-central-1 af-south-1 us-gov-west-1 us-gov-east-1 "
        "cn-north-1 cn-northwest-1"
    ),
    Cloud.GCP: (
        "us-central1 us-east1 us-east4 us-east5 us-south1 us-west1 us-west2 us-west3 us-west4 "
        "northamerica-northeast1 northamerica-northeast2 northamerica-south1 southamerica-east1 "
        "southamerica-west1 europe-west1 europe-west2 europe-west3 europe-west4 europe-west6 "
        "europe-west8 europe-west9 europe-west10 europe-west12 europe-central2 europe-north1 "
        "europe-north2 europe-southwest1 asia-east1 asia-east2 asia-northeast1 asia-northeast2 "
        "asia-northeast3 asia-south1 asia-south2 asia-southeast1 asia-southeast2 "
        "australia-southeast1 australia-southeast2 me-central1 me-central2 me-west1 africa-south1"
    ),
    Cloud.AZURE: (
        "westeurope northeurope eastus eastus2 westus westus2 westus3 centralus northcentralus "
        "southcentralus westcentralus canadacentral canadaeast mexicocentral brazilsouth "
        "brazilsoutheast chilecentral uksouth ukwest francecentral francesouth germanywestcentral "
        "germanynorth italynorth norwayeast norwaywest polandcentral spaincentral swedencentral "
        "swedensouth switzerlandnorth switzerlandwest austriaeast belgiumcentral denmarkeast "
        "australiaeast australiasoutheast australiacentral australiacentral2 newzealandnorth "
        "eastasia southeastasia japaneast japanwest koreacentral koreasouth centralindia "
        "southindia westindia jioindiawest jioindiacentral indonesiacentral malaysiawest "
        "uaenorth uaecentral qatarcentral israelcentral southafricanorth southafricawest "
        "usgovvirginia usgovarizona usgovtexas chinaeast2 chinaeast3 chinanorth2 chinanorth3"
    ),
}
_KNOWN = {cloud: tuple(text.split()) for cloud, text in _NAMES.items()}


def cloud_of_region(region: str) -> Cloud | None:
    """The cloud whose regions look like this, where that is plain from the text."""
    for cloud in Cloud:
        if region in _KNOWN[cloud]:
            return cloud
    if _AWS.fullmatch(region):
        return Cloud.AWS
    if _GCP.fullmatch(region) or _GCP_ZONE.fullmatch(region):
        return Cloud.GCP
    return None


def aws_partition(region: str) -> str:
    """The partition in the ARNs of a region: ``aws``, ``aws-cn``, ``aws-us-gov``, …

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html.
    """
    prefixes = {
        "cn-": "aws-cn",
        "us-gov-": "aws-us-gov",
        "us-isob-": "aws-iso-b",
        "us-isof-": "aws-iso-f",
        "us-iso-": "aws-iso",
        "eu-isoe-": "aws-iso-e",
        "eusc-": "aws-eusc",
    }
    return next((name for prefix, name in prefixes.items() if region.startswith(prefix)), "aws")


def check_region(region: str, cloud: Cloud, *, zones: bool = False) -> str:
    """A region by its shape.

    Args:
        region: What was written.
        cloud: Whose region it has to be.
        zones: Whether a GCP zone will do, as for the location of a GKE cluster.

    Returns:
        The region.

    Raises:
        Refusal: It does not look like a region of this cloud, or is one letter off a known one.
    """
    if _SHAPES[cloud].fullmatch(region):
        if near := _one_letter_off(region, cloud):
            raise Refusal(
                f"region {shown(region)} is none of {cloud.label}",
                remedy=f"Did you mean `{near}`?",
            )
        return region
    if zone := _GCP_ZONE.fullmatch(region):
        if cloud is Cloud.GCP:
            if zones:
                return region
            raise Refusal(
                f"{shown(region)} is a zone, not a region", remedy=f"Write `{zone['region']}`."
            )
    elif cloud is Cloud.AWS and _AWS.fullmatch(region[:-1]) and region[-1].isalpha():
        raise Refusal(
            f"{shown(region)} is an availability zone, not a region",
            remedy=f"Write `{region[:-1]}`.",
        )
    raise Refusal(
        f"{shown(region)} is not the name of {_article(cloud)} region",
        why=_why(region, cloud),
        remedy=_remedy(region, cloud),
    )


def _one_letter_off(region: str, cloud: Cloud) -> str | None:
    # Only where the names are words. In AWS, `ca-east-1` may open tomorrow beside `sa-east-1`.
    if cloud is Cloud.AWS or region in _KNOWN[cloud]:
        return None

    def base(text: str) -> str:
        return text.partition("-")[0] if cloud is Cloud.GCP else text.rstrip("0123456789")

    mine = base(region)
    known = [(base(name), name) for name in _KNOWN[cloud]]
    if len(mine) < 4 or any(mine == other for other, _ in known):
        return None
    near = [name for other, name in known if distance_at_most_one(mine, other)]
    return suggest(region, near) or (near[0] if near else None)


def _why(region: str, cloud: Cloud) -> str:
    other = cloud_of_region(region)
    if other and other is not cloud:
        return f"it is one of {other.label}"
    return f"they look like `{EXAMPLE_REGIONS[cloud]}`"


def _remedy(region: str, cloud: Cloud) -> str | None:
    # `West Europe` is Azure's name for people, `eu_west_1` that of some SDKs.
    bare = re.sub(r"[^a-z0-9]", "", region.casefold())
    for name in _KNOWN[cloud]:
        if bare == name.replace("-", ""):
            return f"Did you mean `{name}`?"
    found = suggest(region, _KNOWN[cloud])
    return f"Did you mean `{found}`?" if found else None


def _article(cloud: Cloud) -> str:
    return f"a {cloud.label}" if cloud is Cloud.GCP else f"an {cloud.label}"
