"""Trying again where a cloud is not ready yet for what was asked: identities appear late.

Each try is an operation of its own, which resumes where the last one ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from kitaru_iac.engine.errors import UpdateFailed
from kitaru_iac.engine.events import Recording, ResourceChange
from kitaru_iac.plan.model import Action

__all__ = ["PAUSES", "Passing", "awaited", "patiently"]

T = TypeVar("T")
#: Says of one failure, in the provider's words, for what the cloud needs time; None where time does
#: not help.
Passing = Callable[[str], str | None]

#: Seconds between the tries: five minutes together.
PAUSES = (5, 10, 15, 30, 60, 90, 90)


def patiently(
    operate: Callable[[], tuple[Recording, T]],
    passing: Passing | None,
    say: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> tuple[tuple[ResourceChange, ...], T]:
    """Run an operation, and again after a pause while all that failed passes by itself.

    Only failures of resources are judged: what fails beside them is there again in the next try, or
    was their doing.

    Args:
        operate: The operation.
        passing: Which failures pass; None where none does.
        say: Gets a line before each pause.
        pause: Waits for so many seconds.

    Returns:
        What happened to each resource in all tries together, and what the last one gave.

    Raises:
        UpdateFailed: Something failed that does not pass, or did not pass in time.
    """
    before: dict[str, ResourceChange] = {}
    for seconds in PAUSES:
        try:
            record, done = operate()
        except UpdateFailed as error:
            waits = [passing(failure) if passing else None for failure in error.of_resources]
            if not waits or None in waits:
                raise
            before |= {one.urn: one for one in error.changes if one.action is not Action.KEEP}
            say(f"{'; '.join(dict.fromkeys(filter(None, waits)))}: again in {seconds} seconds")
        else:
            return _together(before, record.changes), done
        pause(seconds)
    record, done = operate()
    return _together(before, record.changes), done


def awaited(
    late: Callable[[], str | None],
    say: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> str | None:
    """Wait while a cloud needs time for what was made; no longer than for a failure that passes.

    Args:
        late: Says for what; None where all is there.
        say: Gets a line before each pause.
        pause: Waits for so many seconds.

    Returns:
        What is not there after all the waiting; None where all is.
    """
    for seconds in PAUSES:
        what = late()
        if what is None:
            return None
        say(f"{what}: again in {seconds} seconds")
        pause(seconds)
    if (what := late()) is not None:
        say(f"{what}: gone on without it")
    return what


def _together(
    before: dict[str, ResourceChange], last: tuple[ResourceChange, ...]
) -> tuple[ResourceChange, ...]:
    """The changes of the last try; what an earlier one did is not lost by what it kept."""
    return tuple(
        replace(before[one.urn], id=one.id)
        if one.action is Action.KEEP and one.urn in before
        else one
        for one in last
    )
