"""The evaluations about what pods of an EKS cluster need beside nodes and add-ons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from kitaru_iac.checks.cluster_rights import ClusterRight
from kitaru_iac.checks.commands import command, note
from kitaru_iac.checks.model import CheckStatus, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.pods import account_fault
from kitaru_iac.checks.probes import NotFound, Outcome, Probe, ProbeError, outcomes_of
from kitaru_iac.clouds.aws.analyzer import Analyses, analyze_trusts
from kitaru_iac.clouds.aws.commands import aws, put_policy
from kitaru_iac.clouds.aws.decisions import LIMITS, Key, evaluated
from kitaru_iac.clouds.aws.observations import CallerIdentity, PodIdentity, Subnets, WebIdentity
from kitaru_iac.clouds.aws.permissions import permissions_for, service_trust, statements
from kitaru_iac.clouds.aws.policies.requests import Possible
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.probes_bucket import require_aws_bucket
from kitaru_iac.clouds.aws.probes_common import require_same_account
from kitaru_iac.clouds.aws.resources import AwsResources, account_of, role_name
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.aws.simulate import Decision, questions, simulate
from kitaru_iac.clouds.aws.trust import Trust, may_assume, statement_list
from kitaru_iac.clouds.aws.verify_addons import AGENT, WORKS, is_automatic, told
from kitaru_iac.clouds.aws.verify_connector import key_and_place
from kitaru_iac.clouds.aws.verify_identity import evaluate_analyzed_trusts
from kitaru_iac.clouds.aws.verify_irsa import evaluate_web_identity

__all__ = ["Pods", "evaluate_pod_identity", "evaluate_subnets", "pods_probe"]

Raw = Mapping[str, Any]
#: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
_PODS = "pods.eks.amazonaws.com"
_ACTIONS = ("sts:AssumeRole", "sts:TagSession")
#: What EKS recommends each subnet to have left, beside what nodes and pods take:
#: https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
_ROOM = 16
_ORDER = (CheckStatus.FAIL, CheckStatus.WARN, CheckStatus.UNKNOWN)
#: What IAM decides about a role, and the bucket's KMS key.
RoleRights: TypeAlias = tuple[tuple[Decision, ...], Key]
_OF_PODS = (
    "which addresses the network plugin holds for pods, and subnets of its own settings "
    "(ENIConfig), were not looked at"
)


@dataclass(frozen=True, slots=True)
class Pods:
    """What was seen of the identity of pods.

    Attributes:
        roles: What EKS associates with their service accounts.
        accounts: Each service account, as the cluster tells of it; empty where it has none.
        rights: What IAM decides about each role, by its ARN, with the bucket's key.
        denied: What the cluster denies the service account that is named, of what its pod does.
        addons: The managed add-ons.
        cluster: As EKS describes it.
        annotated: What the accounts themselves name, which counts without an association.
        analyses: What Access Analyzer says of the trust of each role, by its ARN.
    """

    roles: tuple[PodIdentity, ...]
    accounts: Mapping[str, Outcome[Raw]]
    rights: Mapping[str, Outcome[RoleRights]]
    denied: Outcome[tuple[ClusterRight, ...]]
    addons: Outcome[tuple[Raw, ...]]
    cluster: Raw
    annotated: tuple[WebIdentity, ...] = ()
    analyses: Outcome[Analyses] = field(default_factory=dict)


def pods_probe(probes: AwsProbes, r: AwsResources, access: AwsAccess) -> Probe[Pods]:
    """Look at the service accounts that the stack's pods run as, and at what they become."""
    rights = _rights_probe(probes, r, access)

    def run(
        roles: tuple[PodIdentity, ...],
        cluster: Raw,
        accounts: Mapping[str, Outcome[Raw]],
        annotated: tuple[WebIdentity, ...],
        decided: Outcome[Mapping[str, Outcome[RoleRights]]],
        denied: Outcome[tuple[ClusterRight, ...]],
        addons: Outcome[tuple[Raw, ...]],
        analyses: Outcome[Analyses],
    ) -> Pods:
        associated = {one.account for one in roles}
        annotated = tuple(one for one in annotated if one.account not in associated)
        if isinstance(decided, ProbeError):
            decided = dict.fromkeys(_arns(roles, annotated), decided)
        return Pods(roles, accounts, decided, denied, addons, cluster, annotated, analyses)

    return Probe(
        "the pods' identity",
        run,
        requires=(
            *(probes.pod_identities, probes.cluster, probes.pod_accounts),
            probes.web_identities,
        ),
        after=(rights, probes.account_rights, probes.addons, _analysis_probe(probes, access)),
        inline=True,
    )


