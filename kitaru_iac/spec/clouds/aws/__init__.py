"""AWS in a description."""

from __future__ import annotations

from kitaru_iac.patterns import compiled
from kitaru_iac.spec.clouds.aws.credentials import CREDENTIALS
from kitaru_iac.spec.clouds.aws.uris import BUCKET, read_registry
from kitaru_iac.spec.clouds.shapes import DIRECTION
from kitaru_iac.spec.clouds.vocabulary import Regions, Vocabulary
from kitaru_iac.spec.kinds import Cloud, StackType
from kitaru_iac.spec.names import eks_cluster

__all__ = ["VOCABULARY", "aws_partition"]

# https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html;
# `eusc-de-east-1` is the European Sovereign Cloud, `us-iso*` and `eu-isoe` are the secret ones.
_REGION = compiled(rf"(?:eusc-[a-z]{{2}}|[a-z]{{2}}(?:-gov|-iso[a-z]?)?)-{DIRECTION}-[1-9][0-9]?")
_KNOWN = (
    "us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 ca-west-1 mx-central-1 sa-east-1 "
    "eu-west-1 eu-west-2 eu-west-3 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 "
    "ap-south-1 ap-south-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-southeast-1 "
    "ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-7 ap-east-1 "
    "ap-east-2 me-south-1 me-central-1 il-central-1 af-south-1 us-gov-west-1 us-gov-east-1 "
    "cn-north-1 cn-northwest-1"
)

VOCABULARY = Vocabulary(
    cloud=Cloud.AWS,
    article="an",
    # No stem: `ca-east-1` may open tomorrow beside `sa-east-1`.
    regions=Regions(
        example="eu-west-1",
        shape=_REGION,
        known=tuple(_KNOWN.split()),
        telling=_REGION,
        zone=compiled(rf"(?P<region>{_REGION.pattern})[^\W\d_]"),
        zone_noun="an availability zone",
    ),
    store="an S3 bucket",
    registry="an ECR registry",
    cluster=eks_cluster,
    types=(StackType.SAGEMAKER,),
    bucket=BUCKET,
    read_registry=read_registry,
    credentials=CREDENTIALS,
)


def aws_partition(region: str) -> str:
    """Give the partition in the ARNs of a region: ``aws``, ``aws-cn``, ``aws-us-gov``, …

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
