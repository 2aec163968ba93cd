"""What is asked of S3 and KMS about the artifact store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from kitaru_iac.checks.commands import note
from kitaru_iac.checks.probes import (
    Denied,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
    Unavailable,
)
from kitaru_iac.clouds.aws.analyzer import analyze_bucket
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.observations import (
    BucketHead,
    BucketKey,
    CallerIdentity,
    KeyPolicy,
    PublicAccess,
    public_access_of,
)
from kitaru_iac.clouds.aws.probes_common import CommonProbes, Raw
from kitaru_iac.clouds.aws.resources import AwsResources, account_of

__all__ = ["AnotherOwner", "BucketProbes", "kms_key_name", "require_aws_bucket"]

_NO_BUCKET = ("NoSuchBucket",)


class AnotherOwner(Skipped):
    """A stranger has taken the name of the bucket that was made for the stack."""


class BucketProbes(CommonProbes):
    """The probes of the bucket."""

    def _ask_bucket(self) -> None:
        r = self._r
        self.head = self._probe("s3:HeadBucket", self._head)
        if r.bucket_made:
            look = self._head_of_ours
            self.head = Probe(
                self.head.name, look, requires=(self.session,), after=(self.identity,)
            )
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
        self.key_policy = Probe("kms:GetKeyPolicy", self._key_policy, requires=(self.bucket_key,))
        self.versioning = self._s3("get_bucket_versioning")
        self.bucket_policy = self._s3("get_bucket_policy", none="NoSuchBucketPolicy")
        self.bucket_lifecycle = self._s3(
            "get_bucket_lifecycle_configuration", none="NoSuchLifecycleConfiguration"
        )
        self.bucket_analysis = Probe(
            "access-analyzer:ValidatePolicy",
            partial(analyze_bucket, self._aws, self._bucket_uri),
            requires=(self.bucket_policy,),
            after=(self.policy_status,),
        )
        owner = Probe("s3:HeadBucket as its owner", self._bucket_owner, requires=(self.identity,))
        self.bucket_account = Probe(
            "the bucket's account", lambda _, account: account, requires=(self.bucket, owner),
            inline=True,
        )  # fmt: skip
        self.bucket_elsewhere = Probe(
            "s3:HeadBucket as others",
            self._bucket_elsewhere,
            requires=(self.bucket_account,),
            after=(self.bucket_key,),
        )
        self.public_access = Probe(
            "public access",
            self._public_access,
            requires=(self.bucket_block,),
            after=(
                *(self.account_block, self.policy_status, self.bucket_acl, self.bucket_analysis),
                self.bucket_account,
            ),
            inline=True,
        )

    def _public_access(self, *seen: Any) -> PublicAccess:
        """The switches of an account count for its own buckets alone."""
        *answers, whose = seen
        if isinstance(whose, ProbeError):
            owner: ProbeError | None = whose
        elif whose is None or whose != (self._r.account or whose):
            owner = Skipped("the bucket is of another account, whose block is not told here")
        else:
            owner = None
        return public_access_of(*answers, owner=owner)

    def _s3(self, operation: str, none: str | None = None) -> Probe[Any]:
        pascal = "".join(part.capitalize() for part in operation.split("_"))
        ask = partial(
            self._aws.ask,
            "s3",
            operation,
            about=self._bucket_uri,
            absent=_NO_BUCKET,
            none=() if none is None else (none,),
        )

        def run(before: BucketHead | None) -> Raw:
            require_aws_bucket(self._r)
            return ask(**self._whose(before.owner if before else None))

        # Of a stranger's bucket nothing is asked.
        is_own = self._r.bucket_made or self._r.bucket_owner is not None
        before: Probe[Any] = self.head if is_own else self.session
        return Probe(f"s3:{pascal}", run, requires=(before,))

    def _whose(self, owner: str | None) -> dict[str, str]:
        """The bucket, as it is called in a request: the stack's own with its account."""
        named = {"Bucket": str(self._r.bucket)}
        return named if owner is None else {**named, "ExpectedBucketOwner": owner}

    @property
    def _bucket_uri(self) -> str:
        return f"s3://{self._r.bucket}"

    def _head(self) -> BucketHead:
        """HEAD has no body, hence codes that are numbers: 404 is absent and 403 is denied.

        S3 names the region in a header even to those who may not list the bucket, and never answers
        403 for a name that nobody has: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
        """
        require_aws_bucket(self._r)
        ask = partial(
            self._aws.ask,
            "s3",
            "head_bucket",
            about=self._bucket_uri,
            absent=("404", "NoSuchBucket"),
        )
        try:
            answer = ask(**self._whose(self._r.bucket_owner))
        except Denied as denied:
            if self._r.bucket_owner is not None and _is_open(ask, str(self._r.bucket)):
                raise AnotherOwner(
                    f"{self._bucket_uri} is not in account {self._r.bucket_owner}, which its name "
                    "says: it is another account's, and not the one that was made for this stack",
                    aws(
                        "s3api",
                        "head-bucket",
                        bucket=self._r.bucket,
                        expected_bucket_owner=self._r.bucket_owner,
                    ),
                ) from denied
            response = getattr(denied.__cause__, "response", {})
            return BucketHead(_region_header(response), allowed=False, owner=self._r.bucket_owner)
        region = _region_of(answer, self._bucket_uri)
        return BucketHead(region, allowed=True, owner=self._r.bucket_owner)

    def _head_of_ours(self, _session: None, identity: Outcome[CallerIdentity]) -> BucketHead:
        """As `_head`, of a bucket that provisioning may have made in an account that is not told.

        It is ours in an account that the description names, or in the caller's. In any other one
        it may be one that is used, or a stranger's who took the name of what was made.
        """
        require_aws_bucket(self._r)
        caller = None if isinstance(identity, ProbeError) else identity.account
        accounts = tuple(dict.fromkeys(filter(None, (*self._r.told_accounts, caller))))
        if (found := self._head_among(*accounts)) is not None:
            return found
        found = self._head()  # of whomever it is
        if accounts and not found.allowed:
            return replace(found, owner=accounts[0])
        where = f"in none of the accounts that are known here ({', '.join(accounts)})"
        raise Skipped(
            f"{self._bucket_uri} is {where if accounts else 'in an account that is not known'}. It "
            "may have been made for the stack: then it is a stranger's now, and nothing about it "
            "counts",
            note(
                aws("s3api", "head-bucket", bucket=self._r.bucket),
                "with --expected-bucket-owner and the account that it was made in; if another "
                "account's bucket is used, check a description with resources: {bucket: existing}",
            ),
        )

    def _bucket_owner(self, identity: CallerIdentity) -> str | None:
        """The account that the bucket is in: the caller's, the registry's, or None for another one.

        S3 refuses a request whose expected owner is not the bucket's. Only where it takes the same
        request without does that tell anything:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
        """
        require_aws_bucket(self._r)
        owner = self._r.bucket_owner
        if owner is not None:  # whom every request expects already
            return owner if owner in {identity.account, self._r.account} else None
        return self._owner_among(identity.account, self._r.account)

    def _bucket_elsewhere(self, account: str | None, key: Outcome[BucketKey]) -> str | None:
        """The account of a bucket that is not in ours; None where nothing leads to it.

        It is guessed from the description and the bucket's key, and S3 is asked whether it is so.
        """
        if account is not None:
            return account
        arns = (self._r.role, self._r.scheduler_role, self._r.kms_key)
        arn = key.arn if isinstance(key, BucketKey) else None
        return self._owner_among(self._r.bucket_owner, *map(account_of, (*arns, arn)))

    def _owner_among(self, *accounts: str | None) -> str | None:
        """The first of these accounts that S3 takes for the bucket's owner."""
        found = self._head_among(*accounts)
        return None if found is None else found.owner

    def _head_among(self, *accounts: str | None) -> BucketHead | None:
        """What S3 says to who expects the first of these accounts that it takes for the owner."""
        ask = partial(self._aws.ask, "s3", "head_bucket", about=self._bucket_uri)
        for account in dict.fromkeys(filter(None, accounts)):
            try:
                answer = ask(absent=("404",), Bucket=self._r.bucket, ExpectedBucketOwner=account)
            except Denied:
                continue
            region = _region_of(answer, self._bucket_uri)
            return BucketHead(region, allowed=True, owner=account)
        return None

    def _account_block(self, identity: CallerIdentity | None) -> Raw:
        require_aws_bucket(self._r)
        account = self._r.account or (identity.account if identity else None)
        return self._aws.ask(
            "s3control",
            "get_public_access_block",
            about=f"account {account}",
            none=("NoSuchPublicAccessBlockConfiguration",),
            AccountId=account,
        )

    def _bucket_key(self, encryption: Raw, head: Outcome[BucketHead]) -> BucketKey:
        region = None if isinstance(head, ProbeError) else head.region
        return self.describe_key(kms_key_name(encryption), region, region)

    def _key_policy(self, key: BucketKey) -> KeyPolicy | None:
        """The policy and the grants of the bucket's key; None where it has none of its own."""
        if key.arn is None:
            return None
        about, region = f"the key {key.arn}", key.arn.split(":")[3]
        policy = self._aws.ask(
            "kms",
            "get_key_policy",
            about=about,
            absent=("NotFoundException",),
            region=region,
            KeyId=key.arn,
            PolicyName="default",
        )
        grants = self._aws.ask_all(
            "kms",
            "list_grants",
            "Grants",
            about=about,
            absent=("NotFoundException",),
            region=region,
            KeyId=key.arn,
        )
        return KeyPolicy(key.arn, str(policy.get("Policy") or ""), tuple(grants))