def _rights_probe(
    probes: AwsProbes, r: AwsResources, access: AwsAccess
) -> Probe[Mapping[str, Outcome[RoleRights]]]:
    """Ask IAM what the roles that pods become may do, of what the table has for them."""

    def run(
        roles: tuple[PodIdentity, ...],
        annotated: tuple[WebIdentity, ...],
        account: Outcome[CallerIdentity],
        *seen: Any,
    ) -> Mapping[str, Outcome[RoleRights]]:
        key, place = key_and_place(r, *seen) if seen else (None, r)
        arn = None if isinstance(key, ProbeError) else key
        asked = questions(permissions_for(r, Identity.RUNTIME, arn), place, arn)

        arns = _arns(roles, annotated) if asked else []

        def decide(role: str) -> RoleRights:
            require_same_account(role, account)
            require_aws_bucket(r)
            return simulate(access, role, asked, probes.policies), key

        return outcomes_of(decide, arns)

    return Probe(
        "iam:SimulatePrincipalPolicy of the pods' roles",
        run,
        requires=(probes.pod_identities, probes.web_identities),
        after=(probes.identity, *((probes.bucket_key, probes.head) if r.bucket else ())),
    )


def _analysis_probe(probes: AwsProbes, access: AwsAccess) -> Probe[Analyses]:
    """Ask Access Analyzer about the trust policies of the roles that pods become."""

    def run(roles: tuple[PodIdentity, ...], annotated: tuple[WebIdentity, ...]) -> Analyses:
        seen = {one.arn: one.role for one in annotated} | {one.arn: one.role for one in roles}
        return analyze_trusts(access, seen)

    return Probe(
        "access-analyzer:ValidatePolicy of the pods' trust",
        run,
        requires=(probes.pod_identities, probes.web_identities),
    )


def _arns(roles: Sequence[PodIdentity], annotated: Sequence[WebIdentity]) -> list[str]:
    """The roles that pods become, each once."""
    return list(dict.fromkeys([one.arn for one in roles] + [one.arn for one in annotated]))


def evaluate_pod_identity(seen: Pods, r: AwsResources) -> Verdict:
    """Evaluate whether pods start, and can become the roles that they are given, with their rights.

    Their rights count for the code of steps alone: ZenML reaches the store with the connector's
    credentials, which each EKS stack has (``S3ArtifactStore.get_credentials``).

    https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html
    """
    wrong = [verdict for name in r.pod_accounts for verdict in _of_account(name, seen, r)]
    if seen.roles and (of_agent := _of_agent(seen.addons, seen.cluster, r)) is not None:
        wrong.append(of_agent)
    # What is known to be wrong goes before what nobody knows.
    wrong.sort(key=lambda verdict: _ORDER.index(verdict.status))
    own = wrong[0] if wrong else _fine(seen, r)
    return evaluate_analyzed_trusts(own, seen.analyses, _arns(seen.roles, seen.annotated))


def _fine(seen: Pods, r: AwsResources) -> Verdict:
    if not seen.roles and not seen.annotated:
        return ok(
            f"no role is given to the pods of {' and '.join(r.pod_accounts)} in {r.namespace}, "
            "which reach the store with the connector's credentials"
        )
    names = ", ".join(map(role_name, _arns(seen.roles, seen.annotated)))
    return ok(f"pods can become {names}", LIMITS if seen.rights else None)


