"""Everything that is asked of AWS for one stack: operations and nothing else, no evaluation.

What is only needed when something else was seen (nodes that EKS does not manage) waits for that;
all other probes depend on the credentials alone, and start at the same moment.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from kitaru_iac.checks.commands import note
from kitaru_iac.checks.probes import (
    Denied,
    NotFound,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
    in_parallel,
)
from kitaru_iac.clouds.aws.analyzer import analyze
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.kubernetes_api import find_namespace
from kitaru_iac.clouds.aws.observations import (
    BucketHead,
    BucketKey,
    CallerIdentity,
    Compute,
    Principal,
    public_access_of,
)
from kitaru_iac.clouds.aws.resources import AwsResources, account_of, role_name
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.aws.verify_compute import surely_runs_pods

__all__ = ["AwsProbes", "kms_key_name", "require_aws_bucket", "require_same_account"]

Raw = Mapping[str, Any]
_NO_BUCKET = ("NoSuchBucket",)
_NO_CLUSTER = ("ResourceNotFoundException",)


class AwsProbes:
    """The probes of one run. Each is an object, asked once however many checks use it."""

    def __init__(self, aws: AwsAccess, resources: AwsResources) -> None:
        self._aws = aws
        self._r = resources
        self.session = Probe("AWS credentials", aws.open)
        self.identity = self._probe("sts:GetCallerIdentity", self._identity)
        self.principal = Probe(
            "iam:GetRole of the caller", self._principal, requires=(self.identity,)
        )
        self._ask_bucket()
        self._ask_repository()
        self._ask_cluster()
        # --- role
        self.role = Probe(
            "iam:GetRole",
            lambda _session, account: self._role(account),
            requires=(self.session,),
            after=(self.identity,),
        )

    def _ask_bucket(self) -> None:
        r = self._r
        self.head = self._probe("s3:HeadBucket", self._head)
        self.bucket = Probe("s3:HeadBucket", _allowed_only(r), requires=(self.head,), inline=True)
        # Waits to be told the account only where the description does not say it.
        self.account_block = Probe(
            "s3control:GetPublicAccessBlock",
            self._account_block,
            requires=(self.session,) if r.account else (self.identity,),
        )
        self.bucket_block = self._s3(
            "get_public_access_block", none="NoSuchPublicAccessBlockConfiguration"
        )
        self.policy_status = self._s3("get_bucket_policy_status", none="NoSuchBucketPolicy")
        self.bucket_acl = self._s3("get_bucket_acl")
        self.encryption = self._s3(
            "get_bucket_encryption", none="ServerSideEncryptionConfigurationNotFoundError"
        )
        self.bucket_key = Probe(
            "kms:DescribeKey", self._bucket_key, requires=(self.encryption,), after=(self.head,)
        )
        self.versioning = self._s3("get_bucket_versioning")
        self.bucket_policy = self._s3("get_bucket_policy", none="NoSuchBucketPolicy")
        self.bucket_analysis = Probe(
            "access-analyzer:ValidatePolicy",
            partial(analyze, self._aws, self._bucket_uri),
            requires=(self.bucket_policy,),
            after=(self.policy_status,),
        )
        self.public_access = Probe(
            "public access",
            public_access_of,
            requires=(self.bucket_block,),
            after=(self.account_block, self.policy_status, self.bucket_acl, self.bucket_analysis),
            inline=True,
        )
        owner = Probe("s3:HeadBucket as its owner", self._bucket_owner, requires=(self.identity,))
        self.bucket_account = Probe(
            "the bucket's account", lambda _, account: account, requires=(self.bucket, owner),
            inline=True,
        )  # fmt: skip

    def _ask_repository(self) -> None:
        self.repository_policy = self._probe("ecr:GetRepositoryPolicy", self._repository_policy)
        self.repository = self._probe("ecr:DescribeRepositories", self._repository)
        # Waits, since templates only matter for a repository that is not there.
        self.push_target = Probe(
            "ecr:DescribeRepositoryCreationTemplates",
            lambda _session, found, who: self._push_target(found, who),
            requires=(self.session,),
            after=(self.repository, self.identity),
        )
        self.registry_scanning = self._probe(
            "ecr:GetRegistryScanningConfiguration", self._registry_scanning
        )

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
            lambda cluster: find_namespace(self._aws, cluster, self._r.namespace),
            requires=(self.cluster,),
        )
        self.endpoint = Probe("the cluster's endpoint", self._endpoint, requires=(self.cluster,))

    def _probe(self, name: str, run: Any) -> Probe[Any]:
        """A probe that needs nothing but credentials."""
        return Probe(name, lambda _session: run(), requires=(self.session,))

    # --- who

    def _identity(self) -> CallerIdentity:
        answer = self._aws.ask("sts", "get_caller_identity", about=self._aws.described_as)
        return CallerIdentity(answer["Account"], answer["Arn"])

    def _principal(self, identity: CallerIdentity) -> Principal:
        kind, _, rest = identity.arn.split(":", 5)[5].partition("/")
        if kind == "root":
            return Principal(identity.arn, "root", "root")
        if kind == "user":
            return Principal(_as_iam(identity.arn), "user", role_name(identity.arn))
        if kind == "role":
            return Principal(identity.arn, "role", role_name(identity.arn))
        if kind != "assumed-role":
            raise Skipped(f"{identity.arn} is neither a user nor a role: IAM cannot simulate it")
        name = rest.split("/", 1)[0]
        head = _as_iam(identity.arn).rsplit(":", 1)[0]
        try:
            answer = self._aws.ask("iam", "get_role", about=f"the role {name}", RoleName=name)
        except ProbeError:
            return Principal(f"{head}:role/{name}", "role", name, certain=False)
        return Principal(answer["Role"]["Arn"], "role", name)

    # --- bucket

    def _s3(self, operation: str, none: str | None = None) -> Probe[Any]:
        pascal = "".join(part.capitalize() for part in operation.split("_"))
        ask = partial(
            self._aws.ask,
            "s3",
            operation,
            about=self._bucket_uri,
            absent=_NO_BUCKET,
            none=() if none is None else (none,),
            Bucket=self._r.bucket,
        )

        def run() -> Raw:
            require_aws_bucket(self._r)
            return ask()

        return self._probe(f"s3:{pascal}", run)

    @property
    def _bucket_uri(self) -> str:
        return f"s3://{self._r.bucket}"

    def _head(self) -> BucketHead:
        """HEAD has no body, hence codes that are numbers: 404 is absent and 403 is denied.

        S3 names the region in a header even to those who may not list the bucket, and never answers
        403 for a name that nobody has: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
        """
        require_aws_bucket(self._r)
        try:
            answer = self._aws.ask(
                *("s3", "head_bucket"),
                about=self._bucket_uri,
                absent=("404", "NoSuchBucket"),
                Bucket=self._r.bucket,
            )
        except Denied as denied:
            response = getattr(denied.__cause__, "response", {})
            return BucketHead(_region_header(response), allowed=False)
        return BucketHead(answer.get("BucketRegion") or _region_header(answer), allowed=True)

    def _bucket_owner(self, identity: CallerIdentity) -> str | None:
        """The account that the bucket is in: the caller's, the registry's, or None for another one.

        S3 refuses a request whose expected owner is not the bucket's. Only where it takes the same
        request without does that tell anything:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
        """
        ask = partial(self._aws.ask, "s3", "head_bucket", about=self._bucket_uri)
        for account in dict.fromkeys((identity.account, self._r.account or identity.account)):
            try:
                ask(absent=("404",), Bucket=self._r.bucket, ExpectedBucketOwner=account)
            except Denied:
                continue
            return account
        return None

    def _account_block(self, identity: CallerIdentity | None) -> Raw:
        require_aws_bucket(self._r)
        account = self._r.account or (identity.account if identity else None)
        return self._aws.ask(
            *("s3control", "get_public_access_block"),
            about=f"account {account}",
            none=("NoSuchPublicAccessBlockConfiguration",),
            AccountId=account,
        )

    def _bucket_key(self, encryption: Raw, head: Outcome[BucketHead]) -> BucketKey:
        """The key's ARN, whatever the bucket calls it: a grant counts for no other name.

        https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
        """
        named = kms_key_name(encryption)
        if named is None or named.endswith("alias/aws/s3"):
            return BucketKey(named=named)
        region = None if isinstance(head, ProbeError) else head.region
        if named.startswith("arn:"):
            region = named.split(":")[3]
        try:
            answer = self._aws.ask(
                *("kms", "describe_key"),
                about=f"the key {named}",
                none=("NotFoundException",),
                region=region,
                KeyId=named,
            )
        except ProbeError as error:
            if not _is_key_arn(named):
                raise
            return BucketKey(named, named, unseen=error)
        if not answer:
            return BucketKey(named if _is_key_arn(named) else None, named)
        metadata = answer["KeyMetadata"]
        # AWS's own key is named by its alias, and may be named by its ARN too.
        own = metadata.get("KeyManager") == "AWS"
        state = metadata.get("KeyState")
        return BucketKey(
            None if own else str(metadata["Arn"]), named, None if state is None else str(state)
        )

    # --- repository

    def _repository(self) -> Raw:
        registry = self._r.registry
        assert registry is not None
        answer = self._aws.ask(
            *("ecr", "describe_repositories"),
            about=f"{registry.host}/{self._r.repository}",
            absent=("RepositoryNotFoundException",),
            region=registry.region,
            registryId=registry.account,
            repositoryNames=[self._r.repository],
        )
        found: Raw = answer["repositories"][0]
        return found

    def _push_target(self, found: Outcome[Raw], who: Outcome[CallerIdentity]) -> Raw:
        """The repository, or under ``template`` what makes it at the first push.

        The most specific prefix counts, and ends before a slash; ROOT is for all names:
        https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates.html
        """
        if not isinstance(found, ProbeError):
            return found
        registry = self._r.registry
        assert registry is not None
        if not isinstance(found, NotFound):
            raise found
        if not isinstance(who, CallerIdentity) or who.account != registry.account:
            raise Skipped(
                f"{registry.host} has no such repository, and its creation templates are shown to "
                f"account {registry.account} alone",
                aws("sts", "get-caller-identity"),
            )
        templates = self._aws.ask_all(
            *("ecr", "describe_repository_creation_templates", "repositoryCreationTemplates"),
            about=f"the creation templates of {registry.host}",
            region=registry.region,
        )
        fitting = [t for t in templates if _fits_prefix(str(t["prefix"]), str(self._r.repository))]
        fitting.sort(key=lambda t: -1 if t["prefix"] == "ROOT" else len(t["prefix"]))
        if fitting and "CREATE_ON_PUSH" in fitting[-1].get("appliedFor", ()):
            return {"template": fitting[-1]}
        raise found

    def _repository_policy(self) -> Raw:
        registry = self._r.registry
        assert registry is not None
        return self._aws.ask(
            *("ecr", "get_repository_policy"),
            about=f"{registry.host}/{self._r.repository}",
            absent=("RepositoryNotFoundException",),
            none=("RepositoryPolicyNotFoundException",),
            region=registry.region,
            registryId=registry.account,
            repositoryName=self._r.repository,
        )

    def _registry_scanning(self) -> Raw:
        registry = self._r.registry
        assert registry is not None
        answer = self._aws.ask(
            *("ecr", "get_registry_scanning_configuration"),
            about=registry.host,
            region=registry.region,
        )
        if answer.get("registryId") not in {None, registry.account}:
            raise Skipped(f"the scanning of {registry.host} is shown to its own account only")
        configuration: Raw = answer["scanningConfiguration"]
        return configuration

    # --- cluster

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
            *("eks", f"list_{what}s", plural),
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
            *("ec2", "describe_instances", "Reservations"),
            about=f"the instances of {self._r.cluster}",
            Filters=[
                {"Name": "tag-key", "Values": [f"kubernetes.io/cluster/{self._r.cluster}"]},
                {"Name": "instance-state-name", "Values": ["running"]},
            ],
        )
        nodes = [i for r in reservations for i in r["Instances"] if _is_unmanaged_node(i)]
        return replace(found, unmanaged=len(nodes))

    def _version(self, cluster: Raw) -> Raw:
        version = str(cluster.get("version"))
        found = self._aws.ask_all(
            *("eks", "describe_cluster_versions", "clusterVersions"),
            about=f"Kubernetes {version}",
            includeAll=True,
            clusterVersions=[version],
        )
        fitting = [one for one in found if one.get("clusterVersion") == version]
        return fitting[0] if fitting else {"clusterVersion": version}

    def _endpoint(self, cluster: Raw) -> bool:
        """Whether a connection to the cluster's endpoint is taken from here; nothing is sent."""
        where = urlsplit(str(cluster.get("endpoint") or ""))
        if not where.hostname:
            raise Skipped("EKS told no endpoint")
        try:
            port = where.port or 443
            with socket.create_connection((where.hostname, port), min(5.0, self._aws.timeout)):
                return True
        except OSError:
            return False

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
                    *("eks", "describe_access_entry"),
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
                *("eks", "list_associated_access_policies", "associatedAccessPolicies"),
                about=f"the access entry of {who.arn}",
                clusterName=self._r.cluster,
                principalArn=arn,
            )
            return {**entry["accessEntry"], "mode": mode, "policies": policies}

        return Probe("eks:DescribeAccessEntry", run, requires=(self.cluster, principal))

    # --- roles

    def _role(self, account: Outcome[CallerIdentity]) -> Raw:
        assert self._r.role is not None
        require_same_account(self._r.role, account)
        answer = self._aws.ask(
            *("iam", "get_role"),
            about=self._r.role,
            absent=("NoSuchEntity",),
            RoleName=role_name(self._r.role),
        )
        found: Raw = answer["Role"]
        here = account_of(str(found["Arn"]))
        if here is not None:  # whoever asks, though STS did not tell who that is
            require_same_account(self._r.role, CallerIdentity(here, ""))
        return found

    def attached_policies(self, role: str) -> tuple[str, ...]:
        """The ARNs of the managed policies attached to a role. Raises as `AwsAccess.ask`."""
        found = self._aws.ask_all(
            *("iam", "list_attached_role_policies", "AttachedPolicies"),
            about=role,
            absent=("NoSuchEntity",),
            RoleName=role_name(role),
        )
        return tuple(policy["PolicyArn"] for policy in found)