def require_aws_bucket(r: AwsResources) -> None:
    """Refuse to look at AWS for a bucket that is elsewhere, where another one may have its name.

    Raises:
        Skipped: The artifact store has another endpoint, or is no bucket.
    """
    if r.unseen_bucket is None:
        return
    look = aws("s3api", "head-bucket", bucket=r.bucket, region=r.region)
    where = f"at --endpoint-url {r.s3_endpoint}" if r.s3_endpoint else "with the connector's rights"
    raise Skipped(f"{r.unseen_bucket}: it was not looked at there", note(look, where))


def kms_key_name(encryption: Raw) -> str | None:
    """How a bucket's default encryption names its KMS key; None where it names none."""
    rules = encryption.get("ServerSideEncryptionConfiguration", {}).get("Rules", ())
    for rule in rules:
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        key = default.get("KMSMasterKeyID")
        if str(default.get("SSEAlgorithm", "")).startswith("aws:kms") and key:
            return str(key)
    return None


def _is_open(ask: Callable[..., Raw], bucket: str) -> bool:
    """Whether S3 answers whoever names no owner, so that it was the owner which it refused."""
    try:
        ask(Bucket=bucket)
    except ProbeError:
        return False
    return True


def _allowed_only(resources: AwsResources) -> Callable[[BucketHead], BucketHead]:
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


def _region_of(answer: Raw, about: str) -> str:
    """The region in an answer to HeadBucket, which has no body: without it, S3 did not answer.

    Raises:
        Unavailable: It names none, as what a proxy answers.
    """
    region = answer.get("BucketRegion") or _region_header(answer)
    if not region:
        raise Unavailable(
            f"what was answered about {about} is not S3's: it names no region",
            "Look whether a proxy answers in place of S3.",
        )
    return str(region)


def _region_header(response: Raw) -> str | None:
    headers: Raw = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = headers.get("x-amz-bucket-region")
    return None if region is None else str(region)