def _of_account(name: str, seen: Pods, r: AwsResources) -> list[Verdict]:
    """What is wrong with one service account, or not known; empty where nothing is.

    An association takes precedence over an annotation (IRSA) of the account:
    https://docs.aws.amazon.com/eks/latest/userguide/service-accounts.html
    """
    account = seen.accounts.get(name, {})
    denied = seen.denied if name == r.named_account else None
    fault = account_fault(name, account, denied, r.namespace, r.rights)
    found = [] if fault is None else [fault]
    if fault is not None and fault.status is CheckStatus.FAIL:
        return found  # no pod runs as it
    if roles := [one for one in seen.roles if one.account == name]:
        of_roles = (
            _of_role(one, r) or _of_rights(one.arn, seen.rights.get(one.arn), r) for one in roles
        )
        return [*found, *filter(None, of_roles)]
    annotated = (
        evaluate_web_identity(one, r) or _of_rights(one.arn, seen.rights.get(one.arn), r)
        for one in seen.annotated
        if one.account == name
    )
    found += filter(None, annotated)
    if not found and isinstance(account, ProbeError):
        found.append(_of_annotation(name, account, r))
    return found


def _of_annotation(name: str, account: ProbeError, r: AwsResources) -> Verdict:
    """What is open of an account without an association that was not seen itself."""
    return unknown(
        f"no role is associated with {name}, and whether the account itself is annotated with one "
        f"(IRSA) was not seen: {account.why}",
        command("kubectl", "get", "serviceaccount", name, namespace=r.namespace, output="yaml"),
        account.permission,
    )


def _of_rights(role: str, seen: Outcome[RoleRights] | None, r: AwsResources) -> Verdict | None:
    """What a role may not do of what the table has for pods; None where it may do all of it."""
    if seen is None:  # the table has nothing for them, without a bucket
        return None
    if isinstance(seen, ProbeError):
        return unknown(
            f"what {role} may do was not seen: {seen.why}",
            seen.remedy or aws("iam", "get-role", role_name=role_name(role)),
            seen.permission,
        )
    decisions, key = seen
    arn = None if isinstance(key, ProbeError) else key
    document = {
        "Version": "2012-10-17",
        "Statement": statements(permissions_for(r, Identity.RUNTIME, arn), r, arn),
    }
    remedy = put_policy(role, f"kitaru-{r.stack}", document)
    found = evaluated(decisions, role, f"{role} may use the bucket", remedy, key)
    if found.status is CheckStatus.FAIL:
        return warn(
            f"{found.why}: refused to the code of steps that uses the pods' own identity",
            found.remedy or remedy,
        )
    return None if found.status is CheckStatus.OK else found


def _of_agent(addons: Outcome[tuple[Raw, ...]], cluster: Raw, r: AwsResources) -> Verdict | None:
    """What follows where nothing gives pods their credentials; None where something does."""
    if is_automatic(cluster):  # it has the agent
        return None
    make = aws(
        "eks",
        "create-addon",
        cluster_name=r.cluster,
        addon_name=AGENT,
        region=r.region,
    )
    if isinstance(addons, ProbeError):
        return unknown(
            f"whether the cluster has the add-on {AGENT} could not be looked at: {addons.why}",
            addons.remedy or make,
            addons.permission,
        )
    agent = next((one for one in addons if one.get("addonName") == AGENT), None)
    if agent is None:
        return warn(
            f"pods are to become a role, and the add-on {AGENT}, which gives them its "
            "credentials, is not there, unless somebody has installed the agent in the cluster",
            make,
        )
    if str(agent.get("status")) not in WORKS:
        show = aws(
            "eks",
            "describe-addon",
            cluster_name=r.cluster,
            addon_name=AGENT,
            query="addon.[status,health]",
            region=r.region,
        )
        return warn(f"{AGENT}, which gives pods their credentials, is {told(agent)}", show)
    return None


