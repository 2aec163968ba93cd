"""What a server refuses and has done all the same: something between may send a write twice."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
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
    ComponentChange,
    ConnectorChange,
    StackChange,
)
from kitaru_iac.gateway.errors import login_refused
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.records import lost
from kitaru_iac.records.requests import is_made
from kitaru_iac.records.writer import Writer
from kitaru_iac.redaction import SecretText
from tests.records.test_takeback_rules import (
    COMPONENT,
    CONNECTOR,
    OTHERS,
    RUNNER,
    STACK,
    Held,
    component,
    connector,
    failing,
    stack,
)

#: With these it answers; it may say that it has done nothing, and be wrong.
REFUSALS = [
    AlreadyExistsError("refused"),
    NotFoundError("refused"),
    NotAllowedError("refused"),
    KitaruError("refused"),
]
#: After these nobody looks: it was not sent, or the undoing looks.
OTHER = [UsageError("x"), NotConnectedError("x"), AnswerLost("x"), KeyboardInterrupt()]


def unused() -> Any:
    raise AssertionError("nobody looks")


# -- one write -------------------------------------------------------------------------------------


def test_what_is_not_refused_is_not_looked_at() -> None:
    assert lost.unless_made(lambda: "made", unused) == "made"


@pytest.mark.parametrize("error", OTHER, ids=repr)
def test_what_was_not_sent_or_not_answered_is_looked_at_when_it_is_undone(
    error: BaseException,
) -> None:
    with pytest.raises(type(error)) as raised:
        lost.unless_made(failing(error), unused)
    assert raised.value is error


@pytest.mark.parametrize("error", REFUSALS, ids=repr)
def test_what_is_refused_and_is_there_is_made(error: KitaruError) -> None:
    assert lost.unless_made(failing(error), lambda: "found") == "found"


@pytest.mark.parametrize("error", REFUSALS, ids=repr)
def test_what_is_refused_and_is_not_seen_is_refused(error: KitaruError) -> None:
    with pytest.raises(type(error)) as raised:
        lost.unless_made(failing(error), lambda: None)
    assert raised.value is error


def test_for_a_login_that_is_not_known_nothing_is_done() -> None:
    """Nor can it look."""
    error = login_refused("https://zenml.example")
    with pytest.raises(NotAllowedError) as raised:
        lost.unless_made(failing(error), failing(login_refused("https://zenml.example")))
    assert raised.value is error


@pytest.mark.parametrize(
    "look",
    [NotConnectedError("silent"), KitaruError("silent"), NotAllowedError("silent")],
    ids=repr,
)
def test_what_is_refused_and_cannot_be_looked_at_may_be_done(look: KitaruError) -> None:
    with pytest.raises(AnswerLost) as raised:
        lost.unless_made(failing(AlreadyExistsError("taken")), failing(look))
    assert raised.value.why == "taken. Then: silent"


# -- what was to be created ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, True),
        ({"labels": OTHERS}, False),
        ({"type": "gcp"}, False),
        ({"auth_method": "iam-role"}, False),
    ],
)
def test_a_connector_is_found_as_it_was_to_be(changes: dict[str, Any], found: bool) -> None:
    doc = connector(**changes)
    held: Any = Held(doc)
    assert lost.find_connector(held, CONNECTOR) == (doc if found else None)


@pytest.mark.parametrize(
    ("changes", "used", "found"),
    [
        ({}, False, True),
        # Another's stack came with it, or it is just being linked: it can be another's.
        ({}, True, False),
        ({"connector_id": None}, False, False),
        ({"connector_id": "another"}, False, False),
        ({"labels": OTHERS}, False, False),
        ({"flavor": "gcp"}, False, False),
        ({"type": "orchestrator"}, False, False),
    ],
)
def test_a_component_is_found_whole_and_unused(
    changes: dict[str, Any], used: bool, found: bool
) -> None:
    doc = component(**changes)
    held: Any = Held(doc, users={"store": [stack()] if used else []})
    assert lost.find_component(held, COMPONENT) == (doc if found else None)


@pytest.mark.parametrize(
    ("changes", "part", "found"),
    [
        ({}, {}, True),
        ({"labels": OTHERS}, {}, False),
        ({}, {"flavor": "gcp"}, False),
        ({}, {"connector_id": None}, False),
        ({"members": {}}, {}, False),
    ],
)
def test_a_stack_is_found_with_exactly_what_was_to_be_in_it(
    changes: dict[str, Any], part: dict[str, Any], found: bool
) -> None:
    doc = stack(**changes)
    held: Any = Held(doc, component(**part), RUNNER)
    assert lost.find_stack(held, STACK) == (doc if found else None)


# -- what was to be changed ------------------------------------------------------------------------

SECRET = ConnectorChange(configuration={}, secrets={"key": SecretText("s")})


@pytest.mark.parametrize(
    ("doc", "change", "made"),
    [
        (None, StackChange(name="s"), False),
        (stack(), StackChange(name="s"), True),
        (stack(), StackChange(name="t"), False),
        (component(), ComponentChange(configuration={"path": "x"}), False),
        (connector(secrets={"key": "s"}), SECRET, True),
        (connector(secrets={"key": "other"}), SECRET, False),
        # What cannot be read may be what was written, or what was there before.
        (connector(secrets_hidden=True), SECRET, None),
        (connector(secrets_hidden=True), replace(SECRET, name="t"), False),
        (connector(secrets_hidden=True), ConnectorChange(name="s"), True),
        (connector(secrets_hidden=True), ConnectorChange(configuration={}, secrets={}), True),
    ],
)
def test_a_change_is_made_where_all_of_it_is_seen(doc: Any, change: Any, made: object) -> None:
    assert is_made(doc, change) is made


# -- by a writer -----------------------------------------------------------------------------------


class Refusing(Held):
    """A server that does what it is sent and says that it has not."""

    def __init__(self, *docs: Any, error: KitaruError, does: bool = True, kind: str = "server"):
        super().__init__(*docs)
        self.error, self.does = error, does
        self.place = SimpleNamespace(kind=kind, url="https://zenml.example")
        self.sent: list[StackChange] = []
        self.looked = 0

    def stacks(self, where: Any) -> Any:
        self.looked += 1
        return [doc for doc in self.docs if doc.id in where.ids and not self.deleted]  # type: ignore[attr-defined]

    def update_stack(self, id: str, change: StackChange) -> None:
        self.sent.append(change)
        if self.does:
            self.docs = [replace(doc, name=change.name) for doc in self.docs]  # type: ignore[type-var]
        if len(self.sent) == 1:
            raise self.error

    def delete(self, kind: str, id: str) -> bool:
        if self.does:
            super().delete(kind, id)
        raise self.error


@pytest.mark.parametrize("error", REFUSALS, ids=repr)
def test_a_change_that_was_made_goes_on_and_can_be_taken_back(error: KitaruError) -> None:
    server: Any = Refusing(stack(), error=error)
    writer = Writer(server)
    writer.rename_stack("stack", "s", "t")
    assert [doc.name for doc in server.docs] == ["t"]
    assert writer.roll_back() == []
    assert [doc.name for doc in server.docs] == ["s"]


@pytest.mark.parametrize("error", REFUSALS, ids=repr)
def test_a_change_that_was_not_made_is_refused_and_nothing_is_put_back(error: KitaruError) -> None:
    server: Any = Refusing(stack(), error=error, does=False)
    writer = Writer(server)
    with pytest.raises(KitaruError, match=r"refused|and shows it") as raised:
        writer.rename_stack("stack", "s", "t")
    # That there is no such thing is seen not to be so.
    assert isinstance(raised.value, NotFoundError) is False
    assert type(raised.value) in {type(error), KitaruError}
    assert writer.roll_back() == []
    assert (len(server.sent), writer.theirs) == (1, [])


@pytest.mark.parametrize("error", REFUSALS[:2], ids=repr)
def test_a_change_that_somebody_else_has_written_over_is_said_to_be_theirs(
    error: KitaruError,
) -> None:
    server: Any = Refusing(stack(), error=error, does=False)
    server.docs = [stack(name="theirs")]
    writer = Writer(server)
    with pytest.raises(KitaruError):
        writer.rename_stack("stack", "s", "t")
    assert writer.roll_back() == []
    assert writer.theirs == ["stack theirs"]


def test_a_change_of_what_is_gone_is_refused_as_that() -> None:
    server: Any = Refusing(error=NotFoundError("refused"), does=False)
    writer = Writer(server)
    with pytest.raises(NotFoundError, match="refused"):
        writer.rename_stack("stack", "s", "t")
    assert writer.roll_back() == []


def test_a_store_of_this_process_is_taken_at_its_word() -> None:
    server: Any = Refusing(stack(), error=AlreadyExistsError("refused"), kind="local")
    writer = Writer(server)
    with pytest.raises(AlreadyExistsError):
        writer.rename_stack("stack", "s", "t")
    assert writer.roll_back() == []
    with pytest.raises(AlreadyExistsError):
        writer.delete_stack("stack")
    assert server.looked == 0


@pytest.mark.parametrize("error", [*REFUSALS, NotConnectedError("refused"), AnswerLost("refused")])
@pytest.mark.parametrize("does", [True, False])
def test_a_deletion_is_done_where_the_thing_is_gone(error: KitaruError, does: bool) -> None:
    server: Any = Refusing(stack(), error=error, does=does)
    if does:
        assert Writer(server).delete_stack("stack") is True
    else:
        with pytest.raises(type(error), match="refused"):
            Writer(server).delete_stack("stack")


class Denying(Refusing):
    """A server that says of everything that it is gone already."""

    def delete(self, kind: str, id: str) -> bool:
        if self.does:
            Held.delete(self, kind, id)
        return False


@pytest.mark.parametrize("kind", ["server", "local"])
def test_that_something_is_gone_already_is_seen(kind: str) -> None:
    error = KitaruError("unused")
    gone: Any = Denying(stack(), error=error, kind=kind)
    assert Writer(gone).delete_stack("stack") is False
    there: Any = Denying(stack(), error=error, does=False, kind=kind)
    if kind == "local":
        assert Writer(there).delete_stack("stack") is False
    else:
        with pytest.raises(KitaruError, match="and shows it"):
            Writer(there).delete_stack("stack")
    silent: Any = SimpleNamespace(
        place=there.place, delete=lambda *_: False, stacks=failing(NotConnectedError("x"))
    )
    if kind == "server":
        with pytest.raises(AnswerLost, match="could not be asked again"):
            lost.delete(silent, "stack", "id")


@pytest.mark.parametrize(
    ("kind", "method"),
    [("stack", "stacks"), ("component", "components"), ("connector", "connectors")],
)
def test_what_is_there_is_asked_by_its_id(kind: Any, method: str) -> None:
    asked: list[tuple[str, ...]] = []

    def listing(where: Any) -> list[str]:
        asked.append(where.ids)
        return ["doc"] if where.ids == ("id",) else []

    gateway: Any = SimpleNamespace(**{method: listing})
    assert lost.is_there(gateway, kind, "id") is True
    assert lost.is_there(gateway, kind, "other") is False
    assert asked == [("id",), ("other",)]
    silent: Any = SimpleNamespace(**{method: failing(NotConnectedError("x"))})
    assert lost.is_there(silent, kind, "id") is None
