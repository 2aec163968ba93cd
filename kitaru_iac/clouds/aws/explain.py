"""What a check says when its probe failed: AWS's reasons, and a command for whoever was refused."""

from __future__ import annotations

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import Denied, Outcome
from kitaru_iac.clouds.aws.catalog import CATALOG
from kitaru_iac.clouds.aws.commands import aws, put_policy
from kitaru_iac.clouds.aws.observations import Principal
from kitaru_iac.clouds.aws.permissions import permissions_for, statements
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.resources import AwsResources

__all__ = ["checklist"]

#: AWS's words where granting does not help: something above the identity's policies denies.
_FROM_ABOVE = ("service control policy", "resource control policy", "permissions boundary",
               "VPC endpoint policy", "resource-based policy", "session policy")  # fmt: skip


def checklist(probes: AwsProbes, resources: AwsResources) -> Checklist[Principal]:
    """Make the checks of one run. HEAD has no body: S3 says 403 for expired credentials too."""
    who_am_i = aws("sts", "get-caller-identity")

    def grant(error: Denied, principal: Outcome[Principal]) -> str:
        above = next((words for words in _FROM_ABOVE if words in error.why), None)
        if above is not None:
            return note(who_am_i, f"a {above} denies it: ask whoever keeps it")
        if not isinstance(principal, Principal) or principal.kind == "root":
            return note(who_am_i, f"and grant it {error.permission}")
        rows = permissions_for(resources, Identity.VERIFY)
        document = {"Version": "2012-10-17", "Statement": statements(rows, resources)}
        return put_policy(principal, f"kitaru-verify-{resources.stack}", document)

    return Checklist(
        CATALOG,
        probes.principal,
        credentials="aws.credentials",
        who_am_i=who_am_i,
        grant=grant,
    )
