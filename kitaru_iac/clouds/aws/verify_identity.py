"""The evaluations about identities: the execution role and the connector."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Check, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import NoCredentials, NotFound, Outcome, Probe, ProbeError, Skipped
from kitaru_iac.clouds.aws.commands import aws, put_policy
from kitaru_iac.clouds.aws.observations import CallerIdentity, Principal
from kitaru_iac.clouds.aws.permission_table import AwsPermission
from kitaru_iac.clouds.aws.permissions import (
    permissions_for,
    service_trust,
    statements,
)
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.resources import AwsResources, role_name
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.aws.simulate import Decision, questions, simulate
from kitaru_iac.clouds.aws.trust import may_assume, statement_list
from kitaru_iac.clouds.aws.verify_bucket import kms_key as key_of

__all__ = ["connector_checks", "credential_checks", "role_checks"]

Raw = Mapping[str, Any]
_SERVICE = "sagemaker.amazonaws.com"
_LIMITS = "by IAM's simulation of identity policies; resource policies are not part of it"


def credential_checks(
    checklist: Checklist[Principal], probes: AwsProbes, r: AwsResources, described_as: str
) -> list[Check[object]]:
    """Who the credentials are, and whether they are of the right account."""
    checks = [
        checklist.check(
            *("aws.credentials", described_as, probes.identity, evaluate_identity),
            on_error=_refused,
        )
    ]
    if r.account is not None:
        checks.append(
            checklist.check(
                *("aws.account", r.account, probes.identity), lambda seen: evaluate_account(seen, r)
            )
        )
    return checks


def _refused(error: ProbeError) -> Verdict | None:
    if not isinstance(error, NoCredentials):
        return None
    return fail(error.why, error.remedy or aws("sts", "get-caller-identity"))


def evaluate_identity(identity: CallerIdentity) -> Verdict:
    """Anybody but the root user."""
    if identity.arn.endswith(":root"):
        return warn(
            f"they are the root user of {identity.account}, who must not be used for work",
            note(aws("iam", "create-role", generate_cli_skeleton="input"), "make a role instead"),
        )
    return ok(f"they are {identity.arn}")


def evaluate_account(identity: CallerIdentity, r: AwsResources) -> Verdict:
    """ZenML's connector derives the registry's host from its own account."""
    if identity.account == r.account:
        return ok(f"account {identity.account}")
    return fail(
        f"the credentials are of account {identity.account}, and the description names things of "
        f"account {r.account}",
        note(
            aws("sts", "get-caller-identity"),
            f"give credentials of account {r.account} with --credentials",
        ),
    )


# --- the execution role ------------------------------------------------------------------------


def role_checks(
    checklist: Checklist[Principal],
    probes: AwsProbes,
    r: AwsResources,
    access: AwsAccess,
    connector: Probe[Principal],
) -> list[Check[object]]:
    """The checks of the SageMaker execution role that the description names."""
    assert r.role is not None
    role, add = r.role, partial(checklist.check, create=create_role(r))
    rows = permissions_for(r, Identity.RUNTIME)
    checks = [
        add(
            *("aws.role.exists", role, probes.role, lambda seen: evaluate_role(seen, r)),
            on_error=lambda error: _absent(error, r),
        ),
        add("aws.role.trust", role, probes.role, lambda seen: evaluate_trust(seen, r)),
    ]
    if r.bucket is not None:
        # The bucket's key, if it has one, must be open to the role too.
        probe = Probe(
            "iam:SimulatePrincipalPolicy of the role on the bucket",
            lambda _session, encryption: _simulated(access, role, r, encryption, "s3", "kms"),
            requires=(probes.session,),
            after=(probes.encryption,),
        )
        checks.append(
            add(
                "aws.role.bucket_access",
                role,
                probe,
                lambda s: evaluate_runtime(s, r, "the bucket"),
            )
        )
    if r.repository is not None:
        asked = questions([row for row in rows if row.action.startswith("ecr:")], r)
        probe = Probe(
            "iam:SimulatePrincipalPolicy of the role on the repository",
            lambda _session: (simulate(access, role, asked), None),
            requires=(probes.session,),
        )
        checks.append(
            add(
                *("aws.role.repository_access", role, probe),
                lambda seen: evaluate_runtime(seen, r, "the repository"),
            )
        )
    passing = [row for row in permissions_for(r, Identity.CONNECTOR) if _is_pass(row)]
    passes = Probe(
        "iam:SimulatePrincipalPolicy of the connector on the role",
        lambda who: (who, _simulated_as(access, who, questions(passing, r)), None),
        requires=(connector,),
    )
    checks.append(add("aws.role.pass", role, passes, lambda seen: evaluate_connector(seen, r)))
    return checks


def _simulated(
    access: AwsAccess, principal: str, r: AwsResources, encryption: Outcome[Raw], *services: str
) -> tuple[tuple[Decision, ...], str | None]:
    key = None if isinstance(encryption, ProbeError) else key_of(encryption)
    rows = [
        row
        for row in permissions_for(r, Identity.RUNTIME, key)
        if row.action.split(":")[0] in services
    ]
    return simulate(access, principal, questions(rows, r, key)), key


def create_role(r: AwsResources) -> str:
    """The command that makes the execution role, still without any rights."""
    return aws(
        *("iam", "create-role"),
        role_name=role_name(str(r.role)),
        path=_path(str(r.role)),
        assume_role_policy_document=service_trust(r, Identity.RUNTIME),
    )


def _absent(error: ProbeError, r: AwsResources) -> Verdict | None:
    return fail("there is no such role", create_role(r)) if isinstance(error, NotFound) else None


def _path(arn: str) -> str | None:
    parts = arn.split(":role/", 1)[-1].split("/")
    return "/" + "/".join(parts[:-1]) + "/" if len(parts) > 1 else None


def evaluate_role(role: Raw, r: AwsResources) -> Verdict:
    """IAM finds a role by its name alone: the ARN tells whether it is the same."""
    if role["Arn"] == r.role:
        return ok("it exists")
    return fail(
        f"the role of this name is {role['Arn']}, not the described one",
        note(
            aws("iam", "get-role", role_name=role_name(str(r.role)), query="Role.Arn"),
            f"take {role['Arn']} as the execution role",
        ),
    )


def evaluate_trust(role: Raw, r: AwsResources) -> Verdict:
    """SageMaker must be able to become the role, and nobody unknown should."""
    document: Raw = role.get("AssumeRolePolicyDocument", {})
    account = r.account or str(role["Arn"]).split(":")[4]
    trust = may_assume(document, _SERVICE, account, r.region, r.partition)
    ours = service_trust(r, Identity.RUNTIME)["Statement"]
    merged = {**document, "Version": "2012-10-17", "Statement": [
        *(s for s in statement_list(document) if s.get("Sid") != ours[0]["Sid"]), *ours
    ]}  # fmt: skip
    reasons, open_to = "; ".join(trust.reasons), "; ".join(trust.openings)
    if trust.allowed is False:
        if "denies" in reasons:
            return fail(f"{_SERVICE} may not assume it: {reasons}", _show_trust(r))
        return fail(f"{_SERVICE} may not assume it: {reasons}", _update_trust(r, merged))
    if trust.allowed is None:
        also = f"; and it is open to {open_to}" if open_to else ""
        return unknown(
            f"whether {_SERVICE} may assume it cannot be told: {reasons}{also}", _show_trust(r)
        )
    if trust.anybody:
        only_ours = {"Version": "2012-10-17", "Statement": ours}
        return warn(f"its trust policy is open to {open_to}", _update_trust(r, only_ours))
    source = "" if trust.bound else " (for any account: it has no aws:SourceAccount condition)"
    return ok(f"{_SERVICE} may assume it{source}")


def _update_trust(r: AwsResources, document: Raw) -> str:
    return aws(
        *("iam", "update-assume-role-policy"),
        role_name=role_name(str(r.role)),
        policy_document=document,
    )


def _show_trust(r: AwsResources) -> str:
    return aws(
        *("iam", "get-role"),
        role_name=role_name(str(r.role)),
        query="Role.AssumeRolePolicyDocument",
    )


def evaluate_runtime(
    seen: tuple[tuple[Decision, ...], str | None], r: AwsResources, what: str
) -> Verdict:
    """The execution role's decisions about the bucket or the repository."""
    decisions, key = seen
    rows = permissions_for(r, Identity.RUNTIME, key)
    document = {"Version": "2012-10-17", "Statement": statements(rows, r, key)}
    remedy = put_policy(str(r.role), f"kitaru-{r.stack}", document)
    return _evaluated(decisions, str(r.role), f"it may use {what}", remedy)


