"""What a description names in AWS: the bucket, the repository, the cluster, the role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from kitaru_iac.checks.cluster_rights import ClusterRight, rights_for
from kitaru_iac.checks.pods import POD_ACCOUNTS, PodSettings, named_account, pod_accounts, pods_of
from kitaru_iac.checks.pull_secrets import ForeignPull, foreign_pull
from kitaru_iac.clouds.existing import without_absent
from kitaru_iac.clouds.names import slug
from kitaru_iac.patterns import compiled
from kitaru_iac.redaction import url
from kitaru_iac.spec.clouds.aws import VOCABULARY, aws_partition
from kitaru_iac.spec.kinds import Cloud, InfraMode, StackType
from kitaru_iac.spec.model import BaseSpec, KubernetesSpec, SagemakerSpec
from kitaru_iac.spec.uris import EcrUri, S3Uri

__all__ = [
    "DEFAULT_REPOSITORY",
    "AwsResources",
    "account_in",
    "account_of",
    "aws_resources",
    "existing",
    "prefix_of",
    "repository_of",
    "role_name",
]

#: Where ZenML 0.98 pushes an image unless `default_repository` is set
#: (``DEFAULT_ZENML_DOCKER_REPOSITORY``, used in ``pipeline_docker_image_builder.py``).
DEFAULT_REPOSITORY = "zenml"

#: How names end that stand where a bucket's does, and are none.
_NO_BUCKETS = {
    "-s3alias": "the alias of an access point",
    "--ol-s3": "the alias of an Object Lambda access point",
    ".mrap": "the alias of a multi-region access point",
    "--x-s3": "a directory bucket",
    "--table-s3": "a table bucket",
}
#: How the name of a bucket that provisioning made goes on behind the stack (`provision.names`).
_MADE_IN = compiled(rf"([0-9]{{12}})-{VOCABULARY.regions.shape.pattern}")
#: The ends of the names of AWS's own endpoints, its VPC endpoints among them.
_AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


@dataclass(frozen=True, slots=True)
class AwsResources:
    """The named things of one description. None is what it does not name.

    Attributes:
        stack: The stack's name.
        type: The stack's type.
        region: Where it runs; the registry's region if the description says nothing; else None.
        partition: ``aws``, ``aws-cn`` or ``aws-us-gov``.
        account: The registry's account, else the execution role's. The connector must be in it:
            ZenML's AWS connector offers only the registry of its own account.
        bucket: Of the artifact store.
        bucket_owner: The account that the bucket was made in, where its name is the one that
            provisioning gives for this stack. In any other one, a stranger has taken the name.
        bucket_made: Whether provisioning may have made it under a name that the user gave, so that
            its name does not tell the account.
        prefix: Where in the bucket the store lies, without slashes at its ends; None for all of it.
        kms_key: The ARN of the KMS key that encrypts the bucket, where it is known.
        registry: The registry.
        repository: The one that images are really pushed to, inside the registry.
        cluster: The EKS cluster's name.
        namespace: Where pods run.
        service_account: Whether pods run as a service account that exists, so that ZenML need not
            make one with a role binding.
        rights: What ZenML does in the namespace.
        pod_accounts: What the pods of the orchestrator and of the steps run as there.
        role: The SageMaker execution role's ARN.
        scheduler_role: The role that starts scheduled SageMaker pipelines, where set.
        quota: SageMaker's name of the quota that the instances of steps count against.
        bucket_region: Where the bucket is, once that was looked at.
        pods: What its pods ask of nodes, each way once.
        foreign: How its pods pull, where the registry is not this cloud's.
        s3_endpoint: Where the bucket is, if that is not AWS: MinIO, R2 and the like.
        plain_uploads: Whether nothing tells s3fs what to say of what it uploads, as how to encrypt.
    """

    stack: str
    type: StackType
    region: str | None = None
    partition: str = "aws"
    account: str | None = None
    bucket: str | None = None
    bucket_owner: str | None = None
    bucket_made: bool = False
    prefix: str | None = None
    kms_key: str | None = None
    registry: EcrUri | None = None
    repository: str | None = None
    cluster: str | None = None
    namespace: str = "default"
    service_account: bool = False
    rights: tuple[ClusterRight, ...] = ()
    pod_accounts: tuple[str, ...] = POD_ACCOUNTS
    role: str | None = None
    scheduler_role: str | None = None
    quota: str | None = None
    bucket_region: str | None = None
    pods: tuple[PodSettings, ...] = (PodSettings(),)
    foreign: ForeignPull | None = None
    s3_endpoint: str | None = None
    plain_uploads: bool = True

    @property
    def told_accounts(self) -> tuple[str, ...]:
        """The accounts that the description names, the stack's own first."""
        arns = (self.role, self.scheduler_role, self.kms_key)
        return tuple(dict.fromkeys(filter(None, (*map(account_of, arns), self.account))))

    @property
    def unseen_bucket(self) -> str | None:
        """Why the store is none that AWS's answers about a bucket are about; None if it is.

        AWS keeps the ends of such names for itself:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
        """
        if self.s3_endpoint:
            return f"the artifact store is at {self.s3_endpoint}, not at AWS"
        for end, what in _NO_BUCKETS.items():
            if self.bucket and self.bucket.endswith(end):
                return f"s3://{self.bucket} is {what}, which has rights and policies of its own"
        return None

    @property
    def named_account(self) -> str | None:
        """The service account of the orchestrator's pod, if it is named and not in a secret."""
        return named_account(self.pod_accounts, self.rights)

    @property
    def bucket_arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    @property
    def objects_arn(self) -> str:
        """All objects of the store: those under its prefix."""
        return "/".join(part for part in (self.bucket_arn, self.prefix, "*") if part)

    @property
    def repository_arn(self) -> str:
        """The repository's ARN; of all of the registry's if it has no name."""
        return self._regional("ecr", f"repository/{self.repository or '*'}", self.registry_region)

    @property
    def registry_region(self) -> str | None:
        """The registry's region, which may be another one than the stack's."""
        return self.registry.region if self.registry else self.region

    @property
    def cluster_arn(self) -> str:
        """The cluster's ARN."""
        return self._regional("eks", f"cluster/{self.cluster}", self.region)

    def beside(self, arn: str) -> AwsResources:
        """The same, in the account of this identity where the description tells none.

        A star in an ARN is none of its names: a grant for the exact ARN would not count.
        """
        return self if self.account else replace(self, account=account_of(arn))

    def arn(self, service: str, rest: str) -> str:
        """The ARN of a thing of this account and region."""
        return self._regional(service, rest, self.region)

    def _regional(self, service: str, rest: str, region: str | None) -> str:
        return f"arn:{self.partition}:{service}:{region or '*'}:{self.account or '*'}:{rest}"


