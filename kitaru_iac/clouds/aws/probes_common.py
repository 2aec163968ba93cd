"""What every probe of AWS stands on: the session, and whose it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kitaru_iac.checks.commands import note
from kitaru_iac.checks.probes import (
    Once,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
)
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.observations import (
    BucketKey,
    CallerIdentity,
    Principal,
)
from kitaru_iac.clouds.aws.resources import AwsResources, account_of, role_name
from kitaru_iac.clouds.aws.session import AwsAccess

__all__ = ["CommonProbes", "Raw", "require_same_account"]

Raw = Mapping[str, Any]


class CommonProbes:
    """The session and the identity of one run.

    Args:
        aws: Asks.
        resources: What is asked about.
    """

    def __init__(self, aws: AwsAccess, resources: AwsResources) -> None:
        self._aws = aws
        self._r = resources
        #: A role by its name, as IAM describes it; each is asked for once.
        self.role_of = Once(self._role_of)
        self.session = Probe("AWS credentials", aws.open, close=aws.close)
        self.identity = self._probe("sts:GetCallerIdentity", self._identity)
        self.principal = Probe(
            "iam:GetRole of the caller", self._principal, requires=(self.identity,)
        )

    def _probe(self, name: str, run: Callable[[], Any]) -> Probe[Any]:
        """A probe that needs nothing but credentials."""
        return Probe(name, lambda _session: run(), requires=(self.session,))

    def _role_of(self, name: str) -> Raw:
        answer = self._aws.ask(
            "iam",
            "get_role",
            about=f"the role {name}",
            absent=("NoSuchEntity",),
            RoleName=name,
        )
        found: Raw = answer["Role"]
        return found

    def describe_key(
        self, named: str | None, region: str | None, place: str | None = None
    ) -> BucketKey:
        """A KMS key, whatever the thing that it encrypts calls it.

        A grant counts for no other name than its ARN:
        https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html

        Args:
            named: An ARN, an id or an alias; None for a thing that names no key.
            region: Where it is, unless its ARN says that.
            place: Where the thing is, if that is known.
        """
        key = BucketKey(named=named)
        if named is None or key.is_aws_own:
            return key
        if named.startswith("arn:"):
            region = named.split(":")[3]
        try:
            answer = self._aws.ask(
                "kms",
                "describe_key",
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
            None if own else str(metadata["Arn"]),
            named,
            None if state is None else str(state),
            unfit=_unfit(metadata),
            bucket_region=place,
        )

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
            found = self.role_of(name)
        except ProbeError:
            return Principal(f"{head}:role/{name}", "role", name, certain=False)
        return Principal(found["Arn"], "role", name)


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


def _as_iam(arn: str) -> str:
    """An identity's ARN with ``iam`` for ``sts`` (moto calls its users ``sts``; AWS does not)."""
    parts = arn.split(":")
    parts[2] = "iam"
    return ":".join(parts)


def _unfit(metadata: Raw) -> str | None:
    """What kind of key it is, unless S3 and ECR can encrypt with it: they take symmetric ones.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html and
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
    """
    use = str(metadata.get("KeyUsage", "ENCRYPT_DECRYPT"))
    spec = str(metadata.get("KeySpec", "SYMMETRIC_DEFAULT"))
    return None if (use, spec) == ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT") else f"{spec}, for {use}"


def _is_key_arn(name: str) -> bool:
    return name.startswith("arn:") and ":key/" in name
