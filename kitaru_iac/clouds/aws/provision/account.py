"""What has to be known of the account before anything is made there, and before anything goes.

Asked through boto3 as the description's identity; see `kitaru_iac.clouds.aws.session`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kitaru_iac.checks.kubernetes_api import KubernetesApi
from kitaru_iac.checks.probes import NoCredentials, NotFound, ProbeError
from kitaru_iac.clouds.aws.kubernetes_api import api_of
from kitaru_iac.clouds.aws.provision import encryption, given, marked, ownership
from kitaru_iac.clouds.aws.provision.ownership import BUCKET, GONE, REPOSITORY
from kitaru_iac.clouds.aws.provision.subnets import Subnet, one_per_zone
from kitaru_iac.clouds.aws.session import AwsAccess, require_boto3
from kitaru_iac.clouds.owned import untold
from kitaru_iac.clouds.provider import Inputs, Marked, Sighting
from kitaru_iac.errors import KitaruError, NotAllowedError, Problem
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.infrastructure import Infrastructure

__all__ = ["Account"]

_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
#: Why an image was not deleted that was gone by then.
_NO_IMAGE = {"ImageNotFound"}


@dataclass(slots=True)
class Account:
    """The account of some credentials, in one region.

    Attributes:
        region: Where to ask.
        number: The account's twelve digits; empty until `open`.
        caller: The ARN of whoever asks.
    """

    _access: AwsAccess
    _credentials: Credentials | None
    region: str
    number: str = ""
    caller: str = ""

    @classmethod
    def open(cls, credentials: Credentials | None, region: str) -> Account:
        """Find the credentials and ask whose they are.

        Raises:
            MissingPackages: The AWS packages are not installed.
            NotAllowedError: There are no usable credentials.
        """
        require_boto3()
        account = cls(AwsAccess(credentials, region), credentials, region)
        try:
            account._access.open()
            answer = account._access.ask("sts", "get_caller_identity", about="the credentials")
        except ProbeError as error:
            raise _refused(error, account._access.described_as) from error
        account.number = str(answer["Account"])
        account.caller = str(answer["Arn"])
        return account

    @property
    def place(self) -> dict[str, str]:
        """Which account, and where in it."""
        return {"account": self.number, "region": self.region}

    def environment(self) -> dict[str, str]:
        """The variables that give the engine's plugins the same identity.

        They are secrets, and go to the engine's process alone: what a provider is *given* as an
        input would stand in the state. Those of an assumed role end after an hour.

        Raises:
            NotAllowedError: The role cannot be assumed.
        """
        told = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        own = self._credentials
        if own is None or own.kind == "implicit":
            return told
        # An empty value takes the caller's own variable away: keys would go before a profile, and a
        # token of the caller's would not fit these keys.
        if own.kind == "aws-profile":
            none = dict.fromkeys(_KEYS, "")
            return told | none | {"AWS_PROFILE": own.values["profile_name"]}
        keys = self._assumed(own) if own.kind == "aws-role" else own.secrets
        found = {name: str(keys.get(name.lower(), "")) for name in _KEYS}
        return told | found | {"AWS_PROFILE": ""}

    def _assumed(self, own: Credentials) -> Mapping[str, str]:
        """Keys of the role. It is this process that assumes it, as it does for the checks."""
        access = AwsAccess(None, self.region)
        try:
            access.open()
            made = access.ask(
                "sts",
                "assume_role",
                about=own.values["role_arn"],
                RoleArn=own.values["role_arn"],
                RoleSessionName="kitaru-provision",
            )["Credentials"]
        except ProbeError as error:
            raise _refused(error, str(own)) from error
        finally:
            access.close()
        return {
            "aws_access_key_id": made["AccessKeyId"],
            "aws_secret_access_key": made["SecretAccessKey"],
            "aws_session_token": made["SessionToken"],
        }

    def default_subnets(self) -> tuple[str, ...]:
        """The default subnets of the region, one for each zone.

        Raises:
            KitaruError: There are not two zones with one, which EKS asks for.
        """
        try:
            found = self._access.ask_all(
                "ec2",
                "describe_subnets",
                "Subnets",
                about="the default subnets",
                Filters=[{"Name": "default-for-az", "Values": ["true"]}],
            )
        except ProbeError as error:
            raise KitaruError(
                "The subnets for the cluster cannot be looked up",
                why=error.why,
                remedy="Name them as `infrastructure: {subnets: [ID, ID]}`, or run it again as "
                "somebody who may look.",
            ) from error
        return one_per_zone(
            (
                Subnet(seen["SubnetId"], seen["AvailabilityZone"], seen["AvailabilityZoneId"])
                for seen in found
            ),
            self.region,
        )

    def cluster_api(self, name: str) -> KubernetesApi:
        """The API of a cluster, with credentials that are as fresh as can be.

        Raises:
            ProbeError: EKS does not tell where it is.
        """
        access = AwsAccess(self._credentials, self.region)
        try:
            access.open()
            told = access.ask("eks", "describe_cluster", about=f"the cluster {name}", name=name)
            return api_of(access, told["cluster"])
        finally:
            access.close()

    def unfit(self, options: Infrastructure, *, cluster: bool) -> list[Problem]:
        """What is wrong with the options of `infrastructure` here; see `given.py`."""
        return given.unfit(self._access, self.number, self.region, options, cluster=cluster)

    def bucket_key(self, bucket: str) -> str | None:
        """The ARN of the KMS key that encrypts an existing bucket; None for S3's own.

        Raises:
            KitaruError: It cannot be told.
        """
        try:
            return encryption.key_of(self._access, self.number, bucket)
        except ProbeError as error:
            raise KitaruError(
                f"Which key encrypts the bucket {bucket} cannot be told",
                why=error.why,
                remedy="Name it as `infrastructure: {kms_key: ARN}`, or run it again as somebody "
                "who may look: the roles need the key.",
            ) from error

    def sight(self, type: str, inputs: Inputs, marks: Mapping[str, str]) -> Sighting | None:
        """What AWS has under the name of a resource, and whether it is ours; None if nothing.

        The kinds that are not looked up are settings: writing them again does no harm.

        Raises:
            KitaruError: It cannot be told.
        """
        try:
            return ownership.sight(self._access, self.number, type, inputs, marks)
        except ProbeError as error:
            raise untold(type, inputs, error) from error

    def marked(self, marks: Mapping[str, str]) -> Marked:
        """What in the account and region carries these marks; see `marked.py`."""
        return marked.marked(self._access, self.number, self.region, marks)

    def holds(self, type: str, id: str) -> str | None:
        """What a stateful resource still holds, in words; None if it is empty or gone."""
        try:
            if type == BUCKET:
                answer = self._access.ask(
                    "s3",
                    "list_object_versions",
                    about=f"s3://{id}",
                    absent=GONE[type],
                    Bucket=id,
                    ExpectedBucketOwner=self.number,
                    MaxKeys=1,
                )
                full = answer.get("Versions") or answer.get("DeleteMarkers")
                return "it holds objects" if full else None
            if type == REPOSITORY:
                answer = self._access.ask(
                    "ecr",
                    "list_images",
                    about=f"repository {id}",
                    absent=GONE[type],
                    registryId=self.number,
                    repositoryName=id,
                    maxResults=1,
                )
                return "it holds images" if answer.get("imageIds") else None
        except NotFound:
            return None
        except ProbeError as error:
            return f"it may hold data: {error.why}"
        return None

    def others_in(self, type: str, id: str) -> str | None:
        """None: AWS deletes nothing with what is made here but data."""
        del type, id
        return None

    def empty(self, type: str, id: str) -> None:
        """Delete what a stateful resource holds, for good.

        Raises:
            KitaruError: AWS refuses.
        """
        try:
            if type == BUCKET:
                self._empty_bucket(id)
            elif type == REPOSITORY:
                self._empty_repository(id)
        except ProbeError as error:
            raise KitaruError(
                f"{id} could not be emptied",
                why=error.why,
                remedy="Run the same command again as somebody who may delete what it holds.",
            ) from error

    def _empty_repository(self, name: str) -> None:
        """Images of several platforms first: what their lists refer to goes only after them."""
        whose = {"registryId": self.number, "repositoryName": name}
        about = f"repository {name}"
        while True:
            images = self._access.ask_all("ecr", "list_images", "imageIds", about=about, **whose)
            done = 0
            refused: list[Mapping[str, Any]] = []
            for start in range(0, len(images), 100):
                answer = self._access.ask(
                    "ecr",
                    "batch_delete_image",
                    about=about,
                    imageIds=images[start : start + 100],
                    **whose,
                )
                done += len(answer.get("imageIds") or ())
                # It answers with success although it deleted nothing.
                failures = answer.get("failures") or ()
                refused += [one for one in failures if one.get("failureCode") not in _NO_IMAGE]
            if not refused:
                return
            if not done:
                first = refused[0]
                image = (first.get("imageId") or {}).get("imageDigest")
                raise KitaruError(
                    f"Repository {name} could not be emptied: {len(refused)} images stay",
                    why=f"{image}: {first.get('failureCode')}: {first.get('failureReason')}",
                    remedy="Run the same command again as somebody who may delete them.",
                )

    def _empty_bucket(self, name: str) -> None:
        for key in ("Versions", "DeleteMarkers"):
            found = self._access.ask_all(
                "s3",
                "list_object_versions",
                key,
                about=f"s3://{name}",
                Bucket=name,
                ExpectedBucketOwner=self.number,
            )
            doomed = [{"Key": o["Key"], "VersionId": o["VersionId"]} for o in found]
            for start in range(0, len(doomed), 1000):
                answer = self._access.ask(
                    "s3",
                    "delete_objects",
                    about=f"s3://{name}",
                    Bucket=name,
                    ExpectedBucketOwner=self.number,
                    Delete={"Objects": doomed[start : start + 1000], "Quiet": True},
                )
                # It answers with success although it deleted nothing.
                if refused := answer.get("Errors"):
                    raise KitaruError(
                        f"s3://{name} could not be emptied: {len(refused)} objects stay",
                        why=f"{refused[0].get('Key')}: {refused[0].get('Message')}",
                        # No command that deletes by name: the bucket may be another one by then.
                        remedy="Run the same command again as somebody who may delete them; where "
                        "a lock or a legal hold keeps them (Object Lock), it has to end first.",
                    )


def _refused(error: ProbeError, who: str) -> KitaruError:
    remedy = error.remedy if isinstance(error, NoCredentials) else None
    return NotAllowedError(
        "AWS cannot be asked for the account to provision in",
        where=who,
        why=error.why,
        remedy=remedy or "aws sts get-caller-identity",
    )
