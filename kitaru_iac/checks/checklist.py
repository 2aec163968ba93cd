"""Making the checks of one run, all of which explain a failed probe in the same way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from kitaru_iac.checks.model import Check, CheckInfo, Verdict, unknown
from kitaru_iac.checks.probes import (
    Denied,
    NoCredentials,
    NotFound,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
)

__all__ = ["Checklist"]

T = TypeVar("T")
C = TypeVar("C")


class Checklist(Generic[C]):
    """Makes checks from a cloud's catalog.

    Args:
        catalog: The cloud's checks, by id.
        caller: Who asks. It is only run where a probe failed.
        credentials: The id of the check of the credentials, to which the others point.
        who_am_i: The command that shows whose the credentials are.
        grant: For a denied probe and the outcome of `caller`: the command that grants what is
            missing, or shows who could.
    """

    def __init__(
        self,
        catalog: Mapping[str, CheckInfo],
        caller: Probe[C],
        *,
        credentials: str,
        who_am_i: str,
        grant: Callable[[Denied, Outcome[C]], str],
    ) -> None:
        self._catalog = catalog
        self._caller = caller
        self._credentials = credentials
        self._who_am_i = who_am_i
        self._grant = grant

    def check(
        self,
        id: str,
        subject: str,
        probe: Probe[T],
        evaluate: Callable[[T], Verdict],
        on_error: Callable[[ProbeError], Verdict | None] | None = None,
        create: str | None = None,
    ) -> Check[T]:
        """Make a check of the catalog.

        Args:
            id: Its id there.
            subject: What is looked at.
            probe: Asks.
            evaluate: Evaluates the answer.
            on_error: May evaluate some failures of the probe; the rest is explained here.
            create: The command that makes the subject, should it turn out not to exist.
        """

        def explain(error: ProbeError, caller: object) -> Verdict:
            verdict = on_error(error) if on_error is not None else None
            if verdict is None and create is not None and isinstance(error, NotFound):
                verdict = unknown(f"not looked at: {error.why}", create)
            return verdict or self._unknown(error, caller)  # type: ignore[arg-type]  # its own context

        return Check(self._catalog[id], subject, probe, evaluate, explain, self._caller)

    def _unknown(self, error: ProbeError, caller: Outcome[C]) -> Verdict:
        if isinstance(caller, NoCredentials) and not isinstance(error, NoCredentials):
            # What looks like a refusal is none: some answers hide that the credentials expired.
            error = caller
        if isinstance(error, NoCredentials):
            return unknown(
                f"not looked at without valid credentials ({self._credentials}): {error.why}",
                error.remedy,
            )
        if isinstance(error, Denied):
            return unknown(
                f"not allowed to look: {error.why}",
                self._grant(error, caller),
                error.permission,
            )
        why = error.why if isinstance(error, Skipped) else f"not looked at: {error.why}"
        return unknown(why, error.remedy or self._who_am_i)
