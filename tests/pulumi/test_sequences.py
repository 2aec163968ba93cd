"""Whatever the engine asks, in any order: afterwards the store, the state and the report agree.

Random sequences of ten operations of two programs, on one store, against a model that knows only
which resource has which stack. See `tests.pulumi.driver` for the engine.
"""

from __future__ import annotations

import os
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from kitaru_iac.gateway import open_reader
from kitaru_iac.labels import OWNER_LABEL, OWNER_RUN_LABEL
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from tests.homes import Home
from tests.pulumi.driver import Engine, Refused, Wanted

RESOURCES = ("one", "two")
NAMES = ("a", "b")
PLACES = (None, "/tmp/elsewhere")
PROGRAMS = st.dictionaries(
    st.sampled_from(RESOURCES), st.tuples(st.sampled_from(NAMES), st.sampled_from(PLACES))
)
ENGINES = st.integers(0, 1)

#: A stack as it is compared: its id, labels and the configuration of its components.
Stored = dict[str, tuple[Any, ...]]


def store() -> Stored:
    """What is in the store, by name, read without ZenML."""
    reader = open_reader()
    try:
        views = [reader.stack(row.id) for row in reader.stacks()]
    finally:
        reader.close()
    return {
        view.name: (
            view.id,
            dict(view.labels),
            [(part.id, part.role_type, dict(part.configuration)) for part in view.components],
        )
        for view in views
        if view.name != "default"
    }


def program_of(given: dict[str, tuple[str, str | None]]) -> dict[str, Wanted]:
    return {
        resource: Wanted({"name": name, **({"artifactStore": place} if place else {})})
        for resource, (name, place) in given.items()
    }


class Sequences(RuleBasedStateMachine):
    """Two programs and the command, on one store."""

    @initialize()
    def begin(self) -> None:
        for name in store():
            operations.delete(name, recursive=True, force=True)
        number = os.urandom(4).hex()  # the machine's tokens are those of other examples' URNs
        self.engines = [Engine(f"s{number}", project) for project in ("platform", "another")]

    # -- what must hold ------------------------------------------------------------------------

    def _is_foreign(self, engine: Engine, stack: tuple[Any, ...]) -> bool:
        """Whether no operation of this program may touch the stack."""
        urn = stack[1].get(OWNER_LABEL)
        if urn is None:
            return all(held.id != stack[0] for held in engine.state.values())
        return f"::{engine.project}::" not in urn

    def _owners(self, stack: tuple[Any, ...]) -> set[tuple[str, str]]:
        """The resources in whose hands a stack is: by their address, or by the token."""
        labels = stack[1]
        return {
            (engine.project, name)
            for engine in self.engines
            for name, held in engine.state.items()
            if held.id == stack[0]
            and (
                labels.get(OWNER_LABEL) == engine.urn(name)
                or (
                    OWNER_RUN_LABEL in labels
                    and held.properties.get("ownerRun") == labels[OWNER_RUN_LABEL]
                )
            )
        }

    def _run(self, index: int, operation: Any) -> bool:
        """Let a program do something; whether it was not refused."""
        engine, before = self.engines[index], store()
        try:
            operation(engine)
            done = True
        except Refused as refused:
            if refused.code is grpc.StatusCode.INTERNAL:
                raise
            done = False
        after = store()
        for name, stack in before.items():
            if self._is_foreign(engine, stack):
                assert after.get(name) == stack, f"{engine.project} has touched {name}"
        return done

    @invariant()
    def a_stack_is_in_one_hand(self) -> None:
        for name, stack in store().items():
            assert len(self._owners(stack)) <= 1, (name, stack, self._owners(stack))

    # -- what a program does -------------------------------------------------------------------

    @rule(index=ENGINES, given=PROGRAMS, replace=st.booleans())
    def up(self, index: int, given: dict[str, Any], replace: bool) -> None:
        program = program_of(given)
        chosen = set(program) if replace else set()
        if not self._run(index, lambda engine: engine.up(program, replace=chosen)):
            return
        engine, stored = self.engines[index], store()
        assert set(engine.state) == set(program)
        for resource, (name, place) in given.items():
            stack_id, labels, parts = stored[name]
            held = engine.state[resource]
            assert held.id == stack_id
            assert labels[OWNER_LABEL] == engine.urn(resource) == held.properties["ownerUrn"]
            assert labels[OWNER_RUN_LABEL] == held.properties["ownerRun"]
            (folder,) = [c.get("path") for _, role, c in parts if role == "artifact_store"]
            assert (folder or None) == place
        again = engine.up(program, preview=True)
        assert set(again.values()) <= {"same"}

    @rule(index=ENGINES, given=PROGRAMS)
    def preview(self, index: int, given: dict[str, Any]) -> None:
        engine, before = self.engines[index], store()
        kept = engine.export()
        self._run(index, lambda engine: engine.up(program_of(given), preview=True))
        assert store() == before
        assert engine.state == kept

    @rule(index=ENGINES)
    def destroy(self, index: int) -> None:
        engine = self.engines[index]
        ours = {
            stack[0]
            for stack in store().values()
            if any(project == engine.project for project, _ in self._owners(stack))
        }
        if self._run(index, lambda engine: engine.destroy()):
            assert not engine.state
            assert not ours & {stack[0] for stack in store().values()}

    @rule(index=ENGINES, preview=st.booleans())
    def refresh(self, index: int, preview: bool) -> None:
        engine, before = self.engines[index], store()
        kept = engine.export()
        assert self._run(index, lambda engine: engine.refresh(preview=preview))
        assert store() == before
        there = {stack[0] for stack in before.values()}
        if preview:
            assert engine.state == kept
        else:
            assert {name for name, held in kept.items() if held.id in there} == set(engine.state)

    @rule(
        index=ENGINES,
        resource=st.sampled_from(RESOURCES),
        name=st.sampled_from(NAMES),
        by_id=st.booleans(),
    )
    def import_(self, index: int, resource: str, name: str, by_id: bool) -> None:
        engine, before = self.engines[index], store()
        if resource in engine.state or name not in before:
            return
        ref = before[name][0] if by_id else name
        assert self._run(index, lambda engine: engine.import_(resource, ref))
        assert engine.state[resource].id == before[name][0]
        assert store() == before

    @rule(index=ENGINES, former=st.sampled_from(RESOURCES), new=st.sampled_from(RESOURCES))
    def rename_in_the_state(self, index: int, former: str, new: str) -> None:
        engine = self.engines[index]
        if former in engine.state and new not in engine.state:
            engine.rename(former, new)

    @rule(index=ENGINES, resource=st.sampled_from(RESOURCES))
    def taint(self, index: int, resource: str) -> None:
        if resource in self.engines[index].state:
            self.engines[index].state[resource].tainted = True

    @rule(index=ENGINES, resource=st.sampled_from(RESOURCES))
    def delete_from_the_state(self, index: int, resource: str) -> None:
        self.engines[index].state.pop(resource, None)

    # -- what others do ------------------------------------------------------------------------

    @rule(name=st.sampled_from(NAMES))
    def the_command_creates(self, name: str) -> None:
        if name not in store():
            operations.create(from_mapping({"name": name, "activate": False}))

    @rule(name=st.sampled_from(NAMES))
    def the_command_deletes_by_force(self, name: str) -> None:
        if name in store():
            operations.delete(name, recursive=True, force=True)


@pytest.mark.slow
def test_any_sequence_of_operations(home: Home) -> None:
    run_state_machine_as_test(
        Sequences,
        settings=settings(
            max_examples=int(os.environ.get("SEQUENCES", "12")),
            stateful_step_count=10,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
