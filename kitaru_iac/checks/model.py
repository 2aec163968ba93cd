"""Checks of infrastructure: what one is, what it found, and running many of them.

A check is a *probe* and an *evaluation*, kept apart::

    Probe     asks the cloud, and returns an observation or raises a ProbeError
    evaluate  observation -> Verdict, a pure function

so an evaluation can be read and tested without a cloud. No check is ok because nobody looked: the
error of a failed probe goes to `on_error`, which may say fail or unknown, never ok. Denied is not
absent: both come as their own kind of `ProbeError` (`checks.probes`), told apart by the cloud's
error code.

Nothing here knows a cloud. `clouds/X` builds the checks, `infrastructure.verify` runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Generic, TypeVar

from kitaru_iac import redaction
from kitaru_iac.checks.probes import (
    TIMEOUT,
    WORKERS,
    NotFound,
    Outcomes,
    Probe,
    ProbeError,
    run_probes,
)
from kitaru_iac.errors import CheckFailed
from kitaru_iac.values import dataclass, replace

T_co = TypeVar("T_co", covariant=True)

__all__ = [
    "WORST_FIRST",
    "Check",
    "CheckInfo",
    "CheckReport",
    "CheckResult",
    "CheckStatus",
    "OnError",
    "Verdict",
    "catalog",
    "fail",
    "ok",
    "run_checks",
    "unknown",
    "warn",
]


class CheckStatus(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


_ALL = frozenset(CheckStatus)
#: How bad an end is, as a gate sees it.
WORST_FIRST = (CheckStatus.FAIL, CheckStatus.UNKNOWN, CheckStatus.WARN, CheckStatus.OK)


@dataclass(frozen=True, slots=True)
class CheckInfo:
    """One line of the catalog of checks: what can be said of a check before it is run.

    Attributes:
        id: Stable, as ``aws.bucket.region``.
        title: A few words, as ``Bucket is in the stack's region``.
        text: What is looked at and why it matters, for the documentation.
        docs: The cloud's own page about it.
        can: Every status it can end in.
        key: The key of stack.yaml that says what is looked at; ``name`` where none does.
    """

    id: str
    title: str
    text: str
    docs: str | None = None
    can: frozenset[CheckStatus] = _ALL
    key: str = "name"


def catalog(infos: Iterable[CheckInfo], keys: Mapping[str, str]) -> dict[str, CheckInfo]:
    """Put the checks of a cloud under their ids, each with its key of stack.yaml.

    Args:
        infos: In the order in which they are documented.
        keys: By what a check looks at, which is the second part of its id.
    """
    return {info.id: replace(info, key=keys.get(info.id.split(".")[1], "name")) for info in infos}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an evaluation says: the status, why, and the command that fixes it.

    `caveat` is what an ok does not cover; it is shown with it.
    """

    status: CheckStatus
    why: str
    remedy: str | None = None
    missing_permission: str | None = None
    caveat: str | None = None


#: Why a probe failed, and what became of the check's context -> a verdict, or None.
OnError = Callable[[ProbeError, object], Verdict | None]


def ok(why: str, caveat: str | None = None) -> Verdict:
    """It is as it should be, as far as was looked at; the caveat says what was not."""
    return Verdict(CheckStatus.OK, why, caveat=caveat)


def warn(why: str, remedy: str) -> Verdict:
    """It works, and should be better."""
    return Verdict(CheckStatus.WARN, why, remedy)


def fail(why: str, remedy: str) -> Verdict:
    """A stack on it will not work, or must not be made."""
    return Verdict(CheckStatus.FAIL, why, remedy)


def unknown(why: str, remedy: str | None = None, missing_permission: str | None = None) -> Verdict:
    """Nobody can say, since it could not be looked at or what was seen does not decide it."""
    return Verdict(CheckStatus.UNKNOWN, why, remedy, missing_permission)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found.

    Attributes:
        id: The check's id in the catalog.
        status: How it ended.
        subject: What was looked at: an ARN, a URI or a name.
        why: The observation that decided it.
        remedy: A command that fixes it; None when it is ok.
        docs: The cloud's own page about it.
        missing_permission: For unknown: the permission whose lack kept us from looking.
        caveat: For ok: what was not looked at, and could still stand in the way.
    """

    id: str
    status: CheckStatus
    subject: str
    why: str
    remedy: str | None = None
    docs: str | None = None
    missing_permission: str | None = None
    caveat: str | None = None

    def to_dict(self) -> dict[str, str | None]:
        """The result as JSON and YAML output carry it: always the same keys."""
        return {
            "id": self.id,
            "status": self.status.value,
            "subject": self.subject,
            "why": self.why,
            "remedy": self.remedy,
            "docs": self.docs,
            "missing_permission": self.missing_permission,
            "caveat": self.caveat,
        }


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The results of all checks of one stack, in the order of the checks."""

    stack: str
    results: tuple[CheckResult, ...] = ()

    @property
    def worst(self) -> CheckStatus | None:
        """The worst status (fail, unknown, warn, ok); None when nothing was checked."""
        found = {result.status for result in self.results}
        return next((status for status in WORST_FIRST if status in found), None)

    @property
    def failed(self) -> bool:
        """Whether a check failed. Unknown is no failure."""
        return self.count(CheckStatus.FAIL) > 0

    @property
    def undecided(self) -> bool:
        """Whether a check ended as unknown: with a strict gate that counts like a failure."""
        return self.count(CheckStatus.UNKNOWN) > 0

    def count(self, status: CheckStatus) -> int:
        """How many results have this status."""
        return sum(result.status is status for result in self.results)

    def with_status(self, *statuses: CheckStatus) -> tuple[CheckResult, ...]:
        """The results that have one of these statuses."""
        return tuple(result for result in self.results if result.status in statuses)

    def raise_if_failed(self) -> None:
        """Stop here if a check failed.

        Raises:
            CheckFailed: Names every failed check with its reason; the first one's remedy.
        """
        failures = self.with_status(CheckStatus.FAIL)
        if failures:
            count = len(failures)
            raise CheckFailed(
                f"{count} of {len(self.results)} checks of the infrastructure failed",
                where=self.stack,
                why="\n".join(f"{r.id}: {r.subject}: {r.why}" for r in failures),
                remedy=failures[0].remedy,
                results=[result.to_dict() for result in self.results],
            )

    def to_dict(self) -> dict[str, object]:
        """``{"stack", "worst", "summary": {status: count}, "results"}``, with every status."""
        return {
            "stack": self.stack,
            "worst": None if self.worst is None else self.worst.value,
            "summary": {status.value: self.count(status) for status in CheckStatus},
            "results": [result.to_dict() for result in self.results],
        }


