"""What is made for a description, and under which names: decided before Pulumi is asked.

All names are known beforehand, and so are the URIs and ids that the description gets from them: a
preview can show the records too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import cast

from kitaru_iac.checks.pods import pod_accounts
from kitaru_iac.clouds.azure.provision import names
from kitaru_iac.clouds.azure.provision.args import InfrastructureArgs
from kitaru_iac.clouds.azure.resources import azure_resources, location_of
from kitaru_iac.clouds.wanted import mode_of, wants_cluster
from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.patterns import compiled
from kitaru_iac.spec.infrastructure import Infrastructure
from kitaru_iac.spec.kinds import ResourceMode, StackType
from kitaru_iac.spec.model import AzuremlSpec, KubernetesSpec, StackSpec
from kitaru_iac.spec.uris import AcrUri, AzureBlobUri

__all__ = ["Known", "Layout", "layout", "place_in"]

_CREATE, _EXISTING, _SKIP = ResourceMode.CREATE, ResourceMode.EXISTING, ResourceMode.SKIP
# https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations
_NOT_IN_TAGS = compiled(r"[<>%&\\?/]")
_LONGEST_TAG = 128  # of a storage account; others take 512
_MOST_TAGS = 46  # beside ours, of 50


@dataclass(frozen=True, slots=True)
class Known:
    """What was looked up of things that exist. None is what there is not, or was not looked up.

    Attributes:
        store_id: The id of the storage account that has the store.
        images_id: The id of the registry.
        images_abac: Whether it takes roles on repositories.
        principal: The object id of who runs the steps in the workspace or cluster; of the identity
            of a workspace that is made, where an earlier run has made it.
        principals: The same of the identities of a cluster that is made, by their use.
    """

    store_id: str | None = None
    images_id: str | None = None
    images_abac: bool | None = None
    principal: str | None = None
    principals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """What is made, and what the stack uses. None is what it has not.

    Attributes:
        stack: The stack's name.
        type: Its type.
        subscription: The id of the subscription.
        tenant: The id of its tenant.
        region: Where everything is, as ``westeurope``.
        resource_group: The group in which everything is made.
        artifact_store: The URI that the stack uses, made or existing.
        container_registry: The URI that images are pushed to.
        cluster: The name of the AKS cluster, made or existing.
        workspace: The name of the AzureML workspace, made or existing.
        new_group: Whether the group is made.
        new_account: The storage account's name, if it is made.
        new_container: The container's name, if it is made; it lies in `new_account`.
        new_registry: The registry's name, if it is made.
        new_workspace: The workspace's name, if it is made.
        new_identity: The name of its identity.
        new_vault: The name of its key vault.
        new_insights: The name of its Application Insights, and of their logs' workspace.
        new_cluster: The cluster's name, if it is made.
        node_group: The group that AKS makes for its nodes.
        namespace: Where its pods run.
        service_accounts: What they run as.
        known: What was looked up.
        options: How it is made.
    """

    stack: str
    type: StackType
    subscription: str
    tenant: str | None
    region: str
    resource_group: str
    artifact_store: str | None = None
    container_registry: str | None = None
    cluster: str | None = None
    workspace: str | None = None
    new_group: bool = False
    new_account: str | None = None
    new_container: str | None = None
    new_registry: str | None = None
    new_workspace: str | None = None
    new_identity: str | None = None
    new_vault: str | None = None
    new_insights: str | None = None
    new_cluster: str | None = None
    node_group: str | None = None
    namespace: str | None = None
    service_accounts: tuple[str, ...] = ()
    known: Known = field(default_factory=Known)
    options: Infrastructure = field(default_factory=Infrastructure)

    @property
    def makes_anything(self) -> bool:
        """Whether anything is made at all."""
        return any(
            (self.new_account, self.new_registry, self.new_workspace, self.new_group,
             self.new_cluster)
        )  # fmt: skip

    def args(self) -> InfrastructureArgs:
        """Give the same as the arguments of the component."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        del own["options"], own["known"]
        own |= {each.name: getattr(self.known, each.name) for each in fields(self.known)}
        own |= {"type": self.type.value, "service_accounts": list(self.service_accounts)}
        own["principals"] = dict(self.known.principals)
        return cast("InfrastructureArgs", self.options.given() | own)

    @property
    def group_id(self) -> str:
        """The id of the group."""
        return names.group_id(self.subscription, self.resource_group)


def place_in(spec: StackSpec) -> tuple[str | None, str]:
    """Give the subscription and the resource group of a description.

    Raises:
        DescriptionError: It names no resource group.
    """
    group = getattr(spec, "resource_group", None)
    if group is None:
        raise DescriptionError(
            [
                Problem(
                    "resource_group",
                    "the resource group is missing",
                    "everything on Azure is made in one",
                    "Name one that is there, as `resource_group: ml-platform`.",
                )
            ]
        )
    return getattr(spec, "subscription_id", None), str(group)


