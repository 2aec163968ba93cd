"""IAM's simulation without a cloud: statements in, an `AwsAccess` that answers for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kitaru_iac.checks.model import Verdict
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.clouds.aws.decisions import evaluated
from kitaru_iac.clouds.aws.permissions import permissions_for
from kitaru_iac.clouds.aws.principal_policies import PrincipalPolicies
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.simulate import questions, simulate
from tests.doubles.simulator import decide, missing

__all__ = ["SimulatingIam", "judged_by_iam"]


class SimulatingIam:
    """An `AwsAccess` that answers SimulatePrincipalPolicy as AWS documents it, and nothing else.

    Args:
        statements: The principal's own.
        boundary: Those of its permissions boundary, if it has one.
        hidden: Those of the organization, which nobody may read.
    """

    def __init__(
        self,
        statements: Sequence[Any],
        boundary: Sequence[Any] | None = None,
        hidden: Sequence[Any] | None = None,
    ) -> None:
        self._above = {} if hidden is None else {"OrganizationsDecisionDetail": {}}
        self._sets = [list(s) for s in (statements, boundary, hidden) if s is not None]

    def ask(self, service: str, operation: str, **given: Any) -> Any:
        assert (service, operation) == ("iam", "simulate_principal_policy")
        context = {e["ContextKeyName"].lower(): e["ContextKeyValues"]
                   for e in given["ContextEntries"]}  # fmt: skip
        (resource,) = given["ResourceArns"]
        found = []
        for action in given["ActionNames"]:
            said = {decide(action, resource, one, context) for one in self._sets}
            worst = next(w for w in ("explicitDeny", "implicitDeny", "allowed") if w in said)
            keys = missing([s for one in self._sets for s in one], context)
            found.append(
                {
                    "EvalActionName": action,
                    "EvalDecision": worst,
                    **self._above,
                    "ResourceSpecificResults": [
                        {"EvalResourceDecision": worst, "MissingContextValues": keys}
                    ],
                }
            )
        return {"EvaluationResults": found}


def judged_by_iam(
    r: AwsResources,
    who: Identity,
    statements: Sequence[Any],
    *,
    principal: str,
    boundary: Sequence[Any] | None = None,
    hidden: Sequence[Any] | None = None,
    key: str | None = None,
    services: tuple[str, ...] = ("",),
) -> Verdict:
    """What follows for an identity that has these policies.

    Args:
        r: What the description names.
        who: Which lines of the table are asked.
        statements: See `SimulatingIam`.
        principal: The ARN of the user or role.
        boundary: See `SimulatingIam`.
        hidden: See `SimulatingIam`.
        key: The ARN of the bucket's KMS key.
        services: How the actions begin that are asked.
    """
    rows = [row for row in permissions_for(r, who, key) if row.action.startswith(services)]
    iam: Any = SimulatingIam(statements, boundary, hidden)
    policies = PrincipalPolicies(tuple(statements), None if boundary is None else tuple(boundary))
    found = simulate(iam, principal, questions(rows, r, key), lambda _: policies)
    return evaluated(found, principal, "it may do all of it", "remedy", None)
