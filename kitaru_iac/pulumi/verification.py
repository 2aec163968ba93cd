"""The function `kitaru:index:verify`: the checks of a description, as a typed report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from kitaru_iac.checks.model import CheckResult, CheckStatus
from kitaru_iac.pulumi.keys import wire_names
from kitaru_iac.pulumi.options import invoke_options

__all__ = ["CheckResult", "VerifyResult", "verify", "verify_output"]

VERIFY_TOKEN = "kitaru:index:verify"  # noqa: S105


class NotKnownYet(pulumi.RunError):
    """What is to be verified is not known in a preview."""


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """The checks of one description.

    Attributes:
        stack: The stack's name.
        worst: The worst status, in the order fail, unknown, warn, ok; None where nothing is
            checked, as for a stack that is all on this machine.
        failed: Whether a check failed. Unknown is no failure.
        report: The report as text, as ``kitaru stack verify`` prints it.
        results: One result per check.
    """

    stack: str
    worst: str | None
    failed: bool
    report: str
    results: Sequence[CheckResult]


def verify(
    *,
    allow_failures: bool = False,
    opts: pulumi.InvokeOptions | None = None,
    **description: Any,
) -> VerifyResult:
    """Check that the infrastructure that a description names is fit. Only reads.

    Args:
        allow_failures: Give the report even if a check failed. Else the preview ends with it.
        opts: Pulumi's options.
        **description: The keys of ``stack.yaml``, with plain values.

    Raises:
        Exception: A check failed, or the description is wrong; the text is the report.
        NotKnownYet: An argument or the provider's server is not known in this preview.
    """
    answer = pulumi.runtime.invoke(
        VERIFY_TOKEN, _arguments(description, allow_failures), invoke_options(opts)
    )
    if not answer.value:
        raise NotKnownYet(
            "Nothing is verified: an argument, or the provider's server, is not known yet. "
            "Call verify_output, whose result is not known then either."
        )
    return _result(answer.value)


def verify_output(
    *,
    allow_failures: pulumi.Input[bool] = False,
    opts: pulumi.InvokeOptions | None = None,
    **description: pulumi.Input[Any],
) -> pulumi.Output[VerifyResult]:
    """As `verify`, for values that are outputs of resources.

    While one of them, or the provider's server, is not known, nothing is looked at, and neither is
    the result known.
    """
    answer = pulumi.runtime.invoke_output(
        VERIFY_TOKEN, _arguments(description, allow_failures), invoke_options(opts)
    )
    # The engine answers with nothing for a provider that it cannot configure yet.
    return answer.apply(lambda value: _result(value) if value else _unknown())


def _arguments(description: Mapping[str, Any], allow_failures: object) -> dict[str, Any]:
    given = {key.removesuffix("_"): value for key, value in description.items()}
    return {**wire_names(given), "allowFailures": allow_failures}


def _unknown() -> pulumi.Output[Any]:
    return pulumi.Output.from_input(pulumi.UNKNOWN)


def _result(found: Mapping[str, Any]) -> VerifyResult:
    return VerifyResult(
        stack=found["stack"],
        worst=found.get("worst"),
        failed=bool(found["failed"]),
        report=found["report"],
        results=[
            CheckResult(
                id=one["id"],
                status=CheckStatus(one["status"]),
                subject=one["subject"],
                why=one["why"],
                remedy=one.get("remedy"),
                docs=one.get("docs"),
                missing_permission=one.get("missingPermission"),
                caveat=one.get("caveat"),
            )
            for one in found.get("results") or []
        ],
    )
