"""Whole runs: many probes at once, some of which go wrong."""

from __future__ import annotations

from kitaru_iac.checks.model import CheckStatus
from tests.clouds.gcp.world import World

OK, WARN, FAIL, UNKNOWN = CheckStatus


def test_a_fit_vertex_stack_is_all_ok(world: World) -> None:
    world.fit()
    report = world.report(world.vertex())
    assert [(r.id, r.why) for r in report.results if r.status is not OK] == []


def test_a_fit_kubernetes_stack_is_all_ok(world: World) -> None:
    world.fit()
    report = world.report(world.kubernetes())
    assert [(r.id, r.why) for r in report.results if r.status is not OK] == []


def test_a_local_stack_with_a_bucket_is_checked_as_far_as_it_goes(world: World) -> None:
    world.fit()
    report = world.report(world.local())
    assert [(r.id, r.why) for r in report.results if r.status is not OK] == []
    assert not {r.id for r in report.results} & {"gcp.cluster.exists", "gcp.repository.exists"}
