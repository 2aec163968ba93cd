"""What begins runs on SageMaker: whose the scheduler's role is, and how many instances may run."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from kitaru_iac.checks.model import Check, CheckStatus, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.probes import Denied, NotFound, ProbeError, Skipped, Unavailable
from kitaru_iac.clouds.aws.explain import checklist
from kitaru_iac.clouds.aws.observations import CallerIdentity
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.verify_runs import (
    evaluate_quota,
    evaluate_scheduler_trust,
    quota_check,
    scheduler_checks,
)
from kitaru_iac.spec.kinds import StackType
from tests.clouds.aws.nobody import Nobody, everything_read

OK, WARN, FAIL, UNKNOWN = CheckStatus
OURS, OTHER, REGION = "123456789012", "999999999999", "eu-west-1"
ROLE = f"arn:aws:iam::{OURS}:role/p/scheduler"
QUOTA = "ml.m5.large for training job usage"
R = AwsResources(
    "prod", StackType.SAGEMAKER, region=REGION, account=OURS, bucket="b", quota=QUOTA,
    role=f"arn:aws:iam::{OURS}:role/exec", scheduler_role=ROLE,
)  # fmt: skip
WHO = "aws sts get-caller-identity"
ME = CallerIdentity(OURS, f"arn:aws:iam::{OURS}:user/me")


class Iam(Nobody):
    """Simulates one decision, and remembers of whom."""

    def __init__(self, decision: str = "allowed") -> None:
        self.decision = decision
        self.asked: dict[str, set[str]] = {}

    def ask(self, service: str, operation: str, **given: Any) -> Any:
        if operation != "simulate_principal_policy":
            return everything_read(operation)
        names = given["ActionNames"]
        self.asked.setdefault(given["PolicySourceArn"], set()).update(names)
        return {
            "EvaluationResults": [
                {"EvalActionName": name, "EvalDecision": self.decision} for name in names
            ]
        }

    def ask_all(self, *_: Any, **__: Any) -> Any:
        return []


def checks_of(r: AwsResources, iam: Iam) -> tuple[AwsProbes, Check[Any], Check[Any]]:
    probes: Any = AwsProbes(iam, r)  # type: ignore[arg-type]
    trust, may = scheduler_checks(checklist(probes, r), probes, r, iam)  # type: ignore[arg-type]
    assert (trust.info.id, may.info.id) == ("aws.scheduler.trust", "aws.scheduler.permissions")
    assert trust.subject == may.subject == r.scheduler_role
    return probes, trust, may


def test_the_scheduler_s_role_is_asked_about_as_itself() -> None:
    iam = Iam()
    probes, trust, may = checks_of(R, iam)
    assert trust.probe.requires == (probes.scheduler_role,)
    assert trust.probe.after == (probes.scheduler_analysis,)
    assert probes.scheduler_analysis.requires == (probes.scheduler_role,)
    assert (may.probe.requires, may.probe.after) == ((probes.session,), (probes.identity,))
    decisions = may.probe.run(None, ME)
    assert iam.asked == {ROLE: {"sagemaker:StartPipelineExecution"}}
    found = may.evaluate(decisions)
    assert (found.status, found.why) == (OK, "it may start the stack's pipelines")


def test_a_scheduler_that_may_not_start_runs_is_given_that_alone() -> None:
    _, _, may = checks_of(R, Iam("implicitDeny"))
    found = may.evaluate(may.probe.run(None, ME))
    assert found.status is FAIL
    words = shlex.split(str(found.remedy))
    assert words[:7] == [
        *("aws", "iam", "put-role-policy", "--role-name", "scheduler"),
        *("--policy-name", "kitaru-prod-scheduler"),
    ]
    document = json.loads(words[-1])
    assert document["Version"] == "2012-10-17"
    actions = {action for one in document["Statement"] for action in one["Action"]}
    assert actions == {"sagemaker:StartPipelineExecution"}


def test_a_role_of_another_account_is_not_simulated_as_its_namesake() -> None:
    iam = Iam()
    _, _, may = checks_of(R, iam)
    with pytest.raises(Skipped):
        may.probe.run(None, replace(ME, account=OTHER))
    assert iam.asked == {}


CREATE = "aws iam create-role --role-name scheduler --path /p/ --assume-role-policy-document "
NO_ROLE = replace(R, scheduler_role=f"arn:aws:iam::{OURS}:user/role")
ABROAD = replace(R, scheduler_role=f"arn:aws:iam::{OTHER}:role/scheduler")
IS_ABROAD = fail(
    f"it is of account {OTHER}, and the connector of account {OURS}: a role cannot be passed to "
    "EventBridge Scheduler from another account",
    f"{WHO}  # name a role of account {OURS}",
)
IS_NONE = fail(
    f"{NO_ROLE.scheduler_role} is no role, and EventBridge Scheduler takes nothing else",
    f"{WHO}  # name a role's ARN in extra.orchestrator.scheduler_role",
)


@pytest.mark.parametrize(
    ("r", "error", "status", "why"),
    [
        (R, NotFound("gone"), FAIL, "there is no such role"),
        (R, Unavailable("503"), UNKNOWN, "not looked at: 503"),
        (R, Denied("403", permission="iam:GetRole"), UNKNOWN, "not allowed to look: 403"),
        # What the description says decides, whatever was seen.
        (ABROAD, NotFound("gone"), FAIL, IS_ABROAD.why),
        (ABROAD, Skipped("another account"), FAIL, IS_ABROAD.why),
        (NO_ROLE, NotFound("gone"), FAIL, IS_NONE.why),
    ],
)
def test_an_absent_role_is_made_and_one_that_cannot_be_right_is_told(
    r: AwsResources, error: ProbeError, status: CheckStatus, why: str
) -> None:
    _, trust, _ = checks_of(r, Iam())
    found = trust.on_error(error, None)  # type: ignore[misc]
    assert found is not None
    assert (found.status, found.why) == (status, why)
    if why == "there is no such role":
        assert str(found.remedy).startswith(CREATE)
        assert '"Service":"scheduler.amazonaws.com"' in str(found.remedy)


def test_the_permissions_of_a_role_that_is_not_there_are_not_looked_at() -> None:
    _, _, may = checks_of(R, Iam())
    found = may.on_error(NotFound("gone"), None)  # type: ignore[misc]
    assert found is not None
    assert (found.status, found.why) == (UNKNOWN, "not looked at: gone")
    assert str(found.remedy).startswith(CREATE)


@pytest.mark.parametrize(
    ("r", "verdict"),
    [
        (ABROAD, IS_ABROAD),
        (NO_ROLE, IS_NONE),
        (
            R,
            fail(
                f"the role of this name is arn:aws:iam::{OURS}:role/scheduler, not the described "
                "one",
                "aws iam get-role --role-name scheduler --query Role.Arn  # take "
                f"arn:aws:iam::{OURS}:role/scheduler as the scheduler's role",
            ),
        ),
    ],
)
def test_a_role_is_the_described_one_or_another(r: AwsResources, verdict: Verdict) -> None:
    role = {"Arn": f"arn:aws:iam::{OURS}:role/scheduler", "RoleName": "scheduler"}
    assert evaluate_scheduler_trust(role, r) == verdict


@pytest.mark.parametrize("account", [OURS, None])
def test_where_no_account_is_described_the_role_s_own_counts(account: str | None) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": OURS}},
    }
    role = {"Arn": ROLE, "AssumeRolePolicyDocument": {"Statement": [statement]}}
    found = evaluate_scheduler_trust(role, replace(R, account=account))
    assert found == ok("scheduler.amazonaws.com may assume it")


ASK_FOR_MORE = (
    "aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code L-1 "
    f"--desired-value 4 --region {REGION}"
)
SHOW = (
    "aws service-quotas get-service-quota --service-code sagemaker --quota-code L-1 "
    f"--region {REGION}"
)
NONE = (
    "the account may run no such instance: SageMaker refuses every step that asks for no other one"
)
OTHERS = "what else uses the quota, and settings of single steps, were not looked at"


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (None, unknown("Service Quotas tells no value", SHOW)),
        ("4", unknown("Service Quotas tells no value", SHOW)),
        (0, fail(NONE, f"{ASK_FOR_MORE}  # or name another one as "
                       "extra.orchestrator.instance_type")),
        (0.9, fail(NONE, f"{ASK_FOR_MORE}  # or name another one as "
                         "extra.orchestrator.instance_type")),
        (1.0, warn("the account may run one such instance: steps that run at the same time are "
                   "refused", ASK_FOR_MORE)),
        (2.0, ok("the account may run 2 of them at once", OTHERS)),
        (40, ok("the account may run 40 of them at once", OTHERS)),
    ],
)  # fmt: skip
def test_how_many_instances_may_run_at_once(value: Any, verdict: Verdict) -> None:
    quota = {"Value": value, "QuotaCode": "L-1"}
    assert evaluate_quota(quota, R) == verdict
    probes: Any = AwsProbes(Iam(), R)  # type: ignore[arg-type]
    check = quota_check(checklist(probes, R), probes, R)
    assert (check.info.id, check.subject) == ("aws.quota.instances", QUOTA)
    assert check.probe is probes.quota
    assert check.evaluate(quota) == verdict
