"""What the probes of AWS see, where that is more than AWS's own answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kitaru_iac.checks.probes import Outcome, ProbeError

__all__ = [
    "PUBLIC_ACCESS_KEYS",
    "Analysis",
    "BucketHead",
    "BucketKey",
    "CallerIdentity",
    "Compute",
    "KeyPolicy",
    "PodIdentity",
    "Principal",
    "PublicAccess",
    "Subnets",
    "WebIdentity",
    "public_access_of",
]

Raw = Mapping[str, Any]
#: The four switches that keep a bucket private.
PUBLIC_ACCESS_KEYS = (
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
)
#: The keys that AWS keeps for a service in each account.
_OWN_ALIASES = {"alias/aws/ecr", "alias/aws/s3"}


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """Who the credentials are, as STS says: ``arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION``."""

    account: str
    arn: str


@dataclass(frozen=True, slots=True)
class Principal:
    """The IAM user or role behind an identity: what a simulation and a policy are about.

    Attributes:
        arn: With its path, which an assumed role's identity does not show.
        kind: ``user``, ``role`` or ``root``.
        name: The user's or role's name.
        certain: Whether IAM said so; else the path is not known, and the ARN is one without.
    """

    arn: str
    kind: str
    name: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class BucketHead:
    """What S3 says of a bucket to everybody: its region.

    Attributes:
        region: Where it is, if S3 named it.
        allowed: Whether we may list it.
        owner: The account that further requests expect it to be in, where they expect one.
    """

    region: str | None
    allowed: bool
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class BucketKey:
    """The KMS key that encrypts a bucket.

    Attributes:
        arn: Of the customer's key; None for S3's own keys, and AWS's own of KMS, whose use needs no
            grant within the account.
        named: How the bucket's configuration names it: an ARN, an id or an alias.
        state: As KMS tells it: ``Enabled``, ``Disabled``, ``PendingDeletion``, …; None if there is
            no such key, or it could not be looked at.
        unseen: Why the state could not be looked at.
        unfit: Of what kind it is, where S3 cannot encrypt with it.
        bucket_region: Where the bucket is, which is where the key has to be; None if nobody said.
    """

    arn: str | None = None
    named: str | None = None
    state: str | None = None
    unseen: ProbeError | None = None
    unfit: str | None = None
    bucket_region: str | None = None

    @property
    def is_aws_own(self) -> bool:
        """Whether it is named as the key that AWS keeps in each account for S3 or ECR.

        The name of a customer's alias may end the same way: ``alias/team-alias/aws/s3``.
        """
        return self.named is not None and self.named.rpartition(":")[2] in _OWN_ALIASES


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """Who may use a customer's KMS key.

    Attributes:
        arn: The key's.
        document: Its policy, in JSON.
        grants: Its grants, as KMS lists them.
    """

    arn: str
    document: str
    grants: tuple[Raw, ...] = ()


@dataclass(frozen=True, slots=True)
class PublicAccess:
    """The four switches that keep a bucket private, and where they are on.

    Attributes:
        bucket: Those that are on for the bucket.
        account: Those that are on for the whole account; None if that could not be looked at.
        has_public_policy: Whether the bucket policy is public; None if that could not be looked at.
        account_missing: Why the account's could not be looked at.
        public_acl: What the bucket's ACL lets everybody do, or everybody with an account of AWS;
            None if that could not be looked at.
        unseen: Why the policy's or the ACL's state could not be looked at.
        others: What the bucket's ACL lets other accounts do, which no switch takes back.
    """

    bucket: frozenset[str]
    account: frozenset[str] | None
    has_public_policy: bool | None
    account_missing: ProbeError | None = None
    public_acl: tuple[str, ...] | None = ()
    unseen: ProbeError | None = None
    others: tuple[str, ...] = ()

    @property
    def on(self) -> frozenset[str]:
        """The switches that are on, for the bucket or for the whole account."""
        return self.bucket | (self.account or frozenset())

    @property
    def off(self) -> tuple[str, ...]:
        """The switches that are on nowhere."""
        return tuple(key for key in PUBLIC_ACCESS_KEYS if key not in self.on)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What IAM Access Analyzer says of a bucket's policy.

    Attributes:
        errors: The errors that it finds in the policy, in its own words; None if it was not asked.
        public: Whether the policy grants access to the public; None if it was not asked.
    """

    errors: tuple[str, ...] | None = None
    public: bool | None = None