# --- the connector -----------------------------------------------------------------------------


def connector_checks(
    checklist: Checklist[Principal],
    probes: AwsProbes,
    r: AwsResources,
    access: AwsAccess,
    connector: Probe[Principal],
    subject: str,
) -> list[Check[object]]:
    """What the connector may do, as the table says it needs."""

    def run(who: Principal, encryption: Outcome[Raw]) -> tuple[Principal, Any, str | None]:
        key = None if isinstance(encryption, ProbeError) else key_of(encryption)
        rows = [row for row in permissions_for(r, Identity.CONNECTOR, key) if not _is_pass(row)]
        return who, _simulated_as(access, who, questions(rows, r, key)), key

    after = (probes.encryption,) if r.bucket is not None else ()
    run_it: Callable[..., Any] = run if after else lambda who: run(who, Skipped("no bucket"))
    probe = Probe(
        "iam:SimulatePrincipalPolicy of the connector", run_it, requires=(connector,), after=after
    )
    return [
        checklist.check(
            *("aws.connector.permissions", subject, probe),
            lambda seen: evaluate_connector(seen, r),
        )
    ]


def _is_pass(row: AwsPermission) -> bool:
    return row.action == "iam:PassRole"


def _simulated_as(access: AwsAccess, who: Principal, asked: Any) -> tuple[Decision, ...] | None:
    """None for the root user, whom IAM does not simulate."""
    return None if who.kind == "root" else simulate(access, who.arn, asked)


