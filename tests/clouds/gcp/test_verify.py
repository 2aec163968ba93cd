"""Whole runs: many probes at once, some of which go wrong."""

from __future__ import annotations

import gc
import threading
import time
from pathlib import Path

import pytest

from kitaru_iac.checks.model import CheckStatus
from tests.clouds.gcp.world import World
from tests.doubles.gcp_state import Unauthenticated

OK, WARN, FAIL, UNKNOWN = CheckStatus


def test_a_fit_vertex_stack_is_all_ok(world: World) -> None:
    world.fit()
    report = world.report(world.vertex())
    assert [(r.id, r.why) for r in report.results if r.status is not OK] == []


def test_a_fit_kubernetes_stack_is_all_ok(world: World) -> None:
    world.fit()
    report = world.report(world.kubernetes())
    assert [(r.id, r.why) for r in report.results if r.status is not OK] == []


def test_what_was_opened_is_closed(world: World) -> None:
    """Left to the garbage collector, the connections of many runs are too many open files."""
    world.fit()
    spec = world.kubernetes()
    world.report(spec)
    gc.collect()
    gc.disable()
    try:
        before = sum(1 for _ in Path("/proc/self/fd").iterdir())
        for _ in range(3):
            world.report(spec)
        time.sleep(0.3)  # gRPC closes in threads of its own
        after = sum(1 for _ in Path("/proc/self/fd").iterdir())
    finally:
        gc.enable()
    assert after - before < 9, (before, after)


def test_probes_are_under_way_together(world: World) -> None:
    """Answers that all wait until six questions are there: one after another would hang."""
    world.fit()
    spec = world.vertex()
    world.report(spec)
    barrier = threading.Barrier(6, timeout=60)
    known = world.state.caller
    waiting = threading.Semaphore(6)

    def caller(bearer: str | None) -> str:
        if waiting.acquire(blocking=False):
            barrier.wait()
        return known(bearer)

    world.state.caller = caller  # type: ignore[method-assign]
    try:
        assert world.report(spec).worst is OK
    finally:
        del world.state.caller
    assert barrier.broken is False


def test_every_call_is_made_once(world: World) -> None:
    world.fit()
    # Two accounts have a policy, roles are many, and the SDK asks for a bucket for its tracing.
    more = {"iam.serviceAccounts.getIamPolicy", "iam.roles.get", "storage.buckets.get"}
    for spec in (world.vertex(), world.kubernetes()):
        world.state.calls.clear()
        world.report(spec)
        calls = [one for one in world.state.calls if one not in more]
        assert sorted(calls) == sorted(set(calls))


def test_a_local_stack_of_no_project_is_checked_as_far_as_it_goes(world: World) -> None:
    world.fit()
    report = world.report(world.local(credentials=None, project=None))
    found = {r.id.removeprefix("gcp."): r.status for r in report.results}
    assert found.pop("bucket.project") is UNKNOWN
    assert set(found.values()) == {OK}


def test_without_credentials_one_check_fails_and_the_rest_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.fit()
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    world.state.calls.clear()
    report = world.report(world.vertex(credentials=None))
    statuses = {r.id: r.status for r in report.results}
    assert statuses.pop("gcp.credentials") is FAIL
    assert set(statuses.values()) == {UNKNOWN}
    assert all("gcp.credentials" in r.why for r in report.results[1:])
    assert world.state.calls == []


def test_a_token_that_google_takes_back_is_no_denial(world: World) -> None:
    """Given to the clients, and refused by everything that is asked with it."""
    world.fit()

    def caller(bearer: str | None) -> str:
        raise Unauthenticated

    world.state.caller = caller  # type: ignore[method-assign]
    try:
        report = world.report(world.vertex())
    finally:
        del world.state.caller
    asked = [r for r in report.results if r.id != "gcp.credentials"]
    assert {r.status for r in asked} == {UNKNOWN}
    assert {r.missing_permission for r in asked} == {None}


def test_a_local_stack_with_a_bucket_is_checked_as_far_as_it_goes(world: World) -> None:
    world.fit()
    report = world.report(world.local())
    assert [(r.id, r.why) for r in report.results if r.status is not OK] == []
    assert not {r.id for r in report.results} & {"gcp.cluster.exists", "gcp.repository.exists"}
