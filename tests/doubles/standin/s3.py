"""S3: the bucket and its settings, each a resource of its own as in the real plugin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from standin.kinds import Inputs, Kind, ask, code_of, gone, mapping, pairs

_NO_BUCKET = {"404", "NoSuchBucket"}


class Bucket(Kind):
    token = "aws:s3/bucket:Bucket"
    forces = frozenset({"bucket"})
    computed = ("arn", "bucketDomainName", "bucketRegionalDomainName", "bucketRegion", "tagsAll")

    def create(self, inputs: Inputs) -> str:
        where: dict[str, Any] = {}
        if self.region != "us-east-1":
            where = {"LocationConstraint": self.region}
        if inputs.get("tags"):
            where["Tags"] = pairs(inputs["tags"])  # in one call, as the plugin from 7.13 on
        name = str(inputs["bucket"])
        more = {"CreateBucketConfiguration": where} if where else {}
        self.client("s3").create_bucket(Bucket=name, **more)
        return name

    def read(self, id: str) -> dict[str, Any]:
        s3 = self.client("s3")
        ask(_NO_BUCKET, s3.head_bucket, Bucket=id)
        region = s3.get_bucket_location(Bucket=id)["LocationConstraint"] or "us-east-1"
        tags: dict[str, str] = {}
        try:
            tags = mapping(s3.get_bucket_tagging(Bucket=id)["TagSet"])
        except s3.exceptions.ClientError as error:
            if code_of(error) != "NoSuchTagSet":
                raise
        return {
            "bucket": id,
            "arn": f"arn:aws:s3:::{id}",
            "bucketDomainName": f"{id}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{id}.s3.{region}.amazonaws.com",
            "bucketRegion": region,
            "tags": tags,
            "tagsAll": tags,
        }

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        del old
        self._tag(id, new.get("tags"))

    def delete(self, id: str, state: Inputs) -> None:
        s3 = self.client("s3")
        if state.get("forceDestroy"):
            raise RuntimeError("the component never asks for force_destroy")
        gone(_NO_BUCKET, s3.delete_bucket, Bucket=id)

    def _tag(self, name: str, tags: Mapping[str, str] | None) -> None:
        s3 = self.client("s3")
        if tags:
            s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs(tags)})
        else:
            s3.delete_bucket_tagging(Bucket=name)


class _Setting(Kind):
    """A setting of a bucket: its id is the bucket's name, and writing it again is no error."""

    forces = frozenset({"bucket"})

    def put(self, bucket: str, inputs: Inputs) -> None:
        raise NotImplementedError

    def create(self, inputs: Inputs) -> str:
        self.put(str(inputs["bucket"]), inputs)
        return str(inputs["bucket"])

    def update(self, id: str, old: Inputs, new: Inputs) -> None:
        del old
        self.put(id, new)


class PublicAccessBlock(_Setting):
    token = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    _SWITCHES = (
        "blockPublicAcls",
        "blockPublicPolicy",
        "ignorePublicAcls",
        "restrictPublicBuckets",
    )

    def put(self, bucket: str, inputs: Inputs) -> None:
        on = {switch[0].upper() + switch[1:]: bool(inputs.get(switch)) for switch in self._SWITCHES}
        self.client("s3").put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=on)

    def read(self, id: str) -> dict[str, Any]:
        codes = _NO_BUCKET | {"NoSuchPublicAccessBlockConfiguration"}
        found = ask(codes, self.client("s3").get_public_access_block, Bucket=id)
        on = found["PublicAccessBlockConfiguration"]
        return {"bucket": id} | {s: on[s[0].upper() + s[1:]] for s in self._SWITCHES}

    def delete(self, id: str, state: Inputs) -> None:
        del state
        gone(_NO_BUCKET, self.client("s3").delete_public_access_block, Bucket=id)


class OwnershipControls(_Setting):
    token = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"

    def put(self, bucket: str, inputs: Inputs) -> None:
        rule = {"ObjectOwnership": inputs["rule"]["objectOwnership"]}
        self.client("s3").put_bucket_ownership_controls(
            Bucket=bucket, OwnershipControls={"Rules": [rule]}
        )

    def read(self, id: str) -> dict[str, Any]:
        codes = _NO_BUCKET | {"OwnershipControlsNotFoundError"}
        found = ask(codes, self.client("s3").get_bucket_ownership_controls, Bucket=id)
        rule = found["OwnershipControls"]["Rules"][0]
        return {"bucket": id, "rule": {"objectOwnership": rule["ObjectOwnership"]}}

    def delete(self, id: str, state: Inputs) -> None:
        del state
        gone(_NO_BUCKET, self.client("s3").delete_bucket_ownership_controls, Bucket=id)


