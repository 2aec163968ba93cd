"""The evaluations about identities: whoever looks, and the execution role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Check, CheckStatus, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import (
    NoCredentials,
    NotFound,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
    all_of,
)
from kitaru_iac.clouds.aws.analyzer import Analyses, analyzed
from kitaru_iac.clouds.aws.commands import aws, put_policy
from kitaru_iac.clouds.aws.decisions import Key, evaluated
from kitaru_iac.clouds.aws.observations import Analysis, CallerIdentity, Principal
from kitaru_iac.clouds.aws.permission_table import AwsPermission
from kitaru_iac.clouds.aws.permissions import (
    permissions_for,
    service_trust,
    statements,
)
from kitaru_iac.clouds.aws.policies.document import read_document
from kitaru_iac.clouds.aws.policies.strangers import openings
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.probes_bucket import require_aws_bucket
from kitaru_iac.clouds.aws.probes_common import require_same_account
from kitaru_iac.clouds.aws.resources import AwsResources, account_of, role_name
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.aws.simulate import Decision, questions, simulate
from kitaru_iac.clouds.aws.trust import may_assume, statement_list
from kitaru_iac.clouds.aws.verify_connector import (
    evaluate_connector,
    is_pass,
    key_and_place,
    simulated_as,
)

__all__ = [
    "credential_checks",
    "evaluate_analyzed_trust",
    "evaluate_analyzed_trusts",
    "role_checks",
]

Raw = Mapping[str, Any]


def credential_checks(
    checklist: Checklist[Principal],
    probes: AwsProbes,
    r: AwsResources,
    described_as: str,
    connector: Probe[Principal],
) -> list[Check[object]]:
    """Who the credentials are, and whether the connector is of the right account."""
    checks = [
        checklist.check(
            "aws.credentials",
            described_as,
            probes.identity,
            evaluate_identity,
            on_error=_refused,
        )
    ]
    if r.account is not None:
        checks.append(
            checklist.check(
                "aws.account",
                r.account,
                all_of(probes.identity, after=(connector,)),
                lambda seen: evaluate_account(seen, r),
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


def evaluate_account(seen: tuple[CallerIdentity, Outcome[Principal]], r: AwsResources) -> Verdict:
    """ZenML's connector derives the registry's host from its own account.

    Who looks is told too, where it is wrong: it can see nothing of the other account.
    """
    identity, connector = seen
    if identity.account == r.account:
        if isinstance(connector, Skipped):
            return unknown(
                f"these credentials are of account {r.account}; {connector.why}", connector.remedy
            )
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
    access_to = partial(_access, probes, r, access)
    exists = add(
        "aws.role.exists",
        role,
        probes.role,
        lambda seen: evaluate_role(seen, r),
        on_error=lambda error: _absent(error, r),
    )
    analyzed = all_of(probes.role, after=(probes.role_analysis,))
    trust = add(
        "aws.role.trust",
        role,
        analyzed,
        lambda seen: evaluate_analyzed_trust(evaluate_trust(seen[0], r), seen[1], role),
    )
    checks: list[Check[object]] = [exists, trust]
    # The bucket's key, if it has one, must be open to the role too.
    for check, what, services in (
        ("aws.role.bucket_access", "the bucket", ("s3", "kms") if r.bucket else None),
        ("aws.role.repository_access", "the repository", ("ecr",) if r.repository else None),
        ("aws.role.permissions", "what else a run needs", ()),
    ):
        if services is not None:
            granted = access_to(what, *services)
            may = add(check, role, granted, partial(evaluate_runtime, r=r, what=what))
            checks.append(may)
    passed = _passes(probes, r, access, connector)
    passes = add("aws.role.pass", role, passed, lambda seen: evaluate_connector(seen, r))
    return [*checks, passes]


def _passes(
    probes: AwsProbes, r: AwsResources, access: AwsAccess, connector: Probe[Principal]
) -> Probe[tuple[Principal, tuple[Decision, ...] | None, Key]]:
    """Ask whether the connector may hand the role on."""
    passing = [row for row in permissions_for(r, Identity.CONNECTOR) if is_pass(row)]

    def run(who: Principal) -> tuple[Principal, tuple[Decision, ...] | None, Key]:
        return who, simulated_as(probes, access, who, questions(passing, r)), None

    return Probe(
        "iam:SimulatePrincipalPolicy of the connector on the role", run, requires=(connector,)
    )


_OWN_CHECKS = ("s3", "kms", "ecr")


def _access(
    probes: AwsProbes, r: AwsResources, access: AwsAccess, what: str, *services: str
) -> Probe[tuple[tuple[Decision, ...], Key]]:
    """Ask what the execution role may do with these services; without any, with all the others."""
    of_bucket = "s3" in services

    def fits(row: AwsPermission) -> bool:
        service = row.action.partition(":")[0]
        return service in services if services else service not in _OWN_CHECKS

    def run(
        _session: None, account: Outcome[CallerIdentity], *seen: Any
    ) -> tuple[tuple[Decision, ...], Key]:
        require_same_account(str(r.role), account)
        if of_bucket:
            require_aws_bucket(r)
        key, place = key_and_place(r, *seen) if of_bucket else (None, r)
        arn = None if isinstance(key, ProbeError) else key
        rows = [row for row in permissions_for(r, Identity.RUNTIME, arn) if fits(row)]
        return simulate(access, str(r.role), questions(rows, place, arn), probes.policies), key

    bucket = (probes.bucket_key, probes.head) if of_bucket else ()
    return Probe(
        f"iam:SimulatePrincipalPolicy of the role on {what}",
        run,
        requires=(probes.session,),
        after=(probes.identity, *bucket),
    )


def create_role(r: AwsResources, identity: Identity = Identity.RUNTIME) -> str:
    """The command that makes the role of `r` for an identity, still without any rights."""
    return aws(
        "iam",
        "create-role",
        role_name=role_name(str(r.role)),
        path=_path(str(r.role)),
        assume_role_policy_document=service_trust(r.beside(str(r.role)), identity),
    )


def _absent(error: ProbeError, r: AwsResources) -> Verdict | None:
    if account_of(str(r.role)) != (r.account or account_of(str(r.role))):
        return _elsewhere(r)
    return fail("there is no such role", create_role(r)) if isinstance(error, NotFound) else None


def _elsewhere(r: AwsResources) -> Verdict:
    """A role is passed to a service within its own account alone.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    """
    return fail(
        f"it is of account {account_of(str(r.role))}, and the registry, hence the connector, of "
        f"account {r.account}: a role cannot be passed to SageMaker from another account",
        note(
            aws("sts", "get-caller-identity"),
            f"name an execution role of account {r.account}",
        ),
    )


def _path(arn: str) -> str | None:
    parts = arn.split(":role/", 1)[-1].split("/")
    return "/" + "/".join(parts[:-1]) + "/" if len(parts) > 1 else None


def evaluate_role(role: Raw, r: AwsResources) -> Verdict:
    """IAM finds a role by its name alone: the ARN tells whether it is the same."""
    if account_of(str(r.role)) != (r.account or account_of(str(r.role))):
        return _elsewhere(r)
    if role["Arn"] == r.role:
        return ok("it exists")
    return fail(
        f"the role of this name is {role['Arn']}, not the described one",
        note(
            aws("iam", "get-role", role_name=role_name(str(r.role)), query="Role.Arn"),
            f"take {role['Arn']} as the execution role",
        ),
    )


def evaluate_trust(role: Raw, r: AwsResources, identity: Identity = Identity.RUNTIME) -> Verdict:
    """The service must be able to become the role, and nobody unknown should.

    Args:
        role: As IAM describes it.
        r: What the description names; its `role` is the one that is looked at.
        identity: Whose role it is: SageMaker assumes the runtime's.
    """
    ours = service_trust(r.beside(str(r.role)), identity)["Statement"]
    service = str(ours[0]["Principal"]["Service"])
    document: Raw = role.get("AssumeRolePolicyDocument", {})
    account = r.account or str(role["Arn"]).split(":")[4]
    trust = may_assume(document, service, account, r.region, r.partition)
    merged = {**document, "Version": "2012-10-17", "Statement": [
        *(s for s in statement_list(document) if s.get("Sid") != ours[0]["Sid"]), *ours
    ]}  # fmt: skip
    reasons, open_to = "; ".join(trust.reasons), "; ".join(trust.openings)
    if trust.allowed is False:
        if "denies" in reasons:
            return fail(f"{service} may not assume it: {reasons}", _show_trust(str(r.role)))
        return fail(f"{service} may not assume it: {reasons}", _update_trust(r, merged))
    if trust.allowed is None:
        also = f"; and it is open to {open_to}" if open_to else ""
        return unknown(
            f"whether {service} may assume it cannot be told: {reasons}{also}",
            _show_trust(str(r.role)),
        )
    if trust.anybody:
        # Whom another statement names may use the role too: what is not open stays.
        denials = [s for s in statement_list(document) if s.get("Effect") == "Deny"]
        closed = [
            s for s in merged["Statement"] if s in ours or not _is_open([s, *denials], account)
        ]
        return warn(
            f"its trust policy is open to {open_to}",
            _update_trust(r, {**merged, "Statement": closed}),
        )
    source = "" if trust.bound else " (for any account: it has no aws:SourceAccount condition)"
    return ok(f"{service} may assume it{source}")


def evaluate_analyzed_trust(verdict: Verdict, analysis: Outcome[Analysis], role: str) -> Verdict:
    """Lay beside our own verdict on a role's trust policy what Access Analyzer says of it.

    Args:
        verdict: Our own.
        analysis: What it says.
        role: The role's ARN.
    """
    show = _show_trust(role)
    found = analyzed(verdict, analysis, show)
    says_public = not isinstance(analysis, ProbeError) and analysis.public
    if says_public and found.status is CheckStatus.OK:
        return warn("IAM Access Analyzer says that its trust policy is public", show)
    return found


def evaluate_analyzed_trusts(
    verdict: Verdict, analyses: Outcome[Analyses], roles: Sequence[str]
) -> Verdict:
    """Lay beside our own verdict on several roles what Access Analyzer says of the trust of each.

    What is known to be wrong goes before what nobody knows, whoever says it.

    Args:
        verdict: Our own.
        analyses: What it says of each.
        roles: Their ARNs.
    """
    each = {} if isinstance(analyses, ProbeError) else analyses
    told = {role: each.get(role, Analysis()) for role in roles}
    found = [
        replace(one, why=f"{role}: {one.why}")
        for role, analysis in told.items()
        if (one := evaluate_analyzed_trust(ok(""), analysis, role)).status is not CheckStatus.OK
    ]
    order = (CheckStatus.FAIL, CheckStatus.WARN, CheckStatus.UNKNOWN, CheckStatus.OK)
    worst = min([verdict, *found], key=lambda one: order.index(one.status))
    if worst.status is not CheckStatus.OK or not told:
        return worst
    asked = [None if isinstance(one, ProbeError) else one.errors for one in told.values()]
    return analyzed(worst, Analysis(None if None in asked else ()), "")


def _is_open(statements: Sequence[Raw], account: str) -> bool:
    """Whether these statements alone let in whom they do not name."""
    alone = read_document({"Version": "2012-10-17", "Statement": statements})
    return bool(openings(alone, "sts:AssumeRole", None, account))


def _update_trust(r: AwsResources, document: Raw) -> str:
    return aws(
        "iam",
        "update-assume-role-policy",
        role_name=role_name(str(r.role)),
        policy_document=document,
    )


def _show_trust(role: str) -> str:
    return aws(
        "iam",
        "get-role",
        role_name=role_name(role),
        query="Role.AssumeRolePolicyDocument",
    )


def evaluate_runtime(seen: tuple[tuple[Decision, ...], Key], r: AwsResources, what: str) -> Verdict:
    """The execution role's decisions about the bucket, the repository or the rest."""
    decisions, key = seen
    arn = None if isinstance(key, ProbeError) else key
    rows = permissions_for(r, Identity.RUNTIME, arn)
    document = {"Version": "2012-10-17", "Statement": statements(rows, r, arn)}
    remedy = put_policy(str(r.role), f"kitaru-{r.stack}", document)
    return evaluated(decisions, str(r.role), f"it may use {what}", remedy, key)
