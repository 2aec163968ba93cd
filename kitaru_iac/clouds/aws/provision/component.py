"""The component resource: everything that is made for one stack on AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from kitaru_iac.checks.pods import POD_ACCOUNTS
from kitaru_iac.clouds.aws.provision import described, lookups
from kitaru_iac.clouds.aws.provision.args import OUTPUTS, TOKEN, InfrastructureArgs
from kitaru_iac.clouds.aws.provision.bucket import OLD_VERSIONS, Bucket
from kitaru_iac.clouds.aws.provision.cluster import LOG_RETENTION, Cluster, Setting, nodes_of
from kitaru_iac.clouds.aws.provision.cluster_access import admit, identify_pods
from kitaru_iac.clouds.aws.provision.names import role_name
from kitaru_iac.clouds.aws.provision.network import Network
from kitaru_iac.clouds.aws.provision.repository import Repository
from kitaru_iac.clouds.aws.provision.roles import runtime_role
from kitaru_iac.clouds.aws.provision.used import used
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.programs import CloudInfrastructure, foreseen, own_marks
from kitaru_iac.spec.clouds.aws import aws_partition
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.uris import S3Uri, parse_artifact_store

__all__ = ["Infrastructure"]


class Infrastructure(CloudInfrastructure[InfrastructureArgs]):
    """The infrastructure of one stack on AWS.

    An AWS provider among the options makes everything, in the region of the arguments.

    Attributes:
        artifact_store: As the description's.
        container_registry: As the description's.
        cluster: As the description's.
        region: As the description's.
        execution_role: As the description's.
    """

    TOKEN = TOKEN
    OUTPUTS = OUTPUTS

    artifact_store: pulumi.Output[str | None]
    container_registry: pulumi.Output[str | None]
    cluster: pulumi.Output[str | None]
    region: pulumi.Output[str]
    execution_role: pulumi.Output[str | None]

    def _described(self, spec: StackSpec) -> InfrastructureArgs:
        return described.arguments(spec, self)

    def _located(self, args: InfrastructureArgs) -> InfrastructureArgs:
        return described.located(args, self)

    def _make(self, name: str, args: InfrastructureArgs) -> None:
        region, partition = args["region"], aws_partition(args["region"])
        tags = {**args.get("tags", {}), **own_marks(args["stack"])}
        uses = used(args)
        boundary = args.get("permissions_boundary")
        store = pulumi.Output.from_input(args.get("artifact_store"))
        registry = pulumi.Output.from_input(args.get("container_registry"))
        cluster = pulumi.Output.from_input(args.get("cluster"))
        role = pulumi.Output.from_input(args.get("execution_role"))
        if new_bucket := args.get("new_bucket"):
            store = self._bucket(name, new_bucket, args, tags)
        if new_repository := args.get("new_repository"):
            repository = Repository(
                name,
                new_repository,
                region=region,
                tags=tags,
                parent=self,
                keep_images=args.get("keep_images"),
            )
            url = f"{uses.registry.host}/{new_repository}" if uses.registry else None
            registry = foreseen(repository.url, url, repository.repository)
        if new_role := args.get("new_role"):
            made = runtime_role(name, new_role, uses, tags=tags, parent=self, boundary=boundary)
            role = foreseen(made.arn, uses.role, made)
        if new_cluster := args.get("new_cluster"):
            setting = Setting(name, args["stack"], region, partition, tags, boundary)
            cluster = self._cluster(setting, new_cluster, args, uses)
        self.artifact_store = store
        self.container_registry = registry
        self.cluster = cluster
        self.region = pulumi.Output.from_input(region)
        self.execution_role = role

    def _bucket(
        self, name: str, new: str, args: InfrastructureArgs, tags: Mapping[str, str]
    ) -> pulumi.Output[str]:
        """The bucket, and the URI that the stack uses in it."""
        days = args.get("keep_versions")
        made = Bucket(
            name,
            new,
            region=args["region"],
            partition=aws_partition(args["region"]),
            tags=tags,
            parent=self,
            kms_key=args.get("kms_key"),
            old_versions=OLD_VERSIONS if days is None else days,
            keep=args.get("keep_data", True),
        )
        rest = _prefix(args.get("artifact_store"))
        return made.name.apply(lambda bucket: f"s3://{bucket}{rest}")

    def _cluster(
        self, setting: Setting, name: str, args: InfrastructureArgs, uses: AwsResources
    ) -> pulumi.Output[str]:
        """The cluster, with its network if that is made, and who may do what in it."""
        subnets: Sequence[pulumi.Input[str]] = args.get("subnets") or ()
        after: Sequence[pulumi.Resource] = ()
        if args.get("network") == "create":
            network = Network(
                setting.prefix,
                stack=setting.stack,
                region=setting.region,
                zones=lookups.zones(self, setting.region),
                tags=setting.tags,
                parent=self,
            )
            subnets, after = network.subnets, network.ready
        made = Cluster(
            setting,
            name,
            subnets=subnets or lookups.default_subnets(self, setting.region),
            parent=self,
            nodes=nodes_of(args),
            endpoint_access=args.get("endpoint_access") or (),
            version=args.get("kubernetes_version"),
            log_retention=int(args.get("log_retention") or LOG_RETENTION),
            deletion_protection=args.get("deletion_protection") or False,
            after=after,
        )
        namespace = args.get("namespace") or "default"
        pods = runtime_role(
            setting.prefix,
            role_name(setting.stack, "pods", setting.region),
            uses,
            tags=setting.tags,
            parent=self,
            boundary=setting.boundary,
            use="pods",
        )
        identify_pods(
            setting.prefix,
            made.cluster,
            pods,
            namespace=namespace,
            accounts=args.get("service_accounts") or POD_ACCOUNTS,
            region=setting.region,
            tags=setting.tags,
        )
        admit(
            setting.prefix,
            made.cluster,
            name,
            args.get("cluster_access") or (),
            namespace=namespace,
            partition=setting.partition,
            region=setting.region,
            tags=setting.tags,
        )
        return made.name


def _prefix(uri: str | None) -> str:
    """What stands behind the bucket in the URI of the artifact store."""
    found = parse_artifact_store(uri) if uri else None
    return f"/{found.prefix}" if isinstance(found, S3Uri) and found.prefix else ""
