"""What is asked of EKS about the cluster."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import filterfalse
from typing import Any

from kitaru_iac.checks.cluster_rights import POD_RIGHTS, ClusterRight
from kitaru_iac.checks.commands import command, note
from kitaru_iac.checks.endpoint import connects
from kitaru_iac.checks.pods import is_hidden
from kitaru_iac.checks.probes import (
    NotFound,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
    in_parallel,
    outcomes_of,
)
from kitaru_iac.checks.pull_secrets import ForeignPull, SeenSecrets, look
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.kubernetes_api import api_of
from kitaru_iac.clouds.aws.observations import (
    CallerIdentity,
    Compute,
    PodIdentity,
    Principal,
    Subnets,
    WebIdentity,
)
from kitaru_iac.clouds.aws.probes_common import CommonProbes, Raw, require_same_account
from kitaru_iac.clouds.aws.resources import account_of, role_name
from kitaru_iac.clouds.aws.verify_addons import NEEDED, unmanaged
from kitaru_iac.clouds.aws.verify_compute import surely_runs_pods
from kitaru_iac.clouds.aws.verify_irsa import annotation, audiences, issuer_of

__all__ = ["ClusterProbes"]

_NO_CLUSTER = ("ResourceNotFoundException",)


class ClusterProbes(CommonProbes):
    """The probes of the cluster and of what runs its pods."""

    def _ask_cluster(self) -> None:
        self.cluster = self._probe("eks:DescribeCluster", self._cluster)
        self.node_groups = self._probe("eks:DescribeNodegroup", self._node_groups)
        self.fargate_profiles = self._probe("eks:DescribeFargateProfile", self._fargate_profiles)
        self.compute = Probe(
            "compute",
            self._compute,
            requires=(self.cluster, self.node_groups, self.fargate_profiles),
        )
        self.version = Probe("eks:DescribeClusterVersions", self._version, requires=(self.cluster,))
        self.namespace = Probe(
            "the cluster's namespaces",
            lambda cluster: api_of(self._aws, cluster).namespace(self._r.namespace),
            requires=(self.cluster,),
        )
        self.endpoint = Probe("the cluster's endpoint", self._endpoint, requires=(self.cluster,))
        self.addons = self._probe("eks:DescribeAddon", self._addons)
        self.own_addons = Probe(
            "the add-ons that EKS does not manage",
            self._own_addons,
            requires=(self.addons, self.cluster),
        )
        self.pod_identities = self._probe(
            "eks:DescribePodIdentityAssociation", self._pod_identities
        )
        self.pod_accounts = Probe(
            "the pods' service accounts", self._pod_accounts, requires=(self.cluster,)
        )
        self.web_identities = Probe(
            "iam:GetOpenIDConnectProvider",
            self._web_identities,
            requires=(self.cluster, self.pod_accounts),
            after=(self.identity,),
        )
        self.account_rights = Probe(
            "the access reviews of the service account", self._account_rights,
            requires=(self.cluster,),
        )  # fmt: skip
        self.subnets = Probe(
            "ec2:DescribeSubnets",
            self._subnets,
            requires=(self.cluster, self.node_groups, self.fargate_profiles),
        )

    def _cluster(self) -> Raw:
        answer = self._eks("describe_cluster", name=self._r.cluster)
        found: Raw = answer["cluster"]
        return found

    def _eks(self, operation: str, **parameters: Any) -> Raw:
        return self._aws.ask(
            "eks", operation, about=self._r.cluster_arn, absent=_NO_CLUSTER, **parameters
        )

    def _parts(self, what: str, plural: str, name: str) -> tuple[Raw, ...]:
        cluster = self._r.cluster
        names = self._aws.ask_all(
            "eks",
            f"list_{what}s",
            plural,
            about=self._r.cluster_arn,
            absent=_NO_CLUSTER,
            clusterName=cluster,
        )
        describe = [
            partial(self._eks, f"describe_{what}", clusterName=cluster, **{name: found})
            for found in names
        ]
        key = name.removesuffix("Name")
        return tuple(answer[key] for answer in in_parallel(describe))

    def _node_groups(self) -> tuple[Raw, ...]:
        return self._parts("nodegroup", "nodegroups", "nodegroupName")

    def _fargate_profiles(self) -> tuple[Raw, ...]:
        return self._parts("fargate_profile", "fargateProfileNames", "fargateProfileName")

    def _addons(self) -> tuple[Raw, ...]:
        return self._parts("addon", "addons", "addonName")

    def _own_addons(self, addons: tuple[Raw, ...], cluster: Raw) -> dict[str, Outcome[Raw]]:
        """What the cluster itself tells of the add-ons that pods need and EKS does not manage."""
        names = unmanaged(addons, cluster)
        if not names:
            return {}
        api = api_of(self._aws, cluster)

        def look(name: str) -> Raw:
            kind, called = NEEDED[name]
            path = f"/apis/apps/v1/namespaces/kube-system/{kind}s/{called}"
            show = command("kubectl", "get", f"{kind}/{called}", namespace="kube-system")
            return api.read(path, f"{kind} {called} in kube-system", f"{kind}s there", show)

        return outcomes_of(look, names)

    def _pod_accounts(self, cluster: Raw) -> dict[str, Outcome[Raw]]:
        """What the cluster tells of each service account that pods run as; empty without it."""
        look = partial(api_of(self._aws, cluster).service_account, self._r.namespace)
        return outcomes_of(look, filterfalse(is_hidden, self._r.pod_accounts))

    def _account_rights(self, cluster: Raw) -> tuple[ClusterRight, ...]:
        """What the cluster denies the account that is named of what its pod does."""
        account = self._r.named_account
        if account is None:
            return ()
        return api_of(self._aws, cluster).denied(self._r.namespace, POD_RIGHTS, account)

    def _pod_identities(self) -> tuple[PodIdentity, ...]:
        """What the pods' service accounts become, each with its role as IAM describes it."""
        found = self._aws.ask_all(
            "eks",
            "list_pod_identity_associations",
            "associations",
            about=self._r.cluster_arn,
            absent=_NO_CLUSTER,
            clusterName=self._r.cluster,
            namespace=self._r.namespace,
        )
        ours = [one for one in found if one.get("serviceAccount") in self._r.pod_accounts]
        return tuple(in_parallel([partial(self._pod_identity, one) for one in ours]))

    def _pod_identity(self, listed: Raw) -> PodIdentity:
        answer = self._eks(
            "describe_pod_identity_association",
            clusterName=self._r.cluster,
            associationId=listed["associationId"],
        )
        association = answer["association"]
        arn, target = str(association.get("roleArn")), association.get("targetRoleArn")
        account, role = str(listed["serviceAccount"]), self._role_with(arn)
        return PodIdentity(account, arn, role, str(target) if target else None)

    def _role_with(self, arn: str) -> Outcome[Raw]:
        """The role of this ARN, which IAM finds by its name alone."""
        try:
            role = self.role_of(role_name(arn))
        except ProbeError as error:
            return error
        return role if role.get("Arn") == arn else NotFound(f"{arn} does not exist")

    def _web_identities(
        self,
        cluster: Raw,
        accounts: dict[str, Outcome[Raw]],
        caller: Outcome[CallerIdentity],
    ) -> tuple[WebIdentity, ...]:
        """What the pods' service accounts name by an annotation, with what leads there."""
        issuer = issuer_of(cluster)
        found = []
        for name, account in accounts.items():
            if isinstance(account, ProbeError) or (arn := annotation(account)) is None:
                continue
            show = command("kubectl", "get", "serviceaccount", name, namespace=self._r.namespace)
            no_role = Skipped(f"the annotation {arn} is no ARN of a role", show)
            one = WebIdentity(name, arn, no_role, audiences(account, self._r.partition))
            try:
                require_same_account(arn, caller)
            except Skipped as error:
                one = replace(one, role=error)
            else:
                owner = account_of(arn)
                if owner is not None and ":role/" in arn:
                    one = replace(one, role=self._role_with(arn))
                if owner is not None and issuer is not None:
                    provider = f"arn:{self._r.partition}:iam::{owner}:oidc-provider/{issuer}"
                    one = replace(one, provider_arn=provider, provider=self._provider(provider))
            found.append(one)
        return tuple(found)

    def _provider(self, arn: str) -> Outcome[Raw]:
        """IAM's entry of an identity provider."""
        try:
            return self._aws.ask(
                "iam",
                "get_open_id_connect_provider",
                about=arn,
                absent=("NoSuchEntity",),
                OpenIDConnectProviderArn=arn,
            )
        except ProbeError as error:
            return error

    def _subnets(
        self, cluster: Raw, node_groups: tuple[Raw, ...], fargate: tuple[Raw, ...]
    ) -> Subnets:
        """Where nodes and pods are: the subnets of what runs them, else the cluster's own."""
        ids = {str(one) for part in (*node_groups, *fargate) for one in part.get("subnets") or ()}
        own = (cluster.get("resourcesVpcConfig") or {}).get("subnetIds") or ()
        automatic = bool((cluster.get("computeConfig") or {}).get("enabled"))
        wanted = sorted(ids if ids and not automatic else ids | {str(one) for one in own})
        if not wanted:
            raise Skipped(
                "EKS names no subnet here",
                aws("eks", "describe-cluster", name=self._r.cluster, region=self._r.region),
            )
        # By a filter, since asking for ids tells of the first alone that is not there.
        found = self._aws.ask_all(
            "ec2",
            "describe_subnets",
            "Subnets",
            about=f"the subnets of {self._r.cluster}",
            Filters=[{"Name": "subnet-id", "Values": wanted}],
        )
        free = {str(seen["SubnetId"]): int(seen["AvailableIpAddressCount"]) for seen in found}
        is_fargate = bool(fargate) and not (node_groups or automatic)
        return Subnets(tuple(wanted), free, is_fargate)

    def _compute(
        self, cluster: Raw, node_groups: tuple[Raw, ...], fargate: tuple[Raw, ...]
    ) -> Compute:
        automatic = cluster.get("computeConfig") or {}
        found = Compute(
            node_groups,
            fargate,
            bool(automatic.get("enabled")),
            bool((cluster.get("remoteNetworkConfig") or {}).get("remoteNodeNetworks")),
            pools=tuple(automatic.get("nodePools") or ()),
            karpenter=_has_karpenter(cluster, node_groups, fargate),
        )
        if surely_runs_pods(found, self._r):
            return found
        # Self-managed nodes and Karpenter's carry this tag; EKS itself does not know of them.
        # https://docs.aws.amazon.com/eks/latest/userguide/worker.html
        reservations = self._aws.ask_all(
            "ec2",
            "describe_instances",
            "Reservations",
            about=f"the instances of {self._r.cluster}",
            Filters=[
                {"Name": "tag-key", "Values": [f"kubernetes.io/cluster/{self._r.cluster}"]},
                {"Name": "instance-state-name", "Values": ["running"]},
            ],
        )
        nodes = [i for r in reservations for i in r["Instances"] if _is_unmanaged_node(i)]
        arm = sum(str(node.get("Architecture")).startswith("arm64") for node in nodes)
        return replace(found, unmanaged=len(nodes), unmanaged_arm=arm)

    def _version(self, cluster: Raw) -> Raw:
        version = str(cluster.get("version"))
        found = self._aws.ask_all(
            "eks",
            "describe_cluster_versions",
            "clusterVersions",
            about=f"Kubernetes {version}",
            includeAll=True,
            clusterVersions=[version],
        )
        fitting = [one for one in found if one.get("clusterVersion") == version]
        return fitting[0] if fitting else {"clusterVersion": version}

    def _endpoint(self, cluster: Raw) -> bool:
        """Whether a connection to the cluster's endpoint is taken from here; nothing is sent."""
        _, _, where = str(cluster.get("endpoint") or "").partition("//")
        if not where:
            raise Skipped("EKS told no endpoint")
        return connects(where, self._aws.timeout)

    def denied(self, principal: Probe[Principal]) -> Probe[tuple[ClusterRight, ...]]:
        """What the cluster denies a principal of what ZenML does, where it is who looks."""

        def run(cluster: Raw, who: Principal, looking: Principal) -> tuple[ClusterRight, ...]:
            if who.arn != looking.arn:
                raise Skipped(
                    f"a cluster tells everybody their own rights alone: these credentials are "
                    f"{looking.arn}, and the connector is {who.arn}",
                    note(aws("sts", "get-caller-identity"), "run it as the connector"),
                )
            return api_of(self._aws, cluster).denied(self._r.namespace, self._r.rights)

        requires = (self.cluster, principal, self.principal)
        return Probe("the cluster's access reviews", run, requires=requires)

    def pull_secrets(self, pull: ForeignPull) -> Probe[SeenSecrets]:
        """The secrets with which pods pull from a registry that is not AWS's."""
        return Probe(
            "the pods' image pull secrets",
            lambda cluster: look(api_of(self._aws, cluster), self._r.namespace, pull),
            requires=(self.cluster,),
        )

    def access_entry(self, principal: Probe[Principal]) -> Probe[Raw]:
        """The access entry of a principal, with its policies under ``policies``; empty if none."""

        def run(cluster: Raw, who: Principal) -> Raw:
            mode = cluster.get("accessConfig", {}).get("authenticationMode")
            if mode not in {"API", "API_AND_CONFIG_MAP"}:
                raise Skipped(
                    f"the cluster's authentication mode is {mode or 'not told'}: "
                    "who may enter stands in its aws-auth ConfigMap, which is not looked at",
                    "kubectl get configmap aws-auth --namespace kube-system --output yaml",
                )
            # An absent entry is an observation: the cluster itself was just seen. A role with a
            # path may have been entered without it.
            entry: Raw = {}
            for arn in dict.fromkeys((who.arn, _without_path(who.arn))):
                entry = self._aws.ask(
                    "eks",
                    "describe_access_entry",
                    about=f"the access entry of {who.arn}",
                    none=_NO_CLUSTER,
                    clusterName=self._r.cluster,
                    principalArn=arn,
                )
                if entry:
                    break
            else:
                return {"mode": mode}
            policies = self._aws.ask_all(
                "eks",
                "list_associated_access_policies",
                "associatedAccessPolicies",
                about=f"the access entry of {who.arn}",
                clusterName=self._r.cluster,
                principalArn=arn,
            )
            return {**entry["accessEntry"], "mode": mode, "policies": policies}

        return Probe("eks:DescribeAccessEntry", run, requires=(self.cluster, principal))


def _has_karpenter(cluster: Raw, node_groups: tuple[Raw, ...], profiles: tuple[Raw, ...]) -> bool:
    """Whether EKS tells of Karpenter: by its tag, its profile, or the label of its own group.

    https://karpenter.sh/docs/getting-started/getting-started-with-karpenter/
    """
    keys = {str(key) for key in cluster.get("tags") or {}}
    keys |= {str(key) for group in node_groups for key in group.get("labels") or {}}
    spaces = {s.get("namespace") for p in profiles for s in p.get("selectors") or ()}
    return "karpenter" in spaces or any(key.startswith("karpenter.sh/") for key in keys)


def _is_unmanaged_node(instance: Raw) -> bool:
    keys = {tag.get("Key") for tag in instance.get("Tags") or ()}
    windows = str(instance.get("Platform") or "").lower() == "windows"
    return not windows and "eks:nodegroup-name" not in keys


def _without_path(arn: str) -> str:
    head, _, rest = arn.partition(":role/")
    return f"{head}:role/{rest.rsplit('/', 1)[-1]}" if rest else arn
