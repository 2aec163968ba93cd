"""Buckets of S3 and registries of ECR."""

from __future__ import annotations

import re
from typing import ClassVar

from kitaru_iac.patterns import compiled
from kitaru_iac.spec import names
from kitaru_iac.spec.clouds.forms import (
    BucketUri,
    CheckRegion,
    RegistryUri,
    StoreForm,
    bucket_alone,
    joined,
)
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.refusal import UriError, shown
from kitaru_iac.values import dataclass

__all__ = ["BUCKET", "EcrUri", "S3Uri", "read_registry"]

_ECR = compiled(
    r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?"
)
_ECR_LIKE = compiled(
    r"(?P<account>[^.]+)\.dkr[.-]ecr(?P<fips>-fips)?\.(?P<region>[a-z0-9-]+)"
    r"\.(?:amazonaws\.com(?:\.cn)?|on\.aws)"
)
_S3_HOST = compiled(r"([a-z0-9.-]+)\.s3[.a-z0-9-]*\.amazonaws\.com")


@dataclass(frozen=True, slots=True)
class S3Uri(BucketUri):
    """``s3://BUCKET/PREFIX``; `prefix` has no slash at its ends and may be empty."""

    SCHEME: ClassVar[str] = "s3"

    @property
    def cloud(self) -> Cloud:
        """AWS."""
        return Cloud.AWS


@dataclass(frozen=True, slots=True)
class EcrUri(RegistryUri):
    """``ACCOUNT.dkr.ecr.REGION.amazonaws.com[/REPOSITORY]``.

    Attributes:
        account: 12 digits.
        region: Of the registry.
        host: The registry's host, in lower case.
        repository: The path after it; becomes ZenML's ``default_repository``.
    """

    account: str
    region: str
    host: str
    repository: str | None = None

    def __str__(self) -> str:
        return joined(self.host, self.repository)

    @property
    def cloud(self) -> Cloud:
        """AWS."""
        return Cloud.AWS


def _bucket(scheme: str, authority: str, prefix: str) -> S3Uri:
    del scheme
    return S3Uri(names.s3_bucket(bucket_alone(authority)), prefix)


def _translate(scheme: str, rest: str) -> str | None:
    if scheme == "arn" and ":s3:::" in f":{rest}":
        return "s3://" + rest.rpartition(":::")[2]
    if scheme in {"http", "https"} and (bucket := _S3_HOST.fullmatch(rest.partition("/")[0])):
        return f"s3://{bucket[1]}"
    return None


#: How buckets of S3 are written.
BUCKET = StoreForm(
    schemes=("s3",),
    other_schemes={"s3a": "s3", "s3n": "s3", "aws": "s3"},
    read=_bucket,
    translate=_translate,
)


def read_registry(host: str, path: str | None, check_region: CheckRegion) -> EcrUri | None:
    """Read the host and path of an ECR registry; see `Vocabulary.read_registry`."""
    if match := _ECR.fullmatch(host):
        region = check_region(match["region"])
        if path and len(path) < 2:
            raise UriError(f"the ECR repository `{path}` has fewer than 2 characters")
        return EcrUri(match["account"], region, host, path)
    if match := _ECR_LIKE.fullmatch(host):
        raise _not_quite_ecr(match, host)
    return None


def _not_quite_ecr(match: re.Match[str], host: str) -> UriError:
    account, region = match["account"], match["region"]
    if not re.fullmatch(r"[0-9]{12}", account):
        return UriError(
            f"the account {shown(account)} in the ECR host has not 12 digits",
            remedy="`aws sts get-caller-identity` shows it.",
        )
    return UriError(
        f"{shown(host)} is another name of an ECR registry",
        why="ZenML's AWS connector knows only the plain one",
        remedy=f"Write `{account}.dkr.ecr.{region}.amazonaws.com`.",
    )
