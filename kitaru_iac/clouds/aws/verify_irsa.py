"""The evaluation of a role that a service account names by an annotation (IRSA).

https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.checks.commands import command, note
from kitaru_iac.checks.model import Verdict, unknown, warn
from kitaru_iac.checks.probes import NotFound, ProbeError
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.observations import WebIdentity
from kitaru_iac.clouds.aws.resources import AwsResources, role_name
from kitaru_iac.clouds.aws.trust import statement_list, web_identity_may_assume

__all__ = ["annotation", "audiences", "evaluate_web_identity", "issuer_of"]

Raw = Mapping[str, Any]
_ROLE, _AUDIENCE = "eks.amazonaws.com/role-arn", "eks.amazonaws.com/audience"
#: Whom EKS makes tokens for, unless the account's annotation says otherwise.
_STS = "sts.amazonaws.com"


def annotation(account: Raw, name: str = _ROLE) -> str | None:
    """The value of an annotation of a service account; None where it has none."""
    metadata = account.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    found = annotations.get(name) if isinstance(annotations, Mapping) else None
    return str(found) if found else None


def issuer_of(cluster: Raw) -> str | None:
    """The issuer of a cluster's tokens, as IAM and the condition keys of policies call it."""
    url = ((cluster.get("identity") or {}).get("oidc") or {}).get("issuer")
    return str(url).removeprefix("https://") if url else None


def audiences(account: Raw, partition: str) -> list[str]:
    """Whom the account's tokens may be for. In China, sources differ about what EKS takes."""
    if (said := annotation(account, _AUDIENCE)) is not None:
        return [said]
    return [_STS, f"{_STS}.cn"] if partition == "aws-cn" else [_STS]


def evaluate_web_identity(one: WebIdentity, r: AwsResources) -> Verdict | None:
    """What is wrong with a role that pods are to become by their token; None where nothing is."""
    who = f"pods of {one.account} get no credentials"
    name = role_name(one.arn)
    show = aws("iam", "get-role", role_name=name, query="Role.AssumeRolePolicyDocument")
    if isinstance(one.role, NotFound):
        mend = command(
            "kubectl", "annotate", "serviceaccount", one.account, f"{_ROLE}-", namespace=r.namespace
        )
        why = f"{who}: {one.arn}, which it is annotated with (IRSA), does not exist"
        return warn(why, note(mend, "or make the role"))
    if isinstance(one.role, ProbeError):
        why = f"{one.account} is annotated with {one.arn} (IRSA): {one.role.why}"
        return unknown(why, one.role.remedy or show, one.role.permission)
    return _of_provider(one, who, r) or _of_trust(one, who, show, r)


def _of_provider(one: WebIdentity, who: str, r: AwsResources) -> Verdict | None:
    """What is wrong with IAM's entry of the cluster's issuer."""
    listed = aws("iam", "list-open-id-connect-providers")
    if one.provider is None or one.provider_arn is None:
        return unknown(
            f"EKS names no issuer of tokens of {r.cluster}: whether pods can become {one.arn} was "
            "not looked at",
            aws("eks", "describe-cluster", name=r.cluster, query="cluster.identity"),
        )
    url = f"https://{one.provider_arn.partition(':oidc-provider/')[2]}"
    if isinstance(one.provider, NotFound):
        make = aws(
            "iam", "create-open-id-connect-provider", url=url, client_id_list=[one.audiences[0]]
        )
        return warn(
            f"{who}: IAM has no identity provider for the cluster, {one.provider_arn}", make
        )
    if isinstance(one.provider, ProbeError):
        return unknown(
            f"whether IAM has {one.provider_arn}, by which pods become {one.arn}, was not seen: "
            f"{one.provider.why}",
            one.provider.remedy or listed,
            one.provider.permission,
        )
    taken = {str(client) for client in one.provider.get("ClientIDList") or ()}
    if taken.isdisjoint(one.audiences):
        add = aws(
            "iam",
            "add-client-id-to-open-id-connect-provider",
            open_id_connect_provider_arn=one.provider_arn,
            client_id=one.audiences[0],
        )
        return warn(f"{who}: {one.provider_arn} takes no tokens for {one.audiences[0]}", add)
    return None


def _of_trust(one: WebIdentity, who: str, show: str, r: AwsResources) -> Verdict | None:
    """What is wrong with the role's trust policy."""
    assert not isinstance(one.role, ProbeError)
    assert one.provider_arn is not None
    document: Raw = one.role.get("AssumeRolePolicyDocument", {})
    subject = f"system:serviceaccount:{r.namespace}:{one.account}"
    trust = web_identity_may_assume(document, one.provider_arn, subject, one.audiences, r.region)
    reasons = "; ".join(trust.reasons)
    if trust.allowed is False:
        mend = aws(
            "iam",
            "update-assume-role-policy",
            role_name=role_name(one.arn),
            policy_document=_trusting(document, one, subject),
        )
        why = f"{who}: {subject} may not assume {one.arn} by its token (IRSA): {reasons}"
        return warn(why, show if "denies" in reasons else mend)
    if trust.allowed is None:
        return unknown(
            f"whether {subject} may assume {one.arn} by its token (IRSA) cannot be told: {reasons}",
            show,
        )
    if trust.anybody:
        return warn(f"the trust policy of {one.arn} is open to {'; '.join(trust.openings)}", show)
    return None


def _trusting(document: Raw, one: WebIdentity, subject: str) -> dict[str, Any]:
    """The trust policy with a statement for the service account and nobody else."""
    issuer = str(one.provider_arn).partition(":oidc-provider/")[2]
    ours = {
        "Effect": "Allow",
        "Principal": {"Federated": one.provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{issuer}:aud": one.audiences[0], f"{issuer}:sub": subject}
        },
    }
    return {"Version": "2012-10-17", "Statement": [*statement_list(document), ours]}
