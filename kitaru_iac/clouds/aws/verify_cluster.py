"""The evaluations about the EKS cluster."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.cluster_rights import evaluate_rights
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.kubernetes_api import IN_EVERY_CLUSTER, missing_namespace, not_let_in
from kitaru_iac.checks.model import Check, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.probes import (
    NotFound,
    Probe,
    ProbeError,
    all_of,
)
from kitaru_iac.checks.pull_secrets import evaluate_pull_secrets
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.observations import Principal
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.aws.verify_addons import evaluate_addons
from kitaru_iac.clouds.aws.verify_compute import evaluate_compute
from kitaru_iac.clouds.aws.verify_endpoint import evaluate_endpoint
from kitaru_iac.clouds.aws.verify_pods import (
    evaluate_pod_identity,
    evaluate_subnets,
    pods_probe,
)
from kitaru_iac.clouds.aws.verify_pull import (
    evaluate_node_trust,
    evaluate_pull,
    is_aws_own,
    node_analysis_probe,
    node_trust_probe,
    pull_probe,
)

__all__ = ["cluster_checks"]

Raw = Mapping[str, Any]
#: What an access policy lets a connector do in a namespace, from most to least.
#: https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
_ADMIN_POLICIES = {"AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy"}
_EDIT_POLICY = "AmazonEKSEditPolicy"


def cluster_checks(
    checklist: Checklist[Principal],
    probes: AwsProbes,
    r: AwsResources,
    access: AwsAccess,
    connector: Probe[Principal],
) -> list[Check[object]]:
    """The checks of the cluster that the description names."""
    subject = r.cluster_arn
    add = partial(checklist.check, create=list_clusters(r))
    checks = [
        add(
            "aws.cluster.exists",
            subject,
            probes.cluster,
            lambda seen: ok(f"it exists, Kubernetes {seen.get('version', '?')}"),
            on_error=lambda error: _absent(error, r),
        ),
        add("aws.cluster.active", subject, probes.cluster, lambda s: evaluate_active(s, r)),
        add("aws.cluster.version", subject, probes.version, lambda seen: evaluate_version(seen, r)),
        _namespace_check(checklist, probes, r),
        *_pod_checks(checklist, probes, r, access),
        *_access_checks(checklist, probes, r, connector),
        add(
            "aws.cluster.endpoint",
            subject,
            all_of(probes.cluster, after=(probes.endpoint,)),
            lambda seen: evaluate_endpoint(seen[0], r, seen[1]),
        ),
    ]
    if r.repository is not None:
        pull = all_of(pull_probe(probes, r, access), after=(probes.repository_policy,))
        checks.append(
            add(
                "aws.cluster.node_role_pull",
                subject,
                pull,
                lambda seen: evaluate_pull(seen[0], seen[1], r),
            )
        )
    if r.foreign is not None:
        foreign = r.foreign
        checks.append(
            add(
                "aws.cluster.pull_secret",
                foreign.registry,
                probes.pull_secrets(foreign),
                lambda seen: evaluate_pull_secrets(seen, foreign, r.namespace),
            )
        )
    trust = node_trust_probe(probes, r)
    checks.append(
        add(
            "aws.cluster.node_role_trust",
            subject,
            all_of(trust, after=(node_analysis_probe(trust, access),)),
            lambda seen: evaluate_node_trust(seen[0], seen[1], r),
        )
    )
    return checks


def _access_checks(
    checklist: Checklist[Principal],
    probes: AwsProbes,
    r: AwsResources,
    connector: Probe[Principal],
) -> list[Check[object]]:
    """Whether the cluster lets the connector in, and what it may do there."""
    subject = r.cluster_arn
    add = partial(checklist.check, create=list_clusters(r))
    return [
        add(
            "aws.cluster.authentication_mode",
            subject,
            probes.cluster,
            lambda seen: evaluate_authentication(seen, r),
        ),
        add(
            "aws.cluster.access_entry",
            subject,
            all_of(probes.access_entry(connector), connector),
            lambda seen: evaluate_access_entry(seen, r),
        ),
        add(
            "aws.cluster.rights",
            f"{subject}/{r.namespace}",
            all_of(probes.denied(connector), connector),
            lambda seen: evaluate_rights(seen[0], r.namespace, _associate(seen[1], r)),
            not_let_in,
        ),
    ]


def _pod_checks(
    checklist: Checklist[Principal], probes: AwsProbes, r: AwsResources, access: AwsAccess
) -> list[Check[object]]:
    """What pods need: nodes, addresses, add-ons and an identity."""
    subject = r.cluster_arn
    add = partial(checklist.check, create=list_clusters(r))
    return [
        add("aws.cluster.compute", subject, probes.compute, lambda s: evaluate_compute(s, r)),
        add("aws.cluster.subnets", subject, probes.subnets, lambda s: evaluate_subnets(s, r)),
        add(
            "aws.cluster.addons",
            subject,
            Probe(
                "the add-ons",
                lambda *seen: seen,
                requires=(probes.addons, probes.cluster, probes.own_addons),
                inline=True,
            ),
            lambda seen: evaluate_addons(seen[0], seen[1], seen[2], r),
        ),
        add(
            "aws.cluster.pod_identity",
            subject,
            pods_probe(probes, r, access),
            lambda seen: evaluate_pod_identity(seen, r),
        ),
    ]


def _namespace_check(
    checklist: Checklist[Principal], probes: AwsProbes, r: AwsResources
) -> Check[object]:
    """ZenML makes no namespace; four are in every cluster, and are not asked about."""
    about = ("aws.cluster.namespace", f"{r.cluster_arn}/{r.namespace}")
    if r.namespace in IN_EVERY_CLUSTER:
        return checklist.check(
            *about, probes.cluster, lambda _: ok(f"every cluster has the namespace {r.namespace}")
        )

    def absent(error: ProbeError) -> Verdict | None:
        return not_let_in(error) or missing_namespace(error, r.namespace)

    return checklist.check(
        *about, probes.namespace, lambda name: ok(f"the cluster has the namespace {name}"), absent
    )


def list_clusters(r: AwsResources) -> str:
    """The command; a cluster is nothing to be made in one line."""
    return note(aws("eks", "list-clusters", region=r.region), "shows those that are there")


def _absent(error: ProbeError, r: AwsResources) -> Verdict | None:
    if not isinstance(error, NotFound):
        return None
    return fail(
        f"there is no EKS cluster of this name in {r.region}, as these credentials see it",
        list_clusters(r),
    )


def evaluate_active(cluster: Raw, r: AwsResources) -> Verdict:
    """ACTIVE; an update does not interrupt pods."""
    status = str(cluster.get("status"))
    issues = [str(i.get("message")) for i in cluster.get("health", {}).get("issues", ())]
    show = aws("eks", "describe-cluster", name=r.cluster, query="cluster.health", region=r.region)
    if status == "ACTIVE" and issues:
        return warn(f"it is ACTIVE, and has health issues: {'; '.join(issues)}", show)
    if status == "ACTIVE":
        return ok("it is ACTIVE")
    wait = aws("eks", "wait", region=r.region).replace(
        " wait", f" wait cluster-active --name {r.cluster}"
    )
    if status == "UPDATING":
        return warn("it is UPDATING, and usable meanwhile", wait)
    if status in {"CREATING", "PENDING"}:
        return fail(f"it is {status}", wait)
    return fail(f"it is {status}" + (f": {'; '.join(issues)}" if issues else ""), show)


def evaluate_version(found: Raw, r: AwsResources) -> Verdict:
    """EKS ends the support of each version of Kubernetes on a day that it names.

    https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html
    """
    version, status = found.get("clusterVersion"), str(found.get("versionStatus") or "")
    status = (status or str(found.get("status", ""))).upper().replace("-", "_")
    remedy = aws(
        "eks",
        "describe-cluster-versions",
        query="clusterVersions[].[clusterVersion,versionStatus]",
        region=r.region,
    )
    remedy = note(remedy, "shows the version to update to, one step at a time")
    if status == "STANDARD_SUPPORT":
        return ok(f"Kubernetes {version} is supported")
    if status == "EXTENDED_SUPPORT":
        return warn(f"Kubernetes {version} is in extended support, which costs more", remedy)
    if status == "UNSUPPORTED":
        return fail(f"EKS does not support Kubernetes {version} any more", remedy)
    return unknown(f"EKS does not tell whether it supports Kubernetes {version}", remedy)


def evaluate_authentication(cluster: Raw, r: AwsResources) -> Verdict:
    """API or API_AND_CONFIG_MAP; an old cluster does not tell."""
    mode = cluster.get("accessConfig", {}).get("authenticationMode")
    if mode in {"API", "API_AND_CONFIG_MAP"}:
        return ok(f"its mode is {mode}")
    remedy = aws(
        "eks",
        "update-cluster-config",
        name=r.cluster,
        access_config={"authenticationMode": "API_AND_CONFIG_MAP"},
        region=r.region,
    )
    if mode is None:
        return unknown("EKS did not tell the cluster's authentication mode", remedy)
    return warn(
        f"its mode is {mode}: it takes no access entries",
        note(remedy, "there is no way back"),
    )


def evaluate_access_entry(seen: tuple[Raw, Principal], r: AwsResources) -> Verdict:
    """The entry of the connector, and what its policies allow in the namespace."""
    entry, who = seen
    if "principalArn" not in entry and not who.certain:
        return unknown(
            f"{who.arn} has no access entry, and may have one under its path, which could not be "
            "looked up",
            aws("eks", "list-access-entries", cluster_name=r.cluster, region=r.region),
            "iam:GetRole",
        )
    if "principalArn" not in entry:
        if entry["mode"] == "API":
            return fail(f"{who.arn} has no access entry", _create_entry(who, r))
        return unknown(
            f"{who.arn} has no access entry; the aws-auth ConfigMap may let it in, which is not "
            "looked at",
            _create_entry(who, r),
        )
    names = {
        str(policy["policyArn"]).rsplit("/", 1)[-1]
        for policy in entry.get("policies", ())
        if is_aws_own(str(policy["policyArn"]))
        and _covers(policy.get("accessScope", {}), r.namespace)
    }
    if names & _ADMIN_POLICIES:
        return ok(f"{who.arn} has {', '.join(sorted(names & _ADMIN_POLICIES))}")
    if _EDIT_POLICY in names and r.service_account:
        return ok(f"{who.arn} has {_EDIT_POLICY}, and the service account is named")
    groups = entry.get("kubernetesGroups") or ()
    if entry.get("type", "STANDARD") != "STANDARD":
        return _for_nodes(entry, who, r)
    if groups:
        return unknown(
            f"{who.arn} is in the Kubernetes groups {', '.join(groups)}; what these allow stands "
            "in the cluster",
            f"kubectl auth can-i create rolebindings --namespace {r.namespace} "
            f"--as {who.name} --as-group {groups[0]}",
        )
    if _EDIT_POLICY in names:
        return fail(
            f"{who.arn} has {_EDIT_POLICY}, and ZenML makes a role binding unless "
            "extra.orchestrator.service_account_name is set",
            _associate(who, r),
        )
    return fail(
        f"the access entry of {who.arn} has no policy that lets it create pods in {r.namespace}",
        _associate(who, r),
    )


def _for_nodes(entry: Raw, who: Principal, r: AwsResources) -> Verdict:
    # https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html
    about = {"cluster_name": r.cluster, "principal_arn": who.arn, "region": r.region}
    return fail(
        f"the access entry of {who.arn} is of type {entry['type']}, which is for nodes",
        note(
            aws("eks", "delete-access-entry", **about),
            "only if no node has this role; then make one of type STANDARD, or name another "
            "role for the connector",
        ),
    )


def _covers(scope: Raw, namespace: str) -> bool:
    if scope.get("type") == "cluster":
        return True
    # A namespace of an access scope may end in a wildcard.
    return any(
        namespace == wanted or (wanted.endswith("*") and namespace.startswith(wanted[:-1]))
        for wanted in scope.get("namespaces", ())
    )


def _create_entry(who: Principal, r: AwsResources) -> str:
    create = aws(
        "eks",
        "create-access-entry",
        cluster_name=r.cluster,
        principal_arn=who.arn,
        region=r.region,
    )
    return f"{create} && {_associate(who, r)}"


def _associate(who: Principal, r: AwsResources) -> str:
    return aws(
        "eks",
        "associate-access-policy",
        cluster_name=r.cluster,
        principal_arn=who.arn,
        policy_arn=f"arn:{r.partition}:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy",
        access_scope={"type": "namespace", "namespaces": [r.namespace]},
        region=r.region,
    )
