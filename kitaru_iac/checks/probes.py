"""Probes: one question to a cloud each, all under way at the same time, each with a time limit.

A probe returns an observation or raises a `ProbeError`, whose class says what its failure means:
denied is not absent. Nothing here knows a cloud.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar, overload

from kitaru_iac import redaction
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = [
    "TIMEOUT",
    "WORKERS",
    "Denied",
    "NoCredentials",
    "NotFound",
    "Once",
    "Outcome",
    "Outcomes",
    "Probe",
    "ProbeError",
    "Skipped",
    "Unavailable",
    "all_of",
    "in_batches",
    "in_parallel",
    "outcomes_of",
    "run_probes",
]

#: How long one probe may take, in seconds, unless told otherwise.
TIMEOUT = 15.0
#: How many probes are under way at once, unless told otherwise.
WORKERS = 32
#: How many things of one listing are asked about at the same time.
_AT_ONCE = 16

S = TypeVar("S")
T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
T_co = TypeVar("T_co", covariant=True)


class ProbeError(Exception):
    """A probe that has no observation.

    Args:
        why: What happened, in one sentence.
        remedy: What may help it to succeed.
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


class Denied(ProbeError):
    """The cloud answered that we may not look. Whether the thing exists is not known."""


class NotFound(ProbeError):
    """The cloud answered that the thing does not exist."""


class NoCredentials(ProbeError):
    """There are no credentials, or the cloud does not accept them."""


class Unavailable(ProbeError):
    """No answer: timeout, throttled, unreachable, an answer that nobody understands."""


class Skipped(ProbeError):
    """It was not looked at on purpose: something else decides first, or it cannot be seen."""


#: What became of a probe: its observation, or why there is none.
Outcome: TypeAlias = T | ProbeError


@dataclass(frozen=True, slots=True, eq=False)
class Probe(Generic[T_co]):
    """One question to the cloud. The same object used by several checks is asked once.

    Attributes:
        name: For messages and tests: the operation, as ``s3:GetBucketVersioning``.
        run: Asks, and returns the observation or raises a `ProbeError`. It is given the
            observations of `requires`, then the outcomes of `after`.
        requires: Probes that must have succeeded before; where one failed, this one fails alike.
        after: Probes whose outcome is given, be it a `ProbeError`.
        inline: It does no I/O and needs no thread.
        close: Lets go of what it has opened for others; called when the checks of a run are done,
            whatever became of it.
    """

    name: str
    run: Callable[..., T_co]
    requires: tuple[Probe[object], ...] = ()
    after: tuple[Probe[object], ...] = ()
    inline: bool = False
    close: Callable[[], None] | None = None


class Outcomes(Mapping[Probe[object], object]):
    """What became of each probe of a run, found by the probe and typed by it."""

    def __init__(self, known: Mapping[Probe[object], object] | None = None) -> None:
        self._found: dict[Probe[object], object] = dict(known or {})

    def __getitem__(self, probe: Probe[T]) -> Outcome[T]:
        return self._found[probe]  # type: ignore[return-value]  # `add` has put it there

    def __iter__(self) -> Iterator[Probe[object]]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def add(self, probe: Probe[T], outcome: Outcome[T]) -> None:
        """Note what became of a probe."""
        self._found[probe] = outcome


@overload
def all_of(first: Probe[A], /, *, after: tuple[Probe[B]]) -> Probe[tuple[A, Outcome[B]]]: ...
@overload
def all_of(first: Probe[A], second: Probe[B], /) -> Probe[tuple[A, B]]: ...
@overload
def all_of(
    *requires: Probe[object], after: tuple[Probe[object], ...] = ()
) -> Probe[tuple[object, ...]]: ...
def all_of(
    *requires: Probe[object], after: tuple[Probe[object], ...] = ()
) -> Probe[tuple[object, ...]]:
    """Put probes together: one with the observations of several, then the outcomes of `after`."""
    names = " + ".join(probe.name for probe in (*requires, *after))
    return Probe(names, lambda *seen: seen, requires=requires, after=after, inline=True)


# --- running them ------------------------------------------------------------------------------


def run_probes(
    probes: Iterable[Probe[object]],
    timeout: float = TIMEOUT,
    max_workers: int = WORKERS,
    known: Outcomes | None = None,
    secrets: Sequence[str] = (),
) -> Outcomes:
    """Run these probes, and those they need, each once and as early as it can.

    Threads of their own rather than an executor's: a call that hangs cannot be stopped in Python,
    and an executor would wait for it when the process ends.

    Args:
        probes: What to ask.
        timeout: Seconds for each, from its start.
        max_workers: How many may be under way at once.
        known: Outcomes of an earlier run, which are not asked for again.
        secrets: What no text of an outcome may hold, as `redaction.text` takes it.

    Returns:
        The outcomes of all of them, of what they needed, and those known before.
    """
    return _Run(probes, timeout, max_workers, known, secrets).outcomes_of_all()


