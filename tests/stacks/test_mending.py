"""What a dead run left is planned, shown and agreed to before it is repaired.

A plan, a refusal and a "no" write nothing; what is planned is what is then done.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    PlanMoved,
    ProtectedStackError,
    StackChanged,
)
from kitaru_iac.gateway.documents import NewComponent, StackChange, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.gateway.rehearsal import Rehearsal
from kitaru_iac.labels import SOURCE_LABEL
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.locks import sole_writer
from kitaru_iac.plan.document import changes, document, is_repair
from kitaru_iac.plan.model import Action, Plan, Reason, Step
from kitaru_iac.records.stored import Store
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations, planning
from kitaru_iac.stacks.mending import Mending
from kitaru_iac.stacks.prune import plan_prune, prune
from kitaru_iac.stacks.removal import require_deletable
from kitaru_iac.stacks.rename import rename
from tests.homes import Home
from tests.stacks.interrupts import Around, contents
from tests.stacks.test_interrupts import CASES, LOCAL, REMOTE, Dead, all_of, die, no_undoing
from tests.stacks.test_prune import MINE

PLACES = pytest.mark.parametrize("is_local", [True, False], ids=["local", "server"])
KILLED = pytest.mark.parametrize("case", [case for case in CASES if case != "create local"])


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "zenml"))
    monkeypatch.setattr("kitaru_iac.stacks.delete.scopes_of", lambda _: [])


def killed(
    case: str, monkeypatch: pytest.MonkeyPatch, *, is_local: bool = True
) -> Iterator[MemoryGateway]:
    """A store after each write of a command that may have died there."""
    start = MemoryGateway(is_local=is_local)
    with installed(start):
        CASES[case].before()
    counted = Around(copy.deepcopy(start))
    with installed(counted):  # type: ignore[arg-type]
        CASES[case].work()
    for after in (False, True):
        for at in range(counted.count):
            store = copy.deepcopy(start)
            dying = Around(store, at, after=after, strike=die)
            with no_undoing(monkeypatch), installed(dying), pytest.raises(Dead):  # type: ignore[arg-type]
                CASES[case].work()
            yield store


def without_times(gateway: Any) -> list[Any]:
    """All that a store holds, with its ids."""
    return sorted(
        (type(doc).__name__, doc.id, doc.name, sorted(doc.labels.items()), _rest(doc))
        for doc in all_of(gateway)
    )


def _rest(doc: Any) -> str:
    return str([getattr(doc, key, None) for key in ("members", "configuration", "connector_id")])


def repairs(plan: Plan) -> list[Step]:
    return [step for step in plan.steps if step.code is Reason.LEFT_BY_DEAD_RUN]


@PLACES
@KILLED
def test_a_rehearsal_shows_the_store_as_the_repair_leaves_it(
    case: str, is_local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for store in killed(case, monkeypatch, is_local=is_local):
        before, written = without_times(store), len(store.written)
        with installed(store), sole_writer("dev"):
            mending = Mending(Store.open(), "dev")
            foreseen = without_times(mending.store.gateway)
            secrets = [secret.id for secret in mending.store.gateway.orphaned_secrets()]
            assert (without_times(store), len(store.written)) == (before, written)
            mending.mend()
            assert without_times(store) == foreseen
            assert [secret.id for secret in store.orphaned_secrets()] == secrets
            assert (mending.repair is not None) is (len(store.written) > written)


@PLACES
@KILLED
def test_a_plan_and_a_no_repair_nothing_and_a_yes_does_what_was_planned(
    case: str, is_local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = from_mapping(REMOTE if "back" not in case else LOCAL)
    shown: list[Plan] = []

    def agree(plan: Plan) -> bool:
        shown.append(plan)
        return True

    seen = set()
    for store in killed(case, monkeypatch, is_local=is_local):
        before = without_times(store)
        with installed(store):
            plan = planning.plan_stack(wanted).plan
            refused = operations.apply(wanted, confirm=lambda _: False)
            assert without_times(store) == before
            assert refused.plan.steps == plan.steps
            assert not refused.changed
            shown.clear()
            done = operations.apply(wanted, confirm=agree)
            assert [given.steps for given in shown] == [plan.steps] * plan.has_changes
            assert done.changed is plan.has_changes
            assert done.plan.steps == plan.steps
            seen |= {step.action for step in repairs(plan)}
            again = planning.plan_stack(wanted).plan
            assert not again.has_changes, [s for s in again.steps if s.action is not Action.KEEP]
            assert list(unfinished.every(store.place)) == []
    if case.startswith("apply that replaces"):
        assert seen == {Action.DELETE, Action.UPDATE}


@PLACES
def test_a_refusal_repairs_nothing(is_local: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    other = from_mapping({**LOCAL, "name": "other"})
    for store in killed("apply that replaces", monkeypatch, is_local=is_local):
        with installed(store):
            operations.create(other)
            before = without_times(store)
            reviewed = document([planning.plan_stack(other)])

            def unlike(reviewed: Any = reviewed) -> object:
                return planning.apply_reviewed(
                    [from_mapping(REMOTE)], reviewed["digest"], reviewed=reviewed
                )

            refused: dict[str, Callable[[], object]] = {
                "the name is taken": lambda: operations.create(from_mapping(REMOTE)),
                "the new name is taken": lambda: rename("dev", "other"),
                "another plan was reviewed": unlike,
                "no parts are to go with it": lambda: operations.delete("de"),
            }
            for why, work in refused.items():
                with contextlib.suppress(AlreadyExistsError, PlanMoved, KitaruError):
                    work()
                    continue
                assert without_times(store) == before, why


def test_the_active_stack_is_refused_and_nothing_repaired(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kitaru_iac.stacks.delete.scopes_of", lambda _: ["global"])
    repaired = 0
    for store in killed("apply that replaces", monkeypatch):
        before = without_times(store)
        with installed(store):
            repaired += bool(repairs(planning.plan_stack(from_mapping(REMOTE)).plan))
            with pytest.raises(KitaruError):
                operations.delete("dev", recursive=True)
            assert without_times(store) == before
    assert repaired > 3


@pytest.mark.parametrize("work", ["create", "delete", "rename", "prune"])
def test_what_was_repaired_is_said(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = 0
    for store in killed("apply that replaces", monkeypatch):
        with installed(store):
            is_there = bool(store.stacks(Where(names=("dev",))))
            is_repaired = bool(repairs(planning.plan_stack(from_mapping(REMOTE)).plan))
            warnings: tuple[Any, ...] = ()
            if work == "delete":
                done = operations.delete("dev", recursive=True)
                assert done is not None
                warnings = done.warnings
            elif work == "rename" and is_there:
                warnings = rename("dev", "other").warnings
            elif work == "create" and not is_there:
                with contextlib.suppress(AlreadyExistsError):  # it has its name again
                    warnings = operations.create(from_mapping(REMOTE)).warnings
                    assert is_repaired
                continue
            elif work == "prune" and is_there:
                (stack,) = store.stacks(Where(names=("dev",)))
                labels = {**stack.labels, SOURCE_LABEL: MINE.label}
                store.update_stack(stack.id, StackChange(labels=labels))
                pruning = plan_prune(MINE, ["other"])
                if not pruning.stacks:  # its rest is set aside yet
                    continue
                warnings = prune(pruning.stacks[0], MINE).warnings
            else:
                continue
            codes = [warning.code for warning in warnings]
            assert ("left_repaired" in codes) is is_repaired, [str(w) for w in warnings]
            told += is_repaired
    assert told or work == "create"


def test_a_stack_that_a_repair_makes_active_is_refused_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Active is what was replaced; its successor would be, once that is deleted."""
    met = 0
    for store in killed("apply that replaces", monkeypatch):
        aside = {doc.id for doc in store.stacks(Where(names=("dev-replaced",)))}
        if not (aside and store.stacks(Where(names=("dev",)))):
            continue
        met += 1
        before = without_times(store)

        def scopes(id: str, *_: object, aside: set[str] = aside) -> list[str]:
            return ["global"] if id in aside else []

        with installed(store), monkeypatch.context() as patch:
            patch.setattr("kitaru_iac.stacks.delete.scopes_of_id", scopes)
            for recursive in (False, True):
                with pytest.raises(ProtectedStackError, match="is the active stack"):
                    operations.delete("dev", recursive=recursive)
            (stack,) = store.stacks(Where(names=("dev",)))
            with pytest.raises(ProtectedStackError, match="is the active stack"):
                require_deletable(stack.id, recursive=True)
            assert without_times(store) == before
            labels = {**stack.labels, SOURCE_LABEL: MINE.label}
            store.update_stack(stack.id, StackChange(labels=labels))
            (item,) = plan_prune(MINE, ["other"]).stacks
            assert item.error is not None
            assert "is the active stack" in item.error.what
    assert met > 1