def _of_role(one: PodIdentity, r: AwsResources) -> Verdict | None:
    """What is wrong with a role that pods are to become; None where nothing is."""
    who = f"pods of {one.account} get no credentials"
    name = role_name(one.arn)
    # EKS gives pods roles of the cluster's account alone; the account described is the registry's.
    r = replace(r, account=account_of(one.arn) or r.account)
    show = aws("iam", "get-role", role_name=name, query="Role.AssumeRolePolicyDocument")
    if isinstance(one.role, NotFound):
        make = aws("iam", "create-role", role_name=name, assume_role_policy_document=_trust({}, r))
        return warn(f"{who}: {one.arn} does not exist", make)
    if isinstance(one.role, ProbeError):
        return unknown(f"{one.arn}: {one.role.why}", one.role.remedy or show, one.role.permission)
    document: Raw = one.role.get("AssumeRolePolicyDocument", {})
    openings: tuple[str, ...] = ()
    for action in _ACTIONS:
        trust = _may(document, action, one, r)
        reasons = "; ".join(trust.reasons)
        if trust.allowed is False:
            mend = aws(
                "iam",
                "update-assume-role-policy",
                role_name=name,
                policy_document=_trust(document, r),
            )
            why = f"{who}: EKS may not {action} {one.arn}: {reasons}"
            return warn(why, show if "denies" in reasons else mend)
        if trust.allowed is None:
            why = f"whether EKS may {action} {one.arn} cannot be told: {reasons}"
            return unknown(why, show)
        openings = trust.openings  # of the document, whatever the action
    if openings:
        return warn(f"the trust policy of {one.arn} is open to {'; '.join(openings)}", show)
    if one.target is not None:
        return _of_target(one, one.target)
    return None


def _of_target(one: PodIdentity, target: str) -> Verdict:
    """https://docs.aws.amazon.com/eks/latest/userguide/pod-id-assign-target-role.html"""
    show = aws(
        "iam", "get-role", role_name=role_name(target), query="Role.AssumeRolePolicyDocument"
    )
    where = account_of(target)
    return unknown(
        f"pods of {one.account} become {target} by way of {one.arn}, and whether that one may was "
        "not looked at: its right to assume it, and the other's trust",
        note(show, f"with credentials of account {where}, as they are what counts there"),
    )


def _may(document: Raw, action: str, one: PodIdentity, r: AwsResources) -> Trust:
    """EKS names the cluster as the source, and tags the session with whose pod it is.

    https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
    """
    sent: dict[str, Possible | list[Possible]] = {
        "aws:sourcearn": r.cluster_arn,
        "aws:requesttag/eks-cluster-arn": r.cluster_arn,
        "aws:requesttag/eks-cluster-name": str(r.cluster),
        "aws:requesttag/kubernetes-namespace": r.namespace,
        "aws:requesttag/kubernetes-service-account": one.account,
    }
    return may_assume(
        document, _PODS, str(r.account), r.region, r.partition, action=action, sent=sent
    )


def _trust(document: Raw, r: AwsResources) -> dict[str, Any]:
    """The trust policy with the statement that we make, without its name, which may be taken."""
    (ours,) = service_trust(r, Identity.RUNTIME)["Statement"]
    mine = {key: value for key, value in ours.items() if key != "Sid"}
    return {"Version": "2012-10-17", "Statement": [*statement_list(document), mine]}


def evaluate_subnets(seen: Subnets, r: AwsResources) -> Verdict:
    """Subnets that nodes and pods get addresses from have some left."""
    gone = [one for one in seen.wanted if one not in seen.free]
    show = aws(
        "ec2",
        "describe-subnets",
        filters=[{"Name": "subnet-id", "Values": list(seen.wanted)}],
        query="Subnets[].[SubnetId,AvailableIpAddressCount]",
        region=r.region,
    )
    if len(gone) == len(seen.wanted):
        return fail(f"there are no subnets {', '.join(gone)}: no node and no pod is made", show)
    if gone:
        return warn(f"there is no subnet {', '.join(gone)}, in which nodes are to be made", show)
    left = sum(seen.free.values())
    more = note(show, "add subnets of the same network, or end what holds the addresses")
    if not left and seen.is_fargate:
        return fail("no address is left in the subnets, and each pod of Fargate takes one", more)
    if not left:
        return warn(
            "no address is left in the subnets: no node is added, and pods start only on addresses "
            "that nodes hold already",
            more,
        )
    if left < _ROOM:
        return warn(f"{left} addresses are left in the subnets, for nodes and pods together", more)
    return ok(f"{left} addresses are left in {len(seen.free)} subnets", _OF_PODS)
