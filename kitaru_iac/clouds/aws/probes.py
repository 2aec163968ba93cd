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
)
from kitaru_iac.clouds.aws.analyzer import analyze_trust
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

    def __init__(self, aws: AwsAccess, resources: AwsResources) -> None:
        super().__init__(aws, resources)
        #: The policies of each principal, read once.
        self.policies = Once(partial(read_policies, aws, role_of=self.role_of))
        self._ask_bucket()
        self._ask_repository()
        self._ask_cluster()
        self.role = Probe(
            "iam:GetRole",
            lambda _session, account: self._role(account),
            requires=(self.session,),
            after=(self.identity,),
        )
        self.role_analysis = Probe(
            "access-analyzer:ValidatePolicy of the role's trust",
            lambda role: analyze_trust(aws, str(role["Arn"]), role),
            requires=(self.role,),
        )

    def _role(self, account: Outcome[CallerIdentity]) -> Raw:
        assert self._r.role is not None
        require_same_account(self._r.role, account)
        found = self.role_of(role_name(self._r.role))
        here = account_of(str(found["Arn"]))
        if here is not None:  # whoever asks, though STS did not tell who that is
            require_same_account(self._r.role, CallerIdentity(here, ""))
        return found

    def attached_policies(self, role: str) -> tuple[str, ...]:
        """The ARNs of the managed policies attached to a role. Raises as `AwsAccess.ask`."""
        found = self._aws.ask_all(
            *("iam", "list_attached_role_policies", "AttachedPolicies"),
            about=role,
            absent=("NoSuchEntity",),
            RoleName=role_name(role),
        )
        return tuple(policy["PolicyArn"] for policy in found)
