"""Trying again while a cloud is not ready: what is tried, for how long, and what is told of it."""

from __future__ import annotations

import pytest

from kitaru_iac.engine.errors import UpdateFailed, mapped
from kitaru_iac.engine.events import Diagnostic, Recording, ResourceChange
from kitaru_iac.engine.patience import PAUSES, awaited, patiently
from kitaru_iac.plan.model import Action

LATE = "agent (cloud:Member): the account does not exist"
WRONG = "bucket (cloud:Bucket): the name is not allowed"


def passing(failure: str) -> str | None:
    return "The cloud makes the account" if "does not exist" in failure else None


def change(name: str, action: Action, id: str | None = None) -> ResourceChange:
    return ResourceChange(f"urn:{name}", action, action.value, id=id)


class Tries:
    """An operation that fails as often as it is told to, and then works."""

    def __init__(self, *failures: UpdateFailed, last: tuple[ResourceChange, ...] = ()) -> None:
        self.failures = list(failures)
        self.last = last
        self.said: list[str] = []
        self.pauses: list[float] = []

    def __call__(self) -> tuple[Recording, str]:
        if self.failures:
            raise self.failures.pop(0)
        return Recording(_changes={one.urn: one for one in self.last}), "done"

    def run(self, known: bool = True) -> tuple[tuple[ResourceChange, ...], str]:
        return patiently(self, passing if known else None, self.said.append, self.pauses.append)


def failed(*failures: str, changes: tuple[ResourceChange, ...] = ()) -> UpdateFailed:
    said = (*failures, "Resource monitor has terminated") if failures else ()
    return UpdateFailed("Could not create", said, changes=changes, of_resources=failures)


def test_what_works_at_once_is_run_once() -> None:
    tries = Tries(last=(change("bucket", Action.CREATE, "b"),))
    assert tries.run() == ((change("bucket", Action.CREATE, "b"),), "done")
    assert (tries.said, tries.pauses) == ([], [])


def test_what_passes_is_waited_for_and_said() -> None:
    tries = Tries(failed(LATE), failed(LATE))
    assert tries.run() == ((), "done")
    assert tries.pauses == [5, 10]
    assert tries.said == [
        "The cloud makes the account: again in 5 seconds",
        "The cloud makes the account: again in 10 seconds",
    ]


@pytest.mark.parametrize(
    ("failures", "known"),
    [((WRONG,), True), ((LATE, WRONG), True), ((), True), ((LATE,), False)],
    ids=["another failure", "one of two", "no words", "a cloud without such"],
)
def test_what_does_not_pass_is_raised_at_once(failures: tuple[str, ...], known: bool) -> None:
    tries = Tries(failed(*failures))
    with pytest.raises(UpdateFailed):
        tries.run(known)
    assert (tries.said, tries.pauses) == ([], [])


def test_it_ends_when_the_time_is_over() -> None:
    tries = Tries(*[failed(LATE)] * (len(PAUSES) + 1))
    with pytest.raises(UpdateFailed) as error:
        tries.run()
    assert error.value.of_resources == (LATE,)
    assert tries.pauses == list(PAUSES)
    assert sum(PAUSES) == 300


def test_what_the_first_try_made_is_told_as_made() -> None:
    first = (
        change("bucket", Action.CREATE),
        change("role", Action.UPDATE),
        change("old", Action.KEEP),
    )
    last = (
        change("bucket", Action.KEEP, "b"),
        change("role", Action.DELETE, "r"),
        change("old", Action.KEEP, "o"),
        change("agent", Action.CREATE, "a"),
    )
    changes, _ = Tries(failed(LATE, changes=first), failed(LATE), last=last).run()
    assert changes == (
        change("bucket", Action.CREATE, "b"),
        change("role", Action.DELETE, "r"),
        change("old", Action.KEEP, "o"),
        change("agent", Action.CREATE, "a"),
    )


def test_failures_of_resources_are_told_from_what_the_engine_says_beside_them() -> None:
    urn = "urn:pulumi:prod::kitaru::cloud:Member::agent"
    bucket = "urn:pulumi:prod::kitaru::cloud:Bucket::bucket"
    said = [
        Diagnostic("error", "the account does not exist", urn),
        Diagnostic("error", "Resource monitor has terminated, shutting down"),
        Diagnostic("error", "the program ended", "urn:pulumi:prod::kitaru::pulumi:pulumi:Stack::p"),
        Diagnostic("error", "update failed"),
    ]
    error = mapped(
        Exception("failed"),
        stack="prod",
        backend="file:///state",
        doing="create the infrastructure",
        diagnostics=said,
        failed=[urn],
        changes=[
            ResourceChange(urn, Action.CREATE, "create"),
            ResourceChange(bucket, Action.CREATE, "create"),
        ],
    )
    assert isinstance(error, UpdateFailed)
    assert error.of_resources == (LATE,)
    assert error.failures == (LATE, "the program ended")
    assert [one.urn for one in error.changes] == [bucket]


def test_what_is_late_is_awaited_no_longer_than_a_failure_that_passes() -> None:
    answers = iter(["the account", "the account", None])
    said: list[str] = []
    paused: list[float] = []
    assert awaited(lambda: next(answers), said.append, paused.append) is None
    assert said == ["the account: again in 5 seconds", "the account: again in 10 seconds"]
    assert paused == [5, 10]
    paused.clear()
    assert awaited(lambda: "the account", said.append, paused.append) == "the account"
    assert paused == list(PAUSES)
