"""Description → ZenML's records for Azure: AKS, AzureML, or a local runner with a blob container.

Field names and values are those of the other `kitaru`, which has no AKS: its cluster's resource id
is ``RESOURCE_GROUP/CLUSTER``, the form that ZenML calls canonical (``_parse_aks_resource_id``). The
connector gets no resource group: it would hide containers and registries of other groups. A storage
account that the artifact store's URI names is given to it: without one ZenML reads every account of
the subscription and fails at the first that it may not read.
"""

from __future__ import annotations

from kitaru_iac.notices import FieldIgnored, KitaruWarning, LocalCredentials
from kitaru_iac.records.model import ConnectorRecord, Records
from kitaru_iac.records.parts import (
    Auth,
    Part,
    assemble,
    existing_connector,
    filled,
    foreign_registry,
    local_runner,
    new_connector,
)
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.model import AzuremlSpec, KubernetesSpec, StackSpec
from kitaru_iac.spec.uris import AcrUri, AzureBlobUri

__all__ = ["desired"]

_OWN_CREDENTIALS = LocalCredentials(
    "The artifact store is reached with this machine's own Azure credentials; give --credentials "
    "or --connector to store some with the stack."
)
_LOCATION_UNUSED = FieldIgnored(
    "ZenML ignores the location in AzureML's serverless mode, which is the default: jobs run where "
    "the workspace is. It counts for a compute cluster or instance (orchestrator.mode)."
)


def desired(spec: StackSpec) -> Records:
    """The records of a stack on Azure."""
    connector, notes = _connector(spec)
    if isinstance(spec, AzuremlSpec) and spec.region:
        mode = str(spec.extra.orchestrator.get("mode", "serverless"))
        notes = (*notes, _LOCATION_UNUSED) if mode == "serverless" else notes
    return assemble(
        spec,
        (_runner(spec), _store(spec), _registry(spec)),
        connector,
        region_label=None if isinstance(spec, AzuremlSpec) else spec.region,
        notes=notes,
    )


def _runner(spec: StackSpec) -> Part:
    if isinstance(spec, KubernetesSpec):
        cluster = spec.cluster
        if cluster and spec.resource_group:
            cluster = f"{spec.resource_group}/{cluster}"
        return Part(
            "orchestrator",
            "kubernetes",
            {},
            "kubernetes-cluster",
            cluster,
        )
    if isinstance(spec, AzuremlSpec):
        return Part("orchestrator", "azureml", {}, "azure-generic")
    return local_runner()


def _store(spec: StackSpec) -> Part:
    uri = spec.artifact_store
    if uri is None:
        return Part("artifact_store", "azure", {}, "blob-container")
    path = {"path": uri.store_path}
    return Part("artifact_store", "azure", path, "blob-container", uri.bucket_uri)


def _registry(spec: StackSpec) -> Part | None:
    uri = spec.container_registry
    if isinstance(uri, AcrUri):
        return Part("container_registry", "azure", {"uri": str(uri)}, "docker-registry", uri.host)
    return foreign_registry(uri) if uri is not None else None


def _connector(spec: StackSpec) -> tuple[ConnectorRecord | None, tuple[KitaruWarning, ...]]:
    existing = existing_connector(spec, "azure")
    if existing is not None:
        return existing, ()
    if not isinstance(spec, KubernetesSpec | AzuremlSpec) and spec.credentials is None:
        return None, (_OWN_CREDENTIALS,)
    uri = spec.artifact_store
    fields = filled(
        subscription_id=getattr(spec, "subscription_id", None),
        storage_account=uri.account if isinstance(uri, AzureBlobUri) else None,
    )
    return new_connector(spec, "azure", _auth(spec.credentials), fields), ()


def _auth(credentials: Credentials | None) -> Auth:
    """ZenML's method for credentials; spec/credentials.py says why it is this one."""
    if credentials is not None and credentials.kind == "azure-service-principal":
        return Auth("service-principal", credentials.values)
    return Auth("implicit")