def public_access_of(
    block: Raw, account: Outcome[Raw], status: Outcome[Raw], acl: Outcome[Raw],
    analysis: Outcome[Analysis], *, owner: ProbeError | None = None,
) -> PublicAccess:  # fmt: skip
    """Put S3's answers together: both blocks, the policy's state, the ACL, another opinion.

    Args:
        block: The bucket's.
        account: That of the account that was asked.
        status: What S3 says of the policy.
        acl: The bucket's.
        analysis: What Access Analyzer says of the policy.
        owner: Why that account's block may say nothing of the bucket; None if it is its own.
    """
    account = account if owner is None else owner
    unseen = [outcome for outcome in (status, acl) if isinstance(outcome, ProbeError)]
    public = None if isinstance(analysis, ProbeError) else analysis.public
    return PublicAccess(
        _switched_on(block),
        None if isinstance(account, ProbeError) else _switched_on(account),
        public
        if isinstance(status, ProbeError)
        else bool(status.get("PolicyStatus", {}).get("IsPublic")),
        account if isinstance(account, ProbeError) else None,
        None if isinstance(acl, ProbeError) else _public_grants(acl),
        unseen[0] if unseen else None,
        () if isinstance(acl, ProbeError) else _grants_to_others(acl),
    )


def _grants_to_others(acl: Raw) -> tuple[str, ...]:
    """The grants to accounts other than the owner's, by their canonical ids."""
    owner = acl.get("Owner", {}).get("ID")
    return tuple(
        f"{grant['Permission']} to the account with the canonical id {theirs}"
        for grant in acl.get("Grants", ())
        if owner and (theirs := grant.get("Grantee", {}).get("ID")) and theirs != owner
    )


def _public_grants(acl: Raw) -> tuple[str, ...]:
    """The grants to S3's groups of everybody, and of everybody who has an account.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
    """
    groups = {"AllUsers": "everybody", "AuthenticatedUsers": "everybody with an account of AWS"}
    return tuple(
        f"{grant['Permission']} to {groups[group]}"
        for grant in acl.get("Grants", ())
        if (group := str(grant.get("Grantee", {}).get("URI", "")).rsplit("/", 1)[-1]) in groups
    )


def _switched_on(answer: Raw) -> frozenset[str]:
    configuration = answer.get("PublicAccessBlockConfiguration", {})
    return frozenset(key for key in PUBLIC_ACCESS_KEYS if configuration.get(key))


@dataclass(frozen=True, slots=True)
class Compute:
    """What a cluster runs pods on.

    Attributes:
        node_groups: As EKS describes them.
        fargate_profiles: As EKS describes them.
        auto_mode: Whether EKS makes nodes itself.
        hybrid: Whether nodes of another network may join.
        unmanaged: How many running Linux instances are tagged for the cluster and of no node group;
            only counted where nothing else surely runs pods.
        unmanaged_arm: How many of them are ARM.
        pools: The built-in pools of Auto Mode that are on.
        karpenter: Whether something tells of Karpenter, which makes nodes too.
    """

    node_groups: tuple[Raw, ...]
    fargate_profiles: tuple[Raw, ...]
    auto_mode: bool
    hybrid: bool
    unmanaged: int | None = None
    unmanaged_arm: int = 0
    pools: tuple[str, ...] = ("general-purpose",)
    karpenter: bool = False


@dataclass(frozen=True, slots=True)
class Subnets:
    """The subnets in which nodes and pods get their addresses.

    Attributes:
        wanted: Those that EKS names.
        free: How many addresses each of them that exists has left.
        is_fargate: Whether Fargate alone runs pods there, each with an address of its own.
    """

    wanted: tuple[str, ...]
    free: Mapping[str, int]
    is_fargate: bool = False


@dataclass(frozen=True, slots=True)
class PodIdentity:
    """A service account of Kubernetes whose pods become a role.

    Attributes:
        account: The service account.
        arn: The role's.
        role: As IAM describes it.
        target: The role that the pods then become by way of it, where there is one.
    """

    account: str
    arn: str
    role: Outcome[Raw]
    target: str | None = None


@dataclass(frozen=True, slots=True)
class WebIdentity:
    """A service account of Kubernetes that names a role by an annotation (IRSA).

    Attributes:
        account: The service account.
        arn: The role's.
        role: As IAM describes it.
        audiences: Whom the account's tokens may be for.
        provider_arn: Of IAM's entry of the cluster's issuer, in the role's account; None where EKS
            names no issuer.
        provider: That entry, as IAM describes it; None where it was not asked for.
    """

    account: str
    arn: str
    role: Outcome[Raw]
    audiences: list[str]
    provider_arn: str | None = None
    provider: Outcome[Raw] | None = None
