"""Where images are pushed: the registries of the clouds, and all others."""

from __future__ import annotations

import re
from functools import partial

from kitaru_iac.patterns import compiled
from kitaru_iac.spec import regions
from kitaru_iac.spec.clouds import VOCABULARIES
from kitaru_iac.spec.clouds.forms import RegistryUri, joined
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.refusal import Refusal, UriError, shown, write_instead
from kitaru_iac.values import dataclass

__all__ = ["OtherRegistryUri", "RegistryUri", "parse_container_registry"]

_HOST = compiled(
    r"(?:localhost|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
# https://github.com/distribution/reference: the parts of an image's path.
_PART = compiled(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
_LONGEST_PATH = 255
_BUCKET_SCHEMES = {
    scheme
    for words in VOCABULARIES.values()
    if words.bucket is not None
    for scheme in words.bucket.schemes
}


@dataclass(frozen=True, slots=True)
class OtherRegistryUri(RegistryUri):
    """``HOST[:PORT][/PATH]``: Docker Hub, GitHub, GitLab, Harbor, …"""

    host: str
    path: str | None = None

    def __str__(self) -> str:
        return joined(self.host, self.path)

    @property
    def cloud(self) -> Cloud | None:
        """None: it belongs to none of the three clouds."""
        return None


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
    for cloud, words in VOCABULARIES.items():
        if words.read_registry is not None and (
            uri := words.read_registry(host, path, partial(regions.check_region, cloud=cloud))
        ):
            return uri
    return _other(host, path)


def _other(host: str, path: str | None) -> OtherRegistryUri:
    match = _HOST.fullmatch(host)
    if match and match["port"] and not 0 < int(match["port"]) < 65536:
        raise UriError(f"{shown(host)} has no valid port", why="ports go from 1 to 65535")
    name = host.partition(":")[0]
    if not match or ("." not in name and name != "localhost" and not match["port"]):
        whole = joined(host, path)
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
    if scheme.lower() in _BUCKET_SCHEMES:
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
