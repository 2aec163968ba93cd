"""What is made for a description, and under which names: decided before Pulumi is asked.

All names are known beforehand, and so are the URIs and ARNs that the description gets from them: a
preview can show the records too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import cast

from kitaru_iac.checks.pods import pod_accounts
from kitaru_iac.clouds.aws.provision import names
from kitaru_iac.clouds.aws.provision.args import InfrastructureArgs
from kitaru_iac.clouds.aws.resources import aws_resources, repository_of, role_name
from kitaru_iac.clouds.wanted import mode_of, wants_cluster
from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.spec.clouds.aws import aws_partition
from kitaru_iac.spec.infrastructure import Infrastructure
from kitaru_iac.spec.kinds import ResourceMode, StackType
from kitaru_iac.spec.model import KubernetesSpec, SagemakerSpec, StackSpec
from kitaru_iac.spec.uris import (
    EcrUri,
    S3Uri,
)

__all__ = ["Layout", "layout"]

_CREATE, _EXISTING, _SKIP = ResourceMode.CREATE, ResourceMode.EXISTING, ResourceMode.SKIP


@dataclass(frozen=True, slots=True)
class Layout:
    """What is made, and what the stack uses. None is what it has not.

    Attributes:
        stack: The stack's name.
        type: Its type.
        account: The account's twelve digits.
        region: Where everything is.
        artifact_store: The URI that the stack uses, made or existing.
        container_registry: The URI; with the repository, if it is made.
        repository: The one that images are pushed to; None without a registry on AWS.
        execution_role: The ARN that SageMaker uses.
        cluster: The name of the EKS cluster.
        new_bucket: Its name, if it is made.
        new_repository: Its name, if it is made.
        new_role: The execution role's name, if it is made.
        new_cluster: Its name, if it is made.
        subnets: Where the nodes of a new cluster are, in at least two zones.
        kms_key: The ARN of the key that encrypts the bucket, if it is one of KMS.
        namespace: Where pods of a new cluster run.
        service_accounts: What they run as there.
        options: How it is made.
    """

    stack: str
    type: StackType
    account: str
    region: str
    artifact_store: str | None = None
    container_registry: str | None = None
    repository: str | None = None
    execution_role: str | None = None
    cluster: str | None = None
    new_bucket: str | None = None
    new_repository: str | None = None
    new_role: str | None = None
    new_cluster: str | None = None
    subnets: tuple[str, ...] = ()
    kms_key: str | None = None
    namespace: str | None = None
    service_accounts: tuple[str, ...] = ()
    options: Infrastructure = field(default_factory=Infrastructure)

    @property
    def makes_anything(self) -> bool:
        """Whether anything is made at all."""
        return any((self.new_bucket, self.new_repository, self.new_role, self.new_cluster))

    def args(self) -> InfrastructureArgs:
        """The same as the arguments of the component."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        del own["options"]
        own |= {
            "type": self.type.value,
            "subnets": list(self.subnets),
            "service_accounts": list(self.service_accounts),
        }
        return cast("InfrastructureArgs", self.options.given() | own)


def layout(spec: StackSpec, account: str, region: str) -> Layout:
    """Decide what is made.

    A resource is made if ``resources`` says `create`, or if the description does not name it, or if
    it names it as we would: a description that was filled from an earlier run stays the same one.

    Args:
        spec: The description, with ``infra: provision``.
        account: The account that the credentials belong to.
        region: The stack's region.

    Raises:
        DescriptionError: Something cannot be made as described.
    """
    problems: list[Problem] = []
    options = spec.infrastructure
    registry_host = f"{account}.dkr.ecr.{region}.{_domain(region)}"
    bucket, store = _bucket(spec, account, region)
    made_repository, repository, registry = _repository(spec, registry_host, problems)
    role = arn = cluster = used_cluster = None
    if isinstance(spec, SagemakerSpec):
        role, arn = _role(spec, account, region, problems)
    elif isinstance(spec, KubernetesSpec):
        cluster, used_cluster = _cluster(spec, problems)
    if problems:
        raise DescriptionError(problems)
    return Layout(
        stack=spec.name,
        type=spec.type,
        account=account,
        region=region,
        artifact_store=store,
        container_registry=registry,
        repository=repository,
        execution_role=arn,
        cluster=used_cluster,
        new_bucket=bucket,
        new_repository=made_repository,
        new_role=role,
        new_cluster=cluster,
        subnets=(options.subnets or ()) if cluster else (),
        kms_key=options.kms_key,
        namespace=aws_resources(spec).namespace if cluster else None,
        service_accounts=pod_accounts(spec.extra.orchestrator) if cluster else (),
        options=options,
    )


