"""The keys of a description in one table: for the models, the JSON Schema, help and messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from kitaru_iac.spec.kinds import Cloud, InfraMode, ResourceMode, StackType

__all__ = [
    "EXTRA_TARGETS",
    "FIELDS",
    "OTHER_WORDS_FOR_KEYS",
    "OTHER_WORDS_FOR_TYPES",
    "RESOURCES",
    "FieldInfo",
    "Kind",
    "describe",
    "flag_of",
]

_ALL = frozenset(StackType)
_REMOTE = _ALL - {StackType.LOCAL}


class Kind(StrEnum):
    """What a value looks like."""

    TEXT = "text"
    SWITCH = "true or false"
    MAPPING = "a mapping"


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One key of a description.

    Attributes:
        key: As in YAML.
        description: One or two sentences.
        types: The stack types that have it.
        kind: What its value looks like.
        examples: Values that are right.
        choices: The only values, where there are few.
        flag: How the command line says it; None where it cannot.
    """

    key: str
    description: str
    types: frozenset[StackType] = _ALL
    kind: Kind = Kind.TEXT
    examples: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    flag: str | None = None


def _field(key: str, description: str, *examples: str, **more: object) -> FieldInfo:
    more.setdefault("flag", f"--{key.replace('_', '-')}")
    return FieldInfo(key, description, examples=examples, **more)  # type: ignore[arg-type]


_TABLE = (
    _field(
        "name",
        "The stack's name; its components and its connector are called the same.",
        "prod-k8s",
        flag="NAME",
    ),
    _field("type", "Where the flows run.", choices=tuple(StackType)),
    _field(
        "artifact_store",
        "Where checkpoints and saved data are stored: the URI of an S3 bucket, a Cloud Storage "
        "bucket or a blob container, with or without a path; for a local stack also a folder.",
        "s3://my-bucket/kitaru",
        "gs://my-bucket/kitaru",
        "az://my-container/kitaru",
    ),
    _field(
        "container_registry",
        "Where container images are pushed: the registry's URI, without a tag.",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "us-central1-docker.pkg.dev/my-project/my-repo",
        "demo1.azurecr.io/my-team/my-image",
        types=_REMOTE,
    ),
    _field(
        "cluster",
        "The name of the EKS, GKE or AKS cluster that runs the flows.",
        "prod-cluster",
        types=frozenset({StackType.KUBERNETES}),
    ),
    _field(
        "region",
        "The cloud's region of the runner and the registry; for GKE the cluster's zone will do.",
        "eu-west-1",
        "us-central1",
        "westeurope",
    ),
    _field(
        "namespace",
        "The Kubernetes namespace of the flows' pods; `default` unless given. It has to exist.",
        "ml",
        types=frozenset({StackType.KUBERNETES}),
    ),
    _field(
        "project",
        "The id of the GCP project, where the container registry does not name it.",
        "my-project",
        types=frozenset({StackType.LOCAL, StackType.KUBERNETES, StackType.VERTEX}),
    ),
    _field(
        "execution_role",
        "The ARN of the IAM role that SageMaker runs the flows with.",
        "arn:aws:iam::123456789012:role/SageMakerExecutionRole",
        types=frozenset({StackType.SAGEMAKER}),
    ),
    _field(
        "subscription_id",
        "The Azure subscription, a UUID.",
        "00000000-0000-0000-0000-000000000123",
        types=frozenset({StackType.LOCAL, StackType.KUBERNETES, StackType.AZUREML}),
    ),
    _field(
        "resource_group",
        "The Azure resource group of the cluster or the workspace.",
        "ml-platform",
        types=frozenset({StackType.LOCAL, StackType.KUBERNETES, StackType.AZUREML}),
    ),
    _field(
        "workspace",
        "The Azure Machine Learning workspace that runs the flows.",
        "team-ml",
        types=frozenset({StackType.AZUREML}),
    ),
    _field(
        "credentials",
        "How the stack's service connector logs in: a credential string, or env:NAME, file:PATH or "
        "- (standard input) for where one stands.",
        "aws-profile:prod",
        "env:KITARU_CREDENTIALS",
        "implicit",
    ),
    _field(
        "connector",
        "The name or id of an existing service connector to use instead of a new one.",
        "shared-aws",
    ),
    _field(
        "verify",
        "Verify the connector and the resources it reaches before anything is written.",
        kind=Kind.SWITCH,
        flag="--verify/--no-verify",
    ),
    _field(
        "activate",
        "Make the stack the active one once it exists.",
        kind=Kind.SWITCH,
        flag="--activate/--no-activate",
    ),
    _field(
        "async",
        "Do not wait for the flows: `orchestrator.synchronous=false`, unless `extra` sets it.",
        kind=Kind.SWITCH,
        types=_REMOTE,
    ),
    _field(
        "extra",
        "Further fields of the ZenML components, per component.",
        kind=Kind.MAPPING,
    ),
    _field(
        "infra",
        "What is done about the infrastructure: take it as given (none), check that it is fit "
        "(verify), or create what is missing (provision).",
        choices=tuple(InfraMode),
    ),
    _field(
        "resources",
        "What is done about single resources, where it is not what `infra` says.",
        kind=Kind.MAPPING,
        flag=None,
    ),
)

