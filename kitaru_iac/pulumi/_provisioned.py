"""The component of a stack with its infrastructure.

Written by scripts/generate from the table of fields; changes here are lost.
"""

# No `from __future__ import annotations`: Pulumi reads the annotations of the class.
from collections.abc import Mapping

import pulumi

from kitaru_iac.pulumi.provisioned import Provisioned
from kitaru_iac.pulumi.stack import Extra

__all__ = ["ProvisionedStack"]


class ProvisionedStack(Provisioned):
    """A Kitaru stack on infrastructure that is made for it.

    The arguments are the keys of ``stack.yaml``. It makes what the command makes for the same
    description with ``infra: provision``, under the same names, in the account of the program's
    provider of that cloud and in the description's region; then it registers a `Stack` with what
    came out. A local type without a bucket gets the `Stack` alone.
    """

    name: pulumi.Output[str]
    """The stack's name; its components and its connector are called the same. For example
    `prod-k8s`."""
    type: pulumi.Output[str]
    """Where the flows run. One of local, kubernetes, vertex, sagemaker, azureml."""
    artifact_store: pulumi.Output[str | None]
    """Where checkpoints and saved data are stored: the URI of an S3 bucket, a Cloud Storage
    bucket or a blob container, with or without a path; for a local stack also a folder. For
    example `s3://my-bucket/kitaru`."""
    container_registry: pulumi.Output[str | None]
    """Where container images are pushed: the registry's URI, without a tag. For example
    `123456789012.dkr.ecr.eu-west-1.amazonaws.com`."""
    cluster: pulumi.Output[str | None]
    """The name of the EKS, GKE or AKS cluster that runs the flows. For example `prod-cluster`."""
    region: pulumi.Output[str | None]
    """The cloud's region of the runner and the registry; for GKE the cluster's zone will do. For
    example `eu-west-1`."""
    execution_role: pulumi.Output[str | None]
    """The ARN of the IAM role that SageMaker runs the flows with. For example
    `arn:aws:iam::123456789012:role/SageMakerExecutionRole`."""
    workspace: pulumi.Output[str | None]
    """The Azure Machine Learning workspace that runs the flows. For example `team-ml`."""

    def __init__(
        self,
        resource_name: str,
        *,
        opts: pulumi.ResourceOptions | None = None,
        name: str | None = None,
        type: str | None = None,
        artifact_store: str | None = None,
        container_registry: str | None = None,
        cluster: str | None = None,
        region: str | None = None,
        namespace: pulumi.Input[str] | None = None,
        project: str | None = None,
        execution_role: str | None = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        workspace: str | None = None,
        credentials: pulumi.Input[str] | None = None,
        connector: pulumi.Input[str] | None = None,
        verify: pulumi.Input[bool] | None = None,
        activate: pulumi.Input[bool] | None = None,
        async_: pulumi.Input[bool] | None = None,
        extra: pulumi.Input[Extra] | None = None,
        resources: Mapping[str, str] | None = None,
        infrastructure: Mapping[str, object] | None = None,
    ) -> None:
        """Describe a stack. What decides what is made has to be known: plain text, no outputs.

        Args:
            resource_name: The resource's name in the program.
            opts: Pulumi's options; providers of ``aws`` and ``kitaru`` reach the parts.
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
                itself is. For example `aws-profile:prod`. They make nothing: the cloud's own
                provider does.
            connector: The name or id of an existing service connector to use instead of a new one.
                For example `shared-aws`.
            verify: Verify the connector and the resources it reaches before anything is written.
                True, if left out.
            activate: Make the stack the active one once it exists. False, if left out.
            async_: Do not wait for the flows: `orchestrator.synchronous=false`, unless `extra` sets
                it.
            extra: Further fields of the ZenML components, per component.
            resources: What is done about single resources (bucket, registry, role, cluster):
                existing, create or skip. What the description does not name is made, but a cluster
                only where `create` is said.
            infrastructure: How what is provisioned is made: its network, nodes, key, tags. The
                options are in the reference of stack.yaml. They are called as there.

        Raises:
            InputsRefused: The description is wrong; with every problem.
            pulumi.RunError: It cannot be made: the cloud, its packages, its account.
        """
        given = {
            "name": name,
            "type": type,
            "artifact_store": artifact_store,
            "container_registry": container_registry,
            "cluster": cluster,
            "region": region,
            "namespace": namespace,
            "project": project,
            "execution_role": execution_role,
            "subscription_id": subscription_id,
            "resource_group": resource_group,
            "workspace": workspace,
            "credentials": credentials,
            "connector": connector,
            "verify": verify,
            "activate": activate,
            "async": async_,
            "extra": extra,
            "resources": resources,
            "infrastructure": infrastructure,
        }
        super().__init__(resource_name, given, opts)
