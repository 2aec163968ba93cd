"""The fields of a description, in one table.

Everything that speaks of them is made from it: the checks, the JSON Schema, the Pulumi package's
schema, what `stack show` and the description of an existing stack read back, and, written by
``scripts/generate``, the attributes of the models, the flags, the classes for Pulumi programs and
the arguments of the Python functions. How to add one: docs/contributing/add-a-field.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from kitaru_iac.spec.annotation_fields import ANNOTATION_FIELDS
from kitaru_iac.spec.kinds import Cloud, InfraMode, ResourceMode, StackType
from kitaru_iac.spec.rows import FieldInfo, Flag, Kind, Place, Property, Stored

__all__ = ["FIELDS"]

_LOCAL, _KUBERNETES, _VERTEX = StackType.LOCAL, StackType.KUBERNETES, StackType.VERTEX
_SAGEMAKER, _AZUREML = StackType.SAGEMAKER, StackType.AZUREML
_REMOTE = frozenset(StackType) - {_LOCAL}

#: The headings of `--help`.
_WHERE, _ACCESS, _RUNS, _MORE = "Where it is", "Access", "Defaults of runs", "More"

_GROUP_OF_CLUSTER = Place("cluster", "group")
#: The region of a stack whose records have no other place for it is a label of ours.
_REGION_OF_CONNECTOR = (Place("connector", "region"), Place("labels", "kitaru.region"))


def _anywhere(stored: Stored) -> Mapping[StackType, Stored]:
    return dict.fromkeys(StackType, stored)


def _in_runner(name: str, shown: str | None = None, order: int = 0) -> Stored:
    """A field of the orchestrator; `stack show` says it under the orchestrator's name for it."""
    return Stored((Place("orchestrator", name),), shown or name, order=order)


