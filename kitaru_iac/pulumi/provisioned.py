"""A stack and the infrastructure it stands on, as one resource of a program.

No `from __future__ import annotations` here: Pulumi reads the annotations of these classes.
"""

from collections.abc import Mapping
from typing import Any, cast

import pulumi

from kitaru_iac.clouds import registry
from kitaru_iac.errors import DescriptionError, KitaruError, Problem
from kitaru_iac.pulumi.refusals import InputsRefused, not_plain, refused
from kitaru_iac.pulumi.stack import Extra, Stack
from kitaru_iac.pulumi.values import has_output
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import InfraMode, StackType
from kitaru_iac.spec.model import StackSpec

__all__ = [
    "PROVISIONED_KEYS",
    "PROVISIONED_OUTPUTS",
    "PROVISIONED_TOKEN",
    "ProvisionedStack",
    "checked",
]

PROVISIONED_TOKEN = "kitaru:index:ProvisionedStack"  # noqa: S105

#: What stands for an output in the check of the whole: what may be one changes no name.
_PLACEHOLDERS: Mapping[str, Any] = {
    "namespace": "default",
    "credentials": "implicit",
    "connector": "connector",
    "verify": True,
    "activate": False,
    "async": True,
    "extra": {},
}

#: The keys that it takes, and whether each may be an output.
PROVISIONED_KEYS: Mapping[str, bool] = {
    key: key in _PLACEHOLDERS for key in FIELDS if key != "infra"
}

#: The keys of a description that come out again; `stack_id` comes beside them.
PROVISIONED_OUTPUTS = (
    *("name", "type", "artifact_store", "container_registry", "cluster", "region"),
    "execution_role",
)

_COMPONENT = "ProvisionedStack"


class ProvisionedStack(pulumi.ComponentResource):
    """A Kitaru stack on infrastructure that is made for it.

    The arguments are the keys of ``stack.yaml``. It makes what the command makes for the same
    description with ``infra: provision``, under the same names, in the account of the program's
    provider of that cloud and in the description's region; then it registers a `Stack` with what
    came out. A local type without a bucket gets the `Stack` alone.

    Attributes:
        name: The stack's name.
        type: Where the flows run.
        artifact_store: The URI that checkpoints and saved data are stored under.
        container_registry: The URI that images are pushed to.
        cluster: The name of the Kubernetes cluster.
        region: The cloud's region.
        execution_role: The ARN of the role that SageMaker runs the flows with.
        stack_id: The UUID of the ZenML stack.
        stack: The registered stack itself.
    """

    name: pulumi.Output[str]
    type: pulumi.Output[str]
    artifact_store: pulumi.Output[str | None]
    container_registry: pulumi.Output[str | None]
    cluster: pulumi.Output[str | None]
    region: pulumi.Output[str | None]
    execution_role: pulumi.Output[str | None]
    stack_id: pulumi.Output[str]
    stack: Stack

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
    ) -> None:
        """Describe a stack. What decides what is made has to be known: plain text, no outputs.

        Args:
            resource_name: The resource's name in the program.
            opts: Pulumi's options; providers of ``aws`` and ``kitaru`` reach the parts.
            name: The stack's name; the resource's if left out.
            type: local (if left out), kubernetes, vertex, sagemaker or azureml.
            artifact_store: A bucket that exists, or the name of the one to make.
            container_registry: A registry that exists, or the name of the one to make.
            cluster: A cluster that exists, or the name of the one to make.
            region: Where everything is made.
            namespace: The Kubernetes namespace of the flows' pods.
            project: The GCP project.
            execution_role: SageMaker's role.
            subscription_id: The Azure subscription.
            resource_group: The Azure resource group.
            workspace: The Azure Machine Learning workspace.
            credentials: Who the stack's connector is. They make nothing: the provider does.
            connector: An existing connector, instead.
            verify: Whether the connector is verified first.
            activate: Whether it becomes the active stack.
            async_: Whether a run does not wait.
            extra: Further fields of the components.
            resources: What is done about single resources: ``{"bucket": "existing"}``.

        Raises:
            InputsRefused: The description is wrong; with every problem.
            pulumi.RunError: It cannot be made: the cloud, its packages, its account.
        """
        given: dict[str, Any] = {
            "name": name if name is not None else resource_name,
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
        }
        given = {key: value for key, value in given.items() if value is not None}
        spec, problems = checked(given)
        if spec is None or problems:
            raise InputsRefused(problems, _COMPONENT)
        super().__init__(PROVISIONED_TOKEN, resource_name, {}, opts)
        try:
            made, outputs = _infrastructure(resource_name, spec, self)
        except (KitaruError, pulumi.RunError) as error:
            raise refused(error, _COMPONENT) from error
        options = pulumi.ResourceOptions(parent=self)
        if made is not None:
            given = {**given, **outputs}
            # So that it goes before what it stands on.
            options = pulumi.ResourceOptions(parent=self, depends_on=[made])
        given.pop("resources", None)
        given = {"async_" if key == "async" else key: value for key, value in given.items()}
        self.stack = Stack(resource_name, opts=options, **given)
        for key in PROVISIONED_OUTPUTS:
            setattr(self, key, getattr(self.stack, key))
        self.stack_id = self.stack.id
        self.register_outputs(
            {key: getattr(self, key) for key in (*PROVISIONED_OUTPUTS, "stack_id")}
        )


def checked(given: Mapping[str, Any]) -> tuple[StackSpec | None, list[Problem]]:
    """The description, checked as a whole as far as it is known; and everything wrong with it.

    Args:
        given: By key, as of a description. None stands for nothing.
    """
    problems = []
    known: dict[str, Any] = {}
    for key, value in given.items():
        if not has_output(value):
            known[key] = value
        elif PROVISIONED_KEYS[key]:
            known[key] = _PLACEHOLDERS[key]
        else:
            problems.append(not_plain(key))
    if not _at_home(known):
        known["infra"] = InfraMode.PROVISION
    try:
        return from_mapping(known), problems
    except DescriptionError as error:
        unknown = {problem.field for problem in problems}
        problems += [found for found in error.problems if found.field not in unknown]
    return None, problems


def _at_home(known: Mapping[str, Any]) -> bool:
    """Whether there is nothing to make: a local stack whose artifacts lie on this machine."""
    is_local = known.get("type", StackType.LOCAL) == StackType.LOCAL
    return is_local and "://" not in str(known.get("artifact_store", ""))


def _infrastructure(
    name: str, spec: StackSpec, parent: pulumi.Resource
) -> tuple[pulumi.Resource | None, dict[str, Any]]:
    """The component of the description's cloud, and of its outputs those that the type takes.

    None if there is nothing to make.

    Raises:
        KitaruError: Nothing can be made in this cloud, or its packages are missing.
        pulumi.RunError: It cannot be made as described.
    """
    if spec.infra is not InfraMode.PROVISION:
        return None, {}
    if spec.cloud is None:
        raise registry.not_provisioned("this machine")
    component = registry.provisioning(spec.cloud).component
    made = component.build(name, spec, pulumi.ResourceOptions(parent=parent))
    keys = (key for key in component.outputs if spec.type in FIELDS[key].types)
    return cast("pulumi.Resource", made), {key: getattr(made, key) for key in keys}
