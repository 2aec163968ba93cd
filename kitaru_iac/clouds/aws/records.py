"""Description → ZenML's records for AWS: EKS, SageMaker, or a local runner with an S3 bucket.

Field names and values are those of the other `kitaru`; what it loses is added: SageMaker's region
and its bucket (without one ZenML makes ``sagemaker-REGION-ACCOUNT``, which an execution role made
for the stack's own bucket may not use), and an ECR URI's path, which ZenML refuses in ``uri``, as
``default_repository``.
"""

from __future__ import annotations

from kitaru_iac.notices import CredentialsExpire, KitaruWarning, LocalCredentials
from kitaru_iac.records.model import ConnectorRecord, Records
from kitaru_iac.records.parts import (
    Auth,
    Part,
    assemble,
    existing_connector,
    filled,
    foreign_registry,
    local_runner,
    missing,
    new_connector,
)
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.model import KubernetesSpec, SagemakerSpec, StackSpec
from kitaru_iac.spec.uris import EcrUri, S3Uri

__all__ = ["desired"]

_OWN_CREDENTIALS = LocalCredentials(
    "The artifact store is reached with this machine's own AWS credentials; give --credentials or "
    "--connector to store some with the stack."
)
_EXPIRES = CredentialsExpire(
    "The session token in the connector expires within hours, and the stack stops working then: "
    "use aws-role:ARN or aws-profile:NAME for one that lasts."
)


def desired(spec: StackSpec) -> Records:
    """The records of a stack on AWS.

    Raises:
        DescriptionError: A connector is needed and nothing tells the region.
    """
    connector, notes = _connector(spec)
    in_configuration = isinstance(spec, SagemakerSpec) or (connector and not connector.existing)
    return assemble(
        spec,
        (_runner(spec), _store(spec), _registry(spec)),
        connector,
        region_label=None if in_configuration else spec.region,
        notes=notes,
    )


def _runner(spec: StackSpec) -> Part:
    if isinstance(spec, KubernetesSpec):
        return Part(
            "orchestrator",
            "kubernetes",
            {},
            "kubernetes-cluster",
            spec.cluster,
        )
    if isinstance(spec, SagemakerSpec):
        bucket = spec.artifact_store.bucket if isinstance(spec.artifact_store, S3Uri) else None
        fields = filled(execution_role=spec.execution_role, region=spec.region, bucket=bucket)
        return Part("orchestrator", "sagemaker", fields, "aws-generic", filled=_filled_in(spec))
    return local_runner()


def _filled_in(spec: SagemakerSpec) -> dict[str, list[str]]:
    """What ZenML writes where no instance type is described, with each change of the component.

    `zenml.integrations.aws.flavors.sagemaker_orchestrator_flavor` (0.98).
    """
    trains = spec.extra.orchestrator.get("use_training_step", True)
    return {"instance_type": ["ml.m5.xlarge" if trains else "ml.t3.medium"]}


def _store(spec: StackSpec) -> Part:
    uri = spec.artifact_store
    if uri is None:
        return Part("artifact_store", "s3", {}, "s3-bucket")
    return Part("artifact_store", "s3", {"path": uri.store_path}, "s3-bucket", uri.bucket_uri)


def _registry(spec: StackSpec) -> Part | None:
    uri = spec.container_registry
    if isinstance(uri, EcrUri):
        fields = filled(uri=uri.host, default_repository=uri.repository)
        return Part("container_registry", "aws", fields, "docker-registry", uri.host)
    return foreign_registry(uri) if uri is not None else None


def _connector(spec: StackSpec) -> tuple[ConnectorRecord | None, tuple[KitaruWarning, ...]]:
    existing = existing_connector(spec, "aws")
    if existing is not None:
        return existing, ()
    runs_here = not isinstance(spec, KubernetesSpec | SagemakerSpec)
    if runs_here and spec.credentials is None:
        return None, (_OWN_CREDENTIALS,)
    auth = _auth(spec.credentials)
    region = spec.region
    if region is None and isinstance(spec.container_registry, EcrUri):
        region = spec.container_registry.region
    if region is None:
        raise missing("region", "the AWS region is missing", "ZenML's AWS connector demands one")
    return new_connector(spec, "aws", auth, {"region": region}), auth.notes


def _auth(credentials: Credentials | None) -> Auth:
    """ZenML's method for credentials; spec/credentials.py says why it is this one."""
    kind = credentials.kind if credentials else "implicit"
    match kind:
        case "aws-access-keys":
            return Auth("secret-key")
        case "aws-session-token":
            return Auth("sts-token", notes=(_EXPIRES,))
        case _:
            return Auth("implicit", credentials.values if credentials else {})
