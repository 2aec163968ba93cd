"""The evaluations about what begins runs on SageMaker: schedules, and quotas of instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Check, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import NotFound, Outcome, Probe, ProbeError, all_of
from kitaru_iac.clouds.aws.commands import aws, put_policy
from kitaru_iac.clouds.aws.decisions import evaluated
from kitaru_iac.clouds.aws.observations import CallerIdentity, Principal
from kitaru_iac.clouds.aws.permissions import permissions_for, statements
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.probes_common import require_same_account
from kitaru_iac.clouds.aws.resources import AwsResources, account_of
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.aws.simulate import Decision, questions, simulate
from kitaru_iac.clouds.aws.verify_identity import (
    create_role,
    evaluate_analyzed_trust,
    evaluate_trust,
)

__all__ = ["evaluate_quota", "evaluate_scheduler_trust", "quota_check", "scheduler_checks"]

Raw = Mapping[str, Any]


def scheduler_checks(
    checklist: Checklist[Principal], probes: AwsProbes, r: AwsResources, access: AwsAccess
) -> list[Check[object]]:
    """The checks of the role that starts scheduled runs."""
    role = str(r.scheduler_role)
    rows = permissions_for(r, Identity.SCHEDULER)

    def run(_session: None, account: Outcome[CallerIdentity]) -> tuple[Decision, ...]:
        require_same_account(role, account)
        return simulate(access, role, questions(rows, r), probes.policies)

    role_seen: Probe[Any] = all_of(probes.scheduler_role, after=(probes.scheduler_analysis,))
    may: Probe[Any] = Probe(
        "iam:SimulatePrincipalPolicy of the scheduler's role",
        run,
        requires=(probes.session,),
        after=(probes.identity,),
    )
    document = {"Version": "2012-10-17", "Statement": statements(rows, r)}
    remedy = put_policy(role, f"kitaru-{r.stack}-scheduler", document)
    add = partial(checklist.check, create=_create(r))
    return [
        add(
            "aws.scheduler.trust",
            role,
            role_seen,
            lambda seen: evaluate_analyzed_trust(
                evaluate_scheduler_trust(seen[0], r), seen[1], role
            ),
            on_error=lambda error: _absent(error, r),
        ),
        add(
            "aws.scheduler.permissions",
            role,
            may,
            lambda seen: evaluated(seen, role, "it may start the stack's pipelines", remedy),
        ),
    ]


def evaluate_scheduler_trust(role: Raw, r: AwsResources) -> Verdict:
    """EventBridge Scheduler must be able to become the described role, and nobody unknown should.

    A role is passed to a service within its own account alone:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    """
    elsewhere = _elsewhere(r)
    if elsewhere is not None:
        return elsewhere
    if role["Arn"] != r.scheduler_role:
        return fail(
            f"the role of this name is {role['Arn']}, not the described one",
            note(
                aws("iam", "get-role", role_name=role["RoleName"], query="Role.Arn"),
                f"take {role['Arn']} as the scheduler's role",
            ),
        )
    return evaluate_trust(role, replace(r, role=r.scheduler_role), Identity.SCHEDULER)


def _absent(error: ProbeError, r: AwsResources) -> Verdict | None:
    elsewhere = _elsewhere(r)
    if elsewhere is not None:
        return elsewhere
    return fail("there is no such role", _create(r)) if isinstance(error, NotFound) else None


def _elsewhere(r: AwsResources) -> Verdict | None:
    """What follows where it is no role, or one of another account; None where it may be right."""
    role = str(r.scheduler_role)
    whoami = aws("sts", "get-caller-identity")
    if ":role/" not in role:
        return fail(
            f"{role} is no role, and EventBridge Scheduler takes nothing else",
            note(whoami, "name a role's ARN in extra.orchestrator.scheduler_role"),
        )
    account = account_of(role)
    if r.account is not None and account != r.account:
        return fail(
            f"it is of account {account}, and the connector of account {r.account}: a role cannot "
            "be passed to EventBridge Scheduler from another account",
            note(whoami, f"name a role of account {r.account}"),
        )
    return None


def _create(r: AwsResources) -> str:
    return create_role(replace(r, role=r.scheduler_role), Identity.SCHEDULER)


def quota_check(
    checklist: Checklist[Principal], probes: AwsProbes, r: AwsResources
) -> Check[object]:
    """The check of the quota that the steps' instances count against."""
    return checklist.check(
        "aws.quota.instances", str(r.quota), probes.quota, lambda seen: evaluate_quota(seen, r)
    )


def evaluate_quota(quota: Raw, r: AwsResources) -> Verdict:
    """How many instances may run at once; SageMaker refuses a job beyond (ResourceLimitExceeded).

    https://docs.aws.amazon.com/sagemaker/latest/dg/regions-quotas.html
    """
    value, code = quota.get("Value"), quota.get("QuotaCode")
    more = aws(
        "service-quotas",
        "request-service-quota-increase",
        service_code="sagemaker",
        quota_code=code,
        desired_value="4",
        region=r.region,
    )
    if not isinstance(value, int | float):
        show = aws("service-quotas", "get-service-quota", service_code="sagemaker",
                   quota_code=code, region=r.region)  # fmt: skip
        return unknown("Service Quotas tells no value", show)
    if value < 1:
        return fail(
            "the account may run no such instance: SageMaker refuses every step that asks for no "
            "other one",
            note(more, "or name another one as extra.orchestrator.instance_type"),
        )
    if value < 2:
        return warn(
            "the account may run one such instance: steps that run at the same time are refused",
            more,
        )
    return ok(
        f"the account may run {value:g} of them at once",
        "what else uses the quota, and settings of single steps, were not looked at",
    )
