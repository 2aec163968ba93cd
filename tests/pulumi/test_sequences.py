"""Whatever the engine asks, in any order: afterwards the store, the state and the report agree.

Random sequences of ten operations of two programs, on one store, against a model that knows only
which resource has which stack, and what a state cannot know without a refresh. See
`tests.pulumi.driver` for the engine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
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

from kitaru_iac.errors import AlreadyExistsError
from kitaru_iac.gateway import open_reader
from kitaru_iac.labels import OWNER_LABEL, OWNER_RUN_LABEL
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from tests.homes import Home
from tests.pulumi import stored
from tests.pulumi.driver import Engine, Held, Killed, Refused, Wanted, killing, not_active

RESOURCES = ("one", "two")
NAMES = ("a", "b")
PLACES = (None, "/tmp/elsewhere")
#: What a program may say of a resource beside its properties.
OPTIONS = (
    *("protect", "retain", "ignore", "replace_on_changes", "delete_before_replace"),
    *("alias", "import", "activate"),
)
#: A resource of a program: the stack's name, if it is named, its folder, and at most one option.
ASKED = st.tuples(
    st.sampled_from((*NAMES, None)),
    st.sampled_from(PLACES),
    st.sampled_from((None, None, *OPTIONS)),
)
PROGRAMS = st.dictionaries(st.sampled_from(RESOURCES), ASKED)
#: `--replace`, `--target` and `--exclude`; most runs have none of them.
FLAGS = st.sampled_from((None, None, None, "replace", "target", "exclude"))
ENGINES = st.integers(0, 1)

Asked = tuple[str | None, str | None, str | None]
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


def ids() -> set[str]:
    return {stack[0] for stack in store().values()}


def program_of(given: dict[str, Asked]) -> dict[str, Wanted]:
    """A program; what it imports is what has the stack's name at this moment."""
    program, there = {}, store()
    for resource, (name, place, option) in given.items():
        given_here = {"name": name, "artifactStore": place}
        wanted = Wanted({key: value for key, value in given_here.items() if value})
        if option == "ignore":
            wanted.ignore = ("artifactStore",)
        elif option == "alias":
            wanted.aliases = tuple(other for other in RESOURCES if other not in given)
        elif option == "import":
            called = name or resource
            wanted.import_ = there[called][0] if called in there else None
        elif option == "activate":
            wanted.inputs["activate"] = True
        elif option is not None:
            setattr(wanted, option, True)
        program[resource] = wanted
    return program