def layout(spec: StackSpec, subscription: str, region: str, *, tenant: str | None = None) -> Layout:
    """Decide what is made.

    A resource is made if ``resources`` says `create`, or if the description does not name it, or if
    it names it as we would: a description that was filled from an earlier run stays the same one.

    Args:
        spec: The description, with ``infra: provision``.
        subscription: The id of the subscription that is provisioned in.
        region: The stack's region.
        tenant: The tenant of the credentials.

    Raises:
        DescriptionError: Something cannot be made as described.
    """
    _, group = place_in(spec)
    problems = [*_tags(spec), *_roles(spec)]
    new_cluster, cluster = _cluster(spec, problems)
    place = (spec.name, subscription, group)
    account, container, store = _bucket(spec, place)
    new_registry, registry = _registry(spec, place, problems)
    new_workspace, workspace = _workspace(spec)
    if problems:
        raise DescriptionError(problems)
    if new_workspace and account is None:
        account = names.account_name(*place)  # a workspace has one of its own
    return Layout(
        stack=spec.name,
        type=spec.type,
        subscription=subscription,
        tenant=tenant,
        region=location_of(region),
        resource_group=group,
        artifact_store=store,
        container_registry=registry,
        cluster=cluster,
        workspace=workspace,
        new_group=spec.resources.get("group") is _CREATE,
        new_account=account,
        new_container=container,
        new_registry=new_registry,
        new_workspace=new_workspace,
        new_identity=names.identity_name(spec.name) if new_workspace else None,
        new_vault=names.vault_name(*place) if new_workspace else None,
        new_insights=names.insights_name(spec.name) if new_workspace else None,
        new_cluster=new_cluster,
        node_group=names.node_group_name(*place) if new_cluster else None,
        namespace=azure_resources(spec).namespace if new_cluster else None,
        service_accounts=pod_accounts(spec.extra.orchestrator) if new_cluster else (),
        options=spec.infrastructure,
    )


def _bucket(
    spec: StackSpec, place: tuple[str, str, str]
) -> tuple[str | None, str | None, str | None]:
    """The account and the container to make, and the store's URI."""
    store = spec.artifact_store
    ours = AzureBlobUri(
        names.container_name(spec.name), account=names.account_name(*place), scheme="abfs"
    )
    if store is not None and not isinstance(store, AzureBlobUri):
        return None, None, str(store)  # a folder of this machine, for a local stack
    as_ours = (
        store is not None
        and store.container == ours.container
        and store.account in {None, ours.account}
    )
    mode = mode_of(spec, "bucket", given=store is not None, as_ours=as_ours)
    if mode is not _CREATE:
        return None, None, str(store or ours)
    if store is None:
        return ours.account, ours.container, str(ours)
    account = store.account or ours.account
    return (
        account,
        store.container,
        str(AzureBlobUri(store.container, store.path, account, store.scheme)),
    )


def _registry(
    spec: StackSpec, place: tuple[str, str, str], problems: list[Problem]
) -> tuple[str | None, str | None]:
    """The registry to make, and its URI."""
    if spec.type is StackType.LOCAL:
        return None, None  # nothing is pushed
    registry = spec.container_registry
    if registry is not None and not isinstance(registry, AcrUri):
        return None, str(registry)
    ours = names.registry_name(*place)
    as_ours = registry is not None and registry.registry == ours
    mode = mode_of(spec, "registry", given=registry is not None, as_ours=as_ours)
    uri = str(registry) if registry else f"{ours}.azurecr.io"
    if mode is not _CREATE:
        return None, uri
    name = registry.registry if registry else ours
    if len(name) < 5:
        problems.append(
            Problem(
                "container_registry",
                f"no registry `{name}` can be made",
                "its name has at least 5 letters and digits",
                "Choose a longer name, or leave it out.",
            )
        )
    return name, uri


def _workspace(spec: StackSpec) -> tuple[str | None, str | None]:
    """The workspace to make, and the one that is used."""
    if not isinstance(spec, AzuremlSpec):
        return None, None
    ours = names.workspace_name(spec.name)
    name = spec.workspace or ours
    given = spec.workspace is not None
    mode = mode_of(spec, "workspace", given=given, as_ours=spec.workspace == ours)
    return (name if mode is _CREATE else None), name


def _cluster(spec: StackSpec, problems: list[Problem]) -> tuple[str | None, str | None]:
    """The cluster to make, and the one that is used."""
    if not isinstance(spec, KubernetesSpec):
        return None, None
    if wants_cluster(spec):
        name = spec.cluster or names.cluster_name(spec.name)
        if spec.infrastructure.node_counts[0] < 1:
            problems.append(
                Problem(
                    "infrastructure.min_nodes",
                    "a new cluster has one node at least",
                    "AKS runs parts of its own on it",
                    "Write 1 or more.",
                )
            )
        return name, name
    if spec.cluster is None:
        problems.append(
            Problem(
                "cluster",
                "no cluster is named, and none is made unasked",
                "the nodes of an AKS cluster cost money by the hour",
                "Name an existing one, or write `resources: {cluster: create}`.",
            )
        )
    return None, spec.cluster


def _roles(spec: StackSpec) -> list[Problem]:
    """Identities are made together with the workspace or cluster, and named nowhere."""
    mode = spec.resources.get("role")
    made = wants_cluster(spec) or _workspace(spec)[0] is not None
    if mode is _CREATE and not made:
        return [
            Problem(
                "resources.role",
                "an identity is made only together with a workspace or cluster",
                "a workspace or cluster that exists has its own",
                "Leave it out.",
            )
        ]
    if mode in {_EXISTING, _SKIP} and made:
        return [
            Problem(
                "resources.role",
                f"what is new gets an identity of its own, and role is `{mode}`",
                "it could not pull images without one",
                "Leave it out.",
            )
        ]
    return []


def _tags(spec: StackSpec) -> list[Problem]:
    """Tags that Azure refuses."""
    tags = spec.infrastructure.tags or {}
    found = [
        Problem(
            "infrastructure.tags",
            f"Azure takes no tag `{key}`",
            f"a name has at most {_LONGEST_TAG} characters, and none of `<>%&\\?/`",
            "Choose another name.",
        )
        for key in tags
        if _NOT_IN_TAGS.search(key) or len(key) > _LONGEST_TAG
    ]
    if len(tags) > _MOST_TAGS:
        why = f"Azure takes 50, and {50 - _MOST_TAGS} are ours"
        found.append(Problem("infrastructure.tags", f"{len(tags)} tags are too many", why))
    return found
