"""Asking IAM Access Analyzer about a policy document, where we may.

ValidatePolicy costs nothing. CheckNoPublicAccess costs a fraction of a cent a call, and is only
asked where nothing else that AWS keeps tells: https://aws.amazon.com/iam/access-analyzer/pricing/
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from kitaru_iac.checks.model import CheckStatus, Verdict, ok, unknown
from kitaru_iac.checks.probes import Outcome, ProbeError, outcomes_of
from kitaru_iac.clouds.aws.observations import Analysis
from kitaru_iac.clouds.aws.session import AwsAccess

__all__ = [
    "Analyses",
    "analyze_bucket",
    "analyze_repository",
    "analyze_trust",
    "analyze_trusts",
    "analyzed",
]

Raw = Mapping[str, Any]
#: What is said of the trust of several roles, by their ARNs.
Analyses: TypeAlias = Mapping[str, Outcome[Analysis]]
_BUCKET = "AWS::S3::Bucket"
_TRUST = "AWS::IAM::AssumeRolePolicyDocument"
#: What ECR's policies lack by design. Of a type that ValidatePolicy does not know it is told none,
#: and holds it to the rules of all: https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicy.html
_NO_RESOURCE = "MISSING_RESOURCE"


def analyze_bucket(aws: AwsAccess, about: str, answer: Raw, status: Outcome[Raw]) -> Analysis:
    """Ask about the policy of a bucket. What is denied or not answered is left out.

    Args:
        aws: Where to ask.
        about: The bucket, for the words of an error.
        answer: S3's answer with the policy; empty where there is none.
        status: What S3 says of the policy's being public, for nothing.
    """
    document = answer.get("Policy")
    if not document:
        return Analysis()
    return _analysis(aws, about, document, _BUCKET, public=isinstance(status, ProbeError))


def analyze_repository(aws: AwsAccess, about: str, answer: Raw) -> Analysis:
    """Ask about the policy of a repository: CheckNoPublicAccess does not know its type.

    Args:
        aws: Where to ask.
        about: The repository, for the words of an error.
        answer: ECR's answer with the policy; empty where there is none.
    """
    document = answer.get("policyText")
    return _analysis(aws, about, document, None, public=False) if document else Analysis()


def analyze_trust(aws: AwsAccess, about: str, role: Raw) -> Analysis:
    """Ask about the trust policy of a role; about the public where it does not name everybody.

    Args:
        aws: Where to ask.
        about: The role, for the words of an error.
        role: As IAM describes it.
    """
    document = role.get("AssumeRolePolicyDocument")
    if not document:
        return Analysis()
    text = document if isinstance(document, str) else json.dumps(document)
    return _analysis(aws, about, text, _TRUST, public=any(_names_nobody(document)))


def analyze_trusts(aws: AwsAccess, roles: Mapping[str, Outcome[Raw]]) -> Analyses:
    """Ask about the trust policies of several roles, as of one; those that were not seen have none.

    Args:
        aws: Where to ask.
        roles: As IAM describes them, by their ARNs.
    """
    seen = {arn: role for arn, role in roles.items() if not isinstance(role, ProbeError)}
    return outcomes_of(lambda arn: analyze_trust(aws, arn, seen[arn]), seen)


def analyzed(verdict: Verdict, analysis: Outcome[Analysis], show: str) -> Verdict:
    """The verdict on a policy, with what Access Analyzer says, which AWS keeps.

    Args:
        verdict: Our own.
        analysis: Its.
        show: The command that shows the policy.
    """
    if verdict.status is not CheckStatus.OK or verdict.why.startswith("it has no policy"):
        return verdict
    errors = None if isinstance(analysis, ProbeError) else analysis.errors
    if errors is None:
        return ok(f"{verdict.why}; IAM Access Analyzer was not asked", verdict.caveat)
    if errors:
        return unknown(f"IAM Access Analyzer finds errors in it: {'; '.join(errors)}", show)
    return ok(f"{verdict.why}; IAM Access Analyzer finds no error in it", verdict.caveat)


def _analysis(
    aws: AwsAccess, about: str, document: str, kind: str | None, *, public: bool
) -> Analysis:
    errors: tuple[str, ...] | None = None
    is_public: bool | None = None
    named = {} if kind is None else {"validatePolicyResourceType": kind}
    try:
        found = aws.ask_all(
            "accessanalyzer",
            "validate_policy",
            "findings",
            about=f"the policy of {about}",
            policyDocument=document,
            policyType="RESOURCE_POLICY",
            **named,
        )
        errors = tuple(
            str(finding.get("findingDetails"))
            for finding in found
            if finding.get("findingType") == "ERROR"
            and (kind is not None or finding.get("issueCode") != _NO_RESOURCE)
        )
        if public:
            said = aws.ask(
                "accessanalyzer",
                "check_no_public_access",
                about=f"the policy of {about}",
                policyDocument=document,
                resourceType=kind,
            )
            is_public = {"PASS": False, "FAIL": True}.get(str(said.get("result")))
    except ProbeError:
        return Analysis(errors, is_public)
    return Analysis(errors, is_public)


def _names_nobody(document: object) -> Iterator[bool]:
    """For each statement that allows: whether it is about everybody, under whatever condition."""
    whole = json.loads(document) if isinstance(document, str) else document
    statements = whole.get("Statement") if isinstance(whole, Mapping) else ()
    for one in statements if isinstance(statements, list) else [statements]:
        if isinstance(one, Mapping) and one.get("Effect") == "Allow":
            yield "NotPrincipal" in one or '"*"' in json.dumps(one.get("Principal"))
