"""Everything that is asked of AWS for one stack: operations and nothing else, no evaluation.

What is only needed when something else was seen (nodes that EKS does not manage) waits for that;
all other probes depend on the credentials alone, and start at the same moment.
"""

from __future__ import annotations

from functools import partial

from kitaru_iac.checks.probes import (
    Once,
    Outcome,
    Probe,
    Skipped,
)
from kitaru_iac.clouds.aws.analyzer import analyze_trust
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.observations import (
    CallerIdentity,
)
from kitaru_iac.clouds.aws.principal_policies import read_policies
from kitaru_iac.clouds.aws.probes_bucket import BucketProbes
from kitaru_iac.clouds.aws.probes_cluster import ClusterProbes
from kitaru_iac.clouds.aws.probes_common import Raw, require_same_account
from kitaru_iac.clouds.aws.probes_registry import RegistryProbes
from kitaru_iac.clouds.aws.resources import AwsResources, account_of, role_name
from kitaru_iac.clouds.aws.session import AwsAccess

__all__ = ["AwsProbes"]


class AwsProbes(BucketProbes, RegistryProbes, ClusterProbes):
    """The probes of one run. Each is an object, asked once however many checks use it."""

    def __init__(self, access: AwsAccess, resources: AwsResources) -> None:
        super().__init__(access, resources)
        #: The policies of each principal, read once.
        self.policies = Once(partial(read_policies, access, role_of=self.role_of))
        self._ask_bucket()
        self._ask_repository()
        self._ask_cluster()
        self.role = Probe(
            "iam:GetRole",
            lambda _session, account: self._role(account),
            requires=(self.session,),
            after=(self.identity,),
        )
        self.scheduler_role = Probe(
            "iam:GetRole of the scheduler's role",
            lambda _session, account: self._role_at(str(resources.scheduler_role), account),
            requires=(self.session,),
            after=(self.identity,),
        )
        self.quota = self._probe("servicequotas:ListServiceQuotas", self._quota)
        self.role_analysis = Probe(
            "access-analyzer:ValidatePolicy of the role's trust",
            lambda role: analyze_trust(access, str(role["Arn"]), role),
            requires=(self.role,),
        )
        self.scheduler_analysis = Probe(
            "access-analyzer:ValidatePolicy of the scheduler's trust",
            lambda role: analyze_trust(access, str(role["Arn"]), role),
            requires=(self.scheduler_role,),
        )

    def _role(self, account: Outcome[CallerIdentity]) -> Raw:
        assert self._r.role is not None
        return self._role_at(self._r.role, account)

    def _role_at(self, arn: str, account: Outcome[CallerIdentity]) -> Raw:
        require_same_account(arn, account)
        found = self.role_of(role_name(arn))
        here = account_of(str(found["Arn"]))
        if here is not None:  # whoever asks, though STS did not tell who that is
            require_same_account(arn, CallerIdentity(here, ""))
        return found

    def _quota(self) -> Raw:
        """The quota of the steps' instances. SageMaker has thousands, in pages of a hundred."""
        more: dict[str, str] = {}
        while True:
            answer = self._aws.ask(
                "service-quotas",
                "list_service_quotas",
                about="SageMaker's quotas",
                ServiceCode="sagemaker",
                MaxResults=100,
                **more,
            )
            for quota in answer.get("Quotas", ()):
                if quota.get("QuotaName") == self._r.quota:
                    found: Raw = quota
                    return found
            if not answer.get("NextToken"):
                raise Skipped(
                    f"Service Quotas has no quota of SageMaker that is called {self._r.quota}",
                    aws("service-quotas", "list-service-quotas", service_code="sagemaker",
                        region=self._r.region),
                )  # fmt: skip
            more = {"NextToken": str(answer["NextToken"])}

    def attached_policies(self, role: str) -> tuple[str, ...]:
        """The ARNs of the managed policies attached to a role. Raises as `AwsAccess.ask`."""
        found = self._aws.ask_all(
            "iam",
            "list_attached_role_policies",
            "AttachedPolicies",
            about=role,
            absent=("NoSuchEntity",),
            RoleName=role_name(role),
        )
        return tuple(policy["PolicyArn"] for policy in found)