def test_pruning_plans_the_repair_too(monkeypatch: pytest.MonkeyPatch) -> None:
    met = 0
    for store in killed("apply that replaces", monkeypatch):
        names = {doc.name for doc in store.stacks(Where())}
        if not {"dev", "dev-replaced"} <= names:
            continue
        met += 1
        with installed(store):
            (stack,) = store.stacks(Where(names=("dev",)))
            labels = {**stack.labels, SOURCE_LABEL: MINE.label}
            store.update_stack(stack.id, StackChange(labels=labels))
            before = without_times(store)
            (item,) = plan_prune(MINE, ["other"]).stacks
            assert without_times(store) == before
            assert repairs(item.planned.plan)
            prune(item, MINE)
            assert {doc.name for doc in all_of(store)} == {"default"}
    assert met > 1


@PLACES
def test_a_deletion_with_its_parts_is_finished_before_a_stack_of_its_name_is_made(
    is_local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts that the new stack has no use for would stay, and nobody would say so."""
    left = 0
    for store in killed("delete", monkeypatch, is_local=is_local):
        with installed(store):
            if store.stacks(Where(names=("dev",))):
                continue
            parts = [doc for doc in all_of(store) if doc.name == "dev"]
            plan = planning.plan_stack(from_mapping(LOCAL)).plan
            assert len(repairs(plan)) == len(parts) + len(store.orphaned_secrets())
            left += bool(parts)
            made = operations.create(from_mapping(LOCAL))
            said = [str(warning) for warning in made.warnings if warning.code == "left_repaired"]
            assert len(said) == bool(repairs(plan))
            if parts:
                assert "deleted" in said[0]
            assert not store.connectors(Where())
            kinds = {doc.type for doc in store.components(Where(names=("dev",)))}
            assert kinds == {"orchestrator", "artifact_store"}
            assert operations.clean().removed == ()
    assert left > 1


def test_where_somebody_has_the_name_by_now_it_is_said_who_and_nothing_repaired(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    met = 0
    for store in killed("apply that replaces", monkeypatch):
        aside = store.components(Where(names=("dev-replaced",)))
        own = {doc.type for doc in store.components(Where(names=("dev",)))}
        if store.stacks(Where(names=("dev",))) or not aside or aside[0].type in own:
            continue
        met += 1
        part = aside[0]
        store.create_component(NewComponent(part.type, "dev", part.flavor))
        before = without_times(store)
        with installed(store):
            refused: list[Callable[[], object]] = [
                lambda: planning.plan_stack(from_mapping(REMOTE)),
                lambda: operations.apply(from_mapping(REMOTE)),
                lambda: operations.delete("dev", recursive=True),
                operations.clean,
            ]
            for work in refused:
                with pytest.raises(KitaruError) as failed:
                    work()
                kind = part.type.replace("_", "-")
                assert f"zenml {kind} rename dev NEW" in str(failed.value.remedy)
                assert without_times(store) == before
    assert met


def test_a_stack_that_is_set_aside_is_renamed_by_its_own_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    met = 0
    for store in killed("apply that replaces", monkeypatch):
        names = {doc.name for doc in store.stacks(Where())}
        if "dev-replaced" not in names or "dev" in names:
            continue
        met += 1
        with installed(store):
            done = rename("dev", "other")
            assert {doc.name for doc in store.stacks(Where())} == {"default", "other"}
            assert "left_repaired" in [warning.code for warning in done.warnings]
    assert met


def test_a_change_of_this_machine_that_is_under_way_is_not_rehearsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run that holds the lock is at work: what it has set aside is its own."""
    for store in killed("apply that replaces", monkeypatch):
        with installed(store), sole_writer("dev"), contextlib.suppress(AlreadyExistsError):
            assert not repairs(planning.plan_stack(from_mapping(REMOTE)).plan)


def test_another_change_during_the_repair_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored then is not what was planned with."""
    stopped = 0
    for store in killed("apply that replaces", monkeypatch, is_local=False):

        def meddle(
            mending: Mending, progress: object = None, store: MemoryGateway = store
        ) -> Store:
            found = _mend(mending, progress)  # type: ignore[arg-type]
            for stack in store.stacks(Where(names=("dev",))):
                store.update_stack(stack.id, StackChange(labels={**stack.labels, "by": "hand"}))
                found.forget()
            return found

        with installed(store), monkeypatch.context() as patch:
            patch.setattr(Mending, "mend", meddle)
            if not store.stacks(Where(names=("dev", "dev-replaced"))):
                continue
            if not repairs(planning.plan_stack(from_mapping(REMOTE)).plan):
                continue
            with pytest.raises(StackChanged, match="while an earlier run was repaired"):
                operations.apply(from_mapping(REMOTE))
            stopped += 1
    assert stopped


_mend = Mending.mend


def test_what_is_written_after_a_rehearsal_is_an_error() -> None:
    gateway = Rehearsal(MemoryGateway())
    gateway.is_over = True
    (stack,) = gateway.stacks(Where())
    with pytest.raises(AssertionError, match="in no store"):
        gateway.update_stack(stack.id, StackChange(labels={}))
    with pytest.raises(AssertionError, match="in no store"):
        gateway.delete("stack", stack.id)


def test_a_repair_is_in_the_document_and_in_no_digest() -> None:
    steps = [
        Step(Action.DELETE, "stack", "dev-replaced", code=Reason.LEFT_BY_DEAD_RUN, reason="left"),
        Step(Action.CREATE, "stack", "dev"),
    ]
    with_it = planning.StackPlan(Plan("dev", tuple(steps)))
    without = planning.StackPlan(Plan("dev", tuple(steps[1:])))
    assert with_it.digest == without.digest
    first = changes(steps, "dev")[0]
    assert (first["address"], first["actions"]) == ("repair/stack/dev-replaced", ["delete"])
    assert is_repair(first)
    only = planning.StackPlan(Plan("dev", tuple(steps[:1])))
    assert only.to_dict()["has_changes"]


def test_through_the_command(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the real local store: shown, refused, and done."""
    from kitaru_iac.gateway.in_process import InProcess

    file = home.path / "dev.yaml"
    file.write_text("name: dev\ntype: local\nactivate: false\nlabels: {team: ml}\n")
    store = InProcess.open()
    with installed(store):  # type: ignore[arg-type]
        operations.create(from_mapping(REMOTE))
        counted = Around(store, 4, after=True, strike=die)
        with no_undoing(monkeypatch), installed(counted), pytest.raises(Dead):  # type: ignore[arg-type]
            operations.apply(from_mapping({**LOCAL, "labels": {"team": "ml"}}))
        before = contents(store)
    shown = home.kitaru("stack", "preview", "-f", str(file), "--detailed-exitcode")
    assert shown.returncode == 2, shown
    assert "by a run that died" in shown.stdout
    assert contents(InProcess.open()) == before
    done = home.kitaru("stack", "apply", "-f", str(file), "--yes")
    assert done.returncode == 0, done
    after = contents(InProcess.open())
    assert [name for name, *_ in after["stacks"]] == ["default", "dev"]
    assert home.kitaru("stack", "preview", "-f", str(file), "--detailed-exitcode").returncode == 0