@dataclass(frozen=True, slots=True)
class Check(Generic[T_co]):
    """A question about one subject, a probe that asks it, and an evaluation of the answer.

    What the probe sees is what the evaluation takes, and nobody else: checks of all kinds go into
    one list of ``Check[object]``.

    Attributes:
        info: Its line in the catalog.
        subject: What is looked at: an ARN, a URI or a name.
        probe: Asks.
        evaluate: Observation -> verdict. Pure.
        on_error: Why the probe failed, and the outcome of `context` (None if there is none) ->
            verdict, or None for the common rule (unknown, with the reason). It cannot say ok.
        context: A probe whose outcome `on_error` is told too. It only runs where it is needed.
        made: Looks at what the check is about, where the description wants that made. While it is
            not there (`NotFound`), there is nothing to check, and no result.
    """

    info: CheckInfo
    subject: str
    probe: Probe[T_co]
    evaluate: Callable[[T_co], Verdict]
    on_error: OnError | None = None
    context: Probe[object] | None = None
    made: Probe[object] | None = None


def run_checks(
    checks: Sequence[Check[object]],
    timeout: float = TIMEOUT,
    max_workers: int = WORKERS,
    secrets: Sequence[str] = (),
) -> tuple[CheckResult, ...]:
    """Run all probes at the same time, then evaluate what they saw.

    Args:
        checks: What to find out.
        timeout: Seconds for each probe, from its start; one that takes longer is unknown and left
            behind.
        max_workers: How many probes may be under way at once.
        secrets: What the text of a bug may not hold, as `redaction.text` takes it.

    Returns:
        One result for each check, in their order, whatever happened to the others; none for one
        whose subject is yet to be made.
    """
    outcomes = Outcomes()
    try:
        asked = [check.probe for check in checks]
        asked += [check.made for check in checks if check.made is not None]
        outcomes = run_probes(asked, timeout, max_workers, secrets=secrets)
        consulted = [
            check.context
            for check in checks
            if check.context is not None and isinstance(outcomes[check.probe], ProbeError)
        ]
        outcomes = run_probes(consulted, timeout, max_workers, outcomes, secrets)
    finally:
        for probe in outcomes:
            if probe.close is not None:
                probe.close()
    there = [
        check
        for check in checks
        if check.made is None or not isinstance(outcomes[check.made], NotFound)
    ]
    return tuple(_result(check, outcomes, secrets) for check in there)


def _result(check: Check[object], outcomes: Outcomes, secrets: Sequence[str]) -> CheckResult:
    try:
        verdict = _verdict(check, outcomes)
    except Exception as error:  # noqa: BLE001 - a bug in one evaluation must not hide the others
        why = redaction.text(f"{type(error).__name__}: {error}", *secrets)
        verdict = unknown(f"The evaluation itself failed: {why}")
    return CheckResult(
        check.info.id,
        verdict.status,
        check.subject,
        verdict.why,
        verdict.remedy,
        check.info.docs,
        verdict.missing_permission,
        verdict.caveat,
    )


def _verdict(check: Check[object], outcomes: Outcomes) -> Verdict:
    seen = outcomes[check.probe]
    if not isinstance(seen, ProbeError):
        return check.evaluate(seen)
    if check.on_error is not None:
        context = None if check.context is None else outcomes[check.context]
        verdict = check.on_error(seen, context)
        if verdict is not None and verdict.status is CheckStatus.OK:
            raise AssertionError("a check cannot be ok without an observation")
        if verdict is not None:
            return verdict
    return unknown(f"Not looked at: {seen.why}", seen.remedy, seen.permission)
