"""A job that is run again: what its request had done is not done once more.

`apply` leaves marks in its comment: as of which commit, by which reviewed plan, which stacks are as
described. A stack that would change now was changed since where a mark of the same plan knows of
it, or of a later commit: the job's turn is over. What has failed has no mark, and can go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from kitaru_iac.cli.output import current
from kitaru_iac.errors import KitaruError, PlanMoved
from kitaru_iac.patterns import compiled
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from kitaru_iac.hosts.model import Host, Proposal

__all__ = ["applied_marks", "require_turn"]

#: Hexadecimal digits of what stands for a stack: 64 bits.
_DIGITS: Final = 16
#: Of so many stacks the marks have room below a table.
_MOST_STACKS: Final = 1000
#: So many later requests are looked at, those that changed last first. Each that was applied as a
#: whole knows of every stack, so that the first one mostly tells.
_MOST_REQUESTS: Final = 30
_COMMIT, _PLAN = r"[0-9a-f]{40,64}", r"sha256:[0-9a-f]{64}"
#: Marks stand at the very end: what a table or an error quotes is none.
_END = compiled(rf"(?:^<!-- applied: {_COMMIT} {_PLAN}(?: [0-9a-f]{{16}})+ -->\n)+\Z", re.MULTILINE)
_MARK = compiled(rf"^<!-- applied: ({_COMMIT}) ({_PLAN}) ([0-9a-f ]+) -->$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Mark:
    """What an `apply` left as it is described.

    Attributes:
        commit: The commit with the descriptions.
        digest: The plan that was reviewed.
        stacks: What stands for the stacks.
    """

    commit: str
    digest: str
    stacks: frozenset[str]


def applied_marks(
    host: Host,
    request: Proposal | None,
    key: str,
    plan: Mapping[str, Any],
    digest: str,
    done: Set[str],
) -> str:
    """Write the marks for the end of a comment: those of its earlier runs, and this one's.

    Args:
        host: The host.
        request: The request that the comment is on.
        key: The comment's.
        plan: The plan's document.
        digest: The digest that was reviewed.
        done: The names of the stacks that are as described now, or gone.
    """
    from kitaru_iac.plan.document import needs_review

    commit = host.commit
    if request is None or request.is_fork or commit is None:
        return ""
    stacks = {(mark.commit, mark.digest): mark.stacks for mark in _marks(host, key, request.number)}
    mine = frozenset(_key(plan, entry) for entry in plan["stacks"] if entry["stack"] in done)
    if not any(needs_review(change) for entry in plan["stacks"] for change in entry["changes"]):
        # Run again with nothing to do: any mark of the commit tells as much.
        mine -= frozenset().union(*(of for (at, _), of in stacks.items() if at == commit))
    stacks[commit, digest] = stacks.get((commit, digest), frozenset()) | mine
    if sum(map(len, stacks.values())) > _MOST_STACKS:
        return ""
    lines = [
        f"<!-- applied: {of} {by} {' '.join(sorted(keys))} -->\n"
        for (of, by), keys in stacks.items()
        if keys
    ]
    return "\n" + "".join(lines) if lines else ""


def require_turn(
    host: Host,
    request: Proposal | None,
    key: str,
    plan: Mapping[str, Any],
    digest: str,
    remedy: str,
) -> None:
    """Refuse what this plan has done before, and what a later commit's descriptions replaced.

    Where the host does not tell, a note says so, and the job goes on.

    Args:
        host: The host.
        request: The request by whose merge the job's commit came.
        key: The comment's, in which the marks are.
        plan: The document of the plan of today.
        digest: The digest that was reviewed.
        remedy: How what is planned today is done nevertheless.

    Raises:
        PlanMoved: A stack would change that was applied since.
    """
    from kitaru_iac.plan.document import needs_review

    commit = host.commit
    wanted = {
        _key(plan, entry): entry["stack"]
        for entry in plan["stacks"]
        # Which stack is active is the machine's: a fresh one has none yet, whatever was applied.
        if any(needs_review(one) for one in entry["changes"] if one["layer"] != "machine")
    }
    if request is None or commit is None or not wanted:
        return
    try:
        said = _applied_since(host, request.number, key, _Mark(commit, digest, frozenset(wanted)))
    except KitaruError as error:
        current().note(f"Whether it was applied before could not be looked up: {error.what}")
        return
    if said is None:
        return
    stacks, is_later, how = said
    differs = [f"stack {name}: {how}" for name in sorted(wanted[one] for one in stacks)]
    before = "what this commit describes is older than what was applied since"
    raise PlanMoved(
        f"Nothing was done: {before if is_later else 'the reviewed plan was applied before'}",
        differs=differs,
        why="\n".join(differs),
        remedy=f"Run the job of the newest commit. Or: {remedy}" if is_later else remedy,
    )


def _applied_since(
    host: Host, number: int, key: str, wanted: _Mark
) -> tuple[frozenset[str], bool, str] | None:
    """Which of the wanted stacks a mark knows of; whether that is a later commit's; and how.

    Raises:
        HostError: The host does not tell.
    """
    for request in _own_then_later(host, number):
        for mark in _marks(host, key, request):
            if not (stacks := mark.stacks & wanted.stacks):
                continue
            where = f"as the comment on request {request} says"
            if (mark.commit, mark.digest) == (wanted.commit, wanted.digest):
                return stacks, False, f"this plan was applied to it before, {where}"
            if mark.commit != wanted.commit and host.descends(mark.commit, wanted.commit):
                return stacks, True, f"the later commit {mark.commit[:10]} was applied, {where}"
    return None


def _own_then_later(host: Host, number: int) -> Iterator[int]:
    yield number
    yield from islice(host.merged_since(number), _MOST_REQUESTS)


def _marks(host: Host, key: str, number: int) -> list[_Mark]:
    """What our comments on a request say, that nobody else has edited."""
    found = []
    for note in host.notes(key, number):
        end = _END.search(note.body.replace("\r\n", "\n").rstrip() + "\n")
        for commit, digest, stacks in _MARK.findall(end[0]) if end else ():
            found.append(_Mark(commit, digest, frozenset(stacks.split())))
    return found


def _key(plan: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """What stands for a stack of a store."""
    from kitaru_iac.plan.canonical import sha256

    whose = {"store": plan.get("store"), "stack": entry["stack"]}
    return sha256(whose).removeprefix("sha256:")[:_DIGITS]
