"""What roles allow: a pure function of the roles and an operation.

An operation is allowed where one role has it in its actions and not in its exclusions; another role
may allow what the first leaves out. Comparison ignores case.
https://learn.microsoft.com/azure/role-based-access-control/role-definitions
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache

from kitaru_iac.clouds.azure.observations import Rights, Role
from kitaru_iac.clouds.azure.permission_table import AzurePermission, is_data

__all__ = ["Answer", "Judged", "allows", "judge", "reads_all"]


class Answer(Enum):
    """Whether an operation is allowed."""

    YES = "yes"
    CONDITIONAL = "conditional"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Judged:
    """The operations that somebody needs, by what their roles say.

    Attributes:
        allowed: Without a condition.
        conditional: Under the condition of an assignment, which nobody evaluates here.
        missing: By no role.
    """

    allowed: tuple[str, ...] = ()
    conditional: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def allows(roles: Iterable[Role], action: str, *, data: bool) -> Answer:
    """Say whether these roles, each at or above a scope, allow an operation there.

    Args:
        roles: What somebody has.
        action: The operation, as ``Microsoft.Storage/storageAccounts/read``.
        data: Whether it is one on data.
    """
    found = Answer.NO
    for role in roles:
        wanted = role.data_actions if data else role.actions
        left_out = role.not_data_actions if data else role.not_actions
        if _in(wanted, action) and not _in(left_out, action):
            if role.condition is None:
                return Answer.YES
            found = Answer.CONDITIONAL
    return found


def judge(rights: Rights, needed: Iterable[AzurePermission]) -> Judged:
    """Sort what is needed by what the roles say.

    What the assignments of who looks allow under a condition alone is no more than that, though
    Azure tells their roles without it.
    """
    sorted_: dict[Answer, list[str]] = {answer: [] for answer in Answer}
    for row in needed:
        data = is_data(row.action)
        answer = allows(rights.roles, row.action, data=data)
        limit = allows(rights.assigned or (), row.action, data=data)
        if answer is Answer.YES and limit is Answer.CONDITIONAL:
            answer = limit
        sorted_[answer].append(row.action)
    return Judged(
        tuple(sorted_[Answer.YES]), tuple(sorted_[Answer.CONDITIONAL]), tuple(sorted_[Answer.NO])
    )


def reads_all(roles: Iterable[Role]) -> bool:
    """Say whether these roles let everything at a scope be read: a listing leaves nothing out."""
    return any(
        role.condition is None
        and bool({"*", "*/read"} & {action.lower() for action in role.actions})
        and all(_ends_otherwise(action) for action in role.not_actions)
        for role in roles
    )


def _ends_otherwise(action: str) -> bool:
    """Whether a pattern stands for no reading."""
    return action.lower().rpartition("/")[2] in {"write", "delete", "action"}


def _in(patterns: Iterable[str], action: str) -> bool:
    return any(_pattern(pattern).fullmatch(action) for pattern in patterns)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.IGNORECASE)
