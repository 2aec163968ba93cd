"""What a description says about a stack itself: what is its own, what is others', what is left."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kitaru_iac.gateway.documents import ComponentChange, StackChange, StackDoc, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.labels import MANAGED_LABEL, OUR_LABELS
from kitaru_iac.records.annotations import annotations_of
from kitaru_iac.records.applied import drifted
from kitaru_iac.records.applied_label import applied_records
from kitaru_iac.records.stored import Store
from kitaru_iac.spec import from_mapping, to_mapping
from kitaru_iac.stacks import operations
from tests.homes import Home
from tests.stacks.test_planning import REMOTE, plan_of

LABELS = {"team": "search", "cost/centre": "7"}


@pytest.fixture
def memory(bare_home: Home, monkeypatch: pytest.MonkeyPatch) -> MemoryGateway:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(bare_home.config))
    return MemoryGateway()


def stack(memory: MemoryGateway, name: str = "prod") -> StackDoc:
    (found,) = memory.stacks(Where(names=(name,)))
    return found


def own(memory: MemoryGateway) -> dict[str, str]:
    return {k: v for k, v in stack(memory).labels.items() if not k.startswith(OUR_LABELS)}


def apply(**more: Any) -> bool:
    return operations.apply(from_mapping({**REMOTE, **more})).changed


def test_labels_and_text_come_change_and_go_and_the_users_own_stay(memory: MemoryGateway) -> None:
    with installed(memory):
        assert apply(labels=LABELS, description="For search.")
        assert not apply(labels=LABELS, description="For search.")
        assert (own(memory), stack(memory).description) == (LABELS, "For search.")
        assert all("team" not in doc.labels for doc in memory.components(Where(names=("prod",))))
        theirs = {**stack(memory).labels, "theirs": "1"}
        memory.update_stack(stack(memory).id, StackChange(labels=theirs))
        assert not apply(labels=LABELS, description="For search.")
        assert apply(labels={"team": "ads"}, description="Other.")
        assert own(memory) == {"team": "ads", "theirs": "1"}
        assert apply()
        assert (own(memory), stack(memory).description) == ({"theirs": "1"}, "")
        assert not apply()
        # One that was there by hand, and is described by now, goes with the description.
        assert apply(labels={"theirs": "1"})
        assert apply()
        assert own(memory) == {}


def test_a_text_that_was_written_by_hand_stays(memory: MemoryGateway) -> None:
    with installed(memory):
        apply()
        memory.update_stack(stack(memory).id, StackChange(description="By hand."))
        assert not apply()
        assert apply(labels=LABELS)
        assert stack(memory).description == "By hand."


def test_a_stack_that_is_replaced_keeps_what_was_added_by_hand(memory: MemoryGateway) -> None:
    with installed(memory):
        apply(labels={"team": "search"})
        labels = {**stack(memory).labels, "theirs": "1"}
        memory.update_stack(stack(memory).id, StackChange(labels=labels, description="By hand."))
        before = stack(memory).id
        local = {"name": "prod", "type": "local", "activate": False}
        operations.apply(from_mapping(local))
        assert stack(memory).id != before
        assert (own(memory), stack(memory).description) == ({"theirs": "1"}, "By hand.")


def edit(memory: MemoryGateway, kind: str, **fields: Any) -> None:
    (part,) = [c for c in memory.components(Where(names=("prod",))) if c.type == kind]
    configuration = {**part.configuration, **fields}
    memory.update_component(part.id, ComponentChange(configuration=configuration))


def configuration(memory: MemoryGateway, kind: str) -> dict[str, Any]:
    (part,) = [c for c in memory.components(Where(names=("prod",))) if c.type == kind]
    return dict(part.configuration)


def test_what_is_ignored_is_made_as_described_then_left_and_told(memory: MemoryGateway) -> None:
    asked = {
        "extra": {"orchestrator": {"timeout": 3}},
        "labels": {"owner": "us", "team": "search"},
        "ignore_changes": ["orchestrator.timeout", "orchestrator.parallelism", "labels.owner"],
    }
    with installed(memory):
        assert apply(**asked)
        assert configuration(memory, "orchestrator")["timeout"] == 3
        edit(memory, "orchestrator", timeout=9, parallelism=4)
        labels = {**stack(memory).labels, "owner": "them"}
        memory.update_stack(stack(memory).id, StackChange(labels=labels))
        plan = plan_of([from_mapping({**REMOTE, **asked})])
        assert not plan["summary"]["with_changes"]
        told = {c["kind"]: c["reason"] for c in plan["stacks"][0]["changes"] if c["reason"]}
        assert told["orchestrator"]["code"] == told["stack"]["code"] == "ignored_changes"
        assert "configuration.parallelism, configuration.timeout" in told["orchestrator"]["text"]
        assert not apply(**asked)
        # Another field of the same parts is changed, and the ignored ones are written as they are.
        more = {**asked, "labels": {"owner": "us", "team": "ads"}, "namespace": "ml"}
        assert apply(**more)
        found = configuration(memory, "orchestrator")
        assert (found["timeout"], found["parallelism"]) == (9, 4)
        assert found["kubernetes_namespace"] == "ml"
        assert (own(memory)["owner"], own(memory)["team"]) == ("them", "ads")
        # Once nobody ignores them any more, the description holds again.
        assert apply(**{**more, "ignore_changes": []})
        assert configuration(memory, "orchestrator")["timeout"] == 3
        assert own(memory)["owner"] == "us"


def test_a_described_text_can_be_left_to_others(memory: MemoryGateway) -> None:
    asked = {"description": "First.", "ignore_changes": ["description"]}
    with installed(memory):
        apply(**asked)
        memory.update_stack(stack(memory).id, StackChange(description="Theirs."))
        assert not apply(**asked)
        assert stack(memory).description == "Theirs."


_NAMES = st.sampled_from(["team", "cost/centre", "a.b", "stage"])
_TEXTS = st.sampled_from(["1", "search", "ä b", "x,y"])
_DESCRIPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.dictionaries(_NAMES, _TEXTS, max_size=3),
        "description": st.sampled_from(["One.", "Two, three."]),
        "extra": st.sampled_from([{}, {"orchestrator": {"timeout": 3}}]),
        "namespace": st.sampled_from(["ml", "default"]),
        "artifact_store": st.sampled_from(["s3://data/a", "s3://other/b"]),
        "ignore_changes": st.lists(
            st.sampled_from(["labels.other", "container_registry.x"]), unique=True
        ),
    },
)
_FEW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def kept(memory: MemoryGateway) -> Any:
    """What is stored of the stack, without ids and times."""
    doc = stack(memory)
    parts = memory.components(Where(in_stack=doc.id))
    named = sorted((p.type, p.name, p.flavor, str(p.configuration), str(p.labels)) for p in parts)
    links = memory.connectors(Where(names=("prod",)))
    return (dict(doc.labels), doc.description, named, [(c.name, c.configuration) for c in links])


@_FEW
@given(first=_DESCRIPTIONS, second=_DESCRIPTIONS)
def test_one_after_another_leaves_what_the_second_alone_leaves(
    memory: MemoryGateway, first: dict[str, Any], second: dict[str, Any]
) -> None:
    both, alone = MemoryGateway(), MemoryGateway()
    with installed(both):
        apply(**first)
        plan = plan_of([from_mapping({**REMOTE, **second})])
        changed = apply(**second)
        assert changed is bool(plan["summary"]["with_changes"])
        assert not apply(**second)
    with installed(alone):
        apply(**second)
    assert kept(both) == kept(alone)
    doc = stack(both)
    said = annotations_of(doc.labels, doc.description)
    written = to_mapping(from_mapping({**REMOTE, **second}))
    keys = ("labels", "description", "ignore_changes")
    assert said == {key: written[key] for key in keys if key in written}


@_FEW
@given(first=_DESCRIPTIONS, second=_DESCRIPTIONS)
def test_a_digest_changes_with_the_plan_and_only_then(
    memory: MemoryGateway, first: dict[str, Any], second: dict[str, Any]
) -> None:
    with installed(MemoryGateway()):
        one, other = (plan_of([from_mapping({**REMOTE, **keys})]) for keys in (first, second))
        apply(**first)
        later = plan_of([from_mapping({**REMOTE, **first})])
    same = one["stacks"][0]["description"] == other["stacks"][0]["description"]
    assert (one["digest"] == other["digest"]) is same
    assert later["digest"] != one["digest"]


def test_of_a_stack_that_nobody_described_all_labels_count() -> None:
    labels = {"team": "x", "kitaru.region": "eu-west-1"}
    assert annotations_of(labels, "Theirs.") == {"description": "Theirs.", "labels": {"team": "x"}}
    assert annotations_of({**labels, MANAGED_LABEL: "true"}, "Theirs.") == {}


def drift(memory: MemoryGateway) -> list[str]:
    current = Store(memory).read("prod")
    assert current is not None
    applied = applied_records(current.labels)
    assert applied is not None
    return [change.field for step in drifted(applied, current) for change in step.changes]


def test_what_is_described_drifts_and_what_is_ignored_or_by_hand_does_not(
    memory: MemoryGateway,
) -> None:
    asked = {
        "labels": {"team": "search", "owner": "us"},
        "description": "First.",
        "extra": {"orchestrator": {"timeout": 3}},
        "ignore_changes": ["orchestrator.timeout", "labels.owner", "connector.region"],
    }
    with installed(memory):
        apply(**asked)
        assert drift(memory) == []
        edit(memory, "orchestrator", timeout=9)
        labels = {**stack(memory).labels, "owner": "them", "theirs": "1"}
        memory.update_stack(stack(memory).id, StackChange(labels=labels))
        assert drift(memory) == []
        labels["team"] = "ads"
        memory.update_stack(stack(memory).id, StackChange(labels=labels, description="Other."))
        assert drift(memory) == ["labels.team", "description"]
        assert apply(**asked)
        assert drift(memory) == []
        assert configuration(memory, "orchestrator")["timeout"] == 9
