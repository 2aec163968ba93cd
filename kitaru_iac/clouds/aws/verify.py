"""The checks of a description on AWS.

By concern: `verify_bucket`, `verify_registry`, `verify_policies`, `verify_cluster`,
`verify_identity` and `verify_connector` hold the evaluations; `probes` what is asked; `catalog` the
ids. Nothing is asked here: that is for `kitaru_iac.checks.model.run_checks`.
"""

from __future__ import annotations

from kitaru_iac.checks.commands import note
from kitaru_iac.checks.connector import unseen
from kitaru_iac.checks.model import Check
from kitaru_iac.checks.probes import TIMEOUT, Outcome, Probe, Skipped
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.explain import checklist
from kitaru_iac.clouds.aws.observations import CallerIdentity, Principal
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.probes_common import require_same_account
from kitaru_iac.clouds.aws.resources import existing, role_name
from kitaru_iac.clouds.aws.session import AwsAccess, require_boto3
from kitaru_iac.clouds.aws.verify_bucket import bucket_checks
from kitaru_iac.clouds.aws.verify_cluster import cluster_checks
from kitaru_iac.clouds.aws.verify_connector import connector_checks
from kitaru_iac.clouds.aws.verify_identity import credential_checks, role_checks
from kitaru_iac.clouds.aws.verify_registry import repository_checks
from kitaru_iac.clouds.aws.verify_runs import quota_check, scheduler_checks
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.model import BaseSpec

__all__ = ["checks_for"]


def checks_for(
    spec: BaseSpec,
    *,
    timeout: float = TIMEOUT,
    identity: str | None = None,
    server: str | None = None,
) -> list[Check[object]]:
    """All checks that apply to a description, in the order in which they are shown.

    What the description wants created or skipped, or does not name, is not checked.

    Args:
        spec: A kubernetes (EKS), sagemaker, or local description with an S3 artifact store.
        timeout: Seconds that one answer of AWS may take.
        identity: The ARN of the user or role that the connector is, where the description does not
            tell it: an existing connector, or the server's own identity. What that one may do is
            then simulated instead of the looking identity.
        server: The address of the server that stores the stack. Implicit credentials are then its
            own, and a profile is one of its machine: what this process is says nothing.

    Raises:
        MissingPackages: boto3 is not installed.
    """
    require_boto3()
    resources = existing(spec)
    access = AwsAccess(spec.credentials, resources.region, timeout)
    probes = AwsProbes(access, resources)
    made_by = checklist(probes, resources)
    connector = _connector(spec, probes, identity, server)
    subject = identity or spec.connector or access.described_as
    is_assumed = spec.credentials is not None and spec.credentials.kind == "aws-role"
    checks = credential_checks(made_by, probes, resources, access.described_as, connector)
    if resources.bucket is not None:
        checks += bucket_checks(made_by, probes, resources, connector)
    if resources.repository is not None:
        checks += repository_checks(made_by, probes, resources, connector)
    if resources.cluster is not None:
        checks += cluster_checks(made_by, probes, resources, access, connector)
    if resources.role is not None:
        checks += role_checks(made_by, probes, resources, access, connector)
    if resources.scheduler_role is not None:
        checks += scheduler_checks(made_by, probes, resources, access)
    if resources.quota is not None:
        checks.append(quota_check(made_by, probes, resources))
    return checks + connector_checks(
        made_by,
        probes,
        resources,
        access,
        connector,
        subject,
        assumed_by=server if is_assumed else None,
    )


def _connector(
    spec: BaseSpec, probes: AwsProbes, identity: str | None, server: str | None
) -> Probe[Principal]:
    """Whose permissions count. Never this process's own where it is known to be somebody else."""
    if identity is not None:
        kind = "user" if ":user/" in identity else "role"

        def known(_session: None, caller: Outcome[CallerIdentity]) -> Principal:
            require_same_account(identity, caller)
            return Principal(identity, kind, role_name(identity))

        return Probe(
            "the connector",
            known,
            requires=(probes.session,),
            after=(probes.identity,),
            inline=True,
        )
    reason = unseen(spec, server, _whose(spec.credentials))
    if reason is None:
        return probes.principal

    def skipped(_session: None) -> Principal:
        raise Skipped(
            reason,
            note(
                aws("sts", "get-caller-identity"),
                "run where the connector's identity is, or give --credentials aws-role:ARN",
            ),
        )

    return Probe("the connector", skipped, requires=(probes.session,), inline=True)


def _whose(credentials: Credentials | None) -> str | None:
    """What credentials are in a server; None where they are the same everywhere.

    `aws-role` is that role, whoever assumes it.
    """
    if credentials is None or credentials.kind == "implicit":
        return "its own AWS identity"
    return f"its machine's {credentials}" if credentials.kind == "aws-profile" else None
