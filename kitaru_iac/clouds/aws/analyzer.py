"""Asking IAM Access Analyzer about a bucket's policy, where we may.

ValidatePolicy costs nothing. CheckNoPublicAccess costs a fraction of a cent a call, and is only
asked where S3's own answer, which is free, was denied:
https://aws.amazon.com/iam/access-analyzer/pricing/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.checks.probes import Outcome, ProbeError
from kitaru_iac.clouds.aws.observations import Analysis
from kitaru_iac.clouds.aws.session import AwsAccess

__all__ = ["analyze"]

Raw = Mapping[str, Any]
_BUCKET = "AWS::S3::Bucket"


def analyze(aws: AwsAccess, about: str, answer: Raw, status: Outcome[Raw]) -> Analysis:
    """Ask about the policy of a bucket. What is denied or not answered is left out.

    Args:
        aws: Where to ask.
        about: The bucket, for the words of an error.
        answer: S3's answer with the policy; empty where there is none.
        status: What S3 says of the policy's being public.
    """
    policy = answer.get("Policy")
    if not policy:
        return Analysis()
    errors: tuple[str, ...] | None = None
    public: bool | None = None
    try:
        found = aws.ask(
            *("accessanalyzer", "validate_policy"),
            about=f"the policy of {about}",
            policyDocument=policy,
            policyType="RESOURCE_POLICY",
            validatePolicyResourceType=_BUCKET,
        )
        errors = tuple(
            str(finding.get("findingDetails"))
            for finding in found.get("findings", ())
            if finding.get("findingType") == "ERROR"
        )
        if isinstance(status, ProbeError):
            said = aws.ask(
                *("accessanalyzer", "check_no_public_access"),
                about=f"the policy of {about}",
                policyDocument=policy,
                resourceType=_BUCKET,
            )
            public = {"PASS": False, "FAIL": True}.get(str(said.get("result")))
    except ProbeError:
        return Analysis(errors, public)
    return Analysis(errors, public)
