"""For any two descriptions A and B: applying A, then B, leaves what applying B alone leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.plan.document import document
from kitaru_iac.plan.model import Action, Plan
from kitaru_iac.records.applied import drifted, without_applied
from kitaru_iac.records.applied_label import applied_records
from kitaru_iac.records.stored import Store
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.planning import plan_stack
from tests.homes import Home
from tests.records.snapshots import everything

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
TENANT = "00000000-0000-0000-0000-0000000000aa"
KEYS = [
    "aws-access-keys:AKIAFIRST00000000001:first-secret",
    "aws-access-keys:AKIASECOND0000000002:second-secret",
    "aws-session-token:AKIATHIRD00000000003:third-secret:token",
]
PRINCIPALS = [f"azure-service-principal:{TENANT}:{TENANT}:{word}" for word in ("one", "two")]

local = st.fixed_dictionaries({"type": st.just("local")})
local_s3 = st.fixed_dictionaries(
    {
        "type": st.just("local"),
        "artifact_store": st.sampled_from(["s3://data/a", "s3://other"]),
        "region": st.just("eu-west-1"),
        "credentials": st.sampled_from(KEYS),
    }
)
eks = st.fixed_dictionaries(
    {
        "type": st.just("kubernetes"),
        "artifact_store": st.sampled_from(["s3://data/a", "s3://other"]),
        "container_registry": st.sampled_from([ECR, f"{ECR}/team", "ghcr.io/me"]),
        "cluster": st.sampled_from(["one", "two"]),
        "region": st.just("eu-west-1"),
        "credentials": st.sampled_from(KEYS),
    },
    optional={
        "namespace": st.sampled_from(["team", "ml"]),
        "async": st.booleans(),
        "extra": st.fixed_dictionaries(
            {"orchestrator": st.fixed_dictionaries({"timeout": st.integers(1, 99)})}
        ),
    },
)
sagemaker = st.fixed_dictionaries(
    {
        "type": st.just("sagemaker"),
        "artifact_store": st.just("s3://data/a"),
        "container_registry": st.just(ECR),
        "region": st.just("eu-west-1"),
        "execution_role": st.sampled_from(
            [f"arn:aws:iam::123456789012:role/{name}" for name in ("One", "Two")]
        ),
        "credentials": st.sampled_from(KEYS),
    }
)
ACCOUNT = "@account.dfs.core.windows.net"
azureml = st.fixed_dictionaries(
    {
        "type": st.just("azureml"),
        "artifact_store": st.sampled_from(
            ["az://container/a", f"abfss://container{ACCOUNT}/a", f"az://other{ACCOUNT}"]
        ),
        "container_registry": st.just("registry.azurecr.io"),
        "subscription_id": st.just(TENANT),
        "resource_group": st.sampled_from(["one", "two"]),
        "workspace": st.just("team-ml"),
        "credentials": st.sampled_from(PRINCIPALS),
    }
)
aks = st.fixed_dictionaries(
    {
        "type": st.just("kubernetes"),
        "artifact_store": st.sampled_from(
            ["az://container/a", "az://other", f"abfs://container{ACCOUNT}/a"]
        ),
        "container_registry": st.just("registry.azurecr.io"),
        "cluster": st.sampled_from(["one", "two"]),
        "subscription_id": st.just(TENANT),
        "resource_group": st.just("one"),
        "credentials": st.sampled_from(PRINCIPALS),
    },
    optional={"namespace": st.sampled_from(["team", "ml"])},
)
google: dict[str, st.SearchStrategy[Any]] = {
    "artifact_store": st.sampled_from(["gs://data/a", "gs://other"]),
    "container_registry": st.just("europe-west1-docker.pkg.dev/team-ml/images"),
    "region": st.sampled_from(["europe-west1", "us-central1"]),
}
gke = st.fixed_dictionaries(
    {"type": st.just("kubernetes"), "cluster": st.sampled_from(["one", "two"]), **google},
    optional={"namespace": st.sampled_from(["team", "ml"])},
)
vertex = st.fixed_dictionaries({"type": st.just("vertex"), **google})
descriptions = st.one_of(local, local_s3, eks, sagemaker, azureml, aks, gke, vertex)


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with quiet():
        yield Store.open()


@pytest.fixture
def store_in_memory(bare_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(bare_home.config))
    with installed(MemoryGateway()):
        yield Store.open()


def apply(description: dict[str, Any]) -> Plan:
    spec = from_mapping({"name": "s", "verify": False, **description})
    claimed = operations.preview(spec)
    applied = operations.apply(spec)
    assert applied.plan.steps == claimed.steps
    assert applied.changed == claimed.has_changes
    return applied.plan


def wipe() -> None:
    operations.delete("s", recursive=True, force=True)


def parts(snapshot: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Every record by kind and name."""
    return {
        **{(c[0], c[1]): c for c in snapshot["components"]},
        **{("service_connector", c[0]): c for c in snapshot["connectors"]},
        # What was applied is kept in passing, and no plan speaks of it.
        **{("stack", s[0]): (s[0], without_applied(dict(s[1])), s[2]) for s in snapshot["stacks"]},
    }


