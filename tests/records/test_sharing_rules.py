"""What a change of one stack does to others that hold its parts, and what is deleted last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.errors import AlreadyExistsError, KitaruError, ProtectedStackError
from kitaru_iac.plan.model import Action, Reason, Step
from kitaru_iac.records.model import Records
from kitaru_iac.records.names import final_name, temporary_name
from kitaru_iac.records.pending_deletes import PendingDeletes
from kitaru_iac.records.rename import require_free
from kitaru_iac.records.sharing import with_sharing
from kitaru_iac.records.snapshot import how_to_see, take_snapshot
from tests.records.shelf import Shelf, id_of

CREATE, UPDATE, REPLACE = Action.CREATE, Action.UPDATE, Action.REPLACE
DELETE, KEEP = Action.DELETE, Action.KEEP
STORE, LINK = "artifact_store", "service_connector"


def shared(*beside: str) -> Shelf:
    """Stack `s` with its own parts; `beside` are stacks that hold its store too."""
    shelf = Shelf().link("link", "s").component("store", "s", connector="link")
    shelf.component("runner", "s", type="orchestrator").stack("s", "s", "store", "runner")
    for name in beside:
        shelf.stack(name, name, "store")
    return shelf


def stored(shelf: Shelf) -> Records:
    found = shelf.read("s")
    assert found is not None
    return found


def judged(shelf: Shelf, *steps: Step) -> tuple[Sequence[Step], list[str]]:
    found, warnings = with_sharing(shelf, stored(shelf), steps)
    assert shelf.written == [], "it looks, and writes nothing"
    return found, [str(warning) for warning in warnings]


@pytest.mark.parametrize("action", [UPDATE, DELETE, REPLACE, CREATE, KEEP])
def test_a_part_that_nobody_else_uses_is_changed_as_it_was_to_be(action: Action) -> None:
    steps = (Step(action, STORE, "s"), Step(action, LINK, "s"), Step(action, "orchestrator", "s"))
    assert judged(shared(), *steps) == (steps, [])


@pytest.mark.parametrize("action", [CREATE, KEEP])
def test_nothing_is_asked_about_a_part_that_is_not_touched(action: Action) -> None:
    step = Step(action, STORE, "s")
    store: Any = SimpleNamespace(gateway=None)
    assert with_sharing(store, stored(shared("t")), [step]) == ((step,), ())


def test_a_part_that_others_use_changes_there_as_well_and_says_so() -> None:
    (step, other), warnings = judged(
        shared("u", "t"), Step(UPDATE, STORE, "s"), Step(UPDATE, "orchestrator", "s")
    )
    assert (step.action, step.used_by) == (UPDATE, ("stack t", "stack u"))
    assert (other.action, other.used_by) == (UPDATE, ())
    assert warnings == [
        "The artifact store s is used by stack t, stack u too: it changes there as well."
    ]


def test_a_part_that_others_use_leaves_this_stack_only() -> None:
    (step,), warnings = judged(shared("t"), Step(DELETE, STORE, "s"))
    assert (step.action, step.used_by, step.code) == (KEEP, ("stack t",), Reason.SHARED)
    assert step.reason == "used by stack t: it leaves this stack only"
    assert warnings == []


@pytest.mark.parametrize(
    "steps",
    [
        [Step(REPLACE, STORE, "s")],
        [Step(DELETE, STORE, "s"), Step(REPLACE, "stack", "s")],
        [Step(REPLACE, "stack", "s"), Step(REPLACE, STORE, "s")],
    ],
)
def test_what_others_use_makes_no_room(steps: list[Step]) -> None:
    with pytest.raises(ProtectedStackError) as refused:
        judged(shared("t"), *steps)
    assert refused.value.what == "Stack 's' cannot be changed so without changing others"
    assert refused.value.why == (
        "The artifact store s is used by stack t too, and would be replaced."
    )
    assert refused.value.remedy == (
        "Give it another name, or let the others use parts of their own first."
    )


@pytest.mark.parametrize(
    "steps",
    [
        [Step(DELETE, STORE, "s"), Step(DELETE, "stack", "s")],
        [Step(DELETE, STORE, "s"), Step(REPLACE, "orchestrator", "s")],
        [Step(UPDATE, STORE, "s"), Step(REPLACE, "stack", "s")],
    ],
)
def test_only_a_stack_that_is_made_anew_needs_the_room(steps: list[Step]) -> None:
    found, _ = judged(shared("t"), *steps)
    assert found[0].used_by == ("stack t",)


@pytest.mark.parametrize("action", [UPDATE, DELETE, REPLACE])
def test_what_is_not_the_stacks_own_is_not_its_to_change(action: Action) -> None:
    shelf = Shelf().component("store", "theirs").component("runner", "s", type="orchestrator")
    shelf.stack("s", "s", "store", "runner").stack("t", "t", "store")
    steps = (Step(action, STORE, "theirs"), Step(action, "container_registry", "s"))
    assert judged(shelf, *steps) == (steps, [])


@pytest.mark.parametrize(
    ("action", "beside", "users"),
    [
        # Its own part stays, and goes with it.
        (UPDATE, "", ()),
        (DELETE, "", ()),
        # A part of this stack that is not its own is left without a link.
        (UPDATE, "theirs in this stack", ()),
        (DELETE, "theirs in this stack", ("container registry theirs",)),
        # So is one that no stack has, and one that others have.
        (UPDATE, "in no stack", ("container registry theirs",)),
        (DELETE, "in no stack", ("container registry theirs",)),
        (UPDATE, "in another stack", ("stack t",)),
        (DELETE, "in another stack", ("stack t",)),
        (DELETE, "in both", ("stack t",)),
        (UPDATE, "in both", ()),
    ],
)
def test_whoever_is_linked_to_a_connector_uses_it(
    action: Action, beside: str, users: tuple[str, ...]
) -> None:
    shelf = Shelf().link("link", "s").component("store", "s", connector="link")
    members = ["store"]
    if beside:
        shelf.component("images", "theirs", type="container_registry", connector="link")
    if beside in {"theirs in this stack", "in both"}:
        members.append("images")
    shelf.stack("s", "s", *members)
    if beside in {"in another stack", "in both"}:
        shelf.stack("t", "t", "images")
    (step,), warnings = judged(shelf, Step(action, LINK, "s"))
    assert step.used_by == users
    assert step.action is (KEEP if users and action is DELETE else action)
    assert bool(warnings) is (bool(users) and action is UPDATE)
    for warning in warnings:
        assert warning.startswith(f"The service connector s is used by {users[0]} too: ")


def test_a_connector_of_somebody_else_is_nobodys_to_change() -> None:
    shelf = Shelf().link("link", "theirs").component("store", "s", connector="link")
    shelf.component("images", "x", type="container_registry", connector="link")
    shelf.stack("s", "s", "store")
    steps = (Step(DELETE, LINK, "theirs"),)
    assert judged(shelf, *steps) == (steps, [])
    bare = Shelf().component("store", "s").stack("s", "s", "store")
    assert judged(bare, *steps) == (steps, [])


# -- what is deleted last --------------------------------------------------------------------------


class Writing:
    """Notes what is deleted, and fails at some of it."""

    def __init__(self, *fails: str) -> None:
        self.deleted: list[str] = []
        self.fails = fails

    def _delete(self, id: str) -> None:
        if id in self.fails:
            raise KitaruError("no")
        self.deleted.append(id)

    delete_stack = delete_component = delete_connector = _delete

    def require_others(self, users: Iterable[str]) -> None:
        pass

    def still_there(self) -> frozenset[str]:
        return frozenset()


@pytest.mark.parametrize("is_used", [False, True])
def test_what_is_used_by_the_time_it_would_be_deleted_stays(is_used: bool) -> None:
    shelf = shared()
    writer: Any = Writing()
    records = stored(shelf)
    component, connector = records.component(STORE), records.connector
    assert component is not None
    assert connector is not None
    waiting = PendingDeletes(shelf, writer)
    waiting.stack("s", id_of("s"))
    waiting.component(component)
    waiting.connector("s", id_of("link"))
    assert waiting.names == ["stack s", "artifact_store s", "service connector s"]
    if not is_used:
        shelf.memory.delete("stack", id_of("s"))
        shelf.memory.delete("component", id_of("store"))
    gone: list[str] = []
    kept: list[str] = []
    waiting.run(gone, kept)
    expected = [id_of("s")] if is_used else [id_of("s"), id_of("store"), id_of("link")]
    assert writer.deleted == expected
    assert waiting.names == []
    assert gone == ["stack s", *([] if is_used else ["artifact_store s", "service connector s"])]
    assert [line.partition(" (used by ")[0] for line in kept] == (
        ["artifact_store s", "service connector s"] if is_used else []
    )


def test_a_deletion_that_fails_stops_those_behind_it_and_is_tried_again() -> None:
    writer: Any = Writing(id_of("b"))
    waiting = PendingDeletes(shared(), writer)
    for name in ("a", "b", "c"):
        waiting.stack(name, id_of(name))
    gone: list[str] = []
    with pytest.raises(KitaruError):
        waiting.run(gone, [])
    assert (gone, waiting.names) == (["stack a"], ["stack b", "stack c"])
    writer.fails = ()
    waiting.run(gone, [])
    assert gone == ["stack a", "stack b", "stack c"]
    assert writer.deleted == [id_of("a"), id_of("b"), id_of("c")]


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "final"),
    [
        (temporary_name("dev", "0123abcd"), "dev"),
        (temporary_name("dev-new-0123abcd", "0123abcd"), "dev-new-0123abcd"),
        ("dev", None),
        ("dev-new-0123abc", None),
        ("dev-new-0123abcde", None),
        ("dev-new-0123ABCD", None),
        ("dev-new-0123abcd-replaced", None),
        ("-new-0123abcd", None),
        ("dev-replaced", None),
    ],
)
def test_only_a_name_of_a_run_s_own_is_temporary(name: str, final: str | None) -> None:
    assert final_name(name) == final


@pytest.mark.parametrize(("taken", "fine"), [(None, True), ("me", True), ("another", False)])
def test_a_name_is_free_where_nobody_else_has_it(taken: str | None, *, fine: bool) -> None:
    if fine:
        require_free("me", "old", "new", taken)
        return
    with pytest.raises(AlreadyExistsError) as refused:
        require_free("me", "old", "new", taken)
    assert refused.value.what == "Stack 'old' cannot be called 'new' again: another stack is"
    assert refused.value.remedy == "See it with: kitaru stack show new"


@pytest.mark.parametrize("is_local", [True, False])
def test_a_snapshot_knows_what_is_there_under_each_name_and_no_other(is_local: bool) -> None:
    shelf = Shelf(is_local_file=is_local).link("link", "s").component("store", "s")
    shelf.component("runner", "t", type="orchestrator").component("x", "x")
    shelf.stack("s", "s", "store", "runner").stack("t", "t", "runner", "x").stack("u", "u")
    seen = take_snapshot(shelf.gateway, "s", "t", "nobody")
    assert seen.names == {"s", "t", "nobody"}
    assert (set(seen.stacks), set(seen.connectors)) == ({"s", "t"}, {"s"})
    assert {name: set(found) for name, found in seen.components.items()} == {
        "s": {STORE},
        "t": {"orchestrator"},
        "nobody": set(),
    }
    members = seen.members(seen.stacks["s"])
    assert members is not None
    assert set(members) == {id_of("store"), id_of("runner")}
    assert seen.members(seen.stacks["t"]) is None  # one has another name
    assert [seen.holds(id_of(one)) for one in ("store", "x", "link")] == [True, True, False]


def test_a_stack_that_is_gone_is_not_shown() -> None:
    shelf = shared()
    assert how_to_see(shelf.gateway, "s") == "See it with: kitaru stack show s"
    assert how_to_see(shelf.gateway, "x") == (
        "No stack is called 'x' any more. See those there are: kitaru stack list"
    )

    class Away:
        def stacks(self, where: object) -> list[object]:
            raise KitaruError("away")

    away: Any = Away()
    assert how_to_see(away, "x") == "See it with: kitaru stack show x"