#: Every key, in the order in which a description is written.
FIELDS: Mapping[str, FieldInfo] = {info.key: info for info in _TABLE}

#: The components that `extra` may set fields of.
EXTRA_TARGETS = ("orchestrator", "artifact_store", "container_registry")

#: The resources that each type knows, and the key that names each; None where nothing names it.
RESOURCES: Mapping[StackType, Mapping[str, str | None]] = {
    StackType.LOCAL: {"bucket": "artifact_store"},
    StackType.KUBERNETES: {
        "bucket": "artifact_store",
        "registry": "container_registry",
        "cluster": "cluster",
        "role": None,
    },
    StackType.VERTEX: {
        "bucket": "artifact_store",
        "registry": "container_registry",
        "role": None,
    },
    StackType.SAGEMAKER: {
        "bucket": "artifact_store",
        "registry": "container_registry",
        "role": "execution_role",
    },
    StackType.AZUREML: {
        "bucket": "artifact_store",
        "registry": "container_registry",
        "workspace": "workspace",
        "role": None,
    },
}

#: What other tools call these keys; they lead to a suggestion.
OTHER_WORDS_FOR_KEYS: Mapping[str, str] = {
    "stack_name": "name",
    "stack_type": "type",
    "kind": "type",
    "bucket": "artifact_store",
    "storage": "artifact_store",
    "artifacts": "artifact_store",
    "registry": "container_registry",
    "image_registry": "container_registry",
    "location": "region",
    "zone": "region",
    "kubernetes_namespace": "namespace",
    "cluster_name": "cluster",
    "kubernetes_cluster": "cluster",
    "project_id": "project",
    "gcp_project": "project",
    "role": "execution_role",
    "role_arn": "execution_role",
    "execution_role_arn": "execution_role",
    "subscription": "subscription_id",
    "workspace_name": "workspace",
    "resource_group_name": "resource_group",
    "service_connector": "connector",
    "credential": "credentials",
    "asynchronous": "async",
    "extras": "extra",
    "infrastructure": "infra",
}

#: What other tools call these types.
OTHER_WORDS_FOR_TYPES: Mapping[str, StackType] = {
    "k8s": StackType.KUBERNETES,
    "kube": StackType.KUBERNETES,
    "eks": StackType.KUBERNETES,
    "gke": StackType.KUBERNETES,
    "aks": StackType.KUBERNETES,
    "vertexai": StackType.VERTEX,
    "vertex_ai": StackType.VERTEX,
    "gcp": StackType.VERTEX,
    "aws": StackType.SAGEMAKER,
    "azure": StackType.AZUREML,
    "azure_ml": StackType.AZUREML,
}

_EXAMPLES = {
    ("artifact_store", Cloud.AWS): "s3://my-bucket/kitaru",
    ("artifact_store", Cloud.GCP): "gs://my-bucket/kitaru",
    ("artifact_store", Cloud.AZURE): "az://my-container/kitaru",
    ("container_registry", Cloud.AWS): "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    ("container_registry", Cloud.GCP): "us-central1-docker.pkg.dev/my-project/my-repo",
    ("container_registry", Cloud.AZURE): "demo1.azurecr.io",
    ("region", Cloud.AWS): "eu-west-1",
    ("region", Cloud.GCP): "us-central1",
    ("region", Cloud.AZURE): "westeurope",
}


def describe(key: str) -> str:
    """The description of a key."""
    return FIELDS[key].description


def example(key: str, cloud: Cloud | None = None) -> str | None:
    """A value that would be right for a key, in this cloud where it matters."""
    if cloud and (key, cloud) in _EXAMPLES:
        return _EXAMPLES[key, cloud]
    return next(iter(FIELDS[key].examples), None)


def flag_of(key: str, value: object = None) -> str:
    """How the command line says a key: ``--region``, ``NAME``, ``--no-verify``.

    Args:
        key: As in YAML.
        value: Its value, which decides between the two flags of a switch.
    """
    info = FIELDS.get(key)
    if info is None or info.flag is None:
        return f"--{key.replace('_', '-')}"
    positive, _, negative = info.flag.partition("/")
    return negative if negative and value is False else positive


#: The modes of `resources`, for messages.
RESOURCE_MODES = tuple(ResourceMode)