def require_same_account(arn: str, caller: Outcome[CallerIdentity]) -> None:
    """Refuse to look at a thing of another account: IAM would show its namesake in this one.

    Raises:
        Skipped: It is of another account than the caller.
    """
    account = account_of(arn)
    if isinstance(caller, CallerIdentity) and account not in {None, caller.account}:
        raise Skipped(
            f"{arn} is of account {account}, and these credentials see account {caller.account} "
            "alone, where another one may have its name",
            note(aws("sts", "get-caller-identity"), f"look with credentials of account {account}"),
        )


def require_aws_bucket(r: AwsResources) -> None:
    """Refuse to look at AWS for a bucket that is elsewhere, where another one may have its name.

    Raises:
        Skipped: The artifact store has another endpoint.
    """
    if r.s3_endpoint:
        raise Skipped(
            f"the artifact store is at {r.s3_endpoint}, not at AWS: it was not looked at there",
            note(
                aws("s3api", "head-bucket", bucket=r.bucket), f"at --endpoint-url {r.s3_endpoint}"
            ),
        )


def kms_key_name(encryption: Raw) -> str | None:
    """How a bucket's default encryption names its KMS key; None where it names none."""
    rules = encryption.get("ServerSideEncryptionConfiguration", {}).get("Rules", ())
    for rule in rules:
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        key = default.get("KMSMasterKeyID")
        if str(default.get("SSEAlgorithm", "")).startswith("aws:kms") and key:
            return str(key)
    return None


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


def _fits_prefix(prefix: str, name: str) -> bool:
    return prefix == "ROOT" or name.startswith(prefix.rstrip("/") + "/")


def _is_key_arn(name: str) -> bool:
    return name.startswith("arn:") and ":key/" in name


def _allowed_only(resources: AwsResources) -> Any:
    def run(head: BucketHead) -> BucketHead:
        if not head.allowed:
            raise Denied(
                f"s3:ListBucket on s3://{resources.bucket} is denied. The bucket exists (S3 "
                "answered 403, not 404); it may belong to another account",
                permission="s3:ListBucket",
                resource=resources.bucket_arn,
            )
        return head

    return run


def _region_header(response: Raw) -> str | None:
    headers: Raw = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = headers.get("x-amz-bucket-region")
    return None if region is None else str(region)


def _as_iam(arn: str) -> str:
    """An identity's ARN with ``iam`` for ``sts`` (moto calls its users ``sts``; AWS does not)."""
    parts = arn.split(":")
    parts[2] = "iam"
    return ":".join(parts)
