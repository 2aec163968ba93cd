"""The component resource: everything that is made for one stack on Azure."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import containerregistry, managedidentity, resources

from kitaru_iac.checks.pods import POD_ACCOUNTS
from kitaru_iac.clouds.azure.provision import described, grants, names
from kitaru_iac.clouds.azure.provision.args import OUTPUTS, TOKEN, InfrastructureArgs
from kitaru_iac.clouds.azure.provision.bucket import Bucket
from kitaru_iac.clouds.azure.provision.cluster import cluster, federated
from kitaru_iac.clouds.azure.provision.grants import Scope, Use
from kitaru_iac.clouds.azure.provision.identity import Place, assign, identity
from kitaru_iac.clouds.azure.provision.kinds import (
    ACCOUNT,
    IDENTITY,
    INSIGHTS,
    KINDS,
    REGISTRY,
    VAULT,
    WORKSPACE,
)
from kitaru_iac.clouds.azure.provision.repository import registry
from kitaru_iac.clouds.azure.provision.workspace import Setting, attached, workspace
from kitaru_iac.clouds.programs import CloudInfrastructure, foreseen, own_marks
from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.spec.model import StackSpec

__all__ = ["Infrastructure"]


class Infrastructure(CloudInfrastructure[InfrastructureArgs]):
    """The infrastructure of one stack on Azure.

    An Azure provider among the options makes everything, in its subscription.

    Attributes:
        artifact_store: As the description's.
        container_registry: As the description's.
        cluster: As the description's.
        region: As the description's.
        workspace: As the description's.
    """

    TOKEN = TOKEN
    OUTPUTS = OUTPUTS

    artifact_store: pulumi.Output[str | None]
    container_registry: pulumi.Output[str | None]
    cluster: pulumi.Output[str | None]
    region: pulumi.Output[str]
    workspace: pulumi.Output[str | None]

    def _described(self, spec: StackSpec) -> InfrastructureArgs:
        return described.arguments(spec, self)

    def _located(self, args: InfrastructureArgs) -> InfrastructureArgs:
        return described.located(args, self)

    def _make(self, name: str, args: InfrastructureArgs) -> None:
        require_whole(args)
        tags = {**args.get("tags", {}), **own_marks(args["stack"])}
        setting = Setting(name, self._group(name, args, tags), args["region"], tags, self)
        places = _existing(args)
        self.artifact_store = pulumi.Output.from_input(args.get("artifact_store"))
        self.container_registry = pulumi.Output.from_input(args.get("container_registry"))
        self.cluster = pulumi.Output.from_input(args.get("cluster"))
        self.workspace = pulumi.Output.from_input(args.get("workspace"))
        self.region = pulumi.Output.from_input(args["region"])
        if account := args.get("new_account"):
            bucket = self._bucket(setting, args, account)
            places[Scope.ACCOUNT] = Place(_id(args, ACCOUNT, account), bucket.account.id)
        images = None
        if new_registry := args.get("new_registry"):
            images = self._registry(setting, args, new_registry)
            places[Scope.REGISTRY] = Place(_id(args, REGISTRY, new_registry), images.id)
        if new_workspace := args.get("new_workspace"):
            self._workspace(setting, args, new_workspace, places, images)
        elif new_cluster := args.get("new_cluster"):
            self._cluster(setting, args, new_cluster, places)
        elif principal := args.get("principal"):
            assign(
                f"{name}-steps",
                grants.for_principal(
                    account=Scope.ACCOUNT in places, registry=Scope.REGISTRY in places
                ),
                places,
                subscription=str(args.get("subscription")),
                who=principal,
                principal=principal,
                parent=self,
            )

    def _group(
        self, name: str, args: InfrastructureArgs, tags: dict[str, str]
    ) -> pulumi.Input[str]:
        if not args.get("new_group"):
            return args["resource_group"]
        keep = args.get("keep_data", True)
        made = resources.ResourceGroup(
            f"{name}-group",
            resource_group_name=args["resource_group"],
            location=args["region"],
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, protect=keep, retain_on_delete=keep),
        )
        return foreseen(made.name, args["resource_group"], made)

    def _bucket(self, setting: Setting, args: InfrastructureArgs, name: str) -> Bucket:
        made = Bucket(
            setting.prefix,
            name,
            args.get("new_container"),
            group=setting.group,
            region=setting.region,
            tags=setting.tags,
            parent=self,
            keep=args.get("keep_data", True),
        )
        uri = args.get("artifact_store")
        if made.container is not None:
            known = uri or f"abfs://{args.get('new_container')}@{name}.dfs.core.windows.net"
            self.artifact_store = foreseen(
                made.container.name.apply(lambda _: known), known, made.container
            )
        return made

    def _registry(
        self, setting: Setting, args: InfrastructureArgs, name: str
    ) -> containerregistry.Registry:
        made = registry(
            setting.prefix,
            name,
            group=setting.group,
            region=setting.region,
            tags=setting.tags,
            parent=self,
            keep=args.get("keep_data", True),
        )
        # A new registry's host is its name; that of one with a domain label has a hash in it, and
        # is made by another property.
        uri = args.get("container_registry") or f"{name}.azurecr.io"
        self.container_registry = foreseen(made.login_server.apply(lambda _: uri), uri, made)
        return made

    def _identity(
        self, setting: Setting, name: str, use: str = "identity"
    ) -> managedidentity.UserAssignedIdentity:
        return identity(
            setting.prefix,
            name,
            group=setting.group,
            region=setting.region,
            tags=setting.tags,
            parent=self,
            use=use,
        )

    def _workspace(
        self,
        setting: Setting,
        args: InfrastructureArgs,
        name: str,
        places: dict[Scope, Place],
        images: containerregistry.Registry | None,
    ) -> None:
        """The workspace with all that it stands on, and its identity with its roles."""
        stack, place = args["stack"], (str(args.get("subscription")), args["resource_group"])
        called = args.get("new_identity") or names.identity_name(stack)
        vault = args.get("new_vault") or names.vault_name(stack, *place)
        insights = args.get("new_insights") or names.insights_name(stack)
        who = self._identity(setting, called)
        stands_on = attached(
            setting, vault=vault, insights=insights, tenant=str(args.get("tenant"))
        )
        places[Scope.VAULT] = Place(_id(args, VAULT, vault), stands_on.vault.id)
        places[Scope.INSIGHTS] = Place(_id(args, INSIGHTS, insights), stands_on.insights.id)
        wanted = grants.for_identity(
            registry=images is not None,
            store=Scope.STORE in places,
            images=Scope.IMAGES in places,
            abac=args.get("images_abac"),
        )
        before = [grant for grant in wanted if grant.scope is not Scope.WORKSPACE]
        after = [grant for grant in wanted if grant.scope is Scope.WORKSPACE]

        known = args.get("principal")
        principal = who.urn.apply(lambda _: known) if known else who.principal_id

        def assigned(which: list[grants.Grant]) -> list[pulumi.Resource]:
            return [
                *assign(
                    f"{setting.prefix}-identity",
                    which,
                    places,
                    subscription=place[0],
                    who=_id(args, IDENTITY, called),
                    principal=principal,
                    parent=who,
                )
            ]

        made = workspace(
            setting,
            name,
            stands_on,
            account=places[Scope.ACCOUNT].scope,
            registry=images.id if images else None,
            identity=who.id,
            after=assigned(before),
        )
        places[Scope.WORKSPACE] = Place(_id(args, WORKSPACE, name), made.id)
        assigned(after)
        self.workspace = foreseen(made.name, name, made)

    def _cluster(
        self,
        setting: Setting,
        args: InfrastructureArgs,
        name: str,
        places: dict[Scope, Place],
    ) -> None:
        """The cluster, with the identities of its control plane, its nodes and its pods."""
        known, who, before = args.get("principals") or {}, {}, []
        called = {use: names.identity_name(args["stack"], use) for use in Use}
        for use in Use:
            who[use] = self._identity(setting, called[use], use)
        places[Scope.NODES] = Place(_id(args, IDENTITY, called[Use.NODES]), who[Use.NODES].id)
        wanted = grants.for_cluster(
            account=Scope.ACCOUNT in places and bool(args.get("new_container")),
            registry=Scope.REGISTRY in places,
            store=Scope.STORE in places,
            images=Scope.IMAGES in places,
            abac=args.get("images_abac"),
        )
        for use, granted in wanted.items():
            before += assign(
                f"{setting.prefix}-{use}",
                granted,
                places,
                subscription=str(args.get("subscription")),
                who=_id(args, IDENTITY, called[use]),
                principal=known.get(use) or who[use].principal_id,
                parent=who[use],
            )
        control, nodes = who[Use.CONTROL], who[Use.NODES]
        made = cluster(setting, name, args, control=control, nodes=nodes, after=before)
        federated(
            setting,
            made,
            who[Use.PODS],
            called=called[Use.PODS],
            namespace=args.get("namespace") or "default",
            accounts=args.get("service_accounts") or POD_ACCOUNTS,
        )
        self.cluster = foreseen(made.name, name, made)


def require_whole(args: InfrastructureArgs) -> None:
    """See that what is made has all that it is made of.

    Raises:
        DescriptionError: With everything that is missing.
    """
    problems = []
    if args.get("new_container") and not args.get("new_account"):
        what = "a container is made only in a storage account that is made"
        problems.append(Problem("new_container", what, remedy="Give new_account too."))
    if args.get("new_workspace") and args.get("new_cluster"):
        what = "a stack runs in a workspace or in a cluster"
        problems.append(Problem("new_cluster", what, remedy="Leave one of them out."))
    if args.get("new_workspace") and not args.get("new_account"):
        what = "a new workspace needs a storage account of its own"
        problems.append(Problem("new_workspace", what, remedy="Give new_account too."))
    if problems:
        raise DescriptionError(problems)


def _id(args: InfrastructureArgs, token: str, name: str) -> str:
    kind = KINDS[token]
    inputs = {"resourceGroupName": args["resource_group"], kind.name: name}
    return kind.id_of(str(args.get("subscription")), inputs)


def _existing(args: InfrastructureArgs) -> dict[Scope, Place]:
    """What exists and an identity is let at."""
    found = {Scope.STORE: args.get("store_id"), Scope.IMAGES: args.get("images_id")}
    return {scope: Place(path, path) for scope, path in found.items() if path}
