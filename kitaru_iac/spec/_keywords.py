"""The keys of a description as arguments.

Written by scripts/generate from the table of fields; changes here are lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.kinds import InfraMode, ResourceMode
from kitaru_iac.spec.uris import ArtifactStoreUri, RegistryUri

__all__ = ["StackFields"]


class StackFields(TypedDict, total=False):
    """The keys of stack.yaml that `create_stack` takes beside those in its signature."""

    artifact_store: str | ArtifactStoreUri | None
    """Where checkpoints and saved data are stored: the URI of an S3 bucket, a Cloud Storage
    bucket or a blob container, with or without a path; for a local stack also a folder."""
    container_registry: str | RegistryUri | None
    """Where container images are pushed: the registry's URI, without a tag."""
    cluster: str | None
    """The name of the EKS, GKE or AKS cluster that runs the flows."""
    region: str | None
    """The cloud's region of the runner and the registry; for GKE the cluster's zone will do."""
    namespace: str | None
    """The Kubernetes namespace of the flows' pods; `default` unless given. It has to exist, but
    for one in a cluster that `kitaru stack create` or `apply` makes."""
    project: str | None
    """The id of the GCP project, where the container registry does not name it."""
    execution_role: str | None
    """The ARN of the IAM role that SageMaker runs the flows with."""
    subscription_id: str | None
    """The Azure subscription, a UUID."""
    resource_group: str | None
    """The Azure resource group of the cluster or the workspace."""
    workspace: str | None
    """The Azure Machine Learning workspace that runs the flows."""
    credentials: str | Credentials | None
    """How the stack's service connector logs in: a credential string, or env:NAME, file:PATH or
    - (standard input) for where one stands."""
    connector: str | None
    """The name or id of an existing service connector to use instead of a new one."""
    verify: bool | None
    """Verify the connector and the resources it reaches before anything is written."""
    async_: bool | None
    """Do not wait for the flows: `orchestrator.synchronous=false`, unless `extra` sets it."""
    infra: str | InfraMode | None
    """What is done about the infrastructure: take it as given (none), check that it is fit
    (verify), or create what is missing (provision)."""
    resources: Mapping[str, str | ResourceMode] | None
    """What is done about single resources, where it is not what `infra` says."""
    infrastructure: Mapping[str, object] | None
    """How what is provisioned is made: its network, nodes, key, tags. The options are in the
    reference of stack.yaml."""
    description: str | None
    """What is to be read about the stack in ZenML, in one or two sentences."""
    labels: Mapping[str, object] | None
    """Labels of the stack in ZenML. Others, which were added by hand, are left alone."""
    ignore_changes: Sequence[str] | None
    """Fields that somebody else manages once the stack is there: they are made as described, and
    left as they are from then on. Paths as orchestrator.FIELD, artifact_store.FIELD,
    container_registry.FIELD, connector.FIELD, labels.NAME or description."""
