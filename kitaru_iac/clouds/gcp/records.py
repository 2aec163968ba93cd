"""Description → ZenML's records for Google Cloud: GKE, Vertex, or a local runner with a bucket.

Field names and values are those of the other `kitaru`. What it loses is added: no field of ZenML's
holds a GKE cluster's region, so a label does.
"""

from __future__ import annotations

from kitaru_iac.notices import KitaruWarning, LocalCredentials
from kitaru_iac.records.model import ConnectorRecord, Records
from kitaru_iac.records.parts import (
    Auth,
    Part,
    assemble,
    existing_connector,
    foreign_registry,
    local_runner,
    missing,
    new_connector,
)
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.model import KubernetesSpec, StackSpec, VertexSpec
from kitaru_iac.spec.uris import ArtifactRegistryUri, GcrUri

__all__ = ["desired"]

_OWN_CREDENTIALS = LocalCredentials(
    "The artifact store is reached with this machine's own Google credentials; give --credentials "
    "or --connector to store some with the stack."
)


def desired(spec: StackSpec) -> Records:
    """The records of a stack on Google Cloud.

    Raises:
        DescriptionError: A connector is needed and nothing tells the project.
    """
    connector, notes = _connector(spec)
    return assemble(
        spec,
        (_runner(spec), _store(spec), _registry(spec)),
        connector,
        region_label=None if isinstance(spec, VertexSpec) else spec.region,
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
    if isinstance(spec, VertexSpec):
        return Part("orchestrator", "vertex", {}, "gcp-generic")
    return local_runner()


def _store(spec: StackSpec) -> Part:
    uri = spec.artifact_store
    if uri is None:
        return Part("artifact_store", "gcp", {}, "gcs-bucket")
    return Part("artifact_store", "gcp", {"path": uri.store_path}, "gcs-bucket", uri.bucket_uri)


def _registry(spec: StackSpec) -> Part | None:
    uri = spec.container_registry
    if isinstance(uri, ArtifactRegistryUri | GcrUri):
        text = str(uri)
        return Part("container_registry", "gcp", {"uri": text}, "docker-registry", text)
    return foreign_registry(uri) if uri is not None else None


def _connector(spec: StackSpec) -> tuple[ConnectorRecord | None, tuple[KitaruWarning, ...]]:
    existing = existing_connector(spec, "gcp")
    if existing is not None:
        return existing, ()
    if not isinstance(spec, KubernetesSpec | VertexSpec) and spec.credentials is None:
        return None, (_OWN_CREDENTIALS,)
    of_key = spec.credentials.values.get("project_id") if spec.credentials else None
    project = spec.gcp_project or of_key
    if project is None:
        raise missing("project", "the GCP project is missing", "ZenML's GCP connector demands one")
    return new_connector(spec, "gcp", _auth(spec.credentials), {"project_id": project}), ()


def _auth(credentials: Credentials | None) -> Auth:
    """ZenML's method for credentials; spec/credentials.py says why it is this one."""
    if credentials is None:
        return Auth("implicit")
    match credentials.kind, credentials.values.get("source"):
        case "gcp-service-account", _:
            return Auth("service-account")
        case "gcp-workload-identity", _:
            return Auth("external-account")
        case "gcp-impersonate", "external-account":
            return Auth("external-account")
        case "gcp-impersonate", "key":
            principal = credentials.values["target_principal"]
            return Auth("impersonation", {"target_principal": principal})
        case _:
            return Auth("implicit")
