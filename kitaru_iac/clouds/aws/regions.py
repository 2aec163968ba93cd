"""Which regions an account has to switch on. Until then AWS knows no keys there, however right."""

from __future__ import annotations

from kitaru_iac.spec.clouds.aws import aws_partition

__all__ = ["has_to_be_switched_on"]

#: Those that every account has:
#: https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
_ALWAYS_ON = {
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1",
    "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2",
    "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}  # fmt: skip


def has_to_be_switched_on(region: str | None) -> bool:
    """Whether a region is there only for accounts that asked for it (opt-in).

    Those of China and of the government have accounts of their own.
    """
    return region is not None and aws_partition(region) == "aws" and region not in _ALWAYS_ON