def aws_resources(spec: BaseSpec) -> AwsResources:
    """What the description names, be it there already or to be created."""
    store = spec.artifact_store if isinstance(spec.artifact_store, S3Uri) else None
    registry = spec.container_registry if isinstance(spec.container_registry, EcrUri) else None
    region = spec.region or (registry.region if registry else None)
    role = cluster = None
    namespace = "default"
    if isinstance(spec, SagemakerSpec):
        role = spec.execution_role
    elif isinstance(spec, KubernetesSpec):
        cluster, namespace = spec.cluster, spec.namespace
    orchestrator = spec.extra.orchestrator
    scheduler_role = orchestrator.get("scheduler_role")
    account = registry.account if registry else account_of(role)
    owner = account_in(store.bucket, spec.name) if store else None
    provisioned = spec.infra is InfraMode.PROVISION and "bucket" not in spec.resources
    return AwsResources(
        stack=spec.name,
        type=spec.type,
        region=region,
        partition=aws_partition(region) if region else "aws",
        account=account,
        bucket=store.bucket if store else None,
        bucket_owner=owner,
        bucket_made=provisioned and store is not None and owner is None,
        prefix=prefix_of(store),
        kms_key=spec.infrastructure.kms_key,
        registry=registry,
        repository=repository_of(spec) if registry else None,
        cluster=cluster,
        namespace=str(orchestrator.get("kubernetes_namespace") or namespace),
        service_account=bool(orchestrator.get("service_account_name")),
        rights=rights_for(orchestrator) if isinstance(spec, KubernetesSpec) else (),
        pod_accounts=pod_accounts(orchestrator),
        role=role,
        scheduler_role=str(scheduler_role) if scheduler_role else None,
        quota=_quota(orchestrator) if isinstance(spec, SagemakerSpec) else None,
        s3_endpoint=_foreign_endpoint(spec.extra.artifact_store.get("client_kwargs")),
        plain_uploads=not spec.extra.artifact_store.get("s3_additional_kwargs"),
        pods=pods_of(orchestrator),
        foreign=foreign_pull(spec, Cloud.AWS),
    )