class Encryption(_Setting):
    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"

    def put(self, bucket: str, inputs: Inputs) -> None:
        rules = []
        for given in inputs["rules"]:
            default = given["applyServerSideEncryptionByDefault"]
            by_default = {"SSEAlgorithm": default["sseAlgorithm"]}
            if default.get("kmsMasterKeyId"):
                by_default["KMSMasterKeyID"] = default["kmsMasterKeyId"]
            rules.append(
                {
                    "ApplyServerSideEncryptionByDefault": by_default,
                    "BucketKeyEnabled": bool(given.get("bucketKeyEnabled")),
                }
            )
        self.client("s3").put_bucket_encryption(
            Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules}
        )

    def read(self, id: str) -> dict[str, Any]:
        codes = _NO_BUCKET | {"ServerSideEncryptionConfigurationNotFoundError"}
        found = ask(codes, self.client("s3").get_bucket_encryption, Bucket=id)
        rules = []
        for seen in found["ServerSideEncryptionConfiguration"]["Rules"]:
            default = seen["ApplyServerSideEncryptionByDefault"]
            rule: dict[str, Any] = {
                "applyServerSideEncryptionByDefault": {"sseAlgorithm": default["SSEAlgorithm"]}
            }
            if default.get("KMSMasterKeyID"):
                key = default["KMSMasterKeyID"]
                rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] = key
            if seen.get("BucketKeyEnabled"):
                rule["bucketKeyEnabled"] = True
            rules.append(rule)
        return {"bucket": id, "rules": rules}

    def delete(self, id: str, state: Inputs) -> None:
        del state
        gone(_NO_BUCKET, self.client("s3").delete_bucket_encryption, Bucket=id)


class Versioning(_Setting):
    token = "aws:s3/bucketVersioning:BucketVersioning"

    def put(self, bucket: str, inputs: Inputs) -> None:
        status = inputs["versioningConfiguration"]["status"]
        self.client("s3").put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": status}
        )

    def read(self, id: str) -> dict[str, Any]:
        found = ask(_NO_BUCKET, self.client("s3").get_bucket_versioning, Bucket=id)
        status = found.get("Status", "Disabled")
        return {"bucket": id, "versioningConfiguration": {"status": status}}

    def delete(self, id: str, state: Inputs) -> None:
        # As the real one: versioning that was on can only be suspended.
        del state
        gone(
            _NO_BUCKET,
            self.client("s3").put_bucket_versioning,
            Bucket=id,
            VersioningConfiguration={"Status": "Suspended"},
        )


class Lifecycle(_Setting):
    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"

    def put(self, bucket: str, inputs: Inputs) -> None:
        rules = []
        for given in inputs["rules"]:
            rule: dict[str, Any] = {"ID": given["id"], "Status": given["status"]}
            rule["Filter"] = {"Prefix": (given.get("filter") or {}).get("prefix") or ""}
            abort = given.get("abortIncompleteMultipartUpload")
            if abort:
                days = int(abort["daysAfterInitiation"])
                rule["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": days}
            old = given.get("noncurrentVersionExpiration")
            if old:
                days = int(old["noncurrentDays"])
                rule["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
            expiry = given.get("expiration")
            if expiry:
                marker = bool(expiry["expiredObjectDeleteMarker"])
                rule["Expiration"] = {"ExpiredObjectDeleteMarker": marker}
            rules.append(rule)
        self.client("s3").put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": rules}
        )

    def read(self, id: str) -> dict[str, Any]:
        codes = _NO_BUCKET | {"NoSuchLifecycleConfiguration"}
        found = ask(codes, self.client("s3").get_bucket_lifecycle_configuration, Bucket=id)
        rules = []
        for seen in found["Rules"]:
            rule: dict[str, Any] = {"id": seen["ID"], "status": seen["Status"]}
            prefix = seen.get("Filter", {}).get("Prefix") or seen.get("Prefix") or ""
            rule["filter"] = {"prefix": prefix}
            if "AbortIncompleteMultipartUpload" in seen:
                days = int(seen["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"])
                rule["abortIncompleteMultipartUpload"] = {"daysAfterInitiation": days}
            if "NoncurrentVersionExpiration" in seen:
                days = int(seen["NoncurrentVersionExpiration"]["NoncurrentDays"])
                rule["noncurrentVersionExpiration"] = {"noncurrentDays": days}
            if "Expiration" in seen:
                marker = bool(seen["Expiration"]["ExpiredObjectDeleteMarker"])
                rule["expiration"] = {"expiredObjectDeleteMarker": marker}
            rules.append(rule)
        return {"bucket": id, "rules": rules}

    def delete(self, id: str, state: Inputs) -> None:
        del state
        gone(_NO_BUCKET, self.client("s3").delete_bucket_lifecycle, Bucket=id)


class Policy(_Setting):
    token = "aws:s3/bucketPolicy:BucketPolicy"

    def put(self, bucket: str, inputs: Inputs) -> None:
        json.loads(inputs["policy"])
        self.client("s3").put_bucket_policy(Bucket=bucket, Policy=inputs["policy"])

    def read(self, id: str) -> dict[str, Any]:
        codes = _NO_BUCKET | {"NoSuchBucketPolicy"}
        found = ask(codes, self.client("s3").get_bucket_policy, Bucket=id)
        return {"bucket": id, "policy": found["Policy"]}

    def delete(self, id: str, state: Inputs) -> None:
        del state
        gone(_NO_BUCKET, self.client("s3").delete_bucket_policy, Bucket=id)


KINDS = (
    Bucket, PublicAccessBlock, OwnershipControls, Encryption, Versioning, Lifecycle, Policy,
)  # fmt: skip