class Sequences(RuleBasedStateMachine):
    """Two programs, a colleague and the command, on one store."""

    @initialize()
    def begin(self) -> None:
        operations.use("default")
        # With the parts of stacks that were renamed before they were deleted: no deletion takes
        # what has another name than its stack.
        stored.clear()
        number = os.urandom(4).hex()  # the machine's tokens are those of other examples' URNs
        self.engines = [Engine(f"s{number}", project) for project in ("platform", "another")]
        self.exports: list[tuple[Any, Any] | None] = [None, None]
        #: Of each program, the stacks of which its state may say what is no longer so.
        self.stale: list[set[str]] = [set(), set()]
        #: The stacks that were made the active one, whenever it was.
        self.used: set[str] = set()
        use = operations.use

        def noted(ref: str) -> Any:
            done = use(ref)
            self.used.add(ref)
            return done

        self.patched = pytest.MonkeyPatch()
        self.patched.setattr(operations, "use", noted)

    def teardown(self) -> None:
        self.patched.undo()

    # -- what must hold ------------------------------------------------------------------------

    def _is_foreign(self, engine: Engine, stack: tuple[Any, ...]) -> bool:
        """Whether no operation of this program may touch the stack."""
        if any(project == engine.project for project, _ in self._owners(stack)):
            return False
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

    def _deletable(self, index: int) -> set[str]:
        """The stacks that go where the program lets go of them: its own, by the token."""
        there = {stack[0]: stack[1].get(OWNER_RUN_LABEL, "") for stack in store().values()}
        return {
            held.id
            for held in self.engines[index].state.values()
            if not held.retain and there.get(held.id) == held.properties.get("ownerRun")
        }

    def _run(self, index: int, operation: Callable[[Engine], Any]) -> bool:
        """Let a program do something; whether it was not refused, and nothing was killed."""
        engine, before = self.engines[index], store()
        foreign = {name for name, stack in before.items() if self._is_foreign(engine, stack)}
        importing = {held.id for held in engine.state.values()}
        try:
            operation(engine)
            done = True
        except Killed:
            done = False
        except Refused as refused:
            if refused.code is grpc.StatusCode.INTERNAL:
                raise
            done = False
        after = store()
        taken = {held.id for held in engine.state.values()} - importing
        for name in foreign:
            # What nobody owns may be imported, and is then the program's.
            if before[name][0] not in taken or OWNER_LABEL in before[name][1]:
                assert after.get(name) == before[name], f"{engine.project} has touched {name}"
        return done

    @invariant()
    def a_stack_is_in_one_hand(self) -> None:
        for name, stack in store().items():
            assert len(self._owners(stack)) <= 1, (name, stack, self._owners(stack))

    @invariant()
    def what_a_state_says_was_made_active_was(self) -> None:
        for engine in self.engines:
            for held in engine.state.values():
                assert not held.properties.get("activate") or held.id in self.used

    # -- what a program does -------------------------------------------------------------------

    @rule(index=ENGINES, given=PROGRAMS, flag=FLAGS, chosen=st.sampled_from(RESOURCES))
    def up(self, index: int, given: dict[str, Asked], flag: str | None, chosen: str) -> None:
        """A preview, the same for true, and once more."""
        engine, program = self.engines[index], program_of(given)
        options = {flag: {chosen}} if flag and (flag != "replace" or chosen in program) else {}
        before, kept, ours = store(), engine.export(), self._deletable(index)
        foreseen: list[dict[str, str]] = []
        self._run(
            index, lambda engine: foreseen.append(engine.up(program, preview=True, **options))
        )
        assert store() == before
        assert engine.state == kept
        if not self._run(index, lambda engine: engine.up(program, **options)):
            # What was done before the refusal is written; a kept state may not know it.
            return
        assert foreseen == [engine.ops], "the preview said something else, or refused"
        reached = {
            name
            for name in {**program, **kept}
            if name not in options.get("exclude", ()) and name in options.get("target", {name})
        }
        self._agrees(index, given, kept, reached)
        gone = ours - {held.id for held in engine.state.values()}
        assert not {kept[name].id for name in reached & set(kept)} & gone & ids()
        options.pop("replace", None)
        again = engine.up(program, preview=True, **options)
        assert {again[name] for name in reached if name in again} <= {"same"}

    def _agrees(
        self,
        index: int,
        given: dict[str, Asked],
        kept: dict[str, Held],
        reached: Collection[str],
    ) -> None:
        """Whether store and state are what the program says, as far as it was reached."""
        engine, there = self.engines[index], store()
        if not any(option == "alias" for _, _, option in given.values()):
            for name in {**kept, **engine.state}:
                if name not in reached:
                    assert engine.state.get(name) == kept.get(name)
            assert set(engine.state) & set(reached) == set(given) & set(reached)
        for name in set(given) & set(reached):
            self._is_whole(index, name, given[name], there, name in kept)

    def _is_whole(self, index: int, name: str, asked: Asked, there: Stored, was: bool) -> None:
        engine = self.engines[index]
        held, (called, place, option) = engine.state[name], asked
        if engine.ops[name] != "same":
            self.stale[index].discard(held.id)
        if held.id in self.stale[index]:
            return  # no run looks at a stack of which nothing has changed in the program
        if called is None:  # as the resource was called when the stack was made
            called = str(held.properties["name"])
            assert called == name or (was and called in RESOURCES)
        stack_id, labels, parts = there[called]
        assert held.id == stack_id
        assert labels[OWNER_LABEL] == engine.urn(name) == held.properties["ownerUrn"]
        assert labels[OWNER_RUN_LABEL] == held.properties["ownerRun"]
        (folder,) = [c.get("path") for _, role, c in parts if role == "artifact_store"]
        assert (folder or None) == held.properties.get("artifactStore")
        if option != "ignore" or not was:
            assert (folder or None) == place

    @rule(index=ENGINES, given=PROGRAMS, call=st.integers(0, 2), written=st.booleans())
    def killed(self, index: int, given: dict[str, Asked], call: int, written: bool) -> None:
        """The plugin dies at a write, or right after it; the same command goes on."""
        program = program_of(given)
        with killing(call, written=written):
            self._run(index, lambda engine: engine.up(program))
        self._goes_on(index, given, program)

    @rule(index=ENGINES, given=PROGRAMS)
    def half_made(self, index: int, given: dict[str, Asked]) -> None:
        """No stack can be made active; the same command goes on."""
        program = program_of(given)
        with not_active():
            self._run(index, lambda engine: engine.up(program))
        self._goes_on(index, given, program)

    @rule(index=ENGINES, given=PROGRAMS, calls=st.integers(0, 6))
    def cancelled(self, index: int, given: dict[str, Asked], calls: int) -> None:
        """Ctrl-C: what comes after it is not begun; the same command goes on."""
        program, plugin = program_of(given), self.engines[index].plugin
        plugin.left = calls
        self._run(index, lambda engine: engine.up(program))
        plugin.left = None
        self._goes_on(index, given, program)

    def _goes_on(self, index: int, given: dict[str, Asked], program: dict[str, Wanted]) -> None:
        engine = self.engines[index]
        if self._run(index, lambda engine: engine.up(program)):
            self._agrees(index, given, engine.export(), set(given))
        else:
            self.stale[index] |= {held.id for held in engine.state.values()}

    @rule(index=ENGINES)
    def destroy(self, index: int) -> None:
        engine = self.engines[index]
        ours = self._deletable(index)
        kept = {held.id for held in engine.state.values() if held.protect or held.retain} & ids()
        if self._run(index, lambda engine: engine.destroy()):
            assert not engine.state
            assert not ours & ids()
        assert kept <= ids()

    @rule(index=ENGINES, preview=st.booleans())
    def refresh(self, index: int, preview: bool) -> None:
        engine, before = self.engines[index], store()
        kept = engine.export()
        assert self._run(index, lambda engine: engine.refresh(preview=preview))
        assert store() == before
        there = ids()
        if preview:
            assert engine.state == kept
        else:
            assert {name for name, held in kept.items() if held.id in there} == set(engine.state)
            self.stale[index].clear()

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
        if any(held.id == before[name][0] for held in engine.state.values()):
            return  # the engine imports no object twice
        assert self._run(index, lambda engine: engine.import_(resource, ref))
        assert engine.state[resource].id == before[name][0]
        assert store() == before

    @rule(index=ENGINES, former=st.sampled_from(RESOURCES), new=st.sampled_from(RESOURCES))
    def rename_in_the_state(self, index: int, former: str, new: str) -> None:
        engine = self.engines[index]
        if former in engine.state and new not in engine.state:
            engine.rename(former, new)

    @rule(index=ENGINES, resource=st.sampled_from(RESOURCES))
    def move_to_the_other_state(self, index: int, resource: str) -> None:
        engine, other = self.engines[index], self.engines[1 - index]
        if resource in engine.state and resource not in other.state:
            if engine.state[resource].id in self.stale[index]:
                self.stale[1 - index].add(engine.state[resource].id)
            engine.move(resource, other)
            self.exports[index] = None  # both states would have the stack

    @rule(index=ENGINES, resource=st.sampled_from(RESOURCES))
    def taint(self, index: int, resource: str) -> None:
        if resource in self.engines[index].state:
            self.engines[index].state[resource].tainted = True

    @rule(index=ENGINES, resource=st.sampled_from(RESOURCES))
    def delete_from_the_state(self, index: int, resource: str) -> None:
        self.engines[index].state.pop(resource, None)

    @rule(index=ENGINES)
    def export(self, index: int) -> None:
        engine = self.engines[index]
        self.exports[index] = engine.export(), list(engine.pending)

    @rule(index=ENGINES)
    def import_an_earlier_export(self, index: int) -> None:
        exported, engine = self.exports[index], self.engines[index]
        if exported is not None:
            engine.state, engine.pending = exported
            self.stale[index] = {held.id for held in engine.state.values()}
            self.exports[index] = None

    # -- what others do ------------------------------------------------------------------------

    @rule(name=st.sampled_from(NAMES))
    def the_command_creates(self, name: str) -> None:
        if name in store():
            return
        try:
            operations.create(from_mapping({"name": name, "activate": False}))
        except AlreadyExistsError:
            # The parts of a stack that was renamed keep its former name, in that stack or in none.
            assert stored.parts(name)
            assert name not in store()

    @rule(name=st.sampled_from(NAMES))
    def the_command_deletes_by_force(self, name: str) -> None:
        if name in store():
            self._unseen(name)
            operations.delete(name, recursive=True, force=True)

    @rule(name=st.sampled_from(NAMES))
    def a_colleague_changes_it(self, name: str) -> None:
        if name in store():
            stored.configure(name, "artifact_store", path="/tmp/a-colleagues")
            self._unseen(name)

    @rule(name=st.sampled_from((*NAMES, *RESOURCES)), new=st.sampled_from(NAMES))
    def a_colleague_renames_it(self, name: str, new: str) -> None:
        """The stack alone, as ZenML's own command does it."""
        there = store()
        if name in there and new not in there:
            self._unseen(name)
            stored.rename(name, new)

    def _unseen(self, name: str) -> None:
        for stale in self.stale:
            stale.add(store()[name][0])


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
