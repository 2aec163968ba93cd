"""Kitaru stacks in Pulumi programs.

    import kitaru_iac.pulumi as kitaru

    stack = kitaru.Stack("prod", type="kubernetes", artifact_store="s3://bucket/kitaru", ...)

The provider behind it, `pulumi-resource-kitaru`, comes with this package.
"""

from kitaru_iac.pulumi._provisioned import ProvisionedStack
from kitaru_iac.pulumi._stack import Stack, StackArgs
from kitaru_iac.pulumi.provider import Provider, ProviderArgs
from kitaru_iac.pulumi.verification import CheckResult, VerifyResult, verify, verify_output

__all__ = [
    "CheckResult",
    "Provider",
    "ProviderArgs",
    "ProvisionedStack",
    "Stack",
    "StackArgs",
    "VerifyResult",
    "verify",
    "verify_output",
]
