"""The words of one cloud in a description: regions, nouns, types, URIs, kinds of credentials.

A region is accepted by its shape: clouds open regions faster than programs are released. The lists
only help with a near miss.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kitaru_iac.spec.clouds.forms import (
    CheckRegion,
    CredentialKind,
    Credentials,
    RegistryUri,
    StoreForm,
)
from kitaru_iac.spec.kinds import Cloud, StackType
from kitaru_iac.values import dataclass

__all__ = ["Regions", "Vocabulary"]


@dataclass(frozen=True, slots=True)
class Regions:
    """The regions of a cloud.

    Attributes:
        example: One, for messages.
        shape: What one looks like.
        known: Those there are today.
        telling: What is plainly a region of this cloud by its text alone; None if nothing is.
        zone: What a zone looks like, with its region as the group ``region``; None if the cloud has
            none.
        zone_noun: What a zone is called, with its article.
        zone_is_location: Whether a zone will do where a cluster is looked for.
        stem: The word in a name, where the names are words, so that one letter off is a slip.
    """

    example: str
    shape: re.Pattern[str]
    known: tuple[str, ...]
    telling: re.Pattern[str] | None = None
    zone: re.Pattern[str] | None = None
    zone_noun: str = "a zone"
    zone_is_location: bool = False
    stem: Callable[[str], str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What a cloud is called and calls its own.

    Attributes:
        cloud: Which.
        article: ``a`` or ``an``, before its label.
        regions: Its regions.
        store: What artifacts lie in, with its article.
        registry: What images lie in, with its article.
        cluster: Checks the name of a Kubernetes cluster. Raises `Refusal`.
        types: The stack types that exist here alone.
        bucket: How its buckets are written; None if a description cannot name one.
        read_registry: Reads a registry's host, in lower case, and its path; None where the host is
            not this cloud's. Raises `Refusal`.
        credentials: Its kinds of credential strings, in the order in which they are offered.
        read_credential_file: Reads the content of a credential file of this cloud, given in the
            place of a credential string. Raises `CredentialsError`.
    """

    cloud: Cloud
    article: str
    regions: Regions
    store: str
    registry: str
    cluster: Callable[[str], str]
    types: tuple[StackType, ...] = ()
    bucket: StoreForm | None = None
    read_registry: Callable[[str, str | None, CheckRegion], RegistryUri | None] | None = None
    credentials: tuple[CredentialKind, ...] = ()
    read_credential_file: Callable[[str], Credentials] | None = None