class _Run:
    """One run: a single scheduler (the caller's thread) and a thread for each probe."""

    def __init__(
        self,
        probes: Iterable[Probe[object]],
        timeout: float,
        max_workers: int,
        known: Outcomes | None,
        secrets: Sequence[str],
    ) -> None:
        if max_workers < 1:
            raise ValueError("max_workers must be at least 1")
        self._timeout = timeout
        self._max_workers = max_workers
        self._secrets = secrets
        self._waiting: list[Probe[object]] = []
        self._running: dict[Probe[object], float] = {}  # the moment at which patience ends
        self._outcomes = Outcomes(known)
        self._answers: queue.SimpleQueue[tuple[Probe[object], object]] = queue.SimpleQueue()
        for probe in probes:
            self._add(probe)

    def _add(self, probe: Probe[object]) -> None:
        if probe not in self._waiting and probe not in self._outcomes:
            for before in (*probe.requires, *probe.after):
                self._add(before)
            # After what it depends on, so that inline ones chain in one pass.
            self._waiting.append(probe)

    def outcomes_of_all(self) -> Outcomes:
        while self._waiting or self._running:
            self._start_what_can()
            if self._running:
                self._await_one()
        return self._outcomes

    def _start_what_can(self) -> None:
        still: list[Probe[object]] = []
        for probe in self._waiting:
            failed = next(
                (e for n in probe.requires if isinstance(e := self._outcomes.get(n), ProbeError)),
                None,
            )
            if failed is not None:
                self._outcomes.add(probe, failed)
            elif any(before not in self._outcomes for before in (*probe.requires, *probe.after)):
                still.append(probe)
            elif probe.inline:
                self._outcomes.add(probe, self._execute(probe))
            elif len(self._running) < self._max_workers:
                self._running[probe] = time.monotonic() + self._timeout
                threading.Thread(
                    target=lambda probe=probe: self._answers.put((probe, self._execute(probe))),
                    name=f"probe {probe.name}",
                    daemon=True,
                ).start()
            else:
                still.append(probe)
        self._waiting = still

    def _execute(self, probe: Probe[object]) -> object:
        seen = [self._outcomes[before] for before in (*probe.requires, *probe.after)]
        try:
            return probe.run(*seen)
        except ProbeError as error:
            return error
        except Exception as error:  # noqa: BLE001 - one probe's bug must not hide the others
            why = redaction.text(f"{type(error).__name__}: {error}", *self._secrets)
            return Unavailable(f"{probe.name} itself failed: {why}")

    def _await_one(self) -> None:
        now = time.monotonic()
        patience = max(0.0, min(self._running.values()) - now)
        try:
            probe, outcome = self._answers.get(timeout=patience)
        except queue.Empty:
            now = time.monotonic()
            for late in [probe for probe, end in self._running.items() if end <= now]:
                del self._running[late]
                self._outcomes.add(
                    late,
                    Unavailable(
                        f"{late.name} gave no answer within {self._timeout:g} s",
                        "Look again, with a longer time limit.",
                    ),
                )
            return
        if probe in self._running:  # else it was given up before
            del self._running[probe]
            self._outcomes.add(probe, outcome)


def in_parallel(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """The results of these calls, made at the same time, for use inside one probe.

    Raises:
        Exception: The first failure, in the order of the jobs.
    """
    if len(jobs) < 2:
        return [job() for job in jobs]
    # An answer in a tuple: it may be an error itself, which nobody raised.
    answers: list[tuple[T] | BaseException] = [LookupError()] * len(jobs)

    def execute(number: int) -> None:
        try:
            answers[number] = (jobs[number](),)
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            answers[number] = error

    threads = [threading.Thread(target=execute, args=(n,), daemon=True) for n in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results: list[T] = []
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
        results.append(answer[0])
    return results


def in_batches(ask: Callable[[S], T], about: Iterable[S]) -> list[T]:
    """Ask about many things, a bounded number at the same time. Raises the first failure."""
    things = list(about)
    found: list[T] = []
    for first in range(0, len(things), _AT_ONCE):
        batch = things[first : first + _AT_ONCE]
        found += in_parallel([partial(ask, one) for one in batch])
    return found


def outcomes_of(ask: Callable[[S], T], about: Iterable[S]) -> dict[S, Outcome[T]]:
    """Ask about many things as `in_batches`; of each that was not seen, give the error."""

    def told(one: S) -> Outcome[T]:
        try:
            return ask(one)
        except ProbeError as error:
            return error

    things = list(about)
    return dict(zip(things, in_batches(told, things), strict=True))


class Once(Generic[T]):
    """Asks about each name once, whoever wants to know and however many at a time.

    Args:
        ask: Gives the answer about a name, or raises a `ProbeError`, which all are told.
    """

    def __init__(self, ask: Callable[[str], T]) -> None:
        self._ask = ask
        self._answers: dict[str, Future[T]] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str) -> T:
        """Give the answer about a name. Raises what asking raised."""
        from concurrent.futures import Future

        with self._lock:
            is_first = name not in self._answers
            answer = self._answers.setdefault(name, Future())
        if is_first:
            try:
                answer.set_result(self._ask(name))
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                answer.set_exception(error)
        return answer.result()
