"""Policy documents from the table of permissions, exact for one description.

`permission_table` is the table and says where its lines come from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from kitaru_iac.checks.permissions import Conditions, Identity
from kitaru_iac.clouds.aws.permission_table import PERMISSIONS, AwsPermission, Resource, When
from kitaru_iac.clouds.aws.policies.patterns import SEGMENT
from kitaru_iac.clouds.aws.resources import AwsResources, account_of, aws_resources
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.model import BaseSpec

__all__ = [
    "JOB_KINDS",
    "Reach",
    "arns",
    "conditions",
    "connector_trust",
    "permissions_for",
    "policies",
    "policy",
    "reach",
    "service_trust",
    "statements",
    "tagged_connector_trust",
    "trust_policy",
    "trusts",
]


def permissions_for(
    resources: AwsResources, identity: Identity, kms_key: str | None = None
) -> tuple[AwsPermission, ...]:
    """The lines of the table that apply to this stack.

    The runtime of SageMaker pulls its own image, so its lines hold those of `Identity.PULL`.

    Args:
        resources: What the description names.
        identity: Who.
        kms_key: The ARN of the key that encrypts the bucket, if it is one of KMS.
    """
    identities = {identity}
    if identity is Identity.RUNTIME and resources.type is StackType.SAGEMAKER:
        identities.add(Identity.PULL)
    present = {
        When.ALWAYS: True,
        When.KEY: (kms_key or resources.kms_key) is not None,
        When.SCHEDULES: resources.scheduler_role is not None,
    }
    return tuple(
        row
        for row in PERMISSIONS
        if row.identity in identities
        and resources.type in row.types
        and present[row.when]
        and arns(row.resource, resources, kms_key)
    )


@cache
def arns(
    resource: Resource, resources: AwsResources, kms_key: str | None = None
) -> tuple[str, ...]:
    """The ARNs of one kind of thing for this stack; none where the stack has no such thing."""
    r = resources
    people = f"arn:{r.partition}:iam::{r.account or '*'}"
    has_registry = r.registry is not None and r.repository is not None
    found: dict[Resource, tuple[str | None, ...]] = {
        Resource.ANYTHING: ("*",),
        Resource.METRICS: ("*",),
        Resource.BUCKET: (r.bucket_arn if r.bucket else None,),
        Resource.LISTING: (r.bucket_arn if r.bucket else None,),
        Resource.OBJECTS: (r.objects_arn if r.bucket else None,),
        # Without a prefix they are among the objects.
        Resource.JOB_OUTPUT: tuple(
            f"{r.bucket_arn}/*/{folder}/*" if r.bucket and r.prefix else None
            for folder in ("output", "debug-output", "profiler-output")
        ),
        Resource.DEFINITIONS: (f"{r.bucket_arn}/*" if r.bucket and r.prefix else None,),
        Resource.KEY: (kms_key or r.kms_key,),
        Resource.REPOSITORY: (r.repository_arn if has_registry else None,),
        Resource.REPOSITORIES: (
            r.repository_arn.rsplit(":repository/", 1)[0] + ":repository/*" if r.registry else None,
        ),
        Resource.CLUSTER: (r.cluster_arn if r.cluster else None,),
        Resource.CLUSTER_PARTS: tuple(
            r.arn("eks", f"{part}/{r.cluster}/*") if r.cluster else None
            for part in (
                *("nodegroup", "fargateprofile", "access-entry"),
                *("addon", "podidentityassociation"),
            )
        ),
        Resource.PIPELINES: (r.arn("sagemaker", "pipeline/*"),),
        Resource.JOBS: (
            r.arn("sagemaker", "processing-job/*"),
            r.arn("sagemaker", "training-job/*"),
        ),
        Resource.LOGS: (r.arn("logs", "log-group:/aws/sagemaker/*"),),
        Resource.ROLE: (r.role,),
        Resource.ROLES: (f"{people}:role/*",),
        Resource.PRINCIPALS: (f"{people}:role/*", f"{people}:user/*"),
        Resource.SCHEDULES: (r.arn("scheduler", "schedule/*"),),
        Resource.SCHEDULER_ROLE: (r.scheduler_role,),
    }
    return tuple(arn for arn in found[resource] if arn)


#: What SageMaker calls the log groups and the metrics of its jobs, behind ``/aws/sagemaker/``:
#: https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
JOB_KINDS = ("TrainingJobs", "ProcessingJobs")
#: The name of a run's or job's own: it ends in what no policy names, its time or a random part.
_OF_A_RUN = f"{SEGMENT}-000000run000000"


@dataclass(frozen=True, slots=True)
class Reach:
    """What is really read and written of the things that an ARN with wildcards grants.

    Attributes:
        pattern: All of it, as an ARN with wildcards.
        places: Those to which every run comes, as ARNs with wildcards.
        names: All of it by name, where the names are known.
    """

    pattern: str
    places: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def reach(resource: Resource, arn: str, resources: AwsResources) -> Reach:
    """Where ZenML 0.98 and SageMaker come, of what one of `arns` grants.

    In the store every run writes code (``code_utils.py``) and logs (``artifact_log_store.py``);
    what is beside them has the names of steps. A large pipeline's definition is an object at the
    top of the bucket. Outputs are in the job's folder there, whose name SageMaker Pipelines begins
    with ``pipelines-``: https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-properties.html
    """
    top = f"{resources.bucket_arn}/"
    if resource is Resource.OBJECTS:
        inside = arn.removesuffix("*")
        return Reach(arn, tuple(f"{inside}{place}/*" for place in ("code_uploads", "logs")))
    if resource is Resource.DEFINITIONS:
        return Reach(f"{top}{_OF_A_RUN}")
    if resource is Resource.JOB_OUTPUT:
        inside = arn.removeprefix(f"{top}*")
        return Reach(f"{top}{_OF_A_RUN}{inside}", (f"{top}pipelines-{SEGMENT}{inside}",))
    if resource is Resource.LOGS:
        names = (f"{arn.removesuffix('*')}{kind}:log-stream:kitaru-check" for kind in JOB_KINDS)
        return Reach(arn, names=tuple(names))
    if resource is Resource.REPOSITORIES:  # connector verification lists them all
        return Reach(arn, (f"{arn.removesuffix('*')}kitaru-check",))
    return Reach(arn)


def conditions(row: AwsPermission, resources: AwsResources) -> Conditions:
    """The conditions under which a line of the table is granted for this stack."""
    if row.resource is not Resource.LISTING or not resources.prefix:
        return row.conditions
    # s3fs lists ``PREFIX/`` and what is below; ``PREFIX`` alone is how boto3 filters versions.
    inside = (resources.prefix, f"{resources.prefix}/*")
    return {**row.conditions, "StringLikeIfExists": {"s3:prefix": inside}}


def policy(spec: BaseSpec, identity: Identity, kms_key: str | None = None) -> dict[str, Any]:
    """The exact IAM policy that this identity of the described stack needs, and no more.

    Args:
        spec: The description.
        identity: Who gets it.
        kms_key: The ARN of the key that encrypts the bucket, if it is one of KMS.

    Returns:
        A policy document, stable in its order; its ``Statement`` is empty where the identity needs
        nothing.
    """
    resources = aws_resources(spec)
    rows = permissions_for(resources, identity, kms_key)
    return {"Version": "2012-10-17", "Statement": statements(rows, resources, kms_key)}


def policies(spec: BaseSpec) -> dict[str, dict[str, Any]]:
    """The policy of every identity that the stack has, by its name."""
    made = {identity.value: policy(spec, identity) for identity in Identity}
    return {name: document for name, document in made.items() if document["Statement"]}


def trusts(spec: BaseSpec) -> dict[str, dict[str, Any]]:
    """The trust policy of every role that the stack has, by its identity's name.

    On SageMaker one role is runtime and pulls; on Kubernetes they are two. That of the connector is
    there where the description tells the account.
    """
    resources = _in_its_account(spec)
    found = {}
    if resources.account:
        found[Identity.CONNECTOR.value] = tagged_connector_trust(resources)
    if spec.type is StackType.SAGEMAKER:
        found[Identity.RUNTIME.value] = service_trust(resources, Identity.RUNTIME)
    if resources.scheduler_role:
        found[Identity.SCHEDULER.value] = service_trust(resources, Identity.SCHEDULER)
    if spec.type is StackType.KUBERNETES:
        services = (Identity.RUNTIME, Identity.PULL)
        found |= {i.value: service_trust(resources, i) for i in services}
    return found


def _in_its_account(spec: BaseSpec) -> AwsResources:
    """What the description names, in the account that it tells in any way.

    The connector's role and the one that starts schedules are of no other: a role is passed to a
    service within its own account alone.
    """
    found = aws_resources(spec)
    told = spec.credentials.values.get("role_arn") if spec.credentials else None
    account = found.account or account_of(told) or account_of(found.scheduler_role)
    return replace(found, account=account)


def statements(
    rows: Iterable[AwsPermission], resources: AwsResources, kms_key: str | None = None
) -> list[dict[str, Any]]:
    """IAM statements for these lines: one for each kind of thing and condition."""
    actions: dict[tuple[Resource, str], list[str]] = {}
    under: dict[tuple[Resource, str], Conditions] = {}
    for row in rows:
        found = conditions(row, resources)
        group = (row.resource, repr(found))
        under[group] = found
        if row.action not in actions.setdefault(group, []):
            actions[group].append(row.action)
    made: list[dict[str, Any]] = []
    for group, names in actions.items():
        things = arns(group[0], resources, kms_key)
        statement: dict[str, Any] = {
            "Sid": group[0].value,
            "Effect": "Allow",
            "Action": sorted(names),
            "Resource": things[0] if len(things) == 1 else list(things),
        }
        if under[group]:
            statement["Condition"] = {
                operator: {key: value if isinstance(value, str) else list(value)
                           for key, value in keys.items()}
                for operator, keys in under[group].items()
            }  # fmt: skip
        made.append(statement)
    return made


#: The account that the role is in, where nothing tells which one that will be:
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_OWN_ACCOUNT = "${aws:ResourceAccount}"


def trust_policy(spec: BaseSpec, identity: Identity = Identity.RUNTIME) -> dict[str, Any]:
    """Who may become the role of this identity.

    The runtime of SageMaker is SageMaker in this account; that of Kubernetes is a pod of this
    cluster (Pod Identity); who pulls for Kubernetes is a node (EC2). What starts scheduled runs is
    EventBridge Scheduler in this account.

    Raises:
        ValueError: The identity is no service's role, as the connector: see `connector_trust`.
    """
    return service_trust(_in_its_account(spec), identity)


def service_trust(resources: AwsResources, identity: Identity) -> dict[str, Any]:
    """As `trust_policy`, from what a description names."""
    is_sagemaker = resources.type is StackType.SAGEMAKER
    services = {Identity.RUNTIME, Identity.PULL}
    if is_sagemaker:
        services.add(Identity.SCHEDULER)
    if identity not in services or resources.type is StackType.LOCAL:
        raise ValueError(f"the {identity.value} of a {resources.type.value} stack is no service")
    condition: dict[str, Any] = {}
    actions: str | list[str] = "sts:AssumeRole"
    if identity is Identity.SCHEDULER:
        service, sid = "scheduler.amazonaws.com", "Scheduler"
    elif is_sagemaker:
        service, sid = "sagemaker.amazonaws.com", "SageMaker"
    elif identity is Identity.RUNTIME:
        service, sid = "pods.eks.amazonaws.com", "Pods"
        actions = ["sts:AssumeRole", "sts:TagSession"]
        if resources.cluster:
            condition["ArnEquals"] = {"aws:SourceArn": resources.cluster_arn}
    else:
        service, sid = "ec2.amazonaws.com", "Nodes"
    if service != "ec2.amazonaws.com":
        # Without it, a service acting for another account could be made to use this role.
        condition["StringEquals"] = {"aws:SourceAccount": resources.account or _OWN_ACCOUNT}
    statement: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": actions,
    }
    if condition:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def tagged_connector_trust(resources: AwsResources) -> dict[str, Any]:
    """Who may become the role of this stack's connector: who has the stack's tag, in its account.

    A description does not name the server. Its role or user gets the tag ``kitaru-stack``; a server
    of another account stands as the principal instead (`connector_trust`).

    Raises:
        ValueError: The description does not tell the account.
    """
    if resources.account is None:
        raise ValueError("without an account, the tag would let in anybody")
    root = f"arn:{resources.partition}:iam::{resources.account}:root"
    document = connector_trust(root)
    document["Statement"][0]["Condition"] = {
        "StringEquals": {"aws:PrincipalTag/kitaru-stack": resources.stack}
    }
    return document


def connector_trust(principal: str, external_id: str | None = None) -> dict[str, Any]:
    """Who may become a connector's role: one principal, with an external id where it can give one.

    ZenML 0.98's own connector cannot: it has no field for an external id.
    """
    statement: dict[str, Any] = {
        "Sid": "Server",
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "sts:AssumeRole",
    }
    if external_id:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return {"Version": "2012-10-17", "Statement": [statement]}
