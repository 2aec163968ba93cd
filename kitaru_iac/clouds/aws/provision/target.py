"""What provisioning is given for AWS."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import cast

from kitaru_iac.checks.kubernetes_api import IN_EVERY_CLUSTER
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.provision.account import Account
from kitaru_iac.clouds.aws.provision.args import OUTPUTS
from kitaru_iac.clouds.aws.provision.layout import Layout, layout
from kitaru_iac.clouds.aws.provision.names import repository_name
from kitaru_iac.clouds.aws.provision.ownership import claims
from kitaru_iac.clouds.aws.resources import account_of as account_of_arn
from kitaru_iac.clouds.aws.resources import aws_resources
from kitaru_iac.clouds.plugins import version_of
from kitaru_iac.clouds.provider import Inputs, NewNamespace, Target
from kitaru_iac.clouds.wanted import possible, region_of, wants_cluster
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.uris import EcrUri, S3Uri

__all__ = ["account_for", "account_of", "place_of", "plugins", "target", "told_by", "used"]


def plugins() -> tuple[tuple[str, str], ...]:
    """Give the provider plugins of AWS. Raises `MissingPackages`."""
    return (("aws", version_of("pulumi-aws", Cloud.AWS)),)


def target(spec: StackSpec) -> Target:
    """What is made for a description on AWS.

    Raises:
        DescriptionError: It cannot be made as described.
        MissingPackages: The AWS packages are not installed.
        NotAllowedError: There are no usable credentials.
    """
    needed = plugins()
    account = account_for(spec)
    planned = _possible(spec, account)
    subnets, key = planned.subnets, planned.kms_key
    if wants_cluster(spec) and not subnets and spec.infrastructure.network is None:
        subnets = account.default_subnets()
    store = spec.artifact_store
    if key is None and planned.new_bucket is None and isinstance(store, S3Uri):
        key = account.bucket_key(store.bucket)
    planned = replace(planned, subnets=subnets, kms_key=key)
    from kitaru_iac.clouds.aws.provision.program import physical_names, program

    return Target(
        account=account,
        program=program(planned),
        plugins=needed,
        outputs={key: getattr(planned, key) for key in OUTPUTS},
        makes_anything=planned.makes_anything,
        claims=claims(planned),
        names=physical_names(planned),
        namespace=_namespace(planned, account),
    )


def _namespace(planned: Layout, account: Account) -> NewNamespace | None:
    """What is to be in a new cluster beside what every cluster has."""
    name, cluster = str(planned.namespace), planned.new_cluster
    if cluster is None or name in IN_EVERY_CLUSTER:
        return None
    log_in = aws("eks", "update-kubeconfig", name=cluster, region=planned.region)
    by_hand = f"{log_in} && kubectl create namespace {name}"
    return NewNamespace(name, cluster, partial(account.cluster_api, cluster), by_hand)


def used(spec: StackSpec) -> frozenset[str]:
    """Which of bucket, registry, cluster and role the description names, and are not made.

    Raises:
        DescriptionError: It cannot be made as described.
        MissingPackages: The AWS packages are not installed.
        NotAllowedError: There are no usable credentials.
    """
    planned = _possible(spec, account_for(spec))
    found = {
        "bucket": isinstance(spec.artifact_store, S3Uri) and not planned.new_bucket,
        "registry": isinstance(spec.container_registry, EcrUri) and not planned.new_repository,
        "cluster": bool(planned.cluster) and not planned.new_cluster,
        "role": bool(planned.execution_role) and not planned.new_role,
    }
    return frozenset(name for name, is_used in found.items() if is_used)


def _possible(spec: StackSpec, account: Account) -> Layout:
    """The layout, where all that the description says can be made in this account.

    Raises:
        DescriptionError: With everything that cannot.
    """
    unfit = account.unfit(spec.infrastructure, cluster=wants_cluster(spec))
    return possible(lambda: layout(spec, account.number, account.region), unfit)


def account_of(credentials: Credentials | None, inputs: Inputs) -> Account:
    """The account of these credentials, in the region of a deployment's provider.

    Raises:
        NotAllowedError: There are no usable credentials.
    """
    return Account.open(credentials, str(inputs["region"]))


def account_for(spec: StackSpec) -> Account:
    """The account of a description's credentials, in its region.

    Raises:
        DescriptionError: It has no region.
        NotAllowedError: There are no usable credentials.
    """
    return Account.open(spec.credentials, region_of(spec))


def told_by(spec: StackSpec) -> dict[str, frozenset[str]]:
    """Which accounts a stack's record names: credentials of any account fit its region.

    SageMaker runs with a role of its own account, and the names of what was made tell it too. A
    registry that is used may be another account's.
    """
    found = aws_resources(spec)
    named = {account_of_arn(found.role), found.bucket_owner} - {None}
    if not named and found.repository == repository_name(spec.name):
        named = {found.account} - {None}
    return {"account": frozenset(map(str, named))}


def place_of(inputs: Inputs) -> dict[str, str]:
    """Where a deployment is, from the inputs of its provider in the state."""
    allowed = inputs.get("allowedAccountIds") or []
    accounts = json.loads(allowed) if isinstance(allowed, str) else cast("list[object]", allowed)
    return {"account": ",".join(map(str, accounts)), "region": str(inputs.get("region", ""))}
