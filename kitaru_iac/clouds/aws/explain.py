"""What a check says when its look failed: AWS's reasons, with a command for whoever was refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kitaru_iac.checks.model import Check, Verdict, unknown
from kitaru_iac.checks.probes import (
    Absent,
    Denied,
    Look,
    LookError,
    NoCredentials,
    Outcome,
    Unjudged,
)
from kitaru_iac.clouds.aws.catalog import CATALOG
from kitaru_iac.clouds.aws.commands import aws, note, put_policy
from kitaru_iac.clouds.aws.permissions import Identity, permissions_for, statements
from kitaru_iac.clouds.aws.probes import AwsLooks, Principal
from kitaru_iac.clouds.aws.resources import AwsResources

__all__ = ["Checklist"]

Missed = Callable[[LookError], Verdict | None]
#: AWS's words where granting does not help: something above the identity's policies denies.
_FROM_ABOVE = ("service control policy", "resource control policy", "permissions boundary",
               "VPC endpoint policy", "resource-based policy", "session policy")  # fmt: skip


class Checklist:
    """Makes the checks of one run, which all explain a failed look in the same way."""

    def __init__(self, looks: AwsLooks, resources: AwsResources) -> None:
        self._looks = looks
        self._r = resources

    def check(
        self,
        id: str,
        subject: str,
        look: Look[Any],
        judge: Callable[[Any], Verdict],
        missed: Missed | None = None,
        create: str | None = None,
    ) -> Check:
        """A check of the catalog.

        Args:
            id: Its id there.
            subject: What is looked at.
            look: Shows it.
            judge: Judges it.
            missed: May judge some failures of the look; the rest is explained here.
            create: The command that makes the subject, should it turn out not to exist.
        """

        def explain(error: LookError, principal: Outcome) -> Verdict:
            verdict = missed(error) if missed is not None else None
            if verdict is None and create is not None and isinstance(error, Absent):
                verdict = unknown(f"not looked at: {error.why}", create)
            return verdict or self._unknown(error, principal)

        return Check(CATALOG[id], subject, look, judge, explain, consults=self._looks.principal)

    def _unknown(self, error: LookError, principal: Outcome) -> Verdict:
        if isinstance(principal, NoCredentials) and not isinstance(error, NoCredentials):
            # HEAD has no body: S3 says 403 also for credentials that STS knows to be expired.
            error = principal
        if isinstance(error, NoCredentials):
            return unknown(
                f"not looked at without valid credentials (aws.credentials): {error.why}",
                error.remedy,
            )
        if isinstance(error, Denied):
            return unknown(
                f"not allowed to look: {error.why}",
                self._grant(error, principal),
                error.permission,
            )
        if isinstance(error, Unjudged):
            return unknown(error.why, error.remedy or self._ask_who())
        return unknown(f"not looked at: {error.why}", error.remedy or self._ask_who())

    def _grant(self, error: Denied, principal: Outcome) -> str:
        above = next((words for words in _FROM_ABOVE if words in error.why), None)
        if above is not None:
            return note(self._ask_who(), f"a {above} denies it: ask whoever keeps it")
        if not isinstance(principal, Principal) or principal.kind == "root":
            return note(self._ask_who(), f"and grant it {error.permission}")
        rows = permissions_for(self._r, Identity.VERIFY)
        document = {"Version": "2012-10-17", "Statement": statements(rows, self._r)}
        return put_policy(principal, f"kitaru-verify-{self._r.stack}", document)

    def _ask_who(self) -> str:
        return aws("sts", "get-caller-identity")
