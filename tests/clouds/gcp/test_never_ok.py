"""Every single call of Google's, gone wrong in every way: what was not seen is not ok.

`RESTS` says which checks rest on which call. A fault makes those not ok, and no other: so a check
that is ok without its call shows, and so does one that fails for another's fault. A refusal is
unknown and names the permission; it is never a failure, since Google says "or it may not exist".
"""

from __future__ import annotations

import pytest

from kitaru_iac.checks.model import CheckResult, CheckStatus
from tests.clouds.gcp.world import World

OK, WARN, FAIL, UNKNOWN = CheckStatus
NODES = "gcp.cluster.pull"

#: Call → the checks that rest on it, on Vertex (V), on GKE (K), on Vertex as the account of the
#: steps (S), or on several.
RESTS: dict[str, dict[str, set[str]]] = {
    "cloudresourcemanager.projects.get": {
        "V": {"project", "bucket.project", "vertex.pull", "workload.bucket_access?"},
        "K": {"project", "bucket.project", "cluster.pull", "cluster.pod_identity"},
    },
    "serviceusage.services.batchGet": {"V": {"services"}, "K": {"services"}},
    "storage.buckets.get": {
        "V": {
            *("bucket.exists?", "bucket.project", "bucket.region", "bucket.public_access"),
            "bucket.requester_pays",
            *("bucket.uniform_access", "bucket.encryption", "bucket.versioning"),
        },
    },
    "storage.buckets.getIamPolicy": {
        "V": {"workload.bucket_access"},
        "K": {"cluster.pod_identity"},
    },
    "storage.buckets.testIamPermissions": {
        "V": {"connector.bucket"},
        "K": {"connector.bucket"},
        "S": {"connector.bucket", "workload.bucket_access"},
    },
    "artifactregistry.repositories.get": {
        "V": {f"repository.{what}" for what in
              ("exists", "format", "tag_mutability", "cleanup", "encryption", "scanning")},
    },
    "cloudkms.cryptoKeys.get": {"V": {"bucket.encryption", "repository.encryption"}},
    "artifactregistry.repositories.getIamPolicy": {"K": {"cluster.pull"}},
    "artifactregistry.repositories.testIamPermissions": {"V": {"connector.repository"}},
    "cloudresourcemanager.projects.getIamPolicy": {"V": {"vertex.pull", "workload.project_access"}},
    "cloudresourcemanager.projects.testIamPermissions": {
        "V": {"connector.vertex"},
        "K": {"connector.cluster"},
        "S": {"connector.vertex", "workload.project_access"},
    },
    "iam.roles.get": {
        "V": {"vertex.pull", "workload.bucket_access", "workload.project_access"},
        "K": {"cluster.pull", "cluster.pod_identity"},
    },
    "iam.serviceAccounts.get": {"V": {"workload.exists"}},
    "iam.serviceAccounts.getIamPolicy": {"V": {"workload.trust", "connector.trust"}},
    "iam.serviceAccounts.testIamPermissions": {"V": {"connector.act_as"}},
    "aiplatform.locations.list": {"V": {"vertex.region"}},
    "container.clusters.list": {
        "K": {f"cluster.{what}" for what in
              ("exists", "region", "active", "version", "compute", "node_scopes", "pull",
               "workload_identity", "pod_identity", "namespace", "rights", "endpoint")},
    },
    "container.projects.getServerConfig": {"K": {"cluster.version"}},
}  # fmt: skip
#: An answer in which no field is set says no by itself: no permission, no cluster.
EMPTY_SAYS_NO = {
    "storage.buckets.testIamPermissions",
    "artifactregistry.repositories.testIamPermissions",
    "cloudresourcemanager.projects.testIamPermissions",
    "iam.serviceAccounts.testIamPermissions",
    "container.clusters.list",
}
#: With the first, all checks of the stack are run; with the others, those that rest on the call.
KINDS = ("denied", "absent", "throttled", "garbage", "proxy", "empty", "hung")
CASES = [(call, where, kind) for call, rests in RESTS.items() for where in rests for kind in KINDS]


def _fit(world: World) -> None:
    """All of it, encrypted with a key that is looked at too."""
    world.fit()
    world.own_keys()


def _run(
    world: World, where: str, timeout: float = 60.0, only: set[str] | None = None
) -> dict[str, CheckResult]:
    make = {"V": world.vertex, "K": world.kubernetes, "S": world.as_the_steps}
    spec = make[where]()
    chosen = None if only is None else {f"gcp.{name.rstrip('?')}" for name in only}
    report = world.report(spec, timeout=timeout, only=chosen)
    return {result.id.removeprefix("gcp."): result for result in report.results}


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause before the second try."""
    monkeypatch.setattr("kitaru_iac.clouds.gcp.session._PAUSE", 0.0)


@pytest.mark.no_cover
@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("where", ["V", "K", "S"])
def test_no_call_gone_wrong_lets_a_check_be_ok(world: World, where: str) -> None:
    _fit(world)
    wrong = []
    for call, at, kind in CASES:
        if at != where:
            continue
        world.state.faults.clear()
        world.fault(call, kind, permission="test.things.look")
        rests = RESTS[call][where]
        # What hangs is given up soon; that other checks are then as before is looked at below.
        seconds = 0.5 if kind == "hung" else 60.0
        found = _run(world, where, seconds, None if kind == "denied" else rests)
        for name, result in found.items():
            wrong += _judged(call, kind, name, result, rests)
    assert wrong == []


def _judged(call: str, kind: str, name: str, result: CheckResult, rests: set[str]) -> list[str]:
    said = f"{call} {kind}: {name} is {result.status}: {result.why}"
    if name not in rests and f"{name}?" not in rests:
        return [] if result.status is OK else [f"{said} (does not rest on it)"]
    if result.status is OK:
        return [] if f"{name}?" in rests else [said]
    if not result.remedy:
        return [f"{said} (no remedy)"]
    if kind == "absent" or (kind == "empty" and call in EMPTY_SAYS_NO):
        return []
    if result.status is not UNKNOWN:
        return [f"{said} (nothing was seen)"]
    if kind == "denied" and result.missing_permission != "test.things.look":
        return [f"{said} ({result.missing_permission} is named)"]
    return []


@pytest.mark.parametrize("where", ["V", "K"])
def test_every_call_that_is_made_is_in_the_table(world: World, where: str) -> None:
    _fit(world)
    world.state.calls.clear()
    _run(world, where)
    assert set(world.state.calls) - {"oauth2.token"} <= set(RESTS)


@pytest.mark.parametrize("where", ["V", "K"])
def test_a_hanging_call_holds_up_no_other(world: World, where: str) -> None:
    _fit(world)
    _run(world, where)
    for call, rests in RESTS.items():
        if where in rests:
            world.fault(call, "hung")
    found = _run(world, where, timeout=3.0)
    hung = {name.rstrip("?") for rests in RESTS.values() for name in rests.get(where, ())}
    assert {name for name, r in found.items() if r.status is OK} == set(found) - hung
    assert {found[name].status for name in hung if name in found} == {UNKNOWN}
