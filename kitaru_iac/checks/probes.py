"""Looks: one question to a cloud each, all under way at the same time, each with a time limit.

A look returns an observation or raises a `LookError`, whose class says what its failure means:
denied is not absent. Nothing here knows a cloud.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

__all__ = [
    "TIMEOUT",
    "WORKERS",
    "Absent",
    "Denied",
    "Look",
    "LookError",
    "NoCredentials",
    "Outcome",
    "Unanswered",
    "Unjudged",
    "in_parallel",
    "run_looks",
    "together",
]

#: How long one look may take, in seconds, unless told otherwise.
TIMEOUT = 15.0
#: How many looks are under way at once, unless told otherwise.
WORKERS = 32

T = TypeVar("T")


class LookError(Exception):
    """A look that has no observation.

    Args:
        why: What happened, in one sentence.
        remedy: What may help to look again.
        permission: The permission that is missing, if that is the reason.
        resource: The cloud's name (ARN) of what was looked at, where it has one.
    """

    def __init__(
        self,
        why: str,
        remedy: str | None = None,
        *,
        permission: str | None = None,
        resource: str | None = None,
    ) -> None:
        self.why = why
        self.remedy = remedy
        self.permission = permission
        self.resource = resource
        super().__init__(why)


class Denied(LookError):
    """The cloud answered that we may not look. Whether the thing exists is not known."""


class Absent(LookError):
    """The cloud answered that the thing does not exist."""


class NoCredentials(LookError):
    """There are no credentials, or the cloud does not accept them."""


class Unanswered(LookError):
    """No answer: timeout, throttled, unreachable, an answer that nobody understands."""


class Unjudged(LookError):
    """It was not looked at on purpose: something else decides first, or it cannot be seen."""


#: What became of a look: its observation, or why there is none.
Outcome = Any | LookError


@dataclass(frozen=True, slots=True, eq=False)
class Look(Generic[T]):
    """One question to the cloud. The same object asked for by several checks is asked once.

    Attributes:
        name: For messages and tests: the operation, as ``s3:GetBucketVersioning``.
        see: Asks, and returns the observation or raises a `LookError`. It is given the observations
            of `needs`, then the outcomes of `asks`.
        needs: Looks that must have succeeded before; where one failed, this one fails alike.
        asks: Looks whose outcome is given, be it a `LookError`.
        inline: It does no I/O and needs no thread.
    """

    name: str
    see: Callable[..., T]
    needs: tuple[Look[Any], ...] = ()
    asks: tuple[Look[Any], ...] = ()
    inline: bool = False


def together(*needs: Look[Any], asks: Sequence[Look[Any]] = ()) -> Look[tuple[Any, ...]]:
    """A look that has the observations of several, in order, then the outcomes of `asks`."""
    names = " + ".join(look.name for look in (*needs, *asks))
    return Look(names, lambda *seen: seen, needs=needs, asks=tuple(asks), inline=True)


# --- running them ------------------------------------------------------------------------------


def run_looks(
    looks: Iterable[Look[Any]],
    timeout: float = TIMEOUT,
    max_workers: int = WORKERS,
    known: Mapping[Look[Any], Outcome] | None = None,
) -> dict[Look[Any], Outcome]:
    """Carry out these looks, and those they need, each once and as early as it can.

    Threads of their own rather than an executor's: a call that hangs cannot be stopped in Python,
    and an executor would wait for it when the process ends.

    Args:
        looks: What to look at.
        timeout: Seconds for each, from its start.
        max_workers: How many may be under way at once.
        known: Outcomes of an earlier run, which are not asked for again.

    Returns:
        The outcomes of all of them, of what they needed, and those known before.
    """
    return _Run(looks, timeout, max_workers, known or {}).outcomes_of_all()


class _Run:
    """One run: a single scheduler (the caller's thread) and a thread for each look."""

    def __init__(
        self,
        looks: Iterable[Look[Any]],
        timeout: float,
        max_workers: int,
        known: Mapping[Look[Any], Outcome],
    ) -> None:
        if max_workers < 1:
            raise ValueError("max_workers must be at least 1")
        self._timeout = timeout
        self._max_workers = max_workers
        self._waiting: list[Look[Any]] = []
        self._running: dict[Look[Any], float] = {}  # the moment at which patience ends
        self._outcomes: dict[Look[Any], Outcome] = dict(known)
        self._answers: queue.SimpleQueue[tuple[Look[Any], Outcome]] = queue.SimpleQueue()
        for look in looks:
            self._add(look)

    def _add(self, look: Look[Any]) -> None:
        if look not in self._waiting and look not in self._outcomes:
            for before in (*look.needs, *look.asks):
                self._add(before)
            self._waiting.append(look)  # after what it depends on, so inline ones chain in one pass

    def outcomes_of_all(self) -> dict[Look[Any], Outcome]:
        while self._waiting or self._running:
            self._start_what_can()
            if self._running:
                self._await_one()
        return self._outcomes

    def _start_what_can(self) -> None:
        still: list[Look[Any]] = []
        for look in self._waiting:
            failed = next(
                (e for n in look.needs if isinstance(e := self._outcomes.get(n), LookError)), None
            )
            if failed is not None:
                self._outcomes[look] = failed
            elif any(before not in self._outcomes for before in (*look.needs, *look.asks)):
                still.append(look)
            elif look.inline:
                self._outcomes[look] = self._carry_out(look)
            elif len(self._running) < self._max_workers:
                self._running[look] = time.monotonic() + self._timeout
                threading.Thread(
                    target=lambda look=look: self._answers.put((look, self._carry_out(look))),
                    name=f"look {look.name}",
                    daemon=True,
                ).start()
            else:
                still.append(look)
        self._waiting = still

    def _carry_out(self, look: Look[Any]) -> Outcome:
        seen = [self._outcomes[before] for before in (*look.needs, *look.asks)]
        try:
            return look.see(*seen)
        except LookError as error:
            return error
        except Exception as error:  # noqa: BLE001 - one look's bug must not hide the others
            return Unanswered(f"{look.name} itself failed: {type(error).__name__}: {error}")

    def _await_one(self) -> None:
        now = time.monotonic()
        patience = max(0.0, min(self._running.values()) - now)
        try:
            look, outcome = self._answers.get(timeout=patience)
        except queue.Empty:
            now = time.monotonic()
            for late in [look for look, end in self._running.items() if end <= now]:
                del self._running[late]
                self._outcomes[late] = Unanswered(
                    f"{late.name} gave no answer within {self._timeout:g} s",
                    "Look again, with a longer time limit.",
                )
            return
        if look in self._running:  # else it was given up before
            del self._running[look]
            self._outcomes[look] = outcome


def in_parallel(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """The results of these calls, made at the same time, for use inside one look.

    Raises:
        Exception: The first failure, in the order of the jobs.
    """
    if len(jobs) < 2:
        return [job() for job in jobs]
    answers: list[T | BaseException] = [LookupError()] * len(jobs)

    def carry_out(number: int) -> None:
        try:
            answers[number] = jobs[number]()
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            answers[number] = error

    threads = [threading.Thread(target=carry_out, args=(n,), daemon=True) for n in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results: list[T] = []
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
        results.append(answer)
    return results
