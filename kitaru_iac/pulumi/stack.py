"""The resource class of a registered stack, for Pulumi programs in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import pulumi

from kitaru_iac.pulumi.keys import STACK_KEYS, camel
from kitaru_iac.pulumi.options import resource_options

__all__ = ["STACK_TOKEN", "Extra", "Stack", "StackArgs"]

STACK_TOKEN = "kitaru:index:Stack"  # noqa: S105

#: Fields of the ZenML components, as ``{"orchestrator": {"synchronous": False}}``.
Extra = Mapping[str, pulumi.Input[Mapping[str, Any]]]

#: What the provider adds to the description.
_COMPUTED = (
    *("component_ids", "connector_id", "connector_type", "connector_auth_method"),
    *("owner_run", "drift"),
)
#: Names on the wire by those in Python.
_WIRE = {f"{key}_" if key == "async" else key: camel(key) for key in (*STACK_KEYS, *_COMPUTED)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StackArgs:
    """The description of a stack: the keys of ``stack.yaml``.

    Attributes:
        name: The stack's name; the resource's if left out.
        type: local (if left out), kubernetes, vertex, sagemaker or azureml.
        artifact_store: The URI that checkpoints and saved data are stored under.
        container_registry: The URI that images are pushed to, without a tag.
        cluster: The name of the EKS, GKE or AKS cluster.
        region: The cloud's region of the runner and the registry.
        namespace: The Kubernetes namespace of the flows' pods; ``default`` if left out.
        project: The id of the GCP project, where the registry does not name it.
        execution_role: The ARN of the role that SageMaker runs the flows with.
        subscription_id: The Azure subscription.
        resource_group: The Azure resource group of the cluster or the workspace.
        workspace: The Azure Machine Learning workspace.
        credentials: Who the stack's connector is: a credential string, or ``env:NAME`` or
            ``file:PATH`` for where one stands. Always kept as a secret. Left out, the connector
            uses what the ZenML server itself has.
        connector: The name or id of an existing service connector, instead.
        verify: Whether the connector has to reach each resource before anything is written. True
            if left out.
        activate: Whether it becomes the active stack of the provider's connection. False if left
            out, unlike with the command: in CI there is nobody whose choice it would be.
        async_: Whether a run does not wait for its end.
        extra: Further fields of the ZenML components, by component:
            ``{"orchestrator": {"synchronous": False}}``.
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


class Stack(pulumi.CustomResource):
    """A Kitaru stack, registered in ZenML with its components and its service connector.

    The arguments are the keys of ``stack.yaml``, and the outputs are called the same. The
    resource's id is the ZenML stack's UUID.

    A change is made in place, and the stack keeps its id. Another name, type, or method of the
    connector's credentials replaces it.
    """

    name: pulumi.Output[str]
    """The stack's name."""
    type: pulumi.Output[str]
    """Where the flows run: local, kubernetes, vertex, sagemaker or azureml."""
    artifact_store: pulumi.Output[str | None] = pulumi.property("artifactStore")
    """The URI that checkpoints and saved data are stored under."""
    container_registry: pulumi.Output[str | None] = pulumi.property("containerRegistry")
    """The URI that images are pushed to."""
    cluster: pulumi.Output[str | None]
    """The name of the Kubernetes cluster."""
    region: pulumi.Output[str | None]
    """The cloud's region."""
    namespace: pulumi.Output[str | None]
    """The Kubernetes namespace of the flows' pods."""
    project: pulumi.Output[str | None]
    """The id of the GCP project."""
    execution_role: pulumi.Output[str | None] = pulumi.property("executionRole")
    """The ARN of the role that SageMaker runs the flows with."""
    subscription_id: pulumi.Output[str | None] = pulumi.property("subscriptionId")
    """The Azure subscription."""
    resource_group: pulumi.Output[str | None] = pulumi.property("resourceGroup")
    """The Azure resource group of the cluster or the workspace."""
    workspace: pulumi.Output[str | None]
    """The Azure Machine Learning workspace."""
    credentials: pulumi.Output[str | None]
    """How the stack's connector logs in, as it was given. A secret."""
    connector: pulumi.Output[str | None]
    """The existing service connector that the stack uses."""
    verify: pulumi.Output[bool | None]
    """Whether the connector is verified before anything is written."""
    activate: pulumi.Output[bool | None]
    """Whether it was made the active stack."""
    async_: pulumi.Output[bool | None] = pulumi.property("async")
    """Whether a run does not wait for its end."""
    extra: pulumi.Output[Mapping[str, Mapping[str, Any]] | None]
    """Further fields of the ZenML components, by component."""
    component_ids: pulumi.Output[Mapping[str, str]] = pulumi.property("componentIds")
    """The UUIDs of the ZenML components by type, as ``artifact_store``."""
    connector_id: pulumi.Output[str | None] = pulumi.property("connectorId")
    """The UUID of the service connector."""
    connector_type: pulumi.Output[str | None] = pulumi.property("connectorType")
    """The service connector's type: aws, gcp or azure."""
    connector_auth_method: pulumi.Output[str | None] = pulumi.property("connectorAuthMethod")
    """ZenML's name of the connector's method, as ``secret-key``."""
    owner_run: pulumi.Output[str | None] = pulumi.property("ownerRun")
    """A token on the stack's record that says whose it is."""
    drift: pulumi.Output[Sequence[str]]
    """What a refresh found changed that no other property says: a line each."""

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
            args: The description.
            opts: Pulumi's options.
            name: See `StackArgs`, as for all that follow.
            type: Where the flows run.
            artifact_store: Where checkpoints and saved data are stored.
            container_registry: Where images are pushed.
            cluster: The Kubernetes cluster.
            region: The cloud's region.
            namespace: The Kubernetes namespace.
            project: The GCP project.
            execution_role: SageMaker's role.
            subscription_id: The Azure subscription.
            resource_group: The Azure resource group.
            workspace: The Azure Machine Learning workspace.
            credentials: Who the connector is.
            connector: An existing connector, instead.
            verify: Whether the connector is verified first.
            activate: Whether it becomes the active stack.
            async_: Whether a run does not wait.
            extra: Further fields of the components.
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
        props = _Props()
        props.__dict__.update(dict.fromkeys(_COMPUTED))  # what the engine fills in
        for field in fields(given):
            props.__dict__[field.name] = getattr(given, field.name)
        if given.credentials is not None:
            props.__dict__["credentials"] = pulumi.Output.secret(given.credentials)
        secret = pulumi.ResourceOptions(additional_secret_outputs=["credentials"])
        opts = pulumi.ResourceOptions.merge(resource_options(), opts)
        super().__init__(
            STACK_TOKEN, resource_name, props, pulumi.ResourceOptions.merge(opts, secret)
        )

    @classmethod
    def get(
        cls,
        resource_name: str,
        id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> Stack:
        """An existing stack, which is read and not managed.

        Args:
            resource_name: The resource's name in the program.
            id: The stack's name or UUID. If there is none, the preview fails.
            opts: Pulumi's options.
        """
        merged = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
        return cls(resource_name, opts=merged)


def _props() -> Any:
    """The class of the properties, by which the SDK translates their names, and theirs alone.

    Without such a class it would translate the names inside of `extra` too, which are ZenML's.
    """
    annotations = dict.fromkeys(_WIRE, Any)
    body = {python: pulumi.property(wire, default=None) for python, wire in _WIRE.items()}
    return pulumi.input_type(type("_Props", (), {"__annotations__": annotations, **body}))


_Props: Any = _props()
