"""How a cloud writes things in a description: where artifacts and images lie, and credentials.

What is here knows no cloud. Each cloud's module fills it, and `parse_artifact_store`,
`parse_container_registry` and `parse_credentials` ask all of them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

from kitaru_iac.redaction import SecretText
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.refusal import UriError
from kitaru_iac.spec.sources import CredentialsError
from kitaru_iac.values import dataclass, field

__all__ = [
    "ArtifactStoreUri",
    "BucketUri",
    "CheckRegion",
    "CredentialKind",
    "Credentials",
    "RegistryUri",
    "StoreForm",
    "bucket_alone",
    "joined",
]

#: Checks a region of the cloud whose form it is given to, and gives it back; raises `Refusal`.
CheckRegion = Callable[[str], str]


class ArtifactStoreUri(ABC):
    """Where artifacts lie. `str` gives the canonical text back."""

    __slots__ = ()

    @property
    @abstractmethod
    def cloud(self) -> Cloud | None:
        """Which cloud it is in; None for a folder of this machine."""

    @property
    @abstractmethod
    def bucket_uri(self) -> str | None:
        """Its bucket alone, as a URI; None for a folder of this machine."""

    @property
    @abstractmethod
    def store_path(self) -> str:
        """The path that ZenML's artifact store is given."""

    def completed(self, connector: Mapping[str, object]) -> ArtifactStoreUri:  # noqa: ARG002
        """The URI with what ZenML keeps of it in the connector's configuration: mostly nothing."""
        return self


@dataclass(frozen=True, slots=True)
class BucketUri(ArtifactStoreUri):
    """``SCHEME://BUCKET/PREFIX``; `prefix` has no slash at its ends and may be empty."""

    SCHEME: ClassVar[str]

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return joined(self.bucket_uri, self.prefix)

    @property
    def bucket_uri(self) -> str:
        """``SCHEME://BUCKET``."""
        return f"{self.SCHEME}://{self.bucket}"

    @property
    def store_path(self) -> str:
        """The path that ZenML's artifact store is given."""
        return str(self)


class RegistryUri(ABC):
    """Where images are pushed. `str` gives the canonical text back."""

    __slots__ = ()

    @property
    @abstractmethod
    def cloud(self) -> Cloud | None:
        """Which cloud it is in; None for a registry of none of them."""


@dataclass(frozen=True, slots=True)
class StoreForm:
    """How the buckets of a cloud are written.

    Attributes:
        schemes: Those that a stack can use; the first is suggested.
        other_schemes: Those of other tools for the same thing, each with ours.
        read: Reads the scheme, what stands before the first slash, and the path. Raises `Refusal`.
        translate: Gives the URI that another scheme and what follows its ``:`` and slashes mean, as
            the address of a console; None where it is not this cloud's.
    """

    schemes: tuple[str, ...]
    other_schemes: Mapping[str, str]
    read: Callable[[str, str, str], ArtifactStoreUri]
    translate: Callable[[str, str], str | None]


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who a service connector is.

    Attributes:
        cloud: Whose credentials they are; None for ``implicit``, which fits every cloud.
        kind: The word before the colon, a key of `CREDENTIAL_FORMS`.
        values: What may be shown: ``profile_name``, ``role_arn``, ``target_principal``,
            ``tenant_id``, ``client_id``, ``project_id`` (of a service account's key),
            ``client_email``. For ``gcp-impersonate``, ``source`` says what impersonates:
            ``key``, ``external-account`` or ``application-default``.
        secrets: What may not, under the name of ZenML's connector field.
    """

    cloud: Cloud | None
    kind: str
    values: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, SecretText] = field(default_factory=dict)

    def __str__(self) -> str:
        shown = [
            self.values[key]
            for key in (
                "profile_name",
                "role_arn",
                "target_principal",
                "client_email",
                "tenant_id",
                "client_id",
            )
            if key in self.values
        ]
        return ":".join([self.kind, *shown, *(["…"] if self.secrets else [])])


@dataclass(frozen=True, slots=True)
class CredentialKind:
    """One kind of credential string.

    Attributes:
        name: The word before the colon.
        form: How it is written.
        parse: Reads what follows the colon. Raises `CredentialsError`.
        is_offered: Whether it is among those suggested; one that no stack can use is not.
        tells: The fields of ZenML's connector that say who it is.
    """

    name: str
    form: str
    parse: Callable[[CredentialKind, str], Credentials]
    is_offered: bool = True
    tells: tuple[str, ...] = ()

    def refuse(self, what: str) -> CredentialsError:
        """Give the error for a string of this kind that is not in its form."""
        return CredentialsError(f"{self.name}: {what}", remedy=f"Write {self.form}.")

    def split(self, rest: str, names: tuple[str, ...]) -> list[str]:
        """Cut what follows the colon into one part per name; the last one keeps its colons.

        Raises:
            CredentialsError: A part is missing or empty.
        """
        parts = [part.strip() for part in rest.split(":", len(names) - 1)]
        parts += [""] * (len(names) - len(parts))
        missing = [name for name, part in zip(names, parts, strict=True) if not part]
        if missing:
            raise self.refuse(f"{', '.join(missing)} missing")
        return parts

    def require_nothing(self, rest: str, why: str | None = None) -> None:
        """Check that nothing follows the colon.

        Raises:
            CredentialsError: Something does.
        """
        if rest.strip():
            raise CredentialsError(
                f"{self.name} takes nothing after it", why, f"Write {self.name} alone."
            )


def joined(base: str, path: str | None) -> str:
    """Put a path behind a URI or a host, where there is one."""
    return f"{base}/{path}" if path else base


def bucket_alone(authority: str) -> str:
    """Check that a bucket is all that stands before the first slash, and give it back.

    Raises:
        UriError: It is empty, or something else stands there, which may be a password.
    """
    if "@" in authority:
        raise UriError(
            "the artifact store's URI holds a login or `@` before the bucket",
            remedy="Write the bucket alone; credentials have an option of their own.",
        )
    if re.search(":(?![0-9]*$)", authority):
        raise UriError("the artifact store's URI holds a login or a port, and no bucket before `/`")
    if not authority:
        raise UriError("the artifact store's URI names no bucket")
    return authority