def repository_of(spec: BaseSpec) -> str:
    """The repository that images are pushed to, inside the registry."""
    registry = spec.container_registry
    wanted = spec.extra.container_registry.get("default_repository")
    named = registry.repository if isinstance(registry, EcrUri) else None
    return str(wanted or named or DEFAULT_REPOSITORY)


def account_in(bucket: str, stack: str) -> str | None:
    """The account in the name that provisioning gives the bucket of this stack; None in others."""
    begin = f"kitaru-{slug(stack)}-"
    made = _MADE_IN.fullmatch(bucket.removeprefix(begin)) if bucket.startswith(begin) else None
    return made[1] if made else None


def prefix_of(store: S3Uri | None) -> str | None:
    """Where in its bucket a store lies, without slashes at its ends; None for all of it."""
    return store.prefix or None if store else None


def _quota(orchestrator: Mapping[str, object]) -> str:
    """The quota of the instances that steps run on, unless a step's own settings say otherwise.

    ZenML 0.98 makes training jobs on ``ml.m5.xlarge`` of them, or processing jobs on
    ``ml.t3.medium`` (``sagemaker_orchestrator_flavor.py``). SageMaker counts each type of instance
    for each kind of job: https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
    """
    trains = orchestrator.get("use_training_step") is not False
    given = orchestrator.get("estimator_args" if trains else "processor_args")
    args = given if isinstance(given, Mapping) else {}
    chosen = args.get("instance_type") or orchestrator.get("instance_type")
    spot = "spot " if trains and args.get("use_spot_instances") is True else ""
    kind = f"{spot}training" if trains else "processing"
    return f"{chosen or ('ml.m5.xlarge' if trains else 'ml.t3.medium')} for {kind} job usage"


def _foreign_endpoint(client: object) -> str | None:
    """The address in the S3 client's settings, which ZenML hands to s3fs; None for AWS's own."""
    address = client.get("endpoint_url") if isinstance(client, Mapping) else None
    where = urlsplit(str(address)) if address else None
    if where is None or (where.hostname or "").endswith(_AWS_HOSTS):
        return None
    return url(str(address))


def existing(spec: BaseSpec) -> AwsResources:
    """What the description says is there: without what it wants created or skipped."""
    fields = {"bucket": "bucket", "registry": "repository", "cluster": "cluster", "role": "role"}
    return without_absent(aws_resources(spec), spec, fields)


def role_name(arn: str) -> str:
    """The name in a role's ARN, without its path: what IAM's operations take."""
    return arn.rsplit("/", 1)[-1]


def account_of(arn: str | None) -> str | None:
    """The account in an ARN; None where it names none."""
    parts = arn.split(":") if arn else []
    return parts[4] if len(parts) > 4 and parts[4].isdigit() else None
