"""Buckets of Cloud Storage, and registries of Artifact Registry under its new and old names."""

from __future__ import annotations

import re
from typing import ClassVar

from kitaru_iac.patterns import compiled
from kitaru_iac.spec import names
from kitaru_iac.spec.clouds.forms import (
    BucketUri,
    CheckRegion,
    RegistryUri,
    StoreForm,
    bucket_alone,
    joined,
)
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.refusal import UriError, shown
from kitaru_iac.values import dataclass

__all__ = ["BUCKET", "ArtifactRegistryUri", "GcrUri", "GcsUri", "read_registry"]

_GAR = compiled(r"(?P<location>[a-z0-9-]+)-(?P<format>[a-z]+)\.pkg\.dev")
_GCR = compiled(r"(?:us\.|eu\.|asia\.)?gcr\.io")


@dataclass(frozen=True, slots=True)
class GcsUri(BucketUri):
    """``gs://BUCKET/PREFIX``; `prefix` has no slash at its ends and may be empty."""

    SCHEME: ClassVar[str] = "gs"

    @property
    def cloud(self) -> Cloud:
        """GCP."""
        return Cloud.GCP


@dataclass(frozen=True, slots=True)
class ArtifactRegistryUri(RegistryUri):
    """``LOCATION-docker.pkg.dev/PROJECT/REPOSITORY[/IMAGE]``.

    Attributes:
        location: A region, or ``us``, ``europe``, ``asia``.
        project: The project's id.
        repository: The repository's id.
        image: The path inside the repository, if any.
        host: ``LOCATION-docker.pkg.dev``.
    """

    location: str
    project: str
    repository: str
    image: str | None
    host: str

    def __str__(self) -> str:
        return joined(f"{self.host}/{self.project}/{self.repository}", self.image)

    @property
    def cloud(self) -> Cloud:
        """GCP."""
        return Cloud.GCP


@dataclass(frozen=True, slots=True)
class GcrUri(RegistryUri):
    """``[us.|eu.|asia.]gcr.io/PROJECT[/REPOSITORY]``: old names of Artifact Registry."""

    host: str
    project: str
    repository: str | None = None

    def __str__(self) -> str:
        return joined(f"{self.host}/{self.project}", self.repository)

    @property
    def cloud(self) -> Cloud:
        """GCP."""
        return Cloud.GCP


def _bucket(scheme: str, authority: str, prefix: str) -> GcsUri:
    del scheme
    return GcsUri(names.gcs_bucket(bucket_alone(authority)), prefix)


def _translate(scheme: str, rest: str) -> str | None:
    host, _, path = rest.partition("/")
    if scheme in {"http", "https"} and host == "storage.googleapis.com":
        return f"gs://{path}"
    return None


#: How buckets of Cloud Storage are written.
BUCKET = StoreForm(
    schemes=("gs",),
    other_schemes={"gcs": "gs", "gcp": "gs"},
    read=_bucket,
    translate=_translate,
)


def read_registry(
    host: str, path: str | None, check_region: CheckRegion
) -> ArtifactRegistryUri | GcrUri | None:
    """Read the host and path of Artifact Registry; see `Vocabulary.read_registry`."""
    if host.endswith("pkg.dev"):
        return _artifact_registry(host, path, check_region)
    if not _GCR.fullmatch(host):
        return None
    if not path:
        raise UriError(f"`{host}` lacks the project", remedy=f"Write `{host}/PROJECT`.")
    project, _, repository = path.partition("/")
    return GcrUri(host, names.gcp_project(project), repository or None)


def _artifact_registry(
    host: str, path: str | None, check_region: CheckRegion
) -> ArtifactRegistryUri:
    match = _GAR.fullmatch(host)
    if not match:
        raise UriError(
            f"{shown(host)} is not a host of Artifact Registry",
            why="they look like `us-central1-docker.pkg.dev`",
        )
    if match["format"] != "docker":
        raise UriError(
            f"{shown(host)} holds {match['format']} packages, not images",
            remedy=f"Use a repository of format docker, at `{match['location']}-docker.pkg.dev`.",
        )
    if match["location"] not in {"us", "europe", "asia"}:
        check_region(match["location"])
    project, _, rest = (path or "").partition("/")
    repository, _, image = rest.partition("/")
    if not project or not repository:
        missing = "the project and the repository" if not project else "the repository"
        raise UriError(
            f"the Artifact Registry URI lacks {missing}",
            why="the form is LOCATION-docker.pkg.dev/PROJECT/REPOSITORY",
            remedy=f"Write `{host}/{project or 'PROJECT'}/REPOSITORY`.",
        )
    names.gcp_project(project)
    # https://cloud.google.com/artifact-registry/docs/repositories/create-repos, "repository name".
    if not re.fullmatch(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", repository):
        raise UriError(
            f"{shown(repository)} cannot be a repository of Artifact Registry",
            why="at most 63 lower-case letters, digits and `-`, a letter first, no `-` last",
        )
    return ArtifactRegistryUri(match["location"], project, repository, image or None, host)
