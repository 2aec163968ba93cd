"""The component resource: everything that is made for one stack on Google Cloud."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_gcp import artifactregistry, serviceaccount, storage

from kitaru_iac.clouds.gcp.permissions import vertex_agents
from kitaru_iac.clouds.gcp.provision import described, roles, services
from kitaru_iac.clouds.gcp.provision.args import OUTPUTS, TOKEN, InfrastructureArgs
from kitaru_iac.clouds.gcp.provision.bucket import OLD_VERSIONS, bucket
from kitaru_iac.clouds.gcp.provision.cluster import Cluster, Setting, pods_of, require_network
from kitaru_iac.clouds.gcp.provision.labels import labels
from kitaru_iac.clouds.gcp.provision.layout import repository_in, services_of
from kitaru_iac.clouds.gcp.provision.names import account_email
from kitaru_iac.clouds.gcp.provision.repository import repository
from kitaru_iac.clouds.gcp.resources import RepositoryName
from kitaru_iac.clouds.programs import CloudInfrastructure, foreseen, own_marks
from kitaru_iac.spec.infrastructure_values import members
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.uris import GcsUri, parse_artifact_store

__all__ = ["Infrastructure"]


class Infrastructure(CloudInfrastructure[InfrastructureArgs]):
    """The infrastructure of one stack on Google Cloud.

    A GCP provider among the options makes everything, in the project and the region of the
    arguments.

    Attributes:
        artifact_store: As the description's.
        container_registry: As the description's.
        cluster: As the description's.
        region: As the description's.
        workload_service_account: The address of what steps run as on Vertex.
    """

    TOKEN = TOKEN
    OUTPUTS = OUTPUTS

    artifact_store: pulumi.Output[str | None]
    container_registry: pulumi.Output[str | None]
    cluster: pulumi.Output[str | None]
    region: pulumi.Output[str]
    workload_service_account: pulumi.Output[str | None]

    def _described(self, spec: StackSpec) -> InfrastructureArgs:
        return described.arguments(spec, self)

    def _located(self, args: InfrastructureArgs) -> InfrastructureArgs:
        return described.located(args, self)

    def _make(self, name: str, args: InfrastructureArgs) -> None:
        require_network(args)
        project = str(args["project"])
        own = own_marks(args["stack"])
        ours = {**args.get("tags", {}), **labels(own)}
        new_cluster = args.get("new_cluster")
        wanted = args.get("services") or services_of(
            StackType(args["type"]),
            cluster=new_cluster is not None,
            connector=args.get("new_connector") is not None,
        )
        apis = services.enabled(name, wanted, project=project, parent=self)
        after = tuple(apis.values())
        store = pulumi.Output.from_input(args.get("artifact_store"))
        registry = pulumi.Output.from_input(args.get("container_registry"))
        email = pulumi.Output.from_input(args.get("workload_service_account"))
        made_bucket = made_repository = None
        if new_bucket := args.get("new_bucket"):
            days = args.get("keep_versions")
            made_bucket = bucket(
                name,
                new_bucket,
                project=project,
                region=args["region"],
                labels=ours,
                parent=self,
                after=after,
                keep=args.get("keep_data", True),
                old_versions=OLD_VERSIONS if days is None else days,
            )
            given = _store(args)
            rest = f"/{given.prefix}" if given and given.prefix else ""
            store = made_bucket.name.apply(lambda made: f"gs://{made}{rest}")
        if new_repository := args.get("new_repository"):
            made_repository = self._repository(name, new_repository, args, ours, after)
            registry = _registry(made_repository, args)
        connector = self._connector(name, args, own, after)
        account = self._workload(name, args, own, (*after, connector) if connector else after)
        if account is not None:
            made_email = account_email(str(args.get("new_workload")), project)
            email = foreseen(account.email, made_email, account)
        self._grant_bucket(name, args, made_bucket, account)
        if connector is not None:
            self._grant_connector(name, args, connector, made_bucket, made_repository)
        self._grant_agents(name, args, made_repository, after)
        cluster = pulumi.Output.from_input(args.get("cluster"))
        if new_cluster:
            setting = Setting(name, args["stack"], project, args["region"], own, ours, self, after)
            cluster = self._cluster(setting, new_cluster, args, made_bucket, made_repository)
        self.artifact_store = store
        self.container_registry = registry
        self.cluster = cluster
        self.region = pulumi.Output.from_input(args["region"])
        self.workload_service_account = email

    def _repository(
        self,
        name: str,
        id: str,
        args: InfrastructureArgs,
        ours: Mapping[str, str],
        after: tuple[pulumi.Resource, ...],
    ) -> artifactregistry.Repository:
        return repository(
            name,
            id,
            stack=args["stack"],
            project=str(args["project"]),
            location=args.get("repository_location") or args["region"],
            labels=ours,
            parent=self,
            after=after,
            keep_images=args.get("keep_images"),
            keep=args.get("keep_data", True),
        )

    def _workload(
        self,
        name: str,
        args: InfrastructureArgs,
        own: Mapping[str, str],
        after: tuple[pulumi.Resource, ...],
    ) -> serviceaccount.Account | None:
        """The account that steps run as on Vertex, if it is made."""
        new = args.get("new_workload")
        if not new:
            return None
        return roles.workload(
            name,
            new,
            stack=args["stack"],
            project=str(args["project"]),
            region=args["region"],
            marks=own,
            parent=self,
            after=after,
            submitter=args.get("submitter"),
        )

    def _connector(
        self,
        name: str,
        args: InfrastructureArgs,
        own: Mapping[str, str],
        after: tuple[pulumi.Resource, ...],
    ) -> serviceaccount.Account | None:
        """The account that the connector becomes, if it is made."""
        new = args.get("new_connector")
        if not new:
            return None
        return roles.connector(
            name,
            new,
            stack=args["stack"],
            type=StackType(args["type"]),
            project=str(args["project"]),
            region=args["region"],
            marks=own,
            parent=self,
            after=after,
            impersonators=members(args.get("impersonators") or ()),
        )

    def _cluster(
        self,
        setting: Setting,
        name: str,
        args: InfrastructureArgs,
        bucket: storage.Bucket | None,
        repository: artifactregistry.Repository | None,
    ) -> pulumi.Output[str | None]:
        """The cluster, whose pods may use the bucket, made or existing."""
        made = Cluster(
            setting,
            name,
            args,
            repository=_repository_of(args, setting.project),
            made=repository,
        ).cluster
        store = _store(args)
        where = bucket.name if bucket else store.bucket if store else None
        if where is not None:
            pods = pods_of(setting.project, str(args["project_number"]), setting.region, name)
            # Google knows the pods once the cluster is there.
            roles.stores(setting.prefix, where, pods, parent=made, use="pods")
        return foreseen(made.name, name, made)

    def _grant_bucket(
        self,
        name: str,
        args: InfrastructureArgs,
        made: storage.Bucket | None,
        account: serviceaccount.Account | None,
    ) -> None:
        """Let the steps use the bucket, if either is made here."""
        email = args.get("workload_service_account")
        store = _store(args)
        where = made.name if made else store.bucket if store else None
        if where is None:
            return
        if account is not None:
            roles.stores(name, where, account.member, parent=account)
        elif made is not None and email:
            roles.stores(name, where, f"serviceAccount:{email}", parent=made)

    def _grant_connector(
        self,
        name: str,
        args: InfrastructureArgs,
        account: serviceaccount.Account,
        bucket: storage.Bucket | None,
        repository: artifactregistry.Repository | None,
    ) -> None:
        """What ZenML does as the connector: with the bucket, the images, and the steps' account."""
        project, store = str(args["project"]), _store(args)
        where = bucket.name if bucket else store.bucket if store else None
        if where is not None:
            roles.stores(name, where, account.member, parent=account, use="connector")
        images = _repository_of(args, project)
        if images is not None and StackType(args["type"]) is not StackType.LOCAL:
            after = [repository] if repository else []
            roles.pushes(name, images, account.member, parent=account, after=after)
        email, submitter = args.get("workload_service_account"), args.get("submitter")
        if email and submitter and not args.get("new_workload"):
            full = f"projects/{project}/serviceAccounts/{email}"
            roles.acts(name, full, submitter, parent=account)

    def _grant_agents(
        self,
        name: str,
        args: InfrastructureArgs,
        made: artifactregistry.Repository | None,
        after: tuple[pulumi.Resource, ...],
    ) -> None:
        """Let Vertex's agents work and pull: no other account does that for it."""
        project = str(args["project"])
        where = _repository_of(args, project)
        if StackType(args["type"]) is not StackType.VERTEX or where is None:
            return
        first, custom = vertex_agents(str(args["project_number"]))
        identity = services.agent(name, project=project, parent=self, after=after)
        roles.agent(name, first, project=project, parent=self, after=[identity])
        parent = made or self
        roles.pulls(name, "agent", where, first, parent=parent, after=[identity])
        if args.get("custom_code_agent"):
            roles.pulls(name, "custom-agent", where, custom, parent=parent, after=[identity])


def _store(args: InfrastructureArgs) -> GcsUri | None:
    """The artifact store, if it is in a bucket of Cloud Storage."""
    uri = args.get("artifact_store")
    found = parse_artifact_store(uri) if uri else None
    return found if isinstance(found, GcsUri) else None


def _repository_of(args: InfrastructureArgs, project: str) -> RepositoryName | None:
    """The repository that images are pushed to, if it is in the project."""
    new = args.get("new_repository")
    if new:
        return RepositoryName(project, args.get("repository_location") or args["region"], new)
    return repository_in(project, args.get("container_registry"))


def _registry(
    made: artifactregistry.Repository, args: InfrastructureArgs
) -> pulumi.Output[str | None]:
    """The URI of the repository that is made, with the image's path, if one is given."""
    given = args.get("container_registry")
    where = pulumi.Output.all(made.location, made.project, made.repository_id)
    return where.apply(lambda parts: given or "{}-docker.pkg.dev/{}/{}".format(*parts))
