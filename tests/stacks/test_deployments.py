"""Deployments by their own names: whose they are said to be, and what is asked about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.engine import install
from kitaru_iac.engine import listing as of_engine
from kitaru_iac.errors import ProtectedStackError
from kitaru_iac.gateway.documents import StackChange, StackDoc, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.infrastructure import destroy, listing, prepare
from kitaru_iac.infrastructure.results import Destroyed
from kitaru_iac.machine.interrupts import WorkInterrupted
from kitaru_iac.plan.model import Action, Kept, Layer, Plan, Step
from kitaru_iac.records.stored import Store
from kitaru_iac.stacks import deployments, operations, removal
from kitaru_iac.values import replace
from tests.infrastructure.test_ownership_rules import BUCKET, ROLE, State, resource
from tests.stacks.test_interrupts import LOCAL, create

HERE = "file:///srv/state"
GOES = Step(Action.DELETE, ROLE, "steps", Layer.INFRASTRUCTURE)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryGateway]:
    """An empty store, and a backend of the user's own."""
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
    monkeypatch.setenv("PULUMI_BACKEND_URL", HERE)
    with installed(MemoryGateway()) as opened:
        yield opened


def record(store: MemoryGateway, backend: str | None, project: str = "kitaru") -> StackDoc:
    """Let stack `dev` have the deployment `prod` of a backend."""
    create(LOCAL)
    (stack,) = store.stacks(Where(names=("dev",)))
    labels = {**stack.labels, "kitaru.pulumi.project": project, "kitaru.pulumi.stack": "prod"}
    if backend is not None:
        labels["kitaru.pulumi.backend"] = backend
    store.update_stack(stack.id, StackChange(labels=labels))
    return store.stacks(Where(names=("dev",)))[0]


def told(monkeypatch: pytest.MonkeyPatch, would: Destroyed) -> list[str]:
    """Let a deletion find that, and note what is called."""
    called: list[str] = []
    for step in ("preview_destroy", "destroy_infrastructure"):

        def run(*_: object, step: str = step, **__: object) -> Destroyed:
            called.append(step)
            return would

        monkeypatch.setattr(destroy, step, run)
    return called


def delete(confirm: Any = None, **more: Any) -> Destroyed | None:
    flags = {"include_protected": False, "delete_data": False, **more}
    return deployments.delete_deployment("prod", confirm=confirm, **flags)


@pytest.mark.parametrize(
    ("backend", "project", "refused"),
    [
        (HERE, "kitaru", True),
        (f"{HERE}/", "kitaru", True),
        (None, "kitaru", True),
        ("file:///srv/other", "kitaru", False),
        (HERE, "platform", False),
    ],
)
def test_a_deployment_that_a_record_may_name_is_not_taken_down(
    store: MemoryGateway,
    monkeypatch: pytest.MonkeyPatch,
    backend: str | None,
    project: str,
    *,
    refused: bool,
) -> None:
    stack = record(store, backend, project)
    called = told(monkeypatch, Destroyed())
    if not refused:
        assert delete() == Destroyed()
        assert called == ["destroy_infrastructure"]
        return
    with pytest.raises(ProtectedStackError) as owned:
        delete(delete_data=True)
    assert called == []
    command = f"kitaru stack delete {stack.id} --recursive --infra --delete-data"
    if backend == HERE:
        assert owned.value.what == "Stack 'dev' has the deployment prod"
        assert str(owned.value.remedy) == f"Delete both: {command}"
        return
    # Perhaps the record means another one, which runs.
    assert owned.value.what == "Stack 'dev' may have the deployment prod"
    named = "calls the backend" if backend else "does not name the backend"
    assert f"Its record {named}" in str(owned.value.why)
    see, same, other = str(owned.value.remedy).splitlines()
    assert see.endswith(f"kitaru stack show {stack.id}")
    assert same == f"If it means this deployment, delete both: {command}"
    assert "If it means another one" in other
    # Where it names none, no address of this one is surely another.
    assert ("PULUMI_BACKEND_URL" in other) is (backend is not None)


def test_of_two_records_the_one_with_the_same_spelling_has_it(store: MemoryGateway) -> None:
    first = record(store, f"{HERE}/")
    labels = {**first.labels, "kitaru.pulumi.backend": HERE}
    second = replace(first, id="2", name="other", labels=labels)
    for stacks in ([first, second], [second, first]):
        assert deployments._stack_of(listing.labels_of("prod"), stacks) == second


