"""What Access Analyzer is asked, and what its answers make of a verdict. Without a cloud."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.probes import Denied, ProbeError
from kitaru_iac.clouds.aws.analyzer import (
    analyze_bucket,
    analyze_repository,
    analyze_trust,
    analyze_trusts,
    analyzed,
)
from kitaru_iac.clouds.aws.observations import Analysis, PodIdentity
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.verify_identity import (
    evaluate_analyzed_trust,
    evaluate_analyzed_trusts,
    evaluate_trust,
)
from kitaru_iac.clouds.aws.verify_pods import Pods, evaluate_pod_identity
from kitaru_iac.clouds.aws.verify_pull import evaluate_node_trust
from kitaru_iac.spec.kinds import StackType

OK, WARN, FAIL, UNKNOWN = CheckStatus
DENIED = Denied("not allowed", permission="access-analyzer:ValidatePolicy")
_POLICY = '{"Statement": []}'


class Analyzer:
    """An `AwsAccess` that answers as Access Analyzer, and notes what it was asked."""

    def __init__(self, *findings: Mapping[str, str], result: str | ProbeError = "PASS") -> None:
        self._findings, self._result = findings, result
        self.asked: list[tuple[str, str | None]] = []

    def ask_all(self, service: str, operation: str, key: str, **given: Any) -> list[Any]:
        assert (service, operation, key) == ("accessanalyzer", "validate_policy", "findings")
        assert given["policyType"] == "RESOURCE_POLICY"
        self._look_at(given)
        self.asked.append((operation, given.get("validatePolicyResourceType")))
        if isinstance(self._result, ProbeError):
            raise self._result
        return list(self._findings)

    def ask(self, service: str, operation: str, **given: Any) -> Any:
        assert (service, operation) == ("accessanalyzer", "check_no_public_access")
        self._look_at(given)
        self.asked.append((operation, given["resourceType"]))
        return {"result": self._result}

    @staticmethod
    def _look_at(given: dict[str, Any]) -> None:
        assert given["about"] in {"the policy of b", "the policy of r"}
        json.loads(given["policyDocument"])


def error(text: str, code: str = "INVALID_ACTION") -> dict[str, str]:
    return {"findingType": "ERROR", "issueCode": code, "findingDetails": text}


def trust(principal: Any, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"Arn": "arn:aws:iam::123456789012:role/r", "AssumeRolePolicyDocument": document}


_SAGEMAKER = {"Service": "sagemaker.amazonaws.com"}
_BUCKET, _TRUST = "AWS::S3::Bucket", "AWS::IAM::AssumeRolePolicyDocument"


def test_each_document_is_held_to_the_rules_of_its_type() -> None:
    aws: Any = Analyzer()
    assert analyze_bucket(aws, "b", {"Policy": _POLICY}, {}) == Analysis(())
    assert analyze_bucket(aws, "b", {"Policy": _POLICY}, DENIED) == Analysis((), False)
    assert analyze_repository(aws, "r", {"policyText": _POLICY}) == Analysis(())
    assert analyze_trust(aws, "r", trust(_SAGEMAKER)) == Analysis(())
    assert aws.asked == [
        ("validate_policy", _BUCKET),
        ("validate_policy", _BUCKET),
        ("check_no_public_access", _BUCKET),
        ("validate_policy", None),
        ("validate_policy", _TRUST),
    ]


def test_where_there_is_no_document_nothing_is_asked() -> None:
    aws: Any = Analyzer()
    for found in (
        analyze_bucket(aws, "b", {}, DENIED),
        analyze_repository(aws, "r", {}),
        analyze_trust(aws, "r", {}),
    ):
        assert found == Analysis()
    assert aws.asked == []


@pytest.mark.parametrize(
    ("role", "asks"),
    [
        (trust(_SAGEMAKER), False),
        (trust({"AWS": "arn:aws:iam::123456789012:role/x*"}), False),
        (trust("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), True),
        (trust({"AWS": "*"}), True),
        (trust({"AWS": ["arn:aws:iam::123456789012:root", "*"]}), True),
        (trust("*", Effect="Deny"), False),
        (
            {"AssumeRolePolicyDocument": json.dumps(trust("*")["AssumeRolePolicyDocument"])},
            True,
        ),
        (
            {"AssumeRolePolicyDocument": {"Statement": {"Effect": "Allow", "NotPrincipal": {}}}},
            True,
        ),
        ({"AssumeRolePolicyDocument": "[]"}, False),
        ({"AssumeRolePolicyDocument": {"Statement": ["x", None]}}, False),
        ({"AssumeRolePolicyDocument": {"Statement": []}}, False),
    ],
)
def test_what_costs_money_is_asked_only_of_a_trust_about_everybody(
    role: dict[str, Any], *, asks: bool
) -> None:
    aws: Any = Analyzer(result="FAIL")
    assert analyze_trust(aws, "r", role).public is (True if asks else None)
    assert (("check_no_public_access", _TRUST) in aws.asked) is asks


def test_a_repositorys_policy_needs_no_resource_and_another_one_does() -> None:
    findings = (error("no resource", "MISSING_RESOURCE"), error("no such action"))
    mild = {"findingType": "SECURITY_WARNING", "findingDetails": "mild", "issueCode": "X"}
    aws: Any = Analyzer(*findings, mild)
    assert analyze_repository(aws, "r", {"policyText": _POLICY}).errors == ("no such action",)
    assert analyze_bucket(aws, "b", {"Policy": _POLICY}, {}).errors == (
        "no resource",
        "no such action",
    )


@pytest.mark.parametrize(("result", "public"), [("PASS", False), ("FAIL", True), ("NEW", None)])
def test_only_a_word_that_is_known_says_whether_it_is_public(
    result: str, public: bool | None
) -> None:
    aws: Any = Analyzer(result=result)
    assert analyze_bucket(aws, "b", {"Policy": _POLICY}, DENIED) == Analysis((), public)


def test_what_is_denied_is_left_out() -> None:
    aws: Any = Analyzer(result=DENIED)
    assert analyze_trust(aws, "r", trust("*")) == Analysis()
    assert analyze_repository(aws, "r", {"policyText": _POLICY}) == Analysis()


@pytest.mark.parametrize(
    ("own", "analysis", "status", "says"),
    [
        (ok("fine", "but"), Analysis(()), OK, "finds no error in it"),
        (ok("fine", "but"), Analysis(), OK, "was not asked"),
        (ok("fine", "but"), DENIED, OK, "was not asked"),
        (ok("fine", "but"), Analysis(("bad",)), UNKNOWN, "finds errors in it: bad"),
        (ok("it has no policy: so"), Analysis(("bad",)), OK, "it has no policy"),
        (fail("no", "x"), Analysis(()), FAIL, "no"),
        (warn("hm", "x"), Analysis(("bad",)), WARN, "hm"),
        (unknown("who", "x"), Analysis(()), UNKNOWN, "who"),
    ],
)
def test_an_error_makes_an_ok_unknown_and_nothing_makes_a_verdict_better(
    own: Verdict, analysis: Any, status: CheckStatus, says: str
) -> None:
    found = analyzed(own, analysis, "show")
    assert (found.status, found.caveat) == (status, own.caveat if status is OK else None)
    assert says in found.why
    assert (found.remedy is None) is (status is OK)


@pytest.mark.parametrize(
    ("analysis", "status"),
    [(Analysis((), True), WARN), (Analysis((), False), OK), (Analysis((), None), OK),
     (Analysis(("bad",), None), UNKNOWN), (DENIED, OK)],
)  # fmt: skip
def test_a_trust_that_is_public_is_no_ok(analysis: Any, status: CheckStatus) -> None:
    r = AwsResources("s", StackType.SAGEMAKER, region="eu-west-1", account="123456789012",
                     role="arn:aws:iam::123456789012:role/r")  # fmt: skip
    verdict = evaluate_trust(trust(_SAGEMAKER), r)
    assert evaluate_analyzed_trust(verdict, analysis, str(r.role)).status is status


_NODE, _PODS = (f"arn:aws:iam::123456789012:role/{name}" for name in ("node", "pods"))
_BOTH = [_NODE, _PODS]
_UNSEEN = unknown("the rights were not seen", "x")


@pytest.mark.parametrize(
    ("own", "analyses", "status", "says"),
    [
        (
            ok("fine"),
            {_NODE: Analysis(()), _PODS: Analysis(())},
            OK,
            "fine; IAM Access Analyzer fi",
        ),
        (ok("fine"), {_NODE: Analysis(())}, OK, "was not asked"),
        (ok("fine"), {_NODE: Analysis(()), _PODS: Analysis()}, OK, "was not asked"),
        (ok("fine"), {_NODE: Analysis(()), _PODS: DENIED}, OK, "was not asked"),
        (ok("fine"), DENIED, OK, "was not asked"),
        (ok("fine"), {_NODE: Analysis(()), _PODS: Analysis(("bad",))}, UNKNOWN, f"{_PODS}: IAM"),
        (ok("fine"), {_NODE: Analysis(("bad",)), _PODS: Analysis((), True)}, WARN, "is public"),
        (_UNSEEN, {_NODE: Analysis(()), _PODS: Analysis((), True)}, WARN, f"{_PODS}: IAM"),
        (_UNSEEN, {_NODE: Analysis(("bad",))}, UNKNOWN, "the rights were not seen"),
        (warn("hm", "x"), {_NODE: Analysis((), True)}, WARN, "hm"),
        (fail("no", "x"), {_NODE: Analysis((), True)}, FAIL, "no"),
    ],
)
def test_the_worst_of_several_trusts_is_told(
    own: Verdict, analyses: Any, status: CheckStatus, says: str
) -> None:
    found = evaluate_analyzed_trusts(own, analyses, _BOTH)
    assert (found.status, says in found.why) == (status, True), found
    assert evaluate_analyzed_trusts(own, analyses, []) == own


def test_each_trust_that_was_seen_is_asked_about() -> None:
    aws: Any = Analyzer()
    seen = {"b": trust(_SAGEMAKER), "gone": DENIED, "r": trust("*")}
    assert analyze_trusts(aws, seen) == {"b": Analysis(()), "r": Analysis((), False)}
    assert sorted(aws.asked) == [
        ("check_no_public_access", _TRUST),
        *[("validate_policy", _TRUST)] * 2,
    ]


@pytest.mark.parametrize("service", ["ec2.amazonaws.com", "pods.eks.amazonaws.com"])
def test_what_it_says_of_the_roles_of_a_cluster_is_laid_beside(service: str) -> None:
    own = {"Effect": "Allow", "Principal": {"Service": service},
           "Action": ["sts:AssumeRole", "sts:TagSession"]}  # fmt: skip
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
    r = AwsResources("s", StackType.KUBERNETES, account="123456789012", region="eu-west-1",
                     cluster="c", pod_accounts=("default",))  # fmt: skip
    agent = {"addonName": "eks-pod-identity-agent", "status": "ACTIVE"}

    def evaluated(analyses: Any, *statements: Any) -> Verdict:
        document = {"Version": "2012-10-17", "Statement": statements}
        role = {"Arn": _NODE, "AssumeRolePolicyDocument": document}
        if service.startswith("ec2"):
            return evaluate_node_trust([(_NODE, service, role)], analyses, r)
        pods = (PodIdentity("default", _NODE, role),)
        seen = Pods(pods, {"default": {}}, {}, (), (agent,), {}, analyses=analyses)
        return evaluate_pod_identity(seen, r)

    assert "finds no error in it" in evaluated({_NODE: Analysis(())}, own).why
    assert evaluated({_NODE: Analysis(("bad",))}, own).status is UNKNOWN
    assert evaluated({_NODE: Analysis((), True)}, own).status is WARN
    found = evaluated({_NODE: Analysis(())}, own, anybody)
    assert (found.status, "is open to anybody" in found.why) == (WARN, True), found
