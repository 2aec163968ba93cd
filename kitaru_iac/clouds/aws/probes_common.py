"""What every probe of AWS stands on: the session, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.checks.commands import note
from kitaru_iac.checks.probes import (
    Outcome,
    Probe,
    ProbeError,
    Skipped,
)
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.observations import (
    CallerIdentity,
    Principal,
)
from kitaru_iac.clouds.aws.resources import AwsResources, account_of, role_name
from kitaru_iac.clouds.aws.session import AwsAccess

__all__ = ["CommonProbes", "Raw", "require_same_account"]

Raw = Mapping[str, Any]


class CommonProbes:
    """The session and the identity of one run.

    Args:
        aws: Asks.
        resources: What is asked about.
    """

    def __init__(self, aws: AwsAccess, resources: AwsResources) -> None:
        self._aws = aws
        self._r = resources
        self.session = Probe("AWS credentials", aws.open, close=aws.close)
        self.identity = self._probe("sts:GetCallerIdentity", self._identity)
        self.principal = Probe(
            "iam:GetRole of the caller", self._principal, requires=(self.identity,)
        )

    def _probe(self, name: str, run: Any) -> Probe[Any]:
        """A probe that needs nothing but credentials."""
        return Probe(name, lambda _session: run(), requires=(self.session,))

    def _identity(self) -> CallerIdentity:
        answer = self._aws.ask("sts", "get_caller_identity", about=self._aws.described_as)
        return CallerIdentity(answer["Account"], answer["Arn"])

    def _principal(self, identity: CallerIdentity) -> Principal:
        kind, _, rest = identity.arn.split(":", 5)[5].partition("/")
        if kind == "root":
            return Principal(identity.arn, "root", "root")
        if kind == "user":
            return Principal(_as_iam(identity.arn), "user", role_name(identity.arn))
        if kind == "role":
            return Principal(identity.arn, "role", role_name(identity.arn))
        if kind != "assumed-role":
            raise Skipped(f"{identity.arn} is neither a user nor a role: IAM cannot simulate it")
        name = rest.split("/", 1)[0]
        head = _as_iam(identity.arn).rsplit(":", 1)[0]
        try:
            answer = self._aws.ask("iam", "get_role", about=f"the role {name}", RoleName=name)
        except ProbeError:
            return Principal(f"{head}:role/{name}", "role", name, certain=False)
        return Principal(answer["Role"]["Arn"], "role", name)


def require_same_account(arn: str, caller: Outcome[CallerIdentity]) -> None:
    """Refuse to look at a thing of another account: IAM would show its namesake in this one.

    Raises:
        Skipped: It is of another account than the caller.
    """
    account = account_of(arn)
    if isinstance(caller, CallerIdentity) and account not in {None, caller.account}:
        raise Skipped(
            f"{arn} is of account {account}, and these credentials see account {caller.account} "
            "alone, where another one may have its name",
            note(aws("sts", "get-caller-identity"), f"look with credentials of account {account}"),
        )


def _as_iam(arn: str) -> str:
    """An identity's ARN with ``iam`` for ``sts`` (moto calls its users ``sts``; AWS does not)."""
    parts = arn.split(":")
    parts[2] = "iam"
    return ":".join(parts)
