"""What is asked of a policy document: who, what, on which thing, and what is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kitaru_iac.patterns import compiled

__all__ = [
    "ABSENT",
    "Absent",
    "Caller",
    "CallerKind",
    "Context",
    "Foreign",
    "Pattern",
    "Possible",
    "Request",
    "caller_of",
]


class Absent:
    """A condition key that the request does not have."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A value that is known in part: ``*`` and ``?`` stand for what is not known."""

    text: str


class Foreign(StrEnum):
    """A value of somebody whom no policy names: it equals nothing that is written out."""

    TEXT = "text"
    ARN = "arn"
    ADDRESS = "address"


#: What a key of a request may be. Several texts are the values of one multivalued key.
Possible = str | tuple[str, ...] | Pattern | Foreign | Absent


@dataclass(frozen=True, slots=True)
class Context:
    """The condition keys of a request, by their names in small letters.

    Attributes:
        known: Each key's value; in a list, everything that it may be.
        absent: Keys that are known to be missing; ``aws:principaltag/*`` is all that begin so.
        complete: Whether every key that is not known is missing; else it is unknown.
    """

    known: Mapping[str, Possible | list[Possible]] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    complete: bool = False

    def find(self, key: str) -> list[Possible]:
        """What a key may be; nothing where that is not known."""
        name = key.lower()
        if name in self.known:
            found = self.known[name]
            return found if isinstance(found, list) else [found]
        begins = any(name.startswith(a[:-1]) for a in self.absent if a.endswith("*"))
        return [ABSENT] if self.complete or begins or name in self.absent else []


class CallerKind(StrEnum):
    """What a caller is."""

    USER = "user"
    ROLE = "role"
    ROOT = "root"
    SERVICE = "service"
    FEDERATED = "federated"
    CANONICAL = "canonical"
    ANONYMOUS = "anonymous"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        kind: What it is. A stranger is a user or role of an account that nobody named.
        name: A user's or role's ARN in IAM, a service's name, an identity provider's, a canonical
            user id.
        account: Of a user, role or root.
        session: The name of a role's session; None where it is not known.
        path_known: Whether the ARN has the path, which the ARN of a session does not show.
    """

    kind: CallerKind
    name: str = ""
    account: str | None = None
    session: str | None = None
    path_known: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """One question.

    Attributes:
        caller: Who asks.
        action: As ``s3:GetObject``.
        resource: The ARN; ``*`` and ``?`` stand for what is not known of it. None for a document
            whose statements name no resource, as a role's trust policy.
        context: Its condition keys.
    """

    caller: Caller
    action: str
    resource: str | None = None
    context: Context = field(default_factory=Context)


_ARN = compiled(
    r"arn:(?P<partition>[a-z-]+):(?P<service>iam|sts)::(?P<account>[0-9]{12}):"
    r"(?P<kind>root|user|role|assumed-role)(?:/(?P<rest>.+))?"
)


def caller_of(arn: str) -> Caller:
    """Read the ARN of a user, a role, a role's session, or an account's root user.

    Raises:
        ValueError: It is none of them.
    """
    found = _ARN.fullmatch(arn)
    if found is None or (found["kind"] == "root") is not (found["rest"] is None):
        raise ValueError(f"{arn} is no user, role, session or root user")
    account, rest = found["account"], found["rest"]
    if found["kind"] != "assumed-role":
        return Caller(CallerKind(found["kind"]), arn, account)
    name, _, session = rest.partition("/")
    role = f"arn:{found['partition']}:iam::{account}:role/{name}"
    return Caller(CallerKind.ROLE, role, account, session or None, path_known=False)