def _bucket(spec: StackSpec, account: str, region: str) -> tuple[str | None, str | None]:
    store = spec.artifact_store
    ours = names.bucket_name(spec.name, account, region)
    if store is not None and not isinstance(store, S3Uri):
        return None, str(store)  # a folder of this machine, for a local stack
    mode = mode_of(
        spec, "bucket", given=store is not None, as_ours=bool(store) and _is(store, ours)
    )
    name = store.bucket if store else ours
    text = str(store) if store else f"s3://{ours}"
    return (name if mode is _CREATE else None), text


def _is(store: S3Uri | None, name: str) -> bool:
    return store is not None and store.bucket == name


def _repository(
    spec: StackSpec, host: str, problems: list[Problem]
) -> tuple[str | None, str | None, str | None]:
    """The repository to make, the one that images are pushed to, and the registry's URI."""
    if spec.type is StackType.LOCAL:
        return None, None, None  # nothing is pushed
    registry = spec.container_registry
    if registry is not None and not isinstance(registry, EcrUri):
        return None, None, str(registry)
    # ZenML pushes to its registry's `default_repository`, whatever we would call ours.
    wanted = spec.extra.container_registry.get("default_repository")
    ours = str(wanted or names.repository_name(spec.name))
    as_ours = registry is not None and registry.host == host and registry.repository == ours
    mode = mode_of(spec, "registry", given=registry is not None, as_ours=as_ours)
    name = repository_of(spec) if registry else ours
    if mode is not _CREATE:
        return None, name, str(registry) if registry else f"{host}/{name}"
    if registry is not None and registry.host != host:
        problems.append(
            Problem(
                "container_registry",
                f"the registry `{registry.host}` is not that of the credentials, `{host}`",
                "a registry belongs to one account and region, and is made there",
                f"Write `{host}`, or leave it out.",
            )
        )
    return name, name, f"{host}/{name}"


def _role(
    spec: SagemakerSpec, account: str, region: str, problems: list[Problem]
) -> tuple[str | None, str | None]:
    given = spec.execution_role
    ours = names.role_name(spec.name, "sagemaker", region)
    arn = f"arn:{aws_partition(region)}:iam::{account}:role/{ours}"
    mode = mode_of(spec, "role", given=given is not None, as_ours=given == arn)
    if mode is not _CREATE:
        return None, given
    if given is None:
        return ours, arn
    if given.split(":")[4] != account or "/" in given.split(":role/", 1)[1]:
        problems.append(
            Problem(
                "execution_role",
                "the role cannot be made under this ARN",
                f"the credentials belong to account {account}, and roles are made without a path",
                "Leave it out, or write an ARN "
                f"`arn:{aws_partition(region)}:iam::{account}:role/NAME`.",
            )
        )
    return role_name(given), given


def _cluster(spec: KubernetesSpec, problems: list[Problem]) -> tuple[str | None, str | None]:
    name = spec.cluster or names.cluster_name(spec.name)
    role = spec.resources.get("role")
    if wants_cluster(spec):
        if role in {_EXISTING, _SKIP}:
            problems.append(
                Problem(
                    "resources.role",
                    f"a new cluster makes its own roles, and role is `{role}`",
                    "its nodes could not pull images without one",
                    "Leave it out.",
                )
            )
        return name, name
    if spec.cluster is None:
        problems.append(
            Problem(
                "cluster",
                "no cluster is named, and none is made unasked",
                "an EKS cluster and its nodes cost money by the hour",
                "Name an existing one, or write `resources: {cluster: create}`.",
            )
        )
    if role is _CREATE:
        problems.append(
            Problem(
                "resources.role",
                "roles are made only together with a cluster",
                "the nodes of an existing cluster have theirs",
                "Leave it out, or write `resources: {cluster: create}` too.",
            )
        )
    return None, spec.cluster


def _domain(region: str) -> str:
    return "amazonaws.com.cn" if aws_partition(region) == "aws-cn" else "amazonaws.com"
