"""What is taken back of writes, and from whom nothing is: the journal, lost answers, restoring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
    UsageError,
)
from kitaru_iac.gateway.documents import (
    UNSET,
    ComponentChange,
    ComponentDoc,
    ConnectorChange,
    ConnectorDoc,
    Member,
    NewComponent,
    NewConnector,
    NewStack,
    OrphanedSecret,
    StackChange,
    StackDoc,
)
from kitaru_iac.records import lost
from kitaru_iac.records.journal import Journal, Theirs
from kitaru_iac.records.requests import is_made, merged

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LABELS = {"kitaru.managed": "true", "kitaru.owner": "a"}


# -- the journal -----------------------------------------------------------------------------------


def failing(error: BaseException) -> Callable[..., Any]:
    def fail(*_: object) -> Any:
        raise error

    return fail


def nothing(*_: object) -> None:
    return None


@pytest.mark.parametrize(
    ("error", "is_ours", "noted"),
    [
        # A store that says why wrote nothing.
        (AlreadyExistsError("x"), True, False),
        (NotFoundError("x"), True, False),
        (NotAllowedError("x"), True, False),
        (UsageError("x"), True, False),
        (AlreadyExistsError("x"), False, False),
        # It may have written, and has answered: what is there may be somebody else's.
        (KitaruError("500"), True, True),
        (KitaruError("500"), False, False),
        # No answer: it is looked up in any case.
        (NotConnectedError("x"), True, True),
        (NotConnectedError("x"), False, True),
        (KeyboardInterrupt(), True, True),
        (KeyboardInterrupt(), False, True),
        (RuntimeError("a bug"), False, True),
    ],
    ids=repr,
)
def test_a_write_that_failed_is_looked_up_unless_it_was_refused(
    error: BaseException, is_ours: bool, noted: bool
) -> None:
    journal, looked = Journal(nothing), []
    with pytest.raises(type(error)):
        journal._write(
            "a part", failing(error), unknown=lambda: looked.append("up"), is_ours=is_ours
        )
    assert journal.roll_back() == []
    assert looked == (["up"] if noted else [])


def test_writes_are_taken_back_with_what_they_gave_the_newest_first() -> None:
    before: list[str] = []
    undone: list[object] = []
    journal = Journal(lambda: before.append("asked"))
    unknown = failing(RuntimeError("not this one"))
    assert journal._write("1", lambda: "id-1", unknown=unknown, undo=undone.append) == "id-1"
    journal._write("2", lambda: "id-2", unknown=lambda: undone.append("looked up"))
    journal._write("3", lambda: "id-3", unknown=unknown, undo=undone.append)
    assert before == ["asked"] * 3
    assert journal.roll_back() == []
    assert undone == ["id-3", "looked up", "id-1"]
    assert journal.roll_back() == []  # once
    assert len(undone) == 3


def test_what_is_stopped_before_it_is_written_is_not_in_the_journal() -> None:
    journal = Journal(failing(KitaruError("stop")))
    with pytest.raises(KitaruError, match="stop"):
        journal._write("a", failing(AssertionError("written")), unknown=failing(RuntimeError()))
    assert journal.roll_back() == []


def test_one_that_cannot_be_taken_back_is_named_and_keeps_no_other() -> None:
    journal, undone = Journal(nothing), []
    for what, undo in (
        ("first", lambda _: undone.append("first")),
        ("gone", failing(NotFoundError("x"))),
        ("theirs", failing(Theirs("component c"))),
        ("stuck", failing(RuntimeError("x"))),
    ):
        journal._write(what, nothing, unknown=nothing, undo=undo)
    assert journal.roll_back() == ["stuck"]
    assert (journal.theirs, undone) == (["component c"], ["first"])


def test_an_interrupted_undo_is_tried_again_by_the_next() -> None:
    journal, tries = Journal(nothing), []

    def undo(_: object) -> None:
        tries.append("once")
        if len(tries) == 1:
            raise KeyboardInterrupt

    journal._write("a", nothing, unknown=nothing, undo=undo)
    with pytest.raises(KeyboardInterrupt):
        journal.roll_back()
    assert journal.roll_back() == []
    assert len(tries) == 2


def test_after_a_commit_nothing_is_taken_back() -> None:
    journal = Journal(nothing)
    journal._write("a", nothing, unknown=nothing, undo=failing(RuntimeError()))
    journal.commit()
    assert journal.roll_back() == []


# -- lost answers ----------------------------------------------------------------------------------

COMPONENT = NewComponent("artifact_store", "s", "s3", {}, LABELS, "link")
CONNECTOR = NewConnector("s", "aws", "secret-key", {}, {}, LABELS)
STACK = NewStack("s", LABELS, {"artifact_store": (COMPONENT,), "orchestrator": ("runner",)})


def component(id: str = "store", **changes: Any) -> ComponentDoc:
    doc = ComponentDoc(id, "artifact_store", "s", "s3", {}, LABELS, "link", None, NOW)
    return replace(doc, **changes)


def connector(**changes: Any) -> ConnectorDoc:
    return replace(ConnectorDoc("link", "s", "aws", "secret-key", {}, {}, LABELS, NOW), **changes)


def stack(**changes: Any) -> StackDoc:
    members = {"artifact_store": (Member("store", "s"),), "orchestrator": (Member("runner", "r"),)}
    return replace(StackDoc("stack", "s", LABELS, members, NOW), **changes)


RUNNER = component("runner", type="orchestrator", name="r", flavor="local", connector_id=None)


class Held:
    """What a store holds, and what is deleted of it."""

    def __init__(self, *docs: object, users: Mapping[str, list[Any]] | None = None) -> None:
        self.docs, self.users = list(docs), users or {}
        self.deleted: list[str] = []

    def _named(self, kind: type, where: Any) -> list[Any]:
        used = where.uses_component or where.uses_connector
        if used is not None:
            return self.users.get(used, [])
        found = [doc for doc in self.docs if isinstance(doc, kind)]
        gone = [doc for doc in found if f"{kind.__name__} {doc.id}" in self.deleted]  # type: ignore[attr-defined]
        if where.in_stack is not None:
            return found
        return [d for d in found if d not in gone and d.name in where.names]  # type: ignore[attr-defined]

    def stacks(self, where: Any) -> list[StackDoc]:
        return self._named(StackDoc, where)

    def components(self, where: Any) -> list[ComponentDoc]:
        return self._named(ComponentDoc, where)

    def connectors(self, where: Any) -> list[ConnectorDoc]:
        return self._named(ConnectorDoc, where)

    def orphaned_secrets(self, connectors: tuple[str, ...]) -> list[OrphanedSecret]:
        assert connectors == ("s",)
        return [doc for doc in self.docs if isinstance(doc, OrphanedSecret)]

    def delete(self, kind: str, id: str) -> bool:
        names = {"component": "ComponentDoc", "connector": "ConnectorDoc", "stack": "StackDoc"}
        self.deleted.append(f"{names.get(kind, kind)} {id}")
        return True


OTHERS = {"kitaru.managed": "true", "kitaru.owner": "b"}


@pytest.mark.parametrize(
    ("changes", "used", "gone"),
    [
        ({}, False, True),
        ({"type": "gcp"}, False, False),
        ({"auth_method": "iam-role"}, False, False),
        ({"labels": OTHERS}, False, False),
        ({"labels": {}}, False, False),
        ({"name": "t"}, False, False),
        ({}, True, False),
    ],
)
def test_a_connector_whose_answer_was_lost_goes_if_it_is_the_one_and_nobody_uses_it(
    changes: dict[str, Any], used: bool, gone: bool
) -> None:
    held = Held(connector(**changes), users={"link": [RUNNER] if used else []})
    lost.delete_connector(held, CONNECTOR)  # type: ignore[arg-type]
    assert held.deleted == (["ConnectorDoc link"] if gone else [])


def test_the_secret_of_a_connector_that_was_not_made_goes() -> None:
    held = Held(OrphanedSecret("secret-id", "x", "s"))
    lost.delete_connector(held, CONNECTOR)  # type: ignore[arg-type]
    assert held.deleted == ["secret secret-id"]


ALIKE: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"connector_id": None}, True),  # linked after it is made
    ({"connector_id": "another"}, False),
    ({"type": "orchestrator"}, False),
    ({"flavor": "gcp"}, False),
    ({"labels": OTHERS}, False),
    ({"name": "t"}, False),
]


@pytest.mark.parametrize(("changes", "alike"), ALIKE)
@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("is_ours", [False, True])
def test_a_component_whose_answer_was_lost_goes_if_it_can_be_nobody_elses(
    changes: dict[str, Any], alike: bool, used: bool, is_ours: bool
) -> None:
    held = Held(component(**changes), users={"store": [stack()] if used else []})
    wanted = [COMPONENT, replace(COMPONENT, type="container_registry")]
    if alike and not used and not is_ours:
        with pytest.raises(KitaruError, match="may be another's"):
            lost.delete_components(held, wanted, is_ours)  # type: ignore[arg-type]
        assert held.deleted == []
        return
    lost.delete_components(held, wanted, is_ours)  # type: ignore[arg-type]
    assert held.deleted == (["ComponentDoc store"] if alike and not used else [])


def test_where_no_component_was_to_come_none_is_looked_for() -> None:
    lost.delete_components(None, [], True)  # type: ignore[arg-type]


def members(**of_kinds: tuple[str, ...]) -> dict[str, tuple[Member, ...]]:
    return {kind: tuple(Member(part, part) for part in ids) for kind, ids in of_kinds.items()}


@pytest.mark.parametrize(
    ("found", "part", "is_it"),
    [
        (stack(), component(), True),
        (stack(name="t"), component(), False),
        (stack(labels=OTHERS), component(), False),
        (stack(members=members(artifact_store=("store",))), component(), False),
        (
            stack(members=members(artifact_store=("store", "x"), orchestrator=("runner",))),
            component(),
            False,
        ),
        (
            stack(members=members(artifact_store=("store",), orchestrator=("other",))),
            component(),
            False,
        ),
        (
            stack(members=members(artifact_store=("other",), orchestrator=("runner",))),
            component(),
            False,
        ),
        (stack(), component(flavor="gcp"), False),
        (stack(), component(connector_id=None), False),
        (stack(), component(connector_id="another"), False),
    ],
)
def test_a_stack_whose_answer_was_lost_is_found_exactly_as_it_was_to_be(
    found: StackDoc, part: ComponentDoc, is_it: bool
) -> None:
    held = Held(found, replace(part, name="theirs"), RUNNER)
    assert lost.find_stack(held, STACK) == (found if is_it else None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("labels", "gone"), [(LABELS, True), (OTHERS, False)])
def test_the_parts_of_a_stack_that_was_cut_off_before_it_was_made_go(
    labels: dict[str, str], gone: bool
) -> None:
    unnamed = replace(COMPONENT, name="", labels={})  # a store names and labels them as the stack
    new = replace(STACK, members={"artifact_store": (unnamed,), "orchestrator": ("runner",)})
    held = Held(component(labels=labels), RUNNER)
    lost.delete_parts_of(held, new, True)  # type: ignore[arg-type]
    assert held.deleted == (["ComponentDoc store"] if gone else [])


# -- restoring -------------------------------------------------------------------------------------

Doc = StackDoc | ComponentDoc | ConnectorDoc
Change = StackChange | ComponentChange | ConnectorChange
MEMBERS = {"artifact_store": ("store",), "orchestrator": ("runner",)}


@pytest.mark.parametrize(
    ("doc", "new", "ours"),
    [
        (stack(), StackChange(), True),
        (stack(), StackChange(name="s", labels=LABELS, members=MEMBERS, description=""), True),
        (stack(), StackChange(name="t"), False),
        (stack(), StackChange(labels=OTHERS), False),
        (stack(), StackChange(labels={}), False),
        (stack(), StackChange(members={**MEMBERS, "orchestrator": ("other",)}), False),
        (stack(), StackChange(members={"artifact_store": ("store",)}), False),
        (stack(), StackChange(description="x"), False),
        (stack(description="x"), StackChange(description="x"), True),
        (component(), ComponentChange(), True),
        (component(), ComponentChange(name="s", labels=LABELS, connector_id="link"), True),
        (component(), ComponentChange(connector_id=None), False),
        (component(connector_id=None), ComponentChange(connector_id=None), True),
        (component(), ComponentChange(connector_resource_id="b"), False),
        (component(connector_resource_id="b"), ComponentChange(connector_resource_id="b"), True),
        (component(), ComponentChange(configuration={"a": 1}), False),
        (component(configuration={"a": 1}), ComponentChange(configuration={"a": 1}), True),
        (component(configuration={"a": 1}), ComponentChange(configuration=UNSET), True),
        (component(), ComponentChange(labels=OTHERS), False),
        (connector(), ConnectorChange(), True),
        (connector(), ConnectorChange(auth_method="secret-key"), True),
        (connector(), ConnectorChange(auth_method="iam-role"), False),
        (connector(), ConnectorChange(auth_method="iam-role", configuration={}), False),
        (connector(), ConnectorChange(configuration={"region": "a"}), False),
        (
            connector(configuration={"region": "a"}),
            ConnectorChange(configuration={"region": "a"}),
            True,
        ),
        (connector(configuration={"region": "a"}), ConnectorChange(configuration={}), False),
        (connector(configuration={"region": "a"}), ConnectorChange(), True),
        # Another kind of thing is not what was changed.
        (stack(), ComponentChange(), False),
        (component(), ConnectorChange(), False),
        (connector(), StackChange(), False),
    ],
)
def test_what_is_as_it_was_to_be_written_is_made(doc: Doc, new: Change, ours: bool) -> None:
    assert is_made(doc, new) is ours
    assert is_made(None, new) is False


@pytest.mark.parametrize(
    ("old", "new", "both"),
    [
        ({"team": "ml"}, LABELS, {"team": "ml", **LABELS}),
        (OTHERS, LABELS, LABELS),
        ({**OTHERS, "kitaru.more": "x", "team": "ml"}, {}, {"team": "ml"}),
        ({"team": "ml"}, {"team": "ops"}, {"team": "ops"}),
    ],
)
def test_labels_of_the_user_stay_and_ours_are_the_new_ones(
    old: dict[str, str], new: dict[str, str], both: dict[str, str]
) -> None:
    assert merged(old, new) == both
