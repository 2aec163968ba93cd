"""What enters a state that was lost, decided on a plan and on what the cloud has. No engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.engine.deployment import Deployment
from kitaru_iac.engine.taking_back import Planned, taken_back

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
STACK = Planned("u:stack", "pulumi:pulumi:Stack", custom=False)
COMPONENT = Planned("u:component", "kitaru:aws:Infrastructure", "u:stack", custom=False)
PROVIDER = Planned("u:provider", "pulumi:providers:aws", "u:stack", inputs={"region": "r"})
FRAME = [STACK, PROVIDER, COMPONENT]


def thing(name: str, **inputs: Any) -> Planned:
    given = {"name": name, **inputs}
    return Planned(f"u:{name}", "cloud:Thing", "u:component", f"u:provider::{UNKNOWN}", given)


def identify(type: str, inputs: Mapping[str, Any]) -> str | None:
    assert type == "cloud:Thing"
    return f"id-{inputs['name']}" if str(inputs["name"]).startswith("ours") else None


def test_what_is_ours_enters_with_its_frame_and_the_rest_does_not() -> None:
    state: dict[str, Any] = {"manifest": 1}
    after = taken_back(state, [*FRAME, thing("ours"), thing("theirs")], identify)
    assert state == {"manifest": 1}
    urns = [entry["urn"] for entry in after["resources"]]
    assert urns == ["u:stack", "u:provider", "u:component", "u:ours"]
    # A role that is named after what is not known yet: nothing is guessed.
    assert taken_back(state, [*FRAME, thing("ours", role=UNKNOWN)], identify) == state


def test_an_unknown_input_is_left_out_and_an_unknown_name_is_for_a_later_round() -> None:
    plan = [*FRAME, thing("ours", arn=UNKNOWN, tags=[{"a": UNKNOWN}], size=3), thing(UNKNOWN)]
    after = taken_back({}, plan, identify)
    entry = after["resources"][-1]
    assert entry["inputs"] == entry["outputs"] == {"name": "ours", "size": 3}
    assert entry["id"] == "id-ours"
    provider = next(r for r in after["resources"] if r["urn"] == "u:provider")
    assert entry["provider"] == f"u:provider::{provider['id']}"
    assert UNKNOWN not in repr(after)
    assert len(after["resources"]) == 4


def test_what_the_state_has_stays_as_it_is() -> None:
    there = [
        {"urn": "u:provider", "id": "p-1", "type": "pulumi:providers:aws"},
        {"urn": "u:ours", "id": "id-ours", "type": "cloud:Thing", "inputs": {"kept": True}},
    ]
    plan = [*FRAME, thing("ours"), thing("ours-too")]
    after = taken_back({"resources": there}, plan, identify)
    assert after["resources"][:2] == there
    assert after["resources"][-1]["provider"] == "u:provider::p-1"


@pytest.mark.parametrize("plan", [[], FRAME, [*FRAME, thing("theirs")]])
def test_where_nothing_is_taken_back_nothing_is_written(plan: list[Planned]) -> None:
    assert taken_back({"resources": []}, plan, identify) == {"resources": []}


def test_what_was_taken_back_is_read_before_the_next_round_looks() -> None:
    """Unread, a route table has no network: what names it would be unknown in every round."""
    refreshed: list[bool] = []
    edits = iter([True, True, False])

    def preview(*, refresh: bool, **_: Any) -> None:
        refreshed.append(refresh)

    def operate(_: str, call: Callable[[Callable[[Any], None]], object]) -> None:
        call(lambda _: None)

    runner = SimpleNamespace(operate=operate, say=lambda _: None)
    states = SimpleNamespace(edit=lambda *_: next(edits), forget=lambda: None)
    it: Any = SimpleNamespace(_identify=identify, _runner=runner, _states=states)
    stack: Any = SimpleNamespace(preview=preview)
    Deployment._take_back(it, stack)
    assert refreshed == [False, True, True]