def evaluate_connector(
    seen: tuple[Principal, tuple[Decision, ...] | None, str | None], r: AwsResources
) -> Verdict:
    """The decisions about the identity that the connector has, and the bucket's KMS key."""
    who, decisions, kms_key = seen
    if decisions is None:
        return unknown(
            "the identity is the account's root user, whom IAM does not simulate",
            aws("sts", "get-caller-identity"),
        )
    rows = permissions_for(r, Identity.CONNECTOR, kms_key)
    document = {"Version": "2012-10-17", "Statement": statements(rows, r, kms_key)}
    remedy = put_policy(who, f"kitaru-{r.stack}-connector", document)
    return _evaluated(decisions, who.arn, f"{who.arn} may do all of it", remedy)


def _evaluated(decisions: Sequence[Decision], principal: str, fine: str, remedy: str) -> Verdict:
    """Denied fails; denied only for want of a condition key that nobody knows is unknown."""
    if not decisions:
        return unknown("nothing was asked of IAM", None)
    denied = [decision for decision in decisions if not decision.allowed]
    if not denied:
        return ok(f"{fine}, {_LIMITS}")
    certain = [d for d in denied if not d.missing_context or d.why == "explicitDeny"]
    if not certain:
        keys = sorted({key for decision in denied for key in decision.missing_context})
        return unknown(
            f"{_named(denied)}: depends on the condition keys {', '.join(keys)}",
            _show(principal, denied[0]),
        )
    why = f"{principal} may not {_named(certain)}"
    above = next((d for d in certain if d.by or d.why == "explicitDeny"), None)
    if above is not None:
        what = {
            "organization": "a policy of the organization",
            "boundary": "the permissions boundary",
        }.get(above.by or "", "an explicit denial")
        return fail(f"{why}: {what} denies {above.action}", _show(principal, above))
    return fail(why, remedy)


def _named(decisions: Sequence[Decision]) -> str:
    by_thing: dict[str, list[str]] = {}
    for decision in decisions:
        by_thing.setdefault(decision.resource, []).append(decision.action)
    return "; ".join(f"{', '.join(acts)} on {thing}" for thing, acts in by_thing.items())


def _show(principal: str, decision: Decision) -> str:
    return aws(
        *("iam", "simulate-principal-policy"),
        policy_source_arn=principal,
        action_names=decision.action,
        resource_arns=decision.resource,
    )
