"""The evaluations about the connector's identity, and what the checks of other identities share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.model import Check, CheckStatus, Verdict, ok, unknown
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import NotFound, Outcome, Probe, ProbeError, Skipped
from kitaru_iac.clouds.aws.commands import aws, put_policy
from kitaru_iac.clouds.aws.decisions import Key, evaluated
from kitaru_iac.clouds.aws.observations import BucketHead, BucketKey, Principal
from kitaru_iac.clouds.aws.permission_table import AwsPermission
from kitaru_iac.clouds.aws.permissions import permissions_for, statements
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.aws.simulate import Decision, Question, questions, simulate

__all__ = [
    "connector_checks",
    "evaluate_connector",
    "is_pass",
    "key_and_place",
    "simulated_as",
]


def connector_checks(
    checklist: Checklist[Principal],
    probes: AwsProbes,
    r: AwsResources,
    access: AwsAccess,
    connector: Probe[Principal],
    subject: str,
    assumed_by: str | None = None,
) -> list[Check[object]]:
    """What the connector may do, as the table says it needs.

    Args:
        checklist: Makes the checks.
        probes: What is asked.
        r: What the description names.
        access: Asks.
        connector: The identity that the connector is.
        subject: Who that is, in words.
        assumed_by: The server that assumes the connector's role, where it is not this process: what
            the server's identity is, nobody tells.
    """
    unseen = f"whether the identity of {assumed_by} may assume it cannot be seen from here"

    def run(who: Principal, *seen: Any) -> tuple[Principal, tuple[Decision, ...] | None, Key]:
        key, place = key_and_place(r, *seen) if seen else (None, r)
        arn = None if isinstance(key, ProbeError) else key
        rows = [row for row in permissions_for(r, Identity.CONNECTOR, arn) if not is_pass(row)]
        if r.unseen_bucket:  # what IAM says of a bucket of that name says nothing about it
            key, rows = None, [row for row in rows if not row.action.startswith("s3:")]
        asked = questions(rows, place.beside(who.arn), arn)
        return who, simulated_as(probes, access, who, asked), key

    after = (probes.bucket_key, probes.head) if r.bucket is not None else ()
    probe: Probe[Any] = Probe(
        "iam:SimulatePrincipalPolicy of the connector", run, requires=(connector,), after=after
    )
    return [
        checklist.check(
            "aws.connector.permissions",
            subject,
            probe,
            lambda seen: with_caveat(evaluate_connector(seen, r), assumed_by and unseen),
        )
    ]


def with_caveat(found: Verdict, more: str | None) -> Verdict:
    """Say with an ok what else was not looked at."""
    if found.status is not CheckStatus.OK or not more:
        return found
    return ok(found.why, "; ".join(filter(None, (found.caveat, more))))


def is_pass(row: AwsPermission) -> bool:
    """Whether it is the handing over of a role, which has a check of its own."""
    return row.action == "iam:PassRole"


def simulated_as(
    probes: AwsProbes, access: AwsAccess, who: Principal, asked: Sequence[Question]
) -> tuple[Decision, ...] | None:
    """Give IAM's decisions about an identity; None for the root user, whom it does not simulate.

    Raises:
        ProbeError: A question could not be asked.
    """
    if who.kind == "root":
        return None
    try:
        return simulate(access, who.arn, asked, probes.policies)
    except NotFound as error:
        if who.certain:
            raise
        raise Skipped(
            f"IAM does not know {who.arn}: the role's path could not be looked up",
            permission="iam:GetRole",
        ) from error


def evaluate_connector(
    seen: tuple[Principal, tuple[Decision, ...] | None, Key], r: AwsResources
) -> Verdict:
    """The decisions about the identity that the connector has, and the bucket's KMS key."""
    who, decisions, key = seen
    if decisions is None:
        return unknown(
            "the identity is the account's root user, whom IAM does not simulate",
            aws("sts", "get-caller-identity"),
        )
    arn = None if isinstance(key, ProbeError) else key
    rows = permissions_for(r, Identity.CONNECTOR, arn)
    granted = statements(rows, r.beside(who.arn), arn)
    document = {"Version": "2012-10-17", "Statement": granted}
    remedy = put_policy(who, f"kitaru-{r.stack}-connector", document)
    if not decisions and r.unseen_bucket:
        return unknown(f"{r.unseen_bucket}, and nothing else is asked of AWS", None)
    found = evaluated(decisions, who.arn, f"{who.arn} may do all of it", remedy, key)
    return with_caveat(found, r.unseen_bucket and f"nor is the store: {r.unseen_bucket}")


def key_and_place(
    r: AwsResources, key: Outcome[BucketKey], head: Outcome[BucketHead]
) -> tuple[Key, AwsResources]:
    """Give the ARN of the bucket's KMS key, and the resources with the bucket's own region."""
    region = None if isinstance(head, ProbeError) else head.region
    return key if isinstance(key, ProbeError) else key.arn, replace(r, bucket_region=region)
