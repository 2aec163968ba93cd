"""The bucket of the artifact store: private, versioned, and not deleted by the way.

Google encrypts what is stored, and answers over TLS alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pulumi
from pulumi_gcp import storage

__all__ = ["OLD_VERSIONS", "bucket"]

#: Days after which the versions of what was overwritten or deleted go, unless others are asked for,
#: and the parts of uploads that nobody finished.
OLD_VERSIONS = 30
_UNFINISHED = 7
#: Seconds for which Google keeps what was deleted for good: its own default, a week.
#: https://cloud.google.com/storage/docs/soft-delete
_SOFT_DELETE = 604800


def bucket(
    prefix: str,
    name: str,
    *,
    project: str,
    region: str,
    labels: Mapping[str, str],
    parent: pulumi.Resource,
    after: Iterable[pulumi.Resource],
    keep: bool = True,
    old_versions: float = OLD_VERSIONS,
) -> storage.Bucket:
    """A bucket in which IAM alone decides, and nothing is public.

    Args:
        prefix: Of the Pulumi names.
        name: The bucket's.
        project: Where it is.
        region: Where in it.
        labels: On the bucket.
        parent: The component.
        after: What has to be there before.
        keep: Protect it, and leave it where it is if it goes from the program.
        old_versions: How many days the versions of what was overwritten or deleted stay.
    """
    return storage.Bucket(
        f"{prefix}-bucket",
        name=name,
        project=project,
        # As Google answers it: in small letters it would be shown as changed.
        location=region.upper(),
        uniform_bucket_level_access=True,
        public_access_prevention="enforced",
        versioning={"enabled": True},
        soft_delete_policy={"retention_duration_seconds": _SOFT_DELETE},
        lifecycle_rules=[
            {
                "action": {"type": "AbortIncompleteMultipartUpload"},
                "condition": {"age": _UNFINISHED},
            },
            {
                "action": {"type": "Delete"},
                "condition": {"days_since_noncurrent_time": int(old_versions)},
            },
        ],
        force_destroy=False,
        labels=dict(labels),
        opts=pulumi.ResourceOptions(
            parent=parent, protect=keep, retain_on_delete=keep, depends_on=list(after)
        ),
    )
