"""What exists in a cloud and is a deployment's own, as far as that is the same in every cloud."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial

from kitaru_iac.checks.probes import ProbeError, in_parallel
from kitaru_iac.clouds.provider import Claim, Inputs, Marked, Sighting
from kitaru_iac.errors import KitaruError

__all__ = ["Way", "collected", "lacking", "untold"]

#: One way to find what carries the marks: names of the cloud, and why not all were seen.
Way = Callable[[], tuple[list[str], str | None]]


def lacking(tags: Mapping[str, str], marks: Mapping[str, str], called: str = "tags") -> str | None:
    """Why what has these tags is not the deployment's; None if it is.

    Args:
        tags: Of what exists.
        marks: Those that say it is the deployment's.
        called: The cloud's word for them.
    """
    missing = [f"{key}={value}" for key, value in marks.items() if tags.get(key) != value]
    return f"it lacks the {called} {', '.join(missing)}" if missing else None


def untold(type: str, inputs: Inputs, error: ProbeError) -> KitaruError:
    """Say that it cannot be told what a cloud has under the name of a resource."""
    named = [v.values() if isinstance(v, Mapping) else [v] for v in inputs.values()]
    words = " ".join(str(word) for words in named for word in words)
    return KitaruError(
        f"Whether {words} exists, and whose it is, cannot be told",
        where=type,
        why=error.why,
        remedy=error.remedy or "Run it again as somebody who may look.",
    )


def collected(
    ways: Iterable[Way],
    named: Iterable[Claim],
    claim_of: Callable[[str], Claim | None],
    sight: Callable[[Claim], Sighting | None],
) -> Marked:
    """What exists and carries a deployment's marks, whatever a state knows.

    What is found counts only if it exists when it is looked up by itself, and is ours; or if nobody
    can look it up by itself.

    Args:
        ways: Ways to find what carries the marks.
        named: What we would make for a stack that names nothing itself.
        claim_of: What a name that a way gives means as a resource of ours; None for kinds that are
            not looked up by themselves.
        sight: Looks one up by itself. Raises a `ProbeError`.
    """
    claims = {_key(claim): claim for claim in named}
    others: dict[str, Sighting] = {}
    unseen: list[str] = []
    for names, why in in_parallel(tuple(ways)):
        unseen += [why] if why else []
        for name in names:
            claim = claim_of(name)
            if claim is None:
                others[name] = Sighting(name, name)
            else:
                claims.setdefault(_key(claim), claim)
    found = []
    for seen, why in in_parallel([partial(_seen, sight, claim) for claim in claims.values()]):
        unseen += [why] if why else []
        if seen is not None and seen.hidden:
            unseen.append(f"{seen.name}: {seen.foreign}")
        elif seen is not None and seen.foreign is None:
            found.append(seen)
    return Marked((*found, *others.values()), tuple(dict.fromkeys(unseen)))


def _key(claim: Claim) -> tuple[Hashable, ...]:
    return claim.type, *map(str, claim.inputs.values())


def _seen(
    sight: Callable[[Claim], Sighting | None], claim: Claim
) -> tuple[Sighting | None, str | None]:
    try:
        return sight(claim), None
    except ProbeError as error:
        return None, error.why
