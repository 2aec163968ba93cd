"""Kitaru stacks in Pulumi programs.

    import kitaru_iac.pulumi as kitaru

    stack = kitaru.Stack("prod", type="kubernetes", artifact_store="s3://bucket/kitaru", ...)

The provider behind it, `pulumi-resource-kitaru`, comes with this package; it starts without
Pulumi's SDK, which is imported with the first of the names below.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

_MODULES = {
    "_provisioned": ("ProvisionedStack",),
    "_stack": ("Stack", "StackArgs"),
    "provider": ("Provider", "ProviderArgs"),
    "verification": ("CheckResult", "VerifyResult", "verify", "verify_output"),
}


def __getattr__(name: str) -> object:
    for module, names in _MODULES.items():
        if name in names:
            found = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
