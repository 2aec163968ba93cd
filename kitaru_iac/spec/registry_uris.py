"""Where images are pushed: the registries of the clouds, and all others."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kitaru_iac.spec import names, regions
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.refusal import Refusal, UriError, shown, write_instead

__all__ = [
    "AcrUri",
    "ArtifactRegistryUri",
    "EcrUri",
    "GcrUri",
    "OtherRegistryUri",
    "RegistryUri",
    "parse_container_registry",
]

_ECR = re.compile(
    r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?"
)
_ECR_LIKE = re.compile(
    r"(?P<account>[^.]+)\.dkr[.-]ecr(?P<fips>-fips)?\.(?P<region>[a-z0-9-]+)"
    r"\.(?:amazonaws\.com(?:\.cn)?|on\.aws)"
)
_GAR = re.compile(r"(?P<location>[a-z0-9-]+)-(?P<format>[a-z]+)\.pkg\.dev")
_GCR = re.compile(r"(?:us\.|eu\.|asia\.)?gcr\.io")
_ACR = re.compile(r"(?P<registry>[^.]*)\.azurecr\.(?P<domain>io|cn|us)")
_HOST = re.compile(
    r"(?:localhost|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
# https://github.com/distribution/reference: the parts of an image's path.
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
_LONGEST_PATH = 255


@dataclass(frozen=True, slots=True)
class EcrUri:
    """``ACCOUNT.dkr.ecr.REGION.amazonaws.com[/REPOSITORY]``.

    Attributes:
        account: 12 digits.
        region: Of the registry.
        host: The registry's host, in lower case.
        repository: The path after it; becomes ZenML's ``default_repository``.
    """

    account: str
    region: str
    host: str
    repository: str | None = None

    def __str__(self) -> str:
        return _join(self.host, self.repository)

    @property
    def cloud(self) -> Cloud:
        """AWS."""
        return Cloud.AWS


@dataclass(frozen=True, slots=True)
class ArtifactRegistryUri:
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
        return _join(f"{self.host}/{self.project}/{self.repository}", self.image)

    @property
    def cloud(self) -> Cloud:
        """GCP."""
        return Cloud.GCP


@dataclass(frozen=True, slots=True)
class GcrUri:
    """``[us.|eu.|asia.]gcr.io/PROJECT[/REPOSITORY]``: old names of Artifact Registry."""

    host: str
    project: str
    repository: str | None = None

    def __str__(self) -> str:
        return _join(f"{self.host}/{self.project}", self.repository)

    @property
    def cloud(self) -> Cloud:
        """GCP."""
        return Cloud.GCP


@dataclass(frozen=True, slots=True)
class AcrUri:
    """``REGISTRY.azurecr.io[/REPOSITORY]``."""

    registry: str
    host: str
    repository: str | None = None

    def __str__(self) -> str:
        return _join(self.host, self.repository)

    @property
    def cloud(self) -> Cloud:
        """Azure."""
        return Cloud.AZURE


@dataclass(frozen=True, slots=True)
class OtherRegistryUri:
    """``HOST[:PORT][/PATH]``: Docker Hub, GitHub, GitLab, Harbor, …"""

    host: str
    path: str | None = None

    def __str__(self) -> str:
        return _join(self.host, self.path)

    @property
    def cloud(self) -> Cloud | None:
        """None: it belongs to none of the three clouds."""
        return None


RegistryUri = EcrUri | ArtifactRegistryUri | GcrUri | AcrUri | OtherRegistryUri


def parse_container_registry(text: str) -> RegistryUri:
    """Read the URI of a container registry.

    ``https://`` and ``docker://`` in front are dropped, since the clouds' consoles show them; so is
    a slash at the end. A tag or digest is refused: a stack has a registry, not an image.

    Raises:
        UriError: It is no registry, or breaks the cloud's rule for one of its parts.
    """
    if not text.strip():
        raise UriError("the container registry is empty")
    if text != text.strip() or not text.isprintable() or " " in text:
        raise UriError(f"the container registry {shown(text)} holds blanks or control characters")
    bare = _without_scheme(text)
    if "@" not in bare and ("?" in bare or "#" in bare):
        # A signature may follow: nothing of it is repeated.
        raise UriError("the container registry holds `?` or `#`", remedy="Write HOST/PATH alone.")
    bare = _without_image(bare)
    host, _, path = bare.rstrip("/").partition("/")
    host = host.lower()
    try:
        return _read(host, _path(path, bare))
    except UriError:
        raise
    except Refusal as error:
        raise UriError(error.what, error.why, error.remedy) from error


def _read(host: str, path: str | None) -> RegistryUri:
    if match := _ECR.fullmatch(host):
        region = regions.check_region(match["region"], Cloud.AWS)
        if path and len(path) < 2:
            raise UriError(f"the ECR repository `{path}` has fewer than 2 characters")
        return EcrUri(match["account"], region, host, path)
    if match := _ECR_LIKE.fullmatch(host):
        raise _not_quite_ecr(match, host)
    if host.endswith("pkg.dev"):
        return _artifact_registry(host, path)
    if _GCR.fullmatch(host):
        if not path:
            raise UriError(f"`{host}` lacks the project", remedy=f"Write `{host}/PROJECT`.")
        project, _, repository = path.partition("/")
        return GcrUri(host, names.gcp_project(project), repository or None)
    if match := _ACR.fullmatch(host):
        return _acr(match, host, path)
    return _other(host, path)


def _artifact_registry(host: str, path: str | None) -> ArtifactRegistryUri:
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
        regions.check_region(match["location"], Cloud.GCP)
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


def _acr(match: re.Match[str], host: str, path: str | None) -> AcrUri:
    registry = match["registry"]
    if match["domain"] != "io":
        raise UriError(
            f"{shown(host)} is a registry of a sovereign Azure cloud",
            why="ZenML's Azure connector reaches only `azurecr.io`",
        )
    # https://learn.microsoft.com/azure/container-registry/container-registry-get-started-portal.
    # Registries with a domain name label have a `-` in their host; ZenML 0.98 cannot read that.
    # Azure makes none under 5 characters; whether a shorter one exists is not the text's business.
    if not re.fullmatch(r"[a-z0-9]{1,50}", registry):
        raise UriError(
            f"{shown(registry)} cannot be an Azure container registry",
            why="ZenML's Azure connector takes no `-` in its name"
            if "-" in registry
            else "its name has 50 letters and digits at most",
        )
    return AcrUri(registry, host, path)


def _other(host: str, path: str | None) -> OtherRegistryUri:
    match = _HOST.fullmatch(host)
    if match and match["port"] and not 0 < int(match["port"]) < 65536:
        raise UriError(f"{shown(host)} has no valid port", why="ports go from 1 to 65535")
    name = host.partition(":")[0]
    if not match or ("." not in name and name != "localhost" and not match["port"]):
        whole = _join(host, path)
        remedy = None
        if path and _PART.fullmatch(host):
            remedy = f"Write the host too, as `docker.io/{whole}`."
        elif _PART.fullmatch(host):
            remedy = f"Write the whole host, as `{host}.azurecr.io`."
        raise UriError(
            f"the container registry {shown(whole)} does not start with a host",
            why="as `docker.io` or `123456789012.dkr.ecr.eu-west-1.amazonaws.com`",
            remedy=remedy,
        )
    return OtherRegistryUri(host, path)


def _not_quite_ecr(match: re.Match[str], host: str) -> UriError:
    account, region = match["account"], match["region"]
    if not re.fullmatch(r"[0-9]{12}", account):
        return UriError(
            f"the account {shown(account)} in the ECR host has not 12 digits",
            remedy="`aws sts get-caller-identity` shows it.",
        )
    return UriError(
        f"{shown(host)} is another name of an ECR registry",
        why="ZenML's AWS connector knows only the plain one",
        remedy=f"Write `{account}.dkr.ecr.{region}.amazonaws.com`.",
    )


def _without_scheme(text: str) -> str:
    scheme, sign, rest = text.partition("://")
    if not sign:
        if text.startswith("arn:"):
            raise UriError(
                "the container registry is given as an ARN",
                remedy="Write its URI, as `123456789012.dkr.ecr.eu-west-1.amazonaws.com`.",
            )
        return text
    if scheme.lower() in {"https", "docker"}:
        return rest
    if scheme.lower() in {"s3", "gs", "az", "abfs", "abfss"}:
        raise UriError(
            f"`{scheme.lower()}://` is a bucket, not a container registry",
            remedy="Give it as the artifact store.",
        )
    raise UriError(
        f"the container registry has the scheme {shown(scheme + '://')}",
        why="a registry is written as HOST/PATH",
        remedy=write_instead(rest) if "@" not in rest else None,
    )


def _without_image(bare: str) -> str:
    before, at, after = bare.partition("@")
    if at:
        if re.match(r"[a-z0-9]+:[0-9a-f]{8,}", after):
            raise UriError(
                "the container registry names an image by its digest",
                why="a stack has a registry, not an image",
                remedy=_registry_alone(before),
            )
        raise UriError(
            "the container registry holds a login or `@`",
            remedy="Write HOST/PATH alone; credentials have an option of their own.",
        )
    stripped = _strip_tag(bare)
    if stripped != bare:
        raise UriError(
            "the container registry names an image by its tag",
            why="a stack has a registry, not an image",
            remedy=_registry_alone(bare),
        )
    return bare


def _registry_alone(image: str) -> str | None:
    """The remedy for an image, where what is left of it is a registry."""
    stripped = _strip_tag(image)
    try:
        parse_container_registry(stripped)
    except UriError:
        return None
    return write_instead(stripped)


def _strip_tag(bare: str) -> str:
    head, slash, last = bare.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}" if slash else bare


def _path(path: str, whole: str) -> str | None:
    if not path:
        return None
    if all(_PART.fullmatch(part) for part in path.split("/")):
        if len(path) > _LONGEST_PATH:
            raise UriError(f"the path of the registry has more than {_LONGEST_PATH} characters")
        return path
    lower = path.lower()
    mends = lower != path and all(_PART.fullmatch(part) for part in lower.split("/"))
    raise UriError(
        f"the path {shown(path)} cannot be in a container registry",
        why="its parts have lower-case letters, digits and single `.`, `_` or `-` between them",
        remedy=f"Write {shown(whole.partition('/')[0] + '/' + lower.rstrip('/'))}."
        if mends
        else None,
    )


def _join(host: str, path: str | None) -> str:
    return f"{host}/{path}" if path else host