def check_claims(plan: Plan, before: dict[str, Any], after: dict[str, Any]) -> None:
    """What a plan names as created, changed and kept is what happened to it."""
    old, new = parts(before), parts(after)
    final: dict[tuple[str, str], set[Action]] = {}
    for step in plan.steps:
        if step.action is not Action.ACTIVATE:
            final.setdefault((step.kind, step.name), set()).add(step.action)
    for key, actions in final.items():
        if actions == {Action.CREATE}:
            assert key not in old
            assert key in new
        elif actions == {Action.DELETE}:
            assert key in old
            assert key not in new
        elif actions == {Action.KEEP}:
            assert old[key] == new[key]
        else:
            assert key in new
    named = set(final)
    assert {key for key in {*old, *new} if old.get(key) != new.get(key)} <= named


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        phases=[Phase.generate],  # an example may take seconds: what fails is shown as it is
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@examples(6)
@given(first=descriptions, second=descriptions)
def test_applying_in_turn_leaves_what_the_last_alone_leaves(
    store: Store, first: dict[str, Any], second: dict[str, Any]
) -> None:
    check_in_turn(store, first, second)


@examples(100)
@given(first=descriptions, second=descriptions)
def test_in_memory_as_well_with_many_more_pairs(
    store_in_memory: Store, first: dict[str, Any], second: dict[str, Any]
) -> None:
    check_in_turn(store_in_memory, {**first, "activate": False}, {**second, "activate": False})


@examples(60)
@given(first=descriptions, second=descriptions, is_same=st.booleans())
def test_a_digest_changes_if_and_only_if_the_plan_does(
    store_in_memory: Store, first: dict[str, Any], second: dict[str, Any], is_same: bool
) -> None:
    """Of another description, and of the same one when the store has moved."""
    second = first if is_same else second
    one, other = planned(first), planned(second)
    assert (one["digest"] == other["digest"]) == (meaning(one) == meaning(other))
    apply({**second, "activate": False})
    for before, later in ((one, planned(first)), (other, planned(second))):
        assert later["digest"] != before["digest"]
        assert meaning(later) != meaning(before)
    assert planned(first)["digest"] == planned(first)["digest"]
    wipe()


def planned(description: dict[str, Any]) -> dict[str, Any]:
    spec = from_mapping({"name": "s", "verify": False, **description, "activate": False})
    return document([plan_stack(spec)])


def meaning(plan: dict[str, Any]) -> object:
    """What a reviewer agrees to, told without the digest's own code: all but secrets."""
    (stack,) = plan["stacks"]
    done = []
    for change in stack["changes"]:
        told = {key: change[key] for key in ("address", "actions", "used_by")}
        hidden = set(change.get("undigested", ()))
        told["changed"] = [one for one in change["changed"] if one["path"] not in hidden]
        only_secrets = hidden and change["actions"] == ["update"] and not told["changed"]
        if change["actions"] != ["no-op"] and not only_secrets:
            done.append(json.dumps(told, sort_keys=True))
    return json.dumps(stack["description"], sort_keys=True), sorted(done)


def check_in_turn(store: Store, first: dict[str, Any], second: dict[str, Any]) -> None:
    apply(first)
    before = everything(store)
    plan = apply(second)
    in_turn = everything(store)
    check_claims(plan, before, in_turn)
    stored = store.read("s")
    assert stored is not None
    applied = applied_records(stored.labels)
    assert applied is not None
    assert drifted(applied, stored) == ()
    assert not apply(second).has_changes
    assert everything(store) == in_turn

    wipe()
    apply(second)
    assert everything(store) == in_turn
    wipe()
