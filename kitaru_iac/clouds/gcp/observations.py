"""What the probes of Google Cloud see, where that is more than Google's own answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kitaru_iac.checks.probes import ProbeError

__all__ = ["Bucket", "Caller", "Clusters", "Project", "Raw", "Rights", "Tested"]

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the credentials are.

    Attributes:
        email: The account's address; None where the credentials do not tell it (a person's login,
            an external account without impersonation).
        kind: Google's name for this kind of credentials.
        project: The project that they name, if any.
    """

    email: str | None
    kind: str
    project: str | None = None

    @property
    def member(self) -> str | None:
        """As IAM policies name it."""
        if self.email is None:
            return None
        of_google = self.email.endswith(".gserviceaccount.com")
        return f"{'serviceAccount' if of_google else 'user'}:{self.email}"


@dataclass(frozen=True, slots=True)
class Connector:
    """Whose permissions count. Never this process's own where it is known to be somebody else.

    Attributes:
        member: Another identity, as policies name it; None where the caller is the connector.
        unseen: Why it is not known who the connector is.
    """

    member: str | None = None
    unseen: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A project: `number` is what service agents and principals are named by."""

    id: str
    number: str
    state: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket's settings, as the SDK of Cloud Storage reads them.

    Attributes:
        location: In lower case: a region, ``eu``, ``eur4``.
        regions: The regions of a configurable dual-region, in lower case.
        uniform: Whether IAM alone decides, and no ACL.
        prevention: ``enforced`` or ``inherited``.
        versioning: Whether old versions are kept.
        soft_delete: For how many seconds what was deleted is kept; 0 if not at all.
        key: The Cloud KMS key that encrypts it by default; None for Google's own.
        project_number: Of the project that it is in; None if it was not told.
        requester_pays: Whether a question has to name a project that pays for it.
    """

    location: str
    regions: tuple[str, ...]
    uniform: bool
    prevention: str
    versioning: bool
    soft_delete: int
    key: str | None
    project_number: str | None
    requester_pays: bool = False


@dataclass(frozen=True, slots=True)
class Tested:
    """What Google said of the caller's permissions on one thing.

    Attributes:
        asked: In the order of the table.
        granted: Those that the caller has.
        unclear: Those that Google does not take a test of.
    """

    asked: tuple[str, ...]
    granted: frozenset[str]
    unclear: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Those that the caller surely lacks."""
        return tuple(p for p in self.asked if p not in self.granted and p not in self.unclear)

    def without(self, some: Collection[str]) -> Tested:
        """The same but for some of them."""
        return Tested(
            tuple(p for p in self.asked if p not in some),
            self.granted.difference(some),
            tuple(p for p in self.unclear if p not in some),
        )


@dataclass(frozen=True, slots=True)
class Rights:
    """What the policies that were read grant somebody on one thing.

    Attributes:
        member: Who, as policies name it.
        granted: Permissions without a condition.
        conditional: Permissions under a condition.
        roles: The roles that were found for the member.
        unseen: Why a policy or a role could not be read.
    """

    member: str
    granted: frozenset[str]
    conditional: frozenset[str] = frozenset()
    roles: tuple[str, ...] = ()
    unseen: tuple[ProbeError, ...] = ()


@dataclass(frozen=True, slots=True)
class Clusters:
    """The clusters of one name in a project.

    Attributes:
        found: As GKE describes them, in REST's spelling.
        missing_zones: Zones whose clusters GKE could not list.
    """

    found: tuple[Raw, ...]
    missing_zones: tuple[str, ...] = ()