def test_what_is_asked_about_names_all_that_stays_and_who_was_asked(
    store: MemoryGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    would = Destroyed(
        (GOES,),
        (Kept(BUCKET, "data", "protected"),),
        forgotten=(Kept(ROLE, "theirs", "not made for this stack"),),
    )
    called = told(monkeypatch, would)
    seen: list[Plan] = []
    said: list[str] = []

    def refuse(plan: Plan) -> bool:
        seen.append(plan)
        return False

    assert delete(refuse, progress=said.append) is None
    assert (called, said) == (["preview_destroy"], [])
    (plan,) = seen
    assert [(step.action, step.name, step.reason) for step in plan.steps] == [
        (Action.DELETE, "steps", None),
        (Action.KEEP, "data", "protected"),
        (Action.KEEP, "theirs", "forgotten: not made for this stack"),
    ]
    (warning,) = plan.warnings
    asked = f"No stack in {Store.open().url} has the deployment prod: no other store was asked"
    assert warning.text == asked
    delete(progress=said.append)
    assert said == [asked]


@pytest.mark.parametrize(
    ("backend", "is_held", "expected"),
    [
        (HERE, True, [("dev", None, None)]),
        (f"{HERE}/", True, [(None, "dev", None), ("dev", None, "cannot be told")]),
        (None, True, [(None, "dev", None), ("dev", None, "cannot be told")]),
        ("file:///srv/other", True, [(None, None, None), ("dev", None, "in another backend")]),
        (HERE, False, [("dev", None, "its state is not there")]),
        (f"{HERE}/", False, [("dev", None, "its state is not there")]),
    ],
)
def test_a_listed_deployment_is_a_stacks_only_where_its_record_surely_names_it(
    store: MemoryGateway,
    monkeypatch: pytest.MonkeyPatch,
    backend: str | None,
    expected: list[tuple[str | None, str | None, str | None]],
    *,
    is_held: bool,
) -> None:
    record(store, backend)
    held = listing.HeldDeployment("prod", listing.labels_of("prod"), None)
    monkeypatch.setattr(listing, "deployments", lambda **_: (held,) if is_held else ())
    rows = deployments.list_deployments()
    assert {row.name for row in rows} == {"prod"}
    assert [(row.stack, row.possible_stack) for row in rows] == [one[:2] for one in expected]
    for row, (_, _, why) in zip(rows, expected, strict=True):
        assert (why in str(row.problem)) if why else row.problem is None
    assert {row.to_dict()["store"] for row in rows} == {Store.open().url}


@pytest.mark.parametrize("data", [True, False])
@pytest.mark.parametrize("late", [True, False])
def test_an_interrupt_before_the_record_goes_says_what_is_gone(
    store: MemoryGateway, monkeypatch: pytest.MonkeyPatch, *, late: bool, data: bool
) -> None:
    def press(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    record(store, HERE)
    called = told(monkeypatch, Destroyed((GOES,)))
    monkeypatch.setattr(prepare, "require_engine", press if not late else lambda *_, **__: None)
    monkeypatch.setattr(removal, "require_wanted", press)
    with pytest.raises(WorkInterrupted) as pressed:
        operations.delete("dev", recursive=True, infrastructure=True, delete_data=data)
    assert called == (["destroy_infrastructure"] if late else [])
    gone = "; what was to go of its infrastructure is deleted" if late else ""
    gone += ", with its data" if late and data else ""
    assert pressed.value.what == f"Interrupted before stack 'dev' was deleted{gone}"
    assert pressed.value.remedy == "Run the same command again to go on."
    assert store.stacks(Where(names=("dev",)))


@pytest.mark.parametrize(
    ("begun", "says"),
    [
        ([], None),
        ([resource(ROLE, "steps", id="")], f"steps ({ROLE})"),
        ([resource(BUCKET, "b", inputs={"bucket": "data"})], f"data ({BUCKET})"),
        (
            [resource(ROLE, "r", inputs={"name": {"secret": 1}}, urn="urn:a::role")],
            f"role ({ROLE})",
        ),
        ([resource("pulumi:providers:aws", "p")], None),
    ],
)
@pytest.mark.parametrize("held", [True, False])
def test_what_a_run_may_have_made_is_not_called_nothing(
    monkeypatch: pytest.MonkeyPatch, begun: list[dict[str, Any]], says: str | None, *, held: bool
) -> None:
    state = State([resource(BUCKET, "kept")] if held else [], begun)
    monkeypatch.setattr(install, "ensure_engine", lambda *_, **__: None)
    monkeypatch.setattr(of_engine, "list_deployments", lambda *_: {"prod": None})
    monkeypatch.setattr(listing, "opened", lambda *_: nullcontext(state))
    (row,) = listing.deployments()
    assert row.holds == (((BUCKET, "kept"),) if held else ())
    cut_off = f"a run was cut off, or is under way: {says} may be there"
    assert row.problem == (None if says is None else cut_off)