_TABLE = (
    FieldInfo(
        "name",
        "The stack's name; its components and its connector are called the same.",
        parser="names:stack_name",
        schema={"not": {"pattern": "^[dD][eE][fF][aA][uU][lL][tT]$"}},
        examples=("prod-k8s",),
        other_words=("stack_name",),
        flag=Flag("The stack's name. May stand in the file instead.", words="NAME"),
        program=Property(left_out="The resource's name", comes_out=True),
        stored=_anywhere(Stored((Place("stack", "name"),))),
    ),
    FieldInfo(
        "type",
        "Where the flows run.",
        value="kinds:StackType",
        default=StackType.LOCAL,
        choices=tuple(StackType),
        other_words=("stack_type", "kind"),
        flag=Flag(
            "local, kubernetes, vertex, sagemaker or azureml.",
            "TYPE",
            completes="stack_types",
        ),
        program=Property(left_out="local", comes_out=True),
        stored=_anywhere(Stored((Place("stack", "type"),))),
    ),
    FieldInfo(
        "artifact_store",
        "Where checkpoints and saved data are stored: the URI of an S3 bucket, a Cloud Storage "
        "bucket or a blob container, with or without a path; for a local stack also a folder.",
        value="uris:ArtifactStoreUri",
        parser="uris:parse_artifact_store",
        examples=(
            "s3://my-bucket/kitaru",
            "gs://my-bucket/kitaru",
            "az://my-container/kitaru",
        ),
        by_cloud={
            Cloud.AWS: "s3://my-bucket/kitaru",
            Cloud.GCP: "gs://my-bucket/kitaru",
            Cloud.AZURE: "az://my-container/kitaru",
        },
        other_words=("bucket", "storage", "artifacts"),
        flag=Flag(
            "Where data are stored: s3://BUCKET/PATH, gs://BUCKET/PATH, az://CONTAINER/PATH, "
            "or a local path.",
            "URI",
            _WHERE,
        ),
        program=Property(comes_out=True),
        stored=_anywhere(Stored((Place("artifact_store", "path"),), "location")),
    ),
    FieldInfo(
        "container_registry",
        "Where container images are pushed: the registry's URI, without a tag.",
        types=_REMOTE,
        value="uris:RegistryUri",
        parser="uris:parse_container_registry",
        schema={
            "pattern": r"^([hH][tT][tT][pP][sS]://|[dD][oO][cC][kK][eE][rR]://)?"
            r"[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9._/-]*)?$"
        },
        examples=(
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "us-central1-docker.pkg.dev/my-project/my-repo",
            "demo1.azurecr.io/my-team/my-image",
        ),
        by_cloud={
            Cloud.AWS: "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            Cloud.GCP: "us-central1-docker.pkg.dev/my-project/my-repo",
            Cloud.AZURE: "demo1.azurecr.io",
        },
        on_every_model=True,
        other_words=("registry", "image_registry"),
        flag=Flag(
            "Where images are pushed to: ECR, Artifact Registry, ACR or any other registry.",
            "URI",
            _WHERE,
        ),
        program=Property(comes_out=True),
        stored=_anywhere(
            Stored(
                (Place("container_registry", "uri", rest="default_repository"),),
                "location",
                shown_rest="repository",
            )
        ),
    ),
    FieldInfo(
        "cluster",
        "The name of the EKS, GKE or AKS cluster that runs the flows.",
        types=frozenset({_KUBERNETES}),
        examples=("prod-cluster",),
        other_words=("cluster_name", "kubernetes_cluster"),
        flag=Flag(
            "The Kubernetes cluster: EKS, GKE or AKS (type kubernetes).",
            "NAME",
            _WHERE,
            after="region",
        ),
        program=Property(comes_out=True),
        stored={
            _KUBERNETES: Stored(
                (Place("cluster", "name"),),
                "cluster",
                shown_from=(Place("orchestrator", "kubernetes_context"),),
            )
        },
    ),
    FieldInfo(
        "region",
        "The cloud's region of the runner and the registry; for GKE the cluster's zone will do.",
        required=frozenset({_VERTEX, _SAGEMAKER}),
        examples=("eu-west-1", "us-central1", "westeurope"),
        by_cloud={Cloud.AWS: "eu-west-1", Cloud.GCP: "us-central1", Cloud.AZURE: "westeurope"},
        needs_cloud=True,
        other_words=("location", "zone"),
        flag=Flag("The cloud's region or location.", "REGION", _WHERE),
        program=Property(comes_out=True),
        stored={
            _KUBERNETES: Stored(_REGION_OF_CONNECTOR, "region"),
            _VERTEX: _in_runner("location"),
            _SAGEMAKER: Stored((Place("orchestrator", "region"), *_REGION_OF_CONNECTOR), "region"),
            _AZUREML: _in_runner("location", order=1),
        },
    ),
    FieldInfo(
        "namespace",
        "The Kubernetes namespace of the flows' pods; `default` unless given. It has to exist, "
        "but for one in a cluster that `kitaru stack create` or `apply` makes.",
        types=frozenset({_KUBERNETES}),
        parser="names:namespace",
        default="default",
        examples=("ml",),
        other_words=("kubernetes_namespace",),
        flag=Flag("The Kubernetes namespace (type kubernetes).", "NAME", _WHERE),
        program=Property(stand_in="default"),
        stored={_KUBERNETES: _in_runner("kubernetes_namespace", "namespace")},
    ),
    FieldInfo(
        "project",
        "The id of the GCP project, where the container registry does not name it.",
        types=frozenset({_LOCAL, _KUBERNETES, _VERTEX}),
        parser="names:gcp_project",
        examples=("my-project",),
        cloud=Cloud.GCP,
        needs_cloud=True,
        on_every_model=True,
        other_words=("project_id", "gcp_project"),
        flag=Flag(
            "The Google Cloud project, where the registry does not name it.",
            "ID",
            _WHERE,
            after="workspace",
        ),
        # The connector has it, and so has each stack whose registry tells it: it is not read back.
        stored={_VERTEX: Stored((), "project", shown_from=(Place("orchestrator", "project"),))},
    ),
    FieldInfo(
        "execution_role",
        "The ARN of the IAM role that SageMaker runs the flows with.",
        types=frozenset({_SAGEMAKER}),
        examples=("arn:aws:iam::123456789012:role/SageMakerExecutionRole",),
        other_words=("role", "role_arn", "execution_role_arn"),
        flag=Flag("The IAM role of the runs (type sagemaker).", "ARN", _WHERE),
        program=Property(comes_out=True),
        stored={_SAGEMAKER: _in_runner("execution_role")},
    ),
    FieldInfo(
        "subscription_id",
        "The Azure subscription, a UUID.",
        types=frozenset({_LOCAL, _KUBERNETES, _AZUREML}),
        required=frozenset({_AZUREML}),
        parser="names:subscription_id",
        examples=("00000000-0000-0000-0000-000000000123",),
        cloud=Cloud.AZURE,
        needs_cloud=True,
        other_words=("subscription",),
        flag=Flag("The Azure subscription (azureml, AKS).", "UUID", _WHERE),
        stored={
            _KUBERNETES: Stored((Place("connector", "subscription_id"),), "subscription_id"),
            _AZUREML: _in_runner("subscription_id"),
        },
    ),
    FieldInfo(
        "resource_group",
        "The Azure resource group of the cluster or the workspace.",
        types=frozenset({_LOCAL, _KUBERNETES, _AZUREML}),
        required=frozenset({_AZUREML}),
        parser="names:resource_group",
        examples=("ml-platform",),
        cloud=Cloud.AZURE,
        needs_cloud=True,
        other_words=("resource_group_name",),
        flag=Flag("The Azure resource group (azureml, AKS).", "NAME", _WHERE),
        stored={
            _KUBERNETES: Stored((_GROUP_OF_CLUSTER,), "resource_group"),
            _AZUREML: _in_runner("resource_group"),
        },
    ),
    FieldInfo(
        "workspace",
        "The Azure Machine Learning workspace that runs the flows.",
        types=frozenset({_AZUREML}),
        parser="names:workspace",
        examples=("team-ml",),
        other_words=("workspace_name",),
        flag=Flag("The AzureML workspace (type azureml).", "NAME", _WHERE),
        program=Property(comes_out=True),
        stored={_AZUREML: _in_runner("workspace")},
    ),
    FieldInfo(
        "credentials",
        "How the stack's service connector logs in: a credential string, or env:NAME, file:PATH or "
        "- (standard input) for where one stands.",
        value="credentials:Credentials",
        secret=True,
        examples=("aws-profile:prod", "env:KITARU_CREDENTIALS", "implicit"),
        needs_cloud=True,
        other_words=("credential",),
        flag=Flag(
            "How to reach the cloud, as aws-profile:NAME or gcp-service-account:FILE. Keep "
            "secrets off the command line with env:NAME, file:PATH or - (stdin).",
            "METHOD",
            _ACCESS,
            "implicit",
        ),
        program=Property(
            description="How the stack's service connector logs in: a credential string, or "
            "env:NAME or file:PATH for where one stands. Left out, the connector is what the ZenML "
            "server itself is.",
            stand_in="implicit",
        ),
    ),
    FieldInfo(
        "connector",
        "The name or id of an existing service connector to use instead of a new one.",
        parser="names:connector_name",
        examples=("shared-aws",),
        needs_cloud=True,
        other_words=("service_connector",),
        flag=Flag("Use this existing service connector instead of a new one.", "NAME", _ACCESS),
        program=Property(stand_in="connector"),
        stored=_anywhere(Stored((Place("stack", "connector"),))),
    ),
    FieldInfo(
        "verify",
        "Verify the connector and the resources it reaches before anything is written.",
        kind=Kind.SWITCH,
        default=True,
        flag=Flag(
            "Whether the connector has to reach its resources before anything is written.",
            panel=_ACCESS,
            words="--verify/--no-verify",
        ),
        program=Property(left_out="True", stand_in=True),
    ),
    FieldInfo(
        "activate",
        "Make the stack the active one once it exists.",
        kind=Kind.SWITCH,
        default=True,
        flag=Flag(
            "Whether it becomes the active stack.",
            panel=_MORE,
            words="--activate/--no-activate",
            after="infra",
        ),
        # In CI there is nobody whose choice it would be.
        program=Property(default=False, left_out="False", stand_in=False),
    ),
    FieldInfo(
        "async",
        "Do not wait for the flows: `orchestrator.synchronous=false`, unless `extra` sets it.",
        types=_REMOTE,
        kind=Kind.SWITCH,
        default=False,
        on_every_model=True,
        other_words=("asynchronous",),
        flag=Flag(
            "Do not wait for runs to end; short for "
            "--extra orchestrator.synchronous=false, which wins if both are given.",
            panel=_RUNS,
            words="--async",
        ),
        program=Property(stand_in=True),
    ),
    FieldInfo(
        "extra",
        "Further fields of the ZenML components, per component.",
        kind=Kind.MAPPING,
        value="extras:Extra",
        default={},
        other_words=("extras",),
        flag=Flag(
            "A field of the component behind it; TARGET is orchestrator, artifact_store or "
            "container_registry.",
            "TARGET.FIELD=VALUE",
            _RUNS,
        ),
        program=Property(stand_in={}),
    ),
    FieldInfo(
        "infra",
        "What is done about the infrastructure: take it as given (none), check that it is fit "
        "(verify), or create what is missing (provision).",
        value="kinds:InfraMode",
        default=InfraMode.NONE,
        choices=tuple(InfraMode),
        needs_cloud=True,
        other_words=("infra_mode",),
        flag=Flag(
            "What to do about the infrastructure: none, verify or provision.",
            "MODE",
            _MORE,
            completes="infra_modes",
        ),
        program=Property(
            of_stack=False,
            elsewhere="Use ProvisionedStack to provision, or the function verify.",
            of_provisioned=False,
        ),
    ),
    FieldInfo(
        "resources",
        "What is done about single resources, where it is not what `infra` says.",
        kind=Kind.MAPPING,
        value="kinds:ResourceMode",
        default={},
        choices=tuple(ResourceMode),
        needs_cloud=True,
        program=Property(of_stack=False, elsewhere="Use ProvisionedStack."),
    ),
    FieldInfo(
        "infrastructure",
        "How what is provisioned is made: its network, nodes, key, tags. The options are in the "
        "reference of stack.yaml.",
        kind=Kind.MAPPING,
        value="infrastructure:Infrastructure",
        default={},
        needs_cloud=True,
        on_every_model=True,
        other_words=("provisioning", "infra_options"),
        flag=Flag(
            "How what is provisioned is made, as nodes=3 or tags.team=ml; elements of a list stand "
            "between commas.",
            "OPTION=VALUE",
            _MORE,
            after="infra",
        ),
        program=Property(of_stack=False, elsewhere="Use ProvisionedStack."),
    ),
    *ANNOTATION_FIELDS,
)

#: Every field by its key, in the order in which a description is written.
FIELDS: Mapping[str, FieldInfo] = {info.key: info for info in _TABLE}
