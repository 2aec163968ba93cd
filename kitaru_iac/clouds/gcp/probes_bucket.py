"""What is asked of Cloud Storage and Cloud KMS about the artifact store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import Denied, NotFound, Outcome, Probe, ProbeError, Unavailable
from kitaru_iac.clouds.gcp.observations import Bucket, Caller, Raw, Tested
from kitaru_iac.clouds.gcp.permission_table import Resource
from kitaru_iac.clouds.gcp.permissions import needed
from kitaru_iac.clouds.gcp.probes_common import POLICY_VERSION, CommonProbes, tested
from kitaru_iac.clouds.gcp.trust import bindings_of

__all__ = ["BucketProbes"]


class BucketProbes(CommonProbes):
    """The probes of the bucket."""

    def _ask_bucket(self) -> None:
        self.bucket = self._probe("storage.buckets.get", self._bucket)
        self.bucket_policy = self._probe("storage.buckets.getIamPolicy", self._bucket_policy)
        self.bucket_tested = self.test_of_bucket(Identity.CONNECTOR)
        self.bucket_key: Probe[Raw] = Probe(
            "cloudkms.cryptoKeys.get",
            lambda bucket: self.read_key(bucket.key),
            requires=(self.bucket,),
        )
        #: The settings, or a second opinion: that test is answered to everybody, with an empty
        #: list for a bucket that is there, and 404 for one that is not.
        self.bucket_found: Probe[Bucket | Tested] = Probe(
            "the bucket",
            self._bucket_found,
            requires=(self.session,),
            after=(self.bucket, self.bucket_tested),
            inline=True,
        )

    @property
    def _uri(self) -> str:
        return f"gs://{self._r.bucket}"

    def _bucket(self) -> Bucket:
        def ask(client: Any, seconds: float) -> Any:
            return client.get_bucket(self._r.bucket, timeout=seconds, retry=None)

        found = self._google.storage(ask, about=self._uri, permission="storage.buckets.get")
        if not found.location:
            raise Unavailable(f"what Google answered about {self._uri} is no bucket")
        settings = found.iam_configuration
        deleted = found.soft_delete_policy
        return Bucket(
            location=str(found.location).lower(),
            regions=tuple(str(one).lower() for one in found.data_locations or ()),
            uniform=bool(settings.uniform_bucket_level_access_enabled),
            prevention=str(settings.public_access_prevention),
            versioning=bool(found.versioning_enabled),
            soft_delete=int(deleted.retention_duration_seconds or 0) if deleted else 0,
            key=found.default_kms_key_name,
            project_number=None if found.project_number is None else str(found.project_number),
            requester_pays=bool(found.requester_pays),
        )

    def _bucket_policy(self) -> Raw:
        def ask(client: Any, seconds: float) -> Any:
            return client.bucket(self._r.bucket).get_iam_policy(
                requested_policy_version=POLICY_VERSION, timeout=seconds, retry=None
            )

        permission = "storage.buckets.getIamPolicy"
        policy = self._google.storage(
            ask, about=f"the IAM policy of {self._uri}", permission=permission
        )
        if policy.etag is None and not policy.bindings:
            raise Unavailable("what Google answered is no IAM policy")
        found: Raw = {
            "version": policy.version,
            "bindings": [
                {**one, "members": sorted(one.get("members") or ())} for one in policy.bindings
            ],
        }
        bindings_of(found)
        return found

    def test_of_bucket(self, identity: Identity) -> Probe[Tested]:
        """Whether the caller has what an identity needs of the bucket."""

        def ask(some: tuple[str, ...]) -> Iterable[str]:
            def call(client: Any, seconds: float) -> Any:
                bucket = client.bucket(self._r.bucket)
                return bucket.test_iam_permissions(list(some), timeout=seconds, retry=None)

            granted: list[str] = self._google.storage(call, about=self._uri, permission=None)
            return granted

        wanted = needed(self._r, identity, Resource.BUCKET)
        return self._probe("storage.buckets.testIamPermissions", lambda: tested(wanted, ask))

    def _bucket_found(
        self, caller: Caller, settings: Outcome[Bucket], second: Outcome[Tested]
    ) -> Bucket | Tested:
        del caller
        if not isinstance(settings, ProbeError):
            return settings
        if isinstance(settings, Denied) and not isinstance(second, ProbeError):
            return second
        if isinstance(settings, Denied) and isinstance(second, NotFound):
            raise second
        raise settings
