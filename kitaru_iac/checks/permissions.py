"""A line of a cloud's table of permissions: who does what to which thing, and why.

Each cloud has one such table. It feeds the checks, provisioning, `kitaru stack policy` and the
documentation; there is no second list.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from kitaru_iac.spec.kinds import StackType
from kitaru_iac.values import dataclass, field

__all__ = ["Conditions", "Identity", "Permission", "Rows"]

#: What a permission is about, and when it is needed: each cloud has its own words for both.
ResourceT = TypeVar("ResourceT", bound=StrEnum)
WhenT = TypeVar("WhenT", bound=StrEnum)
#: Conditions of a grant: operator -> key -> value, or several of which one is enough.
Conditions = Mapping[str, Mapping[str, str | tuple[str, ...]]]


class Identity(StrEnum):
    """Who is allowed something.

    * *connector*: what ZenML's client and server use to push images, read artifacts, submit runs;
    * *runtime*: what a step's container is;
    * *pull*: who pulls its image;
    * *scheduler*: what a service of the cloud is that starts scheduled runs;
    * *verify*: who runs the checks. It only reads.
    """

    CONNECTOR = "connector"
    RUNTIME = "runtime"
    PULL = "pull"
    SCHEDULER = "scheduler"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Permission(Generic[ResourceT, WhenT]):
    """One line of the table.

    Attributes:
        identity: Who needs it.
        action: The cloud's name of what is allowed.
        resource: What it is about.
        used_by: What does it, in ZenML or in the checks.
        types: The stack types that need it.
        when: What else must be the case.
        conditions: Conditions of the grant; empty where it has none.
    """

    identity: Identity
    action: str
    resource: ResourceT
    used_by: str
    types: frozenset[StackType]
    when: WhenT
    conditions: Conditions = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rows(Generic[ResourceT, WhenT]):
    """Makes the lines of a cloud's table.

    Attributes:
        always: The cloud's word for a line that is needed in every stack of its types.
    """

    always: WhenT

    def __call__(
        self,
        identity: Identity,
        resource: ResourceT,
        types: frozenset[StackType],
        uses: Mapping[str, str],
        *,
        when: WhenT | None = None,
        conditions: Conditions | None = None,
    ) -> tuple[Permission[ResourceT, WhenT], ...]:
        """Make one permission for each action in `uses`, which says what it is used by."""
        needed = self.always if when is None else when
        return tuple(
            Permission(identity, action, resource, used_by, types, needed, conditions or {})
            for action, used_by in uses.items()
        )
