"""The resource class of a registered stack.

Written by scripts/generate from the table of fields; changes here are lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import pulumi

from kitaru_iac.pulumi.stack import Extra, RegisteredStack

__all__ = ["Stack", "StackArgs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackArgs:
    """The description of a stack: the keys of ``stack.yaml``.

    Attributes:
        name: The stack's name; its components and its connector are called the same. For example
            `prod-k8s`. The resource's name, if left out.
        type: Where the flows run. One of local, kubernetes, vertex, sagemaker, azureml. local, if
            left out.
        artifact_store: Where checkpoints and saved data are stored: the URI of an S3 bucket, a
            Cloud Storage bucket or a blob container, with or without a path; for a local stack also
            a folder. For example `s3://my-bucket/kitaru`.
        container_registry: Where container images are pushed: the registry's URI, without a tag.
            For example `123456789012.dkr.ecr.eu-west-1.amazonaws.com`.
        cluster: The name of the EKS, GKE or AKS cluster that runs the flows. For example
            `prod-cluster`.
        region: The cloud's region of the runner and the registry; for GKE the cluster's zone will
            do. For example `eu-west-1`.
        namespace: The Kubernetes namespace of the flows' pods; `default` unless given. It has to
            exist, but for one in a cluster that `kitaru stack create` or `apply` makes. For example
            `ml`.
        project: The id of the GCP project, where the container registry does not name it. For
            example `my-project`.
        execution_role: The ARN of the IAM role that SageMaker runs the flows with. For example
            `arn:aws:iam::123456789012:role/SageMakerExecutionRole`.
        subscription_id: The Azure subscription, a UUID. For example
            `00000000-0000-0000-0000-000000000123`.
        resource_group: The Azure resource group of the cluster or the workspace. For example
            `ml-platform`.
        workspace: The Azure Machine Learning workspace that runs the flows. For example `team-ml`.
        credentials: How the stack's service connector logs in: a credential string, or env:NAME or
            file:PATH for where one stands. Left out, the connector is what the ZenML server itself
            is. For example `aws-profile:prod`.
        connector: The name or id of an existing service connector to use instead of a new one. For
            example `shared-aws`.
        verify: Verify the connector and the resources it reaches before anything is written. True,
            if left out.
        activate: Make the stack the active one once it exists. False, if left out.
        async_: Do not wait for the flows: `orchestrator.synchronous=false`, unless `extra` sets it.
        extra: Further fields of the ZenML components, per component.
    """

    name: pulumi.Input[str] | None = None
    type: pulumi.Input[str] | None = None
    artifact_store: pulumi.Input[str] | None = None
    container_registry: pulumi.Input[str] | None = None
    cluster: pulumi.Input[str] | None = None
    region: pulumi.Input[str] | None = None
    namespace: pulumi.Input[str] | None = None
    project: pulumi.Input[str] | None = None
    execution_role: pulumi.Input[str] | None = None
    subscription_id: pulumi.Input[str] | None = None
    resource_group: pulumi.Input[str] | None = None
    workspace: pulumi.Input[str] | None = None
    credentials: pulumi.Input[str] | None = None
    connector: pulumi.Input[str] | None = None
    verify: pulumi.Input[bool] | None = None
    activate: pulumi.Input[bool] | None = None
    async_: pulumi.Input[bool] | None = None
    extra: pulumi.Input[Extra] | None = None


class Stack(RegisteredStack):
    """A Kitaru stack, registered in ZenML with its components and its service connector.

    The arguments are the keys of ``stack.yaml``, and the outputs are called the same. The
    resource's id is the ZenML stack's UUID.

    A change is made in place, and the stack keeps its id. Another name, type, or method of the
    connector's credentials replaces it.
    """

    name: pulumi.Output[str]
    """The stack's name; its components and its connector are called the same. For example
    `prod-k8s`."""
    type: pulumi.Output[str]
    """Where the flows run; `custom` for what no description can say."""
    artifact_store: pulumi.Output[str | None] = pulumi.property("artifactStore")
    """Where checkpoints and saved data are stored: the URI of an S3 bucket, a Cloud Storage
    bucket or a blob container, with or without a path; for a local stack also a folder. For
    example `s3://my-bucket/kitaru`."""
    container_registry: pulumi.Output[str | None] = pulumi.property("containerRegistry")
    """Where container images are pushed: the registry's URI, without a tag. For example
    `123456789012.dkr.ecr.eu-west-1.amazonaws.com`."""
    cluster: pulumi.Output[str | None]
    """The name of the EKS, GKE or AKS cluster that runs the flows. For example `prod-cluster`."""
    region: pulumi.Output[str | None]
    """The cloud's region of the runner and the registry; for GKE the cluster's zone will do. For
    example `eu-west-1`."""
    namespace: pulumi.Output[str | None]
    """The Kubernetes namespace of the flows' pods; `default` unless given. It has to exist, but
    for one in a cluster that `kitaru stack create` or `apply` makes. For example `ml`."""
    project: pulumi.Output[str | None]
    """The id of the GCP project, where the container registry does not name it. For example
    `my-project`."""
    execution_role: pulumi.Output[str | None] = pulumi.property("executionRole")
    """The ARN of the IAM role that SageMaker runs the flows with. For example
    `arn:aws:iam::123456789012:role/SageMakerExecutionRole`."""
    subscription_id: pulumi.Output[str | None] = pulumi.property("subscriptionId")
    """The Azure subscription, a UUID. For example `00000000-0000-0000-0000-000000000123`."""
    resource_group: pulumi.Output[str | None] = pulumi.property("resourceGroup")
    """The Azure resource group of the cluster or the workspace. For example `ml-platform`."""
    workspace: pulumi.Output[str | None]
    """The Azure Machine Learning workspace that runs the flows. For example `team-ml`."""
    credentials: pulumi.Output[str | None]
    """How the stack's service connector logs in: a credential string, or env:NAME or file:PATH
    for where one stands. Left out, the connector is what the ZenML server itself is. For
    example `aws-profile:prod`."""
    connector: pulumi.Output[str | None]
    """The name or id of an existing service connector to use instead of a new one. For example
    `shared-aws`."""
    verify: pulumi.Output[bool | None]
    """Verify the connector and the resources it reaches before anything is written."""
    activate: pulumi.Output[bool | None]
    """Make the stack the active one once it exists."""
    async_: pulumi.Output[bool | None] = pulumi.property("async")
    """Do not wait for the flows: `orchestrator.synchronous=false`, unless `extra` sets it."""
    extra: pulumi.Output[Mapping[str, Mapping[str, Any]] | None]
    """Further fields of the ZenML components, per component."""
    component_ids: pulumi.Output[Mapping[str, str]] = pulumi.property("componentIds")
    """The UUIDs of the ZenML components by type, as `artifact_store`."""
    connector_id: pulumi.Output[str | None] = pulumi.property("connectorId")
    """The UUID of the service connector."""
    connector_type: pulumi.Output[str | None] = pulumi.property("connectorType")
    """The service connector's type: aws, gcp, azure."""
    connector_auth_method: pulumi.Output[str | None] = pulumi.property("connectorAuthMethod")
    """ZenML's name of the connector's method, as `secret-key`."""
    server_id: pulumi.Output[str | None] = pulumi.property("serverId")
    """The UUID of the ZenML server that the stack is on. It stays when the server's address
    changes."""
    server: pulumi.Output[str | None]
    """The server's address, or the file of a local store."""
    owner_urn: pulumi.Output[str | None] = pulumi.property("ownerUrn")
    """The URN of the resource that the stack's record names as its owner."""
    owner_run: pulumi.Output[str | None] = pulumi.property("ownerRun")
    """A token on the stack's record that says whose it is."""
    drift: pulumi.Output[Sequence[str]]
    """What a refresh found changed that no other property says, a line each. The next update
    repairs it."""

    def __init__(
        self,
        resource_name: str,
        args: StackArgs | None = None,
        opts: pulumi.ResourceOptions | None = None,
        *,
        name: pulumi.Input[str] | None = None,
        type: pulumi.Input[str] | None = None,
        artifact_store: pulumi.Input[str] | None = None,
        container_registry: pulumi.Input[str] | None = None,
        cluster: pulumi.Input[str] | None = None,
        region: pulumi.Input[str] | None = None,
        namespace: pulumi.Input[str] | None = None,
        project: pulumi.Input[str] | None = None,
        execution_role: pulumi.Input[str] | None = None,
        subscription_id: pulumi.Input[str] | None = None,
        resource_group: pulumi.Input[str] | None = None,
        workspace: pulumi.Input[str] | None = None,
        credentials: pulumi.Input[str] | None = None,
        connector: pulumi.Input[str] | None = None,
        verify: pulumi.Input[bool] | None = None,
        activate: pulumi.Input[bool] | None = None,
        async_: pulumi.Input[bool] | None = None,
        extra: pulumi.Input[Extra] | None = None,
    ) -> None:
        """Describe a stack, with a `StackArgs` or with its fields.

        Args:
            resource_name: The resource's name in the program.
            args: The description, instead of its fields.
            opts: Pulumi's options.
            name: The stack's name; its components and its connector are called the same. For
                example `prod-k8s`. The resource's name, if left out.
            type: Where the flows run. One of local, kubernetes, vertex, sagemaker, azureml. local,
                if left out.
            artifact_store: Where checkpoints and saved data are stored: the URI of an S3 bucket, a
                Cloud Storage bucket or a blob container, with or without a path; for a local stack
                also a folder. For example `s3://my-bucket/kitaru`.
            container_registry: Where container images are pushed: the registry's URI, without a
                tag. For example `123456789012.dkr.ecr.eu-west-1.amazonaws.com`.
            cluster: The name of the EKS, GKE or AKS cluster that runs the flows. For example
                `prod-cluster`.
            region: The cloud's region of the runner and the registry; for GKE the cluster's zone
                will do. For example `eu-west-1`.
            namespace: The Kubernetes namespace of the flows' pods; `default` unless given. It has
                to exist, but for one in a cluster that `kitaru stack create` or `apply` makes. For
                example `ml`.
            project: The id of the GCP project, where the container registry does not name it. For
                example `my-project`.
            execution_role: The ARN of the IAM role that SageMaker runs the flows with. For example
                `arn:aws:iam::123456789012:role/SageMakerExecutionRole`.
            subscription_id: The Azure subscription, a UUID. For example
                `00000000-0000-0000-0000-000000000123`.
            resource_group: The Azure resource group of the cluster or the workspace. For example
                `ml-platform`.
            workspace: The Azure Machine Learning workspace that runs the flows. For example
                `team-ml`.
            credentials: How the stack's service connector logs in: a credential string, or env:NAME
                or file:PATH for where one stands. Left out, the connector is what the ZenML server
                itself is. For example `aws-profile:prod`.
            connector: The name or id of an existing service connector to use instead of a new one.
                For example `shared-aws`.
            verify: Verify the connector and the resources it reaches before anything is written.
                True, if left out.
            activate: Make the stack the active one once it exists. False, if left out.
            async_: Do not wait for the flows: `orchestrator.synchronous=false`, unless `extra` sets
                it.
            extra: Further fields of the ZenML components, per component.
        """
        given = StackArgs(
            name=name,
            type=type,
            artifact_store=artifact_store,
            container_registry=container_registry,
            cluster=cluster,
            region=region,
            namespace=namespace,
            project=project,
            execution_role=execution_role,
            subscription_id=subscription_id,
            resource_group=resource_group,
            workspace=workspace,
            credentials=credentials,
            connector=connector,
            verify=verify,
            activate=activate,
            async_=async_,
            extra=extra,
        )
        if args is not None and given != StackArgs():
            raise TypeError("Stack got both args and some of their fields")
        given = args or given
        values = {field.name: getattr(given, field.name) for field in fields(given)}
        super().__init__(resource_name, values, opts)
