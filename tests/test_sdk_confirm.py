"""`create_stack` makes nothing that costs money unless that is said, as the command does."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import kitaru_iac as kitaru
from kitaru_iac.plan.model import Action, Layer, Plan, Step
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.stacks import deployed, operations

ON_AWS = {"type": "sagemaker", "region": "eu-west-1", "infra": "provision"}
PLAN = Plan("prod")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done, in order; others show what these two do, and with an engine."""
    calls: list[str] = []

    def plan(spec: StackSpec) -> Plan:
        calls.append("plan")
        return PLAN

    def make(spec: StackSpec) -> SimpleNamespace:
        calls.append("make")
        return SimpleNamespace(id="1", name=spec.name, is_active=True, warnings=())

    monkeypatch.setattr(deployed, "preview_creation", plan)
    monkeypatch.setattr(operations, "create", make)
    return calls


def answering(answer: object) -> Callable[[Plan], bool]:
    def asked(plan: Plan) -> bool:
        assert plan is PLAN
        return answer  # type: ignore[return-value]

    return asked


@pytest.mark.parametrize(
    ("confirm", "expected"),
    [
        (None, []),
        (False, []),
        (True, ["make"]),
        (answering(True), ["plan", "make"]),
        (answering(False), ["plan"]),
        (answering(None), ["plan"]),
    ],
)
def test_infrastructure_is_made_where_that_is_confirmed(
    done: list[str], confirm: Callable[[Plan], bool] | bool | None, expected: list[str]
) -> None:
    if "make" in expected:
        assert kitaru.create_stack("prod", confirm=confirm, **ON_AWS).name == "prod"  # type: ignore[arg-type]
    else:
        with pytest.raises(kitaru.ConfirmationNeeded, match="nothing was done") as refused:
            kitaru.create_stack("prod", confirm=confirm, **ON_AWS)  # type: ignore[arg-type]
        assert "confirm=True" in str(refused.value.remedy)
    assert done == expected


@pytest.mark.parametrize("confirm", [None, True, False])
@pytest.mark.parametrize(
    "fields", [{}, {"infra": "none"}, {"infra": "provision"}, ON_AWS | {"infra": "none"}]
)
def test_nothing_is_asked_where_nothing_is_made(
    done: list[str], confirm: bool | None, fields: dict[str, str]
) -> None:
    if fields.get("type"):
        fields = fields | {
            "artifact_store": "s3://data",
            "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "execution_role": "arn:aws:iam::123456789012:role/x",
        }
    try:
        kitaru.create_stack("prod", confirm=confirm, **fields)  # type: ignore[arg-type]
    except kitaru.DescriptionError:
        assert fields == {"infra": "provision"}  # a local stack has none
        assert done == []
    else:
        assert done == ["make"]


COSTS = Plan("prod", (Step(Action.CREATE, "aws:s3/bucket:Bucket", "b", Layer.INFRASTRUCTURE),))
KEPT = Plan("prod", (Step(Action.KEEP, "aws:s3/bucket:Bucket", "b", Layer.INFRASTRUCTURE),))
RECORDS = Plan("prod", (Step(Action.CREATE, "stack", "prod"),))


def told(answer: object) -> Callable[[Plan], bool]:
    return lambda _: answer  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("plan", "confirm", "agreed"),
    [
        (COSTS, None, False),
        (COSTS, False, False),
        (COSTS, True, True),
        (COSTS, told(True), True),
        (COSTS, told(False), False),
        (COSTS, told(None), False),
        # without a word, what costs nothing is done
        (KEPT, None, True),
        (KEPT, False, True),
        (RECORDS, None, True),
        # a function that is given is asked about everything
        (RECORDS, told(True), True),
        (RECORDS, told(False), False),
        (KEPT, told(False), False),
    ],
)
def test_apply_makes_what_costs_money_where_that_is_confirmed(
    monkeypatch: pytest.MonkeyPatch,
    plan: Plan,
    confirm: Callable[[Plan], bool] | bool | None,
    agreed: bool,
) -> None:
    done: list[str] = []

    def apply(spec: StackSpec, *, confirm: Any, progress: object) -> SimpleNamespace:
        if confirm is None or confirm(plan):
            done.append(spec.name)
        return SimpleNamespace(warnings=())

    monkeypatch.setattr(operations, "apply", apply)
    description = {"name": "prod", **ON_AWS}
    if agreed:
        kitaru.apply(description, confirm=confirm)
    else:
        with pytest.raises(kitaru.ConfirmationNeeded, match="has to be confirmed"):
            kitaru.apply(description, confirm=confirm)
    assert done == ["prod"] * agreed


@pytest.mark.parametrize(("confirm", "asked"), [(None, 0), (True, 0), (False, 0), (told(True), 1)])
def test_apply_asks_nobody_about_a_local_stack_but_who_wants_it(
    monkeypatch: pytest.MonkeyPatch, confirm: Any, asked: int
) -> None:
    questions: list[object] = []

    def apply(spec: StackSpec, *, confirm: object, progress: object) -> SimpleNamespace:
        questions.extend([confirm] if confirm is not None else [])
        return SimpleNamespace(warnings=())

    monkeypatch.setattr(operations, "apply", apply)
    kitaru.apply({"name": "dev"}, confirm=confirm)
    assert len(questions) == asked
