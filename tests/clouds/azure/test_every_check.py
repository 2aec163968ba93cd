from __future__ import annotations

import shlex

import pytest

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.clouds.azure.catalog import CATALOG
from tests.clouds.azure.cases import CASES, Case
from tests.clouds.azure.world import OTHER, World
from tests.doubles.entra import AKS


def test_every_check_has_a_case_for_each_status_that_it_can_have() -> None:
    covered = {(case.id, case.status) for case in CASES}
    promised = {(info.id, status) for info in CATALOG.values() for status in info.can}
    assert covered == promised


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_check_ends_as_it_should_and_says_why(case: Case, world: World) -> None:
    spec = case.arrange(world)

    result = world.check(spec, case.id)

    assert (result.status, result.missing_permission) == (case.status, case.permission), result.why
    assert case.why in result.why
    assert result.subject
    assert result.docs
    if case.status is CheckStatus.OK:
        assert result.remedy is None
    else:
        assert result.remedy
        words = shlex.split(result.remedy, comments=True)
        assert words[0] in {"az", "kubectl"} or result.remedy.startswith("Look again"), (
            result.remedy
        )
        assert "None" not in words
        assert words[0] != "az" or _says_where(words), result.remedy
    assert world.azure.client_secret not in str(result)


def _says_where(words: list[str]) -> bool:
    """The CLI's default may be another subscription, with a group and a cluster of these names."""
    return words[1] in {"login", "account"} or any(
        option in words for option in ("--subscription", "--scope", "--id", "--ids")
    )


def test_pods_go_where_the_description_lets_them(world: World) -> None:
    """Both pods have to tolerate what keeps others from the only pool: the orchestrator's too."""
    world.fit_cluster()
    (pool,) = world.cluster()["properties"]["agentPoolProfiles"]
    pool["nodeTaints"] = ["team=ml:NoSchedule"]
    settings = {"tolerations": [{"key": "team", "operator": "Equal", "value": "ml"}]}
    keys = ("pod_settings", "orchestrator_pod_settings")
    for given in ((), keys[:1], keys[1:], keys):
        spec = world.kubernetes(extra={"orchestrator": dict.fromkeys(given, settings)})
        result = world.check(spec, "azure.cluster.compute")
        wanted = CheckStatus.OK if given == keys else CheckStatus.FAIL
        assert result.status is wanted, (given, result.why)


def test_who_may_not_look_inside_is_told_the_role_that_may(world: World) -> None:
    world.fit_cluster()
    kind = "Microsoft.ContainerService/managedClusters"
    world.azure.deny(f"{kind}/listClusterUserCredential/action")
    found = world.check(world.kubernetes(namespace="ml"), "azure.cluster.namespace")
    role = "--role 'Azure Kubernetes Service Cluster User Role'"
    # Of this cluster alone: without Entra what it opens is an administrator's.
    assert f"{role} --scope {world.cluster()['id']}  #" in str(found.remedy)
    asked = {call.rpartition("/")[2] for call in world.faults.calls}
    assert ("listclusterusercredential" in asked, "listclusteradmincredential" in asked) == (
        True,
        False,
    )


def test_a_cluster_that_is_not_reached_is_unknown(world: World) -> None:
    """The name of a private one is known in its network alone."""
    world.fit_cluster()
    server = world.azure.cluster_server
    world.azure.cluster_server = "https://prod.privatelink.westeurope.azmk8s.invalid:443"
    try:
        for name in ("namespace", "rights"):
            found = world.check(world.kubernetes(namespace="ml"), f"azure.cluster.{name}")
            assert found.status is CheckStatus.UNKNOWN
            assert "no usable answer" in found.why
    finally:
        world.azure.cluster_server = server


@pytest.mark.parametrize("guarded", [False, True], ids=["its own user", "Entra"])
def test_a_cluster_is_asked_by_who_looks_alone(world: World, guarded: bool) -> None:
    world.fit_cluster()
    world.cluster()["properties"]["aadProfile"] = {"managed": True} if guarded else None
    spec = world.kubernetes(namespace="ml")
    assert world.check(spec, "azure.cluster.rights").status is CheckStatus.OK
    (theirs,) = [
        result
        for result in world.report(spec, identity=OTHER)
        if result.id == "azure.cluster.rights"
    ]
    assert (theirs.status, OTHER in theirs.why) == (CheckStatus.UNKNOWN, True)


def test_a_cluster_for_which_entra_gives_no_token_is_unknown(world: World) -> None:
    """The credentials are good all the same: everything else is looked at."""
    world.fit_cluster()
    world.cluster()["properties"]["aadProfile"] = {"managed": True}
    world.azure.entra.refused_audiences.add(AKS)
    try:
        found = {one.id: one for one in world.report(world.kubernetes(namespace="ml"))}
    finally:
        world.azure.entra.refused_audiences.clear()
    for name in ("namespace", "rights"):
        result = found[f"azure.cluster.{name}"]
        assert (result.status, "Entra gave no token" in result.why) == (CheckStatus.UNKNOWN, True)
    assert found["azure.credentials"].status is CheckStatus.OK
    assert found["azure.cluster.exists"].status is CheckStatus.OK
